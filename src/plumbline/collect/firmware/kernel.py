"""What stands in a Linux kernel once it is decompressed: its banner, its configuration, its initial files.

Not the forms in which kernels are packed (`formats/linux`). Rules: only what has the kernel's own form counts as a banner; every search is
bounded; a configuration or an archive that does not decompress whole is said, and given as far as it goes.

| what | told by | Linux |
|---|---|---|
| banner | `Linux version 6.1.0 (who@where) (compiler) #1 ...` | init/version.c, linux_banner |
| configuration | `IKCFG_ST`, gzip, `IKCFG_ED` | kernel/configs.c |
| initial files | a cpio archive of form newc, as it is or compressed | usr/initramfs_data.S |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from plumbline.collect.firmware.format import Part
from plumbline.collect.firmware.formats.cpio import CpioReader
from plumbline.collect.firmware.lzop import MAGIC as LZOP_MAGIC
from plumbline.collect.firmware.lzop import LzopStream
from plumbline.collect.firmware.said import shown
from plumbline.collect.firmware.source import Budget, BudgetSpentError, Source
from plumbline.collect.firmware.streams import Stream
from plumbline.model.errors import ProtocolError

SEARCHED_MAX = 256 << 20
TRIED_MAX = 256  # places at which a compressed archive may begin
BANNER = re.compile(rb"Linux version (\d{1,3}\.\d{1,5}[!-~]{0,80}) \(([ -~]{1,200}?@[ -~]{1,200}?)\) ([ -~]{0,512})")
PACKED = {  # what a compressed kernel or archive begins with
    b"\x1f\x8b\x08": "gzip", b"\xfd7zXZ\0": "xz", b"BZh": "bzip2", b"\x5d\0\0": "lzma", b"\x02\x21\x4c\x18": "lz4-legacy",
    b"\x28\xb5\x2f\xfd": "zstd", LZOP_MAGIC: "lzo",
}  # fmt: skip
_CONFIGURED = b"IKCFG_ST"
_CPIO = re.compile(rb"07070[12][0-9A-Fa-f]{104}")
_ANY_PACKED = re.compile(
    rb"\x1f\x8b\x08[\0-\x1f]|\xfd7zXZ\0|BZh[1-9]1AY&SY|\x5d\0\0[\0-\xff][\0-\x04](?:\xff{8}|[\0-\xff]{4}\0{4})\0"
    rb"|\x02\x21\x4c\x18|\x28\xb5\x2f\xfd|\x89LZO\0\r\n\x1a\n"
)
_BLOCK = 4 << 20
_OVERLAP = 2048
_BUILT = re.compile(r"\b([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) UTC (\d{4})\b")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass
class Contents:
    """What was found. `version` is that of the banner, `banner` its whole line, `parts` the configuration and the initial files."""

    version: str | None = None
    banner: str | None = None
    built_at: datetime | None = None
    parts: list[Part] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def facts(self) -> dict[str, str]:
        """The banner, and whether the configuration stands in it."""
        said = {"banner": self.banner or "", "configuration": "inside" if any(part.name == "config" for part in self.parts) else ""}
        return {name: text for name, text in said.items() if text}


def find_banner(source: Source) -> re.Match[bytes] | None:
    """Find the first banner."""
    return next((match for _, match in _matches(source, BANNER)), None)


def read_contents(source: Source, budget: Budget) -> Contents:
    """Find banner, configuration and initial files; raises BudgetSpentError."""
    found = Contents()
    banner = find_banner(source)
    if banner is not None:
        found.version = shown(banner[1].decode("ascii"))
        found.banner = shown(banner[0].decode("ascii"), 512)
        found.built_at = _built(found.banner or "")
    configured = next((at for at, _ in _matches(source, re.compile(_CONFIGURED + rb"\x1f\x8b\x08"))), None)
    if configured is not None:
        _unpacked(source.slice(configured + len(_CONFIGURED)), "config", "kernel-config", found, budget)
    _initial_files(source, configured, found, budget)
    if source.size > SEARCHED_MAX:
        found.problems.append(f"only its first {SEARCHED_MAX >> 20} MB were searched")
    return found


def read_packed(source: Source, budget: Budget) -> tuple[str, Source, str | None] | None:
    """Decompress what a source begins with; gives the compression, what came out, and what was wrong. None when nothing is packed here."""
    head = source.some(0, 16)
    name = next((word for magic, word in PACKED.items() if head.startswith(magic)), None)
    if name is None:
        return None
    if name == "lzo":
        return name, budget.keep(LzopStream(source).pieces()), None
    stream = Stream(source, name)
    return name, budget.keep(stream.pieces()), stream.problem


def _matches(source: Source, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, re.Match[bytes]]]:
    """Yield where a pattern stands, block by block; each block sees a little of the next."""
    for start in range(0, min(source.size, SEARCHED_MAX), _BLOCK):
        window = source.some(start, _BLOCK + _OVERLAP)
        for match in pattern.finditer(window):
            if match.start() >= _BLOCK:
                break
            yield start + match.start(), match


def _built(banner: str) -> datetime | None:
    match = _BUILT.search(banner)
    if match is None or match[1] not in _MONTHS:
        return None
    try:
        hour, minute, second = map(int, match.group(3, 4, 5))
        return datetime(int(match[6]), _MONTHS.index(match[1]) + 1, int(match[2]), hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _initial_files(source: Source, configured: int | None, found: Contents, budget: Budget) -> None:
    """Find the archive of initial files; the one that every kernel has, with a console and no file, is none."""
    for at, _ in _matches(source, _CPIO):
        reader = CpioReader(source.slice(at))
        kinds = {entry.mode >> 12 for entry in reader.entries()}  # all of them: where it ends is known then
        if kinds & {0o10, 0o12}:  # a file or a link
            found.parts.append(Part("initramfs", source.slice(at, min(reader.end, source.size - at)), "ramdisk"))
        return
    tried = 0
    for at, match in _matches(source, _ANY_PACKED):
        if configured is not None and at == configured + len(_CONFIGURED):
            continue
        tried += 1
        if tried > TRIED_MAX:
            return
        name = next(word for magic, word in PACKED.items() if match[0].startswith(magic))
        if _first_bytes(source.slice(at), name, budget).startswith((b"070701", b"070702")):
            _unpacked(source.slice(at), "initramfs", "ramdisk", found, budget)
            return


def _first_bytes(source: Source, name: str, budget: Budget) -> bytes:
    budget.pay(1 << 16)
    try:
        return next(LzopStream(source).pieces() if name == "lzo" else Stream(source, name).pieces(), b"")
    except ProtocolError:
        return b""


def _unpacked(source: Source, part: str, role: str, found: Contents, budget: Budget) -> None:
    try:
        packed = read_packed(source, budget)
    except BudgetSpentError:
        raise
    except ProtocolError as error:
        found.problems.append(f"{part}: {error}")
        return
    if packed is not None:
        if packed[1].size:
            found.parts.append(Part(part, packed[1], role))
        if packed[2]:
            found.problems.append(f"{part}: {packed[2]}")

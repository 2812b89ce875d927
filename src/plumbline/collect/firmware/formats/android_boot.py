"""Android boot images: kernel, ramdisk and device tree in pages, versions 0 to 4, and the vendor's own (`VNDRBOOT`), versions 3 and 4.

Rules: the digest in the header (versions 0 to 2) is computed anew; Verified Boot metadata behind the image is read by `avb`, and an image
that only another partition's metadata signs carries no signature here.

All numbers are little endian (Android, system/tools/mkbootimg, include/bootimg/bootimg.h).

| offset | versions 0 to 2 | | offset | versions 3, 4 | | offset | vendor's, 3 and 4 |
|---|---|---|---|---|---|---|---|
| 0 | magic `ANDROID!` | | 0 | magic `ANDROID!` | | 0 | magic `VNDRBOOT` |
| 8, 12 | kernel: size, address | | 8 | size of the kernel | | 8 | version |
| 16, 20 | ramdisk | | 12 | size of the ramdisk | | 12 | size of a page |
| 24, 28 | second stage | | 16 | system's version | | 24 | size of the ramdisks |
| 36 | size of a page | | 20 | size of the header | | 28 | command line, 2048 |
| 40 | version (before: size of a tree) | | 40 | version | | 2080 | name, 16 |
| 44 | system's version | | 44 | command line, 1536 | | 2096 | size of the header |
| 48 | name, 16 | | 1580 | size of the signature (4) | | 2100 | size of the device tree |
| 64 | command line, 512 | | | pages of 4096 | | 2112 | sizes of table, (entries, entry), |
| 576 | SHA-1 of the parts, 32 | | | | | 2124 | bootconfig (4) |
| 608 | command line, 1024 more | | | | | | |
| 1632, 1636 | recovery's tree: size, offset u64 (1, 2) | | | | | | |
| 1648 | size of the device tree (2) | | | | | | |

System's version: bits 31-11 three numbers of 7 bits, 10-4 year after 2000, 3-0 month. The digest takes in each part and its size, u32.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from itertools import chain

from plumbline.collect.firmware import avb
from plumbline.collect.firmware.digests import digest_of
from plumbline.collect.firmware.format import Format, Header, Opened, Part, Signature
from plumbline.collect.firmware.said import command_line, text_of
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

MAGIC = b"ANDROID!"
VENDOR_MAGIC = b"VNDRBOOT"
PAGE_4096 = 4096
_PAGES = frozenset(1 << bits for bits in range(10, 18))
_LATEST = 4
PROPERTIES_MAX = 32
_ROLES = {"kernel": "kernel", "ramdisk": "ramdisk", "recovery-dtbo": "dtb", "dtb": "dtb", "dt": "dtb", "bootconfig": "bootconfig"}


class _Layout:
    """Parts laid out in pages, one after the other."""

    def __init__(self, source: Source, page: int, header_size: int) -> None:
        self._source = source
        self._page = page
        self.end = _up(header_size, page)
        self.parts: list[Part] = []

    def add(self, name: str, size: int) -> Source:
        """Take the next part, which may be empty; raises ProtocolError when it is not there."""
        found = self._source.slice(self.end, size)
        self.end += _up(size, self._page)
        if size:
            self.parts.append(Part(name, found, _ROLES.get(name)))
        return found


def _up(size: int, page: int) -> int:
    return -(-size // page) * page


def _version(head: bytes) -> int:
    """Give the version of the header: what stands there in images before there was one is the size of a tree."""
    version = int.from_bytes(head[8:12] if head.startswith(VENDOR_MAGIC) else head[40:44], "little")
    return version if version <= _LATEST else 0


def _page(head: bytes) -> int:
    if head.startswith(VENDOR_MAGIC):
        return int.from_bytes(head[12:16], "little")
    return PAGE_4096 if _version(head) >= 3 else int.from_bytes(head[36:40], "little")


def _recognises(source: Source) -> bool:
    head = source.some(0, 64)
    if len(head) < 64 or _page(head) not in _PAGES:
        return False
    if head.startswith(VENDOR_MAGIC):
        return _version(head) in (3, 4)
    kernel = int.from_bytes(head[8:12], "little")
    return head.startswith(MAGIC) and kernel < 1 << 30 and (_version(head) < 3 or head[24:40] == bytes(16))


def _open(source: Source, budget: Budget) -> Opened:
    head = source.read(0, 64)
    budget.pay(PAGE_4096)
    if _page(head) not in _PAGES:
        raise ProtocolError(f"pages of {_page(head)} bytes", offset=36)
    if head.startswith(VENDOR_MAGIC):
        opened = _vendor(source, _version(head), _page(head))
    elif _version(head) >= 3:
        opened = _generic(source, _version(head))
    else:
        opened = _legacy(source, _version(head), _page(head))
    return _with_footer(source, opened, budget)


def _legacy(source: Source, version: int, page: int) -> Opened:
    head = source.read(0, 1660 if version == 2 else 1648 if version else 1632)
    kernel, _, ramdisk, _, second, _, _, _, tree, system = struct.unpack_from("<10I", head, 8)
    layout = _Layout(source, page, len(head))
    taken = [layout.add("kernel", kernel), layout.add("ramdisk", ramdisk), layout.add("second", second)]
    if version >= 1:
        taken.append(layout.add("recovery-dtbo", int.from_bytes(head[1632:1636], "little")))
    if version == 2:
        taken.append(layout.add("dtb", int.from_bytes(head[1648:1652], "little")))
    if tree > _LATEST:
        layout.add("dt", tree)
    said = head[576:608]
    algorithm = "sha256" if said[20:].strip(b"\0") else "sha1"  # some vendors' tools write the longer one
    held = _digest(taken, algorithm) == said[: 20 if algorithm == "sha1" else 32] if said.strip(b"\0") else None
    header = Header(
        name=text_of(head[48:64]),
        checksum=held,
        facts={"header_version": str(version), **_system(system), **_command_line(head[64:576].rstrip(b"\0") + head[608:1632])},
    )
    problems = (f"its {algorithm} does not hold",) if held is False else ()
    return Opened(header, tuple(layout.parts), size=min(layout.end, source.size), problems=problems)


def _digest(parts: list[Source], algorithm: str) -> bytes:
    return digest_of(chain.from_iterable(chain(part.blocks(), (part.size.to_bytes(4, "little"),)) for part in parts), algorithm)


def _generic(source: Source, version: int) -> Opened:
    head = source.read(0, 1584 if version >= 4 else 1580)
    kernel, ramdisk, system = struct.unpack_from("<3I", head, 8)
    layout = _Layout(source, PAGE_4096, len(head))
    layout.add("kernel", kernel)
    layout.add("ramdisk", ramdisk)
    signatures: tuple[Signature, ...] = ()
    size = int.from_bytes(head[1580:1584], "little")
    if size:
        found = source.slice(layout.end, size)
        layout.end += _up(size, PAGE_4096)
        metadata = avb.read_metadata(found, "the metadata of the boot signature; the digest in it is not checked")
        signatures = (metadata.signature,) if metadata.signature else ()
    header = Header(facts={"header_version": str(version), **_system(system), **_command_line(head[44:1580])})
    return Opened(header, tuple(layout.parts), signatures=signatures, size=min(layout.end, source.size))


def _vendor(source: Source, version: int, page: int) -> Opened:
    head = source.read(0, 2128 if version >= 4 else 2112)
    layout = _Layout(source, page, len(head))
    layout.add("ramdisk", int.from_bytes(head[24:28], "little"))
    layout.add("dtb", int.from_bytes(head[2100:2104], "little"))
    if version >= 4:
        table, _count, _entry, configuration = struct.unpack_from("<4I", head, 2112)
        source.slice(layout.end, table)
        layout.end += _up(table, page)
        layout.add("bootconfig", configuration)
    facts = {"header_version": str(version), "vendor_boot": "yes", **_command_line(head[28:2076])}
    return Opened(Header(name=text_of(head[2080:2096]), facts=facts), tuple(layout.parts), size=min(layout.end, source.size))


def _system(value: int) -> dict[str, str]:
    """Give the system's version and its security patch level, where they are not zero."""
    facts: dict[str, str] = {}
    if value >> 11:
        facts["os_version"] = ".".join(str(value >> shift & 0x7F) for shift in (25, 18, 11))
    if value & 0xF:
        facts["security_patch"] = f"{2000 + (value >> 4 & 0x7F)}-{value & 0xF:02}"
    return facts


def _command_line(raw: bytes) -> dict[str, str]:
    text = text_of(raw, 2048)
    return {"cmdline": command_line(text)} if text else {}


def _with_footer(source: Source, opened: Opened, budget: Budget) -> Opened:
    """Add what Verified Boot metadata behind the image says."""
    found = avb.find_footer(source)
    if found is None:
        return opened
    original, behind = found
    try:
        metadata = avb.read_metadata(behind, "the metadata with the partition's digest")
        if original > source.size:
            raise ProtocolError(f"an image of {original} bytes in {source.size}")
    except ProtocolError as error:
        return replace(opened, problems=(*opened.problems, f"Verified Boot metadata: {error}"))
    for each in metadata.hashes:
        budget.pay(min(each.size, original))
    held = [each.holds(source.slice(0, original)) for each in metadata.hashes]
    checks = [one for one in (opened.header.checksum, *held) if one is not None]
    facts = {f"avb.{name}": text for name, text in list(metadata.properties.items())[:PROPERTIES_MAX]}
    header = replace(
        opened.header,
        security_version=metadata.rollback_index if metadata.signature else None,
        checksum=all(checks) if checks else None,
        facts={**opened.header.facts, **facts, "avb": "signed" if metadata.signature else "digest only"},
    )
    signature, problems = metadata.signature, opened.problems
    if False in held:
        problems = (*problems, "the digest in its Verified Boot metadata does not hold")
        signature = replace(signature, verified=False) if signature else None  # what is signed is not this image
    signatures = (*opened.signatures, signature) if signature else opened.signatures
    return replace(opened, header=header, signatures=signatures, size=source.size, problems=problems)


FORMAT = Format("android_boot", "Android boot image", ((0, MAGIC), (0, VENDOR_MAGIC)), _recognises, _open, embedded=True)

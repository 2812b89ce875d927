"""Linux kernels in the forms in which boot loaders take them: bzImage, zImage, Image, vmlinux.

What is packed in one becomes its part, and is told as a kernel again; what stands in that, `kernel` finds. Rules: a version is that of the
banner in the kernel itself, or, of a bzImage whose kernel does not decompress, that of its header.

| form | offset | size | field | source |
|---|---|---|---|---|
| x86 bzImage | 0x1f1 | 1 | sectors of the set-up code, 0: 4 | Linux, Documentation/arch/x86/boot.rst |
| | 0x1f4 | 4 | size of the rest in 16 bytes | |
| | 0x202 | 4+2 | `HdrS`, version of the protocol | |
| | 0x20e | 2 | where the version stands, behind 0x200 | |
| | 0x236 | 2 | bit 0: 64 bits (from 2.12 on) | |
| | 0x248, 0x24c | 4+4 | packed kernel behind the set-up code: offset, size (from 2.08 on) | |
| ARM zImage | 0x24 | 4 | magic 0x016f2818 | arch/arm/boot/compressed/head.S |
| | 0x28, 0x2c | 4+4 | start, end | |
| arm64 Image | 8, 16, 24 | 8+8+8 | offset, size, flags (bit 0: big endian) | Documentation/arch/arm64/booting.rst |
| | 56 | 4 | magic `ARM` 0x64 | |
| RISC-V Image | 8, 16, 24 | 8+8+8 | offset, size, flags | Documentation/arch/riscv/boot-image-header.rst |
| | 56 | 4 | magic `RSC` 0x05 | |
| vmlinux | 0, 16, 18 | 4, 2, 2 | ELF magic, type, machine | ELF; told by its banner |
"""

from __future__ import annotations

import re
import struct
from dataclasses import replace

from plumbline.collect.firmware.authenticode import read_signatures
from plumbline.collect.firmware.format import HEAD, Format, Header, Opened, Part
from plumbline.collect.firmware.kernel import Contents, find_banner, read_contents, read_packed
from plumbline.collect.firmware.said import text_of
from plumbline.collect.firmware.source import Budget, BudgetSpentError, Source
from plumbline.model.errors import ProtocolError

ARM64, RISCV = b"ARM\x64", b"RSC\x05"
ZIMAGE_LITTLE, ZIMAGE_BIG = b"\x18\x28\x6f\x01", b"\x01\x6f\x28\x18"
X86 = b"HdrS"
ELF = b"\x7fELF"
ZIMAGE_MAX = 64 << 20
IMAGE_MAX = 256 << 20
PACKED_MIN = 64 << 10  # bytes of a packed kernel that decompressed; less is a magic by chance
_VERSION = re.compile(r"\d{1,3}\.\d{1,5}[!-~]{0,80}")
_PACKED = re.compile(rb"\x1f\x8b\x08\0|\xfd7zXZ\0|BZh9|\x5d\0\0[\0-\xff]|\x02\x21\x4c\x18|\x28\xb5\x2f\xfd|\x89LZO\0\r\n\x1a\n")
_TRIED_MAX = 64
_MACHINES = {
    3: "x86", 8: "mips", 20: "powerpc", 21: "powerpc64", 22: "s390", 40: "arm", 42: "sh", 43: "sparc64", 62: "x86_64", 93: "arc",
    94: "xtensa", 183: "arm64", 243: "riscv", 258: "loongarch",
}  # fmt: skip


def _form(source: Source) -> str | None:
    """Tell the form by its magic and what stands beside it."""
    head = source.some(0, 0x260)
    if len(head) < 64:
        return None
    if head[0x202:0x206] == X86 and head[0x1FE:0x200] == b"\x55\xaa":
        return "bzImage"
    if head[0x24:0x28] in (ZIMAGE_LITTLE, ZIMAGE_BIG):
        start, end = struct.unpack_from("<2I" if head[0x24:0x28] == ZIMAGE_LITTLE else ">2I", head, 0x28)
        return "zImage" if 0 < end - start <= ZIMAGE_MAX and end % 4 == 0 else None
    if head[56:60] in (ARM64, RISCV):
        size, flags = struct.unpack_from("<2Q", head, 16)
        return "Image" if size <= IMAGE_MAX and flags < 1 << 16 else None
    return "vmlinux" if head[:4] == ELF else None


def _recognises(source: Source) -> bool:
    form = _form(source)
    if form == "vmlinux":
        kind, machine = _elf(source)
        return kind in (2, 3) and machine in _MACHINES.values() and source.size > HEAD and find_banner(source) is not None
    return form is not None


def _open(source: Source, budget: Budget) -> Opened:
    form = _form(source)
    if form == "bzImage":
        return _signed(source, _bzimage(source, budget))
    if form == "zImage":
        return _zimage(source, budget)
    if form == "Image":
        return _signed(source, _image(source, budget))
    if form == "vmlinux":
        return _plain(source, _elf(source)[1], budget, None, form)
    raise ProtocolError("no form of a kernel", offset=0)


def _signed(source: Source, opened: Opened) -> Opened:
    """Add the signatures of a kernel that is an EFI program too; they stand behind it."""
    signatures = read_signatures(source)
    return replace(opened, signatures=tuple(signatures), size=source.size) if signatures else opened


def _bzimage(source: Source, budget: Budget) -> Opened:
    head = source.read(0, 0x260)
    sectors = head[0x1F1] or 4
    (rest,) = struct.unpack_from("<I", head, 0x1F4)
    protocol, said_at = struct.unpack_from("<H", head, 0x206)[0], struct.unpack_from("<H", head, 0x20E)[0]
    said = text_of(source.some(said_at + 0x200, 256)) if said_at else None
    architecture = "x86_64" if protocol >= 0x020C and head[0x236] & 1 else "x86"
    facts = {"form": "bzImage", "boot_protocol": f"{protocol >> 8}.{protocol & 0xFF:02}"} | ({"setup_version": said} if said else {})
    start = (sectors + 1) * 512
    size = start + 16 * rest
    if size > source.size:
        raise ProtocolError(f"bzImage of {size} bytes in {source.size}")
    if protocol < 0x0208:
        return Opened(
            Header(version=_version(said), architecture=architecture, facts=facts), size=size, problems=("packed in an older way",)
        )
    offset, length = struct.unpack_from("<2I", head, 0x248)
    packed = source.slice(start + offset, length)
    return _with_packed(packed, facts, architecture, _version(said), size, budget)


def _zimage(source: Source, budget: Budget) -> Opened:
    order = "<2I" if source.read(0x24, 4) == ZIMAGE_LITTLE else ">2I"
    start, end = struct.unpack(order, source.read(0x28, 8))
    size = end - start
    if size > source.size:
        raise ProtocolError(f"zImage of {size} bytes in {source.size}")
    whole = source.slice(0, size)
    for at in _packed_places(whole):
        budget.pay(PACKED_MIN)
        found = _tried(whole.slice(at), budget)
        if found is not None:
            return _opened(found, {"form": "zImage"}, "arm", None, size, budget)
    return Opened(Header(architecture="arm", facts={"form": "zImage"}), size=size, problems=("no packed kernel was found in it",))


def _packed_places(source: Source) -> list[int]:
    """Where a packed kernel may begin; the code before it is small."""
    head = source.some(0, 1 << 20)
    return [match.start() for match in _PACKED.finditer(head, 0x30)][:_TRIED_MAX]


def _tried(source: Source, budget: Budget) -> tuple[str, Source, str | None] | None:
    try:
        found = read_packed(source, budget)
    except BudgetSpentError:
        raise
    except ProtocolError:
        return None
    return found if found is not None and found[1].size >= PACKED_MIN else None


def _with_packed(packed: Source, facts: dict[str, str], architecture: str, version: str | None, size: int, budget: Budget) -> Opened:
    found = _tried(packed, budget)
    if found is None:
        header = Header(version=version, architecture=architecture, facts=facts)
        return Opened(header, size=size, problems=("its packed kernel does not decompress",))
    return _opened(found, facts, architecture, version, size, budget)


def _opened(
    found: tuple[str, Source, str | None], facts: dict[str, str], architecture: str, version: str | None, size: int, budget: Budget
) -> Opened:
    """Give the kernel that was packed as a part, with the version that stands in it."""
    compression, kernel, problem = found
    budget.pay(min(kernel.size, 1 << 20))
    banner = find_banner(kernel)
    if banner is not None:
        version = banner[1].decode("ascii")
    header = Header(version=version, architecture=architecture, facts=facts)
    part = Part("kernel", kernel, "kernel")
    return Opened(header, (part,), compression=compression, size=size, problems=(problem,) if problem else ())


def _image(source: Source, budget: Budget) -> Opened:
    head = source.read(0, 64)
    (size,) = struct.unpack_from("<Q", head, 16)
    architecture = "arm64" if head[56:60] == ARM64 else "riscv"
    # The size counts what the kernel clears in memory as well: a file is shorter.
    return _plain(source.slice(0, min(size, source.size) if size else None), architecture, budget, size, "Image")


def _plain(source: Source, architecture: str | None, budget: Budget, size: int | None, form: str) -> Opened:
    budget.pay(min(source.size, 1 << 20))
    contents = read_contents(source, budget)
    end = min(size, source.size) if size else None
    header = header_of(contents, architecture, form)
    return Opened(header, tuple(contents.parts), size=end, problems=tuple(contents.problems))


def header_of(contents: Contents, architecture: str | None, form: str) -> Header:
    """Give what a kernel says of itself."""
    facts = {"form": form, **contents.facts}
    return Header(version=contents.version, architecture=architecture, created_at=contents.built_at, facts=facts)


def _elf(source: Source) -> tuple[int, str | None]:
    """Give type and machine of an ELF file."""
    head = source.some(0, 20)
    if len(head) < 20:
        return 0, None
    kind, machine = struct.unpack_from("<2H" if head[5] == 1 else ">2H", head, 16)
    return kind, _MACHINES.get(machine)


def _version(said: str | None) -> str | None:
    match = _VERSION.match(said or "")
    return match[0] if match else None


_MAGICS = ((0x202, X86), (0x24, ZIMAGE_LITTLE), (0x24, ZIMAGE_BIG), (56, ARM64), (56, RISCV), (0, ELF))
FORMAT = Format("linux", "Linux kernel", _MAGICS, _recognises, _open, embedded=True)

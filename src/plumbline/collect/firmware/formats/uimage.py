"""U-Boot's legacy images (uImage): one header of 64 bytes before a kernel, a ramdisk, a script, or several of them.

Rules: both checksums are tried; a header whose own checksum fails is still told, when its words can be true, because that is what a changed
image looks like.

All numbers are big endian (U-Boot, include/image.h, struct legacy_img_hdr).

| offset | size | field | | offset | size | field |
|---|---|---|---|---|---|---|
| 0 | 4 | magic 0x27051956 | | 24 | 4 | CRC-32 of the data |
| 4 | 4 | CRC-32 of the header, itself zero | | 28 | 1 | operating system |
| 8 | 4 | created, s since 1970 | | 29 | 1 | architecture |
| 12 | 4 | size of the data | | 30 | 1 | type |
| 16 | 4 | load address | | 31 | 1 | compression |
| 20 | 4 | entry point | | 32 | 32 | name |

Data of types multi and script begins with a list of sizes, u32, ended by 0; then the files, each padded to 4 (ibid., "Multi-File Images").
"""

from __future__ import annotations

import struct
import zlib

from plumbline.collect.firmware.digests import crc32
from plumbline.collect.firmware.format import Format, Header, Opened, Part
from plumbline.collect.firmware.said import text_of, time_of
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

MAGIC = b"\x27\x05\x19\x56"
HEADER_SIZE = 64
FILES_MAX = 64
_HEADER = struct.Struct(">7I4B32s")


def _words(text: str) -> list[str]:
    return text.split()


_SYSTEMS = _words(
    "invalid openbsd netbsd freebsd 4_4bsd linux svr4 esix solaris irix sco dell ncr lynxos vxworks psos qnx u-boot rtems artos unity"
    " integrity ose plan9 openrtos arm-trusted-firmware tee opensbi efi elf"
)
_ARCHITECTURES = _words(
    "invalid alpha arm x86 ia64 mips mips64 powerpc s390 sh sparc sparc64 m68k nios microblaze nios2 blackfin avr32 st200 sandbox nds32"
    " or1k arm64 arc x86_64 xtensa riscv"
)
_TYPES = {
    1: "standalone", 2: "kernel", 3: "ramdisk", 4: "multi", 5: "firmware", 6: "script", 7: "filesystem", 8: "flat_dt", 14: "kernel_noload",
    20: "x86_setup", 23: "loadable", 30: "fpga", 32: "tee", 40: "copro",
}  # fmt: skip
_COMPRESSIONS = ("none", "gzip", "bzip2", "lzma", "lzo", "lz4", "zstd")
_ROLES = {"filesystem": "rootfs", "flat_dt": "dtb", "kernel_noload": "kernel"}
_MULTI = ("kernel", "ramdisk", "dtb")  # what U-Boot takes the files of a multi-file image for, in this order (boot/image-board.c)


def _kinds(head: bytes) -> tuple[str, str, str, str] | None:
    """Give system, architecture, type and compression; None when one of them is no known number."""
    *_, system, architecture, kind, compression, _name = _HEADER.unpack(head)
    if not (0 < architecture < len(_ARCHITECTURES) and system < len(_SYSTEMS) and kind in _TYPES and compression < len(_COMPRESSIONS)):
        return None
    return _SYSTEMS[system], _ARCHITECTURES[architecture], _TYPES[kind], _COMPRESSIONS[compression]


def _header_holds(head: bytes) -> bool:
    return zlib.crc32(head[:4] + bytes(4) + head[8:]) == int.from_bytes(head[4:8], "big")


def _recognises(source: Source) -> bool:
    head = source.some(0, HEADER_SIZE)
    if len(head) < HEADER_SIZE or head[:4] != MAGIC:
        return False
    name = head[32:].split(b"\0", 1)[0]
    plausible = _kinds(head) is not None and name.decode("utf-8", "replace").isprintable() and b"\xff\xff" not in name
    return _header_holds(head) or plausible


def _open(source: Source, budget: Budget) -> Opened:
    head = source.read(0, HEADER_SIZE)
    _, _, created, size, load, entry, data_crc, *_, name = _HEADER.unpack(head)
    words = _kinds(head)
    if words is None:
        raise ProtocolError("uImage of an unknown type", offset=28)
    system, architecture, kind, compression = words
    data = source.slice(HEADER_SIZE, size)
    budget.pay(min(size, 1 << 16))
    header_holds, data_holds = _header_holds(head), crc32(data) == data_crc
    problems = [
        f"the checksum of the {what} does not hold" for what, holds in (("header", header_holds), ("data", data_holds)) if not holds
    ]
    header = Header(
        name=text_of(name),
        architecture=architecture,
        created_at=time_of(created),
        checksum=header_holds and data_holds,
        facts={"os": system, "type": kind, "compression": compression, "load": f"{load:#x}", "entry": f"{entry:#x}"},
    )
    parts = _files(data, kind) if kind in ("multi", "script") else (Part(kind, data, _ROLES.get(kind, kind)),)
    return Opened(header, parts, size=HEADER_SIZE + size, problems=tuple(problems))


def _files(data: Source, kind: str) -> tuple[Part, ...]:
    """Split the data of a multi-file image or a script."""
    sizes: list[int] = []
    while (size := int.from_bytes(data.read(4 * len(sizes), 4), "big")) != 0:
        sizes.append(size)
        if len(sizes) > FILES_MAX:
            raise ProtocolError(f"more than {FILES_MAX} files in one uImage")
    if not sizes:
        raise ProtocolError("an empty list of files", offset=HEADER_SIZE)
    parts: list[Part] = []
    at = 4 * (len(sizes) + 1)
    for number, size in enumerate(sizes):
        role = "script" if kind == "script" else _MULTI[number] if number < len(_MULTI) else None
        parts.append(Part(f"{kind}-{number}", data.slice(at, size), role))
        at += size + -size % 4
    return tuple(parts)


FORMAT = Format("uimage", "uImage", ((0, MAGIC),), _recognises, _open, embedded=True)

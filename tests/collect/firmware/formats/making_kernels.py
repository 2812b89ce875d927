"""Writers of kernels in their forms: what is inside is a banner, a configuration and an archive of initial files, and no program."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

import lz4.block
import zstandard
from lzallright import LZOCompressor

from tests.collect.firmware.formats.making_packages import newc

_LZ4: Any = lz4.block
BANNER = b"Linux version 5.10.110-northwind (builder@build7) (arm-gcc (GCC) 11.3.0, GNU ld 2.38) #1 SMP Thu Mar 14 10:11:12 UTC 2024\n\0"
CONFIG = b"CONFIG_IKCONFIG=y\nCONFIG_STRICT_KERNEL_RWX=y\n" * 10
FILES = newc(("init", b"#!/bin/sh\n"), ("etc/passwd", b"root::0:0::/:/bin/sh\n"))
NOISE = random.Random(7).randbytes(70_000)


def kernel(*, banner: bytes = BANNER, config: bool = True, files: bytes = FILES, size: int = 300_000) -> bytes:
    """The memory of a kernel."""
    data = NOISE + b"\0" * 64 + banner + b"<0>Kernel panic - not syncing: %s\n\0" + NOISE[:5000] + bytes(3)
    data += b"IKCFG_ST" + gzip.compress(CONFIG, mtime=0) + b"IKCFG_ED" if config else b""
    data += bytes(-len(data) % 4) + files
    return data.ljust(size, b"\0")


def lzop(data: bytes) -> bytes:
    """An lzop stream with checksums, as `lzop` writes it."""
    head = struct.pack(">HHHBBIIII", 0x1040, 0x20A0, 0x0940, 3, 9, 0x03000001, 0o100644, 0, 0) + b"\0"
    out = b"\x89LZO\0\r\n\x1a\n" + head + struct.pack(">I", zlib.adler32(head))
    for at in range(0, len(data), 1 << 18):
        block = data[at : at + (1 << 18)]
        packed = LZOCompressor().compress(block)
        packed = block if len(packed) >= len(block) else packed
        out += struct.pack(">III", len(block), len(packed), zlib.adler32(block)) + packed
    return out + bytes(4)


def legacy_lz4(data: bytes) -> bytes:
    packed = _LZ4.compress(data, store_size=False)
    return b"\x02\x21\x4c\x18" + struct.pack("<I", len(packed)) + packed


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bzip2": bz2.compress,
    "xz": lambda data: lzma.compress(data, check=lzma.CHECK_CRC32),
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "lzo": lzop,
    "lz4-legacy": legacy_lz4,
    "zstd": zstandard.ZstdCompressor().compress,
}


def packed(compression: str, data: bytes) -> bytes:
    """A packed kernel as the build makes it: the size behind all but gzip (scripts/Makefile.lib, size_append)."""
    out = PACKERS[compression](data)
    return out if compression == "gzip" else out + struct.pack("<I", len(data))


def bzimage(
    compression: str = "gzip", data: bytes | None = None, *, protocol: int = 0x020F, version: bytes = b"5.10.110-northwind (b@h) #1 SMP\0"
) -> bytes:
    """An x86 kernel (Documentation/arch/x86/boot.rst)."""
    body = packed(compression, kernel() if data is None else data)
    setup = bytearray(1024)
    code = bytes(128)
    rest = code + body
    rest += bytes(-len(rest) % 16)
    setup[0x1F1] = 1
    struct.pack_into("<I", setup, 0x1F4, len(rest) // 16)
    setup[0x1FE:0x206] = b"\x55\xaa\xeb\x66HdrS"
    struct.pack_into("<H", setup, 0x206, protocol)
    struct.pack_into("<H", setup, 0x20E, 0x300 - 0x200)
    struct.pack_into("<H", setup, 0x236, 1)
    struct.pack_into("<2I", setup, 0x248, len(code), len(body))
    setup[0x300 : 0x300 + len(version)] = version
    return bytes(setup) + rest


def zimage(compression: str = "gzip", data: bytes | None = None, *, order: str = "<", behind: bytes = b"") -> bytes:
    """An ARM kernel (arch/arm/boot/compressed/head.S)."""
    code = b"\0\0\xa0\xe1" * 9 + bytes(12) + NOISE[:400]
    body = packed(compression, kernel() if data is None else data)
    whole = code + body
    whole += bytes(-len(whole) % 4)
    head = bytearray(whole)
    struct.pack_into(f"{order}3I", head, 0x24, 0x016F2818, 0, len(whole))
    return bytes(head) + behind


def plain_image(magic: bytes = b"ARM\x64", data: bytes | None = None) -> bytes:
    """An arm64 or RISC-V kernel (Documentation/arch/arm64/booting.rst)."""
    body = kernel() if data is None else data
    head = struct.pack("<4sI3Q24x4sI", b"MZ@\xfa", 0, 0, len(body) + 64 + 4096, 0xA, magic, 0)
    return head + body


def vmlinux(machine: int = 8, *, order: str = ">") -> bytes:
    """An ELF kernel."""
    return (
        b"\x7fELF\x01"
        + (b"\x02" if order == ">" else b"\x01")
        + b"\x01"
        + bytes(9)
        + struct.pack(f"{order}2H", 2, machine)
        + bytes(40)
        + kernel()
    )


SAMPLES = {
    "linux": {
        "bzImage": bzimage(),
        "zImage": zimage("xz"),
        "zImage, big endian": zimage("lzma", order=">"),
        "Image": plain_image(),
        "RISC-V": plain_image(b"RSC\x05"),
        "vmlinux": vmlinux(),
    },
    "lzop": {"a text": lzop(CONFIG)},
}

"""lzop streams, as kernels that are packed with LZO have them (lzop 1.04, conf.h and lzop.c; Linux, lib/decompress_unlzo.c).

Rules: blocks are capped before anything is decompressed; checksums are stepped over.

| offset | size | field, big endian | | block | size | field |
|---|---|---|---|---|---|---|
| 0 | 9 | magic 89 `LZO` 00 0d 0a 1a 0a | | 0 | 4 | size when whole; 0: the end |
| 9 | 2 | version | | 4 | 4 | size as it stands |
| 11 | 2 | version of the library | | 8 | 0-8 | Adler-32 (flag 0x1), CRC-32 (0x100) of the whole |
| 13 | 0, 2 | version needed, from 0x0940 on | | | 0-8 | of what stands, when smaller (0x2, 0x200) |
| | 1 | method | | | | data |
| | 0, 1 | level, from 0x0940 on | | | | |
| | 4 | flags: 0x40 extra field, 0x800 filter | | | | |
| | 0, 4 | filter | | | | |
| | 4+4+4 | mode, time, time (from 0x0940 on) | | | | |
| | 1 + n | name | | | | |
| | 4 | checksum | | | | |
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from plumbline.collect.firmware.blocks import decompressor
from plumbline.collect.firmware.source import Source, UnsupportedImageError
from plumbline.model.errors import ProtocolError

MAGIC = b"\x89LZO\0\r\n\x1a\n"
BLOCK_MAX = 1 << 20  # lzop's own are of 256 KiB


class LzopStream:
    """One stream at a source's start; after `pieces` came to an end, `end` is the offset behind it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.end = 0

    def pieces(self) -> Iterator[bytes]:
        """Yield what it decompresses to; raises ProtocolError."""
        at, flags = self._header()
        unpack = decompressor("lzo")
        if unpack is None:
            raise UnsupportedImageError("LZO is not read")
        whole_sums = 4 * (bool(flags & 0x1) + bool(flags & 0x100))
        packed_sums = 4 * (bool(flags & 0x2) + bool(flags & 0x200))
        while (whole := int.from_bytes(self._source.read(at, 4), "big")) != 0:
            size = int.from_bytes(self._source.read(at + 4, 4), "big")
            if whole > BLOCK_MAX or not 0 < size <= whole:
                raise ProtocolError(f"LZO block of {size} bytes for {whole}", offset=at)
            at += 8 + whole_sums + (packed_sums if size < whole else 0)
            data = self._source.read(at, size)
            yield data if size == whole else unpack(data, whole)
            at += size
        self.end = at + 4

    def _header(self) -> tuple[int, int]:
        """Read the header; gives where the blocks begin, and the flags."""
        if self._source.read(0, len(MAGIC)) != MAGIC:
            raise ProtocolError("no lzop magic", offset=0)
        version = int.from_bytes(self._source.read(9, 2), "big")
        newer = version >= 0x0940
        at = 13 + (2 if newer else 0) + 1 + (1 if newer else 0)
        (flags,) = struct.unpack(">I", self._source.read(at, 4))
        at += 4 + (4 if flags & 0x800 else 0) + (12 if newer else 8)
        at += 1 + self._source.read(at, 1)[0] + 4
        if flags & 0x40:
            at += 4 + int.from_bytes(self._source.read(at, 4), "big") + 4
        return at, flags

"""cramfs, of both byte orders (fs/cramfs/README and cramfs_fs.h of Linux).

Rules: blocks are 4 KiB when whole, and no more; of the extensions for images that are run in place nothing is read.

| superblock | size | field | | inode (12 bytes) | bits | field |
|---|---|---|---|---|---|---|
| 0 | 4 | magic 0x28CD3D45 | | first word | 16, 16 | mode, owner |
| 4 | 4 | size (flags bit 0) | | second word | 24, 8 | size, group |
| 8 | 4 | flags | | third word | 6, 26 | size of the name / 4, place / 4 |
| 16 | 16 | `Compressed ROMFS` | | | | little endian: from the lowest bit on; big: from the highest |
| 32 | 4 | CRC-32 of the image with this as zero | | | | |
| 48 | 16 | name | | | | |
| 64 | 12 | inode of the root | | | | |

A folder is its entries, each an inode and a name. A file is a list of where each of its blocks ends, then the blocks, zlib streams; one
that ends where it begins is a hole.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.collect.firmware.blocks import decompressor
from plumbline.collect.firmware.format import FileSystem, Format, Header, Inode, Opened
from plumbline.collect.firmware.members import kind_of
from plumbline.collect.firmware.source import Budget, Source, UnsupportedImageError
from plumbline.model.errors import ProtocolError

LITTLE, BIG = b"\x45\x3d\xcd\x28", b"\x28\xcd\x3d\x45"
SIGNATURE = b"Compressed ROMFS"
BLOCK = 4096
SUPERBLOCK = 76
TARGET_MAX = 4096
_SIZED, _EXTENDED = 0x1, 0x800
_KNOWN = 0x1 | 0x2 | 0x100 | 0x200 | 0x400 | _EXTENDED


@dataclass(frozen=True, slots=True)
class _Data:
    at: int  # of its entries or of its list of blocks
    size: int
    owner: int


class Cramfs(FileSystem):
    """A file system; raises ProtocolError, and nothing else, when the image is at fault."""

    root = 64

    def __init__(self, source: Source, budget: Budget) -> None:
        head = source.read(0, SUPERBLOCK)
        if head[:4] not in (LITTLE, BIG) or head[16:32] != SIGNATURE:
            raise ProtocolError("no cramfs superblock", offset=0)
        self.big = head[:4] == BIG
        size, self.flags = struct.unpack_from(">II" if self.big else "<II", head, 4)
        if self.flags & ~_KNOWN & 0xFFFFFF00:
            raise UnsupportedImageError(f"flags {self.flags:#x} are not known")
        self.size = size if self.flags & _SIZED else source.size
        self.crc = struct.unpack_from(">I" if self.big else "<I", head, 32)[0] if self.flags & _SIZED else None
        self.name = head[48:64].partition(b"\0")[0].decode("utf-8", "backslashreplace")
        self._source = source.slice(0, min(self.size, source.size))
        self._budget = budget
        found = decompressor("gzip")
        assert found is not None
        self._decompress = found

    def inode(self, reference: int) -> Inode:
        """Read the inode at an offset."""
        mode, owner, size, _name, at = self._inode(reference)
        kind = kind_of(mode)
        data = _Data(at, size, owner)
        inode = Inode(kind, mode & 0o7777, size if kind == "file" else 0, data=data)
        if kind != "symlink":
            return inode
        if size > TARGET_MAX:
            raise ProtocolError(f"symbolic link of {size} bytes")
        return Inode(kind, mode & 0o7777, 0, b"".join(self.pieces(inode)), data)

    def listing(self, directory: Inode) -> Iterator[tuple[bytes, int]]:
        """Yield name and the inode's offset of each entry."""
        at, end = directory.data.at, directory.data.at + directory.data.size
        while at < end:
            self._budget.pay(16)
            length = self._inode(at)[3]
            if not length:
                raise ProtocolError("folder entry without a name", offset=at)
            yield self._source.read(at + 12, length).rstrip(b"\0"), at
            at += 12 + length

    def owner(self, inode: Inode) -> int:
        """Give the owner's user id; only its low 16 bits are kept."""
        return int(inode.data.owner)

    def pieces(self, inode: Inode) -> Iterator[bytes]:
        """Yield a file's content, block by block."""
        data: _Data = inode.data
        blocks = -(-data.size // BLOCK)
        at = data.at + 4 * blocks
        for number in range(blocks):
            (end,) = struct.unpack(">I" if self.big else "<I", self._source.read(data.at + 4 * number, 4))
            length = min(BLOCK, data.size - number * BLOCK)
            if self.flags & _EXTENDED and end >> 30:
                raise UnsupportedImageError("blocks that are run in place are not read")
            if end < at or end - at > 2 * BLOCK:
                raise ProtocolError(f"block of {end - at} bytes", offset=at)
            self._budget.pay(BLOCK)
            block = self._decompress(self._source.read(at, end - at), BLOCK) if end > at else bytes(length)
            if len(block) != length:
                raise ProtocolError(f"block of {len(block)} bytes where {length} belong", offset=at)
            yield block
            at = end

    def place(self, inode: Inode) -> int | None:
        """Give the offset of a file's list of blocks."""
        return int(inode.data.at)

    def checksum(self) -> bool | None:
        """Tell whether the image's CRC holds; None when it has none, or is not all there."""
        if self.crc is None or self._source.size < self.size:
            return None
        crc = zlib.crc32(bytes(4), zlib.crc32(self._source.read(0, 32)))
        for block in self._source.slice(36).blocks():
            crc = zlib.crc32(block, crc)
        return bool(crc == self.crc)

    def _inode(self, at: int) -> tuple[int, int, int, int, int]:
        """Read mode, owner, size, size of the name and place."""
        raw = self._source.read(at, 12)
        first, second, third = struct.unpack(">3I" if self.big else "<3I", raw)
        if self.big:
            return first >> 16, first & 0xFFFF, second >> 8, (third >> 26) * 4, (third & 0x3FFFFFF) * 4
        return first & 0xFFFF, first >> 16, second & 0xFFFFFF, (third & 0x3F) * 4, (third >> 6) * 4


def _recognises(source: Source) -> bool:
    return source.some(16, 16) == SIGNATURE


def _open(source: Source, budget: Budget) -> Opened:
    files = Cramfs(source, budget)
    header = Header(name=files.name or None, checksum=files.checksum(), facts={"order": "big endian" if files.big else "little endian"})
    problems = () if files.size <= source.size else (f"is cut off: {source.size} of {files.size} bytes",)
    return Opened(header, files=files, compression="gzip", size=min(files.size, source.size), problems=problems)


FORMAT = Format("cramfs", "cramfs", ((0, LITTLE), (0, BIG)), _recognises, _open, embedded=True)

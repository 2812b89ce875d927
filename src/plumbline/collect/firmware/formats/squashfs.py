"""Squashfs 4.0, read only and from hostile hands: superblock, inodes, directories, file content.

Not a mount and not an extractor: nothing is written anywhere. Rules: no number of the image is believed before it is bounded; every byte
that is decompressed or copied is paid from one budget, so the time is bounded too; blocks are read when asked for. Walking the tree, with
its loops and its depth, is `tree`'s.

All numbers are little endian (Documentation/filesystems/squashfs.rst; squashfs-tools, squashfs_fs.h).

| superblock offset | size | field | | offset | size | field |
|---|---|---|---|---|---|---|
| 0 | 4 | magic `hsqs` | | 28 | 2+2 | version 4, 0 |
| 4 | 4 | inodes | | 32 | 8 | root inode reference |
| 8 | 4 | created, s since 1970 | | 40 | 8 | bytes used |
| 12 | 4 | block size, 4 KiB to 1 MiB | | 48 | 8 | id table |
| 16 | 4 | fragments | | 56 | 8 | xattr table |
| 20 | 2 | compression | | 64 | 8 | inode table |
| 22 | 2 | log2 of the block size | | 72 | 8 | directory table |
| 24 | 2 | flags | | 80 | 8 | fragment table |
| 26 | 2 | ids | | 88 | 8 | export table |

Metadata block: u16 header (bits 0-14 size, bit 15 set: stored), then at most 8 KiB when whole. Inode reference: block << 16 | offset.
Data block size: bits 0-23 size, bit 24 set: stored; 0 is a hole. Directory: runs of a header (count - 1, inode block, inode number) and
entries (offset, inode delta, type, name length - 1, name).
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from plumbline.collect.firmware.blocks import NAMES, decompressor
from plumbline.collect.firmware.format import FileSystem, Format, Header, Inode, Opened
from plumbline.collect.firmware.source import Budget, Source, UnsupportedImageError
from plumbline.model.errors import ProtocolError

MAGIC = b"hsqs"
SUPERBLOCK_SIZE = 96
METADATA_MAX = 8192
NAME_MAX = 256
TARGET_MAX = 4096
_NONE = 0xFFFFFFFF
_STORED = 1 << 24
_SUPERBLOCK = struct.Struct("<4s4I6H8Q")
_CACHED_METADATA = 512
_CACHED_BLOCKS = 8


@dataclass(frozen=True, slots=True)
class Superblock:
    """The fields that reading needs; offsets are from the start of the file system."""

    inodes: int
    created_at: datetime | None
    block_size: int
    fragments: int
    compression: str
    ids: int
    root: int
    bytes_used: int
    id_table: int
    inode_table: int
    directory_table: int
    fragment_table: int


@dataclass(frozen=True, slots=True)
class _Data:
    """What reading an inode further needs. `sizes_at` is where a file's block sizes stand in the metadata."""

    uid_index: int
    listed: int  # bytes of a directory's listing
    start: int  # first data block; of a directory: its block in the directory table
    offset: int  # within the fragment, or within the directory's block
    fragment: int
    sizes_at: tuple[int, int]


def read_superblock(head: bytes) -> Superblock:
    """Read the first 96 bytes; raises UnsupportedImageError for another version, ProtocolError for numbers that cannot be."""
    if len(head) < SUPERBLOCK_SIZE:
        raise ProtocolError(f"superblock is cut off: {len(head)} of {SUPERBLOCK_SIZE} bytes")
    magic, inodes, created, block_size, fragments, *rest = _SUPERBLOCK.unpack_from(head)
    compression, log, _flags, ids, major, minor, root, used, id_table, _xattr, inode_table, directory_table, fragment_table, _export = rest
    if magic != MAGIC:
        raise ProtocolError("no squashfs magic", offset=0)
    if (major, minor) != (4, 0):
        wrong = UnsupportedImageError if major in (1, 2, 3) and minor <= 1 else ProtocolError
        raise wrong(f"squashfs version {major}.{minor}; only 4.0 is read")
    if not 12 <= log <= 20 or block_size != 1 << log:
        raise ProtocolError(f"block size {block_size} (log {log}) cannot be", offset=12)
    if compression not in NAMES:
        raise UnsupportedImageError(f"compression {compression} is not known")
    created_at = datetime.fromtimestamp(created, UTC) if created else None
    name = NAMES[compression]
    return Superblock(
        inodes, created_at, block_size, fragments, name, ids, root, used, id_table, inode_table, directory_table, fragment_table
    )


class Squashfs(FileSystem):
    """A file system; raises ProtocolError, and nothing else, when the image is at fault."""

    def __init__(self, source: Source, budget: Budget) -> None:
        self._source = source
        self._budget = budget
        self.superblock = read_superblock(source.some(0, SUPERBLOCK_SIZE))
        self.root = self.superblock.root
        found = decompressor(self.superblock.compression)
        if found is None:
            raise UnsupportedImageError(f"squashfs with {self.superblock.compression} compression is not read")
        self._decompress = found
        self._metadata: OrderedDict[int, tuple[bytes, int]] = OrderedDict()
        self._blocks: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def inode(self, reference: int) -> Inode:
        """Read an inode by its reference."""
        cursor = _Cursor(self, self.superblock.inode_table + (reference >> 16), reference & 0xFFFF)
        kind, mode, uid, _gid, _time, _number = struct.unpack("<4H2I", cursor.read(16))
        size, start, offset, fragment, target = 0, 0, 0, _NONE, b""
        word = "other"
        if kind == 1:
            start, _links, size, offset, _parent = struct.unpack("<2I2HI", cursor.read(16))
            word = "directory"
        elif kind == 8:
            _links, size, start, _parent, _indexes, offset, _xattr = struct.unpack("<4I2HI", cursor.read(24))
            word = "directory"
        elif kind == 2:
            start, fragment, offset, size = struct.unpack("<4I", cursor.read(16))
            word = "file"
        elif kind == 9:
            start, size, _sparse, _links, fragment, offset, _xattr = struct.unpack("<3Q4I", cursor.read(40))
            word = "file"
        elif kind in (3, 10):
            _links, size = struct.unpack("<2I", cursor.read(8))
            if size > TARGET_MAX:
                raise ProtocolError(f"symbolic link of {size} bytes")
            target = cursor.read(size)
            word = "symlink"
        elif kind not in (4, 5, 6, 7, 11, 12, 13, 14):
            raise ProtocolError(f"inode type {kind} is not known")
        data = _Data(uid, size if word == "directory" else 0, start, offset, fragment, cursor.place)
        return Inode(word, mode & 0o7777, size if word == "file" else 0, target, data)

    def listing(self, directory: Inode) -> Iterator[tuple[bytes, int]]:
        """Yield name and inode reference of each entry of a directory."""
        left = directory.data.listed - 3  # the two entries `.` and `..` count for three bytes and are not stored
        if left <= 0:
            return
        cursor = _Cursor(self, self.superblock.directory_table + directory.data.start, directory.data.offset)
        while left > 0:
            count, block, _number = struct.unpack("<3I", cursor.read(12))
            left -= 12
            if count >= 256:
                raise ProtocolError(f"directory run of {count + 1} entries; 256 is the most")
            for _ in range(count + 1):
                offset, _delta, _kind, length = struct.unpack("<HhHH", cursor.read(8))
                if length + 1 > NAME_MAX:
                    raise ProtocolError(f"name of {length + 1} bytes")
                name = cursor.read(length + 1)
                left -= 8 + length + 1
                yield name, block << 16 | offset

    def owner(self, inode: Inode) -> int:
        """Give the user id that an inode's index stands for."""
        index = inode.data.uid_index
        if index >= self.superblock.ids:
            raise ProtocolError(f"owner {index} of {self.superblock.ids}")
        (place,) = struct.unpack("<Q", self._read(self.superblock.id_table + index // 2048 * 8, 8))
        (owner,) = struct.unpack("<I", _Cursor(self, place, index % 2048 * 4).read(4))
        return int(owner)

    def pieces(self, inode: Inode) -> Iterator[bytes]:
        """Yield a file's content, block by block."""
        data, block_size = inode.data, self.superblock.block_size
        tail = inode.size % block_size if data.fragment != _NONE else 0
        cursor, at = _Cursor(self, *data.sizes_at), data.start
        for offset in range(0, inode.size - tail, block_size):
            (coded,) = struct.unpack("<I", cursor.read(4))
            length = min(block_size, inode.size - offset)
            self._budget.pay(length)
            yield self._block(at, coded, length, cached=False) if coded else bytes(length)
            at += coded & (_STORED - 1)
        if tail:
            start, coded = self._fragment(data.fragment)
            self._budget.pay(tail)
            piece = self._block(start, coded, None, cached=True)[data.offset : data.offset + tail]
            if len(piece) < tail:
                raise ProtocolError("fragment is shorter than the file that lies in it")
            yield piece

    def place(self, inode: Inode) -> int | None:
        """Give the offset of an inode's first data, for citing."""
        data = inode.data
        if inode.kind == "file" and inode.size < self.superblock.block_size and data.fragment != _NONE:
            return self._fragment(data.fragment)[0]
        return int(data.start if inode.kind == "file" else data.sizes_at[0])

    def _fragment(self, number: int) -> tuple[int, int]:
        if number >= self.superblock.fragments:
            raise ProtocolError(f"fragment {number} of {self.superblock.fragments}")
        (place,) = struct.unpack("<Q", self._read(self.superblock.fragment_table + number // 512 * 8, 8))
        start, coded, _unused = struct.unpack("<Q2I", _Cursor(self, place, number % 512 * 16).read(16))
        return start, coded

    def _block(self, at: int, coded: int, length: int | None, *, cached: bool) -> bytes:
        """Read a data block; `length` None: a fragment block, whose size is not known beforehand."""
        key = (at, coded)
        if key in self._blocks:
            self._blocks.move_to_end(key)
            return self._blocks[key]
        size, limit = coded & (_STORED - 1), self.superblock.block_size
        if size > limit or coded >> 25:
            raise ProtocolError(f"data block of {size} bytes in an image of {limit} byte blocks", offset=at)
        data = self._read(at, size)
        if not coded & _STORED:
            self._budget.pay(limit)
            data = self._decompress(data, limit)
        if length is not None and len(data) != length:
            raise ProtocolError(f"data block of {len(data)} bytes where {length} belong", offset=at)
        if cached:
            self._blocks[key] = data
            if len(self._blocks) > _CACHED_BLOCKS:
                self._blocks.popitem(last=False)
        return data

    def metadata(self, at: int) -> tuple[bytes, int]:
        """Give the metadata block at an offset, decompressed, and the offset of the next."""
        if at in self._metadata:
            self._metadata.move_to_end(at)
            return self._metadata[at]
        (header,) = struct.unpack("<H", self._read(at, 2))
        size = header & 0x7FFF
        if not 0 < size <= METADATA_MAX:
            raise ProtocolError(f"metadata block of {size} bytes", offset=at)
        self._budget.pay(METADATA_MAX)
        data = self._read(at + 2, size)
        if not header & 0x8000:
            data = self._decompress(data, METADATA_MAX)
        if not data:
            raise ProtocolError("metadata block that holds nothing", offset=at)
        self._metadata[at] = found = data, at + 2 + size
        if len(self._metadata) > _CACHED_METADATA:
            self._metadata.popitem(last=False)
        return found

    def _read(self, at: int, size: int) -> bytes:
        if at >= 1 << 62:
            raise ProtocolError(f"offset {at} lies beyond any file")
        return self._source.read(at, size)


class _Cursor:
    """Reads on through metadata blocks."""

    def __init__(self, image: Squashfs, block: int, offset: int) -> None:
        self._image = image
        self.place = block, offset

    def read(self, size: int) -> bytes:
        """Give the next bytes; raises ProtocolError when they are not there."""
        block, offset = self.place
        data, following = self._image.metadata(block)
        if offset + size <= len(data):
            self.place = block, offset + size
            return data[offset : offset + size]
        if offset > len(data):
            raise ProtocolError(f"offset {offset} in a metadata block of {len(data)} bytes")
        pieces, left = [data[offset:]], size - (len(data) - offset)
        while left > 0:
            block = following
            data, following = self._image.metadata(block)
            pieces.append(data[:left])
            left -= len(pieces[-1])
        self.place = block, len(pieces[-1])
        return b"".join(pieces)


def _recognises(source: Source) -> bool:
    """A superblock that can be true: its tables lie inside what it says that it takes."""
    try:
        superblock = read_superblock(source.some(0, SUPERBLOCK_SIZE))
    except UnsupportedImageError:
        return True
    except ProtocolError:
        return False
    tables = (superblock.id_table, superblock.inode_table, superblock.directory_table)
    return superblock.inodes > 0 and all(SUPERBLOCK_SIZE <= table < superblock.bytes_used for table in tables)


def _open(source: Source, budget: Budget) -> Opened:
    files = Squashfs(source, budget)
    superblock = files.superblock
    header = Header(created_at=superblock.created_at)
    return Opened(header, files=files, compression=superblock.compression, size=min(superblock.bytes_used, source.size))


FORMAT = Format("squashfs", "squashfs 4.0", ((0, MAGIC),), _recognises, _open, embedded=True)

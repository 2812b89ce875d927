"""ext2, ext3 and ext4, read only: extents, indirect blocks, inline data, 64 bit, meta_bg, indexed and large folders.

Not a mount: the journal is not played (that it should be is said), extended attributes are not read but for inline data, checksums are not
tried. Rules: no number is believed before it is bounded; what is read of folders, maps and files is paid from the budget; a map of blocks
is no deeper than the format has it, so that loops in it end.

All numbers are little endian (Documentation/filesystems/ext4 of Linux). The superblock stands at byte 1024:

| offset | size | field | | offset | size | field |
|---|---|---|---|---|---|---|
| 0 | 4 | inodes | | 92 | 4 | compatible features |
| 4 | 4 | blocks | | 96 | 4 | incompatible features |
| 20 | 4 | first data block | | 100 | 4 | features for read only |
| 24 | 4 | log2 of the block size, less 10 | | 104 | 16 | UUID |
| 32 | 4 | blocks in a group | | 120 | 16 | name |
| 40 | 4 | inodes in a group | | 254 | 2 | size of a group descriptor (64 bit) |
| 56 | 2 | magic 0xEF53 | | 260 | 4 | first meta_bg group |
| 76 | 4 | revision; 0: inodes of 128 bytes | | 264 | 4 | made, s since 1970 |
| 88 | 2 | inode size | | 336 | 4 | high half of the blocks |

Group descriptor: its inode table at 8, high half at 40. Inode: mode 0, owner 2, size 4, links 26, flags 32, map 40 (60 bytes), high half of
the size 108, of the owner 120, size of the rest 128. Extent node: magic 0xF30A, entries, most, depth; then entries of 12 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from plumbline.collect.firmware.format import FileSystem, Format, Header, Inode, Opened
from plumbline.collect.firmware.members import kind_of
from plumbline.collect.firmware.source import PIECE, Budget, Run, Source, UnsupportedImageError
from plumbline.model.errors import ProtocolError

SUPERBLOCK_AT = 1024
ROOT = 2
TARGET_MAX = 4096
RUNS_MAX = 100_000  # of one file that is given as it lies
_DEPTH_MAX = 5
_EXTENT_MAGIC, _ATTRIBUTE_MAGIC = 0xF30A, 0xEA020000
_WRITTEN_MAX = 32768  # an extent that says more is allocated, and not written
_SPARSE, _SPARSE2 = 0x1, 0x200
_RECOVER, _JOURNAL, _META_BG, _64BIT = 0x4, 0x8, 0x10, 0x80
# Besides these: filetype, extents, mmp, flex_bg, ea_inode, csum_seed, largedir, inline_data, encrypt, casefold.
_KNOWN = 0x2 | _RECOVER | _META_BG | 0x40 | _64BIT | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x20000
_ENCRYPTED, _EXTENTS, _INLINE = 0x800, 0x80000, 0x10000000  # flags of an inode


@dataclass(frozen=True, slots=True)
class Superblock:
    """The fields that reading needs."""

    inodes: int
    blocks: int
    first_block: int
    block_size: int
    blocks_in_group: int
    inodes_in_group: int
    inode_size: int
    compatible: int
    incompatible: int
    read_only: int
    descriptor_size: int
    first_meta_group: int
    backups: tuple[int, int]
    name: str | None
    made_at: datetime | None


def read_superblock(data: bytes) -> Superblock:
    """Read the superblock's 1024 bytes; raises ProtocolError for what cannot be."""
    if len(data) < 1024:
        raise ProtocolError("superblock is cut off")

    def number(at: int, size: int = 4) -> int:
        return int.from_bytes(data[at : at + size], "little")

    if number(56, 2) != 0xEF53:
        raise ProtocolError("no ext superblock", offset=SUPERBLOCK_AT + 56)
    log, revision, incompatible, made = number(24), number(76), number(96), number(264)
    if log > 6 or revision > 1:
        raise ProtocolError(f"log of the block size {log} or revision {revision} cannot be", offset=SUPERBLOCK_AT + 24)
    superblock = Superblock(
        inodes=number(0),
        blocks=number(4) | (number(336) << 32 if incompatible & _64BIT else 0),
        first_block=number(20),
        block_size=1024 << log,
        blocks_in_group=number(32),
        inodes_in_group=number(40),
        inode_size=number(88, 2) if revision else 128,
        compatible=number(92),
        incompatible=incompatible,
        read_only=number(100),
        descriptor_size=number(254, 2) if incompatible & _64BIT else 32,
        first_meta_group=number(260),
        backups=(number(588), number(592)),
        name=data[120:136].partition(b"\0")[0].decode("utf-8", "backslashreplace") or None,
        made_at=datetime.fromtimestamp(made, UTC) if made else None,
    )
    for what, size, least in (("inodes", superblock.inode_size, 128), ("group descriptors", superblock.descriptor_size, 32)):
        if not least <= size <= superblock.block_size or size & (size - 1):
            raise ProtocolError(f"{what} of {size} bytes")
    possible = superblock.first_block <= 1 and superblock.blocks > superblock.first_block and superblock.inodes > ROOT
    if not possible or not superblock.blocks_in_group or not superblock.inodes_in_group:
        raise ProtocolError("counts that cannot be")
    return superblock


@dataclass(frozen=True, slots=True)
class _Data:
    """What reading an inode further needs; `raw` is the inode as it is stored."""

    raw: bytes
    flags: int
    owner: int
    length: int  # of a file, a folder or a link

    @property
    def map(self) -> bytes:
        """The 60 bytes that are blocks, extents, a short link or inline data."""
        return self.raw[40:100]


class Ext(FileSystem):
    """A file system; raises ProtocolError, and nothing else, when the image is at fault."""

    root = ROOT

    def __init__(self, source: Source, budget: Budget) -> None:
        self._source = source
        self._budget = budget
        self.superblock = superblock = read_superblock(source.some(SUPERBLOCK_AT, 1024))
        if superblock.incompatible & _JOURNAL:
            raise UnsupportedImageError("the journal of an ext file system that lies elsewhere")
        if superblock.incompatible & ~_KNOWN:
            raise UnsupportedImageError(f"features {superblock.incompatible & ~_KNOWN:#x} are not known")
        self._tables: dict[int, int] = {}

    def inode(self, reference: int) -> Inode:
        """Read an inode by its number."""
        superblock = self.superblock
        if not 0 < reference <= superblock.inodes:
            raise ProtocolError(f"inode {reference} of {superblock.inodes}")
        group, index = divmod(reference - 1, superblock.inodes_in_group)
        raw = self._read(self._table(group) + index * superblock.inode_size, superblock.inode_size)
        mode, owner, size = struct.unpack_from("<HHI", raw)
        (flags,) = struct.unpack_from("<I", raw, 32)
        kind = kind_of(mode)
        if kind != "symlink":
            size |= int.from_bytes(raw[108:112], "little") << 32
        data = _Data(raw, flags, owner | int.from_bytes(raw[120:122], "little") << 16, size)
        if not mode:
            raise ProtocolError(f"inode {reference} is not in use")
        target = self._target(data) if kind == "symlink" else b""
        return Inode(kind, mode & 0o7777, size if kind == "file" else 0, target, data)

    def listing(self, directory: Inode) -> Iterator[tuple[bytes, int]]:
        """Yield name and inode number of each entry; the nodes of an index look like empty entries."""
        data: _Data = directory.data
        if data.flags & _ENCRYPTED:
            raise UnsupportedImageError("its names are encrypted")
        if data.flags & _INLINE:
            yield from self._entries(data.map[4:])
            yield from self._entries(self._inline_rest(data))
            return
        for physical, count in self._runs(data):
            for number in range(0 if physical is None else count):
                self._budget.pay(self.superblock.block_size)
                yield from self._entries(self._block((physical or 0) + number))

    def owner(self, inode: Inode) -> int:
        """Give the owner's user id."""
        return int(inode.data.owner)

    def pieces(self, inode: Inode) -> Iterator[bytes]:
        """Yield a file's content, holes as zeros."""
        data: _Data = inode.data
        if data.flags & _ENCRYPTED:
            raise UnsupportedImageError("is encrypted")
        if data.flags & _INLINE:
            inline = (data.map + self._inline_rest(data))[: data.length]
            yield inline
            # mke2fs leaves files of nothing but zeros like that, and Linux reads them so.
            for offset in range(len(inline), data.length, PIECE):
                self._budget.pay(min(PIECE, data.length - offset))
                yield bytes(min(PIECE, data.length - offset))
            return
        left = data.length
        for physical, count in self._runs(data):
            at, size = (physical or 0) * self.superblock.block_size, min(count * self.superblock.block_size, left)
            for offset in range(0, size, PIECE):
                here = min(PIECE, size - offset)
                self._budget.pay(here)
                yield bytes(here) if physical is None else self._read(at + offset, here)
            left -= size

    def place(self, inode: Inode) -> int | None:
        """Give the offset of a file's first block."""
        data: _Data = inode.data
        if data.flags & _INLINE or not data.length:
            return None
        return next((physical * self.superblock.block_size for physical, _ in self._runs(data) if physical is not None), None)

    def stored(self, inode: Inode) -> Source | None:
        """Give a file's bytes where they lie."""
        data: _Data = inode.data
        if data.flags & (_INLINE | _ENCRYPTED):
            return None
        size, runs = self.superblock.block_size, []
        for physical, count in self._runs(data):
            runs.append(Run(count * size) if physical is None else Run(count * size, self._source, physical * size))
            if len(runs) > RUNS_MAX:
                return None
        return Source.of_runs(runs).slice(0, data.length)

    def _target(self, data: _Data) -> bytes:
        if data.length > TARGET_MAX:
            raise ProtocolError(f"symbolic link of {data.length} bytes")
        if data.flags & _ENCRYPTED:
            return b"(encrypted)"
        if data.flags & _INLINE:
            return (data.map + self._inline_rest(data))[: data.length]
        if data.length < len(data.map) and not data.flags & _EXTENTS:
            return data.map[: data.length]
        return b"".join(self.pieces(Inode("file", 0, data.length, data=data)))

    def _entries(self, block: bytes) -> Iterator[tuple[bytes, int]]:
        at = 0
        while at + 8 <= len(block):
            number, length, name_length = struct.unpack_from("<IHB", block, at)
            if length in (0, 0xFFFF) and len(block) > 0xFFFF:
                length = 1 << 16
            if length < 8 or length % 4 or at + length > len(block) or (number and name_length > length - 8):
                raise ProtocolError(f"folder entry of {length} bytes")
            name = block[at + 8 : at + 8 + name_length]
            if number and name not in (b".", b".."):
                yield name, number
            at += length

    def _table(self, group: int) -> int:
        """Give the offset of a group's inode table."""
        if group not in self._tables:
            superblock = self.superblock
            in_block = superblock.block_size // superblock.descriptor_size
            block = self._descriptors_at(group // in_block)
            at = block * superblock.block_size + group % in_block * superblock.descriptor_size
            raw = self._read(at, superblock.descriptor_size)
            table = int.from_bytes(raw[8:12], "little") | int.from_bytes(raw[40:44], "little") << 32
            self._tables[group] = table * superblock.block_size
        return self._tables[group]

    def _descriptors_at(self, number: int) -> int:
        """Give a block of group descriptors: all behind the first superblock, or with meta_bg each in the first group that it is about."""
        superblock = self.superblock
        if not superblock.incompatible & _META_BG or number < superblock.first_meta_group:
            return SUPERBLOCK_AT // superblock.block_size + 1 + number
        group = number * (superblock.block_size // superblock.descriptor_size)
        block = superblock.first_block + group * superblock.blocks_in_group
        if superblock.block_size == 1024 and number == 0 and superblock.first_block == 0:
            block += 1
        return block + self._has_superblock(group)

    def _has_superblock(self, group: int) -> bool:
        if group == 0:
            return True
        if self.superblock.compatible & _SPARSE2:
            return group in self.superblock.backups
        if group == 1 or not self.superblock.read_only & _SPARSE:
            return True
        return any(group == base**power for base in (3, 5, 7) for power in range(1, 25))

    def _runs(self, data: _Data) -> Iterator[tuple[int | None, int]]:
        """Yield first block (None: a hole) and number of blocks of each piece, in order, until the length is filled."""
        blocks = -(-data.length // self.superblock.block_size)
        at = 0
        pieces = self._extents(data.map, None) if data.flags & _EXTENTS else self._indirect(data.map)
        for logical, physical, count in pieces:
            if logical < at:
                raise ProtocolError("blocks of a file in no order")
            if logical >= blocks:
                break
            if logical > at:
                yield None, logical - at
            count = min(count, blocks - logical)
            yield physical, count
            at = logical + count
        if at < blocks:
            yield None, blocks - at

    def _extents(self, node: bytes, depth: int | None) -> Iterator[tuple[int, int | None, int]]:
        """Yield first block in the file, first block in the image (None: not written) and number of blocks of each extent."""
        magic, count, _most, here = struct.unpack_from("<4H", node)
        if magic != _EXTENT_MAGIC or count > (len(node) - 12) // 12 or here > _DEPTH_MAX or depth not in (None, here):
            raise ProtocolError("node of extents that cannot be")
        for at in range(12, 12 + 12 * count, 12):
            if here:
                _logical, low, high = struct.unpack_from("<IIH", node, at)
                self._budget.pay(self.superblock.block_size)
                yield from self._extents(self._block(low | high << 32), here - 1)
            else:
                logical, length, high, low = struct.unpack_from("<IHHI", node, at)
                written = length <= _WRITTEN_MAX
                yield logical, (low | high << 32) if written else None, length if written else length - _WRITTEN_MAX

    def _indirect(self, map_: bytes) -> Iterator[tuple[int, int | None, int]]:
        """Yield the same of the map of ext2: twelve blocks, and blocks of blocks one, two and three deep."""
        numbers = struct.unpack("<15I", map_)
        logical = 0
        for number in numbers[:12]:
            yield logical, number or None, 1
            logical += 1
        for depth, number in enumerate(numbers[12:], 1):
            yield from self._blocks_below(number, depth, logical)
            logical += (self.superblock.block_size // 4) ** depth

    def _blocks_below(self, block: int, depth: int, logical: int) -> Iterator[tuple[int, int | None, int]]:
        below = (self.superblock.block_size // 4) ** (depth - 1)
        if not block:
            yield logical, None, below * (self.superblock.block_size // 4)
            return
        self._budget.pay(self.superblock.block_size)
        numbers = struct.unpack(f"<{self.superblock.block_size // 4}I", self._block(block))
        at = 0
        while at < len(numbers):
            number, count = numbers[at], 1
            if depth > 1:
                yield from self._blocks_below(number, depth - 1, logical + at * below)
            else:
                while number and at + count < len(numbers) and numbers[at + count] == number + count:
                    count += 1
                yield logical + at, number or None, count
            at += count

    def _inline_rest(self, data: _Data) -> bytes:
        """Give what does not fit into the map: the attribute system.data behind the inode's own fields."""
        extra = int.from_bytes(data.raw[128:130], "little")
        space = data.raw[128 + extra :]
        if len(space) < 4 or int.from_bytes(space[:4], "little") != _ATTRIBUTE_MAGIC:
            return b""
        space = space[4:]
        at = 0
        while at + 16 <= len(space) and space[at : at + 4] != bytes(4):
            name_length, index, offset, _inode, size = struct.unpack_from("<BBHII", space, at)
            if index == 7 and space[at + 16 : at + 16 + name_length] == b"data":
                return space[offset : offset + size]
            at += 16 + name_length + -name_length % 4
        return b""

    def _block(self, number: int) -> bytes:
        return self._read(number * self.superblock.block_size, self.superblock.block_size)

    def _read(self, at: int, size: int) -> bytes:
        return self._source.read(at, size)


def _recognises(source: Source) -> bool:
    try:
        read_superblock(source.some(SUPERBLOCK_AT, 1024))
    except ProtocolError:
        return False
    return True


def _open(source: Source, budget: Budget) -> Opened:
    files = Ext(source, budget)
    superblock = files.superblock
    size, problems = superblock.blocks * superblock.block_size, []
    if superblock.incompatible & _RECOVER:
        problems.append("it was in use: what its journal holds was not read")
    if size > source.size:
        problems.append(f"is cut off: {source.size} of {size} bytes")
    header = Header(name=superblock.name, created_at=superblock.made_at)
    return Opened(header, files=files, size=min(size, source.size), problems=tuple(problems))


FORMAT = Format("ext", "ext2, ext3 or ext4", ((SUPERBLOCK_AT + 56, b"\x53\xef"),), _recognises, _open, embedded=True)

"""UBIFS, the file system that stands in a volume of UBI: files in nodes of 4 KiB, as the index (`ubifs_index`) and the journal have them.

Rules: each node is checked and paid for when it is read; blocks that have no node are holes; what is encrypted is named and not read.
A signature over the whole (`auth`) is told, not tried: its key stands in no image.

| inode node | size | field | | data node | size | field | | entry node | size | field |
|---|---|---|---|---|---|---|---|---|---|---|
| 48 | 8 | size | | 40 | 4 | size when whole | | 40 | 8 | inode |
| 72 | 8 | changed, s since 1970 | | 44 | 2 | compression | | 49 | 1 | kind |
| 96 | 4 | owner | | 48 | | data | | 50 | 2 | length of the name |
| 104 | 4+4 | mode, flags (0x40 encrypted) | | | | | | 56 | | name |
| 112 | 4 | size of what follows at 160 | | | | | | | | |

Compressions: 0 none, 1 LZO, 2 deflate without a header, 3 zstd (Linux, fs/ubifs/ubifs-media.h).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.collect.firmware.blocks import decompressor
from plumbline.collect.firmware.format import FileSystem, Format, Header, Inode, Opened
from plumbline.collect.firmware.members import kind_of
from plumbline.collect.firmware.source import PIECE, Budget, Source, UnsupportedImageError
from plumbline.collect.firmware.ubifs_index import (
    BLOCK_SIZE,
    DATA,
    ENCRYPTED_FLAG,
    ENTRY,
    INODE,
    MAGIC,
    NODE_MAX,
    SIGNED_FLAG,
    SUPERBLOCK,
    Index,
    Spot,
    entry_of,
    node,
    read_superblock,
)
from plumbline.model.errors import ProtocolError

ROOT = 1
TARGET_MAX = 4096
SIZE_MAX = 1 << 48  # bytes of one file
_ENCRYPTED_FILE = 0x40
_COMPRESSIONS = ("none", "lzo", "gzip", "zstd")


@dataclass(frozen=True, slots=True)
class _Data:
    number: int
    owner: int
    encrypted: bool


class Ubifs(FileSystem):
    """A file system; raises ProtocolError, and nothing else, when the image is at fault."""

    root = ROOT

    def __init__(self, source: Source, budget: Budget) -> None:
        self.index = Index(source, budget)
        self._nodes = self.index.nodes
        self._source = source
        self._budget = budget

    def inode(self, reference: int) -> Inode:
        """Read an inode."""
        spot = self._nodes.inodes.get(reference)
        if spot is None:
            raise ProtocolError(f"inode {reference} is not there")
        raw = self._node(spot, INODE)
        if len(raw) < 160:
            raise ProtocolError("inode node that is cut off", offset=spot.at)
        (size,) = struct.unpack_from("<Q", raw, 48)
        owner, _group, mode, flags, length = struct.unpack_from("<5I", raw, 96)
        kind = kind_of(mode)
        data = _Data(reference, owner, bool(flags & _ENCRYPTED_FILE))
        if size > SIZE_MAX:
            raise ProtocolError(f"file of {size} bytes", offset=spot.at)
        target = raw[160 : 160 + min(length, TARGET_MAX)] if kind == "symlink" else b""
        if kind == "symlink" and data.encrypted:
            target = b"(encrypted)"
        return Inode(kind, mode & 0o7777, size if kind == "file" else 0, target, data)

    def listing(self, directory: Inode) -> Iterator[tuple[bytes, int]]:
        """Yield name and inode of each entry."""
        for _key, spot in sorted(self._nodes.entries.get(directory.data.number, {}).items()):
            yield entry_of(self._node(spot, ENTRY))

    def owner(self, inode: Inode) -> int:
        """Give the owner's user id."""
        return int(inode.data.owner)

    def pieces(self, inode: Inode) -> Iterator[bytes]:
        """Yield a file's content: what its data nodes hold, and zeros between them."""
        if inode.data.encrypted:
            raise UnsupportedImageError("the file is encrypted")
        at = 0
        for number, spot in sorted(self._nodes.data.get(inode.data.number, {}).items()):
            start = number * BLOCK_SIZE
            if start >= inode.size:
                break
            yield from self._zeros(start - at)
            block = self._block(spot)[: inode.size - start]
            yield block
            at = start + len(block)
        yield from self._zeros(inode.size - at)

    def place(self, inode: Inode) -> int | None:
        """Give the offset of a file's first data node, or else of its inode."""
        data = self._nodes.data.get(inode.data.number)
        spot = data[min(data)] if data else self._nodes.inodes.get(inode.data.number)
        return spot.at if spot else None

    def _zeros(self, size: int) -> Iterator[bytes]:
        for at in range(0, size, PIECE):
            length = min(PIECE, size - at)
            self._budget.pay(length)
            yield bytes(length)

    def _block(self, spot: Spot) -> bytes:
        raw = self._node(spot, DATA)
        size, compression = struct.unpack_from("<IH", raw, 40)
        if size > BLOCK_SIZE or compression >= len(_COMPRESSIONS):
            raise ProtocolError(f"data node of {size} bytes, compression {compression}", offset=spot.at)
        self._budget.pay(BLOCK_SIZE)
        data = raw[48:]
        if compression == 2:
            data = _inflate(data)
        elif compression:
            found = decompressor(_COMPRESSIONS[compression])
            assert found is not None
            data = found(data, BLOCK_SIZE)
        if len(data) != size:
            raise ProtocolError(f"data node of {len(data)} bytes where {size} belong", offset=spot.at)
        return data

    def _node(self, spot: Spot, kind: int) -> bytes:
        if not 48 < spot.size <= NODE_MAX:
            raise ProtocolError(f"node of {spot.size} bytes", offset=spot.at)
        self._budget.pay(spot.size)
        return node(self._source, spot, kind)


def _inflate(data: bytes) -> bytes:
    stream = zlib.decompressobj(-15)
    try:
        return stream.decompress(data, BLOCK_SIZE + 1)
    except zlib.error as error:
        raise ProtocolError(f"block is no deflate stream: {error}") from error


def _recognises(source: Source) -> bool:
    if source.some(20, 1) != bytes([SUPERBLOCK]):
        return False
    try:
        read_superblock(source)
    except UnsupportedImageError:
        return True
    except ProtocolError:
        return False
    return True


def _open(source: Source, budget: Budget) -> Opened:
    files = Ubifs(source, budget)
    superblock, problems = files.index.superblock, list(files.index.problems)
    size = superblock.leb_size * superblock.lebs
    if size > source.size:
        problems.append(f"is cut off: {source.size} of {size} bytes")
    compression = _COMPRESSIONS[superblock.compression] if superblock.compression < len(_COMPRESSIONS) else None
    facts = {"format_version": str(superblock.version), "block_bytes": str(superblock.leb_size), "commit": str(files.index.commit)}
    if superblock.flags & SIGNED_FLAG:
        facts["authenticated"] = "yes, with a key that is not in the image"
    header = Header(checksum=True, encrypted=bool(superblock.flags & ENCRYPTED_FLAG), facts=facts)
    return Opened(header, files=files, compression=compression, size=min(size, source.size), problems=tuple(problems))


FORMAT = Format("ubifs", "UBIFS", ((0, MAGIC),), _recognises, _open, embedded=True)

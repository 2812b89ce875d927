"""Writes a squashfs 4.0 image: regular files, directories, symbolic links, owners; zlib blocks, the same bytes for the same tree.

Not a general writer: no fragments, no extended attributes, no export table, no devices, and small files only (4 GiB by the format, a few
KiB here). It exists because a lab that needs `mksquashfs` would need it on every machine, and its images would carry the hour.

| offset | size | field of the superblock (little endian) |
|---|---|---|
| 0 | 4 | magic "hsqs" |
| 4 | 4 | inodes |
| 8 | 4 | time of making, s since 1970 |
| 12 | 4 | block size, bytes |
| 16 | 4 | fragments: 0 |
| 20 | 2 | compression: 1, zlib |
| 22 | 2 | log2 of the block size |
| 24 | 2 | flags: no fragments, no extended attributes |
| 26 | 2 | ids |
| 28 | 4 | version 4, 0 |
| 32 | 8 | reference of the root's inode: block << 16, offset |
| 40 | 8 | bytes used |
| 48, 56 | 8 | start of the id table; of extended attributes: none |
| 64, 72 | 8 | start of the inode table; of the directory table |
| 80, 88 | 8 | start of the fragment table; of the export table: none |

Source: the Linux kernel's fs/squashfs/squashfs_fs.h.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

MAGIC = 0x73717368
BLOCK_LOG = 17
BLOCK_SIZE = 1 << BLOCK_LOG
METADATA_SIZE = 8192
NONE = (1 << 64) - 1
_NO_FRAGMENT = 0xFFFFFFFF
_FLAGS = 0x0010 | 0x0200
_RAW_METADATA, _RAW_DATA = 1 << 15, 1 << 24  # set in a size: the block is stored as it is
_DIRECTORY, _FILE, _LINK = 1, 2, 3
_SUPERBLOCK = struct.Struct("<IIIIIHHHHHHQQQQQQQQ")


@dataclass(frozen=True, slots=True)
class Node:
    """One file (`content`), symbolic link (`target`) or directory (neither); `path` is absolute, `mode` has no type bits."""

    path: str
    mode: int
    content: bytes | None = None
    target: str | None = None
    owner: int = 0

    @property
    def kind(self) -> int:
        """Its inode type."""
        if self.content is not None:
            return _FILE
        return _LINK if self.target is not None else _DIRECTORY


def write(nodes: Iterable[Node], made_at: datetime) -> bytes:
    """Write an image of the nodes; directories that are not given are made with mode 0755. Raises ValueError for a path given twice."""
    return _Writer(nodes, int(made_at.timestamp())).image()


class _Metadata:
    """A table in blocks of 8 KiB, each compressed by itself."""

    def __init__(self) -> None:
        self._done = bytearray()
        self._open = bytearray()

    @property
    def place(self) -> tuple[int, int]:
        """Where the next byte goes: start of its block in the table as written, offset in the block as read."""
        return len(self._done), len(self._open)

    def add(self, data: bytes) -> None:
        self._open += data
        while len(self._open) >= METADATA_SIZE:
            self._flush(METADATA_SIZE)

    def end(self) -> bytes:
        if self._open:
            self._flush(len(self._open))
        return bytes(self._done)

    def _flush(self, size: int) -> None:
        block = bytes(self._open[:size])
        packed = zlib.compress(block, 9)
        self._done += struct.pack("<H", len(packed)) + packed if len(packed) < size else struct.pack("<H", size | _RAW_METADATA) + block
        del self._open[:size]


class _Writer:
    def __init__(self, nodes: Iterable[Node], made_at_s: int) -> None:
        self._nodes = {"": Node("", 0o755)}
        for node in nodes:
            path = node.path.rstrip("/")
            if path in self._nodes and path:
                raise ValueError(f"{path} is given twice")
            self._nodes[path] = node
        for path in list(self._nodes):
            while path := path.rpartition("/")[0]:
                self._nodes.setdefault(path, Node(path, 0o755))
        self._children: dict[str, list[str]] = {path: [] for path in self._nodes}
        for path in sorted(self._nodes, key=str.encode):
            if path:
                self._children[path.rpartition("/")[0]].append(path)
        self._numbers = {path: number for number, path in enumerate(sorted(self._nodes), 1)}
        self._owners = sorted({node.owner for node in self._nodes.values()})
        self._time_s = made_at_s
        self._data = bytearray()
        self._inodes, self._directories = _Metadata(), _Metadata()
        self._places: dict[str, tuple[int, int]] = {}

    def image(self) -> bytes:
        self._write("")
        inodes_at = _SUPERBLOCK.size + len(self._data)
        body = bytes(self._data) + self._inodes.end()
        directories_at = _SUPERBLOCK.size + len(body)
        body += self._directories.end()
        ids = _Metadata()
        ids.add(b"".join(struct.pack("<I", owner) for owner in self._owners))
        ids_at = _SUPERBLOCK.size + len(body)
        body += ids.end()
        index_at = _SUPERBLOCK.size + len(body)
        body += struct.pack("<Q", ids_at)  # one block of ids: 2,048 owners would not be a lab
        block, offset = self._places[""]
        head = _SUPERBLOCK.pack(
            *(MAGIC, len(self._nodes), self._time_s, BLOCK_SIZE, 0, 1, BLOCK_LOG, _FLAGS, len(self._owners), 4, 0),
            *(block << 16 | offset, _SUPERBLOCK.size + len(body), index_at, NONE, inodes_at, directories_at, NONE, NONE),
        )
        image = head + body
        return image + bytes(-len(image) % 4096)  # images are mounted as block devices: whole pages

    def _write(self, path: str) -> None:
        """Write what is below a path, then itself: a directory names places of inodes."""
        node = self._nodes[path]
        for child in self._children[path]:
            self._write(child)
        number = self._numbers[path]
        head = struct.pack("<HHHHII", node.kind, node.mode, *(self._owners.index(node.owner),) * 2, self._time_s, number)
        if node.content is not None:
            start, sizes = self._store(node.content)
            rest = struct.pack("<IIII", start, _NO_FRAGMENT, 0, len(node.content)) + b"".join(struct.pack("<I", size) for size in sizes)
        elif node.target is not None:
            target = node.target.encode()
            rest = struct.pack("<II", 1, len(target)) + target
        else:
            rest = self._listing(path)
        self._places[path] = self._inodes.place
        self._inodes.add(head + rest)

    def _store(self, content: bytes) -> tuple[int, list[int]]:
        start, sizes = _SUPERBLOCK.size + len(self._data), []
        for at in range(0, len(content), BLOCK_SIZE):
            block = content[at : at + BLOCK_SIZE]
            packed = zlib.compress(block, 9)
            stored = packed if len(packed) < len(block) else block
            self._data += stored
            sizes.append(len(stored) | (0 if stored is packed else _RAW_DATA))
        return start, sizes

    def _listing(self, path: str) -> bytes:
        """Write a directory's entries, a header before each run of at most 256 whose inodes share a block; returns the inode's tail."""
        block, offset = self._directories.place
        children = self._children[path]
        written = b""
        while children:
            start, base = self._places[children[0]][0], self._numbers[children[0]]
            run = next((n for n, child in enumerate(children) if n == 256 or self._places[child][0] != start), len(children))
            written += struct.pack("<III", run - 1, start, base)
            for child in children[:run]:
                name = child.rpartition("/")[2].encode()
                entry = (self._places[child][1], self._numbers[child] - base, self._nodes[child].kind, len(name) - 1)
                written += struct.pack("<HhHH", *entry) + name
            children = children[run:]
        self._directories.add(written)
        directories = sum(self._nodes[child].kind == _DIRECTORY for child in self._children[path])
        parent = self._numbers[path.rpartition("/")[0]] if path else len(self._nodes) + 1
        return struct.pack("<IIHHI", block, 2 + directories, len(written) + 3, offset, parent)

"""A small writer of squashfs 4.0 images, so that the tests can make hostile ones too.

One metadata block per inode and per directory run would be wasteful but legal; here inodes and listings are packed as mksquashfs does.
"""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import lz4.block
import zstandard
from lzallright import LZOCompressor

BLOCK = 4096
COMPRESSIONS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "gzip": (1, zlib.compress),
    "lzma": (2, lambda data: lzma.compress(data, lzma.FORMAT_ALONE)),
    "lzo": (3, lambda data: LZOCompressor().compress(data)),
    "xz": (4, lambda data: lzma.compress(data, check=lzma.CHECK_CRC32)),
    "lz4": (5, lambda data: lz4.block.compress(data, store_size=False)),
    "zstd": (6, zstandard.ZstdCompressor().compress),
}


@dataclass
class Node:
    """A file (bytes), a link (str) or a folder (dict of names)."""

    content: bytes | str | dict[str, Any]
    mode: int = 0o644
    owner: int = 0
    sparse: int = 0  # a file of that many bytes that holds nothing


def folder(tree: dict[str, Node | bytes | str]) -> Node:
    """Build folders from a flat mapping of paths."""
    root = Node({}, 0o755)
    for path, value in tree.items():
        *parents, name = path.strip("/").split("/")
        at = root
        for parent in parents:
            assert isinstance(at.content, dict)
            at = at.content.setdefault(parent, Node({}, 0o755))
        assert isinstance(at.content, dict)
        node = value if isinstance(value, Node) else Node(value)
        if isinstance(node.content, dict) and name in at.content:
            at.content[name].mode = node.mode
        else:
            at.content[name] = node
    return root


@dataclass
class Writer:
    """Writes one image."""

    compression: str = "gzip"
    created: int = 1_760_000_000
    data: bytearray = field(default_factory=lambda: bytearray(96))
    inodes: bytearray = field(default_factory=bytearray)
    listings: bytearray = field(default_factory=bytearray)
    fragments: list[tuple[int, int]] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    count: int = 0

    def image(self, root: Node) -> bytes:
        number, compress = COMPRESSIONS[self.compression]
        self._compress = compress
        reference = self._folder(root)
        tables = {}
        for name, content in (("inodes", self.inodes), ("listings", self.listings)):
            tables[name] = len(self.data)
            self.data += self._metadata(bytes(content))
        fragments = b"".join(struct.pack("<Q2I", start, size, 0) for start, size in self.fragments)
        tables["fragments"] = self._indexed(fragments) if fragments else len(self.data)
        tables["ids"] = self._indexed(b"".join(struct.pack("<I", owner) for owner in self.owners))
        none = (1 << 64) - 1
        head = struct.pack("<4s4I6H", b"hsqs", self.count, self.created, BLOCK, len(self.fragments), number, 12, 0, len(self.owners), 4, 0)
        head += struct.pack(
            "<8Q",
            self._reference(reference),
            len(self.data),
            tables["ids"],
            none,
            tables["inodes"],
            tables["listings"],
            tables["fragments"],
            none,
        )
        self.data[:96] = head
        return bytes(self.data) + bytes(-len(self.data) % 4096)

    # Offsets within a table become block references only when the blocks are written, so all of them are stored whole: their size is known.
    def _reference(self, offset: int) -> int:
        return offset // 8192 * (8192 + 2) << 16 | offset % 8192

    def _metadata(self, content: bytes) -> bytes:
        blocks = [content[at : at + 8192] for at in range(0, len(content), 8192)]
        return b"".join(struct.pack("<H", 0x8000 | len(block)) + block for block in blocks)

    def _indexed(self, content: bytes) -> int:
        places = []
        for at in range(0, len(content), 8192):
            places.append(len(self.data))
            block = content[at : at + 8192]
            packed = self._compress(block)
            stored = len(packed) >= len(block)
            self.data += struct.pack("<H", (0x8000 if stored else 0) | len(block if stored else packed)) + (block if stored else packed)
        table = len(self.data)
        self.data += b"".join(struct.pack("<Q", place) for place in places)
        return table

    def _owner(self, owner: int) -> int:
        if owner not in self.owners:
            self.owners.append(owner)
        return self.owners.index(owner)

    def _inode(self, kind: int, node: Node, body: bytes) -> int:
        self.count += 1
        offset = len(self.inodes)
        self.inodes += struct.pack("<4H2I", kind, node.mode, self._owner(node.owner), self._owner(0), self.created, self.count) + body
        return offset

    def _folder(self, node: Node) -> int:
        assert isinstance(node.content, dict)
        entries: list[tuple[bytes, int, int]] = []
        for name in sorted(node.content):
            child = node.content[name]
            kind = 1 if isinstance(child.content, dict) else 3 if isinstance(child.content, str) else 2
            place = self._folder(child) if kind == 1 else self._link(child) if kind == 3 else self._file(child)
            entries.append((name.encode("utf-8", "surrogateescape"), kind, place))
        start, size = len(self.listings), 3
        for name, kind, place in entries:  # one run each: simple, and legal
            reference = self._reference(place)
            run = struct.pack("<3I", 0, reference >> 16, 1) + struct.pack("<HhHH", reference & 0xFFFF, 0, kind, len(name) - 1) + name
            self.listings += run
            size += len(run)
        place = self._reference(start)
        if size < 1 << 16:
            return self._inode(1, node, struct.pack("<2I2HI", place >> 16, 2, size, place & 0xFFFF, 1))
        return self._inode(8, node, struct.pack("<4I2HI", 2, size, place >> 16, 1, 0, place & 0xFFFF, 0xFFFFFFFF))

    def _link(self, node: Node) -> int:
        assert isinstance(node.content, str)
        return self._inode(3, node, struct.pack("<2I", 1, len(node.content.encode())) + node.content.encode())

    def _file(self, node: Node) -> int:
        assert isinstance(node.content, bytes)
        if node.sparse:
            blocks = min(-(-node.sparse // BLOCK), 1 << 15)
            body = struct.pack("<3Q4I", 0, node.sparse, node.sparse, 1, 0xFFFFFFFF, 0, 0xFFFFFFFF)
            return self._inode(9, node, body + bytes(4 * blocks))
        start, content = len(self.data), node.content
        sizes: list[int] = []
        whole = len(content) // BLOCK
        sizes += [self._block(content[at : at + BLOCK]) for at in range(0, whole * BLOCK, BLOCK)]
        tail, fragment = content[whole * BLOCK :], 0xFFFFFFFF
        if tail:
            fragment = len(self.fragments)
            at = len(self.data)
            self.fragments.append((at, self._block(tail)))
        body = struct.pack("<4I", start, fragment, 0, len(content))
        return self._inode(2, node, body + struct.pack(f"<{len(sizes)}I", *sizes))

    def _block(self, block: bytes) -> int:
        packed = self._compress(block)
        if len(packed) >= len(block):
            self.data += block
            return len(block) | 1 << 24
        self.data += packed
        return len(packed)


def image(tree: dict[str, Node | bytes | str], compression: str = "gzip") -> bytes:
    """Write an image of a flat mapping of paths."""
    return Writer(compression).image(folder(tree))

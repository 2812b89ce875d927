"""Flattened device trees (Devicetree Specification 0.4, chapter 5): nodes and properties, their values read when asked for.

Not the formats that are made of them (`formats/fit`, `formats/dtb`). Rules: the tree is bounded in nodes, properties and depth, whatever
its offsets say; a value's place is checked when the tree is read, its bytes are not touched, so that a FIT of any size takes little memory.

All numbers are big endian.

| header offset | size | field (5.2) | | token | structure block (5.4) |
|---|---|---|---|---|---|
| 0 | 4 | magic 0xd00dfeed | | 1 | begin node, then its name, NUL, padded to 4 |
| 4 | 4 | total size | | 2 | end node |
| 8 | 4 | structure block | | 3 | property: length u32, name offset u32, value, padded to 4 |
| 12 | 4 | strings block | | 4 | nothing |
| 16 | 4 | memory reservations | | 9 | end |
| 20 | 4 | version 17 | | | |
| 24 | 4 | last compatible version 16 | | | |
| 28 | 4 | boot CPU | | | |
| 32 | 4 | size of the strings | | | |
| 36 | 4 | size of the structure (from version 17) | | | |
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from plumbline.collect.firmware.format import HEAD
from plumbline.collect.firmware.said import LINE_MAX, text_of
from plumbline.collect.firmware.source import Source, UnsupportedImageError
from plumbline.model.errors import ProtocolError

MAGIC = b"\xd0\x0d\xfe\xed"
HEADER_SIZE = 40
NODES_MAX = 50_000
PROPERTIES_MAX = 500_000
DEPTH_MAX = 32
NAME_MAX = 256  # 31 by the specification; U-Boot's configurations are longer
STRINGS_MAX = 4 << 20
_WINDOW = 64 * 1024
_BEGIN, _END_NODE, _PROPERTY, _NOTHING, _END = 1, 2, 3, 4, 9


@dataclass(slots=True)
class Node:
    """One node. `properties` are the places of their values in the source, (offset, size) in bytes."""

    name: str
    properties: dict[str, tuple[int, int]] = field(default_factory=dict)
    children: dict[str, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeviceTree:
    """A tree, and readers of its values: each gives None where a node has no such property, or one of another size."""

    source: Source
    root: Node
    size: int  # bytes, as the header says

    def at(self, path: str) -> Node | None:
        """Find a node by its absolute path."""
        node: Node | None = self.root
        for name in filter(None, path.split("/")):
            node = node.children.get(name) if node else None
        return node

    def value(self, node: Node, name: str, most: int = 1 << 20) -> bytes | None:
        """Give a property's bytes; None when there are more than `most`."""
        place = node.properties.get(name)
        return None if place is None or place[1] > most else self.source.read(*place)

    def part(self, node: Node, name: str) -> Source | None:
        """Give a property's bytes where they lie."""
        place = node.properties.get(name)
        return None if place is None else self.source.slice(*place)

    def texts(self, node: Node, name: str, most: int = LINE_MAX) -> list[str]:
        """Give the strings of a property, each at most `most` characters, as far as they can be shown."""
        raw = self.value(node, name) or b""
        return [text for one in raw.rstrip(b"\0").split(b"\0")[:100] if (text := text_of(one, most))]

    def text(self, node: Node, name: str, most: int = LINE_MAX) -> str | None:
        """Give the first string of a property."""
        found = self.texts(node, name, most)
        return found[0] if found else None

    def number(self, node: Node, name: str) -> int | None:
        """Give a number of one or two cells (2.2.4)."""
        raw = self.value(node, name)
        return int.from_bytes(raw, "big") if raw is not None and len(raw) in (4, 8) else None


def looks_right(source: Source) -> bool:
    """Say whether a header stands there whose blocks lie inside what it says that it takes, which may be more than HEAD bytes show."""
    head = source.some(0, HEADER_SIZE)
    if len(head) < HEADER_SIZE or head[:4] != MAGIC:
        return False
    _, total, structure, strings, reserved, version, compatible, _cpu, strings_size, structure_size = struct.unpack(">10I", head)
    return (
        16 <= version <= 64
        and compatible <= version
        and min(structure, strings, reserved) >= HEADER_SIZE - 4
        and structure % 4 == 0
        and max(strings + strings_size, structure + (structure_size if version >= 17 else 0), reserved) <= total
        and (total <= source.size or source.size == HEAD)
        and source.some(structure, 4) in (b"\0\0\0\x01", b"\0\0\0\x04")
    )


def first_names(source: Source) -> set[str]:
    """Give the names of the nodes below the root, as far as the source goes; none where no tree stands."""
    if not looks_right(source):
        return set()
    structure = int.from_bytes(source.read(8, 4), "big")
    reader = _Structure(source, None, structure, source.size)
    with suppress(ProtocolError):  # it may be cut off, by whoever looks at its beginning only
        reader.read()
    return set(reader.root.children) if reader.root else set()


def read_tree(source: Source) -> DeviceTree:
    """Read the tree at the start of a source; raises ProtocolError."""
    magic, total, structure, strings, _reserved, version, compatible, _cpu, strings_size, structure_size = struct.unpack(
        ">10I", source.read(0, HEADER_SIZE)
    )
    if magic != int.from_bytes(MAGIC, "big"):
        raise ProtocolError("no device tree", offset=0)
    if compatible > 17 or version < 16:
        raise UnsupportedImageError(f"device tree of version {version}, compatible with {compatible}; 16 and 17 are read")
    if total > source.size:
        raise ProtocolError(f"device tree of {total} bytes in {source.size} bytes")
    whole = source.slice(0, total)
    if strings_size > STRINGS_MAX:
        raise ProtocolError(f"{strings_size} bytes of names")
    end = structure + structure_size if version >= 17 else total
    names = whole.read(strings, strings_size)
    return DeviceTree(whole, _Structure(whole, names, structure, min(end, total)).read(), total)


class _Structure:
    """The structure block on its way into nodes; without `names` all properties are left out."""

    def __init__(self, source: Source, names: bytes | None, start: int, end: int) -> None:
        self.root: Node | None = None
        self._source = source
        self._names = names
        self._at = start
        self._end = end
        self._window = b""
        self._window_at = 0

    def read(self) -> Node:
        """Read the tokens up to the end of the root."""
        stack: list[Node] = []
        nodes = properties = 0
        for token in self._tokens():
            if token == _BEGIN:
                nodes += 1
                if nodes > NODES_MAX or len(stack) >= DEPTH_MAX:
                    raise ProtocolError(f"device tree of more than {NODES_MAX} nodes, or deeper than {DEPTH_MAX}")
                node = Node(self._name())
                self.root = self.root or node
                if stack and stack[-1].children.setdefault(node.name, node) is not node:
                    raise ProtocolError(f"node {node.name} stands twice", offset=self._at)
                stack.append(node)
            elif not stack:
                raise ProtocolError("device tree without a root", offset=self._at)
            elif token == _END_NODE:
                node = stack.pop()
                if not stack:
                    return node
            elif token == _PROPERTY:
                properties += 1
                if properties > PROPERTIES_MAX:
                    raise ProtocolError(f"device tree of more than {PROPERTIES_MAX} properties")
                size, name_at = struct.unpack(">2I", self._take(8))
                if self._at + size > self._end:
                    raise ProtocolError(f"property of {size} bytes runs over the structure", offset=self._at)
                if self._names is not None:
                    stack[-1].properties.setdefault(_property_name(self._names, name_at), (self._at, size))
                self._at += size + -size % 4
            elif token != _NOTHING:
                raise ProtocolError(f"token {token} in a device tree", offset=self._at - 4)
        raise ProtocolError("device tree has no end", offset=self._at)

    def _tokens(self) -> Iterator[int]:
        while self._at + 4 <= self._end:
            yield int.from_bytes(self._take(4), "big")

    def _take(self, size: int) -> bytes:
        data = self._peek(size)
        if len(data) < size or self._at + size > self._end:
            raise ProtocolError("device tree is cut off", offset=self._at)
        self._at += size
        return data

    def _peek(self, size: int) -> bytes:
        inside = self._at - self._window_at
        if not 0 <= inside <= len(self._window) - size:
            self._window, self._window_at, inside = self._source.some(self._at, _WINDOW), self._at, 0
        return self._window[inside : inside + size]

    def _name(self) -> str:
        data = self._peek(min(NAME_MAX + 1, max(0, self._end - self._at)))
        length = data.find(b"\0")
        if length < 0:
            raise ProtocolError(f"node name without an end in {NAME_MAX} bytes", offset=self._at)
        self._at += length + 1 + -(length + 1) % 4
        return _ascii(data[:length])


def _property_name(names: bytes, at: int) -> str:
    end = names.find(b"\0", at, at + NAME_MAX)
    if at >= len(names) or end < 0:
        raise ProtocolError(f"property name at {at} of {len(names)} bytes of names")
    return _ascii(names[at:end])


def _ascii(raw: bytes) -> str:
    text = raw.decode("ascii", "replace")
    if not text.isprintable():
        raise ProtocolError(f"no name for a node or property: {raw[:32]!r}")
    return text

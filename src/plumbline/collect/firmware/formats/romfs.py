"""romfs (Documentation/filesystems/romfs of Linux): files without owner or mode but whether they can be run.

All numbers are big endian; headers stand at multiples of 16. Rules: hard links are followed a few times only; a folder whose entries lead
back to one of them ends there.

| image | size | field | | file | size | field |
|---|---|---|---|---|---|---|
| 0 | 8 | `-rom1fs-` | | 0 | 4 | next in the folder; bits 0-2 kind, 3 can be run |
| 8 | 4 | size | | 4 | 4 | folder: first file in it; hard link: the file |
| 12 | 4 | checksum: the first 512 bytes add up to 0 | | 8 | 4 | size |
| 16 | | name, to a multiple of 16; then the root | | 12 | 4 | checksum |
| | | | | 16 | | name, to a multiple of 16; then the content |
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.collect.firmware.format import FileSystem, Format, Header, Inode, Opened
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

MAGIC = b"-rom1fs-"
NAME_MAX = 256
TARGET_MAX = 4096
LINKS_MAX = 8
_LINK, _FOLDER, _FILE, _SYMLINK = 0, 1, 2, 3
_RUNS = 8
_KINDS = {_FOLDER: "directory", _FILE: "file", _SYMLINK: "symlink"}


@dataclass(frozen=True, slots=True)
class _File:
    at: int
    following: int
    kind: int
    runs: bool
    info: int
    size: int
    name: bytes
    content_at: int


class Romfs(FileSystem):
    """A file system; raises ProtocolError, and nothing else, when the image is at fault."""

    def __init__(self, source: Source, budget: Budget) -> None:
        head = source.read(0, 16)
        if head[:8] != MAGIC:
            raise ProtocolError("no romfs magic", offset=0)
        size, _checksum = struct.unpack_from(">II", head, 8)
        self.size = min(int(size), source.size)
        self.complete = size <= source.size
        first = source.some(0, min(self.size, 512))
        first += bytes(-len(first) % 4)
        self.checksum = sum(struct.unpack(f">{len(first) // 4}I", first)) & 0xFFFFFFFF == 0
        self._source = source.slice(0, self.size)
        self._budget = budget
        self.name, self.root = self._name(16)

    def inode(self, reference: int) -> Inode:
        """Read a file's header."""
        file = self._file(reference)
        kind = _KINDS.get(file.kind, "other")
        if kind == "symlink" and file.size > TARGET_MAX:
            raise ProtocolError(f"symbolic link of {file.size} bytes")
        target = self._source.read(file.content_at, file.size) if kind == "symlink" else b""
        return Inode(kind, 0o755 if file.runs or kind == "directory" else 0o644, file.size if kind == "file" else 0, target, file)

    def listing(self, directory: Inode) -> Iterator[tuple[bytes, int]]:
        """Yield the names in a folder."""
        at, seen = directory.data.info & ~15, set()
        while at:
            if at in seen:
                raise ProtocolError("a folder without end", offset=at)
            seen.add(at)
            file = self._file(at)
            if file.name not in (b".", b".."):
                yield file.name, self._linked(file)
            at = file.following

    def pieces(self, inode: Inode) -> Iterator[bytes]:
        """Yield a file's content."""
        for block in self.stored(inode).blocks():
            self._budget.pay(len(block))
            yield block

    def place(self, inode: Inode) -> int | None:
        """Give the offset of a file's content."""
        return int(inode.data.content_at)

    def stored(self, inode: Inode) -> Source:
        """Give a file's bytes where they lie."""
        return self._source.slice(inode.data.content_at, inode.size)

    def _linked(self, file: _File) -> int:
        """Give where a hard link leads."""
        for _ in range(LINKS_MAX):
            if file.kind != _LINK:
                return file.at
            file = self._file(file.info & ~15)
        raise ProtocolError("hard links without end", offset=file.at)

    def _file(self, at: int) -> _File:
        self._budget.pay(32)
        following, info, size, _checksum = struct.unpack(">4I", self._source.read(at, 16))
        name, content_at = self._name(at + 16)
        return _File(at, following & ~15, following & 7, bool(following & _RUNS), info, size, name, content_at)

    def _name(self, at: int) -> tuple[bytes, int]:
        """Read a name; gives the offset behind it too."""
        data = self._source.some(at, NAME_MAX)
        name, zero, _ = data.partition(b"\0")
        if not zero:
            raise ProtocolError("name without an end", offset=at)
        return name, at + (len(name) // 16 + 1) * 16


def _recognises(source: Source) -> bool:
    size = int.from_bytes(source.some(8, 4), "big")
    return size >= 64 and size % 16 == 0


def _open(source: Source, budget: Budget) -> Opened:
    files = Romfs(source, budget)
    name = files.name.decode("utf-8", "backslashreplace") or None
    problems = () if files.complete else ("is cut off",)
    return Opened(Header(name=name, checksum=files.checksum), files=files, size=files.size, problems=problems)


FORMAT = Format("romfs", "romfs", ((0, MAGIC),), _recognises, _open, embedded=True)

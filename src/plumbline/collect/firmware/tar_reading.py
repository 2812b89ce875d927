"""Reads a tar archive: ustar and pax (POSIX.1-2017, pax), and what GNU tar adds (its manual, "Basic Tar Format").

Rules: a header counts when its checksum holds; what follows one that does not is not read, and said;
names, extended headers and the maps of sparse files are capped.

| offset | size | field | | offset | size | field |
|---|---|---|---|---|---|---|
| 0 | 100 | name | | 156 | 1 | type |
| 100 | 8 | mode, octal | | 157 | 100 | target of a link |
| 108 | 8 | owner, octal | | 257 | 8 | `ustar\\0` `00`, or `ustar  \\0` of GNU |
| 116 | 8 | group, octal | | 265 | 64 | names of owner and group |
| 124 | 12 | size, octal; first bit set: base 256 | | 345 | 155 | what stands before the name; of GNU's sparse files: |
| 136 | 12 | time, octal | | 386 | 96 | 4 pairs (offset, size) of 12, octal |
| 148 | 8 | sum of all bytes, these as spaces | | 482 | 1+12 | more follow; size when whole |
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from plumbline.collect.firmware.members import Member, Members
from plumbline.collect.firmware.source import Run, Source
from plumbline.model.errors import ProtocolError

BLOCK = 512
MAGIC = b"ustar"
LONG_MAX = 64 << 10  # bytes of a long name
PAX_MAX = 1 << 20
MAP_MAX = 100_000  # pieces of one sparse file
_KINDS = {b"0": "file", b"\0": "file", b"7": "file", b"S": "file", b"2": "symlink", b"5": "directory", b"D": "directory", b"1": "hard link"}
_OTHER = (b"3", b"4", b"6")
_NO_CONTENT = (b"1", b"2", b"3", b"4", b"5", b"6")  # whatever their size says


@dataclass(frozen=True, slots=True)
class Entry:
    """One member as its headers tell it; `kind` as of an inode, or `hard link`. `data` is its content, `at` where that begins, if known."""

    name: bytes
    kind: str
    mode: int
    owner: int
    target: bytes
    data: Source
    at: int | None


class TarReader:
    """Reads one archive; after `entries` came to an end, `end` is the offset behind it, `problems` what could not be read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.end = 0
        self.problems: list[str] = []
        self._global: dict[bytes, bytes] = {}

    def entries(self) -> Iterator[Entry]:
        """Yield the members in their order."""
        try:
            yield from self._entries()
        except ProtocolError as error:
            self.problems.append(f"the archive breaks off: {error}")

    def _entries(self) -> Iterator[Entry]:
        extended: dict[bytes, bytes] = {}
        sparse: list[tuple[int, int]] = []
        while True:
            head = self._source.some(self.end, BLOCK)
            if not head.strip(b"\0"):
                self.end += len(head)
                return
            check_header(head, self.end)
            kind, size = head[156:157], number(head[124:136])
            at = self.end + BLOCK
            if kind in (b"L", b"K"):
                extended[b"path" if kind == b"L" else b"linkpath"] = self._long(at, size, LONG_MAX).rstrip(b"\0")
                self.end = after(at, size)
            elif kind in (b"x", b"X", b"g"):
                self._pax(self._long(at, size, PAX_MAX), self._global if kind == b"g" else extended, sparse)
                self.end = after(at, size)
            elif kind == b"V":
                self.end = after(at, 0)
            else:
                yield self._entry(head, {**self._global, **extended}, sparse)
                extended, sparse = {}, []

    def _entry(self, head: bytes, extended: dict[bytes, bytes], sparse: list[tuple[int, int]]) -> Entry:
        kind = head[156:157]
        if kind == b"M":
            raise ProtocolError("goes on from another volume", offset=self.end)
        size = _decimal(extended[b"size"]) if b"size" in extended else number(head[124:136])
        name, prefix = head[:100].partition(b"\0")[0], head[345:500].partition(b"\0")[0]
        if prefix and head[257:263] == b"ustar\0":
            name = prefix + b"/" + name
        name = extended.get(b"GNU.sparse.name", extended.get(b"path", name))
        word = "other" if kind in _OTHER else _KINDS.get(kind, "file")  # POSIX: what is not known is a file
        if word == "file" and name.endswith(b"/"):
            word = "directory"
        at = self.end + BLOCK
        if kind == b"S":
            at, sparse, whole = self._gnu_map(head, at)
        else:
            whole = _decimal(extended.get(b"GNU.sparse.realsize", extended.get(b"GNU.sparse.size", b"%d" % size)))
            if b"GNU.sparse.map" in extended:
                numbers = [_decimal(one) for one in extended[b"GNU.sparse.map"].split(b",")]
                sparse = list(zip(numbers[::2], numbers[1::2], strict=False))
        stored = 0 if kind in _NO_CONTENT else size
        if stored > self._source.size - at:
            raise ProtocolError(f"{stored} bytes of {name[:100]!r} are not all there", offset=at)
        data = self._source.slice(at, stored)
        self.end = after(at, stored)
        if extended.get(b"GNU.sparse.major") == b"1":
            data, sparse = _map_in_data(data)
        if sparse or kind == b"S" or b"GNU.sparse.major" in extended:
            data = _spread(data, sparse, whole)
        target = extended.get(b"linkpath", head[157:257].partition(b"\0")[0])
        owner = _decimal(extended[b"uid"]) if b"uid" in extended else number(head[108:116])
        return Entry(name, word, number(head[100:108]) & 0o7777, owner, target, data, at)

    def _long(self, at: int, size: int, most: int) -> bytes:
        if size > most:
            raise ProtocolError(f"extended header of {size} bytes", offset=at)
        return self._source.read(at, size)

    def _pax(self, data: bytes, into: dict[bytes, bytes], sparse: list[tuple[int, int]]) -> None:
        """Read records `length key=value\\n`; the pieces of a sparse file of form 0.0 come as records of their own."""
        at = offset = 0
        while at < len(data) and data[at]:
            length, space, _ = data[at : at + 20].partition(b" ")
            end = at + _decimal(length)
            if not space or end > len(data) or end <= at + len(length) + 1:
                raise ProtocolError("extended header with a length that cannot be")
            key, equals, value = data[at + len(length) + 1 : end].rstrip(b"\n").partition(b"=")
            if key == b"GNU.sparse.offset":
                offset = _decimal(value)
            elif key == b"GNU.sparse.numbytes":
                sparse.append((offset, _decimal(value)))
            elif equals:
                into[key] = value
            at = end

    def _gnu_map(self, head: bytes, at: int) -> tuple[int, list[tuple[int, int]], int]:
        """Read the map of an old GNU sparse file, which goes on in blocks of 21 pairs behind the header."""
        pairs, more, whole = head[386:482], head[482], number(head[483:495])
        sparse: list[tuple[int, int]] = []
        while True:
            used = (pairs[place : place + 24] for place in range(0, len(pairs), 24) if pairs[place])
            sparse.extend((number(pair[:12]), number(pair[12:])) for pair in used)
            if not more:
                return at, sparse, whole
            if len(sparse) > MAP_MAX:
                raise ProtocolError(f"sparse file of more than {MAP_MAX} pieces", offset=at)
            block = self._source.read(at, BLOCK)
            pairs, more, at = block[:504], block[504], at + BLOCK


def add_all(entries: Iterable[Entry], members: Members) -> None:
    """Put members into a tree; a hard link is a second name of what came before."""
    for entry in entries:
        if entry.kind == "hard link":
            first = members.find(entry.target)
            if first is None or first.kind == "directory":
                members.say(entry.name, "hard link to what is no file of the archive")
                continue
            members.add(entry.name, first)
            continue
        member = Member(entry.kind, entry.mode, entry.owner)
        if entry.kind == "symlink":
            member.target = entry.target
        if entry.kind == "file":
            member.source, member.size, member.at = entry.data, entry.data.size, entry.at
        members.add(entry.name, member)


def check_header(head: bytes, at: int) -> None:
    """Raise ProtocolError unless a header's checksum holds."""
    if len(head) < BLOCK:
        raise ProtocolError("header is cut off", offset=at)
    told = number(head[148:156])
    rest = head[:148] + b" " * 8 + head[156:]
    if told != sum(rest) and told != sum(struct.unpack("512b", rest)):  # some old tars added signed bytes
        raise ProtocolError("header's checksum does not hold", offset=at)


def number(field: bytes) -> int:
    """Read an octal number, or one in base 256 (GNU); raises ProtocolError."""
    if field[:1] and field[0] & 0x80:
        value = int.from_bytes(field[1:], "big")
        if field[0] != 0x80 or value >= 1 << 62:
            raise ProtocolError("negative or huge number")
        return value
    digits = field.partition(b"\0")[0].strip(b" ")
    if digits.strip(b"01234567"):
        raise ProtocolError(f"{digits[:12]!r} is no octal number")
    return int(digits or b"0", 8)


def after(at: int, size: int) -> int:
    """Give the offset of the header that follows some content."""
    return at + size + -size % BLOCK


def _decimal(field: bytes) -> int:
    whole = field.partition(b".")[0]
    if not whole.isdigit() or len(whole) > 19:
        raise ProtocolError(f"{field[:24]!r} is no number")
    return min(int(whole), 1 << 62)


def _map_in_data(data: Source) -> tuple[Source, list[tuple[int, int]]]:
    """Read the map of a sparse file of form 1.0: lines of numbers before the content, padded to a block; their count comes first."""
    numbers: list[int] = []
    left, at = b"", 0
    while not numbers or len(numbers) < 1 + 2 * numbers[0]:
        block = data.read(at, BLOCK)
        at += BLOCK
        *lines, left = (left + block).split(b"\n")
        numbers += [_decimal(line) for line in lines[: 1 + 2 * MAP_MAX - len(numbers)] if line.strip(b"\0")]
        if len(left) > BLOCK or (numbers and numbers[0] > MAP_MAX) or (not lines and not numbers):
            raise ProtocolError("sparse file with a map that cannot be")
    pairs = numbers[1 : 1 + 2 * numbers[0]]
    return data.slice(at), list(zip(pairs[::2], pairs[1::2], strict=True))


def _spread(data: Source, sparse: list[tuple[int, int]], whole: int) -> Source:
    """Lay the pieces of a sparse file where they belong; between them there is nothing."""
    if len(sparse) > MAP_MAX:
        raise ProtocolError(f"sparse file of more than {MAP_MAX} pieces")
    runs: list[Run] = []
    at = taken = 0
    for offset, size in sparse:
        if offset < at or offset + size > whole or taken + size > data.size:
            raise ProtocolError("sparse file with pieces outside it")
        runs += [Run(offset - at), Run(size, data, taken)]
        at, taken = offset + size, taken + size
    return Source.of_runs([*runs, Run(whole - at)])

"""zip (PKWARE, APPNOTE 6.3.10): files, stored or deflated.

The central directory at the end says what is in it; each file's own header, which is read as well, must agree. Rules: an encrypted file and
one of another compression are named and not read; files that lie in each other, and bytes between files that no file owns, are said.

| end of central directory | size | field | | central header | size | field |
|---|---|---|---|---|---|---|
| 0 | 4 | `PK\\5\\6` | | 0 | 4 | `PK\\1\\2` |
| 8 | 2 | entries here | | 4 | 2 | made by; high byte 3: Unix |
| 10 | 2 | entries | | 8 | 2 | flags: bit 0 encrypted, 11 names in UTF-8 |
| 12 | 4 | size of the directory | | 10 | 2 | method: 0 stored, 8 deflate |
| 16 | 4 | its offset | | 16 | 4+4+4 | CRC-32, stored size, whole size |
| 20 | 2 | size of the comment | | 28 | 2+2+2 | sizes of name, extra, comment |
| (zip64: 20 bytes before it stands `PK\\6\\7` with the | | | | 38 | 4 | attributes; Unix mode in the high half |
| offset of `PK\\6\\6`, where these have 8 bytes each) | | | | 42 | 4 | offset of the file's own header |
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from plumbline.collect.firmware.format import Format, Header, Opened
from plumbline.collect.firmware.members import TARGET_MAX, Member, Members, kind_of
from plumbline.collect.firmware.source import PIECE, Budget, Source, UnsupportedImageError
from plumbline.collect.firmware.tree import ENTRIES_MAX
from plumbline.model.errors import ProtocolError

MAGIC = b"PK\x03\x04"
_END, _END64, _LOCATOR64, _CENTRAL = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x01\x02"
_COMMENT_MAX = 1 << 16
_STORED, _DEFLATE = 0, 8
_METHODS = {1: "shrink", 6: "implode", 9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz", 98: "ppmd", 99: "AES"}
_INPUT = 1 << 16
_UNOWNED_MIN = 4096
_SEARCHED_MAX = 256 << 20  # for the end of an archive that something follows


@dataclass(frozen=True, slots=True)
class _Directory:
    """Where the central directory lies. `base` is where offsets count from."""

    at: int
    size: int
    entries: int
    base: int
    end: int  # of the whole archive


@dataclass(frozen=True, slots=True)
class _Entry:
    name: bytes
    raw_name: bytes
    unix: bool
    encrypted: bool
    method: int
    crc: int
    stored: int
    size: int
    mode: int
    header_at: int


class Zip:
    """One archive on its way into a tree."""

    def __init__(self, source: Source, budget: Budget) -> None:
        self._source = source
        self._budget = budget
        self.members = Members(budget)
        self.directory = _find_directory(source)
        self.encrypted = 0
        self.problems: list[str] = []

    def read(self) -> None:
        """Read the central directory; raises ProtocolError when it is broken."""
        spans: list[tuple[int, int]] = []
        for entry in self._entries():
            try:
                at = self._content_at(entry)
            except ProtocolError as error:
                self.members.say(entry.name, str(error))
                continue
            spans.append((self.directory.base + entry.header_at, at + entry.stored))
            self.encrypted += entry.encrypted
            if self.members.find(entry.name) is not None and not entry.name.endswith(b"/"):
                self.members.say(entry.name, "a name that stands twice")
            self._add(entry, at)
        self._judge(sorted(spans))

    def _entries(self) -> Iterator[_Entry]:
        at, end = self.directory.at, self.directory.at + self.directory.size
        for _ in range(self.directory.entries):
            fixed = self._source.read(at, 46)
            made_by, flags, method = struct.unpack_from("<HxxHH", fixed, 4)
            crc, stored, size, *lengths = struct.unpack_from("<3I3H", fixed, 16)
            attributes, header_at = struct.unpack_from("<II", fixed, 38)
            at += 46
            if fixed[:4] != _CENTRAL or at + sum(lengths) > end:
                raise ProtocolError("central directory is broken", offset=at - 46)
            raw_name, extra = self._source.read(at, lengths[0]), self._source.read(at + lengths[0], lengths[1])
            at += sum(lengths)
            stored, size, header_at = _zip64(extra, stored, size, header_at)
            unix = made_by >> 8 == 3 and attributes >> 16 != 0
            name = _name(raw_name, unix=unix, utf8=bool(flags & 1 << 11))
            yield _Entry(name, raw_name, unix, bool(flags & 1), method, crc, stored, size, attributes >> 16, header_at)
        if at != end:
            self.problems.append("central directory holds more than its entries")

    def _content_at(self, entry: _Entry) -> int:
        """Read a file's own header, which stands before its content."""
        at = self.directory.base + entry.header_at
        fixed = self._source.read(at, 30)
        flags, method = struct.unpack_from("<HH", fixed, 6)
        name_size, extra_size = struct.unpack_from("<HH", fixed, 26)
        name = self._source.read(at + 30, name_size)
        if fixed[:4] != MAGIC or (bool(flags & 1), method) != (entry.encrypted, entry.method) or name != entry.raw_name:
            raise ProtocolError("its own header says otherwise than the directory")
        at += 30 + name_size + extra_size
        if at + entry.stored > self._source.size:
            raise ProtocolError("its content is not all there")
        return int(at)

    def _add(self, entry: _Entry, at: int) -> None:
        if entry.name.endswith(b"/"):
            self.members.add(entry.name, Member("directory", entry.mode & 0o7777 if entry.unix else 0o755))
            return
        kind = kind_of(entry.mode) if entry.unix and entry.mode >> 12 else "file"
        member = Member(kind, entry.mode & 0o7777 if entry.unix else 0o644, None, entry.size, at=at)
        data = self._source.slice(at, entry.stored)
        if entry.method == _STORED and not entry.encrypted and entry.stored == entry.size:
            member.source = data
        member.make = partial(self._pieces, entry, data)  # which tries the checksum as well
        if kind == "symlink":
            try:
                member.target = b"".join(self._pieces(entry, data)) if entry.size <= TARGET_MAX else b""
            except UnsupportedImageError as error:
                self.members.say(entry.name, str(error))
                return
        self.members.add(entry.name, member)

    def _pieces(self, entry: _Entry, data: Source) -> Iterator[bytes]:
        """Decompress one file."""
        if entry.encrypted:
            raise UnsupportedImageError("is encrypted")
        if entry.method == _DEFLATE:
            pieces = self._inflated(data)
        elif entry.method == _STORED:
            pieces = data.blocks()
        else:
            raise UnsupportedImageError(f"is compressed by {_METHODS.get(entry.method, f'method {entry.method}')}, which is not read")
        crc, left = 0, entry.size
        for piece in pieces:
            self._budget.pay(len(piece))
            crc, left = zlib.crc32(piece, crc), left - len(piece)
            if left < 0:
                raise ProtocolError("grows larger than it says")
            yield piece
        if left or crc != entry.crc:
            raise ProtocolError("its content is not what its checksum says")

    def _inflated(self, data: Source) -> Iterator[bytes]:
        stream, at = zlib.decompressobj(-15), 0
        while not stream.eof:
            given = stream.unconsumed_tail or data.some(at, _INPUT)
            at += 0 if stream.unconsumed_tail else len(given)
            try:
                piece = stream.decompress(given, PIECE)
            except zlib.error as error:
                raise ProtocolError(f"no deflate stream: {error}") from error
            if piece:
                yield piece
            elif not given:
                raise ProtocolError("its content is cut off")

    def _judge(self, spans: list[tuple[int, int]]) -> None:
        """Say what lies in each other, and what lies between and belongs to nothing."""
        taken, overlapping, unowned = 0, 0, 0
        for start, end in [*spans, (self.directory.at, self.directory.end)]:
            overlapping += start < taken
            unowned += start - taken if start - taken >= _UNOWNED_MIN else 0
            taken = max(taken, end)
        if overlapping:
            self.problems.append(f"{overlapping} files lie in others")
        if unowned:
            self.problems.append(f"{unowned} bytes between the files belong to none")
        if self.encrypted:
            self.problems.append(f"{self.encrypted} of {len(spans)} files are encrypted")


def _find_directory(source: Source) -> _Directory:
    """Find the end of the central directory: at the source's end, or else the first that fits, where something follows the archive."""
    tail_at = max(0, source.size - _COMMENT_MAX - 22)
    tail = source.some(tail_at, _COMMENT_MAX + 22)
    place = tail.rfind(_END)
    while place >= 0:
        found = _directory(source, tail_at + place)
        if found is not None and found.end == source.size:
            return found
        place = tail.rfind(_END, 0, place)
    at = 0
    while at < min(source.size, _SEARCHED_MAX):
        block = source.some(at, PIECE + 3)
        place = block.find(_END)
        while place >= 0:
            found = _directory(source, at + place)
            if found is not None:
                return found
            place = block.find(_END, place + 1)
        at += PIECE
    raise ProtocolError("has no central directory: it is cut off")


def _directory(source: Source, at: int) -> _Directory | None:
    """Read the end of a central directory; None when it is none, or does not fit what stands before it."""
    fixed = source.some(at, 22)
    if len(fixed) < 22:
        return None
    entries, size, offset, comment = struct.unpack_from("<HIIH", fixed, 10)
    directory_end = at
    locator = source.some(at - 20, 20) if at >= 20 else b""
    if locator[:4] == _LOCATOR64:
        record_at = int.from_bytes(locator[8:16], "little")
        record = source.some(record_at, 56) if record_at < source.size else b""
        if record[:4] != _END64 or len(record) < 56:
            record_at = at - 20 - 56  # something stands before the archive, and offsets count from its start
            record = source.some(record_at, 56) if record_at >= 0 else b""
            if record[:4] != _END64:
                return None
        entries, size, offset = struct.unpack_from("<QQQ", record, 32)
        directory_end = record_at
    base = directory_end - size - offset
    if base < 0 or entries > ENTRIES_MAX or size < 46 * entries:
        return None
    return _Directory(base + offset, size, entries, base, min(source.size, at + 22 + comment))


def _zip64(extra: bytes, stored: int, size: int, header_at: int) -> tuple[int, int, int]:
    """Read what does not fit in 4 bytes from the extra field 1: of whole size, stored size and offset those that are all ones."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            places = range(at + 4, min(at + 4 + length, len(extra) - 7), 8)
            values = [int.from_bytes(extra[place : place + 8], "little") for place in reversed(places)]
            if size == 0xFFFFFFFF and values:
                size = values.pop()
            if stored == 0xFFFFFFFF and values:
                stored = values.pop()
            if header_at == 0xFFFFFFFF and values:
                header_at = values.pop()
        at += 4 + length
    if max(stored, size, header_at) >= 1 << 62:
        raise ProtocolError("a number that no archive has")
    return stored, size, header_at


def _name(raw: bytes, *, unix: bool, utf8: bool) -> bytes:
    if not unix and b"/" not in raw:
        raw = raw.replace(b"\\", b"/")  # some Windows programs write them so
    if utf8:
        return raw
    try:
        raw.decode()
    except UnicodeDecodeError:
        return raw if unix else raw.decode("cp437").encode()
    return raw


def _recognises(source: Source) -> bool:
    head = source.some(0, 30)
    if len(head) < 30:
        return False
    version, _flags, method = struct.unpack_from("<3H", head, 4)
    (name_size,) = struct.unpack_from("<H", head, 26)
    return version & 0xFF <= 63 and (method in (_STORED, _DEFLATE) or method in _METHODS) and 0 < name_size <= 4096


def _open(source: Source, budget: Budget) -> Opened:
    archive = Zip(source, budget)
    archive.read()
    header = Header(encrypted=archive.encrypted > 0)
    return Opened(header, files=archive.members, size=archive.directory.end, problems=(*archive.problems, *archive.members.problems))


FORMAT = Format("zip", "zip archive", ((0, MAGIC),), _recognises, _open, embedded=True)

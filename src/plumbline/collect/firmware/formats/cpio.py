"""cpio, as initramfs and update packages have it (cpio(5); Linux, initramfs buffer format; POSIX.1-1996 for odc): files.

Several archives one behind the other, zeros between them, are one tree, as the kernel has it. Files with one inode number are one file.
The checksums of form crc are not tried.

| newc, crc | size | field |
|---|---|---|
| 0 | 6 | `070701`, `070702` |
| 6 | 13 of 8, hex | inode, mode, owner, group, links, time, size, device (2), of a device its own (2), size of name, checksum |
| 110 | | name and a zero, to a multiple of 4; content, to a multiple of 4 |

| odc | size | field |
|---|---|---|
| 0 | 6 | `070707` |
| 6 | 7 of 6, octal | device, inode, mode, owner, group, links, of a device its own |
| 48 | 11, 6, 11, octal | time, size of name, size |
| 76 | | name and a zero; content |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.collect.firmware.format import Format, Opened
from plumbline.collect.firmware.members import TARGET_MAX, Member, Members, kind_of
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

NAME_MAX = 4096
ODC = b"070707"
NEWC = (b"070701", b"070702")
_LAST = b"TRAILER!!!"
_PADDING_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One header with its name. `file` tells files with several names apart; None where there is one name."""

    name: bytes
    mode: int
    owner: int
    file: tuple[int, ...] | None
    size: int
    at: int  # where the content begins
    end: int  # where the next header may begin


def read_entry(source: Source, at: int) -> Entry:
    """Read one header; raises ProtocolError."""
    magic = source.read(at, 6)
    if magic == ODC:
        fields = source.read(at + 6, 70)
        device, inode, mode, owner, _group, links, _special = (_number(fields[place : place + 6], 8) for place in range(0, 42, 6))
        length, size = _number(fields[53:59], 8), _number(fields[59:70], 8)
        begin, align, identity = 76, 1, (device, 0, inode)
    elif magic in NEWC:
        fields = source.read(at + 6, 104)
        numbers = [_number(fields[place : place + 8], 16) for place in range(0, 104, 8)]
        inode, mode, owner, _group, links, _time, size, major, minor, _major, _minor, length, _sum = numbers
        begin, align, identity = 110, 4, (major, minor, inode)
    else:
        raise ProtocolError("no header where one belongs", offset=at)
    if not 0 < length <= NAME_MAX:
        raise ProtocolError(f"name of {length} bytes", offset=at)
    name = source.read(at + begin, length).partition(b"\0")[0]
    content = at + begin + length
    content += -content % align
    end = content + size
    return Entry(name, mode, owner, identity if links > 1 else None, size, content, end + -end % align)


def _number(field: bytes, base: int) -> int:
    digits = b"01234567" if base == 8 else b"0123456789abcdefABCDEF"
    if field.strip(digits):
        raise ProtocolError(f"{field!r} is no number of base {base}")
    return int(field, base)


class CpioReader:
    """Reads archives; after `entries` came to an end, `end` is the offset behind the last, `problems` what was wrong."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.end = 0
        self.archives = 0
        self.problems: list[str] = []

    def entries(self) -> Iterator[Entry]:
        """Yield the entries of all archives in their order."""
        try:
            while True:
                entry = read_entry(self._source, self.end)
                if entry.at + entry.size > self._source.size:
                    raise ProtocolError(f"{entry.size} bytes of {entry.name[:100]!r} are not all there", offset=self.end)
                self.end = entry.end
                if entry.name != _LAST:
                    yield entry
                    continue
                self.archives += 1
                following = self._following()
                if following is None:
                    return
                self.end = following
        except ProtocolError as error:
            self.problems.append(f"the archive breaks off: {error}")

    def _following(self) -> int | None:
        """Find the next archive behind zeros."""
        at = self.end
        while at < min(self._source.size, self.end + _PADDING_MAX):
            block = self._source.some(at, 4096)
            blank = len(block) - len(block.lstrip(b"\0"))
            at += blank
            if blank < len(block):
                return at if self._source.some(at, 6) in (ODC, *NEWC) else None
        return None


def _tree(reader: CpioReader, source: Source, members: Members) -> None:
    several: dict[tuple[int, ...], Member] = {}
    for entry in reader.entries():
        file = (reader.archives, *entry.file) if entry.file is not None else None
        member = several.get(file) if file is not None else None
        if member is None:
            kind = kind_of(entry.mode)
            member = Member(kind, entry.mode & 0o7777, entry.owner)
            if kind == "symlink":
                if entry.size > TARGET_MAX:
                    members.say(entry.name, f"symbolic link of {entry.size} bytes")
                    continue
                member.target = source.read(entry.at, entry.size)
            if file is not None and kind == "file":
                several[file] = member
        if member.kind == "file" and entry.size:  # of several names one has the content
            member.size, member.at, member.source = entry.size, entry.at, source.slice(entry.at, entry.size)
        members.add(entry.name, member)


def _recognises(source: Source) -> bool:
    try:
        return bool(read_entry(source, 0).name)
    except ProtocolError:
        return False


def _open(source: Source, budget: Budget) -> Opened:
    members, reader = Members(budget), CpioReader(source)
    _tree(reader, source, members)
    return Opened(files=members, size=min(reader.end, source.size), problems=(*reader.problems, *members.problems))


FORMAT = Format("cpio", "cpio archive", ((0, ODC), (0, NEWC[0]), (0, NEWC[1])), _recognises, _open, embedded=True)

"""ar, as Debian packages and static libraries have it (deb(5); ar(5)): files.

| offset | size | field of a member's header |
|---|---|---|
| 0 | 16 | name: `name/` (GNU), `name` (deb), `/12`: at 12 in the member `//`, `#1/12`: the content's first 12 bytes (BSD) |
| 16 | 12, 6, 6 | time, owner, group, decimal |
| 40 | 8 | mode, octal |
| 48 | 10 | size, decimal; the next header stands at an even offset |
| 58 | 2 | 60 0a |
"""

from __future__ import annotations

from plumbline.collect.firmware.format import Format, Opened
from plumbline.collect.firmware.members import Member, Members
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

MAGIC = b"!<arch>\n"
HEADER = 60
NAME_MAX = 4096
NAMES_MAX = 16 << 20
_INDEXES = (b"/", b"/SYM64/", b"__.SYMDEF", b"__.SYMDEF SORTED")


def _number(field: bytes, base: int) -> int:
    digits = field.strip(b" ")
    if digits.strip(b"0123456789"[:base]):
        raise ProtocolError(f"{field!r} is no number")
    return int(digits or b"0", base)


def _name(field: bytes, names: bytes) -> bytes:
    name = field.rstrip(b" ")
    if name[:1] == b"/" and name[1:].isdigit():
        return names[int(name[1:]) :][:NAME_MAX].partition(b"\n")[0].rstrip(b"/")
    return name.removesuffix(b"/")


def _members(source: Source, members: Members) -> int:
    """Put all members into a tree; gives the offset behind the last."""
    at, names = len(MAGIC), b""
    while at < source.size:
        head = source.some(at, HEADER)
        if len(head) < HEADER or head[58:] != b"\x60\n":
            return at
        size, mode, owner = _number(head[48:58], 10), _number(head[40:48], 8), _number(head[28:34], 10)
        content = source.slice(at + HEADER, size)
        field = head[:16].rstrip(b" ")
        if field == b"//":
            names = content.read(0, min(size, NAMES_MAX))
        elif field.startswith(b"#1/"):
            length = min(_number(field[3:], 10), NAME_MAX)
            _add(members, content.read(0, length).rstrip(b"\0"), mode, owner, content.slice(length), at + HEADER + length)
        elif field not in _INDEXES:
            _add(members, _name(field, names), mode, owner, content, at + HEADER)
        at += HEADER + size + size % 2
    return source.size


def _add(members: Members, name: bytes, mode: int, owner: int, content: Source, at: int) -> None:
    if not name or b"/" in name:
        members.say(name, "no name for a file in an archive")
        return
    count = 2
    plain = name
    while members.find(name) is not None and count < 1000:  # a library may hold several members of one name
        name, count = plain + b" (%d)" % count, count + 1
    members.add(name, Member("file", mode & 0o7777, owner, content.size, source=content, at=at))


def _recognises(source: Source) -> bool:
    return source.some(66, 2) == b"\x60\n"


def _open(source: Source, budget: Budget) -> Opened:
    members = Members(budget)
    problems: list[str] = []
    size = None
    try:
        size = _members(source, members)
    except ProtocolError as error:
        problems.append(f"the archive breaks off: {error}")
    return Opened(files=members, size=size, problems=(*problems, *members.problems))


FORMAT = Format("ar", "ar archive", ((0, MAGIC),), _recognises, _open, embedded=True)

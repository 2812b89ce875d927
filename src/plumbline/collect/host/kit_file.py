"""Reads the file that the script of hostkit wrote on a device; `kit` says its form. Not what the outputs mean (`readings`).

Rules (law 7): the file is hostile: sizes are capped, a line that is no part of the form is passed over and said, of a command that stands
twice the first counts. What a command gave is given as a login would have: the same bytes, cut at the same limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from plumbline.collect.host.commands import Command, ending_of, load_commands
from plumbline.collect.host.kit import FORMAT
from plumbline.collect.host.outputs import Output
from plumbline.model.errors import ProtocolError
from plumbline.model.words import Outcome

FILE_MAX = 64 << 20
SAID_MAX = 5  # problems and unknown commands that are named
_HEAD = re.compile(rb"by ([^,\n]{1,40}), at (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ), as (\d{1,10})")
_BEGINS = re.compile(rb"@ ([a-z0-9_]{1,40})")
_ENDS = re.compile(rb"=(\d{1,3})")
_CUT = "its output was cut at {:,} bytes"
_UNFINISHED = "the script was ended before this command"


@dataclass(frozen=True, slots=True)
class KitFile:
    """One file: when it was made by the device's clock, what each command gave, and what was wrong with the form."""

    made_at: datetime
    outputs: dict[str, Output]
    problems: tuple[str, ...]


def read_kit(data: bytes, cite: Callable[[int], str]) -> KitFile:
    """Read a file; `cite` gives the reference for an offset. Raises ProtocolError when it is none of hostkit's."""
    if len(data) > FILE_MAX:
        raise ProtocolError(f"larger than {FILE_MAX >> 20} MB, which no output of hostkit is")
    lines = _lines(data)
    form, head = next(lines, (0, b""))[1], next(lines, (0, b""))[1]
    found = _HEAD.fullmatch(head)
    if form.decode("ascii", "replace") != FORMAT or found is None:
        raise ProtocolError("not written by the script of `plumbline hostkit`, or by one of another release")
    try:
        made_at = datetime.strptime(found[2].decode(), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise ProtocolError("its time is none") from error
    reading = _Reading()
    for offset, line in lines:
        reading.take(offset, line)
    ended = reading.ended
    outputs = {command.id: _output(command, reading.sections.get(command.id), cite, ended=ended) for command in load_commands().values()}
    if reading.unknown:
        reading.problems.append(f"commands that this release does not know: {', '.join(sorted(reading.unknown))}")
    if not ended:
        reading.problems.append("it has no end: the script was ended")
    return KitFile(made_at, outputs, tuple(reading.problems))


@dataclass(slots=True)
class _Section:
    """What one command gave; `last` waits, as it may be the exit code. Bytes beyond the command's limit are counted, not kept."""

    offset: int
    cap_bytes: int
    data: bytearray = field(default_factory=bytearray)
    last: bytes | None = None

    def add(self, line: bytes) -> None:
        if self.last is not None and len(self.data) <= self.cap_bytes:
            self.data += self.last + b"\n"
        self.last = line


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        yield at, data[at:end].removesuffix(b"\r")
        at = end + 1


class _Reading:
    """Takes a file line by line; of what has no place in the form only a handful is remembered."""

    def __init__(self) -> None:
        self.sections: dict[str, _Section] = {}
        self.unknown: set[str] = set()
        self.problems: list[str] = []
        self.ended = False
        self._section: _Section | None = None

    def take(self, offset: int, line: bytes) -> None:
        """Take one line."""
        if line.startswith(b"|"):
            if self._section is not None:
                self._section.add(line[1:])
        elif begins := _BEGINS.fullmatch(line):
            self._begin(begins[1].decode(), offset)
        elif line == b"end":
            self.ended, self._section = True, None
        elif line and len(self.problems) < SAID_MAX:
            self.problems.append(f"byte {offset} begins no line that the script writes")

    def _begin(self, name: str, offset: int) -> None:
        """Begin a command's section; of one that stands twice the first counts, and one that is not known is passed over."""
        command = load_commands().get(name)
        self._section = None
        if command is None:
            if len(self.unknown) < SAID_MAX:
                self.unknown.add(name)
        elif name not in self.sections:
            self._section = self.sections[name] = _Section(offset, command.cap_bytes)


def _output(command: Command, section: _Section | None, cite: Callable[[int], str], *, ended: bool) -> Output:
    if section is None or section.last is None:
        return Output(command.id, b"", Outcome.NOT_SUPPORTED, "the file does not hold it" if ended else _UNFINISHED)
    code = _ENDS.fullmatch(section.last)
    data = bytes(section.data[:-1]) if code else bytes(section.data) + section.last
    if len(data) > command.cap_bytes or code is None:
        data = data[: command.cap_bytes]
        why = _CUT.format(command.cap_bytes) if len(data) >= command.cap_bytes - 8 else _UNFINISHED
        return Output(command.id, data, Outcome.PARTIAL, why, raw=cite(section.offset))
    ending = ending_of(int(code[1]))
    return Output(command.id, data, ending.outcome, ending.detail, ending.absent, cite(section.offset))

"""Reads the file that the script of hostkit wrote on a device; `kit` says its form. Not what the outputs mean (`readings`).

Rules (law 7): the file is hostile: sizes are capped, a line that is no part of the form is passed over and said, of a command that stands
twice the first counts. What a command gave is given as a login would have: the same bytes, cut at the same limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from plumbline.collect.host.commands import Command, ending_of, load_commands
from plumbline.collect.host.kit import FORMAT
from plumbline.collect.host.outputs import Output
from plumbline.model.errors import ProtocolError
from plumbline.model.words import Outcome

FILE_MAX = 64 << 20
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
    sections, problems = _sections(lines)
    ended = "end" in sections
    outputs = {command.id: _output(command, sections.get(command.id), cite, ended=ended) for command in load_commands().values()}
    unknown = sorted(sections.keys() - outputs.keys() - {"end"})
    if unknown:
        problems.append(f"commands that this release does not know: {', '.join(unknown[:5])}")
    if not ended:
        problems.append("it has no end: the script was ended")
    return KitFile(made_at, outputs, tuple(problems))


@dataclass(slots=True)
class _Section:
    offset: int
    lines: list[bytes]


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        yield at, data[at:end].removesuffix(b"\r")
        at = end + 1


def _sections(lines: Iterator[tuple[int, bytes]]) -> tuple[dict[str, _Section], list[str]]:
    sections: dict[str, _Section] = {}
    problems: list[str] = []
    section: _Section | None = None
    for offset, line in lines:
        if line.startswith(b"|"):
            if section is not None:
                section.lines.append(line[1:])
            continue
        begins = _BEGINS.fullmatch(line)
        if begins:
            section = _Section(offset, [])
            sections.setdefault(begins[1].decode(), section)
        elif line == b"end":
            sections["end"] = _Section(offset, [])
            section = None
        elif line and len(problems) < 5:
            problems.append(f"byte {offset} begins no line that the script writes")
    return sections, problems


def _output(command: Command, section: _Section | None, cite: Callable[[int], str], *, ended: bool) -> Output:
    if section is None:
        return Output(command.id, b"", Outcome.NOT_SUPPORTED, "the file does not hold it" if ended else _UNFINISHED)
    code = _ENDS.fullmatch(section.lines[-1]) if section.lines else None
    data = b"\n".join(section.lines[:-1] if code else section.lines)
    if len(data) > command.cap_bytes or code is None:
        data = data[: command.cap_bytes]
        why = _CUT.format(command.cap_bytes) if len(data) >= command.cap_bytes - 8 else _UNFINISHED
        return Output(command.id, data, Outcome.PARTIAL, why, raw=cite(section.offset))
    ending = ending_of(int(code[1]))
    return Output(command.id, data, ending.outcome, ending.detail, ending.absent, cite(section.offset))

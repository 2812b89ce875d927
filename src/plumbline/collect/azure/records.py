"""Device records out of a file of any size: one JSON object at a time, in bounded memory.

| form | told by | a bad record |
|---|---|---|
| JSON lines (registry export) | one of the first lines is an object by itself | is passed over, the next line goes on |
| JSON array (registry list, twin query) | begins with `[` | ends the reading: nothing says where the next one begins |
| objects one after the other, pretty printed | otherwise | likewise |
| one object {value: [...]} | its only list | its elements are the records |

Rules: a record is at most RECORD_MAX bytes, and so is what is held in memory at once, a few times over; a cut file yields its whole
records and then says so. Not a judge of what a record means.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from plumbline.model.errors import ProtocolError
from plumbline.protocols.strict_json import raw_decode

RECORD_MAX = 8 << 20
_SNIFFED = 1 << 20
_BLOCK = 1 << 20
_SPACE = re.compile(r"[ \t\r\n]*")
_LISTS = ("value", "items", "devices", "result")


@dataclass(slots=True)
class Record:
    """One object, with its place: byte offset, and what a person would look for (`line 7`, `element 3`)."""

    offset: int
    place: str
    body: dict[str, Any] | None
    problem: str | None = None


def records(stream: BinaryIO) -> Iterator[Record]:
    """Yield the records of a seekable file; the unreadable ones have a problem and no body.

    Raises ProtocolError when it is no file of records at all.
    """
    stream.seek(0)
    head = stream.read(_SNIFFED)
    start = 3 if head.startswith(codecs.BOM_UTF8) else 0
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ProtocolError("UTF-16, as Windows PowerShell writes it: save it as UTF-8")
    text = head[start:].lstrip()
    if not text:
        raise ProtocolError(
            "empty: an export that holds nothing is not an export" if len(head) < _SNIFFED else "begins with a megabyte of blanks"
        )
    if text[:1] not in b"[{":
        raise ProtocolError("neither a JSON object nor an array", offset=len(head) - len(text))
    stream.seek(start)
    in_array = text[:1] == b"["
    found = _lines(stream, start) if not in_array and _by_line(text) else _sequence(stream, start, in_array=in_array)
    for record in found:
        body = record.body
        if body is None or "deviceId" in body or "id" in body:
            yield record
        else:
            yield from _opened(record, body)


def _by_line(text: bytes) -> bool:
    lines = text.split(b"\n", 20)
    if len(lines) == 1 and len(text) > _SNIFFED // 2:
        return True  # one enormous line: it is passed over, should it be larger than a record may be
    for line in lines[:20]:
        try:
            if isinstance(json.loads(line), dict):
                return True
        except (ValueError, RecursionError):
            continue
    return False


def _opened(record: Record, body: dict[str, Any]) -> Iterator[Record]:
    """Replace a list answer by its elements."""
    for name in _LISTS:
        if isinstance(body.get(name), list):
            for number, one in enumerate(body[name], 1):
                yield _checked(record.offset, f"{record.place}, element {number}", one)
            return
    yield record


def _checked(offset: int, place: str, value: object) -> Record:
    return Record(offset, place, value) if isinstance(value, dict) else Record(offset, place, None, "not an object")


def _lines(stream: BinaryIO, offset: int) -> Iterator[Record]:
    number = 0
    while line := stream.readline(RECORD_MAX + 1):
        number += 1
        start, length = offset, len(line)
        problem = None
        if length > RECORD_MAX:
            problem = f"longer than {RECORD_MAX >> 20} MB"
            while not line.endswith(b"\n") and (line := stream.readline(_BLOCK)):
                length += len(line)
        offset += length
        place = f"line {number}"
        if problem is not None:
            yield Record(start, place, None, problem)
            continue
        try:
            text = line.decode().strip()
            if text:
                value, end = raw_decode(text)
                problem = None if end == len(text) else "more than one value"
                yield _checked(start, place, value) if problem is None else Record(start, place, None, problem)
        except (ValueError, RecursionError) as error:
            cut = not line.endswith(b"\n")  # only the last line of a file has no end
            yield Record(start, place, None, "cut off" if cut else _said(error))


def _sequence(stream: BinaryIO, offset: int, *, in_array: bool) -> Iterator[Record]:
    window = _Window(stream, offset)
    number = 0
    try:
        if in_array:
            window.skip("[")
        while True:
            character = window.peek()
            if character == "]" and in_array:
                window.skip("]")
                if window.peek():
                    yield Record(window.offset, "after the array", None, "more follows")
                return
            if not character:
                if in_array:
                    yield Record(window.offset, f"element {number + 1}", None, "cut off: the array does not end")
                return
            if number and in_array:
                window.skip(",")
                window.peek()
            number += 1
            start = window.offset
            yield _checked(start, f"element {number}", window.value())
    except ProtocolError as error:
        yield Record(window.offset, f"element {number or 1}", None, f"{error}; the rest was not read")


class _Window:
    """The part of a text that is being decoded: grows until a value is whole, up to RECORD_MAX."""

    def __init__(self, stream: BinaryIO, offset: int) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._at = 0
        self._ended = False
        self.offset = offset  # in bytes, of the next character

    def peek(self) -> str:
        """Give the next character that is not white space, "" at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._advance(match.end() if match else self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def skip(self, character: str) -> None:
        """Pass over a character that must be next."""
        if self.peek() != character:
            raise ProtocolError(f"not JSON: {character!r} expected", offset=self.offset)
        self._advance(self._at + 1)

    def value(self) -> object:
        """Decode one value."""
        while True:
            try:
                value, end = raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                held = len(self._text) - self._at
                if held > RECORD_MAX:
                    raise ProtocolError(f"not JSON, or longer than {RECORD_MAX >> 20} MB") from error
                # It may only be that the value goes on: look again with twice as much.
                while len(self._text) - self._at < 2 * held and self._fill():
                    pass
                if len(self._text) - self._at == held:
                    raise ProtocolError(f"{_said(error)}, or cut off") from error
            except (ValueError, RecursionError) as error:
                raise ProtocolError(_said(error)) from error
            else:
                self._advance(end)
                return value

    def _advance(self, to: int) -> None:
        if to != self._at:
            self.offset += len(self._text[self._at : to].encode("utf-8", "surrogatepass"))
            self._at = to

    def _fill(self) -> bool:
        if self._ended:
            return False
        block = self._stream.read(_BLOCK)
        self._ended = not block
        try:
            more = self._decoder.decode(block, final=self._ended)
        except UnicodeDecodeError as error:
            self._ended = True
            raise ProtocolError("not UTF-8") from error
        self._text = self._text[self._at :] + more
        self._at = 0
        return not self._ended


def _said(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return f"not JSON: {error.msg}" if isinstance(error, json.JSONDecodeError) else f"not JSON: {str(error)[:100]}"

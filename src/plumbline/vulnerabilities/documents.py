"""Texts of feeds, cut into values: one JSON value after the other, YAML documents, or the lines of a table.

| form | told by |
|---|---|
| JSON lines | named .jsonl or .ndjson, or a first line that is an object by itself with another below it |
| JSON | starts with `{` or `[`: one value, or several with space between them |
| table | starts with a line of comment or heading that a feed knows |
| YAML | named .yaml or .yml |

Not which feed a value is of (`feeds`). Rules (law 7): UTF-8 and RFC 8259, strictly; nothing is held that is longer than VALUE_MAX, and
of a longer list (NVD's years) one member at a time; a bad line costs itself, a bad value the rest of its file, for nobody can tell where
it ends.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from plumbline.model.errors import ProtocolError
from plumbline.protocols import strict_json
from plumbline.vulnerabilities.opening import Stream
from plumbline.vulnerabilities.yaml_text import parse_yaml

HEAD = 1 << 20
LINE_MAX = 32 << 20  # the largest CSAF documents of a whole distribution have a tenth of it
VALUE_MAX = 64 << 20
MEMBER_MAX = 16 << 20  # of a list that is longer than VALUE_MAX
YAML_MAX = 4 << 20
LISTS = frozenset({"vulnerabilities", "Vulnerabilities", "cves", "advisories", "vulns"})
_SPACE = re.compile(r"[ \t\r\n]*")
_TABLE = (b"#model_version", b"cve,epss")
Value = tuple[str, Any]  # where in its file it stands, '' for the whole; and the value, or the ProtocolError that it is instead


def read_values(stream: Stream) -> Iterator[Value]:
    """Give the values of a file of JSON or YAML, a ProtocolError in the place of a bad line; raises it where nothing more can be read."""
    head = stream.head(HEAD).removeprefix(codecs.BOM_UTF8).lstrip()
    name = re.sub(r"\.(?:gz|xz|zst)$", "", stream.name.lower())
    if not head:
        raise ProtocolError("empty")
    if name.endswith((".jsonl", ".ndjson")) or _by_lines(head):
        yield from _lines(stream)
    elif head[:1] in (b"{", b"["):
        yield from _values(_Window(stream))
    elif name.endswith((".yaml", ".yml")):
        yield from _yaml(stream)
    else:
        raise ProtocolError("neither JSON nor YAML nor a table of a feed that is known")


def is_table(stream: Stream) -> bool:
    """Tell whether a file is a table rather than values."""
    return stream.head(64).removeprefix(codecs.BOM_UTF8).startswith(_TABLE)


def read_lines(stream: Stream, limit: int) -> Iterator[str]:
    """Give the lines of a table; raises ProtocolError for one that is longer than `limit` bytes or no UTF-8."""
    for number, line in enumerate(stream.lines(limit), 1):
        if line is None:
            raise ProtocolError(f"line {number} is longer than {limit} bytes")
        yield _decoded(line).rstrip("\r")


def _by_lines(head: bytes) -> bool:
    first, newline, rest = head.partition(b"\n")
    if not newline or not first.startswith(b"{") or not rest.lstrip().startswith(b"{"):
        return False
    try:
        strict_json.parse(_decoded(first))
    except ProtocolError:
        return False
    return True


def _lines(stream: Stream) -> Iterator[Value]:
    for number, line in enumerate(stream.lines(LINE_MAX), 1):
        where = f"line {number}"
        try:
            if line is None:
                yield where, ProtocolError(f"longer than {LINE_MAX >> 20} MB")
            elif line.strip():
                yield where, strict_json.parse(_decoded(line))
        except ProtocolError as error:
            yield where, error


def _yaml(stream: Stream) -> Iterator[Value]:
    data = stream.head(YAML_MAX + 1)
    if len(data) > YAML_MAX:
        raise ProtocolError(f"YAML of more than {YAML_MAX >> 20} MB")
    documents = list(parse_yaml(_decoded(data)))
    for number, value in enumerate(documents, 1):
        yield f"document {number}" if len(documents) > 1 else "", value


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProtocolError("not UTF-8", offset=error.start) from error


class _Window:
    """The part of a JSON text that is at hand; it grows forward and is cut off behind."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.text = ""
        self.at = 0
        self.whole = False  # its end is the end of the file
        self.grow()
        self.text = self.text.removeprefix("\ufeff")

    def grow(self, wanted: int = HEAD) -> None:
        """Take in at least `wanted` characters more, unless the file ends; raises ProtocolError when it is no UTF-8."""
        pieces, size = [self.text[self.at :]], 0
        while size < wanted and not self.whole:
            data = self._stream.read()
            try:
                pieces.append(self._decoder.decode(data, final=not data))
            except UnicodeDecodeError as error:
                raise ProtocolError("not UTF-8 text") from error
            size += len(pieces[-1])
            self.whole = not data
        self.text, self.at = "".join(pieces), 0

    def next(self) -> str:
        """Pass over space; give the next character, '' at the end of the file."""
        while True:
            match = _SPACE.match(self.text, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.text) or self.whole:
                return self.text[self.at : self.at + 1]
            self.grow()

    def expect(self, character: str) -> None:
        """Pass over one character; raises ProtocolError when it is another."""
        if self.next() != character:
            raise ProtocolError(f"not JSON: {character!r} is missing")
        self.at += 1

    def value(self, limit: int) -> Any:
        """Pass over one value and give it; raises ProtocolError when it is none, or longer than `limit` characters."""
        self.next()
        while True:
            try:
                value, end = strict_json.raw_decode(self.text, self.at)
                # A number at the end of what is at hand may go on.
                if end < len(self.text) or self.whole or isinstance(value, dict | list | str):
                    self.at = end
                    return value
                missing = json.JSONDecodeError("cut", "", 0)
            except json.JSONDecodeError as error:
                missing = error
            except RecursionError as error:
                raise ProtocolError("nested too deeply") from error
            except ValueError as error:
                raise ProtocolError(f"not JSON: {str(error)[:100]}") from error
            held = len(self.text) - self.at
            if self.whole:
                raise ProtocolError(f"not JSON: {missing.msg}") from missing
            if held >= limit:
                raise _TooLongError(f"no JSON value, or one longer than {limit >> 20} MB")
            self.grow(max(HEAD, min(held, limit - held)))


class _TooLongError(ProtocolError):
    """A value goes on beyond the limit, or is broken: nobody can tell."""


def _values(window: _Window) -> Iterator[Value]:
    number = 0
    while window.next():
        number += 1
        start = f"value {number}, " if number > 1 else ""
        try:
            value = window.value(VALUE_MAX)
            yield start.removesuffix(", "), value
        except _TooLongError:
            yield from _pieces(window, start)


def _pieces(window: _Window, start: str) -> Iterator[Value]:
    """Give the members of a list that is too long to hold, or of the long lists in an object."""
    if window.next() == "[":
        yield from _listed(window, start)
        return
    window.expect("{")
    while window.next() != "}":
        key = window.value(MEMBER_MAX)
        window.expect(":")
        if key in LISTS and window.next() == "[":
            yield from _listed(window, f"{start}{key} ")
        else:
            window.value(MEMBER_MAX)
        if window.next() != "}":
            window.expect(",")
    window.expect("}")


def _listed(window: _Window, start: str) -> Iterator[Value]:
    window.expect("[")
    number = 0
    while window.next() != "]":
        yield f"{start}{number}", window.value(MEMBER_MAX)
        number += 1
        if window.next() != "]":
            window.expect(",")
    window.expect("]")

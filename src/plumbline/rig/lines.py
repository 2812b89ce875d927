"""Where the keys of a TOML file stand: `tomllib` reads values and forgets their lines.

Not a validator: it reads well-formed TOML 1.0 rightly, skips what it does not understand, and leaves complaints about grammar to
`tomllib`. It runs first, because it also refuses what would exhaust that parser.

Rules: one pass, no backtracking; nesting and dotted keys are bounded; a path is `("network", 0, "ranges", 1)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from plumbline.rig.problems import KeyPath

DEPTH_MAX = 16  # a rig file needs four; each level of arrays costs tomllib two frames of the interpreter's stack
KEY_PARTS_MAX = 8
PLACES_MAX = 200_000  # beyond this, problems are placed at the nearest key before
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"[ \t]*")
_BARE_VALUE = re.compile(r"[^,\]}#\n]*")
_TO_LINE_END = re.compile(r"[^\n]*")
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*+"?')
_LITERAL = re.compile(r"'[^'\n]*+'?")
# Up to two quotes may stand before the closing three. Possessive: a text without end costs one pass and no backtracking.
_LONG_BASIC = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5})?', re.DOTALL)
_LONG_LITERAL = re.compile(r"'''(?:[^']|'(?!''))*+(?:'{3,5})?")


class TooDeepError(ValueError):
    """The text is nested deeper than any rig file; `line` is 1-based."""

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(f"nested deeper than {DEPTH_MAX} levels")


@dataclass(frozen=True, slots=True)
class Layout:
    """Lines (1-based) and value spans (offsets, end excluded) by key path, and the spans of comments."""

    lines: Mapping[KeyPath, int]
    values: Mapping[KeyPath, tuple[int, int]]
    comments: tuple[tuple[int, int], ...]


def locate(text: str) -> Layout:
    """Map the keys of a TOML text; raises TooDeepError."""
    reader = _Reader(text)
    reader.read()
    return Layout(reader.lines, reader.values, tuple(reader.comments))


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.lines: dict[KeyPath, int] = {}
        self.values: dict[KeyPath, tuple[int, int]] = {}
        self.comments: list[tuple[int, int]] = []
        self.counts: dict[KeyPath, int] = {}  # of arrays of tables

    def read(self) -> None:
        prefix: KeyPath = ()
        self.skip_space()
        while self.at < len(self.text):
            start = self.at
            if self.peek() == "[":
                prefix = self.header()
            else:
                self.pair(prefix, 0)
            self.skip_blank()
            if self.peek() == "#":
                self.comment()
            elif self.peek() not in ("\n", "\r", "") or self.at == start:
                self.jump(_TO_LINE_END)  # not TOML; tomllib says so
            self.skip_space()

    def header(self) -> KeyPath:
        line, many = self.line, self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        parts = self.key()
        while self.peek() == "]":
            self.at += 1
        path: KeyPath = ()
        for number, part in enumerate(parts, start=1):
            path = (*path, part)
            if many and number == len(parts):
                self.counts[path] = self.counts.get(path, 0) + 1
                self.place(path, line)
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
            self.place(path, line)
        return path

    def pair(self, prefix: KeyPath, depth: int) -> None:
        line = self.line
        parts = self.key()
        path = prefix
        for part in parts:
            path = (*path, part)
            self.place(path, line)
        self.skip_blank()
        if parts and self.peek() == "=":
            self.at += 1
            self.skip_blank()
            self.value(path, depth)

    def key(self) -> list[str]:
        parts: list[str] = []
        while True:
            self.skip_blank()
            quote = self.peek()
            if quote in ('"', "'"):
                raw = self.jump(_BASIC if quote == '"' else _LITERAL)
                parts.append(raw[1:-1])
            elif _BARE_KEY.match(self.text, self.at):
                parts.append(self.jump(_BARE_KEY))
            else:
                return parts
            if len(parts) > KEY_PARTS_MAX:
                raise TooDeepError(self.line)
            self.skip_blank()
            if self.peek() != ".":
                return parts
            self.at += 1

    def value(self, path: KeyPath, depth: int) -> None:
        if depth >= DEPTH_MAX:
            raise TooDeepError(self.line)
        start, first = self.at, self.peek()
        if first == "[":
            self.array(path, depth)
        elif first == "{":
            self.inline_table(path, depth)
        elif self.text.startswith('"""', self.at):
            self.long_string(_LONG_BASIC)
        elif self.text.startswith("'''", self.at):
            self.long_string(_LONG_LITERAL)
        elif first in ('"', "'"):
            self.jump(_BASIC if first == '"' else _LITERAL)
        else:
            self.at = start + len(self.jump(_BARE_VALUE).rstrip())
        if len(self.values) < PLACES_MAX:
            self.values[path] = (start, self.at)

    def array(self, path: KeyPath, depth: int) -> None:
        self.at += 1
        index = 0
        self.skip_space()
        while self.peek() not in ("]", ""):
            start = self.at
            self.place((*path, index), self.line)
            self.value((*path, index), depth + 1)
            self.skip_space()
            if self.peek() == ",":
                self.at += 1
                index += 1
            elif self.at == start:
                return
            self.skip_space()
        self.at += 1

    def inline_table(self, path: KeyPath, depth: int) -> None:
        self.at += 1
        self.skip_space()
        while self.peek() not in ("}", ""):
            start = self.at
            self.pair(path, depth + 1)
            self.skip_space()
            if self.peek() == ",":
                self.at += 1
            elif self.at == start:
                return
            self.skip_space()
        self.at += 1

    def long_string(self, pattern: re.Pattern[str]) -> None:
        self.line += self.jump(pattern).count("\n")

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def jump(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        assert match is not None  # each pattern matches the character that led here, or the empty string
        self.at = match.end()
        return match[0]

    def skip_blank(self) -> None:
        self.jump(_BLANK)

    def skip_space(self) -> None:
        while True:
            self.skip_blank()
            here = self.peek()
            if here == "#":
                self.comment()
            elif here in ("\n", "\r"):
                self.line += here == "\n"
                self.at += 1
            else:
                return

    def comment(self) -> None:
        start = self.at
        self.jump(_TO_LINE_END)
        self.comments.append((start, self.at))

    def place(self, path: KeyPath, line: int) -> None:
        if len(self.lines) < PLACES_MAX:
            self.lines.setdefault(path, line)

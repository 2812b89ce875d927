"""libconfig text, as far as SWUpdate's descriptions use it, read into plain values (libconfig manual, 3 "Configuration Files").

Not a validator: what the settings mean is for the caller. Rules: no file is included (SWUpdate refuses that too); depth, settings and
lengths are capped; groups become dictionaries, arrays and lists become lists; a name that stands twice in a group is an error.

    setting   name (= or :) value (; or , or nothing)
    value     { setting... }  [ scalar, ... ]  ( value, ... )  scalar
    scalar    "text" "more of it", true, false, 12, 0x1F, 12L, 1.5, 1e3
    comment   # or // to the end of the line, /* ... */
"""

from __future__ import annotations

import re
from typing import Any

from plumbline.model.errors import ProtocolError

TEXT_MAX = 1 << 20
DEPTH_MAX = 20
SETTINGS_MAX = 20_000
_BLANK = re.compile(r"(?:[ \t\r\n\f]+|#[^\n]*|//[^\n]*|/\*.*?\*/)+", re.DOTALL)
_NAME = re.compile(r"[A-Za-z*][-A-Za-z0-9_*.]{0,127}")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BOOLEAN = re.compile(r"(true|false)\b", re.IGNORECASE)
_HEX = re.compile(r"0[xX]([0-9A-Fa-f]{1,16})(L{0,2})\b")
_FLOAT = re.compile(r"[-+]?(?:\d{1,32}\.\d{0,32}|\.\d{1,32}|\d{1,32}(?=[eE]))(?:[eE][-+]?\d{1,4})?")
_INTEGER = re.compile(r"[-+]?\d{1,20}(?:L{1,2})?\b")
_ESCAPED = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "a": "\a", "b": "\b", "v": "\v"}


def parse(text: str) -> dict[str, Any]:
    """Read a whole text; raises ProtocolError that names the line."""
    if len(text) > TEXT_MAX:
        raise ProtocolError(f"larger than {TEXT_MAX >> 10} KB")
    return _Reader(text).settings("", 0)


class _Reader:
    """A position in the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._count = 0

    def settings(self, closing: str, depth: int) -> dict[str, Any]:
        """Read settings up to a closing bracket, or to the end of the text."""
        found: dict[str, Any] = {}
        while True:
            self._blank()
            if self._takes(closing) if closing else self._at >= len(self._text):
                return found
            name = self._match(_NAME, "the name of a setting")[0]
            self._blank()
            if not (self._takes("=") or self._takes(":")):
                raise self._wrong("= or :")
            if name in found:
                raise self._wrong(f"another name than {name}, which stands twice,")
            found[name] = self._value(depth + 1)
            self._blank()
            if not self._takes(";"):
                self._takes(",")

    def _value(self, depth: int) -> Any:
        self._count += 1
        if depth > DEPTH_MAX or self._count > SETTINGS_MAX:
            raise ProtocolError(f"deeper than {DEPTH_MAX}, or more than {SETTINGS_MAX} settings")
        self._blank()
        if self._takes("{"):
            return self.settings("}", depth)
        for opening, closing in (("[", "]"), ("(", ")")):
            if self._takes(opening):
                return self._items(closing, depth)
        return self._scalar()

    def _items(self, closing: str, depth: int) -> list[Any]:
        found: list[Any] = []
        while True:
            self._blank()
            if self._takes(closing):
                return found
            found.append(self._value(depth + 1))
            self._blank()
            if not self._takes(",") and not self._text.startswith(closing, self._at):
                raise self._wrong(f", or {closing}")

    def _scalar(self) -> Any:
        if self._text.startswith('"', self._at):
            pieces: list[str] = []
            while self._text.startswith('"', self._at):  # adjacent ones are one
                pieces.append(_ESCAPED.sub(_plain, self._match(_TEXT, "the end of a text")[1]))
                self._blank()
            return "".join(pieces)
        if match := self._try(_BOOLEAN):
            return match[1].lower() == "true"
        if match := self._try(_HEX):
            return int(match[1], 16)
        if match := self._try(_FLOAT):
            return float(match[0])
        return int(self._match(_INTEGER, "a value")[0].rstrip("L"))

    def _blank(self) -> None:
        if match := _BLANK.match(self._text, self._at):
            self._at = match.end()

    def _takes(self, word: str) -> bool:
        if not self._text.startswith(word, self._at):
            return False
        self._at += len(word)
        return True

    def _try(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._at)
        if match:
            self._at = match.end()
        return match

    def _match(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        match = self._try(pattern)
        if match is None:
            raise self._wrong(what)
        return match

    def _wrong(self, wanted: str) -> ProtocolError:
        line, start = self._text.count("\n", 0, self._at) + 1, self._text.rfind("\n", 0, self._at) + 1
        return ProtocolError(f"line {line}, column {self._at - start + 1}: {wanted} belongs there")  # what stands there may be a secret


def _plain(match: re.Match[str]) -> str:
    word = match[1]
    return chr(int(word[1:], 16)) if word[0] == "x" and len(word) == 3 else _ESCAPES.get(word, word)

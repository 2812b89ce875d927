"""Literal values in JavaScript source, read as data: nothing is run.

    value       text, number, True, False, None, list, dict (keys are texts), Call(name, arguments), OPAQUE for everything else

Not a JavaScript parser: it knows where values begin and end, and leaves out what only running would tell (functions, operators, variables,
templates with holes). A chain `e.numeric("x").withUnit("C")` is the Call at its beginning. Rules: source is hostile (law 7): nesting and
tokens are bounded, every failure is a ProtocolError.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from plumbline.model.errors import ProtocolError

DEPTH_MAX = 80
TOKENS_MAX = 5_000_000
_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<number>0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_$][\w$]*)
    |(?P<mark>=>|\.\.\.|[{}()\[\],;:.`/])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED: Mapping[str, str] = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None, "undefined": None}
_CLOSING: Mapping[str, str] = {"{": "}", "(": ")", "[": "]"}
_BEFORE_REGEX = frozenset({"return", "typeof", "case", "in", "of", "delete", "void", "do", "else"})


class _Opaque:
    def __repr__(self) -> str:
        return "OPAQUE"


OPAQUE: Final = _Opaque()


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it stands in the source: `tuya.fingerprint("TS0601", [...])`."""

    name: str
    arguments: tuple[Any, ...]


def value_at(source: str, offset: int) -> Any:
    """Read the value that begins at an offset; raises ProtocolError when brackets do not close."""
    return _Reader(source, offset).value(0)


class _Reader:
    """Tokens of a source, one ahead."""

    def __init__(self, source: str, offset: int) -> None:
        self._source = source
        self._at = offset
        self._tokens = 0
        self._last = ("mark", ",")
        self.kind, self.word = "", ""
        self.next()

    def next(self) -> None:
        """Go on to the next token; at the end its kind is ''."""
        self._last = (self.kind, self.word)
        while match := _TOKEN.match(self._source, self._at):
            self._tokens += 1
            if self._tokens > TOKENS_MAX:
                raise ProtocolError("longer than a list of devices", offset=self._at)
            self._at = match.end()
            self.kind, self.word = match.lastgroup or "", match[0]
            if self.kind == "blank":
                continue
            if self.word == "`":
                self._template()
            elif self.word == "/" and self._regex_may_begin() and (regex := _REGEX.match(self._source, match.start())):
                self._at, self.kind = regex.end(), "regex"
            return
        self.kind, self.word = "", ""

    def value(self, depth: int) -> Any:
        """Read one value, up to the comma or bracket that ends it."""
        if depth > DEPTH_MAX:
            raise ProtocolError("nested too deeply", offset=self._at)
        found = self._primary(depth)
        if self.kind and self.word not in (",", "]", "}", ")", ";"):
            chained = isinstance(found, Call) and self.word == "."
            self._skip()
            return found if chained else OPAQUE
        return found

    def _primary(self, depth: int) -> Any:
        kind, word = self.kind, self.word
        if kind == "string":
            self.next()
            return _unescaped(word[1:-1])
        if kind == "template":
            self.next()
            return word
        if kind == "number":
            self.next()
            return (
                int(word, 16)
                if word[:2].lower() == "0x"
                else float(word)
                if set(word) & set(".eE")
                else int(word)
                if len(word) < 20
                else OPAQUE
            )
        if kind == "name":
            return self._named(depth)
        if word == "[":
            return self._list("]", depth)
        if word == "{":
            return self._object(depth)
        self._skip()
        return OPAQUE

    def _named(self, depth: int) -> Any:
        """Read what begins with a name: a constant, a call, or something that only running would tell."""
        name = self.word
        self.next()
        if name in _WORDS:
            return _WORDS[name]
        while self.word == ".":
            self.next()
            if self.kind != "name":
                break
            name += f".{self.word}"
            self.next()
        if self.word == "(" and name not in ("function", "async"):
            return Call(name, tuple(self._list(")", depth)))
        self._skip()
        return OPAQUE

    def _list(self, end: str, depth: int) -> list[Any]:
        self.next()
        found = []
        while self.word != end or self.kind == "string":
            if not self.kind:
                raise ProtocolError(f"ends before its {end!r}", offset=self._at)
            found.append(self.value(depth + 1))
            self._comma(end)
        self.next()
        return found

    def _object(self, depth: int) -> dict[str, Any]:
        self.next()
        found: dict[str, Any] = {}
        while self.word != "}" or self.kind == "string":
            kind, key = self.kind, self.word
            if not kind:
                raise ProtocolError("ends before its '}'", offset=self._at)
            if kind in ("name", "string", "number"):
                self.next()
            if kind in ("name", "string", "number") and self.word == ":" and self.kind == "mark":
                self.next()
                found[_unescaped(key[1:-1]) if kind == "string" else key] = self.value(depth + 1)
            else:
                self._skip()  # a method, a spread, a short form
            self._comma("}")
        self.next()
        return found

    def _comma(self, end: str) -> None:
        if self.word == "," and self.kind == "mark":
            self.next()
        elif self.word != end or self.kind != "mark":
            raise ProtocolError(f"{self.word[:20]!r} where a comma or {end!r} should stand", offset=self._at)

    def _skip(self) -> None:
        """Pass over the rest of a value, whatever it is."""
        open_: list[str] = []
        while self.kind:
            if self.kind == "mark":
                if self.word in _CLOSING:
                    open_.append(_CLOSING[self.word])
                elif open_ and self.word == open_[-1]:
                    open_.pop()
                elif not open_ and self.word in (",", "]", "}", ")", ";"):
                    return
            self.next()
        if open_:
            raise ProtocolError(f"ends before its {open_[-1]!r}", offset=self._at)

    def _template(self) -> None:
        """Read a template: a text where it has no holes."""
        start, opaque = self._at, False
        while self._at < len(self._source):
            character = self._source[self._at]
            if character == "\\":
                self._at += 2
            elif character == "`":
                self.word = _unescaped(self._source[start : self._at])
                self.kind = "other" if opaque else "template"
                self._at += 1
                return
            elif self._source.startswith("${", self._at):
                opaque = True
                self._at = self._hole(self._at + 2)
            else:
                self._at += 1
        raise ProtocolError("a template does not end", offset=start)

    def _hole(self, at: int) -> int:
        """Find the end of a hole in a template; holes hold no templates of their own here."""
        depth = 1
        while match := _TOKEN.match(self._source, at):
            at = match.end()
            if match.lastgroup == "mark" and match[0] in "{}":
                depth += 1 if match[0] == "{" else -1
                if depth == 0:
                    return at
        raise ProtocolError("a template does not end", offset=at)

    def _regex_may_begin(self) -> bool:
        kind, word = self._last
        return word in _BEFORE_REGEX if kind == "name" else kind in ("mark", "other", "") and word not in (")", "]", "}")


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    wide, four, two, other = match.groups()
    code = wide or four or two
    if code is not None:
        return chr(min(int(code, 16), 0x10FFFF))
    return _ESCAPED.get(other, other)

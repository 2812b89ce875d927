"""CoRE Link Format: the list of resources that a constrained device offers (RFC 6690).

Not here: the GET of `/.well-known/core` (`coap`). A document is UTF-8 (section 2.1, strict), for example

    </sensors/temp>;rt="temperature-c";if="sensor";obs,</firmware>;ct=0;sz=4711

    links   link *( "," link )                        section 2
    link    "<" URI-reference ">" *( ";" parameter )
    param   name [ "=" ( token / quoted-string ) ]    a backslash in quotes makes the next character literal

White space around separators is accepted, as RFC 5988 allows it and devices send it.
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.model.errors import ProtocolError

MAX_LINKS = 1024
MAX_PARAMETERS = 64
_SPACE = " \t\r\n"
_ENDS = ",;"


@dataclass(frozen=True, slots=True)
class Link:
    """One resource: its target as it stands, and its parameters in order; a value of None is a parameter without `=`."""

    target: str
    parameters: tuple[tuple[str, str | None], ...] = ()

    def get(self, name: str) -> str | None:
        """Return the first value of a parameter, None when absent or without value."""
        return next((value for key, value in self.parameters if key == name), None)

    def has(self, name: str) -> bool:
        """Whether the parameter is there at all, such as `obs`."""
        return any(key == name for key, _ in self.parameters)


def decode(data: bytes) -> tuple[Link, ...]:
    """Read a whole document; raises ProtocolError. An empty one has no links."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError("link format is not UTF-8", offset=error.start) from error
    return _Reader(text).links()


class _Reader:
    """Walks through the text once; offsets in errors count characters."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def links(self) -> tuple[Link, ...]:
        found: list[Link] = []
        self._skip_space()
        while self.at < len(self.text):
            if len(found) == MAX_LINKS:
                raise ProtocolError(f"more than {MAX_LINKS} links", offset=self.at)
            found.append(self._link())
            if self._peek() == ",":
                self.at += 1
                self._skip_space()
                if self.at == len(self.text):
                    raise ProtocolError("a comma without a link after it", offset=self.at)
            elif self.at < len(self.text):
                raise ProtocolError("something other than a comma between links", offset=self.at)
        return tuple(found)

    def _link(self) -> Link:
        end = self.text.find(">", self.at)
        if self._peek() != "<" or end < 0:
            raise ProtocolError("a link that is not <target>", offset=self.at)
        target = self.text[self.at + 1 : end]
        self.at = end + 1
        parameters: list[tuple[str, str | None]] = []
        self._skip_space()
        while self._peek() == ";":
            if len(parameters) == MAX_PARAMETERS:
                raise ProtocolError(f"more than {MAX_PARAMETERS} parameters", offset=self.at)
            self.at += 1
            self._skip_space()
            parameters.append(self._parameter())
            self._skip_space()
        return Link(target, tuple(parameters))

    def _parameter(self) -> tuple[str, str | None]:
        name = self._until("=" + _ENDS + _SPACE)
        if not name:
            raise ProtocolError("a parameter without a name", offset=self.at)
        self._skip_space()
        if self._peek() != "=":
            return name, None
        self.at += 1
        self._skip_space()
        return name, self._quoted() if self._peek() == '"' else self._until(_ENDS + _SPACE)

    def _quoted(self) -> str:
        self.at += 1
        characters: list[str] = []
        while (character := self._peek()) != '"':
            if character == "\\":
                self.at += 1
                character = self._peek()
            if not character:
                raise ProtocolError("a quoted value without its end", offset=self.at)
            characters.append(character)
            self.at += 1
        self.at += 1
        return "".join(characters)

    def _until(self, stops: str) -> str:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in stops:
            self.at += 1
        return self.text[start : self.at]

    def _skip_space(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in _SPACE:
            self.at += 1

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

"""Telnet: what a server negotiates, says and asks for before anybody logs in. It negotiates nothing itself and sends no login.

| bytes | meaning | clause of RFC 854 |
|---|---|---|
| IAC(255) IAC | the data byte 255 | "Telnet command structure" |
| IAC WILL(251) / WON'T(252) / DO(253) / DON'T(254) option | negotiation of one option | same |
| IAC SB(250) option ... IAC SE(240) | subnegotiation; IAC is doubled inside | same, RFC 855 |
| IAC 241-249 | NOP, data mark, break, interrupt, abort, are you there, erase, go ahead | same |
| CR LF | end of line; CR NUL is a bare CR | "The NVT printer and keyboard" |

The standard's text is ASCII; devices send UTF-8 or their own code page, so text is decoded as UTF-8 with replacement.
A login prompt ends no line: it is what stays `pending`. Answers refuse every option (RFC 854: a party may always refuse).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum

from plumbline.model.errors import ProtocolError
from plumbline.protocols.streams import EventStream

IAC, SE, SB = 255, 240, 250
MAX_LINE = 4096  # banners of real devices stay under 2 KiB; a stream without a line end is no terminal session
MAX_SUBNEGOTIATION = 1024  # the longest common one, ENVIRON, holds a few names


class Verb(IntEnum):
    """RFC 854: the four verbs of negotiation."""

    WILL = 251
    WONT = 252
    DO = 253
    DONT = 254


class Prompt(Enum):
    """What a server waits for after its last text."""

    LOGIN = "login"
    PASSWORD = "password"
    SHELL = "shell"  # a command line, without any login before it


@dataclass(frozen=True, slots=True)
class Negotiation:
    """One verb and its option number (IANA telnet-options)."""

    verb: Verb
    option: int


@dataclass(frozen=True, slots=True)
class Subnegotiation:
    """A subnegotiation was sent; its content is not kept."""

    option: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Command:
    """A command without an option, 241 to 249."""

    code: int


@dataclass(frozen=True, slots=True)
class Line:
    """One whole line of text, without its end."""

    text: str


Event = Negotiation | Subnegotiation | Command | Line

_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]{0,16}[A-Za-z]|[()][0-9A-Za-z]|[=>c78])")
_LOGIN = re.compile(r"(?:log ?in(?: name)?|user ?name|user(?: id)?|account|benutzer|utilisateur|usuario)\s*[:>]\s*$", re.IGNORECASE)
_PASSWORD = re.compile(r"(?:password|passwd|passcode|passwort|kennwort|mot de passe|contrase\S{1,2}a)[^:>\n]{0,40}[:>]\s*$", re.IGNORECASE)
_SHELL = re.compile(r"(?:^|[\w\])~/-])\s?[#$%>]\s*$")


def encode_refusal(negotiation: Negotiation) -> bytes | None:
    """Refuse what the other side asks or offers; None for WON'T and DON'T, which need no answer (RFC 854, "in order to prevent loops")."""
    match negotiation.verb:
        case Verb.DO:
            return bytes((IAC, Verb.WONT, negotiation.option))
        case Verb.WILL:
            return bytes((IAC, Verb.DONT, negotiation.option))
        case _:
            return None


def encode_refusals(events: Iterable[Event]) -> bytes:
    """Refuse every negotiation among the events, each option and verb once; empty when nothing needs an answer."""
    asked = dict.fromkeys(event for event in events if isinstance(event, Negotiation))
    return b"".join(answer for event in asked if (answer := encode_refusal(event)) is not None)


def prompt_of(text: str) -> Prompt | None:
    """Recognise what the last line of a server's text waits for; None when nothing known."""
    tail = _ESCAPE.sub("", text[-256:]).rsplit("\n", 1)[-1]
    if _PASSWORD.search(tail):
        return Prompt.PASSWORD
    if _LOGIN.search(tail):
        return Prompt.LOGIN
    return Prompt.SHELL if len(tail) <= 64 and _SHELL.search(tail) else None


def plain_text(data: bytes) -> str:
    """Read the text of a whole answer without its negotiation and screen control; never raises, and ends at the first broken rule."""
    decoder = Decoder()
    try:
        events = decoder.feed(data)
    except ProtocolError:
        events = []
    lines = [event.text for event in events if isinstance(event, Line)]
    return _ESCAPE.sub("", "\n".join([*lines, decoder.pending]))


class _State(Enum):
    TEXT = 0
    IAC = 1
    VERB = 2
    SUB_OPTION = 3
    SUB = 4
    SUB_IAC = 5


class Decoder(EventStream[Event]):
    """Stream decoder of either direction; text that ends no line yet stands in `pending`.

    ProtocolError: a line or subnegotiation over its cap, a command that RFC 854 lacks, an end inside a command.
    """

    __slots__ = ("_line", "_option", "_size", "_state", "_verb")

    def __init__(self) -> None:
        super().__init__()
        self._state = _State.TEXT
        self._line = bytearray()
        self._verb = Verb.WILL
        self._option = 0
        self._size = 0

    @property
    def pending(self) -> str:
        """The text after the last line end."""
        return self._line.translate(None, b"\r\x00").decode("utf-8", errors="replace")

    def _take(self, data: bytes) -> None:
        for byte in data:
            match self._state:
                case _State.TEXT:
                    self._text(byte)
                case _State.IAC:
                    self._command(byte)
                case _State.VERB:
                    self._events.append(Negotiation(self._verb, byte))
                    self._state = _State.TEXT
                case _State.SUB_OPTION:
                    self._option, self._size, self._state = byte, 0, _State.SUB
                case _State.SUB if byte == IAC:
                    self._state = _State.SUB_IAC
                case _State.SUB_IAC if byte == SE:
                    self._events.append(Subnegotiation(self._option, self._size))
                    self._state = _State.TEXT
                case _:
                    self._state = _State.SUB
                    self._size += 1
                    if self._size > MAX_SUBNEGOTIATION:
                        raise ProtocolError(f"a Telnet subnegotiation is longer than {MAX_SUBNEGOTIATION} bytes")

    def _finish(self) -> None:
        if self._state is not _State.TEXT:
            raise ProtocolError("the stream ended inside a Telnet command")
        if text := self.pending:
            self._events.append(Line(text))
        self._line = bytearray()

    def _text(self, byte: int) -> None:
        if byte == IAC:
            self._state = _State.IAC
        elif byte == 0x0A:
            self._events.append(Line(self.pending))
            self._line = bytearray()
        else:
            self._append(byte)

    def _append(self, byte: int) -> None:
        if len(self._line) >= MAX_LINE:
            raise ProtocolError(f"a Telnet line is longer than {MAX_LINE} bytes")
        self._line.append(byte)

    def _command(self, byte: int) -> None:
        self._state = _State.TEXT
        if byte == IAC:
            self._append(byte)
        elif byte == SB:
            self._state = _State.SUB_OPTION
        elif byte > SB:
            self._verb, self._state = Verb(byte), _State.VERB
        elif byte > SE:
            self._events.append(Command(byte))
        else:
            raise ProtocolError(f"Telnet has no command {byte}")

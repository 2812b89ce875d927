"""FTP control connection: replies of a server, and the commands that an audit sends or a capture shows. Never a data connection.

| what | layout | clause |
|---|---|---|
| reply | `ddd SP text CRLF` | RFC 959 4.2 |
| reply of several lines | `ddd-text CRLF`, any lines, `ddd SP text CRLF`; the same code first and last | RFC 959 4.2 |
| command | `VERB [SP argument] CRLF`, case ignored | RFC 959 4.1, 5.3 |
| FEAT answer | `211-...`, one feature a line after a space, `211 End` | RFC 2389 3.2 |
| AUTH TLS | 234 accepts, 5xx refuses; the feature may list several: `AUTH TLS;SSL;` | RFC 4217 4, 6 |

Text is UTF-8 (RFC 2640 2.2); other bytes are replaced, as old servers use code pages. A bare LF ends a line too.
Of a command seen in a capture, the argument of PASS and ACCT is counted and dropped (law 8); only USER's is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.model.errors import ProtocolError
from plumbline.protocols.lines import LineBuffer
from plumbline.protocols.streams import EventStream

MAX_LINE = 4096  # RFC 959 names none; real servers stay under 512 bytes
MAX_REPLY_LINES = 512  # a welcome text of a public mirror is the longest known, under 100 lines


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply; `lines` are its texts without the codes that open and close it."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a client; `account` is USER's argument, `argument_bytes` None when there was no argument."""

    verb: str
    account: str | None
    argument_bytes: int | None


@dataclass(frozen=True, slots=True)
class Features:
    """What FEAT answered: names in upper case, and the mechanisms after AUTH."""

    names: tuple[str, ...]
    auth: tuple[str, ...]


def encode_feat() -> bytes:
    """Ask for the features (RFC 2389 3.1)."""
    return b"FEAT\r\n"


def encode_auth_tls() -> bytes:
    """Ask to protect the control connection (RFC 4217 4)."""
    return b"AUTH TLS\r\n"


def encode_user(name: str) -> bytes:
    """Name the account (RFC 959 4.1.1); raises ValueError when the name could start another command."""
    return _command("USER", name)


def encode_pass(password: str) -> bytes:
    """Give the password (RFC 959 4.1.1); raises ValueError when it could start another command."""
    return _command("PASS", password)


def encode_quit() -> bytes:
    """End the session (RFC 959 4.1.1)."""
    return b"QUIT\r\n"


def _command(verb: str, argument: str) -> bytes:
    if not argument.isprintable():
        raise ValueError(f"an argument of {verb} holds a control character")
    return f"{verb} {argument}\r\n".encode()


def parse_features(reply: Reply) -> Features | None:
    """Read the answer to FEAT; None when the server does not say (any code but 211)."""
    if reply.code != 211:
        return None
    names: list[str] = []
    auth: list[str] = []
    for line in reply.lines[1:-1]:
        name, _, parameters = line.strip().partition(" ")
        if name:
            names.append(name.upper())
        if name.upper() == "AUTH":
            auth.extend(word.upper() for word in parameters.replace(";", " ").split())
    return Features(tuple(dict.fromkeys(names)), tuple(dict.fromkeys(auth)))


class ReplyDecoder(EventStream[Reply]):
    """Stream decoder of what a server says; ProtocolError: a line without a code, a line or reply over its cap, a cut reply."""

    __slots__ = ("_buffer", "_code", "_lines")

    def __init__(self) -> None:
        super().__init__()
        self._buffer = LineBuffer(MAX_LINE)
        self._code: bytes | None = None
        self._lines: list[str] = []

    def _take(self, data: bytes) -> None:
        self._buffer.append(data)
        while (line := self._buffer.line()) is not None:
            self._line(line)

    def _finish(self) -> None:
        if self._code is not None or len(self._buffer):
            raise ProtocolError("the stream ended inside an FTP reply")

    def _line(self, line: bytes) -> None:
        code, mark, text = line[:3], line[3:4], line[4:].decode("utf-8", errors="replace")
        if self._code is not None:
            if code == self._code and mark in (b" ", b""):
                self._lines.append(text)
                self._events.append(Reply(int(code), tuple(self._lines)))
                self._code, self._lines = None, []
                return
            if len(self._lines) >= MAX_REPLY_LINES:
                raise ProtocolError(f"an FTP reply is longer than {MAX_REPLY_LINES} lines")
            opened = code == self._code and mark == b"-"
            self._lines.append(text if opened else line.decode("utf-8", errors="replace"))
        elif not (len(code) == 3 and code.isdigit() and b"1" <= code[:1] <= b"6"):
            raise ProtocolError("an FTP reply does not start with a code of three digits")
        elif mark == b"-":
            self._code, self._lines = code, [text]
        elif mark in (b" ", b""):
            self._events.append(Reply(int(code), (text,)))
        else:
            raise ProtocolError("an FTP reply code is not followed by a space or a hyphen")


class CommandDecoder(EventStream[Command]):
    """Stream decoder of what a client says, for captures; ProtocolError: no verb, a line over its cap, a cut command."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        super().__init__()
        self._buffer = LineBuffer(MAX_LINE)

    def _take(self, data: bytes) -> None:
        self._buffer.append(data)
        while (line := self._buffer.line()) is not None:
            verb, space, argument = line.lstrip(b"\xff\xf4\xf2").partition(b" ")  # ABOR is preceded by IAC IP IAC DM: RFC 959 4.1.3
            if not (3 <= len(verb) <= 8 and verb.isalpha()):
                raise ProtocolError("an FTP command has no verb")
            name = verb.decode("ascii").upper()
            account = argument.decode("utf-8", errors="replace")[:128] if name == "USER" else None
            self._events.append(Command(name, account, len(argument) if space else None))

    def _finish(self) -> None:
        if len(self._buffer):
            raise ProtocolError("the stream ended inside an FTP command")

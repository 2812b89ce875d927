"""HTTP/1.x and RTSP messages as a capture shows them: heads one after the other, bodies counted.

Not the client's side of an audit (`http`, `rtsp`): nothing is encoded, and a head is given as it stands, with the credentials in it,
for the caller to digest at once and drop (law 8). Of a body only a form's first bytes are kept, for the same purpose.

| what | clause |
|---|---|
| `METHOD SP target SP HTTP/d.d` or `RTSP/d.d`; `HTTP/d.d SP ddd [SP reason]` | RFC 9112 3, 4; RFC 2326 6.1, 7.1 |
| `name ":" value`, names without case; a line that starts with a blank goes on the line before | RFC 9112 5, 5.2 |
| body of a response: none after HEAD, 1xx, 204, 304; chunked; Content-Length; else until the close | RFC 9112 6.3 |
| body of a request: chunked; Content-Length; else none | RFC 9112 6.3 |
| after 101, and after 2xx to CONNECT, another protocol follows, which is not read | RFC 9110 15.2.2, 9.3.6 |
| RTSP: Content-Length or no body; `$`, channel, length (2 bytes), data stand between messages | RFC 2326 4.4, 10.12 |

Values read as Latin-1 (RFC 9110 5.5). Lines end with CRLF or LF.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from plumbline.model.errors import ProtocolError
from plumbline.protocols.lines import LineBuffer
from plumbline.protocols.streams import EventStream

MAX_LINE = 16 * 1024  # common servers allow 8 KiB; cookies and tokens of others fill more
MAX_FIELDS = 128
MAX_FORM = 4096  # a login form is below 1 KiB
MAX_UNANSWERED = 256  # requests sent before the first is answered
_REQUEST = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([^ ]+) (HTTP|RTSP)/(\d)\.(\d)")
_RESPONSE = re.compile(rb"(HTTP|RTSP)/(\d)\.(\d) (\d{3})(?: .*)?", re.DOTALL)
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:[ \t]*(.*)", re.DOTALL)
_CHUNK = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)


class Side(StrEnum):
    """Who sent the stream that a decoder reads."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Head:
    """Start line and fields of one message; `method` and `target` stand in requests, `status` in responses. Names are in lower case."""

    protocol: str  # http or rtsp
    version: str
    method: str | None
    status: int | None
    target: str | None = field(repr=False, default=None)
    fields: tuple[tuple[str, str], ...] = field(repr=False, default=())

    def first(self, name: str) -> str | None:
        """The first value of a field, None when it is absent."""
        return next((value for key, value in self.fields if key == name), None)


@dataclass(frozen=True, slots=True)
class End:
    """The message is over; `form` holds the first bytes of a form's body, empty for any other body."""

    body_bytes: int
    form: bytes = field(repr=False, default=b"")


Event = Head | End


class _State(Enum):
    START = 0
    FIELDS = 1
    BODY = 2
    CHUNK_SIZE = 3
    CHUNK_END = 4
    TRAILER = 5
    UNTIL_CLOSE = 6
    OTHER = 7
    INTERLEAVED = 8


class MessageDecoder(EventStream[Event]):
    """Stream decoder of one direction; for a server's, `expect` says what each request was, as it is seen.

    ProtocolError: not HTTP or RTSP, a length that is none, a line or a head over its cap, a stream that ends inside a message.
    """

    __slots__ = ("_body_bytes", "_buffer", "_chunked", "_expected", "_fields", "_form", "_form_wanted", "_left", "_line", "_side", "_state")

    def __init__(self, side: Side) -> None:
        super().__init__()
        self._side = side
        self._buffer = LineBuffer(MAX_LINE)
        self._state = _State.START
        self._expected: deque[str] = deque(maxlen=MAX_UNANSWERED)
        self._fields: list[tuple[str, str]] = []
        self._line: tuple[str, str, str | None, str | None, int | None] | None = None
        self._left = 0
        self._chunked = False
        self._body_bytes = 0
        self._form_wanted = False
        self._form = b""

    def expect(self, method: str) -> None:
        """Say which request the server will answer next, after those named before."""
        self._expected.append(method)

    @property
    def switched(self) -> bool:
        """Whether another protocol took over."""
        return self._state is _State.OTHER

    def _take(self, data: bytes) -> None:
        if self._state is _State.OTHER:
            return
        self._buffer.append(data)
        while self._step():
            pass

    def _finish(self) -> None:
        if self._state is _State.UNTIL_CLOSE:
            self._over()
        elif self._state not in (_State.START, _State.OTHER) or len(self._buffer):
            raise ProtocolError(f"the stream ended inside a message of the {self._side}")

    def _step(self) -> bool:
        match self._state:
            case _State.BODY | _State.INTERLEAVED:
                return self._body()
            case _State.UNTIL_CLOSE:
                self._body_bytes += len(self._buffer.take(len(self._buffer)))
                return False
            case _State.OTHER:
                self._buffer.take(len(self._buffer))
                return False
            case _State.START if self._interleaved():
                return self._left_start()
        line = self._buffer.line()
        if line is None:
            return False
        match self._state:
            case _State.START:
                if line:  # blank lines before a message are skipped: RFC 9112 2.2
                    self._start(line)
            case _State.FIELDS:
                self._field(line)
            case _State.CHUNK_SIZE:
                self._chunk(line)
            case _State.CHUNK_END:
                if line:
                    raise ProtocolError("a chunk is longer than it said")
                self._state = _State.CHUNK_SIZE
            case _:  # the trailer, whose fields are not read
                if not line:
                    self._over()
        return True

    def _interleaved(self) -> bool:
        """Take the head of RTSP's interleaved data; True while the buffer starts with such data."""
        start = self._buffer.peek(4)
        if start[:1] != b"$":
            return False
        if len(start) == 4:
            self._buffer.take(4)
            self._left = int.from_bytes(start[2:], "big")
            self._state = _State.INTERLEAVED
        return True

    def _left_start(self) -> bool:
        return self._state is not _State.START

    def _start(self, line: bytes) -> None:
        if self._side is Side.CLIENT and (request := _REQUEST.fullmatch(line)):
            method, target = request[1].decode("ascii"), request[2].decode("latin-1")
            self._line = (request[3].decode("ascii").lower(), f"{int(request[4])}.{int(request[5])}", method, target, None)
        elif self._side is Side.SERVER and (response := _RESPONSE.fullmatch(line)):
            self._line = (response[1].decode("ascii").lower(), f"{int(response[2])}.{int(response[3])}", None, None, int(response[4]))
        else:
            raise ProtocolError(f"a message of the {self._side} does not start like HTTP or RTSP")
        self._fields = []
        self._state = _State.FIELDS

    def _field(self, line: bytes) -> None:
        if not line:
            self._headed()
            return
        if line[:1] in (b" ", b"\t") and self._fields:
            name, value = self._fields[-1]
            if len(value) > MAX_LINE:
                raise ProtocolError(f"a field is longer than {MAX_LINE} bytes")
            self._fields[-1] = (name, f"{value} {line.strip().decode('latin-1')}")
            return
        match = _FIELD.fullmatch(line)
        if match is None:
            raise ProtocolError("a field has no name")
        if len(self._fields) == MAX_FIELDS:
            raise ProtocolError(f"a message of more than {MAX_FIELDS} fields")
        self._fields.append((match[1].decode("ascii").lower(), match[2].rstrip().decode("latin-1")))

    def _headed(self) -> None:
        assert self._line is not None
        protocol, version, method, target, status = self._line
        head = Head(protocol, version, method, status, target, tuple(self._fields))
        self._events.append(head)
        self._fields = []
        self._body_bytes, self._form, self._chunked = 0, b"", False
        kind = (head.first("content-type") or "").lower()
        self._form_wanted = method is not None and kind.startswith("application/x-www-form-urlencoded")
        length = self._length(head)
        asked = None
        if status is not None and (status >= 200 or status == 101):
            asked = self._expected.popleft() if self._expected else None
        if status == 101 or (asked == "CONNECT" and status is not None and status < 300) or method == "CONNECT":
            self._state = _State.OTHER
        elif status is not None and (asked == "HEAD" or status < 200 or status in (204, 304)):
            self._over()
        elif protocol == "http" and (head.first("transfer-encoding") or "").lower().rstrip().endswith("chunked"):
            self._chunked, self._state = True, _State.CHUNK_SIZE
        elif length is not None:
            self._left, self._state = length, _State.BODY
        elif status is not None and protocol == "http":
            self._state = _State.UNTIL_CLOSE
        else:
            self._over()

    def _length(self, head: Head) -> int | None:
        lengths = {part.strip() for name, value in head.fields if name == "content-length" for part in value.split(",")}
        if not lengths:
            return None
        length = lengths.pop()
        if lengths or not (length.isascii() and length.isdigit() and len(length) <= 15):
            raise ProtocolError("a Content-Length that is no number")
        return int(length)

    def _chunk(self, line: bytes) -> None:
        match = _CHUNK.fullmatch(line)
        if match is None:
            raise ProtocolError("a chunk without a size")
        self._left = int(match[1], 16)
        self._state = _State.BODY if self._left else _State.TRAILER

    def _body(self) -> bool:
        part = self._buffer.take(self._left)
        self._left -= len(part)
        if self._state is _State.BODY:
            self._body_bytes += len(part)
            if self._form_wanted and len(self._form) < MAX_FORM:
                self._form += part[: MAX_FORM - len(self._form)]
        if self._left:
            return False
        if self._state is _State.INTERLEAVED:
            self._state = _State.START
        elif self._chunked:
            self._state = _State.CHUNK_END
        else:
            self._over()
        return True

    def _over(self) -> None:
        self._events.append(End(self._body_bytes, self._form))
        self._state = _State.START

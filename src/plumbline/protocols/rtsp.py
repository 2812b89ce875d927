"""RTSP: ask a camera what it can do (OPTIONS) and what it shows (DESCRIBE). Nothing is set up and nothing is played.

| what | layout | clause |
|---|---|---|
| request | `METHOD SP url SP RTSP/1.0 CRLF`, fields, blank line | RFC 2326 6; RFC 7826 7 |
| response | `RTSP/x.y SP ddd SP reason CRLF`, fields, blank line, body of Content-Length bytes | RFC 2326 7; RFC 7826 8 |
| CSeq | must stand in every request; the response repeats it | RFC 2326 12.17 |
| Public | the methods that the server supports | RFC 2326 12.28 |
| WWW-Authenticate | as in HTTP | RFC 7826 18.58, 19 |
| body of DESCRIBE | SDP; one `m=<kind> <port> ...` line for each stream | RFC 2326 10.2; RFC 8866 5.14 |
| `$`, channel, length of 2 bytes | interleaved media; belongs to a stream that we never start | RFC 2326 10.12 |

Of the SDP only the kinds of its media lines are kept: the rest may hold names, places and keys.
Requests say RTSP/1.0: a 2.0 server must answer it (RFC 7826 C.1), a 1.0 server often drops 2.0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from plumbline.model.errors import ProtocolError
from plumbline.protocols.challenge import Challenge, parse_challenges
from plumbline.protocols.lines import LineBuffer
from plumbline.protocols.streams import EventStream

MAX_LINE = 4096  # as common HTTP servers
MAX_FIELDS = 100  # as common HTTP servers
MAX_BODY = 64 * 1024  # an SDP of a camera is under 2 KiB
MAX_MEDIA = 64  # a camera has two or three
_STATUS = re.compile(rb"RTSP/(\d)\.(\d) (\d{3})(?: (.*))?", re.ASCII | re.DOTALL)
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:[ \t]*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Response:
    """One response; field names are in lower case. `media` is None when there was no SDP, for example ("video", "audio") when there was."""

    version: str
    status: int
    reason: str
    fields: tuple[tuple[str, str], ...]
    body_bytes: int
    media: tuple[str, ...] | None

    def all_of(self, name: str) -> tuple[str, ...]:
        """Every value of a field, by its name in lower case."""
        return tuple(value for field, value in self.fields if field == name)

    @property
    def server(self) -> str | None:
        """The Server field (RFC 2326 12.36)."""
        return next(iter(self.all_of("server")), None)

    @property
    def public(self) -> tuple[str, ...] | None:
        """Methods of the Public field, None when it is absent."""
        values = self.all_of("public")
        if not values:
            return None
        return tuple(method.strip().upper() for value in values for method in value.split(",") if method.strip())

    @property
    def challenges(self) -> tuple[Challenge, ...]:
        """What the server asks for before it shows anything."""
        return parse_challenges(self.all_of("www-authenticate"))


def encode_options(url: str, cseq: int) -> bytes:
    """Ask for the methods; `url` is `rtsp://host:port/path` or `*`; raises ValueError when it could start another line."""
    return _request("OPTIONS", url, cseq)


def encode_describe(url: str, cseq: int) -> bytes:
    """Ask for the description of one stream; raises ValueError when the url could start another line."""
    return _request("DESCRIBE", url, cseq, "Accept: application/sdp")


def _request(method: str, url: str, cseq: int, *fields: str) -> bytes:
    if not (url.isascii() and url.isprintable() and url and " " not in url):
        raise ValueError("an RTSP url holds characters that must be escaped")
    return "\r\n".join((f"{method} {url} RTSP/1.0", f"CSeq: {cseq}", "User-Agent: plumbline", *fields, "", "")).encode("ascii")


class ResponseDecoder(EventStream[Response]):
    """Stream decoder of a server's responses; ProtocolError: not RTSP, a bad field, a cap, or a response that is cut."""

    __slots__ = ("_body_left", "_buffer", "_fields", "_status")

    def __init__(self) -> None:
        super().__init__()
        self._buffer = LineBuffer(MAX_LINE)
        self._status: tuple[str, int, str] | None = None
        self._fields: list[tuple[str, str]] = []
        self._body_left: int | None = None

    def _take(self, data: bytes) -> None:
        self._buffer.append(data)
        while self._step():
            pass

    def _finish(self) -> None:
        if self._status is not None or len(self._buffer):
            raise ProtocolError("the stream ended inside an RTSP response")

    def _step(self) -> bool:
        if self._body_left is not None:
            if len(self._buffer) < self._body_left:
                return False
            self._respond(self._buffer.take(self._body_left))
            return True
        line = self._buffer.line()
        if line is None:
            return False
        if self._status is None:
            if line:  # blank lines before a message are skipped, as HTTP does: RFC 9112 2.2
                self._status = _status_line(line)
        elif line:
            self._field(line)
        else:
            self._body_left = self._content_length()
        return True

    def _field(self, line: bytes) -> None:
        if len(self._fields) >= MAX_FIELDS:
            raise ProtocolError(f"an RTSP response has more than {MAX_FIELDS} fields")
        if line[:1] in (b" ", b"\t") and self._fields:  # folded: RFC 2326 takes its grammar from RFC 2068
            name, value = self._fields[-1]
            if len(value) > MAX_LINE:
                raise ProtocolError(f"an RTSP field is longer than {MAX_LINE} bytes")
            self._fields[-1] = (name, f"{value} {line.strip().decode('utf-8', errors='replace')}")
            return
        match = _FIELD.fullmatch(line)
        if match is None:
            raise ProtocolError("an RTSP field has no name")
        self._fields.append((match[1].decode("ascii").lower(), match[2].rstrip().decode("utf-8", errors="replace")))

    def _content_length(self) -> int:
        sizes = {value for name, value in self._fields if name == "content-length"}
        if not sizes:
            return 0
        size = sizes.pop()
        if sizes or not (size.isascii() and size.isdigit() and len(size) <= 9):
            raise ProtocolError("the Content-Length of an RTSP response is no number")
        if int(size) > MAX_BODY:
            raise ProtocolError(f"the body of an RTSP response is longer than {MAX_BODY} bytes")
        return int(size)

    def _respond(self, body: bytes) -> None:
        version, status, reason = self._status or ("", 0, "")
        fields = tuple(self._fields)
        kind = next((value for name, value in fields if name == "content-type"), "")
        media = _media_kinds(body) if kind.partition(";")[0].strip().lower() == "application/sdp" else None
        self._events.append(Response(version, status, reason, fields, len(body), media))
        self._status, self._fields, self._body_left = None, [], None


def _status_line(line: bytes) -> tuple[str, int, str]:
    match = _STATUS.fullmatch(line)
    if match is None:
        raise ProtocolError("an RTSP response does not start with RTSP/ and a status")
    return f"{int(match[1])}.{int(match[2])}", int(match[3]), (match[4] or b"").decode("utf-8", errors="replace")


def _media_kinds(body: bytes) -> tuple[str, ...]:
    """Name the kind of every media line; a kind that is no word counts as "other"."""
    kinds = (line[2:].split(b" ", 1)[0] for line in body.splitlines() if line.startswith(b"m="))
    known = (kind.decode("ascii").lower() if kind.isalpha() and len(kind) <= 16 else "other" for kind in kinds)
    return tuple(islice(known, MAX_MEDIA))

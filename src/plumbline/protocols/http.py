"""HTTP/1.x: one GET and its response, and the requests that a capture shows. The grammar (RFC 9112) is h11's; the caps are ours.

| what | clause |
|---|---|
| request and response heads, fields | RFC 9112 2-5; names in lower case, values as Latin-1 (RFC 9110 5.5 leaves their charset open) |
| body: Content-Length, chunked, or until the close | RFC 9112 6 |
| a body that ends early is an incomplete message, not an invalid one | RFC 9112 8: `truncated` |
| responses 1xx come before the one that counts | RFC 9110 15.2 |

One response for one request: what follows it is not read. Of a captured request the body is counted, and credentials
(Authorization, Cookie, values in the query) are replaced before anything is returned (law 8).
What a response says of its server and its page is read by `http_fields` and `http_page`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import h11

from plumbline.model.errors import ProtocolError
from plumbline.protocols.challenge import scheme_of
from plumbline.protocols.streams import EventStream

MAX_BODY = 256 * 1024  # a login page with its scripts inlined; the rest of a longer body is not identification
MAX_HEAD = 32 * 1024  # common servers allow 8 to 16 KiB
MAX_INTERIM = 8  # 1xx responses before the one that counts
_STEP = 4096  # caps are judged where the stream's offset is a multiple of this, so that they do not depend on the split
_NO_LIMIT = 1 << 30  # h11's own limit depends on how the bytes were cut; ours takes its place
_SECRET_FIELDS = frozenset(("authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token"))
REDACTED = "(redacted)"

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Response:
    """One response; `body` holds at most 256 KiB, `truncated` says that the server's was longer or ended early."""

    version: str
    status: int
    reason: str
    fields: Fields
    body: bytes
    truncated: bool

    def all_of(self, name: str) -> tuple[str, ...]:
        """Every value of a field, by its name in lower case."""
        return tuple(value for field, value in self.fields if field == name)

    def first(self, name: str) -> str | None:
        """The first value of a field, None when it is absent."""
        return next((value for field, value in self.fields if field == name), None)


@dataclass(frozen=True, slots=True)
class Request:
    """The head of one request, redacted; `authorization` is the scheme alone, in lower case."""

    method: str
    target: str
    version: str
    fields: Fields
    authorization: str | None

    def first(self, name: str) -> str | None:
        """The first value of a field, None when it is absent."""
        return next((value for field, value in self.fields if field == name), None)


@dataclass(frozen=True, slots=True)
class RequestEnd:
    """The body of the last request is over; its content is not kept."""

    body_bytes: int


def encode_get(host: str, path: str, fields: Iterable[tuple[str, str]] = ()) -> bytes:
    """Encode a GET that asks for the connection to be closed; `host` as in the Host field, with the port unless it is the default.

    Raises ValueError when a part breaks the grammar, such as a line end in `path`. `fields` come last and replace the
    defaults of the same name.
    """
    given = list(fields)
    names = {name.lower() for name, _ in given}
    defaults = (("Host", host), ("User-Agent", "plumbline"), ("Accept", "*/*"), ("Accept-Encoding", "identity"), ("Connection", "close"))
    headers = [(name, value) for name, value in (*defaults, *given) if name.lower() not in names or (name, value) in given]
    try:
        data = h11.Connection(h11.CLIENT).send(h11.Request(method="GET", target=path, headers=headers))
    except (h11.LocalProtocolError, UnicodeEncodeError) as error:
        raise ValueError(f"not an HTTP request: {error}") from error
    assert data is not None  # h11 gives None only for ConnectionClosed
    return data


def redact_target(target: str) -> str:
    """Replace the values of a query, and credentials before a host, by `*`; names stay."""
    path, mark, query = target.partition("?")
    return re.sub(r"//[^/@]*@", "//*@", path) + mark + re.sub(r"=[^&;]*", "=*", query)


def _steps(offset: int, data: bytes) -> Iterator[bytes]:
    """Cut `data`, whose first byte has `offset` in the stream, at the multiples of _STEP."""
    at = 0
    while at < len(data):
        size = _STEP - (offset + at) % _STEP
        yield data[at : at + size]
        at += size


def _fields(headers: Iterable[tuple[bytes, bytes]]) -> Fields:
    return tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in headers)


class ResponseDecoder(EventStream[Response]):
    """Stream decoder of the response to one GET; `done` when nothing more will be read.

    ProtocolError: no HTTP, a head over 32 KiB, a stream that ends inside the head. A fault in the body gives what came
    before it as a truncated response first.
    """

    def __init__(self) -> None:
        super().__init__()
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_NO_LIMIT)
        self._connection.send(h11.Request(method="GET", target="/", headers=[("Host", "-")]))
        self._connection.send(h11.EndOfMessage())
        self._offset = 0
        self._interim = 0
        self._head: h11.Response | None = None
        self._body = bytearray()
        self.done = False

    def _take(self, data: bytes) -> None:
        for step in _steps(self._offset, data):
            if self.done:
                return
            self._offset += len(step)
            self._connection.receive_data(step)
            self._pump()
            self._judge_size()

    def _judge_size(self) -> None:
        if not self.done and self._offset % _STEP == 0 and len(self._connection.trailing_data[0]) > MAX_HEAD:
            self._fail(f"a part of an HTTP response is longer than {MAX_HEAD} bytes")

    def _finish(self) -> None:
        if not self.done and self._offset:
            self._connection.receive_data(b"")
            if self._head is None:
                self._pump()
                raise ProtocolError("the stream ended inside the head of an HTTP response")
            try:
                self._pump()
            except ProtocolError:
                self._respond(truncated=True)  # RFC 9112 8: incomplete

    def _pump(self) -> None:
        while not self.done:
            try:
                event = self._connection.next_event()
            except h11.RemoteProtocolError as error:
                if self._connection.trailing_data[1]:
                    raise ProtocolError("the stream ended inside an HTTP response") from error
                self._fail(f"not an HTTP response: {error}", error)
            match event:
                case h11.InformationalResponse():
                    self._interim += 1
                    if self._interim > MAX_INTERIM:
                        self._fail(f"more than {MAX_INTERIM} interim responses")
                case h11.Response():
                    self._head = event
                case h11.Data():
                    self._body += event.data[: MAX_BODY - len(self._body) + 1]
                    if len(self._body) > MAX_BODY:
                        del self._body[MAX_BODY:]
                        self._respond(truncated=True)
                case h11.EndOfMessage():
                    self._respond(truncated=False)
                case _:
                    return

    def _fail(self, message: str, cause: Exception | None = None) -> None:
        self._respond(truncated=True)
        raise ProtocolError(message, offset=self._offset) from cause

    def _respond(self, *, truncated: bool) -> None:
        self.done = True
        head, body, self._body = self._head, bytes(self._body), bytearray()
        if head is not None:
            version, reason = head.http_version.decode("ascii"), head.reason.decode("latin-1")
            self._events.append(Response(version, head.status_code, reason, _fields(head.headers), body, truncated))


class RequestDecoder(EventStream[Request | RequestEnd]):
    """Stream decoder of a captured client, request after request; after an upgrade or CONNECT nothing more is read.

    ProtocolError: no HTTP, a head over 32 KiB, a stream that ends inside a request.
    """

    def __init__(self) -> None:
        super().__init__()
        self._offset = 0
        self._switched = self._switching = False
        self._open = False
        self._body_bytes = 0
        self._connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_NO_LIMIT)

    def _take(self, data: bytes) -> None:
        for step in _steps(self._offset, data):
            if self._switched:
                return
            self._offset += len(step)
            self._connection.receive_data(step)
            while self._pump():
                rest = self._connection.trailing_data[0]
                self._connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_NO_LIMIT)
                if rest:
                    self._connection.receive_data(rest)
            if self._offset % _STEP == 0 and len(self._connection.trailing_data[0]) > MAX_HEAD:
                raise ProtocolError(f"a part of an HTTP request is longer than {MAX_HEAD} bytes", offset=self._offset)

    def _finish(self) -> None:
        if not self._switched and (self._open or self._connection.trailing_data[0]):
            raise ProtocolError("the stream ended inside an HTTP request")

    def _pump(self) -> bool:
        """Read events up to the end of one request; True when it ended and more may follow."""
        while True:
            try:
                event = self._connection.next_event()
            except h11.RemoteProtocolError as error:
                raise ProtocolError(f"not an HTTP request: {error}", offset=self._offset) from error
            match event:
                case h11.Request():
                    self._open = True
                    self._switching = event.method == b"CONNECT" or any(name == b"upgrade" for name, _ in event.headers)
                    self._events.append(_request(event))
                case h11.Data():
                    self._body_bytes += len(event.data)
                case h11.EndOfMessage():
                    self._events.append(RequestEnd(self._body_bytes))
                    self._open, self._body_bytes = False, 0
                    self._switched = self._switching
                    return not self._switched
                case _:
                    return False


def _request(event: h11.Request) -> Request:
    fields = _fields(event.headers)
    credentials = next((value for name, value in fields if name == "authorization"), None)
    return Request(
        method=event.method.decode("ascii"),
        target=redact_target(event.target.decode("latin-1")),
        version=event.http_version.decode("ascii"),
        fields=tuple((name, REDACTED if name in _SECRET_FIELDS else value) for name, value in fields),
        authorization=None if credentials is None else scheme_of(credentials),
    )

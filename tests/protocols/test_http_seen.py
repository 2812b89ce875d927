"""HTTP and RTSP as captures show them: framing by RFC 9112 6.3, many messages on one connection, any split, hostile ones."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.http_seen import MAX_FIELDS, MAX_FORM, MAX_LINE, End, Head, MessageDecoder, Side
from tests.protocols.fuzzing import FuzzTarget, one_by_one, run_stream, stream_entry

GET = b"GET /a?b=c HTTP/1.1\r\nHost: cam\r\nAuthorization: Basic YTpi\r\n\r\n"
POST = b"POST /login HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\nu=a&p=b"
CHUNKED = b"PUT / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4;x=y\r\nabcd\r\n0a\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
RTSP = b"DESCRIBE rtsp://cam/1 RTSP/1.0\r\nCSeq: 2\r\n\r\n"
INTERLEAVED = b"$\x00\x00\x05video"
SDP = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 3\r\n\r\nv=0"


def decoded(data: bytes, side: Side, *asked: str) -> tuple[list[object], bool]:
    decoder = MessageDecoder(side)
    for method in asked:
        decoder.expect(method)
    return run_stream(decoder, [data])


def shapes(data: bytes, side: Side, *asked: str) -> list[str | int | None]:
    """Method or status of each head, and the size of each body."""
    events, whole = decoded(data, side, *asked)
    assert whole
    return [
        (event.method or event.status) if isinstance(event, Head) else event.body_bytes for event in events if isinstance(event, Head | End)
    ]


def test_a_request_field_by_field() -> None:
    events, whole = decoded(GET, Side.CLIENT)
    head = Head("http", "1.1", "GET", None, "/a?b=c", (("host", "cam"), ("authorization", "Basic YTpi")))
    assert (events, whole) == ([head, End(0)], True)
    assert head.first("authorization") == "Basic YTpi"
    assert "YTpi" not in repr(head)


def test_a_form_is_kept_for_a_moment() -> None:
    events, _ = decoded(POST, Side.CLIENT)
    assert events[1] == End(7, b"u=a&p=b")
    assert "u=a" not in repr(events)
    long = POST.replace(b": 7", b": 9000").replace(b"u=a&p=b", b"x" * 9000)
    [_, end], _ = decoded(long, Side.CLIENT)
    assert end == End(9000, b"x" * MAX_FORM)


CONNECTIONS = {
    "requests one after the other": (GET + POST + CHUNKED + GET, Side.CLIENT, (), ["GET", 0, "POST", 7, "PUT", 14, "GET", 0]),
    "blank lines between (RFC 9112 2.2)": (GET + b"\r\n\r\n" + GET, Side.CLIENT, (), ["GET", 0, "GET", 0]),
    "lines that end with LF": (GET.replace(b"\r\n", b"\n"), Side.CLIENT, (), ["GET", 0]),
    "responses": (CONTINUE + OK + NO_CONTENT + OK, Side.SERVER, (), [100, 0, 200, 5, 204, 0, 200, 5]),
    "no body after HEAD": (OK[:-5] + OK, Side.SERVER, ("HEAD", "GET"), [200, 0, 200, 5]),
    "no body in 304": (b"HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n" + OK, Side.SERVER, (), [304, 0, 200, 5]),
    "until the close": (b"HTTP/1.0 200 OK\r\n\r\nas much as comes", Side.SERVER, (), [200, 16]),
    "another protocol after 101": (b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\n\r\n\x81\x05hello", Side.SERVER, (), [101]),
    "a tunnel": (b"HTTP/1.1 200 OK\r\n\r\n\x16\x03\x01", Side.SERVER, ("CONNECT",), [200]),
    "RTSP with video between": (RTSP + INTERLEAVED + RTSP, Side.CLIENT, (), ["DESCRIBE", 0, "DESCRIBE", 0]),
    "RTSP answers": (SDP + INTERLEAVED * 3 + SDP, Side.SERVER, (), [200, 3, 200, 3]),
}


@pytest.mark.parametrize("name", CONNECTIONS)
def test_connections(name: str) -> None:
    data, side, asked, expected = CONNECTIONS[name]
    assert shapes(data, side, *asked) == expected


@pytest.mark.parametrize("name", CONNECTIONS)
def test_a_byte_at_a_time(name: str) -> None:
    data, side, asked, _ = CONNECTIONS[name]
    whole, split = MessageDecoder(side), MessageDecoder(side)
    for decoder in (whole, split):
        for method in asked:
            decoder.expect(method)
    assert run_stream(whole, [data]) == run_stream(split, one_by_one(data))


def test_folded_fields() -> None:
    [head, _], _ = decoded(b"GET / HTTP/1.1\r\nX: one\r\n  two\r\n\r\n", Side.CLIENT)
    assert isinstance(head, Head)
    assert head.first("x") == "one two"


BROKEN = {
    "no HTTP": (b"hello there\r\n", Side.CLIENT),
    "a response from the client": (OK, Side.CLIENT),
    "a request from the server": (GET, Side.SERVER),
    "a line without end": (b"GET /" + b"a" * (MAX_LINE + 10), Side.CLIENT),
    "a field without name": (b"GET / HTTP/1.1\r\n: x\r\n\r\n", Side.CLIENT),
    "too many fields": (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (MAX_FIELDS + 1), Side.CLIENT),
    "a folded field without end": (b"GET / HTTP/1.1\r\na: b\r\n" + (b" " + b"x" * 9000 + b"\r\n") * 3, Side.CLIENT),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", Side.SERVER),
    "a length below zero": (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", Side.SERVER),
    "a chunk without size": (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Side.CLIENT),
    "a chunk that is longer": (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", Side.CLIENT),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_messages(name: str) -> None:
    data, side = BROKEN[name]
    assert not decoded(data, side)[1]


@pytest.mark.parametrize(
    ("data", "side"), [(GET, Side.CLIENT), (POST, Side.CLIENT), (CHUNKED, Side.CLIENT), (OK, Side.SERVER), (SDP, Side.SERVER)]
)
def test_every_cut(data: bytes, side: Side) -> None:
    for size in range(1, len(data)):
        assert not decoded(data[:size], side)[1]


def test_a_body_of_a_gigabyte_is_counted_only() -> None:
    decoder = MessageDecoder(Side.SERVER)
    decoder.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    part = bytes(1_000_000)
    for _ in range(999):
        assert decoder.feed(part) == []
    assert decoder.feed(part) == [End(1_000_000_000)]


FUZZ = [
    FuzzTarget(
        "http_seen/client", stream_entry(lambda: MessageDecoder(Side.CLIENT)), [GET, POST, CHUNKED, GET + POST, RTSP + INTERLEAVED + RTSP]
    ),
    FuzzTarget(
        "http_seen/server", stream_entry(lambda: MessageDecoder(Side.SERVER)), [OK, CONTINUE + NO_CONTENT + OK, SDP + INTERLEAVED + SDP]
    ),
]


def test_what_was_whole_comes_out_before_the_fault() -> None:
    decoder = MessageDecoder(Side.CLIENT)
    assert len(decoder.feed(GET + b"broken\r\n")) == 2
    with pytest.raises(ProtocolError):
        decoder.feed(b"")

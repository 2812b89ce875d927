"""One HTTP response, captured requests, and the encoding of one GET (RFC 9112)."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols import http
from plumbline.protocols.http import Request, RequestDecoder, RequestEnd, Response, ResponseDecoder
from tests.protocols.fuzzing import FuzzTarget, assert_any_split, run_stream, stream_entry

SIMPLE = b"HTTP/1.1 200 OK\r\nServer: cam/1.0\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n5;x=y\r\npedia\r\n0\r\nTrailer: t\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.0 404 Not Found\r\nServer: mini_httpd\r\n\r\n<html>gone</html>"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
NO_REASON = b"HTTP/1.1 401\nWWW-Authenticate: Basic realm=x\nContent-Length: 0\n\n"
CUT_BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"
BAD_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\nzz\r\n"

BROKEN = {
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a field without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a length of 5000 digits": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "a cut head": b"HTTP/1.1 200 OK\r\nServer: c",
    "a head over the cap": b"HTTP/1.1 200 OK\r\nX: " + b"x" * (http.MAX_HEAD + 8192),
    "interim responses without end": INTERIM[:25] * (http.MAX_INTERIM + 1),
}

GET = b"GET /cgi-bin/status?user=admin&pwd=1234 HTTP/1.1\r\nHost: cam.local\r\nAuthorization: Basic YWRtaW46MTIzNA==\r\nCookie: s=1\r\n\r\n"
POST = b"POST /login HTTP/1.1\r\nHost: cam.local\r\nContent-Length: 9\r\n\r\nuser=eve&"
UPGRADE = b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello\xff\xff"
PLAIN = b"GET / HTTP/1.0\r\n\r\n"

BROKEN_REQUESTS = {
    "a response": SIMPLE,
    "no target": b"GET\r\n\r\n",
    "1.1 without Host (RFC 9112 3.2)": b"GET / HTTP/1.1\r\n\r\n",
    "a head over the cap": b"GET / HTTP/1.1\r\nX: " + b"x" * (http.MAX_HEAD + 8192),
    "a cut head": b"GET / HTTP/1.1\r\nHo",
    "a cut body": POST[:-2],
}


def one(data: bytes) -> Response:
    events, ok = run_stream(ResponseDecoder(), [data])
    assert ok
    single, _ = run_stream(ResponseDecoder(), (data[at : at + 1] for at in range(len(data))))
    assert single == events
    (response,) = events
    assert isinstance(response, Response)
    return response


def test_response_with_a_length() -> None:
    response = one(SIMPLE)
    assert response == Response(
        "1.1", 200, "OK", (("server", "cam/1.0"), ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("content-length", "5")), b"hello", False
    )
    assert response.all_of("set-cookie") == ("a=1", "b=2")
    assert response.first("server") == "cam/1.0"
    assert response.first("x-none") is None


def test_chunked_response_of_rfc_9112_7_1() -> None:
    assert one(CHUNKED).body == b"Wikipedia"


def test_response_until_the_close() -> None:
    decoder = ResponseDecoder()
    assert decoder.feed(UNTIL_CLOSE) == []
    assert not decoder.done
    (response,) = decoder.end()
    assert (response.version, response.status, response.body, response.truncated) == ("1.0", 404, b"<html>gone</html>", False)
    assert decoder.done


def test_interim_responses_are_passed_over() -> None:
    assert one(INTERIM).status == 204


def test_devices_leave_the_reason_out_and_end_lines_with_lf() -> None:
    response = one(NO_REASON)
    assert (response.status, response.reason, response.first("www-authenticate")) == (401, "", "Basic realm=x")


def test_an_early_end_is_an_incomplete_message() -> None:  # RFC 9112 8
    response = one(CUT_BODY)
    assert (response.body, response.truncated) == (b"half", True)


def test_a_body_over_the_cap_is_cut_at_the_cap() -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b"x" * (http.MAX_BODY + 10_000)
    whole, _ = run_stream(ResponseDecoder(), [data])
    parts, _ = run_stream(ResponseDecoder(), (data[at : at + 999] for at in range(0, len(data), 999)))
    assert whole == parts
    (response,) = whole
    assert isinstance(response, Response)
    assert (len(response.body), response.truncated) == (http.MAX_BODY, True)


def test_a_body_of_exactly_the_cap_is_whole() -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % http.MAX_BODY + b"x" * http.MAX_BODY
    (response,) = ResponseDecoder().feed(data)
    assert (len(response.body), response.truncated) == (http.MAX_BODY, False)


def test_a_fault_in_the_body_gives_the_head_first() -> None:
    decoder = ResponseDecoder()
    (response,) = decoder.feed(BAD_CHUNK)
    assert (response.status, response.body, response.truncated) == (200, b"Wiki", True)
    with pytest.raises(ProtocolError):
        decoder.end()


def test_what_follows_the_response_is_not_read() -> None:
    decoder = ResponseDecoder()
    assert len(decoder.feed(SIMPLE + SIMPLE)) == 1
    assert decoder.feed(b"\x00\xff") == []
    assert decoder.end() == []


def test_an_empty_stream_is_no_fault() -> None:
    assert ResponseDecoder().end() == []
    assert RequestDecoder().end() == []


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_broken_response(data: bytes) -> None:
    decoder = ResponseDecoder()
    with pytest.raises(ProtocolError):
        decoder.feed(data)
        decoder.end()


@pytest.mark.parametrize("data", [SIMPLE, CHUNKED, UNTIL_CLOSE, INTERIM, NO_REASON])
def test_cut_anywhere(data: bytes) -> None:
    for size in range(1, len(data)):
        events, ok = run_stream(ResponseDecoder(), [data[:size]])
        assert ok == (len(events) == 1)


def test_captured_requests_keep_no_secret() -> None:
    events = assert_any_split(RequestDecoder, GET + POST)
    assert events == [
        Request(
            "GET",
            "/cgi-bin/status?user=*&pwd=*",
            "1.1",
            (("host", "cam.local"), ("authorization", http.REDACTED), ("cookie", http.REDACTED)),
            "basic",
        ),
        RequestEnd(0),
        Request("POST", "/login", "1.1", (("host", "cam.local"), ("content-length", "9")), None),
        RequestEnd(9),
    ]
    assert isinstance(events[0], Request)
    assert events[0].first("host") == "cam.local"


def test_after_an_upgrade_nothing_is_read() -> None:
    events = assert_any_split(RequestDecoder, UPGRADE)
    assert len(events) == 2


def test_requests_of_1_0_may_follow_each_other() -> None:
    assert len(assert_any_split(RequestDecoder, PLAIN + PLAIN)) == 4


@pytest.mark.parametrize("data", BROKEN_REQUESTS.values(), ids=BROKEN_REQUESTS)
def test_broken_request(data: bytes) -> None:
    _, ok = run_stream(RequestDecoder(), [data])
    assert not ok


@pytest.mark.parametrize(
    ("target", "redacted"),
    [
        ("/", "/"),
        ("/a?b", "/a?b"),
        ("/a?token=xyz;b=2&c", "/a?token=*;b=*&c"),
        ("http://eve:pw@cam/x?y=1", "http://*@cam/x?y=*"),
    ],
)
def test_redacted_target(target: str, redacted: str) -> None:
    assert http.redact_target(target) == redacted


def test_encoded_get() -> None:
    data = http.encode_get("127.0.0.1:8080", "/index.html", [("Origin", "https://example.org"), ("user-agent", "other")])
    assert data == (
        b"GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
        b"Connection: close\r\nOrigin: https://example.org\r\nuser-agent: other\r\n\r\n"
    )


@pytest.mark.parametrize(("host", "path"), [("h", "/a\r\nX: y"), ("h\r\nX: y", "/"), ("h", "/\u20ac"), ("h", "")])
def test_a_get_never_holds_another_line(host: str, path: str) -> None:
    with pytest.raises(ValueError, match="not an HTTP request"):
        http.encode_get(host, path)


RESPONSES = [SIMPLE, CHUNKED, UNTIL_CLOSE, INTERIM, NO_REASON, CUT_BODY, BAD_CHUNK, BROKEN["interim responses without end"]]
LARGE = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (http.MAX_BODY + 1)
FUZZ = [
    FuzzTarget("http", stream_entry(ResponseDecoder), [*RESPONSES, BROKEN["a head over the cap"], LARGE], also=("streams",)),
    FuzzTarget(
        "http/requests", stream_entry(RequestDecoder), [GET, POST, GET + POST, UPGRADE, PLAIN, BROKEN_REQUESTS["a head over the cap"]]
    ),
]

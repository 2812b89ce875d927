"""RTSP requests and responses (RFC 2326, RFC 7826)."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols import rtsp
from plumbline.protocols.challenge import Challenge
from plumbline.protocols.rtsp import Response, ResponseDecoder
from tests.protocols.fuzzing import FuzzTarget, assert_any_split, stream_entry

# The examples of RFC 2326 10.1 and 10.2, with the SDP of RFC 2327 that it holds.
OPTIONS = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: DESCRIBE, SETUP, TEARDOWN, PLAY, PAUSE\r\n\r\n"
SDP = (
    b"v=0\r\no=mhandley 2890844526 2890842807 IN IP4 126.16.64.4\r\ns=SDP Seminar\r\nm=audio 3456 RTP/AVP 0\r\n"
    b"m=video 2232 RTP/AVP 31\r\nm=whiteboard 32416 UDP WB\r\na=orient:portrait\r\n"
)
DESCRIBE = (
    b"RTSP/1.0 200 OK\r\nCSeq: 312\r\nServer: cam/1.0\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(SDP)
) + SDP
UNAUTHORIZED = (
    b'RTSP/1.0 401 Unauthorized\r\nCSeq: 2\r\nWWW-Authenticate: Digest realm="IP Camera(C1)", nonce="8b84a3b789283a8b", algorithm="MD5"\r\n'
    b'WWW-Authenticate: Basic realm="IP Camera(C1)"\r\n\r\n'
)
FOLDED = b"\r\nRTSP/2.0 404\nPublic: OPTIONS,\n\tDESCRIBE\n\n"

BROKEN = {
    "HTTP": b"HTTP/1.1 200 OK\r\n\r\n",
    "no status": b"RTSP/1.0 OK\r\n\r\n",
    "interleaved media, which nobody asked for": b"$\x00\x00\x04abcd\r\n",
    "field without a name": b"RTSP/1.0 200 OK\r\n: x\r\n\r\n",
    "fold before any field": b"RTSP/1.0 200 OK\r\n x\r\n\r\n",
    "too many fields": b"RTSP/1.0 200 OK\r\n" + b"a: b\r\n" * (rtsp.MAX_FIELDS + 1) + b"\r\n",
    "too long a fold": b"RTSP/1.0 200 OK\r\na: b\r\n" + (b" " + b"x" * 4000 + b"\r\n") * 3 + b"\r\n",
    "length that is no number": b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"RTSP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "length over the cap": b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n",
    "cut body": b"RTSP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nabc",
    "cut head": b"RTSP/1.0 200 OK\r\nCSeq",
}


def one(data: bytes) -> Response:
    (response,) = assert_any_split(ResponseDecoder, data)
    assert isinstance(response, Response)
    return response


def test_options_of_rfc_2326_10_1() -> None:
    response = one(OPTIONS)
    assert (response.version, response.status, response.reason) == ("1.0", 200, "OK")
    assert response.public == ("DESCRIBE", "SETUP", "TEARDOWN", "PLAY", "PAUSE")
    assert response.media is None
    assert response.server is None


def test_describe_of_rfc_2326_10_2_keeps_only_the_kinds_of_media() -> None:
    response = one(DESCRIBE)
    assert response.media == ("audio", "video", "whiteboard")
    assert response.body_bytes == len(SDP)
    assert response.server == "cam/1.0"
    assert response.public is None
    assert "mhandley" not in repr(response)


def test_challenges() -> None:
    response = one(UNAUTHORIZED)
    assert response.status == 401
    assert response.challenges == (Challenge("digest", "IP Camera(C1)", "MD5"), Challenge("basic", "IP Camera(C1)"))


def test_bare_line_ends_folds_and_no_reason() -> None:
    response = one(FOLDED)
    assert (response.version, response.status, response.reason) == ("2.0", 404, "")
    assert response.public == ("OPTIONS", "DESCRIBE")


def test_two_responses_on_one_connection() -> None:
    assert len(assert_any_split(ResponseDecoder, OPTIONS + DESCRIBE)) == 2


def test_media_of_an_unknown_kind_and_without_end() -> None:
    body = b"m=\xff\xff 1 RTP/AVP 0\n" * 100
    head = b"RTSP/1.0 200 OK\r\nContent-Type: application/sdp; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert one(head + body).media == ("other",) * rtsp.MAX_MEDIA


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_broken(data: bytes) -> None:
    decoder = ResponseDecoder()
    with pytest.raises(ProtocolError):
        decoder.feed(data)
        decoder.end()


def test_requests() -> None:
    assert rtsp.encode_options("*", 1) == b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: plumbline\r\n\r\n"
    assert rtsp.encode_describe("rtsp://127.0.0.1:554/", 2) == (
        b"DESCRIBE rtsp://127.0.0.1:554/ RTSP/1.0\r\nCSeq: 2\r\nUser-Agent: plumbline\r\nAccept: application/sdp\r\n\r\n"
    )


@pytest.mark.parametrize("url", ["rtsp://x/\r\nTEARDOWN", "rtsp://x/a b", "", "rtsp://x/\u00e9"])
def test_a_url_never_starts_another_line(url: str) -> None:
    with pytest.raises(ValueError, match="escaped"):
        rtsp.encode_options(url, 1)


def facts(data: bytes) -> object:
    decoder = ResponseDecoder()
    return [(response.public, response.server, response.challenges) for response in decoder.feed(data)]


SEEDS = [OPTIONS, DESCRIBE, UNAUTHORIZED, FOLDED]
FUZZ = [
    FuzzTarget("rtsp", stream_entry(ResponseDecoder), SEEDS + list(BROKEN.values()), also=("lines", "streams")),
    FuzzTarget("rtsp/facts", facts, SEEDS),
]

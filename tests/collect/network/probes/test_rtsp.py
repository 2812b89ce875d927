"""The RTSP probe against cameras that answer DESCRIBE in the ways that cameras do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from plumbline.model.words import Outcome
from tests.collect.network.benches import scene
from tests.collect.network.conftest import OpenBench
from tests.net.rigs import lure

SDP = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=Cam\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\nm=audio 0 RTP/AVP 97\r\n"
OPTIONS = "RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: NW-Cam/3.1\r\nPublic: OPTIONS, DESCRIBE, SETUP\r\n\r\n"


def described(status: str, *fields: str, body: str = "") -> str:
    return "\r\n".join([f"RTSP/1.0 {status}", "CSeq: 2", *fields, f"Content-Length: {len(body)}", "", body])


CASES: dict[str, tuple[list[str], dict[str, Any], Outcome]] = {
    "an open stream": (
        [OPTIONS, described("200 OK", "Content-Type: application/sdp", body=SDP)],
        {"stream_open": True, "describe_status": 200, "media": 2, "auth_scheme": None, "server": "NW-Cam/3.1"},
        Outcome.OK,
    ),
    "a login": (
        [OPTIONS, described("401 Unauthorized", 'WWW-Authenticate: Basic realm="cam"')],
        {"stream_open": False, "describe_status": 401, "auth_scheme": "basic", "media": None},
        Outcome.OK,
    ),
    "nothing at the root": ([OPTIONS, described("404 Not Found")], {"stream_open": None, "describe_status": 404}, Outcome.OK),
    "a login for everything": (
        [
            "RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nServer: X\r\n\r\n",
            described("401 Unauthorized", 'WWW-Authenticate: Digest realm="x", nonce="1"'),
        ],
        {"methods": None, "stream_open": False, "auth_scheme": "digest"},
        Outcome.OK,
    ),
    "it hangs up at DESCRIBE": (
        [OPTIONS],
        {"stream_open": None, "describe_status": None, "methods": ["OPTIONS", "DESCRIBE", "SETUP"]},
        Outcome.PARTIAL,
    ),
    "another protocol at DESCRIBE": ([OPTIONS, "HTTP/1.1 400 Bad Request\r\n\r\n"], {"stream_open": None}, Outcome.PARTIAL),
}


@pytest.mark.parametrize("name", CASES)
@scene
async def test_cameras(bench: OpenBench, name: str) -> None:
    answers, expected, outcome = CASES[name]
    asked: list[str] = []

    async def camera(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(answer.encode())
            await writer.drain()
        writer.close()

    async with lure(camera) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("rtsp", port)
    row = seen.row("rtsp_service")
    assert {column: row[column] for column in expected} == expected
    assert seen.covered("rtsp_service") == (outcome, 1)
    assert {request.split(" ")[0] for request in asked} <= {"OPTIONS", "DESCRIBE"}
    assert asked[0].startswith(f"OPTIONS rtsp://127.0.0.1:{port}/ RTSP/1.0")

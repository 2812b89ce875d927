"""What speaks on a port that nobody expects it on, and on one where something else is expected."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from plumbline.model.words import Outcome
from tests.collect.network.benches import RANGES, own_address, scene
from tests.collect.network.certificates import issue, server_context, write_pair
from tests.collect.network.conftest import OpenBench

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Habit = Callable[[Reader, Writer], Awaitable[None]]


def greets(greeting: bytes, *more: bytes) -> Habit:
    """Speak first, in as many pieces as are given."""

    async def talk(reader: Reader, writer: Writer) -> None:
        for part in (greeting, *more):
            writer.write(part)
            await writer.drain()
        await reader.read()
        writer.close()

    return talk


def answers(start: bytes, answer: bytes, *, otherwise: bytes | None = b"") -> Habit:
    """Answer a request that starts so; to another one say `otherwise` (b"": hang up, None: nothing)."""

    async def talk(reader: Reader, writer: Writer) -> None:
        data = await reader.read(4096)
        if data.startswith(start):
            writer.write(answer)
        elif otherwise is not None:
            writer.write(otherwise)
            writer.close()
            return
        await reader.read()
        writer.close()

    return talk


async def _closes(reader: Reader, writer: Writer) -> None:
    writer.close()


PAGE = b"HTTP/1.1 200 OK\r\nServer: nginx/1.18.0\r\nSet-Cookie: sid=4711\r\nContent-Length: 0\r\n\r\n"
WEB = answers(b"GET ", PAGE)
BROKER = answers(b"\x10", b"\x20\x02\x00\x05")
PATIENT_BROKER = answers(b"\x10", b"\x20\x02\x00\x05", otherwise=None)
STREAM = answers(b"OPTIONS ", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: Cam/1\r\n\r\n", otherwise=None)


@dataclass
class Case:
    """A server, what is usual on its port, and what it should turn out to be."""

    habit: Habit
    protocol: str | None
    outcome: Outcome = Outcome.OK
    hints: tuple[str, ...] = ()
    inside: bool = False  # it speaks inside TLS
    tls_hint: bool = False
    asked_most: int = 6  # connections
    connections: int = field(default=0)

    async def talk(self, reader: Reader, writer: Writer) -> None:
        self.connections += 1
        await self.habit(reader, writer)


CASES: dict[str, Case] = {
    "ssh": Case(greets(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), "ssh", asked_most=1),
    "ssh in pieces": Case(greets(b"SS", b"H-2.0-Open", b"SSH_9.2\r\n"), "ssh", asked_most=1),
    "ssh where http is usual": Case(greets(b"SSH-2.0-dropbear_2022.83\r\n"), "ssh", hints=("http",), asked_most=1),
    "ftp": Case(greets(b"220 (vsFTPd 3.0.5)\r\n"), "ftp", asked_most=1),
    "ftp that only its port names": Case(greets(b"220 ready\r\n"), "ftp", hints=("ftp",), asked_most=1),
    "ready, and nobody says for what": Case(greets(b"220 ready\r\n"), None, Outcome.PROTOCOL_ERROR, asked_most=1),
    "smtp": Case(greets(b"220 mail.northwind.example ESMTP Postfix\r\n"), "smtp", asked_most=1),
    "telnet": Case(greets(bytes([255, 253, 24]) + b"\r\nlogin: "), "telnet", asked_most=1),
    "http": Case(WEB, "http", asked_most=1),
    "http where ssh is usual": Case(WEB, "http", hints=("ssh",), asked_most=1),
    "http where mqtt is usual": Case(
        answers(b"GET ", PAGE, otherwise=b"HTTP/1.1 400 Bad Request\r\n\r\n"), "http", hints=("mqtt",), asked_most=2
    ),
    "rtsp, which answers a page in kind": Case(answers(b"GET ", b"RTSP/1.0 400 Bad Request\r\n\r\n"), "rtsp", asked_most=1),
    "rtsp, which answers nothing else": Case(STREAM, "rtsp"),
    "mqtt, which hangs up at a page": Case(BROKER, "mqtt", asked_most=2),
    "mqtt, which waits": Case(PATIENT_BROKER, "mqtt", asked_most=2),
    "mqtt at home": Case(BROKER, "mqtt", hints=("mqtt",), asked_most=1),
    "https": Case(WEB, "http", inside=True),
    "https at home": Case(WEB, "http", hints=("http", "tls"), inside=True, tls_hint=True, asked_most=1),
    "https where http is usual": Case(WEB, "http", hints=("http",), inside=True),
    "http where https is usual": Case(WEB, "http", hints=("http", "tls"), tls_hint=True, asked_most=2),
    "mqtt inside tls": Case(BROKER, "mqtt", inside=True),
    "mqtt inside tls at home": Case(BROKER, "mqtt", hints=("mqtt", "tls"), inside=True, tls_hint=True, asked_most=1),
    "ssh inside tls": Case(greets(b"SSH-2.0-Odd\r\n"), "ssh", inside=True),
    "noise inside tls": Case(greets(b"\x9c\x01\x02\x03"), None, Outcome.PROTOCOL_ERROR, inside=True),
    "noise": Case(greets(b"\x9c\x01\x02\x03\x04" * 20), None, Outcome.PROTOCOL_ERROR, asked_most=1),
    "mute": Case(answers(b"never", b"", otherwise=None), None, Outcome.TIMEOUT),
    "hangs up at once": Case(_closes, None, Outcome.REFUSED, asked_most=1),
    "hangs up at whatever is asked": Case(answers(b"never", b""), None, Outcome.REFUSED),
}


@scene
async def test_services(bench: OpenBench, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    context = server_context(tmp_path / "tls", key, [issue(key, "odd")])
    async with AsyncExitStack() as stack:
        ports = []
        for number, case in enumerate(CASES.values(), start=1):
            server = await asyncio.start_server(case.talk, own_address(number), 0, ssl=context if case.inside else None)
            stack.callback(server.close)
            ports.append(server.sockets[0].getsockname()[1])
        rig = await stack.enter_async_context(bench(tcp=set(ports), ranges=RANGES))
        found = await asyncio.gather(
            *(
                rig.identify(port, address=own_address(number), hints=case.hints, tls_hint=case.tls_hint)
                for number, (port, case) in enumerate(zip(ports, CASES.values(), strict=True), start=1)
            )
        )
    told = dict(zip(CASES, found, strict=True))
    assert {name: (one.protocol, one.outcome) for name, one in told.items()} == {
        name: (case.protocol, case.outcome) for name, case in CASES.items()
    }
    assert {name for name, one in told.items() if one.tls} == {name for name, case in CASES.items() if case.inside}
    assert {name for name, case in CASES.items() if case.connections > case.asked_most} == set()
    assert (told["ssh"].product, told["ssh"].version, told["ssh"].greeting) == ("OpenSSH", "9.2p1", b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
    assert (told["http"].product, told["http"].version, told["http"].greeting) == ("nginx", "1.18.0", b""), "it spoke when asked"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@scene
async def test_a_server_that_wants_a_client_certificate_is_tls_all_the_same(
    bench: OpenBench, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    context = server_context(tmp_path / "tls", key, [issue(key, "strict")])
    context.maximum_version, context.verify_mode = version, ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=str(write_pair(tmp_path / "ca", key, [issue(key, "clients", ca=True)])[0]))
    server = await asyncio.start_server(BROKER, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server, bench(tcp=[port]) as rig:
        found = await rig.identify(port, hints=("mqtt", "tls"), tls_hint=True)
    assert (found.protocol, found.tls, found.outcome) == (None, True, Outcome.REFUSED)

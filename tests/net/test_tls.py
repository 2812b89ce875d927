"""Handshakes through the door: how they end, how they are counted, and that they never overlap."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from plumbline.model.errors import DeviceError, HungUpError, InternalError, NotPermittedError, ProtocolError, RefusedError, SilentError
from plumbline.model.words import Intrusion
from plumbline.net.caps import SHIPPED, Limits
from plumbline.net.door import Door
from tests.net.rigs import FakeClock, lure, make_rig, open_door, rig_text
from tests.net.test_connection import brief

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


def server_context(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cam")])
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    file.write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def looking() -> ssl.SSLContext:
    """A context that looks and does not judge."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def echo_once(reader: Reader, writer: Writer) -> None:
    try:
        writer.write(await reader.read(100_000))
        await writer.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


@asynccontextmanager
async def tls_bench(folder: Path, context: ssl.SSLContext | None = None, *, limits: Limits = SHIPPED) -> AsyncIterator[tuple[Door, int]]:
    server = await asyncio.start_server(echo_once, "127.0.0.1", 0, ssl=context or server_context(folder))
    port = server.sockets[0].getsockname()[1]
    rig = make_rig(folder, rig_text(tcp=[port]))
    try:
        async with open_door(rig, folder, limits=limits, clock=FakeClock()) as door:
            yield door, port
    finally:
        server.close()


async def test_a_session(tmp_path: Path) -> None:
    async with tls_bench(tmp_path) as (door, port):
        connection = await door.connect_tls("127.0.0.1", port, looking(), why="probe", intrusion=Intrusion.QUERY, server_name="cam.local")
        async with connection:
            assert connection.tls is not None
            assert connection.tls.version() == "TLSv1.3"
            der = connection.tls.getpeercert(binary_form=True)
            assert der is not None
            assert x509.load_der_x509_certificate(der).subject.rfc4514_string() == "CN=cam"
            await connection.request(b"x" * 50_000)
            got = b""
            while len(got) < 50_000 and (more := await connection.receive()):
                got += more
            assert got == b"x" * 50_000
        assert door.exchanges == 3
        assert door.handshakes_left("127.0.0.1", port) == 19
    events = brief(tmp_path)
    assert [line[:2] for line in events] == [("connect", "ok"), ("handshake", "ok"), ("request", "sent"), ("received", "ok")]
    assert events[1][2] > 200  # the records of our ClientHello and Finished
    assert events[1][3] > 500  # theirs, with the certificate
    assert events[3][3] > 50_000


async def speaks_http(reader: Reader, writer: Writer) -> None:
    await reader.read(100)
    writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
    writer.close()


async def hangs_up(reader: Reader, writer: Writer) -> None:
    await reader.read(10_000)
    writer.close()


async def says_nothing(reader: Reader, writer: Writer) -> None:
    await reader.read()
    writer.close()


async def alerts(reader: Reader, writer: Writer) -> None:
    """handshake_failure, fatal (RFC 8446, 6)."""
    await reader.read(10_000)
    writer.write(bytes([21, 3, 3, 0, 2, 2, 40]))
    writer.close()


ENDINGS: list[tuple[str, Callable[[Reader, Writer], Awaitable[None]], type[DeviceError], str]] = [
    ("speaks something else", speaks_http, ProtocolError, "protocol_error"),
    ("hangs up", hangs_up, HungUpError, "hung_up"),
    ("says nothing", says_nothing, SilentError, "timeout"),
    ("sends an alert", alerts, RefusedError, "refused"),
]


@pytest.mark.parametrize(("handler", "error", "outcome"), [case[1:] for case in ENDINGS], ids=[case[0] for case in ENDINGS])
async def test_handshakes_that_fail(
    tmp_path: Path, handler: Callable[[Reader, Writer], Awaitable[None]], error: type[DeviceError], outcome: str
) -> None:
    async with lure(handler) as port:
        rig = make_rig(tmp_path, rig_text(tcp=[port]))
        async with open_door(rig, tmp_path) as door:
            with pytest.raises(error):
                await door.connect_tls("127.0.0.1", port, looking(), why="probe", intrusion=Intrusion.QUERY, timeout_s=0.1)
            assert door._gate.caps.device("127.0.0.1").slots.held == 0
            assert door.handshakes_left("127.0.0.1", port) == 19  # a failed one was one all the same
    assert ("handshake", outcome) in [line[:2] for line in brief(tmp_path)]


async def test_a_certificate_that_does_not_verify(tmp_path: Path) -> None:
    async with tls_bench(tmp_path) as (door, port):
        with pytest.raises(ProtocolError, match="certificate verify failed"):
            await door.connect_tls(
                "127.0.0.1", port, ssl.create_default_context(), why="probe", intrusion=Intrusion.QUERY, server_name="cam.local"
            )


async def test_twenty_and_no_more(tmp_path: Path) -> None:
    async with tls_bench(tmp_path) as (door, port):
        for _ in range(20):
            await (await door.connect_tls("127.0.0.1", port, looking(), why="probe", intrusion=Intrusion.QUERY)).close()
        with pytest.raises(NotPermittedError, match="all 20 handshakes are used up") as refusal:
            await door.connect_tls("127.0.0.1", port, looking(), why="probe", intrusion=Intrusion.QUERY)
        assert refusal.value.reason == "budget"
        assert door.handshakes_left("127.0.0.1", port) == 0
    events = [line[:2] for line in brief(tmp_path)]
    assert events.count(("handshake", "ok")) == 20
    assert ("refused", "budget") in events


async def test_one_after_the_other(tmp_path: Path) -> None:
    now = most = 0

    async def slow(reader: Reader, writer: Writer) -> None:
        nonlocal now, most
        await reader.read(10_000)
        now += 1
        most = max(most, now)
        for _ in range(10):
            await asyncio.sleep(0)
        now -= 1
        writer.close()

    async with lure(slow) as port:
        rig = make_rig(tmp_path, rig_text(tcp=[port]))
        async with open_door(rig, tmp_path, clock=FakeClock()) as door:

            async def shake() -> None:
                with pytest.raises(HungUpError):
                    await door.connect_tls("127.0.0.1", port, looking(), why="probe", intrusion=Intrusion.QUERY)

            await asyncio.gather(*(shake() for _ in range(6)))
    assert most == 1


async def test_hellos_of_the_probes_own_count_too(tmp_path: Path) -> None:
    async with lure(alerts) as port:
        rig = make_rig(tmp_path, rig_text(tcp=[port]))
        async with open_door(rig, tmp_path, clock=FakeClock()) as door:
            for _ in range(20):
                async with await door.connect("127.0.0.1", port, why="probe", intrusion=Intrusion.QUERY) as connection:
                    await connection.request(b"\x16\x03\x01\x00\x01\x01", handshake=True)
                    assert await connection.receive() == bytes([21, 3, 3, 0, 2, 2, 40])
            async with await door.connect("127.0.0.1", port, why="probe", intrusion=Intrusion.QUERY) as connection:
                with pytest.raises(NotPermittedError, match="used up"):
                    await connection.request(b"\x16", handshake=True)


async def test_one_hello_per_connection(tmp_path: Path) -> None:
    async with lure(says_nothing) as port:
        rig = make_rig(tmp_path, rig_text(tcp=[port]))
        async with open_door(rig, tmp_path, clock=FakeClock()) as door:
            connection = await door.connect("127.0.0.1", port, why="probe", intrusion=Intrusion.QUERY)
            await connection.request(b"\x16", handshake=True)
            with pytest.raises(InternalError, match="second handshake"):
                await connection.request(b"\x16", handshake=True)

"""Connections as a probe uses them: how each ending of a device is told, what is logged, and that the close is clean."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from plumbline.model.errors import (
    EnvironmentFault,
    HungUpError,
    InternalError,
    NotPermittedError,
    ProtocolError,
    RefusedError,
    SilentError,
    StoppedError,
)
from plumbline.model.words import Intrusion
from plumbline.net.caps import SHIPPED, Limits
from plumbline.net.connection import Connection
from plumbline.net.contacts import verify
from plumbline.net.door import Door
from plumbline.net.stop import StopFlag
from tests.net.rigs import NOON, FakeClock, Handler, echo, lure, make_rig, open_door, rig_text

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


@asynccontextmanager
async def bench(
    folder: Path,
    handler: Handler = echo,
    *,
    limits: Limits = SHIPPED,
    stop: StopFlag | None = None,
    clock: FakeClock | None = None,
    **fields: str,
) -> AsyncIterator[tuple[Door, int]]:
    async with lure(handler) as port:
        rig = make_rig(folder, rig_text(tcp=[port], **fields))
        async with open_door(rig, folder, limits=limits, stop=stop, clock=clock) as door:
            yield door, port


async def connect(door: Door, port: int) -> Connection:
    return await door.connect("127.0.0.1", port, why="probe", intrusion=Intrusion.QUERY)


async def all_of(connection: Connection, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += await connection.receive(size - len(data))
    return data


def logged(folder: Path) -> list[dict[str, object]]:
    assert verify(folder / "contacts.jsonl").broken_line is None
    return [json.loads(line) for line in (folder / "contacts.jsonl").read_text().splitlines()][1:]


def brief(folder: Path) -> list[tuple[object, ...]]:
    return [(line["event"], line["outcome"], line["sent_bytes"], line["received_bytes"]) for line in logged(folder)]


async def test_an_exchange_and_its_log(tmp_path: Path) -> None:
    async with bench(tmp_path) as (door, port):
        async with await connect(door, port) as connection:
            assert connection.remote == ("127.0.0.1", port)
            assert connection.permit.id == "NW-1/bench/tcp"
            await connection.request(b"one")
            await connection.send(b"+half")
            assert await all_of(connection, 8) == b"one+half"
            await connection.request(b"four")
            await connection.receive()
        assert door.exchanges == 3
    assert brief(tmp_path) == [
        ("connect", "ok", 0, 0),
        ("request", "sent", 3, 0),
        ("received", "ok", 5, 8),
        ("request", "sent", 4, 0),
        ("received", "ok", 0, 4),
    ]
    first = logged(tmp_path)[0]
    assert first["entity"] == "host:here/127.0.0.1"
    assert first["permit"] == "NW-1/bench/tcp"
    assert first["intrusion"] == "query"
    assert first["why"] == "probe"


async def greet_and_close(reader: Reader, writer: Writer) -> None:
    writer.write(b"hello")
    writer.close()


async def reset_at_once(reader: Reader, writer: Writer) -> None:
    await reader.read(10)
    _reset(writer)


async def reset_after_a_word(reader: Reader, writer: Writer) -> None:
    writer.write(b"hello")
    await writer.drain()
    await reader.read(10)
    _reset(writer)


def _reset(writer: Writer) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def mute(reader: Reader, writer: Writer) -> None:
    await reader.read()
    writer.close()


async def flood(reader: Reader, writer: Writer) -> None:
    try:
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
    except ConnectionError:
        writer.close()


async def test_a_clean_close_reads_as_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, greet_and_close) as (door, port), await connect(door, port) as connection:
        assert await connection.receive() == b"hello"
        assert await connection.receive() == b""
        assert await connection.receive() == b""


ENDINGS = [
    ("a reset before any byte", reset_at_once, RefusedError, "refused"),
    ("a reset after some bytes", reset_after_a_word, HungUpError, "hung_up"),
    ("no answer", mute, SilentError, "timeout"),
]


@pytest.mark.parametrize(("handler", "error", "outcome"), [case[1:] for case in ENDINGS], ids=[case[0] for case in ENDINGS])
async def test_endings(tmp_path: Path, handler: Handler, error: type[Exception], outcome: str) -> None:
    async with bench(tmp_path, handler) as (door, port), await connect(door, port) as connection:
        if handler is reset_after_a_word:
            assert await connection.receive() == b"hello"
        await connection.request(b"hi")
        with pytest.raises(error, match=r"^127\.0\.0\.1 port"):
            await connection.receive(timeout_s=0.05)
    assert brief(tmp_path)[-1][:2] == ("received", outcome)


async def test_a_closed_port(tmp_path: Path) -> None:
    async with lure(echo) as port:
        rig = make_rig(tmp_path, rig_text(tcp=[port]))
    async with open_door(rig, tmp_path) as door:  # its server is gone
        with pytest.raises(RefusedError, match="Connection refused"):
            await connect(door, port)
    assert [line[:2] for line in brief(tmp_path)] == [("connect", "refused")]


async def test_a_flood_is_cut_off(tmp_path: Path) -> None:
    async with bench(tmp_path, flood, limits=Limits(received_bytes=100_000)) as (door, port), await connect(door, port) as connection:
        with pytest.raises(ProtocolError, match="more than 100000 bytes"):
            while True:
                await connection.receive()
        assert connection.received_total == 100_000
    assert brief(tmp_path)[-1][:2] == ("received", "protocol_error")


async def test_the_device_sees_a_fin_and_no_reset(tmp_path: Path) -> None:
    """Even with bytes that nobody read: a reset would look like an attack, or a crash."""
    seen: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def watch(reader: Reader, writer: Writer) -> None:
        writer.write(b"banner that nobody reads" * 1000)
        try:
            seen.set_result("fin" if await reader.read() == b"hi" else "bytes")
        except ConnectionError:
            seen.set_result("reset")
        writer.close()

    async with bench(tmp_path, watch) as (door, port):
        async with await connect(door, port) as connection:
            await connection.request(b"hi")
        assert await seen == "fin"


async def test_closing_gives_the_place_back(tmp_path: Path) -> None:
    async with bench(tmp_path) as (door, port):
        for _ in range(6):
            connection = await connect(door, port)
            await connection.close()
            await connection.close()
        device = door._gate.caps.device("127.0.0.1")
        assert device.slots.held == 0
        with pytest.raises(InternalError, match="after it was closed"):
            await connection.receive()


async def test_failing_gives_the_place_back(tmp_path: Path) -> None:
    async with bench(tmp_path) as (door, _), lure(echo) as other:
        for _ in range(3):
            with pytest.raises(NotPermittedError):
                await connect(door, other)
        assert door._gate.caps.device("127.0.0.1").slots.held == 0


async def test_cancelling_gives_the_place_back(tmp_path: Path) -> None:
    async with bench(tmp_path) as (door, port):
        async with await connect(door, port), await connect(door, port):
            third = asyncio.create_task(connect(door, port))
            await asyncio.sleep(0)
            third.cancel()
            await asyncio.gather(third, return_exceptions=True)
        assert door._gate.caps.device("127.0.0.1").slots.held == 0


async def test_the_door_closes_what_was_left_open(tmp_path: Path) -> None:
    async with bench(tmp_path) as (door, port):
        connection = await connect(door, port)
        await door.close()
        with pytest.raises(InternalError):
            await connection.request(b"x")
        with pytest.raises(NotPermittedError, match="the door was closed"):
            await connect(door, port)


async def test_a_window_closes_in_between(tmp_path: Path) -> None:
    """A connection of a minute ago gives no leave for a request now."""
    clock = FakeClock()
    closes = (NOON + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    async with bench(tmp_path, clock=clock, valid_until=closes) as (door, port), await connect(door, port) as connection:
        await connection.request(b"one")
        clock.pass_s(31)
        with pytest.raises(NotPermittedError) as refusal:
            await connection.request(b"two")
    assert refusal.value.reason == "expired"
    assert ("refused", "expired") in [line[:2] for line in brief(tmp_path)]
    assert sum(line[0] == "request" for line in brief(tmp_path)) == 1


async def test_a_window_closes_while_it_waits_its_turn(tmp_path: Path) -> None:
    clock = FakeClock()
    closes = (NOON + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    async with bench(tmp_path, clock=clock, valid_until=closes) as (door, port), await connect(door, port) as connection:
        with pytest.raises(NotPermittedError):
            for _ in range(100):
                await connection.request(b"x")
        assert clock.now() >= datetime.fromisoformat(closes)
        left = [line for line in logged(tmp_path) if line["event"] in ("connect", "request")]
        assert 30 < len(left) <= 40
        assert all(datetime.fromisoformat(str(line["at"])) < datetime.fromisoformat(closes) for line in left)


async def test_a_stop_ends_requests(tmp_path: Path) -> None:
    stop = StopFlag()
    async with bench(tmp_path, stop=stop) as (door, port), await connect(door, port) as connection:
        stop.set("enough")
        for attempt in (connection.request(b"x"), connection.send(b"x"), connect(door, port)):
            with pytest.raises(StoppedError, match="enough"):
                await attempt
    assert [line[0] for line in brief(tmp_path)] == ["connect"]


async def test_ipv6(tmp_path: Path) -> None:
    async with lure(echo, "::1") as port:
        rig = make_rig(tmp_path, rig_text(networks=["::1/128"], tcp=[port]))
        async with open_door(rig, tmp_path) as door:
            connection = await door.connect("::1", port, why="probe", intrusion=Intrusion.QUERY)
            await connection.request(b"six")
            assert await connection.receive() == b"six"


async def test_a_mapped_address_is_dialled_as_what_it_is(tmp_path: Path) -> None:
    async with lure(echo) as port:
        text = rig_text(networks=["127.0.0.0/16", "::ffff:127.0.0.1/128"], tcp=[port], authorisation="public = true")
        rig = make_rig(tmp_path, text, signed=True)  # it counts as public, so that nobody lists one by accident
        async with open_door(rig, tmp_path) as door:
            connection = await door.connect("::ffff:127.0.0.1", port, why="probe", intrusion=Intrusion.QUERY)
            assert connection.remote == ("127.0.0.1", port)


async def test_no_such_interface(tmp_path: Path) -> None:
    rig = make_rig(tmp_path, rig_text(authorisation='source = "none0"'))
    with pytest.raises(EnvironmentFault, match="no interface 'none0'"):
        async with open_door(rig, tmp_path):
            pass


async def test_by_one_interface_only(tmp_path: Path) -> None:
    async with bench(tmp_path, authorisation='source = "lo"') as (door, port), await connect(door, port) as connection:
        await connection.request(b"hi")
        assert await connection.receive() == b"hi"
        assert connection._socket.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0") == b"lo"

"""A connection as a library sees it: bytes in order, every exchange logged, caps and endings told, nothing left open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from plumbline.model.errors import NotPermittedError, PlumblineError, ProtocolError, SilentError
from plumbline.model.words import Intrusion
from plumbline.net.transport import DoorTransport
from tests.net.rigs import NOON, FakeClock, Handler, echo, lure, make_rig, open_door, rig_text
from tests.net.test_connection import Reader, Writer


class Library(asyncio.Protocol):
    """A protocol that notes what it is told."""

    def __init__(self) -> None:
        self.heard = b""
        self.lost: list[Exception | None] = []
        self.changed = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.heard += data
        self.changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.append(exc)
        self.changed.set()

    async def until(self, size: int) -> None:
        while len(self.heard) < size and not self.lost:
            self.changed.clear()
            await self.changed.wait()


@asynccontextmanager
async def carried(
    folder: Path, handler: Handler = echo, *, most: int = 1000, idle_s: float = 5.0
) -> AsyncIterator[tuple[DoorTransport, Library]]:
    async with lure(handler) as port:
        rig = make_rig(folder, rig_text(tcp=[port]))
        async with open_door(rig, folder) as door:
            connection = await door.connect("127.0.0.1", port, why="login", intrusion=Intrusion.SESSION, received_bytes=most)
            library = Library()
            transport = DoorTransport(connection, library, idle_s=idle_s)
            await connection.begin("first")
            transport.start()
            try:
                yield transport, library
            finally:
                await transport.wait_closed()


def lines(folder: Path) -> list[tuple[str, str, str, int, int]]:
    read = [json.loads(line) for line in (folder / "contacts.jsonl").read_text().splitlines()[1:]]
    return [tuple(line[name] for name in ("event", "outcome", "detail", "sent_bytes", "received_bytes")) for line in read]


async def test_bytes_pass_in_order_and_are_counted(tmp_path: Path) -> None:
    async with carried(tmp_path) as (transport, library):
        transport.writelines([b"one ", b"two "])
        transport.write(bytearray(b"three"))
        await library.until(13)
        assert transport.get_extra_info("peername")[0] == "127.0.0.1"
        transport.write(b" end")
    assert library.heard[:13] == b"one two three" and transport.is_closing()
    told = lines(tmp_path)
    assert [line[:3] for line in told] == [("connect", "ok", ""), ("request", "sent", "first"), ("received", "ok", "")]
    assert told[2][3] == 17  # the last bytes left too


async def test_a_flood_ends_at_its_own_limit(tmp_path: Path) -> None:
    async def flood(reader: Reader, writer: Writer) -> None:
        try:
            while True:
                writer.write(bytes(5000))
                await writer.drain()
        except ConnectionError:
            writer.close()

    async with carried(tmp_path, flood, most=20_000) as (transport, library):
        await library.until(1 << 30)
    assert len(library.heard) == 20_000
    assert isinstance(transport.failed, ProtocolError) and "more than 20000 bytes" in str(transport.failed)
    assert library.lost == [transport.failed]


@pytest.mark.parametrize(("idle_s", "kind"), [(0.05, SilentError), (5.0, None)], ids=["silence", "a clean close"])
async def test_endings_are_told(tmp_path: Path, idle_s: float, kind: type[PlumblineError] | None) -> None:
    done = asyncio.Event()

    async def greet(reader: Reader, writer: Writer) -> None:
        writer.write(b"hello")
        await writer.drain()
        if kind is not None:
            await done.wait()
        writer.close()

    async with carried(tmp_path, greet, idle_s=idle_s) as (transport, library):
        await library.until(1 << 30)
        transport.write(b"nobody hears this")
        done.set()
    assert library.heard == b"hello"
    assert [type(each) for each in library.lost] == [kind or type(None)] and isinstance(transport.failed, kind or type(None))


async def test_an_exchange_is_judged_when_it_begins(tmp_path: Path) -> None:
    clock = FakeClock()
    async with lure(echo) as port:
        rig = make_rig(tmp_path, rig_text(tcp=[port], valid_until="2026-11-20T12:00:01Z"))
        async with open_door(rig, tmp_path, clock=clock) as door:
            assert clock.now() == NOON
            connection = await door.connect("127.0.0.1", port, why="login", intrusion=Intrusion.SESSION)
            await connection.begin("uname")
            clock.pass_s(2)
            with pytest.raises(NotPermittedError) as refusal:
                await connection.begin("passwd")
            assert refusal.value.reason == "expired"
    assert [line[:3] for line in lines(tmp_path)[:2]] == [("connect", "ok", ""), ("request", "sent", "uname")]

"""Datagrams: every one an exchange, a closed port told as such, and nothing taken from strangers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from plumbline.model.errors import InternalError, NotPermittedError, ProtocolError, RefusedError, SilentError
from plumbline.model.words import Intrusion
from plumbline.net.caps import SHIPPED, Limits
from plumbline.net.datagram import DatagramLine
from plumbline.net.door import Door
from tests.net.rigs import FakeClock, make_rig, open_door, rig_text
from tests.net.test_connection import brief


class Responder(asyncio.DatagramProtocol):
    """Answers each datagram with whatever `answers` makes of it."""

    def __init__(self, answers: Callable[[bytes], list[bytes]]) -> None:
        self.answers = answers
        self.seen: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.seen.append(data)
        for answer in self.answers(data):
            self.transport.sendto(answer, addr)


@asynccontextmanager
async def udp_lure(answers: Callable[[bytes], list[bytes]]) -> AsyncIterator[tuple[int, Responder]]:
    loop = asyncio.get_running_loop()
    transport, responder = await loop.create_datagram_endpoint(lambda: Responder(answers), local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1], responder
    finally:
        transport.close()
        await asyncio.sleep(0)  # asyncio closes the socket in the next round


@asynccontextmanager
async def bench(folder: Path, port: int, *, limits: Limits = SHIPPED) -> AsyncIterator[Door]:
    async with open_door(make_rig(folder, rig_text(udp=[port])), folder, limits=limits, clock=FakeClock()) as door:
        yield door


async def line_to(door: Door, port: int) -> DatagramLine:
    return await door.datagrams("127.0.0.1", port, why="probe", intrusion=Intrusion.QUERY)


async def test_each_datagram_is_an_exchange(tmp_path: Path) -> None:
    async with udp_lure(lambda data: [data.upper()]) as (port, responder), bench(tmp_path, port) as door:
        async with await line_to(door, port) as line:
            assert door.exchanges == 0  # nothing is sent yet
            for word in (b"one", b"three"):
                await line.request(word)
                assert await line.receive() == word.upper()
        assert door.exchanges == 2
        assert responder.seen == [b"one", b"three"]
    assert brief(tmp_path)[:2] == [("datagram", "sent", 3, 0), ("received", "ok", 0, 3)]


async def test_an_empty_datagram_is_an_answer(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(1)
        port = server.getsockname()[1]
        async with bench(tmp_path, port) as door, await line_to(door, port) as line:
            await line.request(b"")
            data, peer = server.recvfrom(10)
            server.sendto(b"", peer)
            assert data == b""
            assert await line.receive() == b""


async def test_a_closed_port(tmp_path: Path) -> None:
    async with udp_lure(lambda _: []) as (port, _):
        pass
    async with bench(tmp_path, port) as door, await line_to(door, port) as line:
        await line.request(b"hi")
        with pytest.raises(RefusedError, match="Connection refused"):
            await line.receive()
        await line.request(b"again")
        await asyncio.sleep(0)
        with pytest.raises(RefusedError):  # before it is sent: the kernel would swallow it
            await line.request(b"and again")
        assert door.exchanges == 2


async def test_silence(tmp_path: Path) -> None:
    async with udp_lure(lambda _: []) as (port, _), bench(tmp_path, port) as door, await line_to(door, port) as line:
        await line.request(b"hi")
        with pytest.raises(SilentError, match="no answer within"):
            await line.receive(timeout_s=0.02)
    assert brief(tmp_path)[-1] == ("received", "timeout", 0, 0)


async def test_strangers_are_not_heard(tmp_path: Path) -> None:
    async with udp_lure(lambda _: []) as (port, _), bench(tmp_path, port) as door, await line_to(door, port) as line:
        await line.request(b"hi")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"forged", line.local)
        with pytest.raises(SilentError):
            await line.receive(timeout_s=0.02)


async def test_a_flood_is_cut_off(tmp_path: Path) -> None:
    limits = Limits(received_bytes=5000)
    async with udp_lure(lambda _: [b"x" * 1000] * 9) as (port, _), bench(tmp_path, port, limits=limits) as door:
        line = await line_to(door, port)
        await line.request(b"hi")
        with pytest.raises(ProtocolError, match="more than 5000 bytes"):
            while True:
                await line.receive()


async def test_one_request_outstanding_on_ot(tmp_path: Path) -> None:
    async with udp_lure(lambda data: [data]) as (port, _), bench(tmp_path, port) as door:
        door.mark_ot("127.0.0.1")
        line = await line_to(door, port)
        await line.request(b"one")
        with pytest.raises(InternalError, match="one is outstanding"):
            await line.request(b"two")
        await line.receive()
        await line.request(b"two")


async def test_lines_take_places(tmp_path: Path) -> None:
    async with udp_lure(lambda data: [data]) as (port, _), bench(tmp_path, port) as door:
        first, second = await line_to(door, port), await line_to(door, port)
        third = asyncio.create_task(line_to(door, port))
        await asyncio.sleep(0.01)
        assert not third.done()
        await first.close()
        await first.close()
        await (await third).close()
        await second.close()
        assert door._gate.caps.device("127.0.0.1").slots.held == 0


@pytest.mark.parametrize("address", ["224.0.0.251", "255.255.255.255", "127.0.255.255", "0.0.0.0", "ff02::fb", "cam.local"])
async def test_no_device_stands_there(tmp_path: Path, address: str) -> None:
    async with bench(tmp_path, 5353) as door:
        with pytest.raises(NotPermittedError):
            await door.datagrams(address, 5353, why="probe", intrusion=Intrusion.QUERY)

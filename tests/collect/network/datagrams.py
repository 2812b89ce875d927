"""UDP servers of the tests: they answer each datagram by a function, and remember what they were asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

Answer = Callable[[bytes], Iterable[bytes]]


@dataclass
class Responder(asyncio.DatagramProtocol):
    """Answers as `answer` says; `heard` are the requests."""

    answer: Answer
    heard: list[bytes] = field(default_factory=list)
    port: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, count: int) -> None:
        """Wait until so many datagrams have come."""
        async with asyncio.timeout(10):
            while len(self.heard) < count:
                self.arrived.clear()
                await self.arrived.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.append(data)
        self.arrived.set()
        for one in self.answer(data):
            self.transport.sendto(one, addr)


@asynccontextmanager
async def responder(answer: Answer, address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Responder]:
    """A UDP server for as long as the block lasts."""
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Responder(answer), local_addr=(address, port))
    protocol.port = transport.get_extra_info("sockname")[1]
    try:
        yield protocol
    finally:
        transport.close()

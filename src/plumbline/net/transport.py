"""A connection of the door as an asyncio transport: for a library that brings its own protocol, as SSH logins do. It opens nothing.

The library never sees a socket: what it writes leaves by `Connection.send`, what it reads has come through `Connection.receive`, with the
caps, the deadlines and the log of any other connection. Each exchange is begun by the caller, with `Connection.begin`.

Rules: bytes are written in order by one task and read by another; whatever ends either ends the transport, and `failed` says what it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from plumbline.model.errors import PlumblineError
from plumbline.net.connection import Connection

FAREWELL_S = 3.0  # for what the library says last


class DoorTransport(asyncio.Transport):
    """The transport of one connection; `idle_s` is the longest silence that it bears."""

    def __init__(self, connection: Connection, protocol: asyncio.Protocol, *, idle_s: float) -> None:
        super().__init__({"peername": connection.remote, "sockname": connection.local})
        self.failed: PlumblineError | None = None
        self._connection = connection
        self._protocol = protocol
        self._idle_s = idle_s
        self._closing = False
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue()  # None: nothing more will be written
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Give the transport to the protocol and begin to carry bytes."""
        self._protocol.connection_made(self)
        self._tasks = [asyncio.ensure_future(self._carry_in()), asyncio.ensure_future(self._carry_out())]

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes in their turn; after `close` they are dropped."""
        if not self._closing:
            self._waiting.put_nowait(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send several pieces."""
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """Take no more bytes; those that wait still leave."""
        if not self._closing:
            self._closing = True
            self._waiting.put_nowait(None)

    def abort(self) -> None:
        """As `close`: the connection itself is closed cleanly, by `wait_closed`."""
        self.close()

    def is_closing(self) -> bool:
        """Whether `close` was called."""
        return self._closing

    def get_protocol(self) -> Any:
        """The library's protocol."""
        return self._protocol

    async def wait_closed(self) -> None:
        """Let the last bytes leave, end both tasks and close the connection."""
        self.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*self._tasks[1:]), FAREWELL_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._connection.close()

    async def _carry_in(self) -> None:
        try:
            while data := await self._connection.receive(timeout_s=self._idle_s):
                self._protocol.data_received(data)
        except PlumblineError as error:
            self._end(error)
        else:
            self._end(None)

    async def _carry_out(self) -> None:
        try:
            while (data := await self._waiting.get()) is not None:
                await self._connection.send(data)
        except PlumblineError as error:
            self._end(error)

    def _end(self, error: PlumblineError | None) -> None:
        self.failed = self.failed or error
        self.close()
        self._protocol.connection_lost(error)

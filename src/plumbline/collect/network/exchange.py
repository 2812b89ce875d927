"""Waiting for a whole message: read from the door, feed the codec, until it gives what was waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from plumbline.model.errors import HungUpError, SilentError
from plumbline.net.connection import Connection

EventT = TypeVar("EventT")

ANSWER_S = 5.0


class Decoder(Protocol):
    """What every stream codec offers."""

    def feed(self, data: bytes) -> list[Any]:
        """Take bytes, give events."""
        ...

    def end(self) -> list[Any]:
        """Take the end of the stream, give the last events."""
        ...


async def receive_event(
    connection: Connection,
    decoder: Decoder,
    wanted: Callable[[Any], EventT | None],
    *,
    kept: bytearray | None = None,
    timeout_s: float = ANSWER_S,
) -> EventT:
    """Read until `wanted` picks an event; what came over the wire is added to `kept`.

    Raises SilentError after `timeout_s` in all, HungUpError when the device closes first, ProtocolError from the codec, and what
    `Connection.receive` raises.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while True:
        left = deadline - loop.time()
        if left <= 0:
            raise SilentError(f"no whole answer within {timeout_s:g} s")
        data = await connection.receive(timeout_s=left)
        if kept is not None:
            kept += data
        for event in decoder.feed(data) if data else decoder.end():
            picked = wanted(event)
            if picked is not None:
                return picked
        if not data:
            raise HungUpError("closed the connection before the answer was whole")


def of_type(kind: type[EventT]) -> Callable[[Any], EventT | None]:
    """Pick the first event of a type."""
    return lambda event: event if isinstance(event, kind) else None

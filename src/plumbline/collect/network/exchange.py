"""Waiting for a whole message: read from the door, feed the codec, until it gives what was waited for.

What comes in one piece with it is kept for the next wait: small servers send their greeting and their first message in one segment.
"""

from __future__ import annotations

import asyncio
from collections import deque
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


class Reading:
    """A codec at work on one connection, and the events that nobody has taken yet."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._events: deque[Any] = deque()

    def feed(self, data: bytes) -> list[Any]:
        """Take bytes; give all events that wait, in order, and those that the bytes complete. Raises ProtocolError."""
        fed = self._decoder.feed(data)
        waiting = [*self._events, *fed]
        self._events.clear()
        return waiting

    def end(self) -> list[Any]:
        """Take the end of the stream; give the last events. Raises ProtocolError."""
        return self._decoder.end()

    def pick(self, events: list[Any], wanted: Callable[[Any], EventT | None]) -> EventT | None:
        """Give what `wanted` picks first; the events after it wait."""
        for number, event in enumerate(events):
            picked = wanted(event)
            if picked is not None:
                self._events.extend(events[number + 1 :])
                return picked
        return None


async def receive_event(
    connection: Connection,
    reading: Reading,
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
    data = b""
    while (picked := reading.pick(reading.feed(data), wanted)) is None:  # first what waits, or the error that the codec owes
        left = deadline - loop.time()
        if left <= 0:
            raise SilentError(f"no whole answer within {timeout_s:g} s")
        data = await connection.receive(timeout_s=left)
        if kept is not None:
            kept += data
        if not data:
            picked = reading.pick(reading.end(), wanted)
            if picked is None:
                raise HungUpError("closed the connection before the answer was whole")
            break
    return picked


def of_type(kind: type[EventT]) -> Callable[[Any], EventT | None]:
    """Pick the first event of a type."""
    return lambda event: event if isinstance(event, kind) else None

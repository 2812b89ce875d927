"""The shape of every stream decoder whose messages say their own length; a protocol adds two methods.

Rules that hold for each of them:

- The same bytes give the same events however they are split, errors included: what was whole before the fault comes
  out first, the error comes with the next call (at once, when the call has nothing else to give), and again with each
  call after it.
- No more is kept than the largest message that the protocol's decoder allows, because the announced length is judged
  as soon as it is read. What a decoder does not look at (others' payloads, law 8) is counted and dropped, not kept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

from plumbline.model.errors import ProtocolError

EventT = TypeVar("EventT")


@dataclass(frozen=True, slots=True)
class Extent:
    """A message's size in bytes: `total` on the wire, of which the first `held` are needed to decode it."""

    held: int
    total: int


class StreamDecoder(ABC, Generic[EventT]):
    """Turns a byte stream into events; subclasses say how long a message is and what it means."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._event: EventT | None = None  # decoded; comes out once the bytes dropped behind it have passed
        self._to_drop = 0
        self._error: ProtocolError | None = None

    @abstractmethod
    def _measure(self, buffer: bytearray) -> Extent | None:
        """Say how long the message at the start of `buffer` is, None when its header is not whole; raises ProtocolError."""

    @abstractmethod
    def _decode(self, message: bytes, total: int) -> EventT | None:
        """Decode the held bytes of one message of `total` bytes; None for no event yet; raises ProtocolError."""

    def feed(self, data: bytes) -> list[EventT]:
        """Take more bytes and return the events that they complete; raises ProtocolError."""
        if self._error is not None:
            raise self._error
        events: list[EventT] = []
        self._buffer += data
        try:
            while self._advance(events):
                pass
        except ProtocolError as error:
            self._buffer.clear()
            self._error = error
            if not events:
                raise
        return events

    def end(self) -> list[EventT]:
        """Say that the peer closed; raises ProtocolError when that cut a message, or when an error is still owed."""
        if self._error is not None:
            raise self._error
        if self._buffer or self._to_drop:
            raise ProtocolError(f"the stream ends inside a message, {len(self._buffer)} bytes into what is kept of it")
        return []

    def _advance(self, events: list[EventT]) -> bool:
        """Take one step; False when more bytes are needed."""
        if self._to_drop:
            dropped = min(self._to_drop, len(self._buffer))
            del self._buffer[:dropped]
            self._to_drop -= dropped
            if self._to_drop:
                return False
        if self._event is not None:
            events.append(self._event)
            self._event = None
        if not self._buffer:
            return False
        extent = self._measure(self._buffer)
        if extent is None or len(self._buffer) < extent.held:
            return False
        message = bytes(self._buffer[: extent.held])
        del self._buffer[: extent.held]
        self._event = self._decode(message, extent.total)
        self._to_drop = extent.total - extent.held
        return True

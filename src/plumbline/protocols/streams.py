"""How a stream decoder that works in steps gives its events and its error, so that neither depends on how the bytes were cut.

What was whole before a fault comes out first; the error comes with the next call, or at once when the call has nothing
else to give, and again with every call after it. `framing` builds the same upon messages that say their own length.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from plumbline.model.errors import ProtocolError

EventT = TypeVar("EventT")


class EventStream(ABC, Generic[EventT]):
    """Base of a stream decoder: a subclass takes bytes and appends to `_events`."""

    __slots__ = ("_error", "_events")

    def __init__(self) -> None:
        self._events: list[EventT] = []
        self._error: ProtocolError | None = None

    @abstractmethod
    def _take(self, data: bytes) -> None:
        """Take more bytes; raises ProtocolError at the first broken rule."""

    @abstractmethod
    def _finish(self) -> None:
        """Take the end of the stream; raises ProtocolError when a message is cut."""

    def feed(self, data: bytes) -> list[EventT]:
        """Take any part of the stream and return the events that it completes; raises ProtocolError."""
        return self._run(data)

    def end(self) -> list[EventT]:
        """Take the end of the stream and return the last events; raises ProtocolError when a message is cut."""
        return self._run(None)

    def _run(self, data: bytes | None) -> list[EventT]:
        if self._error is None:
            try:
                if data is None:
                    self._finish()
                else:
                    self._take(data)
            except ProtocolError as error:
                self._error = error
        if self._error is not None and not self._events:
            raise self._error
        events, self._events = self._events, []
        return events

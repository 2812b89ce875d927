"""One direction of a TCP connection, put back in order (RFC 9293 3.4, 3.10.7.4). It does not know what the bytes mean.

Rules:
- Bytes come out once, in order. What was sent twice counts once; of two versions the first one seen counts.
- What arrived early waits, up to hard caps for one direction and for all together. Past a cap the hole before it is taken for
  packets that the capture lacks: `gap` is set, None comes out in place of the missing bytes, and reading goes on behind it.
- A direction that nobody reads any more keeps numbers only, no bytes: gaps are still found.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

FIN, SYN, RST, ACK = 1, 2, 4, 16
MAX_WAITING = 256  # segments of one direction that wait for one that came late
MAX_WAITING_BYTES = 1 << 20  # a window is rarely larger
MAX_WAITING_BYTES_IN_ALL = 32 << 20
WAITING_COST = 400  # bytes of memory that a segment takes while it waits, besides its data
_SPACE = 1 << 32
_HALF = 1 << 31


class Place(NamedTuple):
    """Where in the capture something was: frame number from 1, offset of its record in the file, time (ns since 1970)."""

    frame: int
    offset: int
    time_ns: int


Chunk = tuple[bytes | None, Place]
"""Bytes in order with the place that completed them; None stands for bytes that the capture lacks."""


@dataclass(slots=True)
class Allowance:
    """Bytes that wait in all directions together, with what holding them costs."""

    waiting_bytes: int = 0


class _Waiting(NamedTuple):
    number: int  # bytes since the direction's start; never wraps, so it can be sorted
    size: int
    data: bytes | None
    place: Place


class Stream:
    """State of one direction; `next_seq` is None before its first segment, `read` counts the bytes put in order."""

    __slots__ = ("ack", "first_seq", "gap", "late", "next_seq", "read", "waiting", "waiting_bytes")

    def __init__(self) -> None:
        self.first_seq: int | None = None
        self.next_seq: int | None = None
        self.ack: int | None = None  # what this side says that it received
        self.late = False  # joined in the middle: the bytes before the first segment are missing
        self.gap = False  # bytes are missing in between
        self.read = 0
        self.waiting: list[_Waiting] | None = None
        self.waiting_bytes = 0

    def open(self, seq: int, *, syn: bool) -> None:
        """Begin at the first segment seen."""
        self.first_seq = seq
        self.next_seq = (seq + syn) % _SPACE
        self.late = not syn

    def accept(self, seq: int, size: int, data: bytes | None, place: Place, allowance: Allowance) -> Sequence[Chunk]:
        """Take a segment of `size` bytes and return what is now in order.

        `data` is None when nobody reads, and shorter than `size` when the capture cut the packet.
        """
        assert self.next_seq is not None
        ahead = (seq - self.next_seq) % _SPACE
        if ahead >= _HALF:  # from before: sent again, or partly
            known = _SPACE - ahead
            if known >= size:
                return ()
            seq, size, ahead = self.next_seq, size - known, 0
            data = None if data is None else data[known:]
        if ahead:
            return self._wait(_Waiting(self.read + ahead, size, data, place), allowance)
        chunks = self._take(size, data, place)
        return [*chunks, *self._drain(allowance)] if self.waiting else chunks

    def finish(self, allowance: Allowance) -> Sequence[Chunk]:
        """Take the end of the capture: what still waits comes out behind its gap."""
        chunks: list[Chunk] = []
        while self.waiting:
            chunks += self._skip(allowance)
        return chunks

    def missing(self, acknowledged: int | None) -> bool:
        """Say whether the other side acknowledged bytes of this one that were never seen; one past the end is a FIN's."""
        if acknowledged is None or self.next_seq is None:
            return False
        return 1 < (acknowledged - self.next_seq) % _SPACE < _HALF

    def _take(self, size: int, data: bytes | None, place: Place) -> list[Chunk]:
        assert self.next_seq is not None
        self.next_seq = (self.next_seq + size) % _SPACE
        self.read += size
        if data is None:
            return []
        if len(data) >= size:
            return [(data[:size], place)] if size else []
        self.gap = True
        return [(data, place), (None, place)]

    def _wait(self, segment: _Waiting, allowance: Allowance) -> Sequence[Chunk]:
        if self.waiting is None:
            self.waiting = []
        if any(one.number == segment.number and one.size >= segment.size for one in self.waiting):
            return ()
        insort(self.waiting, segment, key=lambda one: one.number)
        held = len(segment.data or b"") + WAITING_COST
        self.waiting_bytes += held
        allowance.waiting_bytes += held
        full = len(self.waiting) > MAX_WAITING or self.waiting_bytes > MAX_WAITING_BYTES
        return self._skip(allowance) if full or allowance.waiting_bytes > MAX_WAITING_BYTES_IN_ALL else ()

    def _skip(self, allowance: Allowance) -> list[Chunk]:
        """Give up the hole before the first segment that waits."""
        assert self.waiting
        assert self.next_seq is not None
        self.gap = True
        first = self.waiting[0]
        self.next_seq = (self.next_seq + first.number - self.read) % _SPACE
        self.read = first.number
        return [(None, first.place), *self._drain(allowance)]

    def _drain(self, allowance: Allowance) -> list[Chunk]:
        chunks: list[Chunk] = []
        taken = 0
        assert self.waiting is not None
        for segment in self.waiting:
            if segment.number > self.read:
                break
            taken += 1
            held = len(segment.data or b"") + WAITING_COST
            self.waiting_bytes -= held
            allowance.waiting_bytes -= held
            known = self.read - segment.number
            if segment.size > known:
                chunks += self._take(segment.size - known, None if segment.data is None else segment.data[known:], segment.place)
        del self.waiting[:taken]
        return chunks

"""Bytes that are read at any place: of a supplied file, of a part of one, or of what was decompressed out of one.

Not a stream: nothing has a position. Rules: what is not there is a ProtocolError; everything that is decompressed or copied is paid from
one budget for the whole image, so that time and room are bounded however often things lie inside each other; what was decompressed waits
in one scratch file without a name, however many pieces there are.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from plumbline.model.errors import ProtocolError

BUDGET_BYTES = 4 << 30  # of one image, decompressed and copied in all; those of devices hold a twentieth of it
MEMORY_MAX = 64 << 20  # what was decompressed beyond it waits in the scratch folder
SCRATCH_MAX = 3 << 30
PIECE = 1 << 20  # the most that is decompressed or read at once
RUNS_MAX = 1 << 20
FILL_SEEN = 4096  # bytes of what is nothing but fill that are looked at; longer than any fill
SIZE_MAX = 1 << 62
_ZEROS = bytes(PIECE)


class UnsupportedImageError(ProtocolError):
    """Understood as what it is, but not handled."""


class BudgetSpentError(ProtocolError):
    """More would have to be decompressed than any real image needs."""


class Budget:
    """What may still be decompressed and copied for one image; `scratch` is the folder in which large pieces wait."""

    def __init__(self, size: int = BUDGET_BYTES, scratch: Path | None = None) -> None:
        self._left = self._size = size
        self._scratch = scratch
        self._spool: BinaryIO | None = None
        self._kept = 0

    def pay(self, size: int) -> None:
        """Take some bytes off; raises BudgetSpentError when there are not as many."""
        self._left -= size
        if self._left < 0:
            raise BudgetSpentError(f"more than {self._size >> 20} MB when decompressed, which no real image is")

    def keep(self, pieces: Iterable[bytes]) -> Source:
        """Lay pieces into the scratch file, each paid for, and give them as one source; making a piece may not keep others."""
        if self._spool is None:
            folder = None if self._scratch is None else str(self._scratch)
            spool = tempfile.SpooledTemporaryFile(MEMORY_MAX, dir=folder)  # noqa: SIM115 - it lives as long as the budget
            self._spool = cast(BinaryIO, spool)
        start = self._kept
        for piece in pieces:
            self.pay(len(piece))
            if self._kept + len(piece) > SCRATCH_MAX:
                raise BudgetSpentError(f"more than {SCRATCH_MAX >> 20} MB to be kept, which no real image needs")
            self._spool.seek(self._kept)
            self._spool.write(piece)
            self._kept += len(piece)
        return Source(_Stream(self._spool), start, self._kept - start, None)


class _Bytes(Protocol):
    def at(self, offset: int, size: int) -> bytes:
        """Give bytes that are known to be there."""
        ...


@dataclass(frozen=True, slots=True)
class _Stream:
    stream: BinaryIO

    def at(self, offset: int, size: int) -> bytes:
        self.stream.seek(offset)
        return self.stream.read(size)


@dataclass(frozen=True, slots=True)
class Run:
    """Some bytes of a source that is put together: those of `source` from `offset` on, or `fill` over and over where nothing is stored."""

    size: int
    source: Source | None = None
    offset: int = 0
    fill: bytes = b"\0"


@dataclass(frozen=True, slots=True)
class _Runs:
    runs: Sequence[Run]
    starts: Sequence[int]

    def at(self, offset: int, size: int) -> bytes:
        pieces: list[bytes] = []
        number = bisect_right(self.starts, offset) - 1
        while size > 0 and number < len(self.runs):
            run, within = self.runs[number], offset - self.starts[number]
            here = min(size, run.size - within)
            if run.source is None:
                pieces.append((run.fill * (here // len(run.fill) + 2))[within % len(run.fill) :][:here])
            else:
                pieces.append(run.source.read(run.offset + within, here))
            offset, size, number = offset + here, size - here, number + 1
        return b"".join(pieces)

    def unstored(self, offset: int, size: int) -> int:
        """Tell how many of `size` bytes from an offset on are fill."""
        number = bisect_right(self.starts, offset) - 1
        if not size or number >= len(self.runs):
            return 0
        run, within = self.runs[number], offset - self.starts[number]
        left = min(size, run.size - within)
        return left if run.source is None else min(left, run.source.unstored(run.offset + within))


class Source:
    """Some bytes: `size` of them, at `place` in the supplied file (None: they stand in no file, or not in one piece)."""

    def __init__(self, stored: _Bytes, start: int, size: int, place: int | None) -> None:
        self._stored = stored
        self._start = start
        self.size = size
        self.place = place

    @classmethod
    def of_file(cls, stream: BinaryIO) -> Source:
        """The whole of an open file."""
        return cls(_Stream(stream), 0, stream.seek(0, 2), 0)

    @classmethod
    def of_bytes(cls, data: bytes) -> Source:
        """Some bytes that stand in no file."""
        return cls(_Stream(BytesIO(data)), 0, len(data), None)

    @classmethod
    def of_pieces(cls, pieces: Iterable[bytes], budget: Budget) -> Source:
        """What a decompressor gives, piece by piece; each piece is paid from the budget."""
        return budget.keep(pieces)

    @classmethod
    def of_runs(cls, runs: Iterable[Run]) -> Source:
        """What stands in several places, put together without a copy; raises ProtocolError for more than can be, or is there."""
        joined: list[Run] = []
        for run in runs:
            last = joined[-1] if joined else None
            if not run.size:
                continue
            if run.source is not None and not 0 <= run.offset <= run.source.size - run.size:
                raise ProtocolError(f"{run.size} bytes at {run.offset} in {run.source.size} bytes")
            if last is not None and last.source is run.source and run.source is not None and last.offset + last.size == run.offset:
                joined[-1] = Run(last.size + run.size, run.source, last.offset)
            elif last is not None and last.source is None and run.source is None and last.fill == run.fill and len(run.fill) == 1:
                joined[-1] = Run(last.size + run.size, fill=run.fill)
            else:
                joined.append(run)
            if len(joined) > RUNS_MAX:
                raise ProtocolError(f"in more than {RUNS_MAX} pieces")
        starts = list(accumulate((run.size for run in joined), initial=0))
        if starts[-1] > SIZE_MAX:
            raise ProtocolError(f"{starts[-1]} bytes, which no image has")
        if len(joined) == 1 and (source := joined[0].source) is not None:
            return source.slice(joined[0].offset, joined[0].size)
        return cls(_Runs(joined, starts[:-1]), 0, starts[-1], None)

    def read(self, offset: int, size: int) -> bytes:
        """Give exactly `size` bytes; raises ProtocolError when they are not all there."""
        data = self.some(offset, size)
        if len(data) < size:
            raise ProtocolError(f"ends within {size} bytes", offset=None if self.place is None else self.place + offset)
        return data

    def some(self, offset: int, size: int) -> bytes:
        """Give at most `size` bytes: fewer where the source ends, none beyond."""
        if offset < 0 or size < 0:
            raise ProtocolError(f"{size} bytes at offset {offset}")
        here = min(size, self.size - offset)
        return self._stored.at(self._start + offset, here) if here > 0 else b""

    def slice(self, offset: int, size: int | None = None) -> Source:
        """Give a part of it; raises ProtocolError when it does not lie inside."""
        length = self.size - offset if size is None else size
        if offset < 0 or length < 0 or offset + length > self.size:
            raise ProtocolError(f"a part of {length} bytes at {offset} in {self.size} bytes")
        return Source(self._stored, self._start + offset, length, None if self.place is None else self.place + offset)

    def unstored(self, offset: int) -> int:
        """Tell how many bytes from an offset on are stored nowhere, but the same few over and over; 0 where some are stored."""
        return self._stored.unstored(self._start + offset, max(0, self.size - offset)) if isinstance(self._stored, _Runs) else 0

    def is_blank(self) -> bool:
        """Tell whether it holds nothing but the fill of a disk and of erased flash."""
        at = 0
        while at < self.size:
            fill = self.unstored(at)
            block = self.some(at, min(fill, FILL_SEEN) if fill else PIECE)
            if not _ZEROS.startswith(block) and block.strip(b"\0\xff"):
                return False
            at += fill or len(block)
        return True

    def blocks(self, size: int = PIECE) -> Iterator[bytes]:
        """Give all bytes, block by block."""
        return (self.some(offset, size) for offset in range(0, self.size, size))

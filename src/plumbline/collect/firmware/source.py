"""Bytes that are read at any place: of a supplied file, of a part of one, or of what was decompressed out of one.

Not a stream: nothing has a position. Rules: what is not there is a ProtocolError; everything that is decompressed or copied is paid from
one budget for the whole image, so that time and room are bounded however often things lie inside each other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from plumbline.model.errors import ProtocolError

BUDGET_BYTES = 4 << 30  # of one image, decompressed and copied in all; those of devices hold a twentieth of it
MEMORY_MAX = 8 << 20  # what was decompressed and is larger waits in the scratch folder


class UnsupportedImageError(ProtocolError):
    """Understood as what it is, but not handled."""


class BudgetSpentError(ProtocolError):
    """More would have to be decompressed than any real image needs."""


class Budget:
    """What may still be decompressed and copied for one image; `scratch` is where large pieces wait, without a name."""

    def __init__(self, size: int = BUDGET_BYTES, scratch: Path | None = None) -> None:
        self._left = self._size = size
        self.scratch = scratch

    def pay(self, size: int) -> None:
        """Take some bytes off; raises BudgetSpentError when there are not as many."""
        self._left -= size
        if self._left < 0:
            raise BudgetSpentError(f"more than {self._size >> 30} GB when decompressed, which no real image is")


class Source:
    """Some bytes: `size` of them, at `place` in the supplied file (None: they stand in no file, but came out of a decompressor)."""

    def __init__(self, stream: BinaryIO, start: int, size: int, place: int | None) -> None:
        self._stream = stream
        self._start = start
        self.size = size
        self.place = place

    @classmethod
    def of_file(cls, stream: BinaryIO) -> Source:
        """The whole of an open file."""
        return cls(stream, 0, stream.seek(0, 2), 0)

    @classmethod
    def of_pieces(cls, pieces: Iterable[bytes], budget: Budget) -> Source:
        """What a decompressor gives, piece by piece; each piece is paid from the budget."""
        spool = tempfile.SpooledTemporaryFile(MEMORY_MAX, dir=None if budget.scratch is None else str(budget.scratch))  # noqa: SIM115 - it lives as long as the source
        size = 0
        for piece in pieces:
            budget.pay(len(piece))
            spool.write(piece)
            size += len(piece)
        return cls(spool, 0, size, None)  # type: ignore[arg-type] # a SpooledTemporaryFile is a binary stream in all but name

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
        here = max(0, min(size, self.size - offset))
        if not here:
            return b""
        self._stream.seek(self._start + offset)
        return self._stream.read(here)

    def slice(self, offset: int, size: int | None = None) -> Source:
        """Give a part of it; raises ProtocolError when it does not lie inside."""
        length = self.size - offset if size is None else size
        if offset < 0 or length < 0 or offset + length > self.size:
            raise ProtocolError(f"a part of {length} bytes at {offset} in {self.size} bytes")
        return Source(self._stream, self._start + offset, length, None if self.place is None else self.place + offset)

    def blocks(self, size: int = 1 << 20) -> Iterable[bytes]:
        """Give all bytes, block by block."""
        return (self.some(offset, size) for offset in range(0, self.size, size))

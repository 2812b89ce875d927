"""A cursor over the bytes of one binary message, for codecs whose fields have lengths before them.

It checks every length before it takes anything, so that a codec built on it cannot read past the end. It knows no
protocol; numbers are big-endian, as in every standard that the codecs using it decode.
"""

from __future__ import annotations

from plumbline.model.errors import ProtocolError


class Cursor:
    """Reads fields in order; each read raises ProtocolError when the message is too short. `what` names it in messages."""

    __slots__ = ("_at", "_data", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._what = what
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """Read `size` bytes."""
        if size > self.left:
            raise ProtocolError(f"{self._what}: {size} bytes wanted, {self.left} left", offset=self._at)
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, width: int) -> int:
        """Read an unsigned number of `width` bytes."""
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int, *, at_most: int | None = None) -> bytes:
        """Read a length of `width` bytes, then as many bytes; `at_most` is the standard's limit in bytes."""
        size = self.number(width)
        if at_most is not None and size > at_most:
            raise ProtocolError(f"{self._what}: length {size} is over {at_most}", offset=self._at)
        return self.take(size)

    def rest(self) -> bytes:
        """Read all that is left."""
        return self.take(self.left)

    def expect_end(self) -> None:
        """Raise ProtocolError when bytes are left over."""
        if self.left:
            raise ProtocolError(f"{self._what}: {self.left} bytes left over", offset=self._at)

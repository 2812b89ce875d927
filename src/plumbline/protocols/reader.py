"""A reading position in bytes that someone else wrote: every read is checked before it is made (law 7).

It knows numbers of both byte orders and byte strings, no protocol. A read past the end raises ProtocolError and names
the offset; offsets count from the start of the data that the first reader was given, also in readers of its parts, so
they point into the whole message. (`cursor` is its smaller relative for big-endian formats without parts.)
"""

from __future__ import annotations

from plumbline.model.errors import ProtocolError


class Reader:
    """Reads forward through `data` from `offset` up to `end` (both in bytes; default: all of it)."""

    __slots__ = ("data", "end", "offset")

    def __init__(self, data: bytes, offset: int = 0, end: int | None = None) -> None:
        self.data = data
        self.offset = offset
        self.end = len(data) if end is None else min(end, len(data))

    @property
    def remaining(self) -> int:
        """Bytes left to read."""
        return self.end - self.offset

    def take(self, size: int, what: str = "field") -> bytes:
        """Read `size` bytes; raises ProtocolError when fewer are left or the size is negative."""
        start = self.offset
        self._step(size, what)
        return self.data[start : self.offset]

    def part(self, size: int, what: str = "part") -> Reader:
        """Step over `size` bytes and return a reader that sees only those."""
        start = self.offset
        self._step(size, what)
        return Reader(self.data, start, self.offset)

    def rest(self) -> bytes:
        """Read all that is left."""
        return self.take(self.remaining)

    def u8(self, what: str = "byte") -> int:
        """Read one byte."""
        self._step(1, what)
        return self.data[self.offset - 1]

    def u16(self, what: str = "16-bit number") -> int:
        """Read two bytes, most significant first."""
        return int.from_bytes(self.take(2, what), "big")

    def u32(self, what: str = "32-bit number") -> int:
        """Read four bytes, most significant first."""
        return int.from_bytes(self.take(4, what), "big")

    def u16_le(self, what: str = "16-bit number") -> int:
        """Read two bytes, least significant first."""
        return int.from_bytes(self.take(2, what), "little")

    def u32_le(self, what: str = "32-bit number") -> int:
        """Read four bytes, least significant first."""
        return int.from_bytes(self.take(4, what), "little")

    def i32_le(self, what: str = "32-bit number") -> int:
        """Read four bytes, least significant first, two's complement."""
        return int.from_bytes(self.take(4, what), "little", signed=True)

    def finish(self, what: str) -> None:
        """Raise ProtocolError when bytes are left over."""
        if self.remaining:
            raise ProtocolError(f"{what}: {self.remaining} bytes left over", offset=self.offset)

    def _step(self, size: int, what: str) -> None:
        if size < 0 or size > self.remaining:
            raise ProtocolError(f"{what}: {size} bytes wanted, {self.remaining} left", offset=self.offset)
        self.offset += size

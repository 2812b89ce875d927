"""A buffer for protocols that speak in lines: CRLF by their standards, a bare LF by their devices' habit.

It knows no protocol. A line over the cap is a ProtocolError, however the bytes were cut.
"""

from __future__ import annotations

from plumbline.model.errors import ProtocolError


class LineBuffer:
    """Holds what arrived until a line or a counted part is whole; `max_line` is in bytes, without the LF."""

    __slots__ = ("_data", "_max_line", "_searched")

    def __init__(self, max_line: int) -> None:
        self._data = bytearray()
        self._max_line = max_line
        self._searched = 0

    def __len__(self) -> int:
        return len(self._data)

    def append(self, data: bytes) -> None:
        """Add what arrived."""
        self._data += data

    def line(self) -> bytes | None:
        """Take the next line without its CRLF or LF, or None when it is not whole; raises ProtocolError over the cap."""
        at = self._data.find(b"\n", self._searched)
        size = len(self._data) if at < 0 else at
        if size > self._max_line:
            raise ProtocolError(f"a line is longer than {self._max_line} bytes")
        if at < 0:
            self._searched = size
            return None
        line = self.take(at + 1)[:-1]
        return line[:-1] if line.endswith(b"\r") else line

    def peek(self, at_most: int) -> bytes:
        """Give up to `at_most` bytes and leave them."""
        return bytes(self._data[:at_most])

    def take(self, at_most: int) -> bytes:
        """Take up to `at_most` bytes as they are."""
        part = bytes(self._data[:at_most])
        del self._data[:at_most]
        self._searched = 0
        return part

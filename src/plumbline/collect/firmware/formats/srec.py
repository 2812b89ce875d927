"""Motorola S-records: bytes at addresses as lines of text, each with a checksum.

Rules: every line is checked, and the count of lines where the file tells it; a file that ends with neither that nor a start address is cut
off.

| line (Motorola M68000 Family Programmer's Reference Manual, appendix C) | |
|---|---|
| `S` | |
| T | 0 header; 1, 2, 3 data at 16, 24, 32 bits; 5, 6 count of data lines; 9, 8, 7 end, with the start address |
| LL | count of bytes that follow |
| AAAA to AAAAAAAA | address |
| DD... | data |
| CC | complement of the sum of all bytes before it |
"""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.collect.firmware.addresses import begins_with_lines, lines, open_records
from plumbline.collect.firmware.format import Format, Opened
from plumbline.collect.firmware.said import text_of
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

LINE_MAX = 4 + 2 * 255
_WIDTHS = {0: 2, 1: 2, 2: 3, 3: 4, 5: 2, 6: 3, 7: 4, 8: 3, 9: 2}


def _record(line: bytes, offset: int) -> tuple[int, int, bytes]:
    """Read one line; gives type, address and data."""
    kind = line[1] - 0x30 if len(line) > 1 and line.startswith(b"S") else -1
    try:
        raw = bytes.fromhex(line[2:].decode("ascii")) if kind in _WIDTHS and len(line) <= LINE_MAX and b" " not in line else b""
    except (ValueError, UnicodeDecodeError):
        raw = b""
    width = _WIDTHS.get(kind, 0)
    if len(raw) < width + 2 or len(raw) != raw[0] + 1:
        raise ProtocolError(f"no S-record: {line[:16]!r}", offset=offset)
    if sum(raw) & 0xFF != 0xFF:
        raise ProtocolError("the checksum of a line does not hold", offset=offset)
    return kind, int.from_bytes(raw[1 : 1 + width], "big"), raw[1 + width : -1]


class _File:
    """The records of one file; the rest is known when `data` came to an end."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.name: str | None = None
        self.start: int | None = None
        self.ended = False

    def data(self) -> Iterator[tuple[int, bytes]]:
        """Yield address and bytes of each data record; raises ProtocolError."""
        count = 0
        for offset, line in lines(self._source, LINE_MAX):
            kind, address, data = _record(line, offset)
            if self.ended and kind < 7:
                raise ProtocolError("lines after the end record", offset=offset)
            if kind == 0:
                self.name = text_of(data) or self.name
            elif kind <= 3:
                count += 1
                yield address, data
            elif kind in (5, 6):
                if address != count & (0xFFFF if kind == 5 else 0xFFFFFF):
                    raise ProtocolError(f"{count} data lines, of which {address} are told", offset=offset)
                self.ended = True
            else:
                self.start, self.ended = address, True
        if not self.ended:
            raise ProtocolError("S-records without an end record", offset=self._source.size)


def _recognises(source: Source) -> bool:
    return begins_with_lines(source, _record)


def _open(source: Source, budget: Budget) -> Opened:
    return open_records(_File(source), source, budget)


FORMAT = Format("srec", "S-records", tuple((0, b"S%d" % kind) for kind in (0, 1, 2, 3)), _recognises, _open)

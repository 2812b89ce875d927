"""Intel HEX: bytes at addresses as lines of text, each with a checksum.

Rules: every line is checked; a file without its end record is cut off, whatever came before; text between the lines is an error.

| line (Intel, Hexadecimal Object File Format Specification, A) | |
|---|---|
| `:` | |
| LL | count of data bytes |
| AAAA | address, 16 bits |
| TT | 00 data, 01 end, 02 segment (x 16), 03 start CS:IP, 04 upper 16 bits, 05 start address |
| DD... | data |
| CC | makes the sum of all bytes zero |

Data wraps around within its 64 KiB under a segment (02), and goes on under an upper address (04).
"""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.collect.firmware.addresses import begins_with_lines, lines, open_records
from plumbline.collect.firmware.format import Format, Opened
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

LINE_MAX = 1 + 2 * (5 + 255)
_SIZES = {1: 0, 2: 2, 3: 4, 4: 2, 5: 4}


def _record(line: bytes, offset: int) -> tuple[int, int, bytes]:
    """Read one line; gives type, address and data."""
    try:
        raw = bytes.fromhex(line[1:].decode("ascii")) if line.startswith(b":") and len(line) <= LINE_MAX and b" " not in line else b""
    except (ValueError, UnicodeDecodeError):
        raw = b""
    if len(raw) < 5 or len(raw) != raw[0] + 5:
        raise ProtocolError(f"no Intel HEX line: {line[:16]!r}", offset=offset)
    if sum(raw) & 0xFF:
        raise ProtocolError("the checksum of a line does not hold", offset=offset)
    kind, data = raw[3], raw[4:-1]
    if kind and _SIZES.get(kind) != len(data):
        raise ProtocolError(f"record of type {kind} with {len(data)} bytes", offset=offset)
    return kind, int.from_bytes(raw[1:3], "big"), data


class _File:
    """The records of one file; after `data` came to an end, `end` is the offset behind the last one."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.name: str | None = None  # the format has none
        self.start: int | None = None
        self.ended = False

    def data(self) -> Iterator[tuple[int, bytes]]:
        """Yield address and bytes of each data record; raises ProtocolError."""
        base, segmented = 0, False
        for offset, line in lines(self._source, LINE_MAX):
            if self.ended:
                raise ProtocolError("lines after the end record", offset=offset)
            kind, address, data = _record(line, offset)
            number = int.from_bytes(data, "big")
            if kind == 0:
                over = max(0, address + len(data) - 0x10000) if segmented else 0
                yield base + address, data[: len(data) - over]
                if over:
                    yield base, data[len(data) - over :]
            elif kind == 1:
                self.ended = True
            elif kind in (2, 4):
                base, segmented = (number << 4, True) if kind == 2 else (number << 16, False)
            else:
                self.start = number if kind == 5 else (number >> 16 << 4) + (number & 0xFFFF)
        if not self.ended:
            raise ProtocolError("Intel HEX without its end record", offset=self._source.size)


def _recognises(source: Source) -> bool:
    return begins_with_lines(source, _record)


def _open(source: Source, budget: Budget) -> Opened:
    return open_records(_File(source), source, budget)


FORMAT = Format("intel_hex", "Intel HEX", ((0, b":"),), _recognises, _open)

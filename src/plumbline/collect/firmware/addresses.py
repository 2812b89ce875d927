"""Bytes at addresses of a memory, as Intel HEX, S-records and UF2 bring them, put together into ranges without gaps; and lines of text.

Rules: what lies between two ranges is not made up; an address that is given twice is an error, for it is not known which one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from plumbline.collect.firmware.format import Header, Opened, Part
from plumbline.collect.firmware.source import Budget, Run, Source
from plumbline.model.errors import ProtocolError

RANGES_MAX = 512
PIECES_MAX = 1 << 20
_GATHERED = 1 << 16
_LINES_TRIED = 4  # a file that was changed further on is broken, not unknown
_TRIED = 4096


@dataclass(frozen=True, slots=True, order=True)
class Piece:
    """Some bytes at an address: `size` of them, from `offset` of a source on."""

    address: int
    size: int
    offset: int


def gather(records: Iterable[tuple[int, bytes]], budget: Budget) -> tuple[list[Piece], Source]:
    """Lay the data of (address, data) in a row; gives where each stretch belongs, and the data. What `records` raises goes through."""
    pieces: list[Piece] = []
    return pieces, budget.keep(_rows(records, pieces))


def _rows(records: Iterable[tuple[int, bytes]], pieces: list[Piece]) -> Iterator[bytes]:
    """Yield the data in handy amounts, and note in `pieces` each stretch that goes on from one record to the next."""
    waiting = bytearray()
    start = end = kept = 0
    for address, data in records:
        if address != end:
            if end > start:
                pieces.append(Piece(start, end - start, kept))
                kept += end - start
            start = end = address
        waiting += data
        end += len(data)
        if len(pieces) > PIECES_MAX:
            raise ProtocolError(f"more than {PIECES_MAX} stretches of memory")
        if len(waiting) >= _GATHERED:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)
    if end > start:
        pieces.append(Piece(start, end - start, kept))


def ranges(pieces: Iterable[Piece], source: Source) -> list[tuple[int, Source]]:
    """Join pieces into ranges of memory, by address; raises ProtocolError for addresses that stand twice, or too many ranges."""
    found: list[tuple[int, list[Run]]] = []
    end = -1
    for piece in sorted(pieces):
        if piece.address < end:
            raise ProtocolError(f"the bytes at {piece.address:#x} stand twice")
        if piece.address != end:
            found.append((piece.address, []))
            if len(found) > RANGES_MAX:
                raise ProtocolError(f"more than {RANGES_MAX} ranges of memory")
        found[-1][1].append(Run(piece.size, source, piece.offset))
        end = piece.address + piece.size
    return [(address, Source.of_runs(runs)) for address, runs in found]


def parts(pieces: Iterable[Piece], source: Source, prefix: str = "") -> tuple[Part, ...]:
    """Give each range as a part that is named by its address."""
    return tuple(Part(f"{prefix}{address:#010x}", data, "memory") for address, data in ranges(pieces, source))


class Records(Protocol):
    """A file of records as lines of text; `name` and `start` are known when `data` came to an end."""

    name: str | None
    start: int | None  # address at which its program begins

    def data(self) -> Iterator[tuple[int, bytes]]:
        """Yield address and bytes of each data record; raises ProtocolError."""
        ...


def open_records(file: Records, source: Source, budget: Budget) -> Opened:
    """Open a file of records, each with a checksum: one part for each range of memory."""
    budget.pay(source.size)  # text is slower to read than its bytes are to copy
    pieces, data = gather(file.data(), budget)
    found = parts(pieces, data)
    facts = {"ranges": str(len(found)), "size_bytes": str(data.size)}
    if file.start is not None:
        facts["start"] = f"{file.start:#x}"
    return Opened(Header(name=file.name, checksum=True, facts=facts), found)


def lines(source: Source, longest: int) -> Iterator[tuple[int, bytes]]:
    """Yield offset and content of each line, without its end and not when empty; raises ProtocolError for one that is too long."""
    at, rest = 0, b""
    for block in source.blocks():
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            if stripped := line.strip():
                yield at, stripped
            at += len(line) + 1
        if len(rest) > longest + 2:
            raise ProtocolError(f"a line of more than {longest} bytes", offset=at)
    if stripped := rest.strip():
        yield at, stripped


def begins_with_lines(source: Source, read: Callable[[bytes, int], object]) -> bool:
    """Say whether the first lines are such that `read` takes without a ProtocolError."""
    head = source.some(0, _TRIED)
    found = head.split(b"\n")
    if len(head) < source.size and len(found) > 1:
        found.pop()  # cut off by us
    try:
        for line in islice(filter(None, map(bytes.strip, found)), _LINES_TRIED):
            read(line, 0)
    except ProtocolError:
        return False
    return True

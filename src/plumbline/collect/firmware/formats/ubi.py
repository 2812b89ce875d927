"""UBI, the layer that spreads wear over raw flash: erase blocks in any order, put together into volumes; each volume is a part.

Rules: of several blocks for one place of a volume the newest counts, but a copy whose data does not hold its checksum gives way to what it
was copied from; blocks of another image (`image sequence`) end this one; what a volume's place holds no block for reads as erased. Flash
dumps with spare bytes between the pages are not handled: their blocks turn up without a header.

All numbers are big endian; checksums are CRC-32 from 0xFFFFFFFF without the last complement (Linux, drivers/mtd/ubi/ubi-media.h).

| block | size | field | | volume, at its offset | size | field |
|---|---|---|---|---|---|---|
| 0 | 4 | `UBI#` | | 0 | 4 | `UBI!` |
| 4 | 1 | version: 1 | | 5 | 1 | kind: 1 dynamic, 2 static |
| 8 | 8 | how often it was erased | | 6 | 1 | 1: a copy |
| 16 | 4 | offset of the volume's header | | 8 | 4+4 | volume, place in it |
| 20 | 4 | offset of the data | | 20 | 4+4 | bytes of data, blocks used (static) |
| 24 | 4 | image sequence | | 28 | 4+4 | unused bytes at the end, CRC of the data |
| 60 | 4 | CRC of what is before | | 40 | 8 | number in the order of writing |
| | | | | 60 | 4 | CRC of what is before |

Volume 0x7FFFEFFF is the table of volumes, records of 172 bytes: blocks reserved 0 (4), kind 12 (1), update not finished 13 (1), length of
the name 14 (2), name 16, CRC 168.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from plumbline.collect.firmware.digests import linux_crc32
from plumbline.collect.firmware.format import Format, Header, Opened, Part
from plumbline.collect.firmware.said import text_of
from plumbline.collect.firmware.source import Budget, BudgetSpentError, Run, Source
from plumbline.model.errors import ProtocolError

MAGIC, VOLUME_MAGIC = b"UBI#", b"UBI!"
HEADER_SIZE = 64
BLOCK_MIN, BLOCK_MAX = 2048, 16 << 20  # bytes of an erase block
BLOCKS_MAX = 1 << 18
PLACES_MAX = 1 << 16  # of one volume
VOLUMES_MAX = 128  # ubi-media.h, UBI_MAX_VOLUMES
BROKEN_MAX = 64  # blocks one after the other without a header: what follows is something else
TABLE = 0x7FFFEFFF
RECORD_SIZE = 172
_STATIC = 2
_crc = partial(linux_crc32, start=0xFFFFFFFF)
_KINDS = {1: "dynamic", _STATIC: "static"}


@dataclass(frozen=True, slots=True)
class _Block:
    """What stands at the beginning of an erase block."""

    erased: int
    volume_at: int
    data_at: int
    sequence: int


@dataclass(frozen=True, slots=True)
class _Place:
    """One erase block of a volume; `at` is where its data begins."""

    number: int
    static: bool
    copied: bool
    size: int  # of a static volume or a copy: bytes of data
    used: int
    unused: int
    checksum: int
    order: int
    at: int


@dataclass(frozen=True, slots=True)
class _Record:
    name: str
    kind: str
    reserved: int
    unfinished: bool


def _block(head: bytes) -> _Block | None:
    """Read the header of a block; None where none stands."""
    if len(head) < HEADER_SIZE or head[:4] != MAGIC or head[4] != 1 or _crc(head[:60]) != int.from_bytes(head[60:64], "big"):
        return None
    erased, volume_at, data_at, sequence = struct.unpack_from(">QIII", head, 8)
    if not HEADER_SIZE <= volume_at <= data_at - HEADER_SIZE or data_at > BLOCK_MAX:
        return None
    return _Block(erased, volume_at, data_at, sequence)


def _block_size(source: Source, first: _Block) -> int:
    """Find how large blocks are: where the next of the same form begins."""
    window = source.some(0, BLOCK_MAX + HEADER_SIZE)
    at = window.find(MAGIC, max(BLOCK_MIN, first.data_at))
    while at >= 0:
        other = _block(window[at : at + HEADER_SIZE]) if at % 512 == 0 else None
        if other is not None and (other.volume_at, other.data_at) == (first.volume_at, first.data_at):
            return at
        at = window.find(MAGIC, at + 1)
    if source.size > BLOCK_MAX:
        raise ProtocolError("UBI of one block, larger than a block can be")
    return source.size


class _Image:
    """One image: its blocks by volume and place."""

    def __init__(self, source: Source, budget: Budget) -> None:
        first = _block(source.read(0, HEADER_SIZE))
        if first is None:
            raise ProtocolError("no UBI block", offset=0)
        self.source = source
        self.budget = budget
        self.first = first
        self.size = _block_size(source, first)
        if first.data_at >= self.size:
            raise ProtocolError("UBI block of no data")
        self.volumes: dict[int, dict[int, list[_Place]]] = {}
        self.problems: list[str] = []
        self.end = self.size
        self.erased = 0
        self._scan()

    def _scan(self) -> None:
        broken = since = 0
        for number in range(min(self.source.size // self.size, BLOCKS_MAX)):
            at = number * self.size
            self.budget.pay(HEADER_SIZE * 2)
            head = self.source.some(at, HEADER_SIZE)
            block = _block(head)
            if block is None:
                since += head.strip(b"\xff") != b""  # else it is erased
                if since > BROKEN_MAX:
                    break
                continue
            if block.sequence != self.first.sequence:
                break  # an image of its own
            broken, since = broken + since, 0
            self.end, self.erased = at + self.size, max(self.erased, block.erased)
            broken += self._volume_block(at, block) is False
        if broken:
            self.problems.append(f"{broken} blocks without a header that holds")
        if self.source.size // self.size > BLOCKS_MAX:
            self.problems.append(f"only {BLOCKS_MAX} blocks were read")

    def _volume_block(self, at: int, block: _Block) -> bool | None:
        """Note which place of which volume a block holds; None when it holds none, False when its header does not hold."""
        head = self.source.some(at + block.volume_at, HEADER_SIZE)
        if not head.strip(b"\xff"):
            return None
        if len(head) < HEADER_SIZE or head[:4] != VOLUME_MAGIC or _crc(head[:60]) != int.from_bytes(head[60:64], "big"):
            return False
        kind, copied = head[5], head[6]
        volume, number, size, used, unused, checksum = struct.unpack_from(">II4xIIII", head, 8)
        (order,) = struct.unpack_from(">Q", head, 40)
        room = self.size - block.data_at
        if volume > TABLE:
            return None  # UBI's own notes of where blocks are (fastmap), which are in the blocks too
        if kind not in _KINDS or size > room or unused >= room or (volume != TABLE and volume >= VOLUMES_MAX):
            return False
        place = _Place(number, kind == _STATIC, bool(copied), size, used, unused, checksum, order, at + block.data_at)
        self.volumes.setdefault(volume, {}).setdefault(number, []).append(place)
        return True

    def newest(self, volume: int) -> dict[int, _Place]:
        """Give the block that counts for each place of a volume."""
        found = {}
        for number, places in self.volumes.get(volume, {}).items():
            ordered = sorted(places, key=lambda place: -place.order)
            whole = (place for place in ordered if not place.copied or place is ordered[-1] or self.holds(place))
            found[number] = next(whole)
        return found

    def holds(self, place: _Place) -> bool:
        """Tell whether a block's data is what its checksum says."""
        self.budget.pay(place.size)
        return _crc(self.source.some(place.at, place.size)) == place.checksum

    def table(self) -> dict[int, _Record]:
        """Read the table of volumes, from the first copy that holds."""
        for _number, place in sorted(self.newest(TABLE).items())[:2]:
            raw = self.source.some(place.at, min(VOLUMES_MAX * RECORD_SIZE, self.size - self.first.data_at))
            records = [raw[at : at + RECORD_SIZE] for at in range(0, len(raw) - RECORD_SIZE + 1, RECORD_SIZE)]
            if records and all(_crc(record[:168]) == int.from_bytes(record[168:], "big") for record in records):
                return dict(_records(records))
        if self.volumes:
            self.problems.append("no table of volumes that holds: they are known by number")
        return {}

    def volume(self, number: int, name: str, reserved: int) -> Source:
        """Put a volume together; raises ProtocolError when it is larger than can be."""
        places = self.newest(number)
        blocks = [place for at, place in sorted(places.items()) if at < PLACES_MAX]
        if len(blocks) < len(places):
            self.problems.append(f"volume {name}: {len(places) - len(blocks)} blocks at places that no volume has")
        if not blocks:
            raise ProtocolError("has no blocks")
        static, room = blocks[0].static, self.size - self.first.data_at - blocks[0].unused
        wanted = min(blocks[0].used if static else max(reserved, blocks[-1].number + 1), PLACES_MAX)
        held = {place.number: place for place in blocks}
        if static and (missing := sum(at not in held for at in range(wanted))):
            self.problems.append(f"volume {name}: {missing} of {wanted} blocks are missing")
        if static and not all(self.holds(place) for place in blocks):
            self.problems.append(f"volume {name}: its checksum does not hold")
        return Source.of_runs(self._runs(held, wanted, room, static=static))

    def _runs(self, held: dict[int, _Place], wanted: int, room: int, *, static: bool) -> Iterator[Run]:
        for at in range(wanted):
            place = held.get(at)
            if place is None:
                yield Run(room, fill=b"\xff")
            else:
                yield Run(min(place.size if static else room, self.source.size - place.at), self.source, place.at)


def _records(records: list[bytes]) -> Iterator[tuple[int, _Record]]:
    for number, record in enumerate(records):
        reserved, kind, unfinished, length = struct.unpack_from(">I8xBBH", record)
        if reserved:
            name = text_of(record[16 : 16 + min(length, 127)]) or str(number)
            yield number, _Record(name.replace("!", "?"), _KINDS.get(kind, f"kind {kind}"), reserved, bool(unfinished))


def _recognises(source: Source) -> bool:
    return _block(source.some(0, HEADER_SIZE)) is not None


def _open(source: Source, budget: Budget) -> Opened:
    image = _Image(source, budget)
    records, parts = image.table(), []
    facts = {"block_bytes": str(image.size), "image_sequence": str(image.first.sequence), "erased_most": str(image.erased)}
    for number in sorted({*image.volumes, *records} - {TABLE}):
        record = records.get(number)
        name = record.name if record else f"volume {number}"
        if record is not None:
            facts[f"volume.{name}"] = f"{record.kind}, {record.reserved} blocks reserved{', update not finished' * record.unfinished}"
        if number in image.volumes:
            try:
                parts.append(
                    Part(name, image.volume(number, name, record.reserved if record else 0), name if name in ("kernel", "rootfs") else None)
                )
            except BudgetSpentError:
                raise
            except ProtocolError as error:
                image.problems.append(f"volume {name}: {error}")
        elif record is not None and record.kind == "static":
            image.problems.append(f"volume {name}: none of its blocks is here")
    header = Header(checksum=not image.problems, facts=facts)
    return Opened(header, tuple(parts), size=min(image.end, source.size), problems=tuple(image.problems))


FORMAT = Format("ubi", "UBI image", ((0, MAGIC),), _recognises, _open, embedded=True)

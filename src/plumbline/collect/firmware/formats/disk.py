"""Images of partitioned disks, MBR and GPT (UEFI 2.10, 5): each partition is a part, and so is what lies between them, if anything does.

A GPT whose checksum does not hold is read from its copy at the end, and that is said. Rules: partitions are capped; of one that reaches
beyond the image, what is there is given, and said; partitions that lie in each other are said.

| MBR | size | field | | GPT header | size | field |
|---|---|---|---|---|---|---|
| 446 | 4 x 16 | entries | | 0 | 8 | `EFI PART` |
| +0 | 1 | 0x80: active | | 12 | 4+4 | size of the header, its CRC-32 with this as zero |
| +4 | 1 | type; 0xEE: see GPT; 5, 0xF, 0x85: more within | | 32 | 8 | block of the copy |
| +8 | 4+4 | first block, blocks | | 72 | 8 | first block of the entries |
| 510 | 2 | 55 aa | | 80 | 4+4+4 | entries, size of each, CRC-32 of all |

GPT entry: type 0 (16), first block 32, last block 40, name 56 (72 bytes of UTF-16).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from plumbline.collect.firmware.format import Format, Header, Opened, Part
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

SECTOR = 512
GPT_MAGIC = b"EFI PART"
PARTITIONS_MAX = 256
ENTRIES_MAX = 1 << 20  # bytes
GAP_MIN = 4096
_EXTENDED = (0x05, 0x0F, 0x85)
_PROTECTIVE = 0xEE
_TYPES = {
    0x01: "fat",
    0x04: "fat",
    0x06: "fat",
    0x07: "ntfs",
    0x0B: "fat",
    0x0C: "fat",
    0x0E: "fat",
    0x82: "swap",
    0x83: "linux",
    0xEF: "efi",
}
_GUIDS = {
    UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"): "efi",
    UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"): "fat",
    UUID("0fc63daf-8483-4772-8e79-3d69d8477de4"): "linux",
    UUID("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"): "swap",
    UUID("21686148-6449-6e6f-744e-656564454649"): "bios boot",
    UUID("b921b045-1df0-41c3-af44-4c6f280d3fae"): "linux root",  # of arm64
    UUID("69dad710-2ce4-4e3c-b16c-21a1d49abed3"): "linux root",  # of arm
}


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition; `start` and `size` in bytes."""

    number: int
    start: int
    size: int
    role: str | None
    name: str = ""


@dataclass(slots=True)
class _Table:
    """What tables say; `spans` is where they themselves lie."""

    partitions: list[Partition]
    spans: list[tuple[int, int]]
    checksum: bool | None = None
    problems: list[str] = field(default_factory=list)


def _entries(sector: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield status, type, first block and number of blocks of the four entries of an MBR."""
    for at in range(446, 510, 16):
        yield struct.unpack_from("<B3xB3xII", sector, at)


def _mbr(source: Source) -> _Table:
    table = _Table([], [(0, SECTOR)])
    for number, (_status, kind, start, count) in enumerate(_entries(source.read(0, SECTOR)), 1):
        if kind in _EXTENDED and count:
            _logical(source, start, table)
        elif kind and count:
            table.partitions.append(Partition(number, start * SECTOR, count * SECTOR, _TYPES.get(kind)))
    return table


def _logical(source: Source, base: int, table: _Table) -> None:
    """Follow the tables in an extended partition: each tells a partition, from itself on, and the next table, from the first on."""
    at, number = base, 5
    while (at * SECTOR, (at + 1) * SECTOR) not in table.spans and number < PARTITIONS_MAX:
        table.spans.append((at * SECTOR, (at + 1) * SECTOR))
        sector = source.some(at * SECTOR, SECTOR)
        if sector[510:] != b"\x55\xaa":
            raise ProtocolError("extended partition without a table", offset=at * SECTOR)
        following = None
        for _status, kind, start, count in list(_entries(sector))[:2]:
            if kind in _EXTENDED:
                following = base + start
            elif kind and count:
                table.partitions.append(Partition(number, (at + start) * SECTOR, count * SECTOR, _TYPES.get(kind)))
                number += 1
        if following is None:
            return
        at = following
    raise ProtocolError("extended partitions without end", offset=at * SECTOR)


def _gpt(source: Source) -> _Table:
    """Read the first table, or else its copy."""
    block = next((size for size in (512, 4096) if source.some(size, 8) == GPT_MAGIC), 512)
    copy = source.size - block
    table = _Table([], [(0, 2 * block)])
    for at in (block, copy):
        head = source.some(at, 92) if at > 0 else b""
        if head[:8] != GPT_MAGIC or len(head) < 92:
            continue
        size, told = struct.unpack_from("<II", head, 12)
        first, count, entry_size, entries_told = struct.unpack_from("<QIII", head, 72)
        if not 92 <= size <= block or not 128 <= entry_size <= 4096 or count * entry_size > ENTRIES_MAX:
            table.problems.append("a partition table that cannot be")
            continue
        whole = source.some(at, size)
        entries = source.some(first * block, count * entry_size)
        table.checksum = zlib.crc32(whole[:16] + bytes(4) + whole[20:]) == told and zlib.crc32(entries) == entries_told
        if not table.checksum and at == block and source.some(copy, 8) == GPT_MAGIC:
            table.problems.append("the first partition table is broken: its copy was read")
            continue
        if not table.checksum:
            table.problems.append("the partition table's checksum does not hold")
        room = len(entries) + -len(entries) % block
        table.spans += [(2 * block, 2 * block + room), (copy - room, source.size)]
        table.partitions += _gpt_partitions(entries, entry_size, block)
        return table
    raise ProtocolError("; ".join(table.problems) or "no partition table")


def _gpt_partitions(entries: bytes, size: int, block: int) -> Iterator[Partition]:
    for number, at in enumerate(range(0, len(entries) - size + 1, size), 1):
        entry = entries[at : at + size]
        first, last = struct.unpack_from("<QQ", entry, 32)
        if not any(entry[:16]) or last < first:
            continue
        name = entry[56:128].decode("utf-16-le", "replace").partition("\0")[0]
        role = _GUIDS.get(UUID(bytes_le=entry[:16]))
        name = "".join(letter if letter.isprintable() and letter != "!" else "?" for letter in name)
        yield Partition(number, first * block, (last - first + 1) * block, role, name)


def _open(source: Source, _budget: Budget) -> Opened:
    table = _gpt(source) if _is_gpt(source) else _mbr(source)
    partitions, problems = sorted(table.partitions, key=lambda one: one.start), table.problems
    if len(partitions) > PARTITIONS_MAX:
        problems.append(f"{len(partitions)} partitions: only {PARTITIONS_MAX} were opened")
    parts: list[Part] = []
    end = 0
    for one in partitions[:PARTITIONS_MAX]:
        name = f"partition {one.number}" + (f" ({one.name})" if one.name else "")
        if one.start + one.size > source.size:
            problems.append(f"{name} is cut off: {max(0, source.size - one.start)} of {one.size} bytes")
        if one.start < end:
            problems.append(f"{name} lies in another")
        if one.start < source.size:
            parts.append(Part(name, source.slice(one.start, min(one.size, source.size - one.start)), one.role))
        end = max(end, one.start + one.size)
    spans = sorted([*table.spans, *((one.start, one.start + one.size) for one in partitions)])
    return Opened(Header(checksum=table.checksum), (*parts, *_between(source, spans)), problems=tuple(problems))


def _between(source: Source, spans: list[tuple[int, int]]) -> Iterator[Part]:
    """Give what lies outside all of the tables and partitions: boot loaders often do."""
    taken = 0
    for start, end in [*spans, (source.size, source.size)]:
        here = min(start, source.size)
        if here - taken >= GAP_MIN and not (gap := source.slice(taken, here - taken)).is_blank():
            yield Part(f"unpartitioned {taken:#x}", gap)
        taken = max(taken, end)


def _is_gpt(source: Source) -> bool:
    return GPT_MAGIC in (source.some(512, 8), source.some(4096, 8))


def _recognises(source: Source) -> bool:
    """An MBR has no more to tell it by than that its entries can be true."""
    if _is_gpt(source):
        return True
    head = source.some(0, SECTOR)
    if len(head) < SECTOR:
        return False
    used = [entry for entry in _entries(head) if any(entry)]
    return bool(used) and all(status in (0, 0x80) and kind and start and count for status, kind, start, count in used)


FORMAT = Format("disk", "partitioned disk", ((510, b"\x55\xaa"), (512, GPT_MAGIC), (4096, GPT_MAGIC)), _recognises, _open)

"""The log that a JFFS2 is: its nodes, found one behind the other, and of each file and each name those that still count.

Not their content (`formats/jffs2`). Rules: only nodes whose checksums hold count; nodes are capped; what is neither a node nor erased is
passed over, up to 64 KiB of it in one piece, behind which something else is taken to begin.

All numbers are in the order of the machine that wrote it; the CRC-32 starts from 0 and lacks the last complement (Linux, jffs2.h).

| node | size | field | | name (0xE001) | size | field | | inode (0xE002) | size | field |
|---|---|---|---|---|---|---|---|---|---|---|
| 0 | 2 | magic 0x1985 | | 12 | 4 | folder | | 12 | 4 | inode |
| 2 | 2 | kind; 0x2000 not set: no longer counts | | 16 | 4 | version | | 16 | 4 | version |
| 4 | 4 | size | | 20 | 4 | inode; 0: taken away | | 20 | 4 | mode |
| 8 | 4 | CRC of what is before | | 28 | 1 | length of the name | | 24 | 2+2 | owner, group |
| | | | | 32 | 4+4 | CRC of 32 bytes, of the name | | 28 | 4 | size of the file |
| | | | | 40 | | name | | 44 | 4+4+4 | offset in the file, size, size when whole |
| | | | | | | | | 56 | 1 | compression |
| | | | | | | | | 60 | 4+4 | CRC of the data, of 60 bytes |
| | | | | | | | | 68 | | data |
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from plumbline.collect.firmware.digests import linux_crc32
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

LITTLE, BIG = b"\x85\x19", b"\x19\x85"
HEAD, NAME_HEAD, INODE_HEAD = 12, 40, 68
NAME, INODE, CLEAN, PADDING, SUMMARY = 0xE001, 0xE002, 0x2003, 0x2004, 0x2006
KINDS = {NAME, INODE, CLEAN, PADDING, SUMMARY, 0xE008, 0xE009}  # the last two: extended attributes
NODES_MAX = 500_000
NODE_MAX = 1 << 20
GARBAGE_MAX = 64 << 10
_ACCURATE = 0x2000
_WINDOW = 1 << 16
_ALL_ERASED = b"\xff" * _WINDOW
_ERASED = re.compile(rb"\xff*")


@dataclass(frozen=True, slots=True)
class Data:
    """One inode node: what it says of the file, and which bytes of it its data are."""

    version: int
    at: int  # where the data begin in the source
    mode: int
    owner: int
    file_size: int
    offset: int
    size: int
    whole: int  # size when decompressed
    compression: int
    checksum: int


@dataclass(frozen=True, slots=True)
class _Name:
    version: int
    inode: int


@dataclass(slots=True)
class Log:
    """What stands in the log. `end` is behind the last node; `broken` counts nodes whose own checksum does not hold."""

    order: str
    end: int = 0
    broken: int = 0
    count: int = 0
    inodes: dict[int, list[Data]] = field(default_factory=dict)
    names: dict[int, dict[bytes, _Name]] = field(default_factory=dict)


def head_of(raw: bytes, order: str) -> tuple[int, int] | None:
    """Give kind and size of the node whose first 12 bytes these are; None where none begins."""
    if len(raw) < HEAD or raw[:2] != (LITTLE if order == "<" else BIG):
        return None
    kind, size, crc = struct.unpack_from(f"{order}HII", raw, 2)
    counts = struct.pack(f"{order}HHI", 0x1985, kind | _ACCURATE, size)  # the checksum is older than the mark that it no longer counts
    if linux_crc32(counts, 0) != crc or kind | _ACCURATE not in KINDS or not HEAD <= size <= NODE_MAX:
        return None
    return kind, size


def read_log(source: Source, budget: Budget) -> Log:
    """Read the log that begins at a source's start; raises ProtocolError when none does, or when it holds too many nodes."""
    order = "<" if source.some(0, 2) == LITTLE else ">"
    if head_of(source.some(0, HEAD), order) is None:
        raise ProtocolError("no JFFS2 node", offset=0)
    log = Log(order)
    for at, kind, size in _nodes(source, order, budget):
        log.count += 1
        if log.count > NODES_MAX:
            raise ProtocolError(f"more than {NODES_MAX} nodes")
        if at + size > source.size:
            log.broken += 1
            break
        log.end = at + size + -size % 4
        if kind == NAME:
            _name(log, source.some(at, min(size, NAME_HEAD + 255)))
        elif kind == INODE:
            _inode(log, source.some(at, INODE_HEAD), at, size)
    return log


def _nodes(source: Source, order: str, budget: Budget) -> Iterator[tuple[int, int, int]]:
    """Yield offset, kind and size of each node."""
    at = garbage = 0
    while at + HEAD <= source.size:
        budget.pay(HEAD)
        window = source.some(at, HEAD)
        found = head_of(window, order)
        if found is not None:
            yield at, *found
            at, garbage = at + found[1] + -found[1] % 4, 0
        elif window[:4] == b"\xff\xff\xff\xff":
            at += _erased(source, at)
        else:
            at, garbage = at + 4, garbage + 4
            if garbage > GARBAGE_MAX:
                return


def _erased(source: Source, at: int) -> int:
    """Measure erased bytes from `at` on: 4 at least, and a multiple of it."""
    start = at
    while window := source.some(at, _WINDOW):
        if window == _ALL_ERASED and (fill := source.unstored(at)) > _WINDOW:
            at += fill
            continue
        match = _ERASED.match(window)
        here = match.end() if match else 0
        at += here
        if here < len(window):
            break
    return (at - start) // 4 * 4 or 4


def _name(log: Log, raw: bytes) -> None:
    if len(raw) < NAME_HEAD:
        log.broken += 1
        return
    folder, version, inode, _time, length, _kind, crc, name_crc = struct.unpack_from(f"{log.order}IIIIBBxxII", raw, 12)
    name = raw[NAME_HEAD : NAME_HEAD + length]
    if linux_crc32(raw[:32], 0) != crc or linux_crc32(name, 0) != name_crc or len(name) < length or not name:
        log.broken += 1
        return
    names = log.names.setdefault(folder, {})
    if name not in names or names[name].version <= version:
        names[name] = _Name(version, inode)


def _inode(log: Log, raw: bytes, at: int, size: int) -> None:
    if len(raw) < INODE_HEAD or size < INODE_HEAD:
        log.broken += 1
        return
    inode, version, mode, owner, _group, file_size = struct.unpack_from(f"{log.order}IIIHHI", raw, 12)
    offset, packed, whole = struct.unpack_from(f"{log.order}III", raw, 44)
    checksum, crc = struct.unpack_from(f"{log.order}II", raw, 60)
    if linux_crc32(raw[:60], 0) != crc or packed > size - INODE_HEAD:
        log.broken += 1
        return
    node = Data(version, at + INODE_HEAD, mode, owner, file_size, offset, packed, whole, raw[56], checksum)
    log.inodes.setdefault(inode, []).append(node)


def names_in(log: Log, folder: int) -> Iterator[tuple[bytes, int]]:
    """Yield the names in a folder that were not taken away, and the inodes that they stand for."""
    return ((name, one.inode) for name, one in log.names.get(folder, {}).items() if one.inode)

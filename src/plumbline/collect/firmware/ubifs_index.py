"""Where the nodes of a UBIFS lie: the index as it was last committed, and what the journal says happened since.

Not their meaning as files (`formats/ubifs`). Rules: a branch leads one level down, so that no index leads in a circle; every node is
checked by its CRC when it is read, and paid for; nodes are capped; a part of the journal that does not hold ends that part, as a mount
does.

All numbers are little endian; the CRC is that of UBI, over what follows it (Linux, fs/ubifs/ubifs-media.h).

| node | size | field | | superblock (6) | size | field |
|---|---|---|---|---|---|---|
| 0 | 4+4 | magic 0x06101831, CRC | | 26 | 1+1 | hash of keys, form of keys (0) |
| 8 | 8 | number in the order of writing | | 28 | 4 | flags |
| 16 | 4 | size of the whole | | 36 | 4+4 | bytes of a block, blocks |
| 20 | 1 | kind | | 56 | 4+4+4 | blocks of log, LPT, orphans |
| | | | | 80 | 4+2 | version of the format, compression |

| master (7) | size | field | | index (9) | size | field |
|---|---|---|---|---|---|---|
| 32 | 8 | number of the commit | | 24 | 2+2 | branches, level |
| 44 | 4 | first block of the log | | 28 + n | 4+4+4 | block, offset, size of what it leads to |
| 48 | 4+4+4 | root: block, offset, size | | | 8 | key; with signed ones, a digest |

Log: commit start (10) with the commit's number at 24; references (8) to a block at 24 from an offset at 28 on. Truncation (4): inode 24,
new size 48. A key is an inode's number (4) and, in 4 bytes, the kind of node in 3 bits and the number of a data block or a name's hash.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from plumbline.collect.firmware.digests import linux_crc32
from plumbline.collect.firmware.source import Budget, Source, UnsupportedImageError
from plumbline.model.errors import ProtocolError

MAGIC = b"\x31\x18\x10\x06"
HEAD = 24
BLOCK_SIZE = 4096  # of a file's data in one node
NODE_MAX = 160 + BLOCK_SIZE
INDEX_NODE_MAX = 64 << 10
KEPT = 320  # bytes of a node of the journal that are looked at: those of an entry with a name of 255
LEVELS_MAX = 64
NODES_MAX = 1 << 20
LEB_MIN, LEB_MAX = 15 << 10, 16 << 20  # ubifs.h, UBIFS_MIN_LEB_SZ, UBIFS_MAX_LEB_SZ
LEBS_MAX = 1 << 20
INODE, DATA, ENTRY, TRUNCATION, PADDING, SUPERBLOCK, MASTER, REFERENCE, INDEX, COMMIT = 0, 1, 2, 4, 5, 6, 7, 8, 9, 10
SUPERBLOCK_SIZE = 4096
ENCRYPTED_FLAG, SIGNED_FLAG = 0x10, 0x20
_KEYS = {INODE: "an inode", DATA: "data", ENTRY: "an entry"}


@dataclass(frozen=True, slots=True)
class Superblock:
    """What the superblock says."""

    leb_size: int  # bytes of a logical erase block
    lebs: int
    log_lebs: int
    flags: int
    version: int
    compression: int


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a node lies: offset in the source, and its size."""

    at: int
    size: int


@dataclass(slots=True)
class Nodes:
    """Where the nodes of each inode lie; entries by hash and name, since names may share a hash."""

    inodes: dict[int, Spot] = field(default_factory=dict)
    data: dict[int, dict[int, Spot]] = field(default_factory=dict)
    entries: dict[int, dict[tuple[int, bytes], Spot]] = field(default_factory=dict)


def read_superblock(source: Source) -> Superblock:
    """Read the superblock at a source's start; raises ProtocolError."""
    raw = node(source, Spot(0, SUPERBLOCK_SIZE), SUPERBLOCK)
    flags, _unit, leb_size, lebs = struct.unpack_from("<IIII", raw, 28)
    (log_lebs,) = struct.unpack_from("<I", raw, 56)
    version, compression = struct.unpack_from("<IH", raw, 80)
    if raw[27]:
        raise UnsupportedImageError(f"keys of form {raw[27]} are not read")
    if not LEB_MIN <= leb_size <= LEB_MAX or not 0 < lebs <= LEBS_MAX or not 0 < log_lebs < lebs:
        raise ProtocolError("UBIFS superblock that cannot be")
    return Superblock(leb_size, lebs, log_lebs, flags, version, compression)


def node(source: Source, spot: Spot, kind: int) -> bytes:
    """Read a node of a kind; raises ProtocolError when it does not hold."""
    raw = source.read(spot.at, spot.size)
    if not _holds(raw) or raw[20] != kind:
        raise ProtocolError("a node that does not hold", offset=spot.at)
    return raw


def _holds(raw: bytes) -> bool:
    return (
        len(raw) > HEAD
        and raw[:4] == MAGIC
        and int.from_bytes(raw[16:20], "little") == len(raw)
        and linux_crc32(raw[8:], 0xFFFFFFFF) == _u32(raw, 4)
    )


def _u32(raw: bytes, at: int) -> int:
    return int.from_bytes(raw[at : at + 4], "little")


class Index:
    """All nodes of one file system; `problems` tells what could not be followed."""

    def __init__(self, source: Source, budget: Budget) -> None:
        self._source = source
        self._budget = budget
        self.superblock = read_superblock(source)
        self.nodes = Nodes()
        self.problems: list[str] = []
        self._count = 0
        master = self._master()
        self.commit, self._log = int.from_bytes(master[32:40], "little"), _u32(master, 44)
        root = self._spot(_u32(master, 48), _u32(master, 52), _u32(master, 56))
        self._walk(root)
        self._replay()

    def _spot(self, leb: int, offset: int, size: int) -> Spot:
        if leb >= self.superblock.lebs or offset + size > self.superblock.leb_size:
            raise ProtocolError(f"a node in block {leb} at {offset}, which is not there")
        return Spot(leb * self.superblock.leb_size + offset, size)

    def _master(self) -> bytes:
        """Give the newest of the master nodes, which stand in blocks 1 and 2, one after the other."""
        found = [raw for leb in (1, 2) for raw, _spot in self._scan(leb, 0) if raw[20] == MASTER and len(raw) >= 512]
        if not found:
            raise ProtocolError("no master node that holds")
        return max(found, key=lambda raw: raw[8:16][::-1])

    def _scan(self, leb: int, offset: int) -> Iterator[tuple[bytes, Spot]]:
        """Yield the nodes of a block, up to where it is empty or does not hold."""
        while offset + HEAD <= self.superblock.leb_size and leb < self.superblock.lebs:
            at = leb * self.superblock.leb_size + offset
            head = self._source.some(at, HEAD)
            size = _u32(head, 16)
            if head[:4] != MAGIC or not HEAD < size <= self.superblock.leb_size - offset:
                return
            self._budget.pay(size)
            raw = self._source.some(at, size)
            if not _holds(raw):
                return
            yield raw, Spot(at, size)
            offset += size + (_u32(raw, HEAD) if raw[20] == PADDING and size >= HEAD + 4 else -size % 8)

    def _walk(self, root: Spot) -> None:
        """Follow the index from its root."""
        stack: list[tuple[Spot, int | None]] = [(root, None)]
        while stack:
            spot, level = stack.pop()
            if spot.size > INDEX_NODE_MAX:
                raise ProtocolError(f"index node of {spot.size} bytes", offset=spot.at)
            self._budget.pay(spot.size)
            try:
                raw = node(self._source, spot, INDEX)
                if len(raw) < 28:
                    raise ProtocolError("index node that is cut off", offset=spot.at)
                branches, here = struct.unpack_from("<HH", raw, HEAD)
                if here > LEVELS_MAX or (level is not None and here != level - 1):
                    raise ProtocolError(f"index node of level {here}", offset=spot.at)
            except ProtocolError as error:
                self._say(str(error))
                continue
            self._branches(raw, branches, here, stack)

    def _branches(self, raw: bytes, count: int, level: int, stack: list[tuple[Spot, int | None]]) -> None:
        width = (len(raw) - 28) // count if count else 20
        if width < 20:
            self._say("index node with less room than branches")
            return
        for number in range(count):
            leb, offset, size, inode, rest = struct.unpack_from("<5I", raw, 28 + number * width)
            self._count += 1
            if self._count > NODES_MAX:
                raise ProtocolError(f"more than {NODES_MAX} nodes")
            try:
                spot = self._spot(leb, offset, size)
            except ProtocolError as error:
                self._say(str(error))
                continue
            if level:
                stack.append((spot, level))
            else:
                self._put(inode, rest, spot)

    def _put(self, inode: int, rest: int, spot: Spot, name: bytes | None = None) -> None:
        kind, number = rest >> 29, rest & 0x1FFFFFFF
        if kind == INODE:
            self.nodes.inodes[inode] = spot
        elif kind == DATA:
            self.nodes.data.setdefault(inode, {})[number] = spot
        elif kind == ENTRY:
            key = (number, self._name(spot) if name is None else name)
            self.nodes.entries.setdefault(inode, {})[key] = spot

    def _name(self, spot: Spot) -> bytes:
        """Read an entry's name; where it does not hold, its place stands for it, and listing the folder says so."""
        self._budget.pay(spot.size)
        try:
            return entry_of(node(self._source, spot, ENTRY))[0]
        except ProtocolError:
            return b"/%d" % spot.at

    def _replay(self) -> None:
        """Apply what was written since the commit, in the order of writing."""
        written: list[tuple[bytes, Spot]] = []
        for leb, offset in self._journal():
            for raw, spot in self._scan(leb, offset):
                self._count += 1
                if self._count > NODES_MAX:
                    raise ProtocolError(f"more than {NODES_MAX} nodes")
                written.append((raw[:KEPT], spot))
        for raw, spot in sorted(written, key=lambda one: one[0][8:16][::-1]):
            self._apply(raw, spot)

    def _journal(self) -> Iterator[tuple[int, int]]:
        """Give the blocks that the log says to hold what was written since the commit, and from where on."""
        since: int | None = None  # when the commit started; what is older is left over from another
        for step in range(self.superblock.log_lebs):
            leb = 3 + (self._log - 3 + step) % self.superblock.log_lebs  # behind superblock and master, in a ring
            for raw, _spot in self._scan(leb, 0):
                written = int.from_bytes(raw[8:16], "little")
                if raw[20] == COMMIT and len(raw) >= 32 and int.from_bytes(raw[24:32], "little") == self.commit:
                    since = written
                elif raw[20] == REFERENCE and len(raw) >= 36 and since is not None and written >= since:
                    yield _u32(raw, 24), _u32(raw, 28)

    def _apply(self, raw: bytes, spot: Spot) -> None:
        kind, inode = raw[20], _u32(raw, HEAD)
        if kind == TRUNCATION and len(raw) >= 56:
            (size,) = struct.unpack_from("<Q", raw, 48)
            data = self.nodes.data.get(inode, {})
            for number in [number for number in data if number * BLOCK_SIZE >= size]:
                del data[number]
        elif kind == INODE and len(raw) >= 96 and not _u32(raw, 92):  # no name is left of it
            for held in (self.nodes.inodes, self.nodes.data, self.nodes.entries):
                held.pop(inode, None)
        elif kind == ENTRY and len(raw) >= 56:
            name, target = entry_of(raw)
            self._put(inode, _u32(raw, 28), spot, name)
            if not target:  # its key may be of another kind, and put it elsewhere
                self.nodes.entries.get(inode, {}).pop((_u32(raw, 28) & 0x1FFFFFFF, name), None)
        elif kind in _KEYS:
            self._put(inode, _u32(raw, 28), spot)

    def _say(self, problem: str) -> None:
        if len(self.problems) < 20:
            self.problems.append(problem)


def entry_of(raw: bytes) -> tuple[bytes, int]:
    """Give name and inode (0: taken away) of an entry; raises ProtocolError."""
    if len(raw) < 56:
        raise ProtocolError("an entry that is cut off")
    inode, length = struct.unpack_from("<Q2xH", raw, 40)
    name = raw[56 : 56 + length]
    if not name or len(name) < length:
        raise ProtocolError("an entry without a name")
    return name, inode

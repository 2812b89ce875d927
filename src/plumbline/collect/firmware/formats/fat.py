"""FAT12, FAT16 and FAT32 with long names (Microsoft, FAT specification 1.03).

FAT keeps no owner and no mode: files are given 0644 and folders 0755, less what read-only takes away, as Linux shows them. Rules: chains of
clusters are as long as the file says and no longer, those of folders at most 2 MiB; which FAT it is, is told as Linux tells it.

| offset | size | field | | folder entry | size | field |
|---|---|---|---|---|---|---|
| 11 | 2 | bytes in a sector | | 0 | 11 | name and ending; e5: deleted, 0: the last |
| 13 | 1 | sectors in a cluster | | 11 | 1 | 1 read-only, 8 label, 0x10 folder, 0xf: of a long name |
| 14 | 2 | sectors before the FAT | | 12 | 1 | 8: name, 0x10: ending in small letters |
| 16 | 1 | FATs | | 20, 26 | 2, 2 | first cluster, high and low |
| 17 | 2 | entries of the root; FAT32: 0 | | 28 | 4 | size |
| 19, 32 | 2, 4 | sectors | | (long) 0 | 1 | number from the end of the name; 0x40: the first here |
| 22, 36 | 2, 4 | sectors of a FAT | | 1, 14, 28 | 10, 12, 4 | letters, UTF-16 |
| 44 | 4 | FAT32: cluster of the root | | 13 | 1 | checksum of the short name |
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from plumbline.collect.firmware.format import FileSystem, Format, Header, Inode, Opened
from plumbline.collect.firmware.source import PIECE, Budget, Run, Source
from plumbline.model.errors import ProtocolError

FOLDER_MAX = 2 << 20  # 65,536 entries
_FAT12_MAX = 4084  # clusters
_PAGE = 1 << 16
_STEP = 64  # bytes that one step along a chain is paid for as
_READ_ONLY, _LABEL, _FOLDER, _LONG = 0x01, 0x08, 0x10, 0x0F


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things lie; offsets and sizes in bytes."""

    bits: int  # of an entry of the FAT: 12, 16 or 32
    fat_at: int
    root_at: int
    root_size: int  # of FAT32: 0
    root_cluster: int
    data_at: int
    cluster: int
    clusters: int
    size: int
    label: str | None


def read_layout(head: bytes) -> Layout:
    """Read the boot sector; raises ProtocolError for what cannot be."""
    if len(head) < 512 or head[510:512] != b"\x55\xaa" or head[0] not in (0xEB, 0xE9):
        raise ProtocolError("no boot sector of a FAT")
    sector, in_cluster, reserved, fats, roots, sectors, media, fat_sectors = struct.unpack_from("<HBHBHHBH", head, 11)
    sectors_more, fat_sectors_more = struct.unpack_from("<II", head, 32)
    (root_cluster,) = struct.unpack_from("<I", head, 44)
    sectors, wide = sectors or sectors_more, not fat_sectors
    fat_sectors = fat_sectors or fat_sectors_more
    if sector not in (512, 1024, 2048, 4096) or in_cluster & (in_cluster - 1) or not in_cluster or media < 0xF0:
        raise ProtocolError(f"sectors of {sector} bytes in clusters of {in_cluster} cannot be")
    if not reserved or fats not in (1, 2) or not fat_sectors or (wide and roots):
        raise ProtocolError("FATs that cannot be")
    root_at = (reserved + fats * fat_sectors) * sector
    root_size = -(-roots * 32 // sector) * sector
    clusters = (sectors * sector - root_at - root_size) // (in_cluster * sector)
    bits = 32 if wide else 16 if clusters > _FAT12_MAX else 12
    if clusters < 1 or clusters >= 1 << 28 or fat_sectors * sector * 8 < clusters * bits:
        raise ProtocolError(f"{clusters} clusters with FATs of {fat_sectors} sectors cannot be")
    label = head[71:82] if wide else head[43:54]
    named = label.decode("cp437").strip() if head[66 if wide else 38] == 0x29 else ""
    cluster = in_cluster * sector
    return Layout(
        bits, reserved * sector, root_at, root_size, root_cluster, root_at + root_size, cluster, clusters, sectors * sector, named or None
    )


@dataclass(frozen=True, slots=True)
class _Reference:
    """A file by its entry's place, a folder by its first cluster: so that a folder within itself is told."""

    folder: bool
    key: int
    first: Any = None  # of a file: cluster, size and attributes


class Fat(FileSystem):
    """A file system; raises ProtocolError, and nothing else, when the image is at fault."""

    def __init__(self, source: Source, budget: Budget) -> None:
        self._source = source
        self._budget = budget
        self.layout = read_layout(source.some(0, 512))
        self.root = _Reference(True, self.layout.root_cluster if self.layout.bits == 32 else 0)
        self._page = lru_cache(16)(lambda at: source.some(at, _PAGE + 1))

    def inode(self, reference: _Reference) -> Inode:
        """Give what an entry says."""
        if reference.folder:
            return Inode("directory", 0o755, 0, data=(reference.key, 0))
        cluster, size, attributes = reference.first
        return Inode("file", 0o444 if attributes & _READ_ONLY else 0o644, size, data=(cluster, size))

    def listing(self, directory: Inode) -> Iterator[tuple[bytes, _Reference]]:
        """Yield the names in a folder, long where there are long ones."""
        cluster, long = directory.data[0], _LongName()
        for at in self._folder_entries(cluster):
            entry = self._source.read(at, 32)
            attributes = entry[11]
            if entry[0] == 0:
                return
            if entry[0] == 0xE5:
                long = _LongName()
            elif attributes & 0x3F == _LONG:
                long.add(entry)
            else:
                name = long.of(entry) or _short(entry)
                long = _LongName()
                if attributes & _LABEL or entry[:11] in (b".          ", b"..         "):
                    continue
                high, low, size = struct.unpack_from("<H4xHI", entry, 20)
                first = low | (high << 16 if self.layout.bits == 32 else 0)
                if attributes & _FOLDER:
                    yield name, _Reference(True, first)
                else:
                    yield name, _Reference(False, at, (first, size, attributes))

    def pieces(self, inode: Inode) -> Iterator[bytes]:
        """Yield a file's content."""
        for at, size in self._runs(*inode.data):
            for offset in range(0, size, PIECE):
                here = min(PIECE, size - offset)
                self._budget.pay(here)
                yield self._source.read(at + offset, here)

    def place(self, inode: Inode) -> int | None:
        """Give the offset of a file's first cluster."""
        cluster, size = inode.data
        return self._at(cluster) if size else None

    def stored(self, inode: Inode) -> Source | None:
        """Give a file's bytes where they lie."""
        return Source.of_runs(Run(size, self._source, at) for at, size in self._runs(*inode.data))

    def _folder_entries(self, cluster: int) -> Iterator[int]:
        """Yield the offset of each entry of a folder; 0 is the root that has its own place."""
        if cluster == 0 and self.layout.bits != 32:
            self._budget.pay(self.layout.root_size)
            yield from range(self.layout.root_at, self.layout.root_at + self.layout.root_size, 32)
            return
        following: int | None = cluster
        for _ in range(0, FOLDER_MAX, self.layout.cluster):
            if following is None:
                return
            self._budget.pay(self.layout.cluster)
            at = self._at(following)
            yield from range(at, at + self.layout.cluster, 32)
            following = self._next(following)

    def _runs(self, cluster: int, size: int) -> Iterator[tuple[int, int]]:
        """Yield offset and size of each piece of a file that lies together; raises ProtocolError when its chain is too short."""
        at, length, following = 0, 0, cluster if size else None
        while size > 0:
            self._budget.pay(_STEP)
            if following is None:
                raise ProtocolError(f"its clusters end {size} bytes before it does")
            here = self._at(following)
            if length and here != at + length:
                yield at, length
                length = 0
            at = at if length else here
            taken = min(size, self.layout.cluster)
            length, size = length + taken, size - taken
            following = self._next(following) if size else None
        if length:
            yield at, length

    def _at(self, cluster: int) -> int:
        if not 2 <= cluster < self.layout.clusters + 2:
            raise ProtocolError(f"cluster {cluster} of {self.layout.clusters}")
        return self.layout.data_at + (cluster - 2) * self.layout.cluster

    def _next(self, cluster: int) -> int | None:
        """Give the cluster that follows; None at the end of a chain."""
        bits = self.layout.bits
        at = cluster * bits // 8
        page = self._page(self.layout.fat_at + at // _PAGE * _PAGE)
        raw = page[at % _PAGE :][: 4 if bits == 32 else 2]
        if len(raw) < 2:
            raise ProtocolError("the FAT is cut off")
        value = int.from_bytes(raw, "little")
        if bits == 12:
            value = value >> 4 if cluster & 1 else value & 0xFFF
        value &= 0x0FFFFFFF
        return None if value >= (1 << min(bits, 28)) - 8 else value


class _LongName:
    """A long name on its way: its pieces come last first, before the short one that they belong to."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._checksum = -1
        self._due = 0

    def add(self, entry: bytes) -> None:
        number = entry[0] & 0x1F
        if entry[0] & 0x40:
            self._pieces, self._checksum, self._due = [], entry[13], number
        if number != self._due or entry[13] != self._checksum:
            self._due = -1  # of some other name
            return
        self._pieces.insert(0, entry[1:11] + entry[14:26] + entry[28:32])
        self._due -= 1

    def of(self, entry: bytes) -> bytes | None:
        """Give the name when it is whole, and of this entry."""
        checksum = 0
        for byte in entry[:11]:
            checksum = ((checksum & 1) << 7 | checksum >> 1) + byte & 0xFF
        if self._due or not self._pieces or checksum != self._checksum:
            return None
        name = b"".join(self._pieces).decode("utf-16-le", "replace").partition("\0")[0]
        return name.encode() or None


def _short(entry: bytes) -> bytes:
    raw = entry[:11].replace(b"\x05", b"\xe5", 1) if entry[0] == 5 else entry[:11]
    name, ending = raw[:8].decode("cp437").rstrip(" "), raw[8:].decode("cp437").rstrip(" ")
    name = name.lower() if entry[12] & 0x08 else name
    ending = ending.lower() if entry[12] & 0x10 else ending
    return (f"{name}.{ending}" if ending else name).encode()


def _recognises(source: Source) -> bool:
    try:
        read_layout(source.some(0, 512))
    except ProtocolError:
        return False
    return True


def _open(source: Source, budget: Budget) -> Opened:
    files = Fat(source, budget)
    layout = files.layout
    problems = [f"is cut off: {source.size} of {layout.size} bytes"] if layout.size > source.size else []
    header = Header(name=layout.label, facts={"kind": f"FAT{layout.bits}"})
    return Opened(header, files=files, size=min(layout.size, source.size), problems=tuple(problems))


# The words are hints, and their length makes a FAT's boot sector stronger than that of a disk, which ends in the same two bytes.
FORMAT = Format("fat", "FAT", ((82, b"FAT32   "), (54, b"FAT"), (510, b"\x55\xaa")), _recognises, _open)

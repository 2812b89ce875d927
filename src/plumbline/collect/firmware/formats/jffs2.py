"""JFFS2, the file system of small raw flash: a log of nodes (`jffs2_nodes`), of which the newest count.

Rules: of data that were written over each other, those of the higher version count; of one file no more is given than its newest node says
that it is long; a hole may be large, and is paid for like anything else.

Compressions: 0 none, 1 zeros, 2 rtime, 6 zlib, 7 LZO (Linux, jffs2.h); 8 is LZMA without a header, as OpenWrt's kernels have it
(lc, lp and pb 0, dictionary 8 KiB). The others, of before 2004, are named and not read.
"""

from __future__ import annotations

import lzma
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from plumbline.collect.firmware.blocks import decompressor
from plumbline.collect.firmware.digests import linux_crc32
from plumbline.collect.firmware.format import FileSystem, Format, Header, Inode, Opened
from plumbline.collect.firmware.jffs2_nodes import BIG, LITTLE, Data, head_of, names_in, read_log
from plumbline.collect.firmware.members import kind_of
from plumbline.collect.firmware.source import PIECE, Budget, Source, UnsupportedImageError
from plumbline.model.errors import ProtocolError

ROOT = 1
TARGET_MAX = 4096
BLOCK_MAX = 1 << 20  # bytes of one node's data, when whole; but for holes
_NONE, _ZEROS, _RTIME, _ZLIB, _LZO, _LZMA = 0, 1, 2, 6, 7, 8
_LIBRARY = {_ZLIB: "gzip", _LZO: "lzo"}
_FILTERS = [{"id": lzma.FILTER_LZMA1, "dict_size": 8192, "lc": 0, "lp": 0, "pb": 0}]


@dataclass(frozen=True, slots=True)
class _File:
    number: int
    owner: int
    nodes: Sequence[Data]  # the newest first


@dataclass(frozen=True, slots=True)
class _Span:
    """Bytes `start` to `end` of a file, which are those of a node."""

    start: int
    end: int
    node: Data


class Jffs2(FileSystem):
    """A file system; raises ProtocolError, and nothing else, when the image is at fault."""

    root = ROOT

    def __init__(self, source: Source, budget: Budget) -> None:
        self.log = read_log(source, budget)
        for nodes in self.log.inodes.values():
            nodes.sort(key=lambda node: -node.version)
        self._source = source
        self._budget = budget

    def inode(self, reference: int) -> Inode:
        """Give an inode as its newest node has it."""
        nodes = self.log.inodes.get(reference)
        if not nodes:
            if reference == ROOT:  # which mkfs.jffs2 does not write
                return Inode("directory", 0o755, 0, data=_File(ROOT, 0, ()))
            raise ProtocolError(f"inode {reference} is not there")
        newest = nodes[0]
        kind, file = kind_of(newest.mode), _File(reference, newest.owner, nodes)
        inode = Inode(kind, newest.mode & 0o7777, newest.file_size if kind == "file" else 0, data=file)
        if kind != "symlink":
            return inode
        return Inode(kind, inode.mode, 0, self._data(newest)[:TARGET_MAX], file)

    def listing(self, directory: Inode) -> Iterator[tuple[bytes, int]]:
        """Yield name and inode of each entry."""
        for name, number in names_in(self.log, directory.data.number):
            self._budget.pay(len(name))
            yield name, number

    def owner(self, inode: Inode) -> int:
        """Give the owner's user id; only 16 bits are kept."""
        return int(inode.data.owner)

    def pieces(self, inode: Inode) -> Iterator[bytes]:
        """Yield a file's content: what its nodes hold, and zeros between them."""
        at, last, held = 0, None, b""
        self._budget.pay(len(inode.data.nodes))
        for span in _spans(inode.data.nodes, inode.size):
            yield from self._zeros(span.start - at)
            node, at = span.node, span.end
            if node.compression == _ZEROS:
                yield from self._zeros(span.end - span.start)
                continue
            if node is not last:
                held, last = self._data(node), node
            yield held[span.start - node.offset : span.end - node.offset]
        yield from self._zeros(inode.size - at)

    def place(self, inode: Inode) -> int | None:
        """Give the offset of a file's newest data."""
        nodes: Sequence[Data] = inode.data.nodes
        return nodes[0].at if nodes else None

    def _zeros(self, size: int) -> Iterator[bytes]:
        for at in range(0, size, PIECE):
            length = min(PIECE, size - at)
            self._budget.pay(length)
            yield bytes(length)

    def _data(self, node: Data) -> bytes:
        """Read and decompress a node's data."""
        if node.whole > BLOCK_MAX:
            raise ProtocolError(f"node of {node.whole} bytes", offset=node.at)
        self._budget.pay(max(node.whole, node.size))
        raw = self._source.read(node.at, node.size)
        if linux_crc32(raw, 0) != node.checksum:
            raise ProtocolError("data that do not hold their checksum", offset=node.at)
        data = _decompress(raw, node.compression, node.whole)
        if len(data) != node.whole:
            raise ProtocolError(f"node of {len(data)} bytes where {node.whole} belong", offset=node.at)
        return data


def _spans(nodes: Sequence[Data], size: int) -> list[_Span]:
    """Tell which bytes of a file come from which node: `nodes` are the newest first, and what a newer one covers is covered."""
    covered: list[tuple[int, int]] = []  # in order, with gaps between
    spans: list[_Span] = []
    for node in nodes:
        start, end = node.offset, min(node.offset + node.whole, size)
        if start >= end:
            continue
        first = bisect_left(covered, (start, start))
        if first and covered[first - 1][1] >= start:
            first -= 1
        last = first
        at = start
        while last < len(covered) and covered[last][0] <= end:
            if covered[last][0] > at:
                spans.append(_Span(at, covered[last][0], node))
            at = max(at, covered[last][1])
            last += 1
        if at < end:
            spans.append(_Span(at, end, node))
        merged = (min(start, covered[first][0]), max(end, covered[last - 1][1])) if last > first else (start, end)
        covered[first:last] = [merged]
    return sorted(spans, key=lambda span: span.start)


def _decompress(raw: bytes, compression: int, size: int) -> bytes:
    if compression == _NONE:
        return raw
    if compression == _ZEROS:
        return bytes(size)
    if compression == _RTIME:
        return _rtime(raw, size)
    if compression == _LZMA:
        return _lzma(raw, size)
    found = decompressor(_LIBRARY.get(compression, ""))
    if found is None:
        raise UnsupportedImageError(f"compression {compression} is not read")
    return found(raw, size)


def _rtime(raw: bytes, size: int) -> bytes:
    """Undo rtime: after each byte stands how many of those follow that followed when it last came (Linux, compr_rtime.c)."""
    out, last = bytearray(), [0] * 256
    for at in range(0, len(raw) - 1, 2):
        value, count = raw[at], raw[at + 1]
        out.append(value)
        start, last[value] = last[value], len(out)
        for step in range(count):
            out.append(out[start + step])
        if len(out) >= size:
            break
    return bytes(out[:size])


def _lzma(raw: bytes, size: int) -> bytes:
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_FILTERS).decompress(raw, size)
    except lzma.LZMAError as error:
        raise ProtocolError(f"block is no LZMA stream: {error}") from error


def _recognises(source: Source) -> bool:
    head = source.some(0, 12)
    return head_of(head, "<" if head[:2] == LITTLE else ">") is not None


def _open(source: Source, budget: Budget) -> Opened:
    files = Jffs2(source, budget)
    log = files.log
    problems = (f"{log.broken} nodes that do not hold their checksum",) if log.broken else ()
    facts = {"order": "little endian" if log.order == "<" else "big endian", "nodes": str(log.count)}
    header = Header(checksum=not log.broken, facts=facts)
    return Opened(header, files=files, size=min(log.end, source.size), problems=problems)


_FIRST = (0xE001, 0xE002, 0x2003, 0x2006)  # what a log may begin with: a name, an inode, an erased block's mark, a summary
_MAGICS = (*((0, LITTLE + kind.to_bytes(2, "little")) for kind in _FIRST), *((0, BIG + kind.to_bytes(2, "big")) for kind in _FIRST))
FORMAT = Format("jffs2", "JFFS2", _MAGICS, _recognises, _open, embedded=True)

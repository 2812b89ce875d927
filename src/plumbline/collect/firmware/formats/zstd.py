"""zstd (RFC 8878): one part."""

from __future__ import annotations

from plumbline.collect.firmware.format import Format, Opened
from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.firmware.streams import Stream

MAGIC = b"\x28\xb5\x2f\xfd"


def _recognises(source: Source) -> bool:
    """The descriptor's reserved bit is zero, and the first block is of a kind that there is."""
    head = source.some(0, 24)
    if len(head) < 9 or head[4] & 0x08:
        return False
    single, dictionary, size = head[4] >> 5 & 1, (0, 1, 2, 4)[head[4] & 3], head[4] >> 6
    at = 5 + (1 - single) + dictionary + (single, 2, 4, 8)[size]
    return len(head) > at + 2 and head[at] >> 1 & 3 != 3


def _open(source: Source, budget: Budget) -> Opened:
    return Stream(source, "zstd").opened(budget)


FORMAT = Format("zstd", "zstd", ((0, MAGIC),), _recognises, _open, embedded=True)

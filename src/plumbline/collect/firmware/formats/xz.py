"""xz (the .xz file format, 1.2): one part."""

from __future__ import annotations

import zlib

from plumbline.collect.firmware.format import Format, Opened
from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.firmware.streams import Stream

MAGIC = b"\xfd7zXZ\0"


def _recognises(source: Source) -> bool:
    """The stream's flags and their CRC32 follow the magic."""
    head = source.some(6, 6)
    return len(head) == 6 and zlib.crc32(head[:2]) == int.from_bytes(head[2:], "little")


def _open(source: Source, budget: Budget) -> Opened:
    return Stream(source, "xz").opened(budget)


FORMAT = Format("xz", "xz", ((0, MAGIC),), _recognises, _open, embedded=True)

"""lz4 in frames, and in the legacy frames of kernels, which end at a short block (lz4_Frame_format): one part."""

from __future__ import annotations

from plumbline.collect.firmware.format import Format, Opened
from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.firmware.streams import LEGACY_MAGIC, LEGACY_MAX, Stream, begins

MAGIC = b"\x04\x22\x4d\x18"


def _recognises(source: Source) -> bool:
    head = source.some(0, 8)
    if head[:4] == LEGACY_MAGIC:
        return len(head) == 8 and 0 < int.from_bytes(head[4:], "little") <= LEGACY_MAX
    # A block may be larger than what is tried, and gives nothing before it is whole.
    return len(head) == 8 and head[4] >> 6 == 1 and (source.size > 4096 or begins(source, "lz4"))


def _open(source: Source, budget: Budget) -> Opened:
    legacy = source.some(0, 4) == LEGACY_MAGIC
    return Stream(source, "lz4-legacy" if legacy else "lz4").opened(budget)


FORMAT = Format("lz4", "lz4", ((0, MAGIC), (0, LEGACY_MAGIC)), _recognises, _open, embedded=True)

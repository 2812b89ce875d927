"""bzip2: one part. `BZh`, the block size `1` to `9`, then a block, which begins with digits of pi, or the end, with those of its root."""

from __future__ import annotations

from plumbline.collect.firmware.format import Format, Opened
from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.firmware.streams import Stream

_BLOCK = bytes.fromhex("314159265359")
_END = bytes.fromhex("177245385090")


def _recognises(source: Source) -> bool:
    head = source.some(0, 10)
    return head[3:4] in b"123456789" and head[4:] in (_BLOCK, _END)


def _open(source: Source, budget: Budget) -> Opened:
    return Stream(source, "bzip2").opened(budget)


FORMAT = Format("bzip2", "bzip2", ((0, b"BZh"),), _recognises, _open, embedded=True)

"""lzop: one part. The layout stands in `plumbline.collect.firmware.lzop`."""

from __future__ import annotations

from plumbline.collect.firmware.format import Format, Opened, Part
from plumbline.collect.firmware.lzop import MAGIC, LzopStream
from plumbline.collect.firmware.source import Budget, Source


def _recognises(source: Source) -> bool:
    return int.from_bytes(source.some(9, 2), "big") in range(0x0900, 0x1100)


def _open(source: Source, budget: Budget) -> Opened:
    stream = LzopStream(source)
    return Opened(parts=(Part("data", budget.keep(stream.pieces())),), compression="lzo", size=stream.end)


FORMAT = Format("lzop", "lzop", ((0, MAGIC),), _recognises, _open, embedded=True)

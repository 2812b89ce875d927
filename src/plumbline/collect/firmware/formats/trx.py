"""TRX: the container of Broadcom's routers, whose parts are told by their offsets alone.

Rules: the checksum is tried; which part is what, the header does not say.

All numbers are little endian (OpenWrt, package/utils/otrx; Linux, drivers/mtd/parsers/parser_trx.c).

| offset | size | field |
|---|---|---|
| 0 | 4 | magic `HDR0` |
| 4 | 4 | size, header and padding in it |
| 8 | 4 | CRC-32 from byte 12 on, not inverted at the end |
| 12 | 2 | flags |
| 14 | 2 | version 1 or 2 |
| 16 | 4 x 3, or 4 x 4 in version 2 | offsets of the parts; 0: none |
"""

from __future__ import annotations

import struct

from plumbline.collect.firmware.digests import crc32
from plumbline.collect.firmware.format import HEAD, Format, Header, Opened, Part
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

MAGIC = b"HDR0"
_HEADER = struct.Struct("<4sIIHH4I")


def _offsets(source: Source) -> tuple[int, int, list[int]]:
    """Give size, checksum and the parts' offsets; raises ProtocolError for numbers that cannot be."""
    magic, size, checksum, _flags, version, *offsets = _HEADER.unpack(source.read(0, _HEADER.size))
    count = {1: 3, 2: 4}.get(version)
    if magic != MAGIC or count is None:
        raise ProtocolError(f"TRX of version {version}", offset=14)
    start = 16 + 4 * count
    used = [offset for offset in offsets[:count] if offset]
    if not start < size or not used or used != sorted(set(used)) or used[0] < start or used[-1] >= size:
        raise ProtocolError(f"TRX of {size} bytes with parts at {used}")
    return size, checksum, used


def _recognises(source: Source) -> bool:
    try:
        return _offsets(source)[0] <= source.size or source.size == HEAD
    except ProtocolError:
        return False


def _open(source: Source, budget: Budget) -> Opened:
    size, checksum, offsets = _offsets(source)
    if size > source.size:
        raise ProtocolError(f"TRX of {size} bytes in {source.size}")
    budget.pay(1 << 10)
    holds = crc32(source.slice(12, size - 12)) ^ 0xFFFFFFFF == checksum
    ends = [*offsets[1:], size]
    parts = tuple(Part(f"part-{number}", source.slice(at, end - at)) for number, (at, end) in enumerate(zip(offsets, ends, strict=True)))
    header = Header(checksum=holds, facts={"parts": " ".join(f"{offset:#x}" for offset in offsets)})
    return Opened(header, parts, size=size, problems=() if holds else ("its checksum does not hold",))


FORMAT = Format("trx", "TRX", ((0, MAGIC),), _recognises, _open, embedded=True)

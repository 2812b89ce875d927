"""gzip (RFC 1952): one part.

| offset | size | field |
|---|---|---|
| 0 | 2 | magic 1f 8b |
| 2 | 1 | method: 8, deflate |
| 3 | 1 | flags: bit 2 extra, 3 name, 4 comment, 1 header's CRC; 5 to 7 are zero |
| 4 | 4 | time, s since 1970, little endian; 0: none |
| 10 | | extra (u16 size), name, comment (to a zero) |
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime

from plumbline.collect.firmware.format import Format, Header, Opened
from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.firmware.streams import Stream, begins

MAGIC = b"\x1f\x8b\x08"
NAME_MAX = 255


def read_header(source: Source) -> Header:
    """Read name and time of the first member."""
    head = source.some(0, 1024)
    flags, seconds = struct.unpack_from("<BI", head.ljust(10, b"\0"), 3)
    at = 10 + (2 + int.from_bytes(head[10:12], "little") if flags & 4 else 0)
    name, ended, _ = head[at : at + NAME_MAX + 1].partition(b"\0") if flags & 8 else (b"", b"", b"")
    return Header(
        name=name.decode("utf-8", "backslashreplace") if name and ended else None,
        created_at=datetime.fromtimestamp(seconds, UTC) if seconds else None,
    )


def _recognises(source: Source) -> bool:
    return not source.some(3, 1)[:1].strip(bytes(range(0x20))) and begins(source, "gzip")


def _open(source: Source, budget: Budget) -> Opened:
    return Stream(source, "gzip").opened(budget, read_header(source))


FORMAT = Format("gzip", "gzip", ((0, MAGIC),), _recognises, _open, embedded=True)

"""LZMA alone, as kernels and vendors' images have it: one part.

It has no magic. Only what its writers in fact write is taken for it: the default properties, a dictionary of a power of two (or one and a
half) from 64 KiB to 64 MiB, a size that is not told or is below 1 GiB, and a beginning that decompresses.

| offset | size | field |
|---|---|---|
| 0 | 1 | properties (pb * 5 + lp) * 9 + lc; 0x5d by default |
| 1 | 4 | dictionary, bytes, little endian |
| 5 | 8 | size when whole, bytes, little endian; all ones: not told |
| 13 | 1 | first byte of the range coder: 0 |
"""

from __future__ import annotations

import struct

from plumbline.collect.firmware.format import Format, Opened
from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.firmware.streams import Stream, begins

DICTIONARY_MAX = 64 << 20
SIZE_MAX = 1 << 30
_UNTOLD = (1 << 64) - 1


def _recognises(source: Source) -> bool:
    head = source.some(0, 14)
    if len(head) < 14:
        return False
    dictionary, size = struct.unpack_from("<IQ", head, 1)
    bits = dictionary.bit_length() - 1
    usual = 1 << 16 <= dictionary <= DICTIONARY_MAX and dictionary in (1 << bits, 3 << bits - 1)
    return usual and (size == _UNTOLD or 0 < size < SIZE_MAX) and head[13] == 0 and begins(source, "lzma")


def _open(source: Source, budget: Budget) -> Opened:
    return Stream(source, "lzma").opened(budget)


# The dictionary's two low bytes are zero from 64 KiB on.
FORMAT = Format("lzma", "LZMA", ((0, b"\x5d\0\0"), (0, b"\x6d\0\0")), _recognises, _open, embedded=True)

"""Decompression of one block of a file system with a bound on what comes out.

Not streams (`streams`), not files: a block is at most 1 MiB when whole. Rules: no decompressor allocates more than the caller's limit (and
80 MB of dictionary), but LZO, whose library knows no limit: it is given no more than 1 MiB, of which it can make 255 times as much; what
does not end as its format says is a ProtocolError.

| id | name | inside a block |
|---|---|---|
| 1 | gzip | zlib stream (RFC 1950) |
| 2 | lzma | LZMA alone, 13 byte header |
| 3 | lzo | LZO1X |
| 4 | xz | xz stream |
| 5 | lz4 | raw LZ4 block |
| 6 | zstd | zstd frame (RFC 8878) |
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable
from typing import Any

import lz4.block
import zstandard
from lzallright import LZOCompressor, LZOError

from plumbline.model.errors import ProtocolError

Decompressor = Callable[[bytes, int], bytes]

NAMES = {1: "gzip", 2: "lzma", 3: "lzo", 4: "xz", 5: "lz4", 6: "zstd"}
DICTIONARY_MAX = 80 << 20
WINDOW_MAX = 8 << 20
LZO_MAX = 1 << 20
_LZ4: Any = lz4.block  # untyped


def decompressor(name: str) -> Decompressor | None:
    """Give the function that turns a block into at most `limit` bytes or raises ProtocolError; None for a name that is not listed."""
    return _DECOMPRESSORS.get(name)


def _gzip(data: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise ProtocolError(f"block is no zlib stream: {error}") from error
    return _checked(out, limit, ended=stream.eof)


def _lzma(data: bytes, limit: int) -> bytes:
    # mksquashfs writes the true size or none at all; with a size, the end marker may be missing.
    return _through_lzma(data, limit, lzma.FORMAT_ALONE, must_end=False)


def _xz(data: bytes, limit: int) -> bytes:
    return _through_lzma(data, limit, lzma.FORMAT_XZ, must_end=True)


def _through_lzma(data: bytes, limit: int, form: int, *, must_end: bool) -> bytes:
    try:
        stream = lzma.LZMADecompressor(form, memlimit=DICTIONARY_MAX)
        out = stream.decompress(data, limit + 1)
    except lzma.LZMAError as error:
        raise ProtocolError(f"block is no LZMA stream: {error}") from error
    return _checked(out, limit, ended=stream.eof or not must_end)


def _lzo(data: bytes, limit: int) -> bytes:
    if len(data) > LZO_MAX:
        raise ProtocolError(f"LZO block of {len(data)} bytes")
    try:
        out = LZOCompressor.decompress(data, limit)
    except (LZOError, MemoryError) as error:
        raise ProtocolError(f"block is no LZO block: {type(error).__name__}") from error
    return _checked(out, limit, ended=True)


def _lz4(data: bytes, limit: int) -> bytes:
    try:
        out: bytes = _LZ4.decompress(data, uncompressed_size=limit)
    except (_LZ4.LZ4BlockError, ValueError) as error:
        raise ProtocolError(f"block is no LZ4 block: {error}") from error
    return out


def _zstd(data: bytes, limit: int) -> bytes:
    # Not decompress(): it believes the frame's own word about its size, and allocates it.
    try:
        with zstandard.ZstdDecompressor(max_window_size=WINDOW_MAX).stream_reader(data) as stream:
            out = stream.read(limit + 1)
    except zstandard.ZstdError as error:
        raise ProtocolError(f"block is no zstd frame: {error}") from error
    return _checked(out, limit, ended=True)


def _checked(out: bytes, limit: int, *, ended: bool) -> bytes:
    if len(out) > limit:
        raise ProtocolError(f"block is larger than its {limit} bytes when decompressed")
    if not ended:
        raise ProtocolError("block is cut off")
    return out


_DECOMPRESSORS: dict[str, Decompressor] = {"gzip": _gzip, "lzma": _lzma, "lzo": _lzo, "xz": _xz, "lz4": _lz4, "zstd": _zstd}

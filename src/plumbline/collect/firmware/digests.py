"""Digests and checksums of sources, block by block, so that their size does not matter to memory."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from itertools import chain

from plumbline.collect.firmware.source import Source

NAMES = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512"})


def digest(source: Source, algorithm: str, *more: bytes) -> bytes:
    """Give the digest of a source, then of `more`, by one of NAMES."""
    return digest_of(chain(source.blocks(), more), algorithm)


def digest_of(pieces: Iterable[bytes], algorithm: str) -> bytes:
    """Give the digest of some pieces in a row."""
    made = hashlib.new(algorithm, usedforsecurity=False)  # to compare with what a header claims, md5 among them
    for piece in pieces:
        made.update(piece)
    return made.digest()


def crc32(source: Source, start: int = 0) -> int:
    """Give the CRC-32 of IEEE 802.3 of a source."""
    value = start
    for block in source.blocks():
        value = zlib.crc32(block, value)
    return value


def linux_crc32(data: bytes, start: int) -> int:
    """Compute a CRC-32 as Linux's crc32_le does: from `start`, and without the last complement."""
    return zlib.crc32(data, start ^ 0xFFFFFFFF) ^ 0xFFFFFFFF

"""Android's sparse images (AOSP, system/core/libsparse/sparse_format.h): one part, put together without a copy.

| offset | size | field | | chunk | size | field |
|---|---|---|---|---|---|---|
| 0 | 4 | magic 0xED26FF3A | | 0 | 2 | kind: 0xCAC1 raw, 0xCAC2 fill, 0xCAC3 nothing, 0xCAC4 checksum |
| 4 | 2+2 | version 1, 0 | | 4 | 4 | blocks of the whole image |
| 8 | 2+2 | sizes of this header and of a chunk's | | 8 | 4 | size of the chunk in this file |
| 12 | 4 | block size | | 12 | | raw: the blocks; fill: 4 bytes, over and over |
| 16 | 4+4 | blocks, chunks | | | | |
"""

from __future__ import annotations

import struct

from plumbline.collect.firmware.format import Format, Opened, Part
from plumbline.collect.firmware.source import Budget, Run, Source
from plumbline.model.errors import ProtocolError

MAGIC = b"\x3a\xff\x26\xed"
CHUNKS_MAX = 1 << 20
SIZE_MAX = 1 << 40
_RAW, _FILL, _NOTHING, _CHECKSUM = 0xCAC1, 0xCAC2, 0xCAC3, 0xCAC4


def _header(source: Source) -> tuple[int, int, int, int, int]:
    """Read the sizes of the headers, block size, blocks and chunks; raises ProtocolError."""
    data = source.read(0, 28)
    major, _minor, header, chunk_header, block, blocks, chunks = struct.unpack_from("<4H3I", data, 4)
    if major != 1 or header < 28 or chunk_header < 12 or block % 4 or not 512 <= block <= 1 << 24:
        raise ProtocolError("header that cannot be")
    if blocks * block > SIZE_MAX or chunks > CHUNKS_MAX:
        raise ProtocolError(f"{chunks} chunks of {blocks * block} bytes, which no image has")
    return header, chunk_header, block, blocks, chunks


def _open(source: Source, _budget: Budget) -> Opened:
    at, chunk_header, block, blocks, chunks = _header(source)
    runs: list[Run] = []
    problems: list[str] = []
    told = 0
    try:
        for _ in range(chunks):
            kind, count, total = struct.unpack("<HxxII", source.read(at, 12))
            size, content = count * block, at + chunk_header
            if total < chunk_header or at + total > source.size:
                raise ProtocolError(f"chunk of {total} bytes", offset=at)
            if kind == _RAW and total == chunk_header + size:
                runs.append(Run(size, source, content))
            elif kind == _FILL and total >= chunk_header + 4:
                runs.append(Run(size, fill=source.read(content, 4)))
            elif kind == _NOTHING:
                runs.append(Run(size))
            elif kind == _CHECKSUM:
                count = 0
            else:
                raise ProtocolError(f"chunk of kind {kind:#x} and {total} bytes", offset=at)
            told, at = told + count, at + total
        if told != blocks:
            raise ProtocolError(f"{told} blocks where {blocks} belong")
    except ProtocolError as error:
        problems.append(f"the image breaks off: {error}")
    if told * block > SIZE_MAX:
        raise ProtocolError(f"chunks of {told * block} bytes, which no image has")
    return Opened(parts=(Part("data", Source.of_runs(runs)),), size=at, problems=tuple(problems))


def _recognises(source: Source) -> bool:
    try:
        _header(source)
    except ProtocolError:
        return False
    return True


FORMAT = Format("android_sparse", "Android sparse image", ((0, MAGIC),), _recognises, _open, embedded=True)

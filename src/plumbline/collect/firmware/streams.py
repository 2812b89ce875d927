"""Decompression of whole streams, piece by piece, with a bound on each piece; tells where the stream ended and what was wrong with it.

Not blocks of a file system (`blocks`), not the recognition of a stream (`formats/`). Rules: no piece is larger than 1 MiB, and no
decompressor takes more than 256 MB beside it; several streams one behind the other are one, as the formats' own tools have it; a stream
that breaks off gives what came until then, and its problem.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, Protocol, cast

import lz4.block
import lz4.frame
import zstandard

from plumbline.collect.firmware.format import Header, Opened, Part
from plumbline.collect.firmware.source import PIECE, Budget, Source, UnsupportedImageError
from plumbline.model.errors import ProtocolError

MEMORY_MAX = 256 << 20
WINDOW_MAX = 128 << 20
LEGACY_BLOCK = 8 << 20  # of lz4's legacy frames, when whole
LEGACY_MAX = LEGACY_BLOCK + LEGACY_BLOCK // 255 + 16  # when it cannot be made smaller
LEGACY_MAGIC = b"\x02\x21\x4c\x18"
_INPUT = 1 << 16
_LZ4: Any = lz4.block  # untyped
_LZ4_FRAME: Any = lz4.frame


class Decompressor(Protocol):
    """What decompresses one stream; as those of Python's own bz2 and lzma."""

    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take compressed bytes; give at most `max_length` of what they stand for."""
        ...


class _Zlib:
    """zlib's with the manners of the others."""

    def __init__(self, wbits: int) -> None:
        self._stream = zlib.decompressobj(wbits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._stream.decompress(self._stream.unconsumed_tail + data, max_length)
        self.needs_input = not self._stream.unconsumed_tail and len(out) < max_length
        return out


STARTS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: _Zlib(31),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY_MAX),
    "lzma": lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=MEMORY_MAX),
    "lz4": _LZ4_FRAME.LZ4FrameDecompressor,
}
_ERRORS: dict[str, tuple[type[Exception], ...]] = {
    "gzip": (zlib.error,),
    "bzip2": (OSError, ValueError),  # it has none of its own
    "xz": (lzma.LZMAError,),
    "lzma": (lzma.LZMAError,),
    "lz4": (RuntimeError,),  # nor has this
    "lz4-legacy": (_LZ4.LZ4BlockError, ValueError),
    "zstd": (zstandard.ZstdError,),
}
# What may follow at once, and belongs to the same data.
_FOLLOWS = {"gzip": b"\x1f\x8b\x08", "bzip2": b"BZh", "xz": b"\xfd7zXZ\0", "lz4": b"\x04\x22\x4d\x18"}


class Stream:
    """One compressed stream at a source's start. After `pieces` came to an end, `end` is the offset behind it, `problem` what was wrong."""

    def __init__(self, source: Source, name: str) -> None:
        self._source = source
        self.name = name
        self.end = 0
        self.problem: str | None = None

    def pieces(self) -> Iterator[bytes]:
        """Yield what it decompresses to; raises UnsupportedImageError when that would take too much memory."""
        whole = {"zstd": self._zstd, "lz4-legacy": self._lz4_legacy}.get(self.name, self._streams)
        try:
            yield from whole()
        except _ERRORS[self.name] as error:
            if "emory usage" in str(error) or "too much memory" in str(error):
                raise UnsupportedImageError(f"takes more than {MEMORY_MAX >> 20} MB of memory to decompress") from error
            self.problem = f"no whole {self.name} stream: {error}"
        except ProtocolError as error:
            self.problem = str(error)

    def opened(self, budget: Budget, header: Header | None = None) -> Opened:
        """Decompress it into one part; raises ProtocolError when nothing comes out of it."""
        source = budget.keep(self.pieces())
        if self.problem is not None and not source.size:
            raise ProtocolError(self.problem)
        problems = () if self.problem is None else (f"{self.problem}; {source.size} bytes came before",)
        # Where a broken stream would have ended is not known; what was fed last may be beyond it.
        end = min(self.end, self._source.size) if not problems else max(0, min(self.end, self._source.size) - _INPUT)
        return Opened(header or Header(), (Part("data", source),), compression=self.name, size=end, problems=problems)

    def _streams(self) -> Iterator[bytes]:
        while True:
            yield from self._one(STARTS[self.name]())
            follows = _FOLLOWS.get(self.name)
            if follows is None:
                return
            at = self.end
            if self.name == "xz":  # may be padded with zeros, four by four
                while self._source.some(at, 4) == bytes(4):
                    at += 4
            if self._source.some(at, len(follows)) != follows:
                return
            self.end = at

    def _one(self, stream: Decompressor) -> Iterator[bytes]:
        while not stream.eof:
            data = b""
            if stream.needs_input:
                data = self._source.some(self.end, _INPUT)
                if not data:
                    raise ProtocolError(f"{self.name} stream is cut off")
                self.end += len(data)
            out = stream.decompress(data, PIECE)
            if out:
                yield out
        self.end -= len(stream.unused_data or b"")

    def _zstd(self) -> Iterator[bytes]:
        while (size := zstd_frame_size(self._source, self.end)) is not None:
            frame = _Reading(self._source.slice(self.end, min(size, self._source.size - self.end)))
            if size > frame.source.size:
                self.problem = "zstd frame is cut off"
            with zstandard.ZstdDecompressor(max_window_size=WINDOW_MAX).stream_reader(cast(IO[bytes], frame)) as stream:
                while out := stream.read(PIECE):
                    yield out
            self.end += size

    def _lz4_legacy(self) -> Iterator[bytes]:
        self.end = 4
        while len(head := self._source.some(self.end, 4)) == 4:
            size = int.from_bytes(head, "little")
            if head == LEGACY_MAGIC:
                self.end += 4
                continue
            if not 0 < size <= LEGACY_MAX:
                return  # what follows is something else
            out: bytes = _LZ4.decompress(self._source.read(self.end + 4, size), uncompressed_size=LEGACY_BLOCK)
            yield from (out[at : at + PIECE] for at in range(0, len(out), PIECE))
            self.end += 4 + size
            if len(out) < LEGACY_BLOCK:
                return


class _Reading:
    """A source as zstandard wants it: with a position."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._at = 0

    def read(self, size: int) -> bytes:
        data = self.source.some(self._at, size)
        self._at += len(data)
        return data


def begins(source: Source, name: str) -> bool:
    """Tell whether a stream's first 4 KiB decompress to anything without an error."""
    stream = STARTS[name]()
    try:
        return bool(stream.decompress(source.some(0, 4096), 4096)) or bool(stream.eof)
    except _ERRORS[name]:
        return False


def zstd_frame_size(source: Source, at: int) -> int | None:
    """Measure a zstd frame by its blocks' headers, without decompressing any; None where none starts (RFC 8878, 3.1).

    | bytes | field |
    |---|---|
    | 4 | magic 0xFD2FB528; 0x184D2A50 to 5F: skippable, a u32 size follows |
    | 1 | descriptor: bits 7-6 size of content size, 5 single segment, 2 checksum, 1-0 size of dictionary id |
    | 0-13 | window, dictionary id, content size |
    | 3 + n | blocks: bit 0 last, 1-2 kind (1: one byte, repeated; 3: none), 3-23 size |
    | 0 or 4 | checksum |
    """
    head = source.some(at, 8)
    if head[1:4] == b"\x2a\x4d\x18" and len(head) == 8 and head[0] & 0xF0 == 0x50:
        return 8 + int.from_bytes(head[4:], "little")
    if head[:4] != b"\x28\xb5\x2f\xfd" or len(head) < 5:
        return None
    told = head[4]
    size = 5 + (0 if told & 0x20 else 1) + (0, 1, 2, 4)[told & 3] + ((1 if told & 0x20 else 0), 2, 4, 8)[told >> 6]
    while len(word := source.some(at + size, 3)) == 3:
        block = int.from_bytes(word, "little")
        kind = block >> 1 & 3
        if kind == 3:
            raise ProtocolError("zstd block of a kind that is not known", offset=at + size)
        size += 3 + (1 if kind == 1 else block >> 3)
        if block & 1:
            return size + (4 if told & 4 else 0)
    return size + 3  # cut off: longer than what is there

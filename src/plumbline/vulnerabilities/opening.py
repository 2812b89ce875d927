"""Files of feeds, opened: folders walked, compression undone, archives entered; each file one stream of bytes.

| form | told by | what comes of it |
|---|---|---|
| folder | it is one | its files in the order of their names; links and hidden ones left out |
| gzip, xz, zstandard | first bytes | what is inside |
| zip | first bytes | its members, in the order of their names, zips among them opened too |

Not what a file means (`documents`, `feeds`), and unlike `catalogue.documents` never a whole file in memory: feeds have gigabytes.
Rules (law 7): what comes out of a file is at most EXPANSION_MAX times its size (or EXPANDED_MIN); windows of decompressors, members of an
archive and archives within archives are capped; of folders and archives only what is named like a feed is looked into.
"""

from __future__ import annotations

import gzip
import lzma
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import IO

import zstandard

from plumbline.model.errors import InputError, ProtocolError

CHUNK = 1 << 20
EXPANSION_MAX = 200  # JSON of feeds comes to 10 to 40 times its compressed size
EXPANDED_MIN = 256 << 20  # what any file may come to, however small it is
WINDOW_MAX = 128 << 20  # `zstd --long` and `xz -9` stay below
MEMBERS_MAX = 600_000  # the CVE list has 300,000
NESTED_MAX = 3
COPY_MAX = 4 << 30  # of an archive within an archive
NAMED_LIKE_FEEDS = re.compile(r"(?i)[^/]+\.(?:json|jsonl|ndjson|csv|ya?ml)(?:\.(?:gz|xz|zst))?|[^/]+\.zip")
_GZIP, _XZ, _ZSTD, _ZIP = b"\x1f\x8b", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_FAILURES = (OSError, EOFError, ValueError, RuntimeError, MemoryError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


@dataclass(slots=True)
class Allowance:
    """How many bytes may still come out of one file."""

    left: int

    @classmethod
    def of(cls, size_bytes: int) -> Allowance:
        """Make that of a file of a size."""
        return cls(max(EXPANDED_MIN, EXPANSION_MAX * size_bytes))

    def take(self, count: int) -> None:
        """Count bytes that came out; raises ProtocolError when it was too many."""
        self.left -= count
        if self.left < 0:
            raise ProtocolError(f"comes to more than {EXPANSION_MAX} times its size, which no feed does: not read further")


class Stream:
    """Bytes of one file, decompressed as they are read; `name` is for messages and holds the way to it (`all.zip!CVE-2024-1.json`)."""

    def __init__(self, name: str, read: Callable[[int], bytes], allowance: Allowance | None = None) -> None:
        self.name = name
        self._source = read
        self._allowance = allowance
        self._ahead = b""

    def head(self, size: int) -> bytes:
        """Look at the first bytes, which stay to be read; fewer only at the end."""
        while len(self._ahead) < size and (more := self._next(CHUNK)):
            self._ahead += more
        return self._ahead[:size]

    def read(self, size: int = CHUNK) -> bytes:
        """Read at most `size` bytes; none at the end. Raises ProtocolError when they cannot be decompressed."""
        if not self._ahead:
            return self._next(size)
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        return data

    def _next(self, size: int) -> bytes:
        try:
            data = self._source(size)
        except _FAILURES as error:
            raise ProtocolError(f"cannot be read further: {str(error)[:200] or type(error).__name__}") from error
        if self._allowance is not None:
            self._allowance.take(len(data))
        return data

    def lines(self, limit: int) -> Iterator[bytes | None]:
        """Give the lines, without their ends; None stands for one that is longer than `limit`."""
        rest, skipping = b"", False
        while chunk := self.read():
            first, *others = chunk.split(b"\n")
            rest = b"" if skipping else rest + first
            if len(rest) > limit:
                rest, skipping = b"", True
            for line in others:
                yield None if skipping else rest
                rest, skipping = line, False
        if rest or skipping:
            yield None if skipping else rest


def expand(paths: Iterable[Path | str]) -> list[Path]:
    """List the files that paths, folders and patterns name, each once; raises InputError for one that names nothing."""
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(given)
        matches = [path] if path.exists() else sorted(map(Path, glob(str(given), recursive=True)))  # noqa: PTH207 - a pattern may be absolute
        if not matches:
            raise InputError("no such file or folder", where=str(given), remedy="name files, folders or patterns of feeds")
        for match in matches:
            found.update(dict.fromkeys(walk(match) if match.is_dir() else [match]))
    return list(found)


def walk(folder: Path) -> list[Path]:
    """List the files below a folder that are named like feeds."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(place, name) for name in names if NAMED_LIKE_FEEDS.fullmatch(name) and not name.startswith("."))
        found += [path for path in paths if path.is_file() and not path.is_symlink()]
    return sorted(found)


def open_streams(path: Path) -> Iterator[Stream]:
    """Give what a file holds, one stream after the other; each must be read before the next. Raises ProtocolError when it is broken."""
    try:
        with path.open("rb") as file:
            yield from _opened(str(path), file, Allowance.of(path.stat().st_size), NESTED_MAX)
    except OSError as error:
        raise ProtocolError(f"cannot be read: {error.strerror or error}") from error


def _opened(name: str, file: IO[bytes], allowance: Allowance, depth: int) -> Iterator[Stream]:
    start = file.read(6)
    file.seek(0)
    if start.startswith(_ZIP):
        yield from _members(name, file, allowance, depth)
    elif start.startswith(_GZIP):
        yield Stream(name, gzip.GzipFile(fileobj=file).read, allowance)
    elif start.startswith(_XZ):
        yield Stream(name, _xz(file), allowance)
    elif start.startswith(_ZSTD):
        decoder = zstandard.ZstdDecompressor(max_window_size=WINDOW_MAX)
        yield Stream(name, decoder.stream_reader(file, read_across_frames=True).read, allowance)
    else:
        yield Stream(name, file.read)


def _xz(file: IO[bytes]) -> Callable[[int], bytes]:
    """Give a reader that, unlike that of the standard library, bounds the memory of the decompressor."""
    decoder = lzma.LZMADecompressor(memlimit=WINDOW_MAX)

    def read(size: int) -> bytes:
        nonlocal decoder
        while True:
            if decoder.eof:
                data = (decoder.unused_data or file.read(CHUNK)).lstrip(b"\0")  # streams may be padded with zeros
                if not data:
                    return b""
                decoder = lzma.LZMADecompressor(memlimit=WINDOW_MAX)
            else:
                data = file.read(CHUNK) if decoder.needs_input else b""
                if not data and decoder.needs_input:
                    raise EOFError("the compressed data ends before its end was marked")
            if out := decoder.decompress(data, size):
                return out

    return read


def _members(name: str, file: IO[bytes], allowance: Allowance, depth: int) -> Iterator[Stream]:
    if depth == 0:
        raise ProtocolError("archives within archives within archives: not opened")
    try:
        with zipfile.ZipFile(file) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MEMBERS_MAX:
                raise ProtocolError(f"holds {len(members)} files, more than any feed")
            for member in sorted(members, key=lambda member: member.filename):
                if NAMED_LIKE_FEEDS.fullmatch(member.filename.rpartition("/")[2]):
                    with archive.open(member) as stream:
                        yield from _member(f"{name}!{member.filename}", stream, allowance, depth)
    except (zipfile.BadZipFile, *_FAILURES) as error:
        raise ProtocolError(f"cannot be opened as a zip: {str(error)[:200] or type(error).__name__}") from error


def _member(name: str, stream: IO[bytes], allowance: Allowance, depth: int) -> Iterator[Stream]:
    opened = Stream(name, stream.read, allowance)
    if not opened.head(6).startswith((_ZIP, _GZIP, _XZ, _ZSTD)):
        yield opened
        return
    # What is compressed once more must be read from its end, or by its own decompressor: it takes the way over the disk.
    with tempfile.TemporaryFile() as copy:
        while data := opened.read():
            copy.write(data)
            if copy.tell() > COPY_MAX:
                raise ProtocolError(f"{name} holds more than {COPY_MAX >> 30} GB in an archive of its own: unpack it first")
        copy.seek(0)
        yield from _opened(name, copy, allowance, depth - 1)

"""Files that a user names for import, opened: folders walked, compression and archives undone, each file one `Document`.

| form | told by | what comes of it |
|---|---|---|
| folder | it is one | its files in the order of their names, links left out |
| gzip, xz, bzip2, zstandard | first bytes | what is inside |
| zip | first bytes | its members |
| tar | `ustar` at byte 257 | its members |

Not what a document means (`importers`). Rules: everything here is hostile (law 7): a document is at most DOCUMENT_MAX decompressed, an
archive at most TOTAL_MAX and MEMBERS_MAX; nothing is written to the disk; what cannot be opened is an `Unread`.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import zstandard

from plumbline.catalogue.facts import Unread
from plumbline.model.errors import InputError, ProtocolError
from plumbline.protocols import strict_json

DOCUMENT_MAX = 256 << 20  # the metadata of the LVFS, the largest of its kind, is a tenth of it
JSON_MAX = 64 << 20  # parsed it takes ten times that
TOTAL_MAX = 2 << 30
MEMBERS_MAX = 100_000
LINE_MAX = 8 << 20
CHUNK = 64 << 10
WINDOW_MAX = 128 << 20  # `zstd --long` stays below
_ZIP_ENTRY = b"PK\x01\x02"


class Document:
    """One file's content; `name` is for messages and holds the way to it (`set.tgz!package/x.js`)."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.data = data

    @property
    def stem(self) -> str:
        """Its file name without folders and endings."""
        return self.name.rpartition("!")[2].rpartition("/")[2].split(".")[0]

    @cached_property
    def text(self) -> str:
        """Its text; raises ProtocolError when it is no UTF-8."""
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ProtocolError("not UTF-8 text", offset=error.start) from error

    @cached_property
    def json(self) -> Any:
        """Its JSON value; raises ProtocolError when it is none, or larger than JSON_MAX."""
        if len(self.data) > JSON_MAX:
            raise ProtocolError(f"larger than {JSON_MAX >> 20} MB, which no JSON file of this kind is")
        return strict_json.parse(self.text)

    def chunks(self) -> Iterator[bytes]:
        """Yield its bytes piece by piece, for readers of streams."""
        return (self.data[at : at + CHUNK] for at in range(0, len(self.data), CHUNK))

    @cached_property
    def looks_like_json(self) -> bool:
        """Whether its first character is that of a JSON object or list."""
        return self.data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")

    def json_lines(self) -> Iterator[tuple[str, Any]]:
        """Yield the value of each line and its place; a ProtocolError as the value of a line that is not JSON."""
        for number, line in enumerate(io.BytesIO(self.data), 1):
            if line.strip():
                place = f"{self.name}, line {number}"
                try:
                    yield (
                        place,
                        strict_json.parse(line.decode("utf-8-sig")) if len(line) <= LINE_MAX else ProtocolError("longer than a record is"),
                    )
                except (ProtocolError, UnicodeDecodeError) as error:
                    yield place, ProtocolError(str(error)[:200])


def documents(path: Path) -> Iterator[Document | Unread]:
    """Open a file, or all files of a folder; raises InputError when there is none at that path."""
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.is_file() and not file.is_symlink() and not file.name.startswith(".")]
        if len(files) > MEMBERS_MAX:
            raise InputError(f"holds {len(files)} files", where=str(path), remedy="name the files or folders that are to be imported")
    else:
        files = [path]
    for file in files:
        name = str(file.relative_to(path.parent)) if path.is_dir() else file.name
        try:
            with file.open("rb") as stream:
                data = stream.read(DOCUMENT_MAX + 1)
        except OSError as error:
            if file == path:
                raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
            yield Unread(name, f"cannot be read: {error.strerror}")
            continue
        yield from _opened(name, data, TOTAL_MAX)


def _opened(name: str, data: bytes, room: int) -> Iterator[Document | Unread]:
    try:
        data = _decompressed(data)
    except (OSError, EOFError, lzma.LZMAError, zlib.error, zstandard.ZstdError, ValueError) as error:
        yield Unread(name, f"cannot be decompressed: {str(error)[:200]}")
        return
    if len(data) > DOCUMENT_MAX:
        yield Unread(name, f"larger than {DOCUMENT_MAX >> 20} MB")
    elif data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield from _members(name, _zip_members(data), room)
    elif data[257:262] == b"ustar":
        yield from _members(name, _tar_members(data), room)
    else:
        yield Document(name, data)


def _decompressed(data: bytes) -> bytes:
    for magic, opened in _COMPRESSIONS.items():
        if data.startswith(magic):
            with opened(io.BytesIO(data)) as stream:
                return bytes(stream.read(DOCUMENT_MAX + 1))
    return data


_COMPRESSIONS: Mapping[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda packed: gzip.GzipFile(fileobj=packed),
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"BZh": bz2.BZ2File,
    b"\x28\xb5\x2f\xfd": lambda packed: zstandard.ZstdDecompressor(max_window_size=WINDOW_MAX).stream_reader(
        packed, read_across_frames=True
    ),
}


def _members(name: str, members: Iterator[tuple[str, bytes]], room: int) -> Iterator[Document | Unread]:
    try:
        for count, (member, data) in enumerate(members):
            room -= len(data)
            if room < 0 or count >= MEMBERS_MAX:
                yield Unread(name, f"holds more than {TOTAL_MAX >> 30} GB or {MEMBERS_MAX:,} files; the rest was not read")
                return
            place = f"{name}!{member}"
            yield Document(place, data) if len(data) <= DOCUMENT_MAX else Unread(place, f"larger than {DOCUMENT_MAX >> 20} MB")
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError, ValueError, RuntimeError) as error:
        # RuntimeError is what zipfile raises for a member under a password, NotImplementedError (its child) for a method it does not know.
        yield Unread(name, f"the archive cannot be read to its end: {str(error)[:200]}")


def _zip_members(data: bytes) -> Iterator[tuple[str, bytes]]:
    if data.count(_ZIP_ENTRY) > MEMBERS_MAX:  # all of them would be held at once
        raise ValueError(f"it holds more than {MEMBERS_MAX:,} files")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            if not entry.is_dir():
                with archive.open(entry) as stream:
                    yield entry.filename, stream.read(DOCUMENT_MAX + 1)


def _tar_members(data: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for entry in archive:
            stream = archive.extractfile(entry) if entry.isfile() else None
            if stream is not None:
                yield entry.name, stream.read(DOCUMENT_MAX + 1)

"""RPM databases, read as files: the header blobs of all installed packages, out of each of the three forms.

Not the headers themselves (`rpm_headers`). Rules: pages, slots and chains are bounded, so that a loop ends; what is broken raises
ProtocolError after the blobs that stand before it.

| file | form |
|---|---|
| rpmdb.sqlite | SQLite: table Packages, column blob; opened in memory, its schema not trusted |
| Packages.db | ndb (rpm, lib/backend/ndb/rpmpkg.c), little endian: slots `Slot`, index, block, blocks; `BlbS`, index, generation, size |
| Packages | Berkeley DB hash (dbinc/db_page.h): pages of pairs; a value that is long lies in a chain of overflow pages |

Berkeley DB, a page: at 16 the next page of a chain, 20 entries, 22 (in a chain) bytes that it holds, 25 its type, 26 offsets of the items,
which are laid from the page's end. An item: type 1, then data; or type 3, at 4 the first page of a chain, at 8 its size. The magic at 12 of
the first page tells the order of bytes, at 20 stands the size of pages.
"""

from __future__ import annotations

import re
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing

from plumbline.collect.firmware.rpm_headers import STORE_MAX
from plumbline.model.errors import ProtocolError

PLACE = re.compile(r"/(?:var/lib|usr/lib/sysimage|usr/share)/rpm/(Packages(?:\.db)?|rpmdb\.sqlite)")
DATABASE_MAX = 128 << 20
BLOBS_MAX = 100_000
_STEPS_MAX = 2_000  # of 10,000 instructions each, which SQLite may take
_NDB_MAGIC, _SLOT, _BLOB = b"RpmP", b"Slot", b"BlbS"
_HASH_MAGIC = 0x061561
_HASH_PAGES, _OVERFLOW_PAGE, _HERE, _ELSEWHERE = (2, 13), 7, 1, 3
_HEADER_MIN = 64  # bytes: a package's header is never as small; the database's own counter is


def blobs(data: bytes) -> Iterator[bytes]:
    """Yield the header blobs of a database; raises ProtocolError, after those that could be read."""
    for count, blob in enumerate(_blobs(data)):
        if count == BLOBS_MAX:
            raise ProtocolError(f"more than {BLOBS_MAX:,} packages")
        yield blob


def _blobs(data: bytes) -> Iterator[bytes]:
    if data.startswith(b"SQLite format 3\0"):
        return _sqlite(data)
    if data.startswith(_NDB_MAGIC):
        return _ndb(data)
    for order in "<>":
        if len(data) >= 512 and struct.unpack_from(f"{order}I", data, 12)[0] == _HASH_MAGIC:
            return _Hash(data, order).values()
    raise ProtocolError("an RPM database of no known form")


def _sqlite(data: bytes) -> Iterator[bytes]:
    steps = iter(range(_STEPS_MAX))
    try:
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(data[:18] + b"\1\1" + data[20:])  # in memory there is no write-ahead log, which rpm's databases have
            database.execute("pragma trusted_schema = off")
            database.execute("pragma cell_size_check = on")
            database.set_progress_handler(lambda: next(steps, None) is None, 10_000)
            if not database.execute("select 1 from sqlite_master where type = 'table' and name = 'Packages'").fetchone():
                raise ProtocolError("an SQLite database without a table Packages")
            for (blob,) in database.execute("select blob from Packages where typeof(blob) = 'blob'"):
                yield blob
    except (sqlite3.Error, OverflowError, UnicodeError) as error:  # its messages quote the file
        raise ProtocolError(f"not an SQLite database: {error}") from error


def _ndb(data: bytes) -> Iterator[bytes]:
    _, _version, _generation, pages = struct.unpack_from("<4I", data.ljust(16, b"\0"))
    end = min(pages * 4096, len(data))
    if not 0 < pages <= DATABASE_MAX // 4096 or end < 4096:
        raise ProtocolError(f"an ndb database with {pages} pages of slots in {len(data)} bytes")
    for at in range(32, end, 16):
        magic, index, block, blocks = struct.unpack_from("<4s3I", data, at)
        if magic != _SLOT:
            raise ProtocolError("a slot that is none", offset=at)
        if index == 0:
            continue
        head = data[block * 16 : block * 16 + 16].ljust(16, b"\0")
        start, own, _generation, size = struct.unpack("<4s3I", head)
        if start != _BLOB or own != index or size > blocks * 16 or block * 16 + 16 + size > len(data):
            raise ProtocolError(f"package {index} is not where its slot says", offset=at)
        yield data[block * 16 + 16 : block * 16 + 16 + size]


class _Hash:
    def __init__(self, data: bytes, order: str) -> None:
        self._data = data
        self._order = order
        (self._size,) = self._read("I", 20)
        if self._size < 512 or self._size > 65536 or self._size & (self._size - 1):
            raise ProtocolError(f"pages of {self._size} bytes", offset=20)
        self._left = 2 * (len(data) // self._size)  # pages that chains may take: each once, and some slack for none

    def _read(self, form: str, at: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(self._order + form, self._data, at)
        except struct.error as error:
            raise ProtocolError("a page that is cut off", offset=at) from error

    def values(self) -> Iterator[bytes]:
        """Yield the values of all pairs that may be headers."""
        for start in range(self._size, len(self._data) - self._size + 1, self._size):
            if self._data[start + 25] not in _HASH_PAGES:
                continue
            (entries,) = self._read("H", start + 20)
            if 26 + 2 * entries > self._size:
                raise ProtocolError(f"{entries} entries in a page of {self._size} bytes", offset=start)
            items = self._read(f"{entries}H", start + 26)
            for key, at in zip(items[::2], items[1::2], strict=False):
                value = self._value(start, at, key)
                if len(value) >= _HEADER_MIN:
                    yield value

    def _value(self, start: int, at: int, end: int) -> bytes:
        """Give the item at an offset of a page; it ends where the one before it begins."""
        if not 26 <= at < end <= self._size:
            raise ProtocolError(f"an item from {at} to {end} in a page of {self._size} bytes", offset=start)
        kind = self._data[start + at]
        if kind == _ELSEWHERE and end - at >= 12:
            return self._chain(*self._read("2I", start + at + 4))
        return self._data[start + at + 1 : start + end] if kind == _HERE else b""

    def _chain(self, page: int, size: int) -> bytes:
        if size > min(STORE_MAX, len(self._data)):
            raise ProtocolError(f"a value of {size} bytes in a database of {len(self._data)}")
        pieces, left = [], size
        while left > 0:
            self._left -= 1
            start = page * self._size
            if self._left < 0 or not 0 < start <= len(self._data) - self._size or self._data[start + 25] != _OVERFLOW_PAGE:
                raise ProtocolError(f"page {page} is no part of a value")
            (here,) = self._read("H", start + 22)
            if not 0 < here <= self._size - 26:
                raise ProtocolError(f"{here} bytes in a page of {self._size}", offset=start)
            pieces.append(self._data[start + 26 : start + 26 + here][:left])
            left -= len(pieces[-1])
            (page,) = self._read("I", start + 16)
        return b"".join(pieces)

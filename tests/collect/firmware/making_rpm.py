"""Writers of RPM headers and of the three forms of RPM databases, so that the tests can make hostile ones too."""

from __future__ import annotations

import sqlite3
import struct

INT32, STRING, STRINGS, LANGUAGES = 4, 6, 8, 9
Value = int | str | list[str]


def header(tags: dict[int, Value]) -> bytes:
    """Write a header of the given tags."""
    index, store = b"", b""
    for tag, value in sorted(tags.items()):
        if isinstance(value, int):
            store += bytes(-len(store) % 4)
            index += struct.pack(">4I", tag, INT32, len(store), 1)
            store += struct.pack(">I", value)
        else:
            texts = [value] if isinstance(value, str) else value
            index += struct.pack(">4I", tag, STRING if isinstance(value, str) else STRINGS, len(store), len(texts))
            store += b"".join(text.encode() + b"\0" for text in texts)
    return struct.pack(">2I", len(tags), len(store)) + index + store


def package(name: str, version: str = "1.2.3", release: str = "4.el9", **more: Value) -> bytes:
    """Write the header of a package; `more` by the names below."""
    tags = {"epoch": 1003, "vendor": 1011, "arch": 1022, "source": 1044, "changes": 1082}
    return header({1000: name, 1001: version, 1002: release, **{tags[key]: value for key, value in more.items()}})


def in_sqlite(blobs: list[bytes]) -> bytes:
    """Write rpmdb.sqlite."""
    database = sqlite3.connect(":memory:")
    database.execute("create table Packages (hnum integer primary key autoincrement, blob blob not null)")
    database.executemany("insert into Packages (blob) values (?)", [(blob,) for blob in blobs])
    database.commit()
    return bytes(database.serialize())


def in_ndb(blobs: list[bytes]) -> bytes:
    """Write Packages.db: one page of slots, then the blobs."""
    slots, data, block = b"", b"", 4096 // 16
    for number, blob in enumerate(blobs, 1):
        body = struct.pack("<4s3I", b"BlbS", number, 1, len(blob)) + blob
        body += bytes(-len(body) % 16)
        slots += struct.pack("<4s3I", b"Slot", number, block, len(body) // 16)
        data += body
        block += len(body) // 16
    free = struct.pack("<4s3I", b"Slot", 0, 0, 0)
    head = struct.pack("<4s7I", b"RpmP", 0, 1, 1, 0, 0, 0, 0)
    page = head + slots
    return page + free * ((4096 - len(page)) // 16) + data


def in_hash(blobs: list[bytes], order: str = "<", page: int = 512) -> bytes:
    """Write Packages: a page of meta data, one of pairs, and a chain of pages for each value that does not fit."""
    meta = bytearray(page)
    struct.pack_into(f"{order}2I", meta, 12, 0x061561, 9)
    struct.pack_into(f"{order}I", meta, 20, page)
    pairs, chains, number = bytearray(page), b"", 2
    items, end = [], page
    for key, blob in enumerate(blobs, 1):
        end -= 5
        pairs[end : end + 5] = b"\x01" + struct.pack("<I", key)
        items.append(end)
        end -= 12
        pairs[end : end + 12] = struct.pack(f"{order}B3x2I", 3, number, len(blob))
        items.append(end)
        pieces = [blob[at : at + page - 26] for at in range(0, len(blob), page - 26)]
        for at, piece in enumerate(pieces):
            one = bytearray(page)
            struct.pack_into(f"{order}I", one, 16, number + 1 if at + 1 < len(pieces) else 0)
            struct.pack_into(f"{order}H", one, 22, len(piece))
            one[25] = 7
            one[26 : 26 + len(piece)] = piece
            chains += bytes(one)
            number += 1
    struct.pack_into(f"{order}H", pairs, 20, len(items))
    pairs[25] = 13
    struct.pack_into(f"{order}{len(items)}H", pairs, 26, *items)
    return bytes(meta) + bytes(pairs) + chains

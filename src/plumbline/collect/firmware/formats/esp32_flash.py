"""The whole flash of an ESP32: its partition table tells where boot loader, applications and data stand.

Rules: the table is believed when every entry can be true; a partition that runs over the end of the dump is cut there. That an entry is
marked as encrypted takes effect only on a chip with flash encryption, and is shown as a fact, no more.

All numbers are little endian (ESP-IDF, Partition Tables; components/partition_table/gen_esp32part.py).

| entry offset | size | field |
|---|---|---|
| 0 | 2 | magic aa 50; eb eb: MD5 of the entries before, at 16 |
| 2 | 1 | type: 0 application, 1 data |
| 3 | 1 | subtype |
| 4 | 4 | offset in flash |
| 8 | 4 | size |
| 12 | 16 | name |
| 28 | 4 | flags: bit 0 encrypted, bit 1 read only |
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from plumbline.collect.firmware.format import Format, Header, Opened, Part
from plumbline.collect.firmware.said import text_of
from plumbline.collect.firmware.source import Budget, Source

MAGIC = b"\xaa\x50"
ENTRY = 32
TABLE_SIZE = 0xC00
TABLES_AT = tuple(range(0x8000, 0x10000, 0x1000))  # 0x8000 by default; CONFIG_PARTITION_TABLE_OFFSET
LOADERS_AT = (0x0, 0x1000, 0x2000)
_BLANK = b"\xff" * ENTRY
_DATA = {
    0: "ota", 1: "phy", 2: "nvs", 3: "coredump", 4: "nvs-keys", 5: "efuse", 6: "undefined", 0x80: "esphttpd", 0x81: "fat", 0x82: "spiffs",
    0x83: "littlefs",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    kind: str
    offset: int
    size: int
    encrypted: bool


def _read_table(source: Source, at: int) -> tuple[list[_Entry], bool | None] | None:
    """Read the table at an offset; gives the entries, and whether their MD5 holds. None where none can be true."""
    table = source.some(at, TABLE_SIZE)
    entries: list[_Entry] = []
    for place in range(0, len(table) - ENTRY + 1, ENTRY):
        raw = table[place : place + ENTRY]
        if raw == _BLANK:
            return (entries, None) if entries else None
        if raw[:2] == b"\xeb\xeb":
            return (entries, hashlib.md5(table[:place], usedforsecurity=False).digest() == raw[16:]) if entries else None
        magic, kind, subtype, offset, size, name, flags = struct.unpack("<2sBBII16sI", raw)
        shown = text_of(name)
        if magic != MAGIC or 1 < kind < 0x40 or not shown or not size or offset % 0x1000 or offset + size > 1 << 28:
            return None
        entries.append(_Entry(shown, _kind(kind, subtype), offset, size, bool(flags & 1)))
    return None


def _kind(kind: int, subtype: int) -> str:
    if kind == 0:
        return "factory" if subtype == 0 else f"ota-{subtype - 0x10}" if 0x10 <= subtype < 0x20 else "test" if subtype == 0x20 else "app"
    return _DATA.get(subtype, f"data-{subtype:#04x}") if kind == 1 else f"custom-{kind:#04x}"


def _find(source: Source) -> tuple[int, list[_Entry], bool | None] | None:
    for at in TABLES_AT:
        found = _read_table(source, at) if source.some(at, 2) == MAGIC else None
        if found is not None:
            return at, *found
    return None


def _recognises(source: Source) -> bool:
    found = _find(source)
    return found is not None and all(entry.offset > found[0] for entry in found[1])


def _open(source: Source, budget: Budget) -> Opened:
    found = _find(source)
    at, entries, held = found if found else (0, [], None)
    budget.pay(TABLE_SIZE)
    loader = next((place for place in LOADERS_AT if source.some(place, 1) == b"\xe9"), None)
    parts = [Part("bootloader", source.slice(loader, at - loader), "bootloader")] if loader is not None and loader < at else []
    problems: list[str] = []
    facts = {"partition_table": f"{at:#x}"}
    for entry in entries:
        words = [entry.kind, f"{entry.offset:#x}", f"{entry.size} bytes"] + (["marked encrypted"] if entry.encrypted else [])
        facts[f"partition.{entry.name}"] = " ".join(words)
        if entry.offset >= source.size:
            problems.append(f"partition {entry.name} lies beyond the dump")
            continue
        if entry.offset + entry.size > source.size:
            problems.append(f"partition {entry.name} is cut off")
        role = "firmware" if entry.kind.startswith(("factory", "ota-", "test", "app")) else entry.kind
        parts.append(Part(entry.name, source.slice(entry.offset, min(entry.size, source.size - entry.offset)), role))
    if held is False:
        problems.append("the MD5 of its partition table does not hold")
    header = Header(checksum=held, facts=facts)
    return Opened(header, tuple(parts), problems=tuple(problems))


_MAGICS = tuple((at, MAGIC + bytes([kind])) for at in TABLES_AT for kind in (0, 1))
FORMAT = Format("esp32_flash", "ESP32 flash", _MAGICS, _recognises, _open)

"""UF2: blocks of 512 bytes, each with an address of flash, one series for each family of chips.

Rules: every block must be one; blocks that are marked as no flash content, and files in containers, are counted and not read.

All numbers are little endian (Microsoft, UF2 specification, "File Format" and "Extension tags").

| offset | size | field | | flag | meaning |
|---|---|---|---|---|---|
| 0 | 4 | magic 0x0a324655 | | 0x1 | not for flash |
| 4 | 4 | magic 0x9e5d5157 | | 0x1000 | a file, whose name follows the data |
| 8 | 4 | flags | | 0x2000 | family id stands at 28 |
| 12 | 4 | address | | 0x4000 | MD5 at the end of the data |
| 16 | 4 | size of the data, at most 476 | | 0x8000 | extension tags after the data |
| 20 | 4 | number of the block | | | |
| 24 | 4 | count of blocks in the series | | tag | size u8, type u24, value, padded to 4 |
| 28 | 4 | family id | | 0x9fc7bc | version, text |
| 32 | 476 | data | | 0x650d9d | device, text |
| 508 | 4 | magic 0x0ab16f30 | | | |
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from plumbline.collect.firmware.addresses import Piece, parts
from plumbline.collect.firmware.format import Format, Header, Opened, Part
from plumbline.collect.firmware.said import text_of
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

MAGIC = b"UF2\n\x57\x51\x5d\x9e"
END_MAGIC = b"\x30\x6f\xb1\x0a"
BLOCK = 512
DATA_MAX = 476
FAMILIES_MAX = 16
_NOT_FLASH, _FILE, _FAMILY, _TAGS = 0x1, 0x1000, 0x2000, 0x8000
_FAMILIES = {
    0xE48BFF56: "RP2040", 0xE48BFF57: "RP2350 absolute", 0xE48BFF59: "RP2350 Arm secure", 0xE48BFF5A: "RP2350 RISC-V",
    0xE48BFF5B: "RP2350 Arm non-secure", 0x68ED2B88: "SAMD21", 0x55114460: "SAMD51", 0x1B57745F: "nRF52", 0xADA52840: "nRF52840",
    0x57755A57: "STM32F4", 0x647824B6: "STM32F0", 0x5EE21072: "STM32F1", 0x53B80F00: "STM32F7", 0x6DB66082: "STM32H7",
    0x70D16653: "STM32WB", 0xBFDD4EEE: "ESP32-S2", 0xC47E5767: "ESP32-S3", 0xD42BA06C: "ESP32-C3", 0x540DDF62: "ESP32-C6",
    0x1C5F21B0: "ESP32", 0x7EAB61ED: "ESP8266", 0x4FB2D5BD: "i.MX RT10xx",
}  # fmt: skip


class _Blocks:
    """The blocks from a source's start on; `end` is the offset of what is none any more."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.end = 0
        self.families: dict[int | None, list[Piece]] = {}
        self.left_out = 0
        self.tags: dict[int, str] = {}

    def read(self) -> None:
        """Read them all; raises ProtocolError for one that cannot be."""
        for at, block in self._each():
            flags, address, size, number, count, family = struct.unpack_from("<6I", block, 8)
            if size > DATA_MAX or number >= count:
                raise ProtocolError(f"UF2 block {number} of {count} with {size} bytes", offset=at)
            if flags & _TAGS:
                self._tags(block[32 + size : 508])
            if flags & (_NOT_FLASH | _FILE):
                self.left_out += 1
                continue
            pieces = self.families.setdefault(family if flags & _FAMILY else None, [])
            if len(self.families) > FAMILIES_MAX:
                raise ProtocolError(f"more than {FAMILIES_MAX} families in one UF2", offset=at)
            pieces.append(Piece(address, size, at + 32))

    def _each(self) -> Iterator[tuple[int, bytes]]:
        for start in range(0, self._source.size, 1 << 20):
            window = self._source.some(start, 1 << 20)
            for at in range(0, len(window) - BLOCK + 1, BLOCK):
                block = window[at : at + BLOCK]
                if block[:8] != MAGIC or block[508:] != END_MAGIC:
                    return
                self.end = start + at + BLOCK
                yield start + at, block

    def _tags(self, raw: bytes) -> None:
        at = 0
        while at + 4 <= len(raw) and raw[at] >= 4:
            kind = int.from_bytes(raw[at + 1 : at + 4], "little")
            text = text_of(raw[at + 4 : at + raw[at]], 128)
            if kind in (0x9FC7BC, 0x650D9D) and text:
                self.tags.setdefault(kind, text)
            at += raw[at] + -raw[at] % 4


def _recognises(source: Source) -> bool:
    head = source.some(0, BLOCK)
    return len(head) == BLOCK and head[508:] == END_MAGIC and int.from_bytes(head[16:20], "little") <= DATA_MAX


def _open(source: Source, budget: Budget) -> Opened:
    blocks = _Blocks(source)
    budget.pay(source.size)
    blocks.read()
    found: list[Part] = []
    names: list[str] = []
    for family, pieces in blocks.families.items():
        name = _FAMILIES.get(family, f"{family:#010x}") if family is not None else ""
        names += [name] if name else []
        found += parts(pieces, source, f"{name} " if len(blocks.families) > 1 and name else "")
    facts = {"blocks": str(blocks.end // BLOCK)}
    if blocks.left_out:
        facts["blocks_left_out"] = str(blocks.left_out)
    header = Header(version=blocks.tags.get(0x9FC7BC), product=blocks.tags.get(0x650D9D), hardware=tuple(names), facts=facts)
    problems = (f"{blocks.left_out} blocks that are no flash content were not read",) if blocks.left_out else ()
    return Opened(header, tuple(found), size=blocks.end, problems=problems)


FORMAT = Format("uf2", "UF2", ((0, MAGIC),), _recognises, _open, embedded=True)

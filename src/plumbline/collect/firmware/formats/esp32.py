"""Espressif's application and boot loader images: segments of memory, a description of the application, digest and signatures.

Rules: checksum, digest and signatures are computed anew. A Secure Boot v2 block brings its own public key, so that a signature that holds
shows that the image is whole and not who signed it. The images of the ESP8266, which have a shorter header, are not told.

All numbers are little endian (ESP-IDF, components/bootloader_support/include/esp_app_format.h, esp_app_desc.h; Application Image Format).

| header offset | size | field | | description, at the first segment's data | size | field |
|---|---|---|---|---|---|---|
| 0 | 1 | magic 0xe9 | | 0 | 4 | magic 0xabcd5432 |
| 1 | 1 | segments, at most 16 | | 4 | 4 | secure version |
| 2, 3 | 1+1 | flash: mode; size and speed | | 16 | 32 | version |
| 4 | 4 | entry point | | 48 | 32 | project |
| 8 | 4 | pins | | 80, 96 | 16+16 | time, date of the build |
| 12 | 2 | chip | | 112 | 32 | version of ESP-IDF |
| 14 | 1+2+2 | revisions of the chip | | 144 | 32 | SHA-256 of the ELF file |
| 23 | 1 | 1: SHA-256 follows | | | | |
| 24 | 8 + n | segments: address, size, data | | | | |
| then | | zeros, and the checksum as the last byte of 16: 0xef xor every byte of the segments; then the SHA-256 | | | | |

Signature blocks stand in the next sector of 4096 bytes, at most three (Secure Boot v2, "Signature Block Format").

| offset | size | RSA-3072 | | offset | size | ECDSA |
|---|---|---|---|---|---|---|
| 0 | 1+1 | magic 0xe7, version 2 | | 0 | 1+1+1 | magic 0xe7, version 3, 1: SHA-384 |
| 4 | 32 | SHA-256 of what stands before the sector | | 4 | 32 or 48 | digest |
| 36 | 384 | modulus | | then | 1 | curve: 1 P-192, 2 P-256, 3 P-384 |
| 420 | 4 | exponent | | then | 64 or 96 | point: x, y |
| 812 | 384 | PSS signature | | then | 64 or 96 | signature: r, s |
| 1196 | 4 | CRC-32 of all before | | 1196 | 4 | CRC-32 |
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from plumbline.collect.firmware.digests import digest
from plumbline.collect.firmware.format import HEAD, Format, Header, Opened, Part, Signature
from plumbline.collect.firmware.said import text_of
from plumbline.collect.firmware.signing import described, holds, point_key, rsa_key
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

MAGIC = b"\xe9"
HEADER_SIZE = 24
SEGMENTS_MAX = 16
SECTOR = 4096
BLOCK = 1216
BLOCKS_MAX = 3
_DESCRIPTION = b"\x32\x54\xcd\xab"
CHIPS = {
    0: "ESP32", 2: "ESP32-S2", 5: "ESP32-C3", 9: "ESP32-S3", 12: "ESP32-C2", 13: "ESP32-C6", 16: "ESP32-H2", 18: "ESP32-P4",
    20: "ESP32-C61", 23: "ESP32-C5", 25: "ESP32-H21", 28: "ESP32-H4", 31: "ESP32-E22", 32: "ESP32-S31",
}  # fmt: skip
_XTENSA = ("ESP32", "ESP32-S2", "ESP32-S3")  # all others are RISC-V
_CURVES: dict[int, ec.EllipticCurve] = {1: ec.SECP192R1(), 2: ec.SECP256R1(), 3: ec.SECP384R1()}
_COVERS = "the whole image; checked with the key that the image brings itself"


@dataclass(frozen=True, slots=True)
class _Image:
    """What stands in the header, and where the segments' data lie, as (address, offset, size)."""

    chip: str
    entry: int
    segments: tuple[tuple[int, int, int], ...]
    checksum_at: int
    has_digest: bool

    @property
    def end(self) -> int:
        """Where the image ends, its digest included."""
        return self.checksum_at + 1 + (32 if self.has_digest else 0)


def _read_head(source: Source) -> tuple[int, str, int, bool]:
    """Read the header: count of segments, chip, entry point, whether a digest follows. Raises ProtocolError."""
    magic, count, mode, _flash, entry, _pins, chip, _least, _, _, reserved, hashed = struct.unpack(
        "<BBBBI4sHBHH4sB", source.read(0, HEADER_SIZE)
    )
    if magic != MAGIC[0] or not 0 < count <= SEGMENTS_MAX or mode > 5 or chip not in CHIPS or hashed > 1 or reserved != bytes(4):
        raise ProtocolError("no header of an ESP32 image", offset=0)
    return count, CHIPS[chip], entry, hashed == 1


def _read_image(source: Source) -> _Image:
    """Read header and segments; raises ProtocolError."""
    count, chip, entry, hashed = _read_head(source)
    at = HEADER_SIZE
    segments: list[tuple[int, int, int]] = []
    for _ in range(count):
        address, size = struct.unpack("<II", source.read(at, 8))
        segments.append((address, at + 8, size))
        at += 8 + size
        if at > source.size or size % 4:
            raise ProtocolError(f"segment of {size} bytes", offset=at - size - 4)
    image = _Image(chip, entry, tuple(segments), at | 15, hashed)
    if image.end > source.size:
        raise ProtocolError(f"ESP32 image of {image.end} bytes in {source.size}")
    return image


def _recognises(source: Source) -> bool:
    try:
        if source.size == HEAD:  # only its beginning is looked at
            return _read_head(source)[0] > 0 and int.from_bytes(source.read(HEADER_SIZE + 4, 4), "little") % 4 == 0
        return _read_image(source).end > 0
    except ProtocolError:
        return False


def _open(source: Source, budget: Budget) -> Opened:
    image = _read_image(source)
    budget.pay(HEADER_SIZE)
    data = [source.slice(offset, size) for _, offset, size in image.segments]
    held = {"checksum": _checksum(data) == source.read(image.checksum_at, 1)[0]}
    if image.has_digest:
        held["sha256"] = digest(source.slice(0, image.end - 32), "sha256") == source.read(image.end - 32, 32)
    signatures, end = _signatures(source, image.end)
    said = data[0].some(0, 256)
    header = Header(
        hardware=(image.chip,),
        architecture="xtensa" if image.chip in _XTENSA else "riscv",
        checksum=all(held.values()),
        facts={"entry": f"{image.entry:#x}", "segments": str(len(data)), "appended_digest": "yes" if image.has_digest else "no"},
    )
    if said.startswith(_DESCRIPTION) and len(said) == 256:
        header = _described(header, said)
    parts = tuple(Part(f"segment-{number}", part, "memory") for number, part in enumerate(data) if part.size)
    problems = tuple(f"its {what} does not hold" for what, one in held.items() if not one)
    return Opened(header, parts, signatures=signatures, size=end, problems=problems)


def _described(header: Header, said: bytes) -> Header:
    """Add what the application says of itself."""
    words = {"idf_version": said[112:144], "built": said[96:112].rstrip(b"\0") + b" " + said[80:96].rstrip(b"\0")}
    facts = {name: text for name, raw in words.items() if (text := text_of(raw))} | {"elf_sha256": said[144:176].hex()}
    return replace(
        header,
        version=text_of(said[16:48]),
        product=text_of(said[48:80]),
        security_version=int.from_bytes(said[4:8], "little"),
        facts={**header.facts, **facts},
    )


def _checksum(parts: list[Source]) -> int:
    """Give 0xef xor every byte, by folding each block in halves."""
    value = 0xEF
    for part in parts:
        for block in part.blocks():
            number, width = int.from_bytes(block, "little"), 1 << max(3, (8 * len(block) - 1).bit_length())
            while width > 8:
                width >>= 1
                number = (number >> width) ^ (number & ((1 << width) - 1))
            value ^= number
    return value


def _signatures(source: Source, end: int) -> tuple[tuple[Signature, ...], int]:
    """Read what follows the image; gives the signatures, and where they end."""
    sector = -(-end // SECTOR) * SECTOR
    blocks = [source.some(sector + BLOCK * number, BLOCK) for number in range(BLOCKS_MAX)]
    valid = [each for each in blocks if _is_block(each)]
    if valid:
        signed = source.slice(0, sector)
        return tuple(_signature(each, signed) for each in valid), min(sector + SECTOR, source.size)
    rest = source.some(end, 69)
    if len(rest) == 68 and rest[:4] == bytes(4) and len(set(rest[4:])) > 8:  # Secure Boot v1: version 0, then r and s
        return (Signature("esp-secure-boot-v1", "ecdsa", 256, "sha256", "the whole image"),), end + 68
    return (), end


def _is_block(block: bytes) -> bool:
    return (
        len(block) == BLOCK
        and block[0] == 0xE7
        and block[1] in (2, 3)
        and zlib.crc32(block[:1196]) == int.from_bytes(block[1196:1200], "little")
    )


def _signature(block: bytes, signed: Source) -> Signature:
    """Read one block and try it."""
    algorithm = "rsa" if block[1] == 2 else "ecdsa"
    name = "sha384" if block[1] == 3 and block[2] == 1 else "sha256"
    said = block[4 : 4 + (48 if name == "sha384" else 32)]
    try:
        public, signature = _rsa(block) if algorithm == "rsa" else _ecdsa(block, 4 + len(said))
    except ProtocolError:
        return Signature("esp-secure-boot-v2", algorithm, None, name, "the whole image")
    key = described(public)
    made = digest(signed, name)
    verified = holds(public, signature, made, name, pss=algorithm == "rsa") if made == said else False
    return Signature("esp-secure-boot-v2", algorithm, key.bits, name, _COVERS, key.sha256, verified)


def _rsa(block: bytes) -> tuple[Any, bytes]:
    modulus, exponent = int.from_bytes(block[36:420], "little"), int.from_bytes(block[420:424], "little")
    return rsa_key(modulus, exponent), block[812:1196][::-1]


def _ecdsa(block: bytes, at: int) -> tuple[Any, bytes]:
    curve = _CURVES.get(block[at])
    if curve is None:
        raise ProtocolError(f"curve {block[at]}", offset=at)
    room, width = (96 if block[at] == 3 else 64), curve.key_size // 8
    point, signature = block[at + 1 : at + 1 + room], block[at + 1 + room : at + 1 + 2 * room]
    x, y, r, s = (int.from_bytes(raw[half : half + width], "little") for raw in (point, signature) for half in (0, width))
    return point_key(x, y, curve), encode_dss_signature(r, s)


FORMAT = Format("esp32", "ESP32 image", ((0, MAGIC),), _recognises, _open)

"""Gecko boot loader files (GBL 3) of Silicon Labs: what most Zigbee and Thread devices are updated with, alone or in an OTA file.

Rules: the CRC is computed anew; the signature is told and not tried, for its key lies in the chip; what is encrypted is not looked into.

All numbers are little endian (Silicon Labs UG489, "GBL File Format"; platform/bootloader, btl_gbl_format.h).

| tag | size | data | | tag | data |
|---|---|---|---|---|---|
| 0 | 4 | tag | | 0x5ea617eb | upgrade of the secure engine |
| 4 | 4 | length | | 0xfe0101fe, 0xfd0303fd | program: address u32, data |
| 0x03a617eb | 8 | version 0x03000000, type | | 0xfd0505fd, 0xfd0707fd | program: lz4, LZMA |
| 0xf40a0af4 | 28 | application: type, version, | | 0xfb0505fb, 0xf90707f9 | encryption: header, data |
| | | capabilities, product of 16 bytes | | 0xf70a0af7 | ECDSA P-256 signature: r, s |
| 0xf50909f5 | | boot loader: version, address, data | | 0xf30b0bf3 | certificate |
| 0xf60808f6 | | metadata | | 0xfc0404fc | end: CRC-32 of all before |

Type: bit 0 encrypted with AES-CCM, bit 8 signed with ECDSA.
"""

from __future__ import annotations

import struct

from plumbline.collect.firmware.digests import crc32
from plumbline.collect.firmware.format import Format, Header, Opened, Part, Signature
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

MAGIC = b"\xeb\x17\xa6\x03\x08\0\0\0\0\0\0\x03"
TAGS_MAX = 4096
PARTS_MAX = 64
_RESIDUE = 0x2144DF1C  # the CRC-32 of anything with its own CRC-32 behind it
_APPLICATION, _LOADER, _SIGNATURE, _CERTIFICATE, _END = 0xF40A0AF4, 0xF50909F5, 0xF70A0AF7, 0xF30B0BF3, 0xFC0404FC
_ENCRYPTED = 0xF90707F9
_NAMES = {
    _APPLICATION: "application", _LOADER: "bootloader", 0xF60808F6: "metadata", 0xFE0101FE: "program", 0xFD0303FD: "erase-program",
    0xFD0505FD: "program-lz4", 0xFD0707FD: "program-lzma", 0x5EA617EB: "secure-engine", 0x76A617EB: "version-dependency",
    0xFB0505FB: "encryption-header", 0xFA0606FA: "encryption-init", _ENCRYPTED: "encrypted", _SIGNATURE: "ecdsa-signature",
    _CERTIFICATE: "ecdsa-certificate",
}  # fmt: skip
_ADDRESSED = {"program": 4, "erase-program": 4, "bootloader": 8, "program-lz4": 0, "program-lzma": 0, "metadata": 0, "encrypted": 0}


def _recognises(source: Source) -> bool:
    return len(kind := source.some(12, 4)) == 4 and not int.from_bytes(kind, "little") & ~0x101


def _open(source: Source, budget: Budget) -> Opened:
    kind = int.from_bytes(source.read(12, 4), "little")
    tags, end = _tags(source)
    budget.pay(8 * len(tags))
    whole = crc32(source.slice(0, end)) == _RESIDUE
    facts = {"tags": " ".join(dict.fromkeys(_NAMES.get(tag, f"{tag:#010x}") for tag, _ in tags))}
    version = product = None
    for tag, data in tags:
        if tag == _APPLICATION and data.size >= 28:
            version = str(int.from_bytes(data.read(4, 4), "little"))
            identifier = data.read(12, 16)
            product = identifier.hex() if identifier.strip(b"\0") else None
        elif tag == _LOADER and data.size >= 8:
            facts["bootloader_version"] = f"{int.from_bytes(data.read(0, 4), 'little'):#010x}"
    encrypted = bool(kind & 1) or any(tag == _ENCRYPTED for tag, _ in tags)
    signatures = tuple(
        Signature("gbl", "ecdsa", 256, "sha256", "the file up to the signature")
        for tag, data in tags
        if tag == _SIGNATURE and data.size == 64
    )
    problems = [] if whole else ["its CRC does not hold"]
    if kind & 0x100 and not signatures:
        problems.append("it says that it is signed, and is not")
    header = Header(version=version, product=product, vendor="Silicon Labs", checksum=whole, encrypted=encrypted, facts=facts)
    return Opened(header, _parts(tags), signatures=signatures, size=end, problems=tuple(problems))


def _tags(source: Source) -> tuple[list[tuple[int, Source]], int]:
    """Read tag and place of each, the end left out; gives them, and where they end. Raises ProtocolError."""
    found: list[tuple[int, Source]] = []
    at = 16
    while len(found) < TAGS_MAX:
        tag, length = struct.unpack("<II", source.read(at, 8))
        data = source.slice(at + 8, length)
        at += 8 + length
        if tag == _END:
            return found, at
        found.append((tag, data))
    raise ProtocolError(f"more than {TAGS_MAX} tags", offset=at)


def _parts(tags: list[tuple[int, Source]]) -> tuple[Part, ...]:
    """Give what holds code or data, as far as that stands open."""
    parts: list[Part] = []
    for tag, data in tags:
        skipped = _ADDRESSED.get(_NAMES.get(tag, ""))
        if skipped is not None and data.size > skipped and len(parts) < PARTS_MAX:
            parts.append(Part(f"{_NAMES[tag]}-{len(parts)}", data.slice(skipped), "firmware"))
    return tuple(parts)


FORMAT = Format("gbl", "Gecko boot loader file", ((0, MAGIC),), _recognises, _open, embedded=True)

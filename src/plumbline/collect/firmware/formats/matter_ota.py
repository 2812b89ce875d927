"""Matter OTA images: a fixed header, a header in Matter TLV, and the vendor's payload.

Rules: the digest is computed anew; the format knows no signature, so none is told: what the payload carries is the vendor's.

All numbers are little endian (Matter Core Specification 1.0, 11.20; TLV: appendix A).

| offset | size | field | | tag | header |
|---|---|---|---|---|---|
| 0 | 4 | identifier 0x1beef11e | | 0, 1 | vendor, product: u16 |
| 4 | 8 | size of the file | | 2, 3 | software version: u32, text |
| 12 | 4 | size of the header | | 4 | size of the payload |
| 16 | | header: a structure without a name | | 5, 6 | least and greatest version that it applies to |
| | | payload | | 7 | URL of release notes |
| | | | | 8, 9 | digest: algorithm (IANA Named Information), bytes |

TLV control byte (A.7): bits 7-5 tag (0 none, 1 one byte), bits 4-0 type: 0x00-0x07 integers of 1, 2, 4, 8 bytes, signed, then not;
0x08, 0x09 false, true; 0x0c-0x0f text, 0x10-0x13 bytes, their length of 1, 2, 4, 8 bytes; 0x15 structure; 0x18 its end.
"""

from __future__ import annotations

import struct

from plumbline.collect.firmware.digests import digest_of
from plumbline.collect.firmware.format import Format, Header, Opened, Part
from plumbline.collect.firmware.said import shown
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError
from plumbline.protocols.reader import Reader

MAGIC = b"\x1e\xf1\xee\x1b"
FIXED_SIZE = 16
HEADER_MAX = 4096
FIELDS_MAX = 64
_STRUCTURE, _END = 0x15, 0x18
_DIGESTS = {  # name, and how many bytes of it are kept
    1: ("sha256", 32), 2: ("sha256", 16), 3: ("sha256", 15), 4: ("sha256", 12), 5: ("sha256", 8), 6: ("sha256", 4), 7: ("sha384", 48),
    8: ("sha512", 64), 9: ("sha3_224", 28), 10: ("sha3_256", 32), 11: ("sha3_384", 48), 12: ("sha3_512", 64),
}  # fmt: skip

Fields = dict[int, int | str | bytes | None]


def _recognises(source: Source) -> bool:
    head = source.some(0, FIXED_SIZE + 1)
    if len(head) <= FIXED_SIZE:
        return False
    _, total, size = struct.unpack_from("<IQI", head)
    return 0 < size <= HEADER_MAX and FIXED_SIZE + size <= total < 1 << 40 and head[FIXED_SIZE] == _STRUCTURE


def _open(source: Source, budget: Budget) -> Opened:
    _, total, size = struct.unpack("<IQI", source.read(0, FIXED_SIZE))
    if size > HEADER_MAX or not FIXED_SIZE + size <= total <= source.size:
        raise ProtocolError(f"Matter OTA image of {total} bytes with a header of {size}, in {source.size}")
    budget.pay(size)
    fields = read_fields(source.read(FIXED_SIZE, size))
    payload = source.slice(FIXED_SIZE + size, total - FIXED_SIZE - size)
    held, problems = _digest(fields, payload)
    declared = fields.get(4)
    if isinstance(declared, int) and declared != payload.size:
        problems.append(f"a payload of {payload.size} bytes, of which {declared} are told")
        held = False
    numbers = {"vendor_id": 0, "product_id": 1, "software_version": 2, "least_version": 5, "greatest_version": 6, "digest_algorithm": 8}
    facts = {name: str(fields[tag]) for name, tag in numbers.items() if isinstance(fields.get(tag), int)}
    if url := _text(fields, 7):
        facts["release_notes"] = url
    header = Header(
        version=_text(fields, 3) or facts.get("software_version"),
        product=facts.get("product_id"),
        vendor=facts.get("vendor_id"),
        checksum=held,
        facts=facts,
    )
    return Opened(header, (Part("payload", payload, "firmware"),), size=total, problems=tuple(problems))


def read_fields(data: bytes) -> Fields:
    """Read the structure of the header into its fields by tag; raises ProtocolError for what such a header never has."""
    reader = Reader(data)
    if reader.u8("control byte") != _STRUCTURE:
        raise ProtocolError("a Matter OTA header is no structure", offset=0)
    fields: Fields = {}
    while (control := reader.u8("control byte")) != _END:
        if control >> 5 != 1 or len(fields) >= FIELDS_MAX:
            raise ProtocolError(f"control byte {control:#04x}, or too many fields", offset=reader.offset)
        tag = reader.u8("tag")
        if tag in fields:
            raise ProtocolError(f"field {tag} stands twice", offset=reader.offset)
        fields[tag] = _value(reader, control & 0x1F)
    reader.finish("Matter OTA header")
    return fields


def _value(reader: Reader, kind: int) -> int | str | bytes | None:
    width = 1 << (kind & 3)
    if kind <= 0x07:
        return int.from_bytes(reader.take(width, "integer"), "little", signed=kind < 4)
    if kind in (0x08, 0x09):
        return kind & 1
    if 0x0C <= kind <= 0x13:
        raw = reader.take(int.from_bytes(reader.take(width, "length"), "little"), "value")
        return raw if kind >= 0x10 else raw.decode("utf-8", "replace")
    if kind == 0x14:
        return None
    raise ProtocolError(f"a value of type {kind:#04x}", offset=reader.offset)


def _text(fields: Fields, tag: int) -> str | None:
    value = fields.get(tag)
    return shown(value) if isinstance(value, str) else None


def _digest(fields: Fields, payload: Source) -> tuple[bool | None, list[str]]:
    kind, said = fields.get(8), fields.get(9)
    if not isinstance(kind, int) or not isinstance(said, bytes):
        return None, ["it carries no digest"]
    if kind not in _DIGESTS:
        return None, [f"digest algorithm {kind} is not known"]
    name, size = _DIGESTS[kind]
    held = digest_of(payload.blocks(), name)[:size] == said
    return held, [] if held else ["its digest does not hold"]


FORMAT = Format("matter_ota", "Matter OTA image", ((0, MAGIC),), _recognises, _open, embedded=True)

"""Zigbee OTA upgrade files: header, then elements: image, ECDSA signature and certificate, integrity code.

Rules: the file's own sizes must agree. A signature is told and not tried: its key comes out of the certificate only together with that of
the certificate's issuer (SEC 4), which is no part of the file. The integrity code (an AES hash) is told and not computed.

All numbers are little endian (Zigbee Cluster Library, 07-5123, chapter 11).

| offset | size | field (11.4.2) | | element | size | field (11.4.3) |
|---|---|---|---|---|---|---|
| 0 | 4 | identifier 0x0beef11e | | 0 | 2 | tag |
| 4 | 2 | version of the header 0x0100 | | 2 | 4 | length |
| 6 | 2 | length of the header | | 6 | length | data |
| 8 | 2 | fields: 1 credential, 2 device, 4 hardware | | | | |
| 10 | 2 | manufacturer | | tag | | (11.4.4) |
| 12 | 2 | image type | | 0x0000 | | upgrade image |
| 14 | 4 | version of the file | | 0x0001, 0x0005 | 50, 80 | signer's address, 8; ECDSA signature |
| 18 | 2 | stack | | 0x0002, 0x0006 | 48, 74 | implicit certificate |
| 20 | 32 | text | | 0x0003 | 16 | integrity code |
| 52 | 4 | size of the file | | 0x0004 | | picture |
| 56 | 0, 1 | security credential | | 0xf000- | | manufacturer's own |
| | 0, 8 | device it is for | | | | |
| | 0, 4 | least and greatest hardware version, u16 | | | | |
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from plumbline.collect.firmware.format import HEAD, Format, Header, Opened, Part, Signature
from plumbline.collect.firmware.said import text_of
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

MAGIC = b"\x1e\xf1\xee\x0b"
HEADER_SIZE = 56
HEADER_MAX = 512
ELEMENTS_MAX = 64
_HEADER = struct.Struct("<IHHHHHIH32sI")
_STACKS = {0: "Zigbee 2006", 1: "Zigbee 2007", 2: "Zigbee PRO", 3: "Zigbee IP"}
_CREDENTIALS = {0: "SE 1.0", 1: "SE 1.1", 2: "SE 2.0", 3: "SE 1.2"}
_TYPES = {0xFFC0: "client security credentials", 0xFFC1: "client configuration", 0xFFC2: "server log", 0xFFC3: "picture"}
_TAGS = {
    0x0000: "image", 0x0001: "ecdsa-signature", 0x0002: "ecdsa-certificate", 0x0003: "integrity-code", 0x0004: "picture",
    0x0005: "ecdsa-signature-2", 0x0006: "ecdsa-certificate-2",
}  # fmt: skip
_SIGNATURES = {0x0001: 163, 0x0005: 283}  # bits of the curves sect163k1 and sect283k1 of the two suites
_TELINK_AES = 0xF000  # Telink's SDK: an image that it encrypts, behind two bytes of its own
_TELINK = 0x1141


@dataclass(frozen=True, slots=True)
class _File:
    """What stands in the header."""

    header_size: int
    fields: int
    manufacturer: int
    image_type: int
    version: int
    stack: int
    text: bytes
    size: int


def _read_header(source: Source) -> _File:
    """Read the fixed part; raises ProtocolError."""
    magic, version, length, *rest = _HEADER.unpack(source.read(0, HEADER_SIZE))
    file = _File(length, *rest)
    wanted = HEADER_SIZE + (1 if file.fields & 1 else 0) + (8 if file.fields & 2 else 0) + (4 if file.fields & 4 else 0)
    if magic != int.from_bytes(MAGIC, "little") or version != 0x0100:
        raise ProtocolError(f"no Zigbee OTA header of version 1.0, but {version:#06x}", offset=4)
    if not wanted <= length <= HEADER_MAX or length >= file.size:
        raise ProtocolError(f"Zigbee OTA header of {length} bytes in a file of {file.size}")
    return file


def _recognises(source: Source) -> bool:
    try:
        return _read_header(source).size <= source.size or source.size == HEAD
    except ProtocolError:
        return False


def _open(source: Source, budget: Budget) -> Opened:
    file = _read_header(source)
    budget.pay(file.header_size)
    parts: list[Part] = []
    signatures: list[Signature] = []
    elements: list[str] = []
    encrypted = False
    for tag, data in _elements(source, file):
        elements.append(f"{_TAGS.get(tag, f'{tag:#06x}')} {data.size}")
        if tag in _SIGNATURES:
            covers = "the file up to the signature"
            signatures.append(Signature("zigbee-ecdsa", "ecdsa", _SIGNATURES[tag], "mmo", covers))
        elif tag == _TELINK_AES and file.manufacturer == _TELINK:
            encrypted = True
            parts.append(Part("image", data.slice(min(2, data.size)), "firmware"))
        elif tag in (0x0000, 0x0004) or tag >= 0xF000:
            parts.append(Part(_TAGS.get(tag, f"element-{tag:#06x}"), data, "firmware" if tag != 0x0004 else None))
    facts = {
        "manufacturer_code": str(file.manufacturer),
        "image_type": str(file.image_type),
        "file_version": f"{file.version:#010x}",
        "stack": _STACKS.get(file.stack, f"{file.stack:#06x}"),
        "elements": ", ".join(elements)[:512],
        **_optional(source, file),
    }
    hardware = (f"{facts['hardware_least']} to {facts['hardware_greatest']}",) if "hardware_least" in facts else ()
    header = Header(
        version=str(file.version),
        product=_TYPES.get(file.image_type, f"{file.image_type:#06x}"),
        vendor=f"{file.manufacturer:#06x}",
        hardware=hardware,
        name=text_of(file.text),
        encrypted=encrypted,
        facts=facts,
    )
    return Opened(header, tuple(parts), signatures=tuple(signatures), size=file.size)


def _elements(source: Source, file: _File) -> list[tuple[int, Source]]:
    """Read tag and place of each element; raises ProtocolError."""
    found: list[tuple[int, Source]] = []
    whole, at = source.slice(0, file.size), file.header_size
    while at < file.size:
        if len(found) >= ELEMENTS_MAX:
            raise ProtocolError(f"more than {ELEMENTS_MAX} elements", offset=at)
        tag, length = struct.unpack("<HI", whole.read(at, 6))
        found.append((tag, whole.slice(at + 6, length)))
        at += 6 + length
    return found


def _optional(source: Source, file: _File) -> dict[str, str]:
    """Read the fields that a header need not have."""
    facts: dict[str, str] = {}
    at = HEADER_SIZE
    if file.fields & 1:
        credential = source.read(at, 1)[0]
        facts["security_credential"] = _CREDENTIALS.get(credential, str(credential))
        at += 1
    if file.fields & 2:
        facts["for_one_device"] = "yes"
        at += 8
    if file.fields & 4:
        least, greatest = struct.unpack("<HH", source.read(at, 4))
        facts |= {"hardware_least": str(least), "hardware_greatest": str(greatest)}
    return facts


FORMAT = Format("zigbee_ota", "Zigbee OTA file", ((0, MAGIC),), _recognises, _open, embedded=True)

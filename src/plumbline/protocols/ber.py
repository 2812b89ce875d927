"""The part of BER that SNMP uses: tag, definite length, value (ITU-T X.690; RFC 3417 section 8).

Not here: any message. Tags have one byte (numbers up to 30); lengths are definite and have at most four bytes more.
Longer forms than needed are read, because agents send lengths and integers padded to a fixed width.

    offset  size    field                                                      X.690
    0       1       identifier: class (2 bits), constructed (1), number (5)    8.1.2
    1       1       length 0 to 127, or 0x80 + n                               8.1.3.4
    2       n       length, big-endian, n of 1 to 4                            8.1.3.5
    ...     length  value
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from plumbline.model.errors import ProtocolError
from plumbline.protocols.reader import Reader

INTEGER = 0x02
OCTET_STRING = 0x04
NULL = 0x05
OBJECT_IDENTIFIER = 0x06
SEQUENCE = 0x30

MAX_SUBIDENTIFIERS = 128  # RFC 2578, 3.5
_MAX_INTEGER_BYTES = 9  # an unsigned 64-bit number with its sign byte


@dataclass(frozen=True, slots=True)
class Value:
    """One decoded tag with a reader over its value; nothing inside is read yet."""

    tag: int
    body: Reader
    offset: int


def encode(tag: int, body: bytes) -> bytes:
    """Encode one tag, length and value."""
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def encode_integer(value: int, tag: int = INTEGER) -> bytes:
    """Encode a signed integer in the fewest bytes (8.3)."""
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return encode(tag, value.to_bytes(size, "big", signed=True))


def encode_sequence(*parts: bytes, tag: int = SEQUENCE) -> bytes:
    """Encode a constructed value from encoded parts."""
    return encode(tag, b"".join(parts))


def encode_oid(oid: str) -> bytes:
    """Encode a dotted object identifier (8.19); raises ValueError when it is none."""
    numbers = [int(part) for part in oid.split(".")]
    if len(numbers) < 2 or min(numbers) < 0 or numbers[0] > 2 or (numbers[0] < 2 and numbers[1] > 39):
        raise ValueError(f"not an object identifier: {oid}")
    return encode(OBJECT_IDENTIFIER, b"".join(map(_subidentifier, (numbers[0] * 40 + numbers[1], *numbers[2:]))))


def _subidentifier(number: int) -> bytes:
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))


def read(reader: Reader) -> Value:
    """Read one tag and length and step over its value; raises ProtocolError."""
    offset = reader.offset
    tag = reader.u8("BER tag")
    if tag & 0x1F == 0x1F:
        raise ProtocolError("a BER tag of several bytes", offset=offset)
    length = reader.u8("BER length")
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4:
            raise ProtocolError(f"a BER length of {size} bytes", offset=offset + 1)
        length = int.from_bytes(reader.take(size, "BER length"), "big")
    return Value(tag, reader.part(length, f"BER value of tag {tag:#04x}"), offset)


def expect(reader: Reader, tag: int, what: str) -> Reader:
    """Read a value that must have this tag and return a reader over it; raises ProtocolError."""
    value = read(reader)
    if value.tag != tag:
        raise ProtocolError(f"{what}: tag {value.tag:#04x} instead of {tag:#04x}", offset=value.offset)
    return value.body


def integer(reader: Reader, what: str) -> int:
    """Read an INTEGER; raises ProtocolError."""
    return integer_body(expect(reader, INTEGER, what), what)


def integer_body(body: Reader, what: str) -> int:
    """Read the value of an integer of up to nine bytes, signed; raises ProtocolError."""
    if not 1 <= body.remaining <= _MAX_INTEGER_BYTES:
        raise ProtocolError(f"{what}: an integer of {body.remaining} bytes", offset=body.offset)
    return int.from_bytes(body.rest(), "big", signed=True)


def octets(reader: Reader, what: str) -> bytes:
    """Read an OCTET STRING; raises ProtocolError."""
    return expect(reader, OCTET_STRING, what).rest()


def oid_body(body: Reader) -> str:
    """Read the value of an object identifier as dotted numbers (8.19); raises ProtocolError."""
    numbers: list[int] = []
    while body.remaining:
        number, more = 0, 0x80
        start = body.offset
        while more:
            byte = body.u8("object identifier")
            number, more = number << 7 | byte & 0x7F, byte & 0x80
            if number > 0xFFFFFFFF or (more and number == 0):
                raise ProtocolError("a sub-identifier beyond 32 bits or padded", offset=start)
        numbers.append(number)
        if len(numbers) > MAX_SUBIDENTIFIERS:
            raise ProtocolError(f"an object identifier of more than {MAX_SUBIDENTIFIERS} numbers", offset=start)
    if not numbers:
        raise ProtocolError("an empty object identifier", offset=body.offset)
    first = min(numbers[0] // 40, 2)
    return _dotted((first, numbers[0] - 40 * first, *numbers[1:]))


def _dotted(numbers: Iterable[int]) -> str:
    return ".".join(map(str, numbers))

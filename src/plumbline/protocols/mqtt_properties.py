"""Properties of MQTT 5.0 packets (OASIS MQTT 5.0, clause 2.2.2), and the field types that every packet shares (clause 1.5).

Not here: the packets; they are in `mqtt`.

    property list:  variable byte integer   length of what follows, bytes      2.2.2.1
                    repeated: identifier (variable byte integer), value        2.2.2.2

    type     wire                                                              clause
    byte     1 byte                                                            1.5.1
    two      2 bytes, big-endian                                               1.5.2
    four     4 bytes, big-endian                                               1.5.3
    text     two + UTF-8, well-formed, without U+0000                          1.5.4
    var      1 to 4 bytes of 7 bits, least significant first, shortest form    1.5.5
    binary   two + bytes                                                       1.5.6
    pair     text, text                                                        1.5.7

Rules: a property that its packet may not carry, or that stands twice where once is allowed, is a ProtocolError
(2.2.2.2). Binary values (authentication and correlation data) are counted, not kept: the value is their length in bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from plumbline.model.errors import ProtocolError
from plumbline.protocols.reader import Reader

MAX_VARIABLE = 268_435_455  # clause 1.5.5
MAX_PROPERTIES = 256  # more user properties than any device sends; bounds the events' size


class PacketType(IntEnum):
    """MQTT control packet types (2.1.2)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


WILL = 16  # not a packet: the will inside CONNECT has a property list of its own (3.1.3.2)


class Kind(StrEnum):
    """Types of values, as in the table above."""

    BYTE = "byte"
    TWO = "two"
    FOUR = "four"
    TEXT = "text"
    VAR = "var"
    BINARY = "binary"
    PAIR = "pair"


class PropertyId(IntEnum):
    """Property identifiers (table 2-4)."""

    PAYLOAD_FORMAT_INDICATOR = 0x01
    MESSAGE_EXPIRY_INTERVAL = 0x02
    CONTENT_TYPE = 0x03
    RESPONSE_TOPIC = 0x08
    CORRELATION_DATA = 0x09
    SUBSCRIPTION_IDENTIFIER = 0x0B
    SESSION_EXPIRY_INTERVAL = 0x11
    ASSIGNED_CLIENT_IDENTIFIER = 0x12
    SERVER_KEEP_ALIVE = 0x13
    AUTHENTICATION_METHOD = 0x15
    AUTHENTICATION_DATA = 0x16
    REQUEST_PROBLEM_INFORMATION = 0x17
    WILL_DELAY_INTERVAL = 0x18
    REQUEST_RESPONSE_INFORMATION = 0x19
    RESPONSE_INFORMATION = 0x1A
    SERVER_REFERENCE = 0x1C
    REASON_STRING = 0x1F
    RECEIVE_MAXIMUM = 0x21
    TOPIC_ALIAS_MAXIMUM = 0x22
    TOPIC_ALIAS = 0x23
    MAXIMUM_QOS = 0x24
    RETAIN_AVAILABLE = 0x25
    USER_PROPERTY = 0x26
    MAXIMUM_PACKET_SIZE = 0x27
    WILDCARD_SUBSCRIPTION_AVAILABLE = 0x28
    SUBSCRIPTION_IDENTIFIER_AVAILABLE = 0x29
    SHARED_SUBSCRIPTION_AVAILABLE = 0x2A


_P = PacketType
_MESSAGE = frozenset({_P.PUBLISH, WILL})
_ANY = frozenset({*PacketType, WILL}) - {_P.PINGREQ, _P.PINGRESP}
_ANSWERS = frozenset(
    {_P.CONNACK, _P.PUBACK, _P.PUBREC, _P.PUBREL, _P.PUBCOMP, _P.SUBACK, _P.UNSUBACK, _P.DISCONNECT, _P.AUTH},
)
_RULES: dict[PropertyId, tuple[Kind, frozenset[int]]] = {
    PropertyId.PAYLOAD_FORMAT_INDICATOR: (Kind.BYTE, _MESSAGE),
    PropertyId.MESSAGE_EXPIRY_INTERVAL: (Kind.FOUR, _MESSAGE),
    PropertyId.CONTENT_TYPE: (Kind.TEXT, _MESSAGE),
    PropertyId.RESPONSE_TOPIC: (Kind.TEXT, _MESSAGE),
    PropertyId.CORRELATION_DATA: (Kind.BINARY, _MESSAGE),
    PropertyId.SUBSCRIPTION_IDENTIFIER: (Kind.VAR, frozenset({_P.PUBLISH, _P.SUBSCRIBE})),
    PropertyId.SESSION_EXPIRY_INTERVAL: (Kind.FOUR, frozenset({_P.CONNECT, _P.CONNACK, _P.DISCONNECT})),
    PropertyId.ASSIGNED_CLIENT_IDENTIFIER: (Kind.TEXT, frozenset({_P.CONNACK})),
    PropertyId.SERVER_KEEP_ALIVE: (Kind.TWO, frozenset({_P.CONNACK})),
    PropertyId.AUTHENTICATION_METHOD: (Kind.TEXT, frozenset({_P.CONNECT, _P.CONNACK, _P.AUTH})),
    PropertyId.AUTHENTICATION_DATA: (Kind.BINARY, frozenset({_P.CONNECT, _P.CONNACK, _P.AUTH})),
    PropertyId.REQUEST_PROBLEM_INFORMATION: (Kind.BYTE, frozenset({_P.CONNECT})),
    PropertyId.WILL_DELAY_INTERVAL: (Kind.FOUR, frozenset({WILL})),
    PropertyId.REQUEST_RESPONSE_INFORMATION: (Kind.BYTE, frozenset({_P.CONNECT})),
    PropertyId.RESPONSE_INFORMATION: (Kind.TEXT, frozenset({_P.CONNACK})),
    PropertyId.SERVER_REFERENCE: (Kind.TEXT, frozenset({_P.CONNACK, _P.DISCONNECT})),
    PropertyId.REASON_STRING: (Kind.TEXT, _ANSWERS),
    PropertyId.RECEIVE_MAXIMUM: (Kind.TWO, frozenset({_P.CONNECT, _P.CONNACK})),
    PropertyId.TOPIC_ALIAS_MAXIMUM: (Kind.TWO, frozenset({_P.CONNECT, _P.CONNACK})),
    PropertyId.TOPIC_ALIAS: (Kind.TWO, frozenset({_P.PUBLISH})),
    PropertyId.MAXIMUM_QOS: (Kind.BYTE, frozenset({_P.CONNACK})),
    PropertyId.RETAIN_AVAILABLE: (Kind.BYTE, frozenset({_P.CONNACK})),
    PropertyId.USER_PROPERTY: (Kind.PAIR, _ANY),
    PropertyId.MAXIMUM_PACKET_SIZE: (Kind.FOUR, frozenset({_P.CONNECT, _P.CONNACK})),
    PropertyId.WILDCARD_SUBSCRIPTION_AVAILABLE: (Kind.BYTE, frozenset({_P.CONNACK})),
    PropertyId.SUBSCRIPTION_IDENTIFIER_AVAILABLE: (Kind.BYTE, frozenset({_P.CONNACK})),
    PropertyId.SHARED_SUBSCRIPTION_AVAILABLE: (Kind.BYTE, frozenset({_P.CONNACK})),
}


@dataclass(frozen=True, slots=True)
class Property:
    """One property; the value is a number, a text, a pair of texts, or for binary data its length in bytes."""

    id: PropertyId
    value: int | str | tuple[str, str]


@dataclass(frozen=True, slots=True)
class Properties:
    """A property list in the order of the wire."""

    items: tuple[Property, ...] = ()

    def number(self, id_: PropertyId) -> int | None:
        """Return the first such property's number (for binary data: its length in bytes), None when absent."""
        return next((item.value for item in self.items if item.id is id_ and isinstance(item.value, int)), None)

    def text(self, id_: PropertyId) -> str | None:
        """Return the first such property's text, None when absent."""
        return next((item.value for item in self.items if item.id is id_ and isinstance(item.value, str)), None)

    @property
    def user(self) -> tuple[tuple[str, str], ...]:
        """User properties, names and values, in order."""
        return tuple(item.value for item in self.items if isinstance(item.value, tuple))


NO_PROPERTIES = Properties()


def encode_variable(value: int) -> bytes:
    """Encode a variable byte integer (1.5.5); raises ValueError outside 0 to 268,435,455."""
    if not 0 <= value <= MAX_VARIABLE:
        raise ValueError(f"not a variable byte integer: {value}")
    encoded = bytearray()
    while True:
        value, low = divmod(value, 128)
        encoded.append(low | (0x80 if value else 0))
        if not value:
            return bytes(encoded)


def encode_text(value: str | bytes) -> bytes:
    """Encode UTF-8 text or binary data with its two length bytes; raises ValueError above 65,535 bytes."""
    data = value.encode() if isinstance(value, str) else value
    if len(data) > 0xFFFF:
        raise ValueError(f"{len(data)} bytes do not fit a 16-bit length")
    return len(data).to_bytes(2, "big") + data


def encode_properties(items: Iterable[Property]) -> bytes:
    """Encode a property list with its length. A binary property needs a value of bytes, which are not kept: ValueError."""
    body = bytearray()
    for item in items:
        kind = _RULES[item.id][0]
        body.append(item.id)
        if isinstance(item.value, tuple):
            body += encode_text(item.value[0]) + encode_text(item.value[1])
        elif isinstance(item.value, str):
            body += encode_text(item.value)
        elif kind is Kind.VAR:
            body += encode_variable(item.value)
        elif kind is Kind.BINARY:
            raise ValueError(f"{item.id.name} was counted, not kept")
        else:
            body += item.value.to_bytes({Kind.BYTE: 1, Kind.TWO: 2, Kind.FOUR: 4}[kind], "big")
    return encode_variable(len(body)) + body


def read_variable(reader: Reader) -> int:
    """Read a variable byte integer (1.5.5); raises ProtocolError above four bytes or when a shorter form exists."""
    value = 0
    for position in range(4):
        byte = reader.u8("variable byte integer")
        value |= (byte & 0x7F) << 7 * position
        if not byte & 0x80:
            if position and not byte:
                raise ProtocolError("variable byte integer is not in its shortest form", offset=reader.offset)
            return value
    raise ProtocolError("variable byte integer of more than four bytes", offset=reader.offset)


def read_binary(reader: Reader, what: str) -> bytes:
    """Read binary data (1.5.6)."""
    return reader.take(reader.u16(what), what)


def read_text(reader: Reader, what: str) -> str:
    """Read a UTF-8 string (1.5.4); raises ProtocolError when it is not well-formed or holds U+0000."""
    data = read_binary(reader, what)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError(f"{what} is not UTF-8", offset=reader.offset - len(data) + error.start) from error
    if "\0" in text:
        raise ProtocolError(f"{what} holds U+0000", offset=reader.offset - len(data))
    return text


def read_properties(reader: Reader, packet: int) -> Properties:
    """Read a property list of a packet of type `packet` (or `WILL`); raises ProtocolError."""
    inner = reader.part(read_variable(reader), "properties")
    items: list[Property] = []
    seen: set[PropertyId] = set()
    while inner.remaining:
        if len(items) == MAX_PROPERTIES:
            raise ProtocolError(f"more than {MAX_PROPERTIES} properties", offset=inner.offset)
        item = _read_property(inner, packet)
        repeatable = item.id is PropertyId.USER_PROPERTY or (item.id is PropertyId.SUBSCRIPTION_IDENTIFIER and packet == PacketType.PUBLISH)
        if item.id in seen and not repeatable:
            raise ProtocolError(f"{item.id.name} stands twice", offset=inner.offset)
        seen.add(item.id)
        items.append(item)
    return Properties(tuple(items))


def _read_property(reader: Reader, packet: int) -> Property:
    number = read_variable(reader)
    try:
        id_ = PropertyId(number)
    except ValueError as error:
        raise ProtocolError(f"unknown property {number:#x}", offset=reader.offset) from error
    kind, packets = _RULES[id_]
    if packet not in packets:
        raise ProtocolError(f"{id_.name} in a packet of type {packet}", offset=reader.offset)
    value: int | str | tuple[str, str]
    match kind:
        case Kind.BYTE:
            value = reader.u8(id_.name)
        case Kind.TWO:
            value = reader.u16(id_.name)
        case Kind.FOUR:
            value = reader.u32(id_.name)
        case Kind.VAR:
            value = read_variable(reader)
        case Kind.TEXT:
            value = read_text(reader, id_.name)
        case Kind.BINARY:
            value = len(read_binary(reader, id_.name))
        case Kind.PAIR:
            value = (read_text(reader, "user property name"), read_text(reader, "user property value"))
    return Property(id_, value)

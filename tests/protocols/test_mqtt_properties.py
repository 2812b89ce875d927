"""MQTT 5.0 properties and field types, at the borders of their ranges."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.mqtt_properties import (
    MAX_PROPERTIES,
    MAX_VARIABLE,
    WILL,
    PacketType,
    Properties,
    Property,
    PropertyId,
    encode_properties,
    encode_variable,
    read_properties,
    read_variable,
)
from plumbline.protocols.reader import Reader
from tests.protocols.fuzzing import FuzzTarget

# Table 1-1 of clause 1.5.5: the first and last number of each size.
VARIABLES = [
    (0, "00"),
    (127, "7f"),
    (128, "80 01"),
    (16_383, "ff 7f"),
    (16_384, "80 80 01"),
    (2_097_151, "ff ff 7f"),
    (2_097_152, "80 80 80 01"),
    (268_435_455, "ff ff ff 7f"),
]


@pytest.mark.parametrize(("value", "wire"), VARIABLES)
def test_variable_byte_integers(value: int, wire: str) -> None:
    assert encode_variable(value) == bytes.fromhex(wire)
    assert read_variable(Reader(bytes.fromhex(wire))) == value


@pytest.mark.parametrize("wire", ["", "80", "80 80 80", "80 80 80 80 01", "80 00", "ff 80 00"])
def test_broken_variable_byte_integers(wire: str) -> None:
    with pytest.raises(ProtocolError):
        read_variable(Reader(bytes.fromhex(wire)))


@pytest.mark.parametrize("value", [-1, MAX_VARIABLE + 1])
def test_numbers_beyond_four_bytes(value: int) -> None:
    with pytest.raises(ValueError, match="variable byte integer"):
        encode_variable(value)


LISTS: list[tuple[str, int, str, tuple[Property, ...]]] = [
    ("none", PacketType.CONNACK, "00", ()),
    ("a byte", PacketType.CONNACK, "02 2a 01", (Property(PropertyId.SHARED_SUBSCRIPTION_AVAILABLE, 1),)),
    ("two bytes", PacketType.CONNACK, "03 13 0102", (Property(PropertyId.SERVER_KEEP_ALIVE, 0x0102),)),
    ("four bytes", PacketType.CONNACK, "05 27 00010000", (Property(PropertyId.MAXIMUM_PACKET_SIZE, 65_536),)),
    ("a variable byte integer", PacketType.SUBSCRIBE, "03 0b ff7f", (Property(PropertyId.SUBSCRIPTION_IDENTIFIER, 16_383),)),
    ("a text", PacketType.SUBACK, "05 1f 0002 c3bc", (Property(PropertyId.REASON_STRING, "ü"),)),
    (
        "two pairs of one name",
        PacketType.CONNECT,
        "0e 26 0001 61 0001 62 26 0001 61 0001 63",
        (Property(PropertyId.USER_PROPERTY, ("a", "b")), Property(PropertyId.USER_PROPERTY, ("a", "c"))),
    ),
    (
        "two subscription identifiers in PUBLISH",
        PacketType.PUBLISH,
        "04 0b 01 0b 02",
        (Property(PropertyId.SUBSCRIPTION_IDENTIFIER, 1), Property(PropertyId.SUBSCRIPTION_IDENTIFIER, 2)),
    ),
    ("a will's delay", WILL, "05 18 00000001", (Property(PropertyId.WILL_DELAY_INTERVAL, 1),)),
]


@pytest.mark.parametrize(("name", "packet", "wire", "items"), LISTS, ids=[case[0] for case in LISTS])
def test_lists(name: str, packet: int, wire: str, items: tuple[Property, ...]) -> None:
    assert read_properties(Reader(bytes.fromhex(wire)), packet) == Properties(items)
    assert encode_properties(items) == bytes.fromhex(wire)


@pytest.mark.parametrize(("name", "packet", "wire", "items"), LISTS, ids=[case[0] for case in LISTS])
def test_every_truncation(name: str, packet: int, wire: str, items: tuple[Property, ...]) -> None:
    data = bytes.fromhex(wire)
    for size in range(len(data)):
        with pytest.raises(ProtocolError):
            read_properties(Reader(data[:size]), packet)


def test_binary_data_is_counted_and_not_kept() -> None:
    read = read_properties(Reader(bytes.fromhex("06 16 0003 010203")), PacketType.AUTH)
    assert read == Properties((Property(PropertyId.AUTHENTICATION_DATA, 3),))
    with pytest.raises(ValueError, match="not kept"):
        encode_properties(read.items)


BROKEN = [
    ("unknown", PacketType.CONNACK, "02 7e 00"),
    ("not of this packet", PacketType.SUBACK, "03 13 0102"),
    ("the same twice", PacketType.CONNACK, "04 2a 01 2a 01"),
    ("a subscription identifier twice in SUBSCRIBE", PacketType.SUBSCRIBE, "04 0b 01 0b 02"),
    ("longer than the packet", PacketType.CONNACK, "09 2a 01"),
    ("a value beyond the list", PacketType.CONNACK, "02 13 01 02"),
    ("a text that is not UTF-8", PacketType.SUBACK, "04 1f 0001 ff"),
]


@pytest.mark.parametrize(("name", "packet", "wire"), BROKEN, ids=[case[0] for case in BROKEN])
def test_broken_rules(name: str, packet: int, wire: str) -> None:
    with pytest.raises(ProtocolError):
        read_properties(Reader(bytes.fromhex(wire)), packet)


def test_the_number_of_properties_is_limited() -> None:
    pair = Property(PropertyId.USER_PROPERTY, ("", ""))
    assert len(read_properties(Reader(encode_properties([pair] * MAX_PROPERTIES)), PacketType.CONNECT).items) == MAX_PROPERTIES
    with pytest.raises(ProtocolError, match="more than"):
        read_properties(Reader(encode_properties([pair] * (MAX_PROPERTIES + 1))), PacketType.CONNECT)


def test_lookups() -> None:
    properties = Properties(
        (
            Property(PropertyId.RECEIVE_MAXIMUM, 5),
            Property(PropertyId.REASON_STRING, "why"),
            Property(PropertyId.USER_PROPERTY, ("a", "b")),
        )
    )
    assert properties.number(PropertyId.RECEIVE_MAXIMUM) == 5
    assert properties.number(PropertyId.MAXIMUM_QOS) is None
    assert properties.text(PropertyId.REASON_STRING) == "why"
    assert properties.text(PropertyId.SERVER_REFERENCE) is None
    assert properties.user == (("a", "b"),)


def round_trip(data: bytes) -> Properties:
    """The first byte says whose list it is; what was read reads the same again."""
    packet = data[0] % 17 if data else 0
    read = read_properties(Reader(data, 1), packet)
    read.number(PropertyId.RECEIVE_MAXIMUM), read.text(PropertyId.REASON_STRING), read.user
    if any(item.id is PropertyId.AUTHENTICATION_DATA for item in read.items):
        with pytest.raises(ValueError, match="not kept"):
            encode_properties(read.items)
    binary = (PropertyId.AUTHENTICATION_DATA, PropertyId.CORRELATION_DATA)
    items = tuple(item for item in read.items if item.id not in binary)
    assert read_properties(Reader(encode_properties(items)), packet).items == items
    return read


MANY = b"\x01" + encode_properties([Property(PropertyId.USER_PROPERTY, ("", ""))] * (MAX_PROPERTIES + 1))
SEEDS = [MANY] + [bytes([packet]) + bytes.fromhex(wire) for _, packet, wire, _ in LISTS] + [bytes.fromhex("0f 06 16 0003 010203")]
FUZZ = [FuzzTarget("mqtt_properties", round_trip, SEEDS)]

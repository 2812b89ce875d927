"""Built-in types of OPC UA Binary, with the examples of Part 6 5.2.2."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.opcua_types import (
    MAX_ARRAY,
    NULL,
    encode_node_id,
    encode_string,
    encode_u32,
    read_array,
    read_bytes,
    read_localized_text,
    read_node_id,
    read_string,
    read_strings,
    skip_diagnostic_info,
    skip_extension_object,
)
from plumbline.protocols.reader import Reader
from tests.protocols.fuzzing import FuzzTarget


def h(text: str) -> bytes:
    return bytes.fromhex(text)


def string(reader: Reader) -> str | None:
    return read_string(reader, "text")


def octets(reader: Reader) -> bytes | None:
    return read_bytes(reader, "bytes")


def strings(reader: Reader) -> tuple[str | None, ...]:
    return read_strings(reader, "texts")


def localized(reader: Reader) -> str | None:
    return read_localized_text(reader, "text")


Read = Callable[[Reader], object]
CASES: list[tuple[str, Read, str, object]] = [
    ("a String (5.2.2.4, figure 8)", string, "06000000 e6b0b4 426f79", "水Boy"),
    ("a null String", string, "ffffffff", None),
    ("an empty String", string, "00000000", ""),
    ("a ByteString", octets, "02000000 0102", b"\x01\x02"),
    ("a null ByteString", octets, "ffffffff", None),
    ("an array of String", strings, "02000000 01000000 61 ffffffff", ("a", None)),
    ("a null array", strings, "ffffffff", ()),
    ("a NodeId of two bytes (figure 10)", read_node_id, "00 48", 72),
    ("a NodeId of four bytes (figure 11), namespace 5", read_node_id, "01 05 0104", None),
    ("a NodeId of four bytes, namespace 0", read_node_id, "01 00 af01", 431),
    ("a numeric NodeId", read_node_id, "02 0000 af010000", 431),
    ("a numeric NodeId of another namespace", read_node_id, "02 0100 af010000", None),
    ("a String NodeId (figure 9)", read_node_id, "03 0100 06000000 486f74e6b0b4", None),
    ("a Guid NodeId", read_node_id, "04 0100 00112233445566778899aabbccddeeff", None),
    ("an opaque NodeId", read_node_id, "05 0100 01000000 00", None),
    ("a LocalizedText", localized, "03 02000000 656e 01000000 61", "a"),
    ("a LocalizedText without locale", localized, "02 01000000 61", "a"),
    ("a LocalizedText without text", localized, "01 02000000 656e", None),
    ("an empty LocalizedText", localized, "00", None),
    ("no ExtensionObject", skip_extension_object, "00 00 00", None),
    ("an ExtensionObject", skip_extension_object, "00 01 01 02000000 0102", None),
    ("an ExtensionObject in XML", skip_extension_object, "00 01 02 ffffffff", None),
    ("no DiagnosticInfo", skip_diagnostic_info, "00", None),
    ("a DiagnosticInfo with everything", skip_diagnostic_info,
     "7f 01000000 02000000 03000000 04000000 01000000 61 00000180 00", None),
]  # fmt: skip
NAMES = [case[0] for case in CASES]


@pytest.mark.parametrize(("name", "read", "wire", "value"), CASES, ids=NAMES)
def test_types(name: str, read: Read, wire: str, value: object) -> None:
    reader = Reader(h(wire))
    assert read(reader) == value
    assert reader.remaining == 0


@pytest.mark.parametrize(("name", "read", "wire", "value"), CASES, ids=NAMES)
def test_every_truncation(name: str, read: Read, wire: str, value: object) -> None:
    data = h(wire)
    for size in range(len(data)):
        with pytest.raises(ProtocolError):
            read(Reader(data[:size]))


BROKEN: list[tuple[str, Read, str]] = [
    ("a length of -2", string, "feffffff"),
    ("a length beyond the data", octets, "ffffff7f 00"),
    ("a String that is not UTF-8", string, "01000000 ff"),
    ("an array of -2", strings, "feffffff"),
    ("an array that is too long", strings, "01040000" + "ffffffff" * 1025),
    ("a NodeId of form 6", read_node_id, "06 00"),
    ("an ExpandedNodeId", read_node_id, "80 00"),
    ("an ExtensionObject of form 3", skip_extension_object, "0000 03"),
    ("a LocalizedText of mask 4", localized, "04"),
    ("DiagnosticInfos without end", skip_diagnostic_info, "40" * 100),
]


@pytest.mark.parametrize(("name", "read", "wire"), BROKEN, ids=[case[0] for case in BROKEN])
def test_broken_rules(name: str, read: Read, wire: str) -> None:
    with pytest.raises(ProtocolError):
        read(Reader(h(wire)))


def test_the_longest_array() -> None:
    assert len(read_array(Reader(encode_u32(MAX_ARRAY) + bytes(MAX_ARRAY)), Reader.u8, "bytes")) == MAX_ARRAY


def test_encoders() -> None:
    assert encode_string("水Boy") == h("06000000 e6b0b4 426f79")
    assert encode_string(None) == NULL == h("ffffffff")
    assert encode_string(b"") == h("00000000")
    assert encode_node_id(72) == h("00 48")
    assert encode_node_id(255) == h("00 ff")
    assert encode_node_id(256) == h("01 00 0001")


READS: tuple[Read, ...] = (string, octets, strings, localized, read_node_id, skip_extension_object, skip_diagnostic_info)


def any_type(data: bytes) -> object:
    """The first byte says which type; what was read and can be encoded reads the same."""
    read = READS[data[0] % len(READS)] if data else string
    value = read(Reader(data, 1))
    if isinstance(value, str):
        assert string(Reader(encode_string(value))) == value
    elif isinstance(value, int):
        if value <= 0xFFFF:
            assert read_node_id(Reader(encode_node_id(value))) == value
    elif value is None:
        assert string(Reader(encode_string(None))) is None
    return value


FUZZ = [FuzzTarget("opcua_types", any_type, [bytes([READS.index(read)]) + h(wire) for _, read, wire, _ in CASES])]

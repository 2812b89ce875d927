"""BER tags, lengths, integers and object identifiers at the borders of their ranges."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols import ber
from plumbline.protocols.reader import Reader
from tests.protocols.fuzzing import FuzzTarget


def h(text: str) -> bytes:
    return bytes.fromhex(text)


INTEGERS = [  # X.690 8.3: two's complement, fewest bytes
    (0, "02 01 00"),
    (127, "02 01 7f"),
    (128, "02 02 0080"),
    (256, "02 02 0100"),
    (-1, "02 01 ff"),
    (-128, "02 01 80"),
    (-129, "02 02 ff7f"),
    (0x7FFFFFFF, "02 04 7fffffff"),
    (0xFFFFFFFF, "02 05 00ffffffff"),
    (0xFFFFFFFFFFFFFFFF, "02 09 00ffffffffffffffff"),
]


@pytest.mark.parametrize(("value", "wire"), INTEGERS)
def test_integers(value: int, wire: str) -> None:
    assert ber.encode_integer(value) == h(wire)
    assert ber.integer(Reader(h(wire)), "number") == value


@pytest.mark.parametrize("wire", ["02 02 0001", "02 81 01 01", "02 84 00000001 01"])
def test_padded_forms_are_read(wire: str) -> None:
    assert ber.integer(Reader(h(wire)), "number") == 1


OIDS = [  # X.690 8.19
    ("1.3.6.1.2.1.1.1.0", "06 08 2b 06 01 02 01 01 01 00"),
    ("2.999.3", "06 03 88 37 03"),
    ("0.0", "06 01 00"),
    ("0.39", "06 01 27"),
    ("1.0", "06 01 28"),
    ("2.0", "06 01 50"),
    ("1.3.6.1.4.1.8072", "06 07 2b 06 01 04 01 bf 08"),
    ("1.3.4294967295", "06 06 2b 8f ff ff ff 7f"),
]


@pytest.mark.parametrize(("oid", "wire"), OIDS)
def test_object_identifiers(oid: str, wire: str) -> None:
    assert ber.encode_oid(oid) == h(wire)
    assert ber.oid_body(ber.expect(Reader(h(wire)), ber.OBJECT_IDENTIFIER, "name")) == oid


@pytest.mark.parametrize("oid", ["", "1", "1.-3", "3.1", "1.40", "a.b"])
def test_what_is_no_object_identifier(oid: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ber.encode_oid(oid)


@pytest.mark.parametrize(("size", "head"), [(0, "30 00"), (127, "30 7f"), (128, "30 81 80"), (256, "30 82 0100"), (70_000, "30 83 011170")])
def test_lengths(size: int, head: str) -> None:
    encoded = ber.encode(ber.SEQUENCE, bytes(size))
    assert encoded == h(head) + bytes(size)
    value = ber.read(Reader(encoded))
    assert (value.tag, value.body.remaining, value.offset) == (ber.SEQUENCE, size, 0)


BROKEN = [
    ("nothing", ""),
    ("a tag alone", "02"),
    ("a tag of several bytes (8.1.2.4)", "1f 81 01 00"),
    ("an indefinite length (8.1.3.6)", "30 80 00 00"),
    ("a length of five bytes", "30 85 0000000001 00"),
    ("the reserved length form (8.1.3.5)", "30 ff 00"),
    ("a length cut", "30 82 01"),
    ("a value cut", "04 05 61"),
]


@pytest.mark.parametrize(("name", "wire"), BROKEN, ids=[case[0] for case in BROKEN])
def test_broken_rules(name: str, wire: str) -> None:
    with pytest.raises(ProtocolError):
        ber.read(Reader(h(wire)))


@pytest.mark.parametrize("wire", ["02 00", "02 0a 00000000000000000000", "04 01 00"], ids=["empty", "ten bytes", "another tag"])
def test_broken_integers(wire: str) -> None:
    with pytest.raises(ProtocolError):
        ber.integer(Reader(h(wire)), "number")


@pytest.mark.parametrize(
    "wire",
    ["06 00", "06 02 2b 80", "06 03 2b 80 01", "06 06 2b 90 80 80 80 00", "06 81 82 2b" + "01" * 129],
    ids=["empty", "cut", "padded", "beyond 32 bits", "too many numbers"],
)
def test_broken_object_identifiers(wire: str) -> None:
    with pytest.raises(ProtocolError):
        ber.oid_body(ber.expect(Reader(h(wire)), ber.OBJECT_IDENTIFIER, "name"))


def test_sequences() -> None:
    encoded = ber.encode_sequence(ber.encode_integer(1), ber.encode(ber.OCTET_STRING, b"ab"), tag=0xA0)
    assert encoded == h("a0 07 02 01 01 04 02 6162")
    inner = ber.expect(Reader(encoded), 0xA0, "PDU")
    assert (ber.integer(inner, "number"), ber.octets(inner, "text"), inner.remaining) == (1, b"ab", 0)


def read_all(data: bytes) -> list[object]:
    """Read values side by side; those that are read encode to what reads the same."""
    reader = Reader(data)
    found: list[object] = []
    while reader.remaining:
        value = ber.read(reader)
        if value.tag == ber.INTEGER:
            number = ber.integer_body(value.body, "number")
            assert ber.integer(Reader(ber.encode_integer(number)), "number") == number
            found.append(number)
        elif value.tag == ber.OBJECT_IDENTIFIER:
            oid = ber.oid_body(value.body)
            assert ber.oid_body(ber.expect(Reader(ber.encode_oid(oid)), ber.OBJECT_IDENTIFIER, "name")) == oid
            found.append(oid)
        else:
            octets = value.body.rest()
            assert ber.octets(Reader(ber.encode(ber.OCTET_STRING, octets)), "octets") == octets
            found.append(octets)
    return found


SEEDS = [h(wire) for _, wire in INTEGERS] + [h(wire) for _, wire in OIDS]
FUZZ = [FuzzTarget("ber", read_all, [*SEEDS, ber.encode(ber.SEQUENCE, bytes(300)), ber.encode(ber.OCTET_STRING, bytes(130))])]

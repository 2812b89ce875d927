"""Reads inside the data give numbers and bytes; reads past its end give ProtocolError."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.reader import Reader
from tests.protocols.fuzzing import FuzzTarget

DATA = bytes.fromhex("80 01 02 03 04 05 06 07")

CASES: list[tuple[str, Callable[[Reader], object], object, int]] = [
    ("one byte", lambda reader: reader.u8(), 0x80, 1),
    ("two bytes, big-endian", lambda reader: reader.u16(), 0x8001, 2),
    ("four bytes, big-endian", lambda reader: reader.u32(), 0x80010203, 4),
    ("two bytes, little-endian", lambda reader: reader.u16_le(), 0x0180, 2),
    ("four bytes, little-endian", lambda reader: reader.u32_le(), 0x03020180, 4),
    ("four bytes, little-endian, signed", lambda reader: (reader.take(1), reader.i32_le())[1], 0x04030201, 5),
    ("a byte string", lambda reader: reader.take(3), DATA[:3], 3),
    ("everything", lambda reader: reader.rest(), DATA, 8),
]


@pytest.mark.parametrize(("name", "read", "value", "offset"), CASES, ids=[case[0] for case in CASES])
def test_reads(name: str, read: Callable[[Reader], object], value: object, offset: int) -> None:
    reader = Reader(DATA)
    assert read(reader) == value
    assert reader.offset == offset


@pytest.mark.parametrize(("name", "read", "value", "offset"), CASES[:-1], ids=[case[0] for case in CASES[:-1]])
def test_a_read_past_the_end_is_an_error_at_its_offset(name: str, read: Callable[[Reader], object], value: object, offset: int) -> None:
    with pytest.raises(ProtocolError):
        read(Reader(DATA, end=offset - 1))


def test_negative_numbers() -> None:
    assert Reader(b"\xff\xff\xff\xff").i32_le() == -1


def test_a_negative_size_is_an_error() -> None:
    with pytest.raises(ProtocolError):
        Reader(DATA).take(-1)


def test_a_part_keeps_the_offsets_of_the_whole() -> None:
    reader = Reader(DATA)
    reader.take(2)
    part = reader.part(3, "part")
    assert (part.remaining, reader.offset) == (3, 5)
    assert part.u8() == DATA[2]
    with pytest.raises(ProtocolError) as caught:
        part.take(3, "too much")
    assert caught.value.offset == 3


def test_leftovers_are_an_error() -> None:
    reader = Reader(DATA)
    with pytest.raises(ProtocolError, match="8 bytes left over at byte 0"):
        reader.finish("message")
    reader.rest()
    reader.finish("message")


def walk(data: bytes) -> int:
    """Let the data say what to read of it."""
    reader = Reader(data)
    while reader.remaining:
        step = reader.u8()
        reads = (reader.u8, reader.u16, reader.u32, reader.u16_le, reader.u32_le, reader.i32_le, reader.rest)
        if step < 128:
            reads[step % len(reads)]()
        else:
            reader.part(step - 192).finish("part")
    return reader.offset


FUZZ = [FuzzTarget("reader", walk, [b"\x00\x01\x01\x02\x03", b"\xc0\x02\x01\x02\x03\x04", b"\x06abc"])]

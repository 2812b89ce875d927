"""The reader of device trees: hostile ones end in a ProtocolError, in bounded time and memory."""

from __future__ import annotations

import struct

import pytest

from plumbline.collect.firmware.devicetree import DEPTH_MAX, NODES_MAX, first_names, looks_right, read_tree
from plumbline.collect.firmware.source import UnsupportedImageError
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.making_devicetree import BOARD, cell, text, tree
from tests.collect.firmware.formats.trying import source_of

# Devicetree Specification 0.4, 5: a tree of a root with one property, by hand.
VECTOR = (
    cell(0xD00DFEED, 0x54, 0x38, 0x50, 0x28, 17, 16, 0, 2, 0x18)
    + bytes(16)
    + cell(1) + b"\0\0\0\0" + cell(3, 0, 0) + cell(2)
    + b"a\0"
    + bytes(2)
)  # fmt: skip


def test_a_tree_by_hand() -> None:
    found = read_tree(source_of(VECTOR))
    assert (found.root.properties, found.root.children, found.size) == ({"a": (0x4C, 0)}, {}, 0x54)


def test_values() -> None:
    found = read_tree(
        source_of(tree({"n": cell(7), "wide": cell(1, 2), "odd": b"abc", "words": text("x", "y"), "in": {"deep": {"v": b"1"}}}))
    )
    root = found.root
    assert (found.number(root, "n"), found.number(root, "wide"), found.number(root, "odd")) == (7, (1 << 32) + 2, None)
    assert found.texts(root, "words") == ["x", "y"] and found.text(root, "none") is None
    deep = found.at("/in/deep")
    assert deep is not None and found.value(deep, "v") == b"1" and found.value(deep, "v", most=0) is None
    assert found.at("/in/none/deep") is None


def patched(at: int, value: int) -> bytes:
    data = bytearray(tree(BOARD))
    struct.pack_into(">I", data, at, value)
    return bytes(data)


def structure(*tokens: bytes) -> bytes:
    body = b"".join(tokens)
    return cell(0xD00DFEED, 56 + len(body) + 2, 56, 56 + len(body), 40, 17, 16, 0, 2, len(body)) + bytes(16) + body + b"a\0"


BEGIN, END = cell(1) + b"n\0\0\0", cell(2)
HOSTILE = {
    "a total beyond the file": patched(4, 1 << 30),
    "a structure beyond the file": patched(8, 1 << 30),
    "strings beyond the file": patched(12, 1 << 30),
    "too many names": patched(32, 1 << 28),
    "deeper than may be": structure(BEGIN * (DEPTH_MAX + 1)),
    "more nodes than may be": structure(BEGIN, *[cell(1) + b"%07d\0" % number + END for number in range(NODES_MAX + 1)], END),
    "a node twice": structure(BEGIN, BEGIN, END, BEGIN, END, END),
    "a property before the root": structure(cell(3, 0, 0), BEGIN, END),
    "a property that runs over": structure(BEGIN, cell(3, 1 << 20, 0), END),
    "a property of no name": structure(BEGIN, cell(3, 0, 99), END),
    "a name without an end": structure(cell(1) + b"n" * 400),
    "a name that is none": structure(cell(1) + b"\x01\xff\0\0", END),
    "a token that is none": structure(BEGIN, cell(7)),
    "no end": structure(BEGIN),
    "nothing": structure(),
    "cut in a token": structure(BEGIN, b"\0\0"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_trees(case: str) -> None:
    with pytest.raises(ProtocolError):
        read_tree(source_of(HOSTILE[case]))
    looks_right(source_of(HOSTILE[case]))
    assert first_names(source_of(HOSTILE[case])) <= {"n", "chosen", "signature", *(f"{number:07}" for number in range(NODES_MAX + 1))}


@pytest.mark.parametrize(("at", "value"), [(20, 3), (24, 18)])
def test_other_versions(at: int, value: int) -> None:
    with pytest.raises(UnsupportedImageError):
        read_tree(source_of(patched(at, value)))


def test_a_large_value_is_not_read() -> None:
    data = tree({"data": bytes(3 << 20), "after": {"x": text("y")}})
    found = read_tree(source_of(data))
    assert found.root.properties["data"][1] == 3 << 20
    assert found.text(found.root.children["after"], "x") == "y"
    assert found.value(found.root, "data") is None  # larger than a value that is wanted may be
    part = found.part(found.root, "data")
    assert part is not None and part.size == 3 << 20

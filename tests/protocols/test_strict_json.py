"""Strict JSON: a value, or a ProtocolError that says where."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols import strict_json
from tests.protocols.fuzzing import FuzzTarget

BROKEN = {
    "cut": ('{"a": ', "line 1 column 7"),
    "not a number": ('{"a": NaN}', "NaN is not JSON"),
    "infinity": ("[-Infinity]", "-Infinity is not JSON"),
    "nested a million deep": ("[" * 1_000_000, "nested too deeply"),
    "objects nested deep": ('{"a":' * 200_000, "nested too deeply"),
    "an integer of ten thousand digits": ("1" * 10_000, "not JSON"),
    "nothing": ("", "line 1 column 1"),
    "two values": ("{}\n{}", "line 2 column 1"),
}


@pytest.mark.parametrize(("text", "says"), BROKEN.values(), ids=BROKEN)
def test_broken(text: str, says: str) -> None:
    with pytest.raises(ProtocolError, match=says):
        strict_json.parse(text)


def test_values() -> None:
    assert strict_json.parse('{"a": [1, 2.5, "x", true, null]}') == {"a": [1, 2.5, "x", True, None]}
    assert strict_json.raw_decode("[1] rest") == ([1], 3)


def test_a_member_twice() -> None:
    text = '{"a": {"b": 1, "c": 2, "b": 3}}'
    assert strict_json.parse(text) == {"a": {"b": 3, "c": 2}}
    with pytest.raises(ProtocolError, match="member 'b' stands twice"):
        strict_json.parse(text, unique=True)


def read(data: bytes) -> object:
    return strict_json.parse(data.decode("utf-8", "replace"))


def read_unique(data: bytes) -> object:
    return strict_json.parse(data.decode("utf-8", "replace"), unique=True)


SEEDS = [b'{"a": [1, 2.5e3, "x\\u00e9", true, null]}', b'[{"b": {}}, -1]', b'"text"', b"0", b'{"a": {"b": 1, "c": 2}, "b": 3}']
FUZZ = [
    FuzzTarget("strict_json", read, SEEDS),
    FuzzTarget("strict_json/unique", read_unique, [*SEEDS, b'{"a": 1, "a": 2}', b'{"a": {"b": 1, "c": 2, "b": 3}}']),
]

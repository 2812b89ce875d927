"""JSON of supplied files: a value or a ProtocolError."""

from __future__ import annotations

import pytest

from plumbline.collect.json_text import parse
from plumbline.model.errors import ProtocolError

BROKEN = {
    "cut": b'{"a": ',
    "not a number": b'{"a": NaN}',
    "infinity": b"[-Infinity]",
    "nested a million deep": b"[" * 1_000_000,
    "objects nested deep": b'{"a":' * 200_000,
    "an integer of ten thousand digits": b"1" * 10_000,
    "not Unicode": b'{"a": "\xff"}',
    "half of UTF-16": b"\xff\xfe{",
    "nothing": b"",
    "two values": b"{} {}",
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken(case: str) -> None:
    with pytest.raises(ProtocolError):
        parse(BROKEN[case])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_shells_leave_behind(encoding: str) -> None:
    assert parse('{"a": "é"}'.encode(encoding)) == {"a": "é"}

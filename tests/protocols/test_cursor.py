"""The cursor that binary codecs read with."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.cursor import Cursor


def test_reads_in_order() -> None:
    cursor = Cursor(b"\x01\x00\x02abXYZ", "a message")
    assert cursor.number(1) == 1
    assert cursor.vector(2) == b"ab"
    assert cursor.left == 3
    assert cursor.take(1) == b"X"
    assert cursor.rest() == b"YZ"
    cursor.expect_end()


def test_never_reads_past_the_end() -> None:
    cursor = Cursor(b"\x05ab", "a message")
    with pytest.raises(ProtocolError, match="5 bytes wanted, 2 left at byte 1") as caught:
        cursor.vector(1)
    assert caught.value.offset == 1
    with pytest.raises(ProtocolError, match="left over"):
        cursor.expect_end()
    with pytest.raises(ProtocolError, match="over 4"):
        Cursor(b"\x05abcde", "a message").vector(1, at_most=4)

"""The shape of stream decoders: splits change nothing, errors come after what was whole, and no more is kept than allowed."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.framing import Extent, StreamDecoder
from tests.protocols.fuzzing import FuzzTarget, one_by_one, stream_entry


class Lengths(StreamDecoder[str]):
    """A toy protocol: a length byte, then text, of which the first four characters are kept. 'bad' is not allowed; 'mute' tells nothing."""

    def _measure(self, buffer: bytearray) -> Extent | None:
        if buffer[0] == 0xFF:
            raise ProtocolError("length 255 is reserved", offset=0)
        total = 1 + buffer[0]
        return Extent(min(total, 5), total)

    def _decode(self, message: bytes, total: int) -> str | None:
        if message[1:] == b"bad":
            raise ProtocolError("bad")
        return None if message[1:] == b"mute" else f"{message[1:].decode('latin-1')}:{total}"


STREAM = b"\x02hi\x00\x09abcdefghi\x04mute\x01x"
EVENTS = ["hi:3", ":1", "abcd:10", "x:2"]


def test_whole() -> None:
    decoder = Lengths()
    assert decoder.feed(STREAM) == EVENTS
    assert decoder.end() == []


def test_byte_at_a_time() -> None:
    decoder = Lengths()
    assert [event for part in one_by_one(STREAM) for event in decoder.feed(part)] == EVENTS


@pytest.mark.parametrize("at", range(len(STREAM)))
def test_every_cut_in_two(at: int) -> None:
    decoder = Lengths()
    assert decoder.feed(STREAM[:at]) + decoder.feed(STREAM[at:]) == EVENTS


def test_nothing_gives_nothing() -> None:
    decoder = Lengths()
    assert decoder.feed(b"") == []
    assert decoder.end() == []


def test_what_was_whole_comes_before_the_error() -> None:
    decoder = Lengths()
    assert decoder.feed(b"\x02hi\x03bad\x02hi") == ["hi:3"]
    for call in (decoder.end, lambda: decoder.feed(b"\x02hi"), decoder.end):
        with pytest.raises(ProtocolError, match="bad"):
            call()


def test_an_error_alone_is_raised_at_once() -> None:
    with pytest.raises(ProtocolError, match="reserved"):
        Lengths().feed(b"\xff")


@pytest.mark.parametrize(
    "cut", [b"\x02h", b"\x02", b"\x09abcd", b"\x09abcdefgh"], ids=["in it", "after the length", "before the dropped part", "in it"]
)
def test_a_cut_message_is_an_error_at_the_end(cut: bytes) -> None:
    decoder = Lengths()
    assert decoder.feed(cut) == []
    with pytest.raises(ProtocolError, match="ends inside a message"):
        decoder.end()


def test_what_is_dropped_is_not_kept() -> None:
    decoder = Lengths()
    decoder.feed(b"\xfeabcd")
    for _ in range(249):
        assert decoder.feed(b"x") == []
        assert not decoder._buffer
    assert decoder.feed(b"x") == ["abcd:255"]


FUZZ = [FuzzTarget("framing", stream_entry(Lengths), [STREAM, b"\x02hi\x03bad"])]

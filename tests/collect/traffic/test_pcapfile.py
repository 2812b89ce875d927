"""Capture files: both formats, both byte orders, their times, and every way in which a file can be damaged."""

from __future__ import annotations

import io
import struct

import pytest

from plumbline.collect.traffic.pcapfile import CHUNK, CaptureReader, NotSupportedCapture
from plumbline.model.errors import ProtocolError
from tests.collect.traffic.packets import START_S, block, enhanced, interface, pcap, section

FRAMES = [b"first frame", b"second, longer frame", b"x"]
SECOND = 1_000_000_000


def read(data: bytes) -> tuple[CaptureReader, list[tuple[bytes, int, int]]]:
    """Frames with their time and offset."""
    reader = CaptureReader(io.BytesIO(data))
    return reader, [(buffer[start:end], time_ns, offset) for buffer, start, end, _, time_ns, _, offset in reader.records()]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("nanoseconds", "name"), [(False, "pcap"), (True, "pcap-ns")])
def test_pcap_of_each_magic(order: str, nanoseconds: bool, name: str) -> None:
    reader, found = read(pcap(FRAMES, order=order, nanoseconds=nanoseconds))
    assert reader.format == name
    assert [frame for frame, _, _ in found] == FRAMES
    assert [time for _, time, _ in found] == [START_S * SECOND + number * 1_000_000 for number in range(3)]
    assert [offset for _, _, offset in found] == [24, 24 + 16 + 11, 24 + 32 + 31]
    assert reader.problem is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_of_each_order(order: str) -> None:
    blocks = [
        section(order),
        interface(order=order),
        *(enhanced(frame, 5_000_000 + number, order=order) for number, frame in enumerate(FRAMES)),
    ]
    reader, found = read(b"".join(blocks))
    assert reader.format == "pcapng"
    assert [(frame, time) for frame, time, _ in found] == [(frame, 5 * SECOND + number * 1000) for number, frame in enumerate(FRAMES)]
    assert reader.problem is None


TIMES = {
    "nanoseconds": (struct.pack("<HHB3x", 9, 1, 9), 7, 7),
    "powers of two": (struct.pack("<HHB3x", 9, 1, 0x80 | 10), 1024 * 3, 3 * SECOND),
    "an offset": (struct.pack("<HHq", 14, 8, 100), 1_000_000, 101 * SECOND),
    "seconds": (struct.pack("<HHB3x", 9, 1, 0), 12, 12 * SECOND),
    "beyond every calendar": (struct.pack("<HHB3x", 9, 1, 0), 2**63, 253_402_300_799 * SECOND),
    "before 1970": (struct.pack("<HHq", 14, 8, -(2**62)), 1, 0),
}


@pytest.mark.parametrize("name", TIMES)
def test_times_of_pcapng(name: str) -> None:
    options, ticks, expected = TIMES[name]
    _, found = read(section() + interface(options=options) + enhanced(b"f", ticks))
    assert found[0][1] == expected


def test_simple_and_obsolete_packets() -> None:
    simple = block(3, struct.pack("<I", 9) + b"long fram")
    old = block(2, struct.pack("<HHIIII", 0, 0, 0, 77, 3, 3) + b"old")
    _, found = read(section() + interface(snap=4) + enhanced(b"a", 42) + simple + old)
    assert [(frame, time) for frame, time, _ in found] == [(b"a", 42_000), (b"long", 42_000), (b"old", 77_000)]


def test_a_new_section_forgets_interfaces_and_order() -> None:
    data = section("<") + interface(101) + enhanced(b"a", 1) + section(">") + interface(113, order=">") + enhanced(b"b", 2, order=">")
    reader = CaptureReader(io.BytesIO(data))
    assert [record[5] for record in reader.records()] == [101, 113]


def test_lost_packets_are_counted() -> None:
    options = struct.pack("<HHQ", 5, 8, 7) + struct.pack("<HHQ", 7, 8, 5) + struct.pack("<HH", 0, 0)
    reader, _ = read(section() + interface() + block(5, struct.pack("<III", 0, 0, 0) + options))
    assert reader.lost == 12


def test_unknown_blocks_are_passed_over() -> None:
    _, found = read(section() + interface() + block(0x0BAD, b"custom data") + block(10, b"a TLS key") + enhanced(b"a", 1))
    assert [frame for frame, _, _ in found] == [b"a"]


def test_records_across_chunks() -> None:
    frames = [bytes([number % 251]) * 200_000 for number in range(20)]
    assert sum(map(len, frames)) > 3 * CHUNK
    _, found = read(pcap(frames))
    assert [frame for frame, _, _ in found] == frames


NO_CAPTURES = {
    "an empty file": (b"", ProtocolError),
    "text": (b"hello, this is no capture at all", ProtocolError),
    "half a header": (pcap([])[:20], ProtocolError),
    "a section without its magic": (section()[:8] + bytes(20), ProtocolError),
    "gzip": (b"\x1f\x8b\x08" + bytes(30), NotSupportedCapture),
    "snoop": (b"snoop\0\0\0" + bytes(30), NotSupportedCapture),
    "Kuznetzov's pcap": (b"\xa1\xb2\xcd\x34" + bytes(30), NotSupportedCapture),
}


@pytest.mark.parametrize("name", NO_CAPTURES)
def test_what_is_no_capture(name: str) -> None:
    data, error = NO_CAPTURES[name]
    with pytest.raises(error) as raised:
        CaptureReader(io.BytesIO(data))
    assert type(raised.value) is error


WHOLE = pcap(FRAMES)
WHOLE_NG = section() + interface() + enhanced(FRAMES[0], 1) + enhanced(FRAMES[1], 2)
DAMAGED = {
    "cut in a record's data": (WHOLE[:-1], 2, "cut: it ends inside the record at byte 87"),
    "cut in a record's header": (WHOLE + b"\0\0\0", 3, "cut"),
    "a length of four gigabytes": (WHOLE + b"\xff" * 16 + bytes(100), 3, "a packet of 4294967295 bytes at byte 104"),
    "pcapng, cut": (WHOLE_NG[:-3], 1, "cut"),
    "pcapng, a stub of a block": (WHOLE_NG + b"\x06\0\0\0", 2, "cut"),
    "pcapng, lengths that differ": (WHOLE_NG[:-4] + b"\x40\0\0\0", 1, "two lengths differ"),
    "pcapng, a block of 13 bytes": (WHOLE_NG + struct.pack("<II", 6, 13) + bytes(20), 2, "a block of 13 bytes"),
    "pcapng, a block of two gigabytes": (WHOLE_NG + struct.pack("<II", 6, 2**31) + bytes(20), 2, "a block of 2147483648 bytes"),
    "pcapng, an interface that nobody described": (WHOLE_NG + enhanced(b"z", 3, number=5), 2, "interface 5"),
    "pcapng, a packet larger than its block": (WHOLE_NG + block(6, struct.pack("<IIIII", 0, 0, 0, 99, 99)), 2, "a packet of 99 bytes"),
    "pcapng, a second section of no order": (WHOLE_NG + block(0x0A0D0D0A, bytes(16)), 2, "byte-order magic"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_keeps_what_stands_before_it(name: str) -> None:
    data, frames, problem = DAMAGED[name]
    reader, found = read(data)
    assert len(found) == frames
    assert reader.problem is not None
    assert problem in reader.problem


@pytest.mark.parametrize("data", [WHOLE, WHOLE_NG], ids=["pcap", "pcapng"])
def test_every_cut_of_a_file(data: bytes) -> None:
    whole = read(data)[1]
    for size in range(len(data)):
        try:
            _, found = read(data[:size])
        except ProtocolError:
            assert size < 28
            continue
        assert found == whole[: len(found)]

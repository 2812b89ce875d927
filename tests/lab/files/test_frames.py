"""Packets by hand: their lengths, sequence numbers and checksums, read back with struct alone."""

import struct
from datetime import UTC, datetime
from ipaddress import IPv4Address
from itertools import pairwise

from plumbline.lab.files import hellos
from plumbline.lab.files.frames import ACK, FIN, SEGMENT, SYN, Say, Station, Wire

ONE = Station("127.20.1.10", "02:50:4c:00:01:0a")
OTHER = Station("127.20.1.20", "02:50:4c:00:01:14")
AT = datetime(2026, 11, 20, tzinfo=UTC)


def frames(wire: Wire) -> list[tuple[int, bytes]]:
    """Give time (in microseconds) and bytes of each frame."""
    data = wire.pcap()
    assert data[:24] == struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    found, at = [], 24
    while at < len(data):
        seconds, micros, held, size = struct.unpack_from("<IIII", data, at)
        assert held == size
        found.append((seconds * 1_000_000 + micros, data[at + 16 : at + 16 + size]))
        at += 16 + size
    return found


def folded(data: bytes) -> int:
    """The one's complement sum: 0xffff over anything with its own checksum in it (RFC 1071, 1)."""
    total = sum(word for (word,) in struct.iter_unpack(">H", data + b"\0" * (len(data) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def packets(wire: Wire) -> list[tuple[bytes, bytes]]:
    """Give header and payload of each IPv4 packet, its checksums verified."""
    found = []
    for _, frame in frames(wire):
        if frame[12:14] != b"\x08\x00":
            continue
        head = frame[14:34]
        (length,) = struct.unpack_from(">H", head, 2)
        payload = frame[34 : 14 + length]
        assert folded(head) == 0xFFFF
        assert folded(head[12:20] + struct.pack(">BBH", 0, head[9], len(payload)) + payload) == 0xFFFF
        found.append((head, payload))
    return found


def test_a_connection_opens_talks_and_closes_in_sequence() -> None:
    wire = Wire(AT)
    wire.tcp(ONE, OTHER, 80, [Say(True, b"x" * (SEGMENT + 1)), Say(False, b"answer")])
    streams: dict[bytes, bytes] = {}
    expected: dict[bytes, int] = {}
    flags = []
    for head, segment in packets(wire):
        source = head[12:16]
        _, _, sequence, _, offset, bits = struct.unpack_from(">HHIIBB", segment)
        data = segment[(offset >> 4) * 4 :]
        assert expected.get(source, sequence) == sequence
        expected[source] = sequence + len(data) + bool(bits & (SYN | FIN))
        streams[source] = streams.get(source, b"") + data
        flags.append(bits)
    assert flags[:3] == [SYN, SYN | ACK, ACK]
    assert flags[-3:] == [FIN | ACK, FIN | ACK, ACK]
    assert streams == {ONE.packed: b"x" * (SEGMENT + 1), OTHER.packed: b"answer"}


def test_datagrams_and_arp() -> None:
    wire = Wire(AT)
    wire.arp(ONE, OTHER)
    wire.udp(ONE, OTHER, 53, b"query", b"answer")
    (_, asked), (_, told), *_ = frames(wire)
    assert asked[:6] == b"\xff" * 6 and asked[38:42] == IPv4Address(OTHER.address).packed
    assert told[22:28] == OTHER.hardware and told[28:32] == OTHER.packed
    assert [payload[8:] for _, payload in packets(wire)] == [b"query", b"answer"]


def test_time_moves_on_and_conversations_have_their_own_ports() -> None:
    wire = Wire(AT)
    wire.tcp(ONE, OTHER, 80, [])
    wire.tcp(ONE, OTHER, 80, [])
    times = [time for time, _ in frames(wire)]
    assert all(earlier < later for earlier, later in pairwise(times))
    assert times[0] == int(AT.timestamp()) * 1_000_000
    assert len({payload[:4] for head, payload in packets(wire) if head[12:16] == ONE.packed}) == 2


def test_hellos_are_whole_records() -> None:
    for version in (hellos.TLS_1_0, hellos.TLS_1_2, hellos.TLS_1_3):
        for say in hellos.connection("x.example", version=version, suites=hellos.OLD, certificate=b"der"):
            at = 0
            while at < len(say.data):
                kind, _, size = struct.unpack_from(">BHH", say.data, at)
                assert kind in (20, 22, 23)
                at += 5 + size
            assert at == len(say.data)

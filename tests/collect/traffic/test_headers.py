"""Link and network layers: what is found where, and what is refused."""

from __future__ import annotations

import struct

import pytest

from plumbline.collect.traffic.ip import Packet, Part, read_v4, read_v6
from plumbline.collect.traffic.link import ARP, IPV4, IPV6, OTHER, arp_sender, locate, unread_name
from plumbline.model.errors import ProtocolError
from tests.collect.traffic.packets import DEVICE, DEVICE_MAC, SERVER, arp, ethernet, ipv4, ipv6, mac_bytes

MAC = mac_bytes(DEVICE_MAC)
V4 = ipv4(DEVICE, SERVER, 17, b"payload!")
V6 = ipv6("fe80::1", "fe80::2", 17, b"payload!")
COOKED = struct.pack(">HHH", 0, 1, 6) + MAC + b"\0\0"
COOKED_2 = struct.pack(">HHIHBB", 0x0800, 0, 3, 1, 0, 6) + MAC + b"\0\0"

FRAMES = {
    "Ethernet": (1, ethernet(V4), (IPV4, 14, MAC)),
    "Ethernet, IPv6": (1, ethernet(V6, kind=0x86DD), (IPV6, 14, MAC)),
    "Ethernet, ARP": (1, arp(DEVICE_MAC, DEVICE), (ARP, 14, MAC)),
    "Ethernet, LLDP": (1, ethernet(bytes(20), kind=0x88CC), (OTHER, 14, MAC)),
    "Ethernet from a multicast address, which is no sender": (1, ethernet(V4, source="01:00:5e:00:00:01"), (IPV4, 14, None)),
    "a VLAN": (1, ethernet(b"\0\x05\x08\0" + V4, kind=0x8100), (IPV4, 18, MAC)),
    "a VLAN in a VLAN": (1, ethernet(b"\0\x05\x81\0\0\x06\x08\0" + V4, kind=0x88A8), (IPV4, 22, MAC)),
    "PPPoE": (1, ethernet(b"\x11\0\0\x01\0\x1e\0\x21" + V4, kind=0x8864), (IPV4, 22, MAC)),
    "LLC with SNAP": (1, ethernet(b"\xaa\xaa\x03\0\0\0\x08\0" + V4, kind=36), (IPV4, 22, MAC)),
    "LLC without": (1, ethernet(b"\x42\x42\x03" + bytes(40), kind=38), (OTHER, 14, MAC)),
    "Linux cooked": (113, COOKED + b"\x08\0" + V4, (IPV4, 16, MAC)),
    "Linux cooked, another hardware": (113, struct.pack(">HHH", 0, 772, 6) + bytes(8) + b"\x08\0" + V4, (IPV4, 16, None)),
    "Linux cooked, version 2": (276, COOKED_2 + V4, (IPV4, 20, MAC)),
    "raw IP": (101, V4, (IPV4, 0, None)),
    "raw IPv6": (229, V6, (IPV6, 0, None)),
    "loopback, little-endian": (0, b"\x02\0\0\0" + V4, (IPV4, 4, None)),
    "loopback, big-endian": (108, b"\0\0\0\x1e" + V6, (IPV6, 4, None)),
}


@pytest.mark.parametrize("name", FRAMES)
def test_where_the_network_layer_is(name: str) -> None:
    link, frame, expected = FRAMES[name]
    padding = b"before "
    kind, at, mac = locate(link, padding + frame, len(padding), len(padding) + len(frame))
    assert (kind, at - len(padding), mac) == expected


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_that_is_cut_anywhere(name: str) -> None:
    link, frame, (kind, at, _) = FRAMES[name]
    for size in range(len(frame)):
        try:
            found = locate(link, frame[:size], 0, size)
        except ProtocolError:
            continue
        assert found[:2] == (kind, at) or size < at + 1


def test_link_types_that_are_not_read() -> None:
    assert unread_name(1) is None
    assert unread_name(230) == "link type 230 (IEEE 802.15.4)"
    assert unread_name(9999) == "link type 9999"
    with pytest.raises(ProtocolError):
        locate(105, bytes(60), 0, 60)


def test_arp_names_its_sender() -> None:
    frame = arp(DEVICE_MAC, DEVICE)
    assert arp_sender(frame, 14, len(frame)) == (bytes([10, 20, 1, 14]), MAC)
    probe = arp(DEVICE_MAC, "0.0.0.0")  # RFC 5227 1.1: a probe claims nothing
    assert arp_sender(probe, 14, len(probe)) is None
    with pytest.raises(ProtocolError):
        arp_sender(frame, 14, 30)


A, B = bytes([10, 20, 1, 14]), bytes([10, 20, 1, 9])
V6_ENDS = (bytes.fromhex("fe80" + "00" * 13 + "01"), bytes.fromhex("fe80" + "00" * 13 + "02"))


def extended(kind: int, *headers: bytes) -> bytes:
    return ipv6("fe80::1", "fe80::2", kind, b"".join(headers) + b"data")


PACKETS = {
    "IPv4": (V4, Packet(17, A, B, 20, 8, Part.WHOLE)),
    "IPv4 with options": (ipv4(DEVICE, SERVER, 6, b"data", options=bytes(8)), Packet(6, A, B, 28, 4, Part.WHOLE)),
    "IPv4, first fragment": (ipv4(DEVICE, SERVER, 17, b"data", fragment=0x2000), Packet(17, A, B, 20, 4, Part.FIRST)),
    "IPv4, later fragment": (ipv4(DEVICE, SERVER, 17, b"data", fragment=0x00B9), Packet(17, A, B, 20, 4, Part.LATER)),
    "IPv4, not to be fragmented": (ipv4(DEVICE, SERVER, 17, b"data", fragment=0x4000), Packet(17, A, B, 20, 4, Part.WHOLE)),
    "IPv4, before segmentation in the card": (V4[:2] + b"\0\0" + V4[4:], Packet(17, A, B, 20, 8, Part.WHOLE)),
    "IPv6": (V6, Packet(17, *V6_ENDS, 40, 8, Part.WHOLE)),
    "IPv6, hop by hop and destination": (
        extended(0, b"\x3c\0" + bytes(6), b"\x06\x01" + bytes(14)),
        Packet(6, *V6_ENDS, 64, 4, Part.WHOLE),
    ),
    "IPv6, first fragment": (extended(44, b"\x11\0\0\x01" + bytes(4)), Packet(17, *V6_ENDS, 48, 4, Part.FIRST)),
    "IPv6, later fragment": (extended(44, b"\x11\0\0\x40" + bytes(4)), Packet(17, *V6_ENDS, 48, 4, Part.LATER)),
    "IPv6, a fragment of one": (extended(44, b"\x11\0\0\0" + bytes(4)), Packet(17, *V6_ENDS, 48, 4, Part.WHOLE)),
    "IPv6, authentication": (extended(51, b"\x06\x04" + bytes(22)), Packet(6, *V6_ENDS, 64, 4, Part.WHOLE)),
}


@pytest.mark.parametrize("name", PACKETS)
def test_packets(name: str) -> None:
    data, expected = PACKETS[name]
    read = read_v4 if data[0] >> 4 == 4 else read_v6
    assert read(b"xx" + data, 2, 2 + len(data)) == expected._replace(start=expected.start + 2)


BAD_PACKETS = {
    "a header of 16 bytes": b"\x44" + V4[1:],
    "a header longer than the packet": b"\x4f" + V4[1:],
    "a total shorter than its header": V4[:2] + b"\0\x13" + V4[4:],
    "cut": V4[:19],
    "not version 4": b"\x65" + V4[1:],
}


@pytest.mark.parametrize("name", BAD_PACKETS)
def test_packets_that_contradict_themselves(name: str) -> None:
    with pytest.raises(ProtocolError):
        read_v4(BAD_PACKETS[name], 0, len(BAD_PACKETS[name]))


def test_extension_headers_without_end() -> None:
    chain = b"".join(b"\0\0" + bytes(6) for _ in range(30))
    data = ipv6("fe80::1", "fe80::2", 0, chain)
    assert read_v6(data, 0, len(data)).start == 40 + 8 * 8  # as many as RFC 8200 can mean, then no further
    with pytest.raises(ProtocolError):
        read_v6(extended(0, b"\x06\xff" + bytes(6)), 0, 52)

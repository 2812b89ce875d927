"""Link layers: from a captured frame to the network layer in it, and who sent it on the segment.

No addresses are judged here, and no frame is kept.

    link type (tcpdump.org/linktypes)   layout, offsets in bytes
    1    Ethernet                       destination 0, source 6, type 12 (below 1536: a length, then LLC/SNAP)
    113  Linux cooked                   packet type 0, ARPHRD 2, address length 4, address 6, protocol 14
    276  Linux cooked, version 2        protocol 0, interface 4, ARPHRD 8, packet type 10, address length 11, address 12
    101, 12, 14  raw IP; 228, 229       the packet itself
    0    BSD loopback                   address family 0, in the capturing machine's byte order
    108  OpenBSD loopback               address family 0, big-endian

    VLAN tags (802.1Q 9.3, 802.1ad): type 8100, 88A8 or 9100, tag (2), type; at most four. PPPoE session (RFC 2516 4): type 8864,
    6 bytes, PPP protocol. ARP (RFC 826): hardware 0, protocol 2, lengths 4, operation 6, sender MAC 8 and address 14.
"""

from __future__ import annotations

from plumbline.model.errors import ProtocolError

ETHERNET = 1
IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806
OTHER = 0  # a frame that is whole and holds no IP

_VLAN = (0x8100, 0x88A8, 0x9100)
_PPPOE = 0x8864
_RAW = frozenset({12, 14, 101, 228, 229})
_SUPPORTED = _RAW | {0, ETHERNET, 108, 113, 276}
_UNREAD = {
    105: "IEEE 802.11",
    127: "IEEE 802.11 with radiotap",
    189: "USB",
    192: "PPI",
    195: "IEEE 802.15.4",
    220: "USB",
    227: "CAN",
    230: "IEEE 802.15.4",
    251: "Bluetooth LE",
    256: "Bluetooth LE",
    283: "IEEE 802.15.4",
}
Place = tuple[int, int, bytes | None]
"""`(type, offset, mac)`: what the network layer is, where it starts, and the sender's MAC where the link has one."""


def unread_name(link_type: int) -> str | None:
    """Name a link type that is not read; None for one that is."""
    return None if link_type in _SUPPORTED else f"link type {link_type}" + (f" ({_UNREAD[link_type]})" if link_type in _UNREAD else "")


def locate(link_type: int, buffer: bytes, start: int, end: int) -> Place:
    """Find the network layer of the frame `buffer[start:end]`; raises ProtocolError for a frame that is cut or not understood."""
    if link_type == ETHERNET:
        _room(start, end, 14)
        return _tagged(buffer, start + 12, end, _mac(buffer[start + 6 : start + 12]))
    if link_type in _RAW:
        _room(start, end, 1)
        return _by_version(buffer[start]), start, None
    if link_type == 113:
        _room(start, end, 16)
        known = buffer[start + 2 : start + 6] == b"\0\x01\0\x06"
        return _tagged(buffer, start + 14, end, _mac(buffer[start + 6 : start + 12]) if known else None)
    if link_type == 276:
        _room(start, end, 20)
        known = buffer[start + 8 : start + 10] == b"\0\x01" and buffer[start + 11] == 6
        kind = int.from_bytes(buffer[start : start + 2], "big")
        return kind if kind in (IPV4, IPV6, ARP) else OTHER, start + 20, _mac(buffer[start + 12 : start + 18]) if known else None
    if link_type in (0, 108):
        _room(start, end, 5)
        return _by_version(buffer[start + 4]) if any(buffer[start : start + 4]) else OTHER, start + 4, None
    raise ProtocolError(f"link type {link_type} is not read")


def arp_sender(buffer: bytes, at: int, end: int) -> tuple[bytes, bytes] | None:
    """Read who speaks in an ARP packet, as (address, MAC); None when it names nobody; raises ProtocolError when it is cut."""
    _room(at, end, 28)
    if buffer[at : at + 6] != b"\0\x01\x08\0\x06\x04":
        return None
    mac, address = _mac(buffer[at + 8 : at + 14]), buffer[at + 14 : at + 18]
    return (address, mac) if mac is not None and any(address) else None


def _room(start: int, end: int, size: int) -> None:
    if end - start < size:
        raise ProtocolError(f"a frame is cut: {end - start} bytes of at least {size}")


def _mac(address: bytes) -> bytes | None:
    return None if address[0] & 1 or not any(address) else address


def _by_version(first: int) -> int:
    return {4: IPV4, 6: IPV6}.get(first >> 4, OTHER)


def _tagged(buffer: bytes, at: int, end: int, mac: bytes | None) -> Place:
    kind = int.from_bytes(buffer[at : at + 2], "big")
    at += 2
    for _ in range(4):
        if kind not in _VLAN:
            break
        _room(at, end, 4)
        kind = int.from_bytes(buffer[at + 2 : at + 4], "big")
        at += 4
    if kind == _PPPOE:
        _room(at, end, 8)
        kind = {0x0021: IPV4, 0x0057: IPV6}.get(int.from_bytes(buffer[at + 6 : at + 8], "big"), OTHER)
        return kind, at + 8, mac
    if kind < 1536 and buffer[at : at + 6] == b"\xaa\xaa\x03\0\0\0" and end - at >= 8:
        kind = int.from_bytes(buffer[at + 6 : at + 8], "big")
        at += 8
    return kind if kind in (IPV4, IPV6, ARP) else OTHER, at, mac

"""IP headers: whose packet it is, and where its payload lies. Fragments are recognised and not put together.

IPv4 (RFC 791 3.1)    version and header length 0, total length 2, flags and fragment offset 6, protocol 9, source 12,
                      destination 16, options; a total length of 0 is a packet that the network card will still cut up
IPv6 (RFC 8200 3)     version 0, payload length 4, next header 6, source 8, destination 24
extension headers     hop-by-hop 0, routing 43, destination 60: next header, length in 8 bytes beyond the first 8 (4.3, 4.4, 4.6);
                      fragment 44: next header, offset and more flag at 2 (4.5);
                      authentication 51: next header, length in 4 bytes, minus 2 (RFC 4302 2)
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from plumbline.model.errors import ProtocolError

TCP, UDP = 6, 17
_MAX_EXTENSIONS = 8  # RFC 8200 4.1 names six, each once
_CHAINED = frozenset({0, 43, 60})
_FRAGMENT, _AUTHENTICATION = 44, 51


class Part(IntEnum):
    """Whether a packet holds a whole datagram."""

    WHOLE = 0
    FIRST = 1
    LATER = 2


class Packet(NamedTuple):
    """One IP packet: packed addresses, the protocol above, and its payload's place and size in bytes as the header says."""

    protocol: int
    source: bytes
    destination: bytes
    start: int
    size: int
    part: Part


def read_v4(buffer: bytes, at: int, end: int) -> Packet:
    """Read the header at `at`; raises ProtocolError when it is cut or contradicts itself."""
    if end - at < 20 or buffer[at] >> 4 != 4:
        raise ProtocolError("no IPv4 header")
    header = (buffer[at] & 0x0F) * 4
    total = int.from_bytes(buffer[at + 2 : at + 4], "big") or end - at
    if header < 20 or header > end - at or total < header:
        raise ProtocolError(f"an IPv4 header of {header} bytes in a packet of {total}")
    fragment = int.from_bytes(buffer[at + 6 : at + 8], "big")
    part = Part.LATER if fragment & 0x1FFF else Part.FIRST if fragment & 0x2000 else Part.WHOLE
    return Packet(buffer[at + 9], buffer[at + 12 : at + 16], buffer[at + 16 : at + 20], at + header, total - header, part)


def read_v6(buffer: bytes, at: int, end: int) -> Packet:
    """Read the header and its extensions at `at`; raises ProtocolError when one is cut."""
    if end - at < 40 or buffer[at] >> 4 != 6:
        raise ProtocolError("no IPv6 header")
    size = int.from_bytes(buffer[at + 4 : at + 6], "big") or end - at - 40
    protocol, source, destination = buffer[at + 6], buffer[at + 8 : at + 24], buffer[at + 24 : at + 40]
    at += 40
    part = Part.WHOLE
    for _ in range(_MAX_EXTENSIONS):
        if protocol in _CHAINED or protocol in (_FRAGMENT, _AUTHENTICATION):
            if end - at < 8:
                raise ProtocolError("an IPv6 extension header is cut")
            length = 8 if protocol == _FRAGMENT else (buffer[at + 1] + 2) * 4 if protocol == _AUTHENTICATION else (buffer[at + 1] + 1) * 8
            if protocol == _FRAGMENT:
                fragment = int.from_bytes(buffer[at + 2 : at + 4], "big")
                part = Part.LATER if fragment & 0xFFF8 else Part.FIRST if fragment & 1 else Part.WHOLE
            if length > size or length > end - at:
                raise ProtocolError("an IPv6 extension header is longer than its packet")
            protocol, at, size = buffer[at], at + length, size - length
            if part is Part.LATER:
                break
        else:
            break
    return Packet(protocol, source, destination, at, size, part)

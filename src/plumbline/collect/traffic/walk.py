"""One pass over all packets of a capture: headers are read, payloads go to the connections.

The loop of `Walk.run` is the collector's speed, so what most packets need stands in it: a plain Ethernet and IPv4 packet of a connection
that nobody reads any more is counted there, in about a microsecond. All others take the general way, which decides everything.

    offset in such a frame   12 type 0800, 14 version and header length 45, 16 total length, 20 fragment, 23 protocol,
                             26 addresses and ports (12 bytes: a connection's key), 38 TCP: sequence, acknowledgement, offset, flags
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable

from plumbline.collect.traffic.connections import Connections
from plumbline.collect.traffic.facts import Notes
from plumbline.collect.traffic.ip import TCP, UDP, Part, read_v4, read_v6
from plumbline.collect.traffic.link import ARP, ETHERNET, IPV4, IPV6, arp_sender, locate, unread_name
from plumbline.collect.traffic.locality import Locality
from plumbline.collect.traffic.pcapfile import CaptureReader
from plumbline.collect.traffic.tcp import ACK, FIN, RST, SYN, Place
from plumbline.model.errors import ProtocolError

POLL_FRAMES = 8192  # between two looks at stop and progress: some ten milliseconds
_PLAIN = struct.Struct(">12xHBxHxxHxB")
_SEGMENT = struct.Struct(">IIBB")
_PORTS_AND_SEGMENT = struct.Struct(">4xIIBB")
_MASK = 0xFFFFFFFF


class Walk:
    """Walks one capture; its counts are final once `run` has returned."""

    def __init__(self, notes: Notes, locality: Locality) -> None:
        self.notes = notes
        self.locality = locality
        self.connections = Connections(notes, locality)
        self.frames = 0
        self.skipped = 0
        self.cut = 0  # packets of which the capture holds a part
        self.fragments = 0
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self.unread_links: Counter[str] = Counter()

    def run(self, reader: CaptureReader, poll: Callable[[], bool]) -> bool:
        """Read all records; False when `poll`, asked from time to time, said to stop."""
        tcp_get, udp_get = self.connections.tcp.get, self.connections.udp.get
        plain, segment = _PLAIN.unpack_from, _SEGMENT.unpack_from
        frame, time_ns = 0, None
        for buffer, start, end, wire, time_ns, link, offset in reader.records():
            frame += 1
            if not frame % POLL_FRAMES and not poll():
                return False
            if link == ETHERNET and end - start >= 54:
                kind, version, total, fragment, protocol = plain(buffer, start)
                if kind == 0x0800 and version == 0x45 and not fragment & 0x3FFF:
                    if protocol == 6:
                        side = tcp_get(buffer[start + 26 : start + 38])
                        if side is not None and side.idle:
                            seq, ack, data_offset, flags = segment(buffer, start + 38)
                            size = total - 20 - (data_offset >> 4) * 4
                            if seq == side.next_seq and size >= 0 and flags & 0x17 == 0x10 and not side.waiting:
                                side.next_seq = (seq + size) & _MASK
                                side.read += size
                                side.ack = ack
                                side.packets += 1
                                side.payload_bytes += size
                                side.wire_bytes += wire
                                side.connection.last_ns = time_ns
                                continue
                    elif protocol == 17:
                        side = udp_get(buffer[start + 26 : start + 38])
                        if side is not None and side.idle and side.packets and total >= 28:
                            side.packets += 1
                            side.payload_bytes += total - 28
                            side.wire_bytes += wire
                            connection = side.connection
                            connection.last_ns = time_ns
                            if connection.turn is not side:
                                connection.turn = side
                                connection.exchanges += side is connection.client
                            continue
            if self.first_ns is None:
                self.first_ns = time_ns
            try:
                self._frame(buffer, start, end, wire, link, Place(frame, offset, time_ns))
            except ProtocolError:
                self.skipped += 1
        self.frames, self.last_ns = frame, time_ns
        self.connections.finish()
        return True

    def _frame(self, buffer: bytes, start: int, end: int, wire: int, link: int, place: Place) -> None:
        """Read a frame the general way; raises ProtocolError when it cannot be decoded."""
        if name := unread_name(link):
            self.unread_links[name] += 1
            raise ProtocolError(f"{name} is not read")
        if end - start < wire:
            self.cut += 1
        kind, at, mac = locate(link, buffer, start, end)
        if kind == IPV4:
            packet = read_v4(buffer, at, end)
        elif kind == IPV6:
            packet = read_v6(buffer, at, end)
        else:
            if kind == ARP:
                self._arp(buffer, at, end, wire, place)
            return
        if mac is not None and any(packet.source):  # without an address yet (DHCP, 0.0.0.0) it is nobody's
            self.notes.sent(mac, packet.source)
        if packet.part is not Part.WHOLE:
            self.fragments += 1
        if packet.part is Part.WHOLE and packet.protocol == TCP:
            self._tcp(buffer, packet.start, end, packet.size, packet.source + packet.destination, wire, place)
        elif packet.part is Part.WHOLE and packet.protocol == UDP:
            self._udp(buffer, packet.start, end, packet.size, packet.source + packet.destination, wire, place)
        else:
            self.notes.moved(packet.source, packet.destination, 1, wire, place.time_ns, self.locality)

    def _arp(self, buffer: bytes, at: int, end: int, wire: int, place: Place) -> None:
        found = arp_sender(buffer, at, end)
        if found is not None and self.locality.is_local(found[0]):
            self.notes.claimed(*found)
            self.notes.moved(found[0], b"\xff\xff\xff\xff", 1, wire, place.time_ns, self.locality)

    def _tcp(self, buffer: bytes, at: int, end: int, size: int, addresses: bytes, wire: int, place: Place) -> None:
        """Read a TCP header (RFC 9293 3.1)."""
        if end - at < 20 or size < 20:
            raise ProtocolError("a TCP header is cut")
        seq, ack, data_offset, flags = _PORTS_AND_SEGMENT.unpack_from(buffer, at)
        header = (data_offset >> 4) * 4
        if not 20 <= header <= size:
            raise ProtocolError(f"a TCP header of {header} bytes in a segment of {size}")
        data = buffer[at + header : min(at + size, end)]
        flags &= FIN | SYN | RST | ACK
        self.connections.segment(addresses + buffer[at : at + 4], seq, ack, flags, size - header, data, wire, place)

    def _udp(self, buffer: bytes, at: int, end: int, size: int, addresses: bytes, wire: int, place: Place) -> None:
        """Read a UDP header (RFC 768); a length of 0 is a datagram that the network card will still cut up."""
        if end - at < 8 or size < 8:
            raise ProtocolError("a UDP header is cut")
        length = int.from_bytes(buffer[at + 4 : at + 6], "big") or size
        if not 8 <= length <= size:
            raise ProtocolError(f"a UDP datagram of {length} bytes in a packet of {size}")
        self.connections.datagram(addresses + buffer[at : at + 4], length - 8, buffer[at + 8 : min(at + length, end)], wire, place)

"""All connections of a capture: segments and datagrams find theirs, and what is over becomes facts.

Rules:
- At most MAX_CONNECTIONS are held. When full, the ones that ended or have long been silent are turned into facts, then the least
  recently heard; one of those that speaks again counts as a new connection that was joined in the middle (`forced`).
- Traffic of which neither end is local is counted and not looked into.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from plumbline.collect.traffic.connection import Connection, Side
from plumbline.collect.traffic.facts import Ends, Notes
from plumbline.collect.traffic.locality import Locality
from plumbline.collect.traffic.reading import Reading
from plumbline.collect.traffic.tcp import ACK, FIN, RST, SYN, Allowance, Chunk, Place
from plumbline.model.words import Transport

MAX_CONNECTIONS = 30_000
SILENT_NS = 120 * 10**9  # RFC 4787 4.3: bindings of UDP live two minutes; a TCP connection may sleep longer and is then `forced`


class Connections:
    """Finds, opens and folds connections; `tcp` and `udp` map addresses and ports, as they stand in a packet, to sides."""

    def __init__(self, notes: Notes, locality: Locality) -> None:
        self.tcp: dict[bytes, Side] = {}
        self.udp: dict[bytes, Side] = {}
        self.forced = 0
        self.outside = 0  # connections between two outside addresses
        self._notes = notes
        self._locality = locality
        self._allowance = Allowance()

    def segment(self, key: bytes, seq: int, ack: int, flags: int, size: int, data: bytes, wire: int, place: Place) -> None:
        """Take a TCP segment of `size` bytes, of which `data` was captured."""
        side = self.tcp.get(key)
        if side is not None and flags & (SYN | ACK) == SYN and seq != side.first_seq and side.packets:
            self._fold(side.connection)  # the same ports, used again
            side = None
        if side is None:
            side = self._open(Transport.TCP, key, place, flags)
        connection = side.connection
        side.packets += 1
        side.wire_bytes += wire
        connection.last_ns = max(connection.last_ns, place.time_ns)
        if flags & RST:
            return  # its numbers may be anything, and some stacks put text into it
        if flags & ACK:
            side.ack = ack
        if side.next_seq is None:
            side.open(seq, syn=bool(flags & SYN))
        if flags & SYN:
            seq = (seq + 1) & 0xFFFFFFFF
        if size:
            side.payload_bytes += size
            chunks = side.accept(seq, size, None if side.idle else data, place, self._allowance)
            if chunks and not side.idle:
                self._tell(connection, side, chunks)
        if flags & FIN and side.next_seq == (seq + size) & 0xFFFFFFFF:
            side.next_seq = (side.next_seq + 1) & 0xFFFFFFFF

    def datagram(self, key: bytes, size: int, data: bytes, wire: int, place: Place) -> None:
        """Take a UDP datagram of `size` bytes, of which `data` was captured."""
        side = self.udp.get(key)
        if side is None:
            side = self._open(Transport.UDP, key, place, 0)
        connection = side.connection
        side.packets += 1
        side.wire_bytes += wire
        side.payload_bytes += size
        connection.last_ns = max(connection.last_ns, place.time_ns)
        if size and not side.idle:
            self._tell(connection, side, [(data if len(data) == size else None, place)])
        if connection.turn is not side:
            connection.turn = side
            connection.exchanges += side is connection.client

    def finish(self) -> None:
        """Turn all that is open into facts."""
        for table in (self.tcp, self.udp):
            for connection in {id(side.connection): side.connection for side in table.values()}.values():
                self._fold(connection)

    def _open(self, transport: Transport, key: bytes, place: Place, flags: int) -> Side:
        table = self.tcp if transport is Transport.TCP else self.udp
        if len(self.tcp) + len(self.udp) >= 2 * MAX_CONNECTIONS:
            self._make_room(place.time_ns)
        half = len(key) // 2 - 2
        source, destination = key[:half], key[half : 2 * half]
        ports = int.from_bytes(key[-4:-2], "big"), int.from_bytes(key[-2:], "big")
        sender = Side(key, source, ports[0])
        receiver = Side(destination + source + key[-2:] + key[-4:-2], destination, ports[1])
        client, server = (receiver, sender) if _answers(transport, flags, *ports) else (sender, receiver)
        Connection(transport, client, server, place.time_ns, handshake=bool(flags & SYN))  # the sides know it
        table[receiver.key] = receiver
        table[sender.key] = sender
        known = [self._locality.is_local(address) for address in (source, destination)]
        if not any(known) and (self._locality.is_outside(source) or self._locality.is_outside(destination)):
            sender.idle = receiver.idle = True
            self.outside += 1
        return sender

    def _tell(self, connection: Connection, side: Side, chunks: Sequence[Chunk]) -> None:
        reading = connection.reading
        if reading is None:
            reading = connection.reading = Reading(connection, self._ends_of(connection), self._notes)
        for data, place in chunks:
            if data is None:
                reading.lost()
            else:
                reading.take(side, data, place)
        connection.client.idle = connection.server.idle = reading.idle

    def _ends_of(self, connection: Connection) -> Callable[[], Ends]:
        return lambda: connection.ends(inbound=not self._locality.is_local(connection.client.address))

    def _make_room(self, now_ns: int) -> None:
        held = list({id(side.connection): side.connection for table in (self.tcp, self.udp) for side in table.values()}.values())
        held.sort(key=lambda connection: connection.last_ns)
        for number, connection in enumerate(held):
            silent = now_ns - connection.last_ns > SILENT_NS
            if not silent and number > len(held) // 4:
                break
            self.forced += not silent
            self._fold(connection)

    def _fold(self, connection: Connection) -> None:
        """Turn a connection into facts and forget it."""
        table = self.tcp if connection.transport is Transport.TCP else self.udp
        for side in (connection.client, connection.server):
            if chunks := side.finish(self._allowance):
                self._tell(connection, side, chunks)
        if connection.reading is not None:
            connection.reading.end()
        for side in (connection.client, connection.server):
            if table.get(side.key) is side:
                del table[side.key]
        self._count_stations(connection)
        self._count_flow(connection)
        connection.part()

    def _count_stations(self, connection: Connection) -> None:
        client, server = connection.client, connection.server
        for sender, receiver in ((client, server), (server, client)):
            if sender.packets:
                self._notes.moved(sender.address, receiver.address, sender.packets, sender.wire_bytes, connection.last_ns, self._locality)

    def _count_flow(self, connection: Connection) -> None:
        client, server, reading = connection.client, connection.server, connection.reading
        inbound = not self._locality.is_local(client.address)
        if inbound and not (self._locality.is_local(server.address) and self._locality.is_outside(client.address)):
            return
        external = inbound or self._locality.is_outside(server.address)
        ends = connection.ends(inbound=inbound)
        holes = connection.holes
        settled = reading is not None and (reading.encrypted or (reading.conversation is not None and reading.conversation.done))
        content = bool(client.payload_bytes or server.payload_bytes)
        missed = holes or (connection.late and not (reading is not None and reading.from_start))
        unread = content and not settled and (missed or (reading is not None and reading.broken))
        self._notes.unread_connections += unread
        flow = self._notes.flow(ends, connection.first_ns, external=external)
        if flow is None:
            return
        flow.first_ns, flow.last_ns = min(flow.first_ns, connection.first_ns), max(flow.last_ns, connection.last_ns)
        flow.connections += max(1, connection.exchanges)
        flow.packets += client.packets + server.packets
        sent, received = (server, client) if inbound else (client, server)
        flow.bytes_out += sent.payload_bytes
        flow.bytes_in += received.payload_bytes
        flow.gaps |= holes or connection.late
        if not content:
            return
        if reading is None or unread or not reading.read:
            flow.unread += 1
        if reading is not None:
            flow.credentials |= reading.credentials
            if reading.protocol is not None:
                flow.protocols[reading.protocol] = flow.protocols.get(reading.protocol, 0) + 1
            flow.clear += reading.encrypted is False
            flow.encrypted += reading.encrypted is True


def _answers(transport: Transport, flags: int, port: int, other: int) -> bool:
    """Guess whether the sender of a connection's first packet is its server, until its content tells.

    A handshake shows it. Without one: a TCP connection was joined in the middle, and servers have the lower port; over UDP
    the first to speak asks, unless it speaks from a system port (RFC 6335 6) to one that is none.
    """
    if flags & SYN:
        return bool(flags & ACK)
    return port < other if transport is Transport.TCP else port < 1024 <= other

"""One connection as it is seen passing: its two sides, what was counted of them, and who reads it.

Over UDP a connection is all datagrams between two ports. Slots, and no dataclass, because there are tens of thousands of them.
"""

from __future__ import annotations

from plumbline.collect.traffic.facts import Ends
from plumbline.collect.traffic.reading import Reading
from plumbline.collect.traffic.tcp import Stream
from plumbline.model.words import Transport


class Side(Stream):
    """One direction: counts of what was sent; `idle` when nobody wants its bytes (any more)."""

    __slots__ = ("address", "connection", "idle", "key", "packets", "payload_bytes", "port", "wire_bytes")

    def __init__(self, key: bytes, address: bytes, port: int) -> None:
        super().__init__()
        self.key = key
        self.address = address
        self.port = port
        self.packets = 0
        self.payload_bytes = 0
        self.wire_bytes = 0
        self.idle = False
        self.connection: Connection


class Connection:
    """Two sides; which of them is the client may turn out with the first bytes, as long as no handshake showed it."""

    __slots__ = ("client", "exchanges", "first_ns", "handshake", "last_ns", "reading", "server", "transport", "turn")

    def __init__(self, transport: Transport, client: Side, server: Side, time_ns: int, *, handshake: bool) -> None:
        self.transport = transport
        self.client = client
        self.server = server
        self.first_ns = self.last_ns = time_ns
        self.handshake = handshake
        self.exchanges = 0  # UDP: how often the client spoke after the server, or first
        self.turn: Side | None = None
        self.reading: Reading | None = None
        client.connection = server.connection = self

    def other(self, side: Side) -> Side:
        """The side opposite."""
        return self.server if side is self.client else self.client

    def swap(self) -> None:
        """Take the client for the server, and the other way round."""
        self.client, self.server = self.server, self.client

    def part(self) -> None:
        """Let go of all that points back here, so that memory is free at once and the collector of cycles has nothing to walk."""
        self.reading = None
        for side in {self.client, self.server}:
            del side.connection

    @property
    def late(self) -> bool:
        """Whether the capture joined it in the middle."""
        return self.client.late or self.server.late

    @property
    def holes(self) -> bool:
        """Whether packets are missing in between, on a whole side, or at the end of one that the other acknowledged."""
        if self.transport is Transport.UDP:
            return False
        client, server = self.client, self.server
        if client.gap or server.gap or client.missing(server.ack) or server.missing(client.ack):
            return True
        return any(mine.packets > 0 and other.packets == 0 and mine.ack is not None for mine, other in ((client, server), (server, client)))

    def ends(self, *, inbound: bool) -> Ends:
        """Who talks to whom, once it is known who is client."""
        station = self.server if inbound else self.client
        return Ends(station.address, self.server.address, self.server.port, self.transport, inbound)

"""Packets by hand and the capture that holds them: Ethernet, ARP, IPv4, TCP, UDP, in the classic pcap format.

Not a network: a `Wire` records what two stations would have said, in order, with right lengths, sequence numbers and checksums. Every
step takes a fixed time, so the same conversations give the same bytes.

| layer | fields written | source |
|---|---|---|
| pcap | magic a1b2c3d4, version 2.4, snap length 65535, link type 1 | draft-ietf-opsawg-pcap |
| Ethernet II | destination, source, type 0800 or 0806 | IEEE 802.3, 3.2.6 |
| ARP | request and reply | RFC 826 |
| IPv4 | no options, DF, TTL 64 | RFC 791, 3.1 |
| TCP | MSS on SYN; ACK on every other; PSH on data | RFC 9293, 3.1 |
| UDP | with checksum | RFC 768 |
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address

SEGMENT = 1448  # bytes of payload in one segment
STEP_US = 700
FIN, SYN, PSH, ACK = 0x01, 0x02, 0x08, 0x10
_BROADCAST = bytes.fromhex("ffffffffffff")
_EPHEMERAL = 40_000


@dataclass(frozen=True, slots=True)
class Station:
    """One end: its address, and the MAC that its packets bear on the captured segment."""

    address: str
    mac: str

    @property
    def packed(self) -> bytes:
        """The address in network order."""
        return IPv4Address(self.address).packed

    @property
    def hardware(self) -> bytes:
        """The MAC's six bytes."""
        return bytes.fromhex(self.mac.replace(":", ""))


@dataclass(frozen=True, slots=True)
class Say:
    """One thing said in a connection; `client` is who says it."""

    client: bool
    data: bytes


class Wire:
    """Collects packets in order; `start` is the time of the first."""

    def __init__(self, start: datetime) -> None:
        self._time_us = int(start.timestamp()) * 1_000_000
        self._packets: list[bytes] = []
        self._port = _EPHEMERAL
        self._identification = 0

    def pcap(self) -> bytes:
        """Give the capture file."""
        return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(self._packets)

    def arp(self, asker: Station, asked: Station) -> None:
        """Let a station ask for another's MAC, and be answered."""
        for operation, sender, target, to in ((1, asker, bytes(6), _BROADCAST), (2, asked, asker.hardware, asker.hardware)):
            other = asked if operation == 1 else asker
            head = struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation)
            self._frame(sender.hardware, to, 0x0806, head + sender.hardware + sender.packed + target + other.packed)

    def tcp(self, client: Station, server: Station, port: int, said: Iterable[Say]) -> None:
        """Let two stations connect, talk, and close."""
        self._port += 1
        line = _Connection(self, client, server, self._port, port)
        line.open()
        for say in said:
            for at in range(0, len(say.data), SEGMENT):
                line.send(say.client, PSH | ACK, say.data[at : at + SEGMENT])
                line.send(not say.client, ACK)
        line.close()

    def udp(self, client: Station, server: Station, port: int, request: bytes, answer: bytes) -> None:
        """Let a station ask once and be answered."""
        self._port += 1
        for source, to, ports, data in ((client, server, (self._port, port), request), (server, client, (port, self._port), answer)):
            head = struct.pack(">HHHH", *ports, 8 + len(data), 0)
            total = _sum(_pseudo(source, to, 17, 8 + len(data)) + head + data)
            self.ip(source, to, 17, head[:6] + struct.pack(">H", total or 0xFFFF) + data)

    def ip(self, source: Station, to: Station, protocol: int, payload: bytes) -> None:
        """Send one IPv4 packet."""
        self._identification = (self._identification + 1) & 0xFFFF
        head = (
            struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), self._identification, 0x4000, 64, protocol, 0) + source.packed + to.packed
        )
        head = head[:10] + struct.pack(">H", _sum(head)) + head[12:]
        self._frame(source.hardware, to.hardware, 0x0800, head + payload)

    def _frame(self, source: bytes, to: bytes, kind: int, payload: bytes) -> None:
        frame = (to + source + struct.pack(">H", kind) + payload).ljust(60, b"\0")
        seconds, micros = divmod(self._time_us, 1_000_000)
        self._packets.append(struct.pack("<IIII", seconds, micros, len(frame), len(frame)) + frame)
        self._time_us += STEP_US


class _Connection:
    """One TCP connection: whose turn it is to be at which sequence number."""

    def __init__(self, wire: Wire, client: Station, server: Station, client_port: int, server_port: int) -> None:
        self._wire = wire
        self._ends = {True: client, False: server}
        self._ports = {True: client_port, False: server_port}
        self._next = {True: client_port << 8, False: client_port << 12}

    def open(self) -> None:
        self.send(True, SYN)
        self.send(False, SYN | ACK)
        self.send(True, ACK)

    def close(self) -> None:
        self.send(True, FIN | ACK)
        self.send(False, FIN | ACK)
        self.send(True, ACK)

    def send(self, client: bool, flags: int, data: bytes = b"") -> None:
        source, to = self._ends[client], self._ends[not client]
        options = b"\x02\x04" + struct.pack(">H", SEGMENT + 12) if flags & SYN else b""
        acknowledged = self._next[not client] if flags & ACK else 0
        ports = self._ports[client], self._ports[not client]
        head = struct.pack(">HHIIBBHHH", *ports, self._next[client], acknowledged, 5 + len(options) // 4 << 4, flags, 64240, 0, 0)
        total = _sum(_pseudo(source, to, 6, len(head) + len(options) + len(data)) + head + options + data)
        self._wire.ip(source, to, 6, head[:16] + struct.pack(">HH", total, 0) + options + data)
        self._next[client] = (self._next[client] + len(data) + bool(flags & (SYN | FIN))) & 0xFFFFFFFF


def _pseudo(source: Station, to: Station, protocol: int, size: int) -> bytes:
    return source.packed + to.packed + struct.pack(">BBH", 0, protocol, size)


def _sum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF

"""Captures that a test builds packet by packet: the layers one by one, TCP connections with right numbers, and both file formats."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

START_S = 1_700_000_000  # 2023-11-14T22:13:20Z
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
DEVICE, SERVER, OUTSIDE = "10.20.1.14", "10.20.1.9", "198.51.100.9"
DEVICE_MAC, SERVER_MAC, ROUTER_MAC = "02:00:00:00:01:14", "02:00:00:00:01:09", "02:00:00:00:01:01"


def mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def ethernet(payload: bytes, *, kind: int = 0x0800, source: str = DEVICE_MAC, target: str = SERVER_MAC) -> bytes:
    return mac_bytes(target) + mac_bytes(source) + kind.to_bytes(2, "big") + payload


def ipv4(source: str, target: str, protocol: int, payload: bytes, *, fragment: int = 0, options: bytes = b"") -> bytes:
    words = 5 + len(options) // 4
    head = struct.pack(">BBHHHBBH", 0x40 | words, 0, words * 4 + len(payload), 7, fragment, 64, protocol, 0)
    return head + ip_address(source).packed + ip_address(target).packed + options + payload


def ipv6(source: str, target: str, protocol: int, payload: bytes) -> bytes:
    head = struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64)
    return head + ip_address(source).packed + ip_address(target).packed + payload


def tcp(source: int, target: int, seq: int, ack: int, flags: int, data: bytes = b"") -> bytes:
    return struct.pack(">HHIIBBHHH", source, target, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, 64_000, 0, 0) + data


def udp(source: int, target: int, data: bytes) -> bytes:
    return struct.pack(">HHHH", source, target, 8 + len(data), 0) + data


def arp(mac: str, address: str) -> bytes:
    return ethernet(b"\0\x01\x08\0\x06\x04\0\x02" + mac_bytes(mac) + ip_address(address).packed + bytes(10), kind=0x0806, source=mac)


def datagram(source: str, source_port: int, target: str, port: int, data: bytes, *, mac: str = DEVICE_MAC) -> bytes:
    body = udp(source_port, port, data)
    if ":" in source:
        return ethernet(ipv6(source, target, 17, body), kind=0x86DD, source=mac)
    return ethernet(ipv4(source, target, 17, body), source=mac)


@dataclass
class Talk:
    """A TCP connection; each call gives the frames of one step, in order."""

    client: str = DEVICE
    server: str = SERVER
    port: int = 80
    client_port: int = 40_000
    seq: int = 1000
    ack: int = 9_000_000
    macs: tuple[str, str] = (DEVICE_MAC, SERVER_MAC)
    frames: list[bytes] = field(default_factory=list)

    def _frame(self, from_client: bool, flags: int, data: bytes = b"") -> bytes:
        if from_client:
            body = tcp(self.client_port, self.port, self.seq, self.ack, flags, data)
            ends, macs = (self.client, self.server), self.macs
            self.seq += len(data) + bool(flags & (SYN | FIN))
        else:
            body = tcp(self.port, self.client_port, self.ack, self.seq, flags, data)
            ends, macs = (self.server, self.client), self.macs[::-1]
            self.ack += len(data) + bool(flags & (SYN | FIN))
        if ":" in self.client:
            return ethernet(ipv6(*ends, 6, body), kind=0x86DD, source=macs[0], target=macs[1])
        return ethernet(ipv4(*ends, 6, body), source=macs[0], target=macs[1])

    def open(self) -> Talk:
        self.frames += [self._frame(True, SYN), self._frame(False, SYN | ACK), self._frame(True, ACK)]
        return self

    def say(self, *parts: bytes) -> Talk:
        """Send each part as a segment from the client; the server acknowledges."""
        for part in parts:
            self.frames.append(self._frame(True, PSH | ACK, part))
        self.frames.append(self._frame(False, ACK))
        return self

    def hear(self, *parts: bytes) -> Talk:
        """Send each part as a segment from the server; the client acknowledges."""
        for part in parts:
            self.frames.append(self._frame(False, PSH | ACK, part))
        self.frames.append(self._frame(True, ACK))
        return self

    def close(self) -> Talk:
        self.frames += [self._frame(True, FIN | ACK), self._frame(False, FIN | ACK), self._frame(True, ACK)]
        return self


def pcap(frames: Iterable[bytes], *, order: str = "<", nanoseconds: bool = False, link: int = 1, snap: int = 262_144) -> bytes:
    """A pcap file; frames are a millisecond apart, and cut at `snap` bytes."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, link)]
    for number, frame in enumerate(frames):
        fraction = number % 1000 * (1_000_000 if nanoseconds else 1000)
        kept = frame[:snap]
        parts.append(struct.pack(order + "IIII", START_S + number // 1000, fraction, len(kept), len(frame)) + kept)
    return b"".join(parts)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block."""
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int = 1, *, snap: int = 0, options: bytes = b"", order: str = "<") -> bytes:
    return block(1, struct.pack(order + "HHI", link, 0, snap) + options, order)


def enhanced(frame: bytes, ticks: int, *, number: int = 0, order: str = "<") -> bytes:
    return block(6, struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame)) + frame, order)

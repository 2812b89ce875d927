"""Capture files as a stream of records; one megabyte of the file is held at a time, whatever its size.

It knows no protocol that was captured and makes no sense of packets. Damage in the middle ends the reading: the records
before it stand, and `problem` says what and where. Only a file that is no capture at all raises ProtocolError.

pcap (IETF draft-ietf-opsawg-pcap, sections 4 and 5), in the writer's byte order:

    offset  size  field
    0       4     magic: A1B2C3D4 (microseconds), A1B23C4D (nanoseconds)
    4       4     version 2.4
    8       8     reserved (once: zone, accuracy)
    16      4     snap length, bytes
    20      4     link type in the low 16 bits
    then, for each packet: seconds (4), fraction (4), captured bytes (4), bytes on the wire (4), data

pcapng (IETF draft-ietf-opsawg-pcapng), blocks of type (4), total length (4), body, total length (4), padded to 4:

    0A0D0D0A  section header (4.1): byte-order magic 1A2B3C4D; starts a section with interfaces of its own
    1         interface (4.2): link type (2), reserved (2), snap length (4), options: 9 time unit, 14 time offset (s)
    6         enhanced packet (4.3): interface (4), time high (4) and low (4), captured (4), on the wire (4), data
    3         simple packet (4.4): on the wire (4), data; no time, so it takes that of the packet before
    2         packet (appendix A, obsolete): interface (2), drops (2), then as type 6
    5         interface statistics (4.6): options 5 and 7 say how many packets the capturing machine lost
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from plumbline.model.errors import ProtocolError

MAX_PACKET = 262_144  # Wireshark's and tcpdump's own limit for what a record may hold
MAX_BLOCK = 16 << 20  # pcapng: above this a length is damage, not a block; Wireshark's limit for options and names is the same
CHUNK = 1 << 20
MAX_INTERFACES = 4096

Record = tuple[bytes, int, int, int, int, int, int]
"""`(buffer, start, end, wire_bytes, time_ns, link_type, offset)`: the packet is `buffer[start:end]`, `time_ns` counts from 1970,
`offset` is the record's place in the file. A bare tuple, because there are millions and a class costs as much as all the rest."""

_MAGIC = {
    b"\xa1\xb2\xc3\xd4": (">", 1000, "pcap"),
    b"\xd4\xc3\xb2\xa1": ("<", 1000, "pcap"),
    b"\xa1\xb2\x3c\x4d": (">", 1, "pcap-ns"),
    b"\x4d\x3c\xb2\xa1": ("<", 1, "pcap-ns"),
}
_NOT_OURS = {
    b"\x1f\x8b": "a gzip file; decompress it first",
    b"\x28\xb5\x2f\xfd": "a zstd file; decompress it first",
    b"\x04\x22\x4d\x18": "an lz4 file; decompress it first",
    b"\xfd7zXZ": "an xz file; decompress it first",
    b"snoop\0": "a snoop capture; convert it to pcapng first",
    b"\xa1\xb2\xcd\x34": "a modified pcap (Kuznetzov); convert it to pcapng first",
    b"\x34\xcd\xb2\xa1": "a modified pcap (Kuznetzov); convert it to pcapng first",
    b"GMBU": "a Network Monitor capture; convert it to pcapng first",
    b"RTSS": "a Network Monitor capture; convert it to pcapng first",
}
_LAST_NS = 253_402_300_799 * 10**9  # the end of the year 9999: the last time that datetime can hold


class NotSupportedCapture(ProtocolError):  # noqa: N818 - a known format that is not read, told apart from damage
    """The file is a capture, or holds one, in a form that is not read."""


@dataclass(slots=True)
class _Interface:
    link_type: int
    snap_bytes: int
    units_per_second: int
    offset_s: int

    def time_ns(self, high: int, low: int) -> int:
        return min(max(((high << 32 | low) * 10**9) // self.units_per_second + self.offset_s * 10**9, 0), _LAST_NS)


class CaptureReader:
    """Reads one capture; `problem` and `lost` are final once `records` has ended.

    Raises NotSupportedCapture or ProtocolError from the constructor when `stream` does not start like a capture.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.problem: str | None = None
        self.lost = 0  # packets that the capturing machine says it lost
        self._stream = stream
        self._buffer = stream.read(CHUNK)
        self._at = 0
        self._base = 0  # place in the file of the buffer's first byte
        head = self._buffer[:24]
        for magic, what in _NOT_OURS.items():
            if head.startswith(magic):
                raise NotSupportedCapture(what)
        if head[:4] in _MAGIC:
            self._order, self._unit_ns, self.format = _MAGIC[head[:4]]
            if len(head) < 24:
                raise ProtocolError("the file ends inside the header of a pcap file", offset=len(head))
        elif head[:4] == b"\x0a\x0d\x0d\x0a" and head[8:12] in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a"):
            self.format = "pcapng"
        else:
            raise ProtocolError("neither pcap nor pcapng" if head else "the file is empty", offset=0)

    def records(self) -> Iterator[Record]:
        """Yield every record in the file's order; never raises for what the file holds."""
        return self._blocks() if self.format == "pcapng" else self._classic()

    @property
    def position(self) -> int:
        """Bytes of the file that were read so far, to the nearest chunk."""
        return self._base + len(self._buffer)

    def _need(self, size: int) -> bool:
        """Make `size` bytes stand at `_at`; False when the file ends before."""
        if len(self._buffer) - self._at >= size:
            return True
        parts = [self._buffer[self._at :]]
        self._base += self._at
        self._at, held = 0, len(parts[0])
        while held < size and (part := self._stream.read(max(CHUNK, size - held))):
            parts.append(part)
            held += len(part)
        self._buffer = b"".join(parts)
        return held >= size

    def _classic(self) -> Iterator[Record]:
        header = struct.Struct(self._order + "IIII")
        unpack, unit_ns = header.unpack_from, self._unit_ns
        link_type = struct.unpack_from(self._order + "I", self._buffer, 20)[0] & 0xFFFF
        buffer, at, base = self._buffer, 24, 0
        size = len(buffer)
        while True:
            if size - at < 16:
                self._at = at
                whole = self._need(16)
                buffer, at, base = self._buffer, self._at, self._base
                size = len(buffer)
                if not whole:
                    if size > at:
                        self._cut(base + at)
                    return
            seconds, fraction, captured, wire = unpack(buffer, at)
            end = at + 16 + captured
            if end > size:
                if captured > MAX_PACKET:
                    self._damaged(f"a packet of {captured} bytes", base + at)
                    return
                self._at = at
                whole = self._need(16 + captured)
                buffer, at, base = self._buffer, self._at, self._base
                size, end = len(buffer), at + 16 + captured
                if not whole:
                    self._cut(base + at)
                    return
            yield buffer, at + 16, end, wire, seconds * 1_000_000_000 + fraction * unit_ns, link_type, base + at
            at = end

    def _blocks(self) -> Iterator[Record]:
        order, last_ns = "<", 0
        interfaces: list[_Interface] = []
        while self._need(12):
            buffer, at = self._buffer, self._at
            place = self._base + at
            if buffer[at : at + 4] == b"\x0a\x0d\x0d\x0a":
                order = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}.get(buffer[at + 8 : at + 12], "")
                interfaces = []
                if not order:
                    return self._damaged("a section header without its byte-order magic", place)
            kind, total = struct.unpack_from(order + "II", buffer, at)
            if total < 12 or total % 4 or total > MAX_BLOCK:
                return self._damaged(f"a block of {total} bytes", place)
            if not self._need(total):
                return self._cut(place)
            buffer, at = self._buffer, self._at
            if buffer[at + 4 : at + 8] != buffer[at + total - 4 : at + total]:
                return self._damaged("a block whose two lengths differ", place)
            body, end = at + 8, at + total - 4
            if kind == 1 and end - body >= 8 and len(interfaces) < MAX_INTERFACES:
                interfaces.append(_interface(order, buffer, body, end))
            elif kind == 5:
                self.lost += _lost(order, buffer, body, end)
            elif kind in (2, 3, 6):
                try:
                    record = _packet(order, kind, buffer, body, end, interfaces, last_ns, place)
                except ProtocolError as error:
                    return self._damaged(str(error), place)
                last_ns = record[4]
                yield record
            self._at = at + total
        if len(self._buffer) > self._at:
            self._cut(self._base + self._at)
        return None

    def _cut(self, offset: int) -> None:
        self.problem = f"the file is cut: it ends inside the record at byte {offset}"

    def _damaged(self, what: str, offset: int) -> None:
        self.problem = f"the file is damaged: {what} at byte {offset}; nothing after it was read"


def _packet(order: str, kind: int, buffer: bytes, body: int, end: int, interfaces: list[_Interface], last_ns: int, place: int) -> Record:
    if kind == 3:
        if end - body < 4 or not interfaces:
            raise ProtocolError("a simple packet without an interface")
        (wire,) = struct.unpack_from(order + "I", buffer, body)
        captured = min(wire, interfaces[0].snap_bytes or wire, end - body - 4)
        return buffer, body + 4, body + 4 + captured, wire, last_ns, interfaces[0].link_type, place
    if end - body < 20:
        raise ProtocolError("a packet block that is too short")
    layout = order + ("IIIII" if kind == 6 else "HxxIIII")
    number, high, low, captured, wire = struct.unpack_from(layout, buffer, body)
    if captured > min(end - body - 20, MAX_PACKET):
        raise ProtocolError(f"a packet of {captured} bytes in a block of {end - body + 12}")
    if number >= len(interfaces):
        raise ProtocolError(f"a packet of interface {number}, which no block describes,")
    interface = interfaces[number]
    return buffer, body + 20, body + 20 + captured, wire, interface.time_ns(high, low), interface.link_type, place


def _options(order: str, buffer: bytes, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield options (code, value) until their end or the first that does not fit (3.5)."""
    while end - at >= 4:
        code, size = struct.unpack_from(order + "HH", buffer, at)
        if code == 0 or size > end - at - 4:
            return
        yield code, buffer[at + 4 : at + 4 + size]
        at += 4 + (size + 3 & ~3)


def _interface(order: str, buffer: bytes, body: int, end: int) -> _Interface:
    link_type, snap_bytes = struct.unpack_from(order + "HxxI", buffer, body)
    interface = _Interface(link_type, snap_bytes, 1_000_000, 0)
    for code, value in _options(order, buffer, body + 8, end):
        if code == 9 and len(value) == 1:  # if_tsresol: the top bit chooses powers of 2 over powers of 10
            interface.units_per_second = (2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F)
        elif code == 14 and len(value) == 8:
            (interface.offset_s,) = struct.unpack(order + "q", value)
    return interface


def _lost(order: str, buffer: bytes, body: int, end: int) -> int:
    values = [value for code, value in _options(order, buffer, body + 12, end) if code in (5, 7) and len(value) == 8]
    counts = [int.from_bytes(value, "big" if order == ">" else "little") for value in values]
    return min(sum(counts), 2**40)

"""mDNS for unicast questions: a printer's one service, and what its TXT record tells about the unit.

It joins no multicast group: the lab sends and receives nothing outside 127.0.0.0/8. A question from another port than 5353 is answered as
plain DNS is, with its id and the question repeated (RFC 6762, 6.7).

| message | records |
|---|---|
| PTR _services._dns-sd._udp.local | PTR to the type of service (RFC 6763, 9) |
| PTR of that type | PTR to the instance, and the instance's TXT (RFC 6763, 4.1, 6, 12.1) |
"""

from __future__ import annotations

import asyncio
import struct
from typing import cast

from plumbline.lab.fleet import Device
from plumbline.lab.servers.datagrams import serve
from plumbline.lab.servers.streams import Stop
from plumbline.lab.services import Mdns
from plumbline.lab.watch import Watch

TYPES = "_services._dns-sd._udp.local"
TYPE = "_pdl-datastream._tcp.local"
PTR, TXT, IN = 12, 16, 1
_HEADER_SIZE = 12
_TTL_S = 10  # RFC 6762, 6.7: no more for such answers


async def start(device: Device, service: Mdns, _watch: Watch) -> Stop:
    """Answer questions."""
    return await serve(device.address, service.port, lambda: _Answerer(device, service))


def attributes(device: Device, service: Mdns) -> dict[str, str]:
    """Give the pairs of the TXT record, with the keys that printers use."""
    told = {"ty": device.model.partition("/")[2], "usb_MFG": "Northwind"}
    return told | ({"serialNumber": service.serial, "note": "Harbour office, room 2"} if service.leaks else {})


class _Answerer(asyncio.DatagramProtocol):
    def __init__(self, device: Device, service: Mdns) -> None:
        self._device, self._service = device, service
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # asyncio's own transports do not say that they are one

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for name in (TYPES, TYPE):
            # One question, and nothing after it: whatever else comes is not for this device.
            if data[4:_HEADER_SIZE] == struct.pack(">HHHH", 1, 0, 0, 0) and data[_HEADER_SIZE:-2] == _name(name) + struct.pack(">H", PTR):
                answers = self._answers(name)
                header = data[:2] + struct.pack(">HHHHH", 0x8400, 1, 1, 0, len(answers) - 1)
                assert self._transport is not None  # no datagram comes before it
                self._transport.sendto(header + data[_HEADER_SIZE:] + b"".join(answers), addr)

    def _answers(self, name: str) -> list[bytes]:
        if name == TYPES:
            return [_record(_name(TYPES), PTR, _name(TYPE))]
        label = self._service.instance.encode()
        instance = bytes((len(label),)) + label + _name(TYPE)
        pairs = [f"{key}={value}".encode() for key, value in attributes(self._device, self._service).items()]
        return [_record(_name(TYPE), PTR, instance), _record(instance, TXT, b"".join(bytes((len(pair),)) + pair for pair in pairs))]


def _name(name: str) -> bytes:
    return b"".join(bytes((len(label),)) + label.encode() for label in name.split(".")) + b"\0"


def _record(name: bytes, kind: int, data: bytes) -> bytes:
    return name + struct.pack(">HHIH", kind, IN, _TTL_S, len(data)) + data

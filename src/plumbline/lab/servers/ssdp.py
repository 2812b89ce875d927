"""SSDP for unicast M-SEARCH (UPnP Device Architecture 2.0, 1.3.2): a router that offers to open its firewall.

It joins no multicast group: the lab sends and receives nothing outside 127.0.0.0/8.
"""

from __future__ import annotations

import asyncio
from typing import cast

from plumbline.lab.fleet import Device
from plumbline.lab.servers.datagrams import serve
from plumbline.lab.servers.pages import udn
from plumbline.lab.servers.streams import Stop
from plumbline.lab.services import Ssdp
from plumbline.lab.watch import Watch

TARGETS = (
    "upnp:rootdevice",
    "urn:schemas-upnp-org:device:InternetGatewayDevice:1",
    "urn:schemas-upnp-org:service:WANIPConnection:1",
)


async def start(device: Device, service: Ssdp, _watch: Watch) -> Stop:
    """Answer searches."""
    return await serve(device.address, service.port, lambda: _Answerer(device, service))


class _Answerer(asyncio.DatagramProtocol):
    def __init__(self, device: Device, service: Ssdp) -> None:
        self._device, self._service = device, service
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # asyncio's own transports do not say that they are one

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        start_line, *lines = data.decode("latin-1").split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if not start_line.startswith("M-SEARCH * HTTP/1.1") or fields.get("man") != '"ssdp:discover"' or self._transport is None:
            return
        wanted = fields.get("st", "")
        for target in TARGETS:
            if wanted in ("ssdp:all", target):
                self._transport.sendto(self._answer(target), addr)

    def _answer(self, target: str) -> bytes:
        lines = [
            "HTTP/1.1 200 OK",
            "CACHE-CONTROL: max-age=1800",
            "EXT:",
            f"LOCATION: http://{self._device.address}:{self._service.description_port}/rootDesc.xml",
            f"SERVER: {self._service.server}",
            f"ST: {target}",
            f"USN: {udn(self._device)}::{target}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

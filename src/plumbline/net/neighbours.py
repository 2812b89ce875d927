"""Keeps `never_touch` by MAC: learns who stands at an address before anything but ARP is sent there. It decides nothing itself.

Only where the rig file names MACs that must never be touched. On the same link the MAC comes from the kernel's neighbour table, or
from one ARP request of ours (law 1 exempts ARP; this needs CAP_NET_RAW). Where it cannot be learnt and one of the MACs has no
declared address, the contact is refused: that device could stand at any address.

ARP over Ethernet (RFC 826): 14 bytes Ethernet header; hardware 1, protocol 0x0800, lengths 6 and 4, operation 1 (request) or
2 (reply), sender MAC and address, target MAC and address.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from ipaddress import IPv4Address

from plumbline.model.errors import NotPermittedError
from plumbline.net.dial import Address, target
from plumbline.net.netlink import neighbours, route
from plumbline.rig.addresses import unscoped
from plumbline.rig.models import Rig
from plumbline.rig.permits import Refusal

ETH_P_ARP = 0x0806
WAIT_S = 1.0
MAX_FRAMES = 4096  # a sweep asks about hundreds of addresses at once, and every socket hears all the answers
ASK_AGAIN_S = 60.0  # an address where nobody answered is not asked about again before that


class Neighbours:
    """The MACs of the addresses that were asked about, kept for the audit."""

    def __init__(self, rig: Rig) -> None:
        self.watching = bool(rig.untouchable_macs)
        placed = {asset.mac for asset in rig.assets if asset.addresses}
        self._lost = sorted(rig.untouchable_macs - placed)
        self._source = rig.authorisation.source
        self._known: dict[Address, str] = {}
        self._silent: dict[Address, float] = {}

    async def learn(self, address: Address) -> str | None:
        """Say whose MAC stands at an address; None where there is none to learn and none matters.

        Raises NotPermittedError (`never_touch`) when it cannot be learnt and a device that must not be touched could be there.
        """
        plain = unscoped(target(address))
        if not self.watching or plain.is_loopback:
            return None
        now = asyncio.get_running_loop().time()
        if plain not in self._known and now - self._silent.get(plain, -ASK_AGAIN_S) >= ASK_AGAIN_S:
            mac = await self._ask(plain)
            if mac is None:
                self._silent[plain] = now
            else:
                self._known[plain] = mac
        if plain not in self._known and self._lost:
            raise NotPermittedError(
                f"{address}: cannot tell whether this is {self._lost[0]}, which is under never_touch "
                "(give that device's address in the rig file, or run on its link with the right to send ARP)",
                reason=Refusal.NEVER_TOUCH,
            )
        return self._known.get(plain)

    def seen(self, address: Address) -> str | None:
        """The MAC that the kernel's neighbour table holds for an address; sends nothing."""
        plain = unscoped(target(address))
        return next((entry.mac for entry in neighbours() if entry.address == plain and entry.confirmed), None)

    async def _ask(self, address: Address) -> str | None:
        index = socket.if_nametoindex(self._source) if self._source else 0
        way = route(address, index)
        if way is None or way.gateway is not None:
            return None
        for entry in neighbours():
            if entry.address == address and entry.interface == way.interface and entry.confirmed:
                return entry.mac
        if isinstance(address, IPv4Address) and isinstance(way.source, IPv4Address):
            return await _arp(address, way.source, socket.if_indextoname(way.interface))
        return None


async def _arp(address: IPv4Address, source: IPv4Address, interface: str) -> str | None:
    try:
        line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP))
    except OSError:
        return None  # not allowed to: the caller decides what that means
    with line:
        line.setblocking(False)
        try:
            line.bind((interface, ETH_P_ARP))
            mac = line.getsockname()[4]
            ask = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, mac, source.packed, bytes(6), address.packed)
            line.send(b"\xff" * 6 + mac + struct.pack("!H", ETH_P_ARP) + ask)
            async with asyncio.timeout(WAIT_S):
                for _ in range(MAX_FRAMES):
                    frame = await asyncio.get_running_loop().sock_recv(line, 1 << 11)
                    if len(frame) >= 42 and frame[20:22] == b"\x00\x02" and frame[28:32] == address.packed:
                        return frame[22:28].hex(":")
        except (OSError, struct.error):  # TimeoutError is an OSError; an interface without Ethernet has no 6-byte MAC
            return None
    return None

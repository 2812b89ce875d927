"""One multicast question to a segment, TTL 1, and who answered. Not who may be asked: that is `judge_discovery`.

The datagram leaves by the interface on which the network itself is; where the network is behind a router, the question would reach
somebody else's segment, so it is not sent. Answers are read unicast, from a port of our own, as RFC 6762 (6.7), UPnP (1.3.3) and
RFC 7252 (8) allow.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from functools import partial
from ipaddress import ip_address
from typing import NamedTuple

from plumbline.model.errors import NotPermittedError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.datagram import MAX_DATAGRAM
from plumbline.net.dial import Address, fault, open_socket, sockaddr
from plumbline.net.gate import Errand, Gate
from plumbline.net.netlink import route
from plumbline.rig.discovery import GROUPS
from plumbline.rig.models import Network
from plumbline.rig.permits import Contact, Refusal, judge, judge_discovery

MAX_ANSWERS = 4096
MAX_BYTES = 4 << 20


class Answer(NamedTuple):
    """What one device said; `address` is where it came from."""

    address: str
    data: bytes


async def ask(gate: Gate, group: str, payload: bytes, network: Network | str, why: str, wait_s: float) -> list[Answer]:
    """Send one question and gather answers for `wait_s` seconds. See `Door.discover` for what it raises."""
    name = network if isinstance(network, str) else network.name
    asked = next((known for known in gate.rig.networks if known.name == name), None)
    known = GROUPS.get(group)
    v6 = asked is not None and asked.ranges[0].version == 6
    address: Address = ip_address("::") if known is None else known.address6 if v6 else known.address
    contact = Contact(address, known.port if known else None, Transport.UDP, Intrusion.QUERY, why)
    errand = Errand(contact, gate.caps.device(str(address)), partial(judge_discovery, gate.rig, group, name))
    gate.permit(errand)
    if asked is None or known is None:
        raise NotPermittedError(f"{group} on {name!r}: no such network or group", reason=Refusal.DISCOVERY)
    try:
        interface = _interface(gate, asked)
    except NotPermittedError as refusal:
        gate.refuse(errand, refusal)
        raise
    source = gate.rig.authorisation.source or socket.if_indextoname(interface)
    with open_socket(address, socket.SOCK_DGRAM, source) as line:
        if v6:
            line.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
            line.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, interface)
            line.bind(("::", 0, 0, 0))
        else:
            line.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            line.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=4s4si", bytes(4), bytes(4), interface))
            line.bind(("0.0.0.0", 0))
        permit = await gate.turn(errand)
        to = sockaddr(address, known.port)
        gate.note("discover", errand, permit, outcome="sent", sent=len(payload), detail=f"{group} on {name}")
        try:
            line.sendto(payload, to if not v6 else (str(address), known.port, 0, interface))
        except OSError as cause:
            raise fault(cause, f"{group} on {name!r}") from cause
        return await _gather(gate, line, asked, group, why, wait_s)


async def _gather(gate: Gate, line: socket.socket, asked: Network, group: str, why: str, wait_s: float) -> list[Answer]:
    found: list[Answer] = []
    loop = asyncio.get_running_loop()
    size = 0
    try:
        async with asyncio.timeout(wait_s):
            for _ in range(MAX_ANSWERS):
                data, sender = await loop.sock_recvfrom(line, MAX_DATAGRAM)
                size += len(data)
                if size > MAX_BYTES:
                    break
                address = ip_address(sender[0])
                contact = Contact(address, None, Transport.UDP, Intrusion.QUERY, f"{why}: answer to {group}")
                errand = Errand(contact, gate.caps.device(str(address)), partial(judge, gate.rig, contact))
                try:
                    if address not in asked.addresses:
                        raise NotPermittedError(f"{address} answered {group} from outside {asked.name!r}", reason=Refusal.OUTSIDE_NETWORKS)
                    permit = judge(gate.rig, contact, gate.clock.now())
                except NotPermittedError as refusal:
                    gate.refuse(errand, refusal)
                    continue
                gate.note("received", errand, permit, received=len(data))
                found.append(Answer(str(address), data))
    except TimeoutError:
        pass  # the time to answer is over
    return found


def _interface(gate: Gate, network: Network) -> int:
    source = gate.rig.authorisation.source
    index = socket.if_nametoindex(source) if source else 0
    first = network.ranges[0]
    some = {first[each] for each in (0, 1, 2, -2) if first.num_addresses > 3} or {first[0]}
    ways = [way for each in sorted(some, key=int) if (way := route(each, index)) is not None]
    way = next((each for each in ways if not each.local), ways[0] if ways else None)  # one of them may be our own address
    if way is None or way.gateway is not None:
        raise NotPermittedError(
            f"{network.name!r} is not on a segment of this machine, so a multicast would reach another one", reason=Refusal.DISCOVERY
        )
    return way.interface

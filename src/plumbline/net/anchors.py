"""Whether this is the right site: the interface exists, and the neighbours named as anchors have the MACs that the rig file gives.

Private ranges repeat everywhere; a laptop on a neighbour's 10.20.0.0/16 must not audit it. Each anchor is touched by one empty datagram
to udp/9, which the judge permits for anchors alone; the kernel then knows its MAC. Until that is done, the gate is shut; after a
mismatch it stays shut, and says `wrong_anchor` to everything.
"""

from __future__ import annotations

import asyncio
import socket
from functools import partial

from plumbline.model.errors import EnvironmentFault, NotPermittedError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.dial import open_socket, sockaddr
from plumbline.net.gate import Errand, Gate
from plumbline.net.netlink import FAILED, Neighbour, neighbours, route
from plumbline.rig.addresses import unscoped
from plumbline.rig.models import Anchor, Rig
from plumbline.rig.permits import ANCHOR_PORT, Contact, Refusal, judge

LOOKS = 100  # a stale entry is probed by the kernel 5 s after its use (delay_first_probe_time) and answers or fails within 3 more
LOOK_S = 0.1


async def check(gate: Gate, rig: Rig) -> None:
    """Open the gate when the machine stands where the rig file says.

    Raises EnvironmentFault for a missing interface, NotPermittedError (`wrong_anchor`) for a wrong or silent anchor.
    """
    source = rig.authorisation.source
    if source is not None:
        try:
            socket.if_nametoindex(source)
        except OSError as cause:
            raise EnvironmentFault(f"this machine has no interface {source!r} (authorisation.source)") from cause
    for anchor in rig.authorisation.anchors:
        contact = Contact(anchor.address, ANCHOR_PORT, Transport.UDP, Intrusion.QUERY, "anchor")
        errand = Errand(contact, gate.caps.device(str(anchor.address)), partial(judge, rig, contact), anchor=True)
        try:
            await _touch(gate, errand, source)
        except NotPermittedError as refusal:
            gate.shut = f"the anchor {anchor.address} may not be touched, so the site is unproven: {refusal}"
            raise NotPermittedError(gate.shut, reason=Refusal.WRONG_ANCHOR) from refusal
        seen = await _look(gate, anchor, source)
        if seen != anchor.mac:
            gate.shut = f"the anchor {anchor.address} has MAC {seen or 'unknown (no answer)'}, not {anchor.mac}: this may be another site"
            wrong = NotPermittedError(gate.shut, reason=Refusal.WRONG_ANCHOR)
            gate.refuse(errand, wrong)
            raise wrong
    gate.shut = None


async def _touch(gate: Gate, errand: Errand, source: str | None) -> None:
    contact = errand.contact
    with open_socket(contact.address, socket.SOCK_DGRAM, source) as line:
        permit = await gate.turn(errand)
        outcome = "sent"
        try:
            line.connect(sockaddr(contact.address, ANCHOR_PORT))
            line.send(b"")
        except OSError:
            outcome = "unreachable"
        gate.note("datagram", errand, permit, outcome=outcome)


async def _look(gate: Gate, anchor: Anchor, source: str | None) -> str | None:
    way = route(unscoped(anchor.address), socket.if_nametoindex(source) if source else 0)
    if way is None or way.gateway is not None:
        return None  # behind a router: its MAC never comes here
    for _ in range(LOOKS):
        gate.stop.check()
        found = _entry(anchor, way.interface)
        if found is not None and found.confirmed:
            return found.mac
        if found is not None and found.state & FAILED:
            return None
        await asyncio.sleep(LOOK_S)
    return None


def _entry(anchor: Anchor, interface: int) -> Neighbour | None:
    """Look on the interface meant: another one may well lead to a neighbour of the same address."""
    address = unscoped(anchor.address)
    return next((entry for entry in neighbours() if entry.address == address and entry.interface == interface), None)

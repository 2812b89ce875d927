"""The only way to a device (law 1). It knows addresses, permits and turns; it does not know what any protocol says.

Rules: nothing passes before `open`, which checks the interface and the anchors; after a mismatch nothing ever passes. Every connect,
datagram, request, handshake and resolution is judged at the moment it happens and written to the contact log, refusals too.
Addresses are literal: a name is first resolved through `resolve`, and a connect by name works only for an answer given there.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from ipaddress import ip_address
from types import TracebackType
from typing import Self

from plumbline.model.errors import EnvironmentFault, NotPermittedError
from plumbline.model.words import DeviceClass, Intrusion, Transport
from plumbline.net import anchors, discovery, resolve, sweep
from plumbline.net.budget import LoginBudget, LoginResult, LoginTicket
from plumbline.net.caps import SHIPPED, Limits
from plumbline.net.clock import Clock, SystemClock
from plumbline.net.connection import Connection
from plumbline.net.contacts import ContactLog
from plumbline.net.datagram import DatagramLine
from plumbline.net.dial import Address, dial, fault, open_socket, sockaddr
from plumbline.net.discovery import Answer
from plumbline.net.gate import Errand, Gate, outcome_of
from plumbline.net.neighbours import Neighbours
from plumbline.net.resolve import NameCodec
from plumbline.net.stop import StopFlag
from plumbline.net.sweep import SweepResult
from plumbline.rig.models import Network, Rig
from plumbline.rig.permits import Contact, Permit, Refusal, judge


class Door:
    """One audit's way to its devices; use it as `async with`, or call `open` and `close`."""

    def __init__(
        self,
        rig: Rig,
        log: ContactLog,
        *,
        clock: Clock | None = None,
        limits: Limits = SHIPPED,
        budget: LoginBudget | None = None,
        stop: StopFlag | None = None,
    ) -> None:
        self.rig = rig
        self.stop = stop or StopFlag()
        self._gate = Gate(rig, log, clock or SystemClock(), limits, self.stop)
        self._budget = budget
        self._neighbours = Neighbours(rig)
        self._resolved: dict[str, frozenset[Address]] = {}

    @property
    def exchanges(self) -> int:
        """How many exchanges have left so far."""
        return self._gate.exchanges

    async def open(self) -> None:
        """Check the interface and the anchors, then let contacts pass.

        Raises EnvironmentFault when `authorisation.source` does not exist, NotPermittedError (`wrong_anchor`) when a neighbour is
        not the one that the rig file names; the door then stays shut.
        """
        await anchors.check(self._gate, self.rig)

    async def connect(
        self,
        address: str,
        port: int,
        *,
        why: str,
        intrusion: Intrusion,
        timeout_s: float = 3.0,
        name: str | None = None,
        received_bytes: int | None = None,
    ) -> Connection:
        """Open a TCP connection to a literal address; `name` is the host name that `resolve` gave the address for.

        `received_bytes` is the most that it may bring; None: the limit for probes.

        Raises NotPermittedError, StoppedError, RefusedError, SilentError, UnreachableError, EnvironmentFault.
        """
        gate = self._gate
        errand = await self._meet(self._wish(address, port, Transport.TCP, why, intrusion, name))
        gate.permit(errand)
        place = await gate.caps.place(errand.device)
        made: socket.socket | None = None
        try:
            made = open_socket(errand.contact.address, socket.SOCK_STREAM, self.rig.authorisation.source)
            permit = await gate.turn(errand)
            began = gate.log.stamp()
            try:
                await dial(made, errand.contact.address, port, timeout_s)
            except BaseException as error:
                gate.note("connect", errand, permit, outcome=outcome_of(error), began=began)
                raise
            gate.note("connect", errand, permit, began=began)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(gate, errand, permit, made, place, received_bytes)
        except BaseException:
            if made is not None:
                made.close()
            place.release()
            raise
        gate.live.add(connection)
        return connection

    async def connect_tls(
        self,
        address: str,
        port: int,
        context: ssl.SSLContext,
        *,
        why: str,
        intrusion: Intrusion,
        server_name: str | None = None,
        timeout_s: float = 5.0,
        name: str | None = None,
    ) -> Connection:
        """Connect and shake hands: two exchanges; raises as `connect` and `Connection.start_tls` do."""
        connection = await self.connect(address, port, why=why, intrusion=intrusion, timeout_s=timeout_s, name=name)
        try:
            await connection.start_tls(context, server_name or name, timeout_s=timeout_s)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def datagrams(self, address: str, port: int, *, why: str, intrusion: Intrusion, name: str | None = None) -> DatagramLine:
        """Open a line to a UDP port; nothing is sent yet. Raises NotPermittedError, StoppedError, UnreachableError, EnvironmentFault."""
        errand = await self._meet(self._wish(address, port, Transport.UDP, why, intrusion, name))
        return await self._line(errand)

    async def resolve(self, name: str, *, why: str, codec: NameCodec, port: int = 443) -> tuple[str, ...]:
        """Ask the rig's resolvers for a host's addresses; gives those that may be contacted at `port`, each to be judged again then.

        Raises NotPermittedError when names may not be resolved, this one is not listed, or none of its addresses is permitted;
        SilentError when no resolver answers; ProtocolError when none answers properly.
        """
        found = await resolve.addresses(self._gate, self._line, name, why=why, codec=codec, port=port)
        self._resolved[_plain(name)] = frozenset(found)
        return tuple(str(address) for address in found)

    def known(self, name: str) -> tuple[str, ...]:
        """The addresses that `resolve` gave for a name; empty when it was not asked."""
        return tuple(sorted(str(address) for address in self._resolved.get(_plain(name), ())))

    async def discover(self, group: str, payload: bytes, *, network: Network | str, why: str, wait_s: float = 3.0) -> list[Answer]:
        """Send one datagram to a multicast group, TTL 1, and gather the answers of `wait_s` seconds.

        Answers from outside the network, or from a device that may not be contacted, are dropped and logged.
        Raises NotPermittedError, StoppedError, EnvironmentFault.
        """
        return await discovery.ask(self._gate, group, payload, network, why, wait_s)

    def sweep(self, targets: Iterable[tuple[str, int]], *, timeout_s: float = 1.5, why: str = "sweep") -> AsyncGenerator[SweepResult, None]:
        """Try many TCP ports; gives results as they come, in no order. See `sweep.run`."""
        wish = partial(self._wish, transport=Transport.TCP, why=why, intrusion=Intrusion.QUERY)
        return sweep.run(self._gate, wish, self._meet, targets, timeout_s)

    async def ask_login(self, address: str, port: int, transport: Transport, *, account: str, protocol: str, why: str) -> LoginTicket:
        """Take leave for one factory-default login (law 6); report its end with `report_login`.

        Raises NotPermittedError: `budget` when the budget is spent or unknown, or what the judge says of intrusion `credential`.
        """
        errand = await self._meet(self._wish(address, port, transport, why, Intrusion.CREDENTIAL))
        return self._ticket(errand, account, protocol, given=False)

    async def ask_given_login(self, address: str, port: int, transport: Transport, *, login: str, protocol: str, why: str) -> LoginTicket:
        """Take leave to use a login that the customer gave (law 6), by its digest; report its end with `report_login`.

        Raises NotPermittedError: `budget` when it was refused anywhere within 24 hours, or what the judge says of intrusion `session`.
        """
        errand = await self._meet(self._wish(address, port, transport, why, Intrusion.SESSION))
        return self._ticket(errand, login, protocol, given=True)

    def report_login(self, ticket: LoginTicket, result: LoginResult) -> None:
        """Say how a login ended; one that is never reported stays counted as failed."""
        if self._budget is not None:
            self._budget.report(ticket, result, self._gate.clock.now())

    def mark_ot(self, address: str) -> None:
        """Hold a device to the caps of class `ot` from now on: it was seen speaking an industrial protocol."""
        self._gate.caps.device(str(_literal(address))).become_ot(self._gate.limits)

    def device_class(self, address: str) -> DeviceClass:
        """The class whose caps a device is held to."""
        return self._gate.caps.device(str(_literal(address))).device_class

    def mac_of(self, address: str) -> str | None:
        """The MAC at which an address was reached, from the kernel's neighbour table; None behind a router and on loopback."""
        return self._neighbours.seen(_literal(address))

    def handshakes_left(self, address: str, port: int) -> int:
        """How many TLS handshakes an endpoint may still be asked for."""
        return self._gate.handshakes.left(str(_literal(address)), port)

    def refuse(self, contact: Contact, refusal: NotPermittedError) -> None:
        """Log a contact that was turned down before it came to the door, as a redirect is."""
        self._gate.refuse(Errand(contact, self._gate.caps.device(str(contact.address)), partial(self._judge, contact)), refusal)

    def judge(self, contact: Contact) -> Permit:
        """Ask whether a contact would be permitted now; sends and logs nothing. Raises NotPermittedError."""
        return self._judge(contact, self._gate.clock.now())

    async def close(self) -> None:
        """Close what is still open and let nothing pass any more; raises EnvironmentFault, once all is closed, when it cannot be logged."""
        self._gate.shut = "the door was closed"
        failed: EnvironmentFault | None = None
        for each in tuple(self._gate.live):
            try:
                await each.close()
            except EnvironmentFault as error:
                failed = error
        if failed is not None:
            raise failed

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    def _wish(self, address: str, port: int, transport: Transport, why: str, intrusion: Intrusion, name: str | None = None) -> Errand:
        try:
            literal = _literal(address)
        except NotPermittedError as refusal:
            self._gate.turn_away(address, port, transport, intrusion, why, refusal)
            raise
        contact = Contact(literal, port, transport, intrusion, why, name)
        return Errand(contact, self._gate.caps.device(str(literal)), partial(self._judge, contact))

    async def _meet(self, errand: Errand) -> Errand:
        """Learn the MAC behind an address where the rig file forbids some; it is judged with it from then on."""
        if not self._neighbours.watching:
            return errand
        self._gate.permit(errand)  # not even ARP for an address out of scope
        try:
            seen = replace(errand.contact, mac=await self._neighbours.learn(errand.contact.address))
        except NotPermittedError as refusal:
            self._gate.refuse(errand, refusal)
            raise
        return replace(errand, contact=seen, judge=partial(self._judge, seen))

    def _judge(self, contact: Contact, now: datetime) -> Permit:
        if contact.name is not None and contact.address not in self._resolved.get(_plain(contact.name), ()):
            raise NotPermittedError(
                f"{contact.address} was not given for {contact.name!r} by the rig's resolvers (resolve the name through the door first)",
                reason=Refusal.NO_RESOLVER,
            )
        return judge(self.rig, contact, now)

    def _ticket(self, errand: Errand, account: str, protocol: str, *, given: bool) -> LoginTicket:
        permit, address = self._gate.permit(errand), errand.contact.address
        try:
            if self._budget is None:
                raise NotPermittedError(f"{address}: no login budget is kept for this run (law 6)", reason=Refusal.BUDGET)
            ask = self._budget.ask_given if given else self._budget.ask
            also = self._gate.caps.addresses(errand.device)
            ticket = ask(errand.device.key, account, protocol, self._gate.clock.now(), address=address, also=also)
        except NotPermittedError as refusal:
            self._gate.refuse(errand, refusal)
            raise
        self._gate.note("login", errand, permit, detail=protocol)
        return ticket

    async def _line(self, errand: Errand) -> DatagramLine:
        gate = self._gate
        permit = gate.permit(errand)
        place = await gate.caps.place(errand.device)
        made: socket.socket | None = None
        try:
            address = errand.contact.address
            made = open_socket(address, socket.SOCK_DGRAM, self.rig.authorisation.source)
            try:
                made.connect(sockaddr(address, errand.contact.port or 0))  # sends nothing
            except OSError as cause:
                raise fault(cause, str(address)) from cause
            line = DatagramLine(gate, errand, permit, made, place)
        except BaseException:
            if made is not None:
                made.close()
            place.release()
            raise
        gate.live.add(line)
        return line


def _literal(address: str) -> Address:
    try:
        return ip_address(address)
    except ValueError as cause:
        raise NotPermittedError(
            f"{address!r} is not an address; names are resolved through the door first", reason=Refusal.NAME_NOT_LISTED
        ) from cause


def _plain(name: str) -> str:
    return name.rstrip(".").lower()

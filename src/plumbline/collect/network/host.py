"""One host from its swept ports to its rows: what speaks on each open port, each protocol's probe, and what was found absent.

A host that speaks an industrial protocol is of class `ot` from that moment: its own protocol's probe has run, and nothing else is
asked of it (law 5); the tables that this leaves unjudged are covered as not_permitted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from plumbline.collect.network.identify import Identity, identify
from plumbline.collect.network.probe import Probe, Visit
from plumbline.collect.network.together import together
from plumbline.evidence.bundle import Batch, BundleWriter
from plumbline.model.entities import Entity, port_subject
from plumbline.model.errors import NotPermittedError
from plumbline.model.words import DeviceClass, EntityKind, Intrusion, Outcome, Transport
from plumbline.net.caps import LAW_CONNECTIONS
from plumbline.net.door import Door
from plumbline.net.redaction import redact
from plumbline.net.sweep import PortState
from plumbline.protocols import banner as banners
from plumbline.rig.models import Network

BANNER_CHARACTERS = 256
INTERRUPTED = ("service", "", Outcome.PARTIAL)  # what the coverage of a host says that a resumed run has to visit again

_SILENCE = {
    PortState.TIMEOUT: Outcome.TIMEOUT,
    PortState.UNREACHABLE: Outcome.UNREACHABLE,
    PortState.REFUSED_BY_LAW: Outcome.NOT_PERMITTED,
}


def _silence_of(states: Iterable[PortState]) -> Outcome:
    """The best that can be said of an address at which no port answered."""
    return min((_SILENCE[state] for state in states if state in _SILENCE), key=lambda outcome: outcome.rank, default=Outcome.NOT_PERMITTED)


@dataclass
class HostVisit:
    """Everything that is done to one address in one run."""

    door: Door
    writer: BundleWriter
    key: bytes
    now: Callable[[], datetime]
    probes: Mapping[str, Probe]
    network: Network
    address: str
    name: str | None = None  # of the rig file's `hosts`: then this, not the address, is the entity
    wants: Callable[[Iterable[str]], bool] = lambda _tables: True  # all probes identify; only those of wanted tables ask further
    ports: dict[int, PortState] = field(default_factory=dict)
    permit: str | None = None

    def __post_init__(self) -> None:
        self.entity = Entity.of(EntityKind.HOST, self.network.site, self.name or self.address)
        self.batch: Batch = self.writer.batch()
        self.found: dict[tuple[Transport, int], Identity] = {}
        self.started = self.now()
        self.over = False
        self.told = False  # its own row is written

    @property
    def answered(self) -> bool:
        """Say whether the address gave any answer at all, a reset included."""
        alive = {PortState.OPEN, PortState.CLOSED}
        return bool(alive & set(self.ports.values())) or any(identity.protocol for identity in self.found.values())

    @property
    def ot(self) -> bool:
        """Say whether the device is held to the limits of class `ot`."""
        return self.door.device_class(self.address) is DeviceClass.OT

    def industrial_ports(self) -> list[int]:
        """The swept TCP ports at which industrial protocols are usual."""
        return [port for port in self.network.ports if any(probe.usual(port) for probe in self._industrial())]

    def has_industrial(self) -> bool:
        """Say whether any port at which an industrial protocol is usual is open."""
        return any(self.ports.get(port) is PortState.OPEN for port in self.industrial_ports())

    def _industrial(self) -> list[Probe]:
        return [probe for probe in self.probes.values() if probe.industrial]

    async def ask_industrial(self) -> None:
        """Run the industrial probes at their usual ports that are open; a device that speaks one is `ot` from then on."""
        for probe in self._industrial():
            for port in sorted(self.ports):
                if probe.usual(port) and self.ports[port] is PortState.OPEN:
                    await self._ask_industrial_port(probe, port)

    async def _ask_industrial_port(self, probe: Probe, port: int) -> None:
        visit = self._visit(probe.protocol, probe.transport, port)
        outcome = await visit.run(probe)
        if visit.recognised:
            self.door.mark_ot(self.address)
            self.found[Transport.TCP, port] = Identity(probe.protocol, tls=False)
        else:
            why = f"open, and does not answer as {probe.protocol}; an industrial port is asked nothing else"
            self.found[Transport.TCP, port] = Identity(None, None, Outcome.PROTOCOL_ERROR if outcome is Outcome.OK else outcome, detail=why)
        self._service(Transport.TCP, port, visit)

    async def ask_others(self) -> None:
        """Identify every other open port and run its probe; then the UDP probes."""
        opened = [port for port, state in sorted(self.ports.items()) if state is PortState.OPEN and (Transport.TCP, port) not in self.found]
        listed = set(self.network.udp_ports)
        udp = [probe for probe in self.probes.values() if probe.transport is Transport.UDP and self.wants(probe.tables)]
        datagrams = [(probe, port) for probe in udp for port in sorted(probe.ports & listed)]
        opened.sort(key=self._haste)
        # As many at once as the device has places: a conversation that is begun goes on, and does not queue anew for each connection.
        lanes = asyncio.Semaphore(LAW_CONNECTIONS)

        async def in_turn(step: Callable[[], Coroutine[Any, Any, None]]) -> None:
            async with lanes:
                await step()

        steps = [*(partial(self._ask_tcp_port, port) for port in opened), *(partial(self._ask_udp_port, *each) for each in datagrams)]
        await together(in_turn(step) for step in steps)

    def _haste(self, port: int) -> tuple[bool, bool, int]:
        """Order ports by how long they may take: unknown ones need the most steps, brokers are listened to; others go on meanwhile."""
        usual = {probe.protocol for probe in self.probes.values() if probe.transport is Transport.TCP and probe.usual(port)}
        return bool(usual), "mqtt" not in usual, port

    async def _ask_tcp_port(self, port: int) -> None:
        candidates = [probe for probe in self.probes.values() if probe.transport is Transport.TCP and not probe.industrial]
        plain = tuple(probe.protocol for probe in candidates if port in probe.ports)
        inside = tuple(probe.protocol for probe in candidates if port in probe.tls_ports)
        visit = self._visit("identify", Transport.TCP, port)
        try:
            identity = await identify(visit, inside or plain, tls_hint=bool(inside) and not plain)
        except NotPermittedError as refusal:
            identity = Identity(None, None, Outcome.NOT_PERMITTED, detail=str(refusal))
        try:
            await self._probe_identified(port, identity, visit)
        finally:
            await visit.drop()

    async def _probe_identified(self, port: int, identity: Identity, visit: Visit) -> None:
        """Run the probes of what was identified; the first goes on with the connection on which it was."""
        self.found[Transport.TCP, port] = identity
        self._service(Transport.TCP, port, visit)
        wanted = [identity.protocol] if identity.protocol else []
        for protocol in [*wanted, *(["tls"] if identity.tls else [])]:
            probe = self.probes.get(protocol)
            if probe is not None and self.wants(probe.tables):
                inner = self._visit(protocol, Transport.TCP, port)
                inner.tls, inner.inside, inner.greeting, inner.session = (
                    bool(identity.tls),
                    identity.protocol,
                    identity.greeting,
                    visit.session,
                )
                inner.opening, visit.opening = visit.opening, None
                try:
                    await inner.run(probe)
                finally:
                    await inner.drop()

    async def _ask_udp_port(self, probe: Probe, port: int) -> None:
        visit = self._visit(probe.protocol, Transport.UDP, port)
        started = self.now()
        outcome, detail = await visit.attempt(probe)
        if outcome is Outcome.REFUSED:  # ICMP port unreachable: closed, which is an answer
            outcome, detail = Outcome.OK, None
        for table in probe.tables:
            visit.cover(table, outcome, started, detail)
        if any(visit.rows.values()):
            self.found[Transport.UDP, port] = Identity(probe.protocol, tls=False)
            self._service(Transport.UDP, port, visit)

    def finish(self, *, declared: bool) -> None:
        """Write the host's own row, cover what was found absent or could not be asked, and commit it all.

        An address that gave no answer is no host: it is covered, once for each table, only where the customer declares a device there.
        """
        self.over = True
        if not self.answered:
            if declared:
                self._all_unjudged(_silence_of(self.ports.values()), "no answer at any port")
            return
        if self.name is None:
            self._host()
        self._cover("service", self._unheard(self.network.ports), "no swept port is open")
        for probe in self._wanted():
            for table in probe.tables:
                self._cover_probe(probe, table)
        self._make_good()
        with self.batch:
            pass  # leaving the block commits it

    def _host(self) -> None:
        states = list(self.ports.values())
        self.batch.row(
            "host",
            self.entity,
            observed_at=self.now(),
            permit=self.permit,
            address=self.address,
            mac=self.door.mac_of(self.address),
            network=self.network.name,
            open_ports=states.count(PortState.OPEN),
            closed_ports=states.count(PortState.CLOSED),
            closed=[port_subject("tcp", port) for port, state in sorted(self.ports.items()) if state is PortState.CLOSED],
            silent_ports=states.count(PortState.TIMEOUT),
        )
        self.told = True

    def leave(self, outcome: Outcome, why: str) -> None:
        """Write instead of `finish` that nothing can be said of this host; what was asked stays unjudged."""
        self.over = True
        self._all_unjudged(outcome, why)

    def interrupt(self, why: str) -> None:
        """Write instead of `finish` that the audit was ended here: what was found stays, the rest is unjudged."""
        self.over = True
        covered = {row["table"] for row in self.batch.attempts}
        with self.batch:
            self._write(*INTERRUPTED, why)
            for table in sorted(self._tables() - covered - {"service"}):
                self._write(table, "", Outcome.NOT_PERMITTED, why)

    def _make_good(self) -> None:
        """Now that the visit has come to its end, take back what an earlier session wrote of the whole host when it was interrupted."""
        whole = {row["table"] for row in self.batch.attempts if row["subject"] == ""}
        for table in sorted(self._tables() - whole):
            if self.writer.outcomes.get((str(self.entity), table, ""), Outcome.OK) is not Outcome.OK:
                self._write(table, "", Outcome.OK, "visited again, to the end")

    def _wanted(self) -> list[Probe]:
        return [probe for probe in self.probes.values() if self.wants(probe.tables)]

    def _tables(self) -> set[str]:
        return {table for probe in self._wanted() for table in probe.tables} | {"service"}

    def _all_unjudged(self, outcome: Outcome, detail: str) -> None:
        self.batch = self.writer.batch()
        with self.batch:
            for table in sorted(self._tables()):
                self._write(table, "", outcome, detail)

    def _cover_probe(self, probe: Probe, table: str) -> None:
        """Say for one table what those of its usual ports showed at which no probe of it ran."""
        if self.ot and not probe.industrial:
            if any(row["table"] == table for row in self.batch.attempts):
                return
            self._write(table, "", Outcome.NOT_PERMITTED, "class ot: only its own protocol is asked")
        elif probe.transport is Transport.TCP:
            usual = [port for port in self.network.ports if probe.usual(port)]
            if usual:
                self._cover(table, self._unheard(usual), "its usual ports are closed or speak something else")

    def _unheard(self, ports: list[int] | tuple[int, ...]) -> dict[int, tuple[Outcome, str | None]]:
        """Those of the ports that gave no answer or that could not be identified."""
        silent = {port: (_SILENCE[self.ports[port]], None) for port in ports if self.ports.get(port) in _SILENCE}
        found = {port: self.found.get((Transport.TCP, port)) for port in ports}
        unknown = {port: (one.outcome, one.detail) for port, one in found.items() if one is not None and one.protocol is None}
        return {**silent, **unknown}

    def _cover(self, table: str, unheard: Mapping[int, tuple[Outcome, str | None]], absent: str) -> None:
        covered = {row["subject"] for row in self.batch.attempts if row["table"] == table}
        for port, (outcome, detail) in sorted(unheard.items()):
            if port_subject("tcp", port) not in covered:
                self._write(table, port_subject("tcp", port), outcome, detail)
        if table == "service" and self.ot and set(self.network.ports) - self.ports.keys():
            self._write(table, "", Outcome.NOT_PERMITTED, "class ot: only the ports of industrial protocols are tried")
        elif not unheard and not covered:
            self._write(table, "", Outcome.OK, absent)

    def _write(self, table: str, subject: str, outcome: Outcome, detail: str | None) -> None:
        at = self.now()
        self.batch.coverage(
            self.entity, table, subject, outcome=outcome, started_at=self.started, ended_at=at, permit=self.permit, detail=detail
        )

    def _service(self, transport: Transport, port: int, visit: Visit) -> None:
        """Write what speaks on an open port, or that nothing known does."""
        identity = self.found[transport, port]
        said = banners.identify(redact(identity.protocol or "http", identity.greeting, self.key)).text
        banner = " ".join("".join(c if c.isprintable() and c != "\N{REPLACEMENT CHARACTER}" else " " for c in said).split())[
            :BANNER_CHARACTERS
        ]
        probe = self.probes.get(identity.protocol or "")
        visit.row(
            "service",
            port=port,
            transport=transport.value,
            protocol=identity.protocol,
            tls=identity.tls,
            product=identity.product,
            version=identity.version,
            banner=banner or None,
            expected_port=probe.usual(port) if probe else None,
        )
        self.batch.coverage(
            self.entity,
            "service",
            visit.subject,
            outcome=identity.outcome,
            rows=1,
            started_at=self.started,
            ended_at=self.now(),
            permit=visit.permit,
            detail=identity.detail,
        )

    def _visit(self, why: str, transport: Transport, port: int) -> Visit:
        intrusion: Intrusion = self.door.rig.authorisation.intrusion
        where = (self.entity, self.address, port, transport)
        return Visit(self.door, self.writer, self.batch, self.key, self.now, *where, intrusion, why, permit=self.permit, name=self.name)

"""The live part of an audit: which addresses, in which order, and when to stop.

Order (law 5): one declared asset per model goes first as a canary, alone with the other models' canaries, from the sweep to the last
probe; then everyone else. Each device's liveness is compared before and after; the breaker ends the run when devices fall silent.
Industrial ports are swept first, so that a device of class `ot` is known as one before anything else is sent to it.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from plumbline.collect.context import Context
from plumbline.collect.network import cloud
from plumbline.collect.network.discovery import discover
from plumbline.collect.network.host import INTERRUPTED, HostVisit
from plumbline.collect.network.registry import load_probes
from plumbline.collect.network.together import together
from plumbline.model.entities import Entity
from plumbline.model.errors import EnvironmentFault, NotPermittedError, StoppedError
from plumbline.model.words import EntityKind, Intrusion, Outcome, Transport
from plumbline.net.breaker import Breaker, waves
from plumbline.net.door import Door
from plumbline.net.sweep import PortState
from plumbline.rig.models import Network
from plumbline.rig.permits import Contact, Refusal
from plumbline.rig.targets import targets

LIVENESS_PORTS = 3  # of those that answered before; one that still does is enough
AT_ONCE = 64  # visits under way; the caps of the door decide the pace, this bounds the memory
CLOSED_HOURS = frozenset({Refusal.NOT_YET_VALID, Refusal.EXPIRED, Refusal.OUTSIDE_WINDOW})

Step = Callable[[HostVisit], Coroutine[Any, Any, None]]


@dataclass
class NetworkResult:
    """What the live part came to: how many hosts answered, and why it ended early, if it did."""

    hosts: int = 0
    ended_early: str | None = None


async def collect_networks(context: Context, door: Door) -> NetworkResult:
    """Sweep and probe every network of the rig; raises EnvironmentFault when the machine fails us, and nothing else."""
    work = _Run(context, door)
    try:
        await work.all()
    except (StoppedError, NotPermittedError) as error:
        work.result.ended_early = str(error)
    return work.result


@dataclass
class _Leg:
    """One network on the way through the rig."""

    network: Network
    addresses: int = 0
    hosts: int = 0  # that answered, and whose visit came to its end
    waves: tuple[list[str], ...] = ()  # canaries, and the others; empty before it was begun
    tried: int = 0  # connects that left
    refused: int = 0  # connects that the law turned down
    begun: dict[str, HostVisit] = field(default_factory=dict)


class _Run:
    def __init__(self, context: Context, door: Door) -> None:
        self.context, self.door, self.result = context, door, NetworkResult()
        self.probes = load_probes()
        self.models = {str(address): asset.model for asset in context.rig.assets for address in asset.addresses if asset.model}
        self.breaker = Breaker(door.stop, models=self.models)
        self.done = 0
        self.total = 0
        self.sweeping = asyncio.Lock()
        self.places = asyncio.Semaphore(AT_ONCE)
        self.started = context.now()
        service = INTERRUPTED[0]
        earlier = context.writer.outcomes.items()
        self.met = {entity for (entity, table, subject), outcome in earlier if table == service and (subject or outcome is Outcome.OK)}

    async def all(self) -> None:
        ended: StoppedError | NotPermittedError | None = None
        try:
            await self.door.open()
        except (StoppedError, NotPermittedError) as error:  # no more passes: the whole authorisation, or a wrong anchor
            ended = error
        legs = [_Leg(network) for network in self.context.rig.networks]
        if ended is None:
            ended = await self._legs(legs) or await self._names_and_groups()
        for leg in legs:
            self._leave_alone(leg.network)
            self._not_reached(leg.network, ended)
            self._cover_network(leg, ended)
        if ended is not None:
            raise ended

    async def _legs(self, legs: list[_Leg]) -> StoppedError | NotPermittedError | None:
        """Go through the networks side by side, canaries first everywhere; returns what ended the run early."""
        for leg in legs:
            every = [str(address) for address in targets(self.context.rig, leg.network)]
            fresh = [address for address in every if not self._finished(leg.network.site, address)]
            leg.hosts = sum(self._met(leg.network.site, address) for address in set(every) - set(fresh))
            split = waves(fresh, self.models)
            leg.addresses, leg.waves = len(every), (list(split.canaries), list(split.others))
            self.total += len(fresh)
        try:
            for number in range(2):
                await together(self._wave(leg, leg.waves[number]) for leg in legs)
        except (StoppedError, NotPermittedError) as error:
            for visit in [visit for leg in legs for visit in leg.begun.values()]:
                self._interrupt(visit, str(error))
            return error
        return None

    async def _names_and_groups(self) -> StoppedError | NotPermittedError | None:
        """Ask the listed cloud endpoints, then the multicast groups: last, as industrial devices are known by then."""
        names = [name for name in sorted(self.context.rig.authorisation.hosts) if not self._finished("", name)]
        try:
            await self._visit_all([cloud.visit_of(self.context, self.door, name) for name in names], cloud.ask)
            for network in self.context.rig.networks:
                await discover(self.context, self.door, network)
        except (StoppedError, NotPermittedError) as error:
            return error
        return None

    def _finished(self, site: str, key: str) -> bool:
        entity, writer = Entity.of(EntityKind.HOST, site, key), self.context.writer
        table, subject, unfinished = INTERRUPTED
        return writer.attempted(entity, table) and writer.outcomes.get((str(entity), table, subject)) is not unfinished

    def _met(self, site: str, address: str) -> bool:
        """Say whether an earlier session had an answer there: of an address without any only the whole is covered, and never as ok."""
        return str(Entity.of(EntityKind.HOST, site, address)) in self.met

    async def _wave(self, leg: _Leg, addresses: list[str]) -> None:
        """Sweep and visit some addresses of one network."""
        leg.begun = visits = {address: self._visit(leg.network, address) for address in addresses}
        if not visits:
            return
        first = next(iter(visits.values())).industrial_ports()
        await self._sweep(leg, visits, first)
        await self._visit_all(visits.values(), self._ask_industrial)
        generic = {address: visit for address, visit in visits.items() if not visit.ot and not visit.over}
        await self._sweep(leg, generic, [port for port in leg.network.ports if port not in set(first)])
        try:
            await self._visit_all(visits.values(), self._finish_one)
        finally:
            leg.hosts += sum(visit.told for visit in visits.values())
        leg.begun = {}

    async def _sweep(self, leg: _Leg, visits: dict[str, HostVisit], ports: list[int]) -> None:
        """Try ports of many hosts, port by port; one network after the other, as a sweep alone may hold most of our open files."""
        swept, total = 0, len(visits) * len(ports)
        over: str | None = None

        def plan() -> Iterator[tuple[str, int]]:
            for port in ports:
                for address in visits:
                    if over is not None:
                        return  # each of the rest would be refused, and logged, one by one
                    yield address, port

        async with self.sweeping:
            async for result in self.door.sweep(plan()):
                if result.reason in CLOSED_HOURS:
                    over = result.reason
                visit = visits[result.address]
                visit.ports[result.port] = result.state
                visit.permit = visit.permit or (result.permit.id if result.permit else None)
                leg.tried += result.state is not PortState.REFUSED_BY_LAW
                leg.refused += result.state is PortState.REFUSED_BY_LAW and result.reason != Refusal.NEVER_TOUCH
                swept += 1
                if swept % 256 == 0 or swept == total:
                    self.context.progress("sweeping ports", swept, total)
        self.breaker.expect(visit.address for visit in visits.values() if visit.answered)
        if over is not None:
            raise NotPermittedError("the authorised time is over", reason=over)

    async def _visit_all(self, visits: Iterable[HostVisit], step: Step) -> None:
        async def one(visit: HostVisit) -> None:
            async with self.places:
                await self._guarded(visit, step)

        await together(one(visit) for visit in visits)

    async def _guarded(self, visit: HostVisit, step: Step) -> None:
        """Run one step of a visit: a defect of ours costs this host's verdicts, told with its trace, and nobody else's."""
        if visit.over:
            return
        try:
            await step(visit)
            self._check_hours(visit)
        except (StoppedError, NotPermittedError) as error:
            self._interrupt(visit, str(error))
            if isinstance(error, StoppedError) or error.reason in CLOSED_HOURS:
                raise
        except EnvironmentFault:
            raise
        except Exception:  # noqa: BLE001 - the one boundary of a visit (STYLE 15)
            visit.leave(Outcome.INTERNAL_ERROR, traceback.format_exc(limit=-4))

    def _interrupt(self, visit: HostVisit, why: str) -> None:
        """Say of a host that its visit was cut short; an address of which nothing is known is no host, and nothing is said of it."""
        if not visit.over and (visit.answered or visit.name is not None or self._declared(visit)):
            visit.interrupt(why)

    async def _ask_industrial(self, visit: HostVisit) -> None:
        """Ask a device at its industrial ports and compare its liveness at once: these are the devices that are hurt most easily."""
        if visit.has_industrial():
            self.breaker.before(visit.address, alive=True)
            await visit.ask_industrial()
            await self._compare(visit)

    async def _finish_one(self, visit: HostVisit) -> None:
        """Ask what is left to ask, commit, and see whether the device is still there."""
        generic = not visit.ot and (visit.answered or self._declared(visit) or self.door.mac_of(visit.address) is not None)
        if generic:
            self.breaker.before(visit.address, alive=visit.answered)
            await visit.ask_others()
        self._check_hours(visit)
        self.result.hosts += visit.answered
        visit.finish(declared=self._declared(visit))
        self.done += 1
        self.context.progress("visiting hosts", self.done, self.total)
        if generic:
            await self._compare(visit)

    async def _compare(self, visit: HostVisit) -> None:
        """Tell the breaker whether a device still answers where it did before; two tries, as one lost packet is not a lost device.

        An open port that is closed now is no answer: the kernel of a device may outlive all that it was there for. Where the window has
        closed meanwhile it cannot be known, and nothing is told.
        """
        were_open = [port for port, state in sorted(visit.ports.items()) if state is PortState.OPEN]
        were_closed = [port for port, state in sorted(visit.ports.items()) if state is PortState.CLOSED]
        ports = (were_open or were_closed)[:LIVENESS_PORTS]
        if not ports:
            return  # heard over UDP alone, by a probe that has just ended
        before = {visit.ports[port] for port in ports}
        for port in ports * 2:
            [again] = [result async for result in self.door.sweep([(visit.address, port)], why="liveness")]
            if again.state is PortState.REFUSED_BY_LAW:
                return
            if again.state in before:
                self.breaker.after(visit.address, alive=True)
                return
        self.breaker.after(visit.address, alive=False)

    def _check_hours(self, visit: HostVisit) -> None:
        """Raise NotPermittedError when the authorised time is over: what was refused meanwhile is for a resumed run to ask."""
        if not visit.address:
            return  # a name that led nowhere; its visit looked by itself
        try:
            self.door.judge(Contact(ip_address(visit.address), None, Transport.TCP, Intrusion.QUERY, "visit"))
        except NotPermittedError as refusal:
            if refusal.reason in CLOSED_HOURS:
                raise

    def _declared(self, visit: HostVisit) -> bool:
        return self.context.rig.asset_at(ip_address(visit.address)) is not None

    def _visit(self, network: Network, address: str) -> HostVisit:
        context = self.context
        return HostVisit(self.door, context.writer, context.key, context.now, self.probes, network, address, wants=context.wants)

    def _leave_alone(self, network: Network) -> None:
        """Say of each declared device that the law bars us from (`exclude`, `never_touch`) that nothing is known of it, and why."""
        rig = self.context.rig
        barred = rig.authorisation.excluded | rig.untouchable
        for address in [address for asset in rig.assets if asset.site in (None, network.site) for address in asset.addresses]:
            if address in network.addresses and address in barred and not self._finished(network.site, str(address)):
                self._visit(network, str(address)).leave(Outcome.NOT_PERMITTED, "excluded, or never to be touched (law 5)")

    def _not_reached(self, network: Network, ended: Exception | None) -> None:
        """Say of each declared device that a run which ended early did not come to that it is unjudged; a resumed run goes there."""
        for address in (str(each) for each in targets(self.context.rig, network)) if ended is not None else ():
            visit = self._visit(network, address)
            if self._declared(visit) and not self.context.writer.attempted(visit.entity, INTERRUPTED[0]):
                visit.interrupt(f"not reached: {ended}")

    def _cover_network(self, leg: _Leg, ended: Exception | None) -> None:
        """Say how far the sweep of a network came: the coverage of the table `host`."""
        network, outcome = leg.network, Outcome.OK
        detail = f"{leg.addresses} addresses swept at {len(network.ports)} TCP ports"
        if leg.refused:
            outcome, detail = Outcome.PARTIAL, f"{detail}; {leg.refused} connects were not permitted"
        if ended is not None:
            outcome, detail = Outcome.PARTIAL if leg.tried else Outcome.NOT_PERMITTED, str(ended)
        entity = Entity.of(EntityKind.NETWORK, network.site, network.name)
        with self.context.writer.batch() as batch:
            batch.coverage(
                entity, "host", outcome=outcome, rows=leg.hosts, started_at=self.started, ended_at=self.context.now(), detail=detail
            )

"""The live part of an audit: which addresses, in which order, and when to stop.

Order (law 5): one declared asset per model goes first as a canary, alone with the other models' canaries, from the sweep to the last
probe; then everyone else. Each device's liveness is compared before and after; the breaker ends the run when devices fall silent.
Industrial ports are swept first, so that a device of class `ot` is known as one before anything else is sent to it.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from plumbline.collect.context import Context
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


class _Run:
    def __init__(self, context: Context, door: Door) -> None:
        self.context, self.door, self.result = context, door, NetworkResult()
        self.probes = load_probes()
        self.models = {str(address): asset.model for asset in context.rig.assets for address in asset.addresses if asset.model}
        self.breaker = Breaker(door.stop, models=self.models)
        self.done = 0
        self.total = 0
        self.refused = 0  # connects of the network under way that the law turned down
        self.started = context.now()

    async def all(self) -> None:
        ended: StoppedError | NotPermittedError | None = None
        try:
            await self.door.open()
        except (StoppedError, NotPermittedError) as error:  # no more passes: the whole authorisation, or a wrong anchor
            ended = error
        for network in self.context.rig.networks:
            if ended is not None:
                self._cover_network(network, Outcome.NOT_PERMITTED, f"not reached: {ended}")
                continue
            try:
                await self._network(network)
            except (StoppedError, NotPermittedError) as error:
                self._cover_network(network, Outcome.PARTIAL, str(error))
                ended = error
        if ended is not None:
            raise ended

    async def _network(self, network: Network) -> None:
        addresses = [str(address) for address in targets(self.context.rig, network)]
        fresh = [address for address in addresses if not self._finished(network, address)]
        self.total += len(fresh)
        self.refused = 0
        split = waves(fresh, self.models)
        await self._wave(network, list(split.canaries))
        await self._wave(network, list(split.others))
        detail = f"{len(addresses)} addresses swept at {len(network.ports)} TCP ports"
        if self.refused:
            self._cover_network(network, Outcome.PARTIAL, f"{detail}; {self.refused} connects were not permitted")
        else:
            self._cover_network(network, Outcome.OK, detail)

    def _finished(self, network: Network, address: str) -> bool:
        entity, writer = Entity.of(EntityKind.HOST, network.site, address), self.context.writer
        table, subject, unfinished = INTERRUPTED
        return writer.attempted(entity, table) and writer.outcomes.get((str(entity), table, subject)) is not unfinished

    async def _wave(self, network: Network, addresses: list[str]) -> None:
        """Sweep and visit some addresses of one network; when the run is ended meanwhile, say so of every host that it had begun."""
        visits = {address: self._visit(network, address) for address in addresses}
        if not visits:
            return
        try:
            await self._visit_swept(visits, network)
        except (StoppedError, NotPermittedError) as error:
            for visit in visits.values():
                if not visit.over and (visit.answered or self._declared(visit)):
                    visit.interrupt(str(error))
            raise

    async def _visit_swept(self, visits: dict[str, HostVisit], network: Network) -> None:
        first = next(iter(visits.values())).industrial_ports()
        await self._sweep(visits, [(port, list(visits)) for port in first])
        await self._visit_all(visits.values(), self._ask_industrial)
        others = [port for port in network.ports if port not in set(first)]
        generic = {address: visit for address, visit in visits.items() if not visit.ot and not visit.over}
        await self._sweep(generic, [(port, list(generic)) for port in others])
        await self._visit_all(visits.values(), self._finish_one)

    async def _sweep(self, visits: dict[str, HostVisit], plan: list[tuple[int, list[str]]]) -> None:
        targets = ((address, port) for port, addresses in plan for address in addresses)
        swept, total = 0, sum(len(addresses) for _, addresses in plan)
        async for result in self.door.sweep(targets):
            visit = visits[result.address]
            visit.ports[result.port] = result.state
            visit.permit = visit.permit or (result.permit.id if result.permit else None)
            if result.reason in CLOSED_HOURS:
                raise NotPermittedError("the authorised time is over", reason=result.reason)
            self.refused += result.state is PortState.REFUSED_BY_LAW and result.reason != Refusal.NEVER_TOUCH
            swept += 1
            if swept % 256 == 0 or swept == total:
                self.context.progress("sweeping ports", swept, total)
        self.breaker.expect(visit.address for visit in visits.values() if visit.answered)

    async def _visit_all(self, visits: Iterable[HostVisit], step: Step) -> None:
        limit = asyncio.Semaphore(AT_ONCE)

        async def one(visit: HostVisit) -> None:
            async with limit:
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
            if not visit.over:
                visit.interrupt(str(error))
            if isinstance(error, StoppedError) or error.reason in CLOSED_HOURS:
                raise
        except EnvironmentFault:
            raise
        except Exception:  # noqa: BLE001 - the one boundary of a visit (STYLE 15)
            visit.give_up(traceback.format_exc(limit=-4))

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
        for _ in range(2):
            async for again in self.door.sweep([(visit.address, port) for port in ports], why="liveness"):
                if again.state is PortState.REFUSED_BY_LAW:
                    return
                if again.state in before:
                    self.breaker.after(visit.address, alive=True)
                    return
        self.breaker.after(visit.address, alive=False)

    def _check_hours(self, visit: HostVisit) -> None:
        """Raise NotPermittedError when the authorised time is over: what was refused meanwhile is for a resumed run to ask."""
        try:
            self.door.judge(Contact(ip_address(visit.address), None, Transport.TCP, Intrusion.QUERY, "visit"))
        except NotPermittedError as refusal:
            if refusal.reason in CLOSED_HOURS:
                raise

    def _declared(self, visit: HostVisit) -> bool:
        return self.context.rig.asset_at(ip_address(visit.address)) is not None

    def _visit(self, network: Network, address: str) -> HostVisit:
        context = self.context
        return HostVisit(self.door, context.writer, context.key, context.now, self.probes, network, address)

    def _cover_network(self, network: Network, outcome: Outcome, detail: str) -> None:
        """Say how far the sweep of a network came: the coverage of the table `host`."""
        entity = Entity.of(EntityKind.NETWORK, network.site, network.name)
        with self.context.writer.batch() as batch:
            batch.coverage(entity, "host", outcome=outcome, started_at=self.started, ended_at=self.context.now(), detail=detail)

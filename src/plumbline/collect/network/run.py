"""The live part of an audit: which addresses, in which order, and when to stop.

Order (law 5): one declared asset per model goes first as a canary, alone with the other models' canaries, from the sweep to the last
probe; then everyone else. Each device's liveness is compared before and after; the breaker ends the run when devices fall silent.
Industrial ports are swept first, so that a device of class `ot` is known as one before anything else is sent to it.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from plumbline.collect.context import Context
from plumbline.collect.network.host import HostVisit
from plumbline.collect.network.registry import load_probes
from plumbline.model.entities import Entity
from plumbline.model.errors import EnvironmentFault, NotPermittedError, StoppedError
from plumbline.model.words import EntityKind, Outcome
from plumbline.net.breaker import Breaker, waves
from plumbline.net.door import Door
from plumbline.net.sweep import PortState
from plumbline.rig.models import Network
from plumbline.rig.targets import targets

AT_ONCE = 64  # visits under way; the caps of the door decide the pace, this bounds the memory


@dataclass
class NetworkResult:
    """What the live part came to: how many hosts answered, and why it ended early, if it did."""

    hosts: int = 0
    ended_early: str | None = None


async def collect_networks(context: Context, door: Door) -> NetworkResult:
    """Sweep and probe every network of the rig; raises EnvironmentFault when the machine fails us, and nothing else."""
    work = _Run(context, door)
    try:
        await door.open()
        await work.all()
    except StoppedError as stopped:
        work.result.ended_early = str(stopped)
    except NotPermittedError as refusal:  # the whole authorisation: wrong anchor, window closed
        work.result.ended_early = str(refusal)
    return work.result


class _Run:
    def __init__(self, context: Context, door: Door) -> None:
        self.context, self.door, self.result = context, door, NetworkResult()
        self.probes = load_probes()
        self.models = {str(address): asset.model for asset in context.rig.assets for address in asset.addresses if asset.model}
        self.breaker = Breaker(door.stop, models=self.models)
        self.done = 0
        self.total = 0
        self.started = context.now()

    async def all(self) -> None:
        rig = self.context.rig
        for network in rig.networks:
            addresses = [str(address) for address in targets(rig, network)]
            self.total += len(addresses)
            fresh = [address for address in addresses if not self._finished(network, address)]
            split = waves(fresh, self.models)
            try:
                await self._wave(network, list(split.canaries))
                await self._wave(network, list(split.others))
            except (StoppedError, NotPermittedError) as error:
                self._cover_network(network, len(addresses), str(error))
                raise
            self._cover_network(network, len(addresses), None)

    def _finished(self, network: Network, address: str) -> bool:
        return self.context.writer.attempted(Entity.of(EntityKind.HOST, network.site, address), "service")

    async def _wave(self, network: Network, addresses: list[str]) -> None:
        """Sweep and visit some addresses of one network."""
        visits = {address: self._visit(network, address) for address in addresses}
        if not visits:
            return
        first = next(iter(visits.values())).industrial_ports()
        await self._sweep(visits, [(port, list(visits)) for port in first])
        await self._visit_all(visits.values(), HostVisit.ask_industrial)
        others = [port for port in network.ports if port not in set(first)]
        generic = {address: visit for address, visit in visits.items() if not visit.ot}
        await self._sweep(generic, [(port, list(generic)) for port in others])
        self.breaker.expect(visit.address for visit in visits.values() if visit.answered)
        await self._visit_all(visits.values(), self._finish_one)

    async def _sweep(self, visits: dict[str, HostVisit], plan: list[tuple[int, list[str]]]) -> None:
        targets = ((address, port) for port, addresses in plan for address in addresses)
        swept, total = 0, sum(len(addresses) for _, addresses in plan)
        async for result in self.door.sweep(targets):
            visit = visits[result.address]
            visit.ports[result.port] = result.state
            visit.permit = visit.permit or (result.permit.id if result.permit else None)
            swept += 1
            if swept % 256 == 0 or swept == total:
                self.context.progress("sweeping ports", swept, total)

    async def _visit_all(self, visits: Iterable[HostVisit], step: Callable[[HostVisit], Awaitable[None]]) -> None:
        limit = asyncio.Semaphore(AT_ONCE)

        async def one(visit: HostVisit) -> None:
            async with limit:
                await self._guarded(visit, step)

        tasks = [asyncio.create_task(one(visit)) for visit in visits]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _guarded(self, visit: HostVisit, step: Callable[[HostVisit], Awaitable[None]]) -> None:
        """Run one step of a visit: a defect of ours costs this host's verdicts, told with its trace, and nobody else's."""
        if visit.over:
            return
        try:
            await step(visit)
        except (StoppedError, NotPermittedError) as error:
            visit.interrupt(str(error))
            if isinstance(error, StoppedError):
                raise
        except EnvironmentFault:
            raise
        except Exception:  # noqa: BLE001 - the one boundary of a visit (STYLE 15)
            visit.give_up(traceback.format_exc(limit=-4))

    async def _finish_one(self, visit: HostVisit) -> None:
        """Ask what is left to ask, see whether the device is still there, and commit."""
        alive = False
        if visit.answered:
            self.breaker.before(visit.address, alive=True)
            if not visit.ot:
                await visit.ask_others()
            alive = await self._alive(visit)
            self.result.hosts += 1
        visit.finish(declared=self.context.rig.asset_at(ip_address(visit.address)) is not None)
        self.done += 1
        self.context.progress("visiting hosts", self.done, self.total)
        if visit.answered:
            self.breaker.after(visit.address, alive=alive)

    async def _alive(self, visit: HostVisit) -> bool:
        """Ask again at a port that answered before; two tries, as one lost packet is not a lost device."""
        port = next((port for port, state in visit.ports.items() if state in (PortState.OPEN, PortState.CLOSED)), None)
        if port is None:
            return True  # heard over UDP alone, by a probe that has just ended
        for _ in range(2):
            async for again in self.door.sweep([(visit.address, port)], why="liveness"):
                if again.state in (PortState.OPEN, PortState.CLOSED):
                    return True
        return False

    def _visit(self, network: Network, address: str) -> HostVisit:
        context = self.context
        return HostVisit(self.door, context.writer, context.key, context.now, self.probes, network, address)

    def _cover_network(self, network: Network, addresses: int, cut_short: str | None) -> None:
        """Say how far the sweep of a network came: the coverage of the table `host`."""
        entity = Entity.of(EntityKind.NETWORK, network.site, network.name)
        detail = cut_short or f"{addresses} addresses swept at {len(network.ports)} TCP ports"
        outcome = Outcome.PARTIAL if cut_short else Outcome.OK
        with self.context.writer.batch() as batch:
            batch.coverage(entity, "host", outcome=outcome, started_at=self.started, ended_at=self.context.now(), detail=detail)

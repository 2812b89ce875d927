"""Which TCP ports answer: many connects under way at once, each judged, capped and logged like any other. It asks nothing of a service.

An open port is closed with a reset, as nothing was exchanged (`dial.drop`); everywhere else the door closes cleanly. A closed port
(RST) is an answer, not a refusal by law.

Targets are read ahead, a bounded number at a time, and sorted by device, so that one device's pace holds up no other. A dark
address costs its whole timeout at each port: give wide ranges port by port, and drop the addresses that stay dark.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from plumbline.model.errors import NotPermittedError, RefusedError, SilentError, UnreachableError
from plumbline.net.dial import dial, drop, open_socket
from plumbline.net.gate import Errand, Gate
from plumbline.rig.permits import Permit

READ_AHEAD = 4096

Wish = Callable[[str, int], Errand]
Meet = Callable[[Errand], Awaitable[Errand]]


class PortState(StrEnum):
    """What a connect found."""

    OPEN = "open"
    CLOSED = "closed"  # answered with a reset
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    REFUSED_BY_LAW = "refused_by_law"  # not permitted: nothing was sent


@dataclass(frozen=True, slots=True)
class SweepResult:
    """One port's answer; `rtt_s` is None where none came, `permit` where none was given."""

    address: str
    port: int
    state: PortState
    rtt_s: float | None
    at: datetime
    permit: Permit | None
    reason: str = ""


async def run(
    gate: Gate, wish: Wish, meet: Meet, targets: Iterable[tuple[str, int]], timeout_s: float
) -> AsyncGenerator[SweepResult, None]:
    """Try every target; raises StoppedError or EnvironmentFault, after which the connects under way are dropped."""
    work = _Sweep(gate, meet, timeout_s)
    source = iter(targets)
    try:
        more = True
        while more or work.due:
            while more and work.waiting < READ_AHEAD:
                target = next(source, None)
                if target is None:
                    more = False
                    break
                try:
                    errand = wish(*target)
                    gate.permit(errand)
                except NotPermittedError as refusal:
                    yield SweepResult(*target, PortState.REFUSED_BY_LAW, None, gate.clock.now(), None, refusal.reason)
                    continue
                work.add(errand)
            work.start_lanes()
            if work.due:
                for result in await work.finished():
                    yield result
    finally:
        await work.end()


class _Work:
    """One device's targets that were read ahead, and how many lanes are working them off."""

    def __init__(self) -> None:
        self.backlog: deque[Errand] = deque()
        self.lanes = 0


class _Sweep:
    """A lane is a task that tries one device's targets one after the other; a device has as many lanes as places."""

    def __init__(self, gate: Gate, meet: Meet, timeout_s: float) -> None:
        self._gate = gate
        self._meet = meet
        self._timeout_s = timeout_s
        self._work: dict[str, _Work] = {}
        self._ready: deque[str] = deque()  # keys of devices that may want another lane; doubles do no harm
        self._results: asyncio.Queue[SweepResult | BaseException] = asyncio.Queue()
        self._lanes: set[asyncio.Task[None]] = set()
        self._busy = 0  # lanes at work; not the size of the set, from which a lane goes only after its last result was read
        self.waiting = 0  # read ahead, and not yet begun
        self.due = 0  # read ahead or begun, and not yet given out

    def add(self, errand: Errand) -> None:
        key = errand.device.key
        work = self._work.setdefault(key, _Work())
        work.backlog.append(errand)
        self.waiting += 1
        self.due += 1
        if work.lanes < errand.device.slots.limit:
            self._ready.append(key)

    def start_lanes(self) -> None:
        while self._ready and self._busy < self._gate.limits.sweep_lanes:
            key = self._ready.popleft()
            work = self._work.get(key)
            if work is not None and work.backlog and work.lanes < work.backlog[0].device.slots.limit:
                work.lanes += 1
                self._busy += 1
                lane = asyncio.create_task(self._lane(key, work))
                self._lanes.add(lane)
                lane.add_done_callback(self._ended)

    async def finished(self) -> list[SweepResult]:
        found = [await self._results.get()]
        while not self._results.empty():
            found.append(self._results.get_nowait())
        self.due -= len(found)
        for each in found:
            if isinstance(each, BaseException):
                raise each
        return [each for each in found if isinstance(each, SweepResult)]

    async def end(self) -> None:
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)

    def _ended(self, lane: asyncio.Task[None]) -> None:
        self._lanes.discard(lane)
        if not lane.cancelled() and (error := lane.exception()) is not None:
            self._results.put_nowait(error)  # raised where the sweep is read

    async def _lane(self, key: str, work: _Work) -> None:
        try:
            while work.backlog:
                errand = work.backlog.popleft()
                self.waiting -= 1
                self._results.put_nowait(await self._knock(errand))
        finally:
            work.lanes -= 1
            self._busy -= 1
            if not work.lanes and not work.backlog:
                self._work.pop(key, None)

    async def _knock(self, errand: Errand) -> SweepResult:
        contact = errand.contact
        try:
            errand = await self._meet(errand)
            place = await self._gate.caps.place(errand.device)
            try:
                return await self._connect(errand)
            finally:
                place.release()
        except NotPermittedError as refusal:
            at = self._gate.clock.now()
            return SweepResult(str(contact.address), contact.port or 0, PortState.REFUSED_BY_LAW, None, at, None, str(refusal.reason))

    async def _connect(self, errand: Errand) -> SweepResult:
        gate, contact = self._gate, errand.contact
        port = contact.port or 0
        with open_socket(contact.address, socket.SOCK_STREAM, gate.rig.authorisation.source) as made:
            permit = await gate.turn(errand)
            at, began = gate.clock.now(), gate.log.stamp()
            state, outcome = PortState.OPEN, "cancelled"
            try:
                await dial(made, contact.address, port, self._timeout_s)
                outcome = "ok"
                drop(made)
            except RefusedError:
                state, outcome = PortState.CLOSED, "refused"
            except SilentError:
                state, outcome = PortState.TIMEOUT, "timeout"
            except UnreachableError:
                state, outcome = PortState.UNREACHABLE, "unreachable"
            finally:
                gate.note("connect", errand, permit, outcome=outcome, began=began)
        answered = state in (PortState.OPEN, PortState.CLOSED)
        rtt_s = (gate.clock.monotonic_ns() - began[1]) / 1e9 if answered else None
        return SweepResult(str(contact.address), port, state, rtt_s, at, permit)

"""A bench for probes: a rig on loopback, its door, a bundle, and a way to send one probe to one port and see what it wrote."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import pyarrow.parquet as pq

from plumbline.collect.context import Context
from plumbline.collect.network.identify import Identity, identify
from plumbline.collect.network.probe import Visit
from plumbline.collect.network.registry import load_probes
from plumbline.collect.network.run import NetworkResult, collect_networks
from plumbline.evidence.bundle import Bundle, BundleWriter
from plumbline.model.entities import Entity
from plumbline.model.words import EntityKind, Intrusion, Outcome, Transport
from plumbline.net.budget import LoginBudget
from plumbline.net.caps import SHIPPED, Limits
from plumbline.net.clock import Clock, SystemClock
from plumbline.net.contacts import ContactLog
from plumbline.net.door import Door
from plumbline.net.stop import StopFlag
from plumbline.rig.models import Rig
from tests.net.rigs import make_rig, rig_text

KEY = bytes(range(32))
SITE = "here"
P = ParamSpec("P")
Row = dict[str, Any]


def own_address(number: int) -> str:
    """An address of 127.30.0.0/16 that no other test process of this run uses."""
    return f"127.30.{os.getpid() % 250 + 1}.{number}"


RANGES = (f"{own_address(0)}/24",)  # a network of `own_address`es


def scene(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Let pytest call an async test."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 100))

    return run


@dataclass(frozen=True)
class Seen:
    """What one probe wrote."""

    outcome: Outcome
    tables: dict[str, list[Row]]
    coverage: list[Row]

    def rows(self, table: str) -> list[Row]:
        """The rows of a table, without what every row has."""
        common = ("entity", "raw", "permit", "observed_at")
        return [{name: value for name, value in row.items() if name not in common} for row in self.tables.get(table, [])]

    def row(self, table: str) -> Row:
        """The one row of a table."""
        [row] = self.rows(table)
        return row

    def covered(self, table: str) -> tuple[Outcome, int]:
        """Outcome and number of rows of a table's one coverage row."""
        [row] = [row for row in self.coverage if row["table"] == table]
        return Outcome(row["outcome"]), row["rows"]

    def detail(self, table: str) -> str:
        """What the coverage of a table says of itself."""
        [row] = [row for row in self.coverage if row["table"] == table]
        return row["detail"] or ""


@dataclass
class Bench:
    """One rig under audit."""

    rig: Rig
    door: Door
    writer: BundleWriter
    clock: Clock
    budget: LoginBudget

    @property
    def context(self) -> Context:
        """What a collector is given."""
        return Context(self.rig, self.writer, KEY, self.clock.now, lambda *_: None, lambda: self.door.stop.reason is not None)

    async def visit(
        self,
        protocol: str,
        port: int,
        *,
        address: str = "127.0.0.1",
        tls: bool = False,
        inside: str | None = None,
        intrusion: Intrusion | None = None,
    ) -> Seen:
        """Send one probe to one port."""
        probe = load_probes()[protocol]
        batch = self.writer.batch()
        allowed = self.rig.authorisation.intrusion if intrusion is None else intrusion
        entity = Entity.of(EntityKind.HOST, SITE, address)
        where = (entity, address, port, probe.transport)
        visit = Visit(self.door, self.writer, batch, KEY, self.clock.now, *where, allowed, protocol, tls=tls, inside=inside)
        outcome = await visit.run(probe)
        self.writer.commit(batch)
        return Seen(outcome, dict(batch.tables), batch.attempts)

    async def identify(self, port: int, *, address: str = "127.0.0.1", hints: tuple[str, ...] = (), tls_hint: bool = False) -> Identity:
        """Find out what speaks on one port."""
        where = (Entity.of(EntityKind.HOST, SITE, address), address, port, Transport.TCP)
        visit = Visit(self.door, self.writer, self.writer.batch(), KEY, self.clock.now, *where, Intrusion.QUERY, "identify")
        return await identify(visit, hints, tls_hint=tls_hint)

    async def collect(self) -> NetworkResult:
        """Collect every network of the rig and close the bundle."""
        result = await collect_networks(self.context, self.door)
        self.writer.finish(ended_at=self.clock.now(), complete=result.ended_early is None)
        return result

    def rows(self, table: str) -> list[Row]:
        """All rows of a table in the closed bundle."""
        return [row for part in Bundle(self.writer.path).parts(table) for row in pq.read_table(part).to_pylist()]

    def coverage(self, table: str, address: str | None = None) -> dict[str, Outcome]:
        """The coverage of one table in the closed bundle, by subject: of several attempts the best."""
        entity = None if address is None else str(Entity.of(EntityKind.HOST, SITE, address))
        found: dict[str, Outcome] = {}
        for part in Bundle(self.writer.path).coverage_parts():
            for row in pq.read_table(part).to_pylist():
                if row["table"] == table and entity in (None, row["entity"]):
                    outcome = Outcome(row["outcome"])
                    found[row["subject"]] = min(outcome, found.get(row["subject"], outcome), key=lambda each: each.rank)
        return found

    def raw(self) -> bytes:
        """Everything that was stored of answers."""
        return b"\n".join(path.read_bytes() for path in sorted((self.writer.path / "raw").glob("*")))


@asynccontextmanager
async def open_bench(
    folder: Path,
    *,
    tcp: Iterable[int] = (),
    udp: Iterable[int] = (),
    intrusion: str = "credential",
    ranges: Sequence[str] = ("127.0.0.1/32",),
    rest: str = "",
    authorisation: str = "",
    limits: Limits = SHIPPED,
    clock: Clock | None = None,
    resume: bool = False,
) -> AsyncIterator[Bench]:
    """Open a signed rig whose one network has the given ports."""
    folder.mkdir(parents=True, exist_ok=True)
    text = rig_text(networks=("127.0.0.0/8",), ranges=ranges, tcp=tcp, udp=udp, intrusion=intrusion, rest=rest, authorisation=authorisation)
    rig = make_rig(folder, text, signed=True)
    clock = clock or SystemClock()
    header = {"rig": {"id": rig.id}}
    make = BundleWriter.resume(folder / "bundle", now=clock.now()) if resume else None
    writer = make or BundleWriter.create(folder / "bundle", rig_text=text, header=header, now=clock.now())
    budget = LoginBudget(folder / "state" / rig.id, rig.id)
    async with AsyncExitStack() as stack:
        log = stack.enter_context(ContactLog(writer.path / "contacts.jsonl", clock))
        door = Door(rig, log, clock=clock, limits=limits, budget=budget, stop=StopFlag())
        stack.push_async_callback(door.close)
        await door.open()
        yield Bench(rig, door, writer, clock, budget)


def free_udp_port(address: str = "127.0.0.1") -> int:
    """A UDP port that is free at this moment, for servers that cannot be asked which one they took."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind((address, 0))
        return int(line.getsockname()[1])

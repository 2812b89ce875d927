"""One collection from start to end: the declared assets, every supplied file, then the network and the logins given, through the door.

The bundle is whole at any moment; ending early (a stop, the breaker, a closed window, a full disk) leaves what was collected until
then, says so in the manifest, and `--resume` goes on.
"""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import plumbline.collect as collectors
from plumbline.collect import declared
from plumbline.collect.context import Context, Progress
from plumbline.collect.host.attempting import TABLES as SYSTEM_TABLES
from plumbline.collect.host.given import given_logins
from plumbline.collect.host.logins import use_logins
from plumbline.collect.network.run import NetworkResult, collect_networks
from plumbline.evidence.bundle import Bundle, BundleWriter
from plumbline.model.entities import Entity
from plumbline.model.errors import EnvironmentFault, InputError, StoppedError
from plumbline.model.words import EntityKind, Intrusion, Outcome
from plumbline.net.budget import LoginBudget
from plumbline.net.clock import SystemClock
from plumbline.net.contacts import ContactLog
from plumbline.net.door import Door
from plumbline.net.stop import Registration, StopFlag
from plumbline.rig.models import Rig
from plumbline.rig.redacted import redacted_text
from plumbline.rig.secrets import rig_key
from plumbline.rig.targets import is_swept

NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Collection:
    """What a collection came to."""

    bundle: Path
    hosts: int
    exchanges: int
    ended_early: str | None


def collect(
    rig: Rig,
    path: Path,
    *,
    state: Path,
    progress: Progress,
    now: Callable[[], datetime],
    resume: bool = False,
    wanted: frozenset[str] | None = None,
    narrowed: bool = False,
) -> Collection:
    """Collect a rig into the bundle `path`; `state` is the user's state folder (runs, login budgets), `wanted` the tables (None: all).
    `narrowed`: of the rig only a part is looked at, which the manifest then says.

    Raises InputError for a bundle that is not empty, in use or of another rig, EnvironmentFault when the machine fails us.
    """
    header = {**_header(rig), **({"narrowed": True} if narrowed else {})}
    begun = _begin_bundle(rig, path, header, now(), resume=resume)
    with Registration(path, state) as stop, stop.on_signals():
        writer = begun or BundleWriter.resume(path, rig_text=redacted_text(rig), header=header, now=now())  # nobody else writes there
        context = Context(rig, writer, rig_key(rig.path.parent), now, progress, lambda: stop.reason is not None, wanted)
        result, notes, exchanges = NetworkResult(), [], 0
        try:
            try:
                _collect_supplied(context)
                stop.check()
                result, exchanges = _collect_network(context, state, stop)
                notes = [result.ended_early] if result.ended_early else []
            except StoppedError as stopped:
                notes = [str(stopped)]
            writer.finish(ended_at=now(), complete=not notes, notes=notes)
        except EnvironmentFault as fault:
            # The disk may be full: what is waiting in memory is lost with it, the parts written so far stand.
            writer.abandon(ended_at=now(), note=str(fault))
            raise
        except InputError as wrong:
            writer.finish(ended_at=now(), complete=False, notes=[str(wrong)])
            raise
    return Collection(path, result.hosts, exchanges, notes[0] if notes else None)


def _begin_bundle(rig: Rig, path: Path, header: dict[str, Any], now: datetime, *, resume: bool) -> BundleWriter | None:
    """Start a new bundle, or see that the one to go on with is this rig's (None)."""
    if not resume:
        return BundleWriter.create(path, rig_text=redacted_text(rig), header=header, now=now)
    if Bundle(path).manifest.get("rig", {}).get("id") != rig.id:
        raise InputError(f"this bundle is of another rig than {rig.id}", where=str(path), remedy="resume with its own rig file")
    return None


def _header(rig: Rig) -> dict[str, Any]:
    allowed = rig.authorisation
    return {
        "rig": {"id": rig.id, "name": rig.name, "owner": rig.owner, "sha256": rig.sha256},
        "authorisation": {
            "reference": allowed.reference,
            "granted_by": allowed.granted_by,
            "valid_from": allowed.valid_from.isoformat(),
            "valid_until": allowed.valid_until.isoformat(),
            "intrusion": allowed.intrusion.word,
            "networks": [str(network) for network in allowed.networks],
            "signed_by": rig.signature.fingerprint if rig.signature else None,
        },
        "swept": _swept(rig),
        "parameters": {name: list(value) if isinstance(value, tuple) else value for name, value in rig.parameters.items()},
    }


def _swept(rig: Rig) -> dict[str, Any]:
    """Say which ranges are gone through address by address, and what is left out of them, so that silence there is known for silence."""
    allowed = rig.authorisation
    untouchable = (address for asset in rig.assets if asset.untouchable for address in asset.addresses)
    return {
        "ranges": {
            str(Entity.of(EntityKind.NETWORK, network.site, network.name)): [str(one) for one in network.ranges if is_swept(one)]
            for network in rig.networks
        },
        "left_out": sorted({str(one) for one in (*allowed.exclude, *allowed.never_touch, *untouchable)}),
    }


def _collect_supplied(context: Context) -> None:
    """Run the collectors of supplied files, each in its own boundary."""
    declared.collect(context)
    for name in sorted(info.name for info in pkgutil.iter_modules(collectors.__path__) if info.ispkg and info.name != NETWORK):
        module = importlib.import_module(f"{collectors.__name__}.{name}")
        if not context.wants(module.TABLES):
            continue
        try:
            module.collect(context)
        except (StoppedError, EnvironmentFault, InputError):
            raise
        except Exception:  # noqa: BLE001 - the one boundary of a source (STYLE 15): its tables stay unjudged, with the trace
            at = context.now()
            with context.writer.batch() as batch:
                for table in module.TABLES:
                    entity = Entity.of(EntityKind.RIG, "", context.rig.id)
                    trace = traceback.format_exc(limit=-4)
                    batch.coverage(entity, table, outcome=Outcome.INTERNAL_ERROR, started_at=at, ended_at=at, detail=trace)


def _collect_network(context: Context, state: Path, stop: StopFlag) -> tuple[NetworkResult, int]:
    rig = context.rig
    if rig.authorisation.intrusion <= Intrusion.PASSIVE or not (rig.networks or rig.logins):
        return NetworkResult(), 0
    return asyncio.run(_through_the_door(context, state, stop))


async def _through_the_door(context: Context, state: Path, stop: StopFlag) -> tuple[NetworkResult, int]:
    rig, clock = context.rig, SystemClock()
    logins = given_logins(rig, context.key)  # a secret that cannot be read is said before anything is contacted
    budget = LoginBudget(state / rig.id, rig.id)
    log = ContactLog(context.writer.path / "contacts.jsonl", clock, header={"rig": rig.id, "authorisation": rig.authorisation.reference})
    try:
        door = Door(rig, log, clock=clock, budget=budget, stop=stop)
        try:
            result = await collect_networks(context, door)
            if result.ended_early is None and context.wants(SYSTEM_TABLES):
                result.ended_early = await use_logins(context, door, logins)
        finally:
            await door.close()
        return result, door.exchanges
    finally:
        log.close()

"""An audit of the lab from end to end, as the command line does it, but into a folder of a test."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from plumbline.assess.run import assess
from plumbline.collect.run import collect
from plumbline.lab import reference, rigfile
from plumbline.lab.fleet import Fleet, fleet
from plumbline.lab.lab import running
from plumbline.lab.switches import Switches
from plumbline.lab.truth import Expected, Key
from plumbline.lab.truth.comparison import read
from plumbline.lab.watch import Watch
from plumbline.rig.loading import load


@dataclass(frozen=True)
class Audit:
    """What was audited, what the ledger says, and what the devices noticed."""

    fleet: Fleet
    ledger: Mapping[Key, Expected]
    watch: Watch
    hosts: int
    ended_early: str | None


def audit(switches: Switches, folder: Path, base: str, subset: Collection[str] | None = None, *, catalogue: bool = True) -> Audit:
    """Start the devices of a subset (None: all), audit them with every file of the lab, and stop them.

    A name that is no device of this lab (a kind of file, a device that a switch takes away) is passed over. `catalogue`: the lab's
    reference data is at hand.
    """
    at = _now()  # probes and permits read the machine's clock, so this lab is of today
    started = None if subset is None else set(subset) & fleet(switches, at, base).by_name.keys()
    with running(switches, at=at, base=base, subset=started) as lab:
        path = rigfile.write(lab.fleet, folder / "rig", subset)
        collected = collect(load(path), folder / "bundle", state=folder / "state", progress=lambda *_: None, now=_now)
    assess([folder / "bundle"], folder / "out", reference=reference.write(lab.fleet.at, folder) if catalogue else None)
    return Audit(lab.fleet, read(folder / "out" / "ledger.parquet"), lab.watch, collected.hosts, collected.ended_early)


def _now() -> datetime:
    return datetime.now(UTC)

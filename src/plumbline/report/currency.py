"""Whether each device is up to date, and what its owner does about it, from the derived tables of `updates`.

Not a judgement of its own: states come from `updates`; what is added here is order, the same thing to do put together for all devices that
need it, and words. Rules: a device whose state cannot be told is listed with its reason, never among those that are up to date; without
a catalogue the chapter says so; lists are samples beside exact counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plumbline.evidence.derived import DerivedParts
from plumbline.evidence.engine import Connection, connect, define_files
from plumbline.evidence.specs import load_tables
from plumbline.report.currency_data import Claim, Contradiction, Currency, Device, Patch, Step, Unknown
from plumbline.report.language import told
from plumbline.report.words import CLAIMANTS
from plumbline.updates.judging import State

STATES = tuple(State)  # the worst first
BAD = tuple(state for state in STATES if state.bad)
DEVICES_MAX = 150
STEPS_MAX = 12
NAMES_MAX = 8
CONTRADICTIONS_MAX = 40
CLAIMS_MAX = 12
BOUNDS_MAX = 60
PATCHES_MAX = 40
_TABLES = ("currency", "version_claim", "population_bound", "fleet_currency", "fleet_patch")
_COLUMNS = (
    *("entity", "state", "product", "installed", "believed_by", "latest", "latest_at", "releases_behind", "days_behind", "retracted"),
    *("unsupported", "support_ends_at", "vulnerable", "behind", "advisories", "exploited", "unsure_advisories", "fixed_in"),
)


class Names:
    """Names and criticality of assets, by any of their entities."""

    def __init__(self, said: Mapping[str, Any], whose: Mapping[str, str]) -> None:
        self._entries = {entry["id"]: entry for entry in said["assets"]}
        self._whose = whose

    def asset(self, entity: str) -> str:
        """Give the asset of an entity."""
        return self._whose.get(entity, entity)

    def name(self, entity: str) -> str:
        """Name the asset of an entity; one that is not listed is known by its key."""
        entry = self._entries.get(self.asset(entity))
        return entry["name"] if entry is not None else entity.partition("/")[2] or entity

    def criticality(self, entity: str) -> str | None:
        """Give its criticality, where the customer says one."""
        entry = self._entries.get(self.asset(entity))
        return entry["criticality"] if entry is not None else None


def currency(derived: DerivedParts, said: Mapping[str, Any], whose: Mapping[str, str]) -> Currency:
    """Read the chapter from what was derived; `said` is the assessment, `whose` gives the asset of an entity."""
    names = Names(said, whose)
    with connect() as connection:
        for table in _TABLES:
            define_files(connection, table, load_tables()[table].types(), derived.parts(table))
        counts = dict(connection.execute("select state, count(*) from currency group by state").fetchall())
        [[as_of]] = connection.execute("select max(catalogue_as_of) from currency").fetchall()
        devices = _devices(connection, names)
        contradictions, contradictions_count = _contradictions(connection, names)
        steps = [*_steps(devices), *_questions(contradictions)]
        patches, patches_count = _patches(connection, names)
        return Currency(
            derived=bool(derived.parts("currency")),
            states={state: counts.get(state, 0) for state in STATES},
            steps=tuple(steps[:STEPS_MAX]),
            steps_count=len(steps) - len(contradictions) + contradictions_count,
            devices=tuple(devices[:DEVICES_MAX]),
            devices_count=sum(counts.get(state, 0) for state in BAD),
            current=_names_where(connection, names, "state = 'current'"),
            contradictions=contradictions,
            contradictions_count=contradictions_count,
            unknown=tuple(_unknown(connection, names)),
            bounds=_bounds(connection),
            fleet=_fleet(connection),
            patches=patches,
            patches_count=patches_count,
            catalogue_as_of=as_of,
        )


def _devices(connection: Connection, names: Names) -> list[Device]:
    """Give every device about which something has to be done: what is exploited first, then by state, criticality and time."""
    rows = connection.execute(f"select {', '.join(_COLUMNS)} from currency where state in {tuple(map(str, BAD))}").fetchall()
    found = [_device(dict(zip(_COLUMNS, row, strict=True)), names) for row in rows]
    weight = {"critical": 0, "high": 1, "medium": 2, "low": 3}
    return sorted(
        found,
        key=lambda one: (
            not one.exploited,
            STATES.index(one.state),
            weight.get(one.criticality or "medium", 2),
            -(one.days_behind or 0),
            one.name,
            one.asset,
        ),
    )


def _device(row: Mapping[str, Any], names: Names) -> Device:
    copied = {
        name: row[name] for name in _COLUMNS if name not in ("entity", "state", "behind", "advisories", "exploited", "unsure_advisories")
    }
    return Device(
        asset=names.asset(row["entity"]),
        name=names.name(row["entity"]),
        criticality=names.criticality(row["entity"]),
        state=State(row["state"]),
        advisories=tuple(row["advisories"] or ()),
        exploited=tuple(row["exploited"] or ()),
        unsure=tuple(row["unsure_advisories"] or ()),
        todo=todo(row),
        **copied,
    )


def todo(row: Mapping[str, Any]) -> str:
    """Say what the owner of a device does, given the columns of its row in `currency`."""
    latest = row["latest"] if row["behind"] else None
    said: list[str] = []
    if row["retracted"]:
        said.append(
            told("Install %(latest)s instead.", latest=latest)
            if latest
            else told("Ask its maker which release to run instead, and go to that.")
        )
    elif row["vulnerable"]:
        said.append(_mend(latest, row["fixed_in"]))
    elif latest and not row["unsupported"]:
        said.append(told("Install %(latest)s.", latest=latest))
    elif row["behind"] and not row["unsupported"]:
        said.append(told("Install the newest release that fits it."))
    if row["unsupported"]:
        move = told("Move to %(latest)s if that still gets fixes, or plan its replacement.", latest=latest)
        said.append(move if latest and not said else told("Plan its replacement, as no more fixes will come."))
    whole = _together(said) if said else told("Look at the finding.")
    return told("At once: %(todo)s", todo=whole) if row["exploited"] and said else whole


def _together(said: Sequence[str]) -> str:
    return said[0] if len(said) == 1 else told("%(first)s %(second)s", first=said[0], second=said[1])


def _mend(latest: str | None, fixed_in: str | None) -> str:
    if latest and fixed_in and latest != fixed_in:
        return told("Install %(latest)s: it is mended in %(fixed_in)s.", latest=latest, fixed_in=fixed_in)
    if latest and fixed_in:
        return told("Install %(latest)s, which mends it.", latest=latest)
    if latest:
        return told("Install %(latest)s, and read the advisories: none says that it is mended there.", latest=latest)
    return told("No release is known to mend it: follow the advisories, and keep the device away from other networks.")


def _steps(devices: Sequence[Device]) -> list[Step]:
    """Put together what is the same to do, in the order of the first device that needs it."""
    groups: dict[tuple[str | None, ...], list[Device]] = {}
    for device in devices:
        groups.setdefault((device.state, device.todo, device.product, device.installed), []).append(device)
    return [
        Step(
            state=some[0].state,
            todo=some[0].todo,
            product=some[0].product,
            installed=some[0].installed,
            exploited=some[0].exploited,
            devices=tuple(one.name for one in some[:NAMES_MAX]),
            devices_count=len(some),
        )
        for some in groups.values()
    ]


def _questions(contradictions: Sequence[Contradiction]) -> list[Step]:
    """Ask for a look at each device whose claims contradict each other."""
    return [
        Step(
            state=one.state,
            todo=told("Look at it and find out which version it runs: %(words)s.", words=_who_says_what(one)),
            product=None,
            installed=None,
            exploited=(),
            devices=(one.name,),
            devices_count=1,
        )
        for one in contradictions
    ]


def _who_says_what(one: Contradiction) -> str:
    """Say it so that other languages can say it too, where that comes to the words that were derived."""
    again = ""
    for claim in one.claims:
        said = told("%(who)s says %(version)s", who=CLAIMANTS.get(claim.says, claim.says), version=claim.version)
        again = told("%(before)s, %(said)s", before=again, said=said) if again else said
    return again if again == one.words else one.words


def _names_where(connection: Connection, names: Names, condition: str) -> tuple[str, ...]:
    rows = connection.execute(f"select entity from currency where {condition} order by entity limit {NAMES_MAX * 4}").fetchall()
    return tuple(sorted(names.name(entity) for (entity,) in rows))


def _contradictions(connection: Connection, names: Names) -> tuple[tuple[Contradiction, ...], int]:
    rows = connection.execute(
        f"""
        select entity, state, installed, believed_by, coalesce(conflict_words, words), count(*) over ()
        from currency where conflict order by entity limit {CONTRADICTIONS_MAX}
        """
    ).fetchall()
    claims = connection.execute(
        """
        select entity, says, method, version, claimed_at from version_claim
        where counts and version is not null and entity in (select entity from currency where conflict)
        order by entity, trust desc, says, version
        """
    ).fetchall()
    said: dict[str, dict[tuple[str, str], Claim]] = {}
    for entity, says, method, version, claimed_at in claims:
        said.setdefault(entity, {}).setdefault((says, version), Claim(says, method, version, claimed_at))
    found = tuple(
        Contradiction(
            asset=names.asset(entity),
            name=names.name(entity),
            state=State(state),
            believed=installed,
            believed_by=believed_by,
            words=words,
            claims=tuple(list(said.get(entity, {}).values())[:CLAIMS_MAX]),
        )
        for entity, state, installed, believed_by, words, _ in rows
    )
    return found, rows[0][5] if rows else 0


def _unknown(connection: Connection, names: Names) -> list[Unknown]:
    rows = connection.execute(
        f"select reason, min(entity, {NAMES_MAX}), count(*) from currency where state = 'unknown' group by reason order by 3 desc, 1"
    ).fetchall()
    return [Unknown(reason or "", tuple(sorted(names.name(entity) for entity in some)), count) for reason, some, count in rows]


def _bounds(connection: Connection) -> tuple[str, ...]:
    rows = connection.execute(f"select words from population_bound order by model, words limit {BOUNDS_MAX}").fetchall()
    return tuple(words for (words,) in rows)


def _fleet(connection: Connection) -> dict[State, int]:
    counts = dict(connection.execute("select state, count(*) from fleet_currency group by state").fetchall())
    return {state: counts.get(state, 0) for state in STATES if counts}


def _patches(connection: Connection, names: Names) -> tuple[tuple[Patch, ...], int]:
    """Give the releases that something known lacks, or of which nobody knows: what is exploited first, then what most devices lack."""
    rows = connection.execute(
        f"""
        select entity, model, version, released_at, mends, exploited, devices, running, lacking, unknown, count(*) over ()
        from fleet_patch where lacking > 0 or unknown > 0 or devices is null
        order by exploited desc, lacking desc nulls last, unknown desc nulls last, entity, subject limit {PATCHES_MAX}
        """
    ).fetchall()
    found = tuple(
        Patch(names.name(entity), model, version, released_at, tuple(mends or ()), bool(exploited), *counts)
        for entity, model, version, released_at, mends, exploited, *counts, _ in rows
    )
    return found, rows[0][-1] if rows else 0

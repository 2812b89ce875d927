"""What an assessment says of each device's firmware, read back from OUT: for `updates status`, plans and their verification.

    Device      one row of `currency`, with who it is by assessment.json, its steps and the claims that were made of it

Not a judgement: states are those of the assessment. Rules: a device that assessment.json does not list is known by its entity; where
nothing was derived, `read` says so and gives no devices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from plumbline.evidence.derived import DerivedParts
from plumbline.evidence.engine import Connection, connect, define_files, identifier
from plumbline.evidence.specs import load_tables
from plumbline.model.words import Criticality, EntityKind
from plumbline.updates.judging import State

GATEWAYS = frozenset({"gateway", "router", "hub", "bridge", "coordinator"})  # classes of devices behind which others stand
_TABLES = ("currency", "update_step", "version_claim", "population_bound", "fleet_currency")


@dataclass(frozen=True, slots=True)
class StepRow:
    """One row of `update_step`; the names are those of its columns."""

    number: int
    reason: str | None
    product: str
    from_version: str | None
    version: str | None
    released_at: datetime | None
    sha256: str | None
    sha512: str | None
    size_bytes: int | None
    url: str | None
    name: str | None
    image: str | None
    signed: bool | None
    startable: bool | None
    fits: bool | None
    hardware: tuple[str, ...] | None
    rollback_ok: bool | None
    mends: tuple[str, ...] | None
    leaves: tuple[str, ...] | None
    opens: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One row of `version_claim`; the names are those of its columns."""

    method: str
    says: str
    version: str | None
    scheme: str | None
    claimed_at: datetime
    trust: int
    counts: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """One row of `currency`; the names are those of its columns."""

    state: State
    reason: str | None
    words: str
    model: str | None
    product: str | None
    device_class: str | None
    installed: str | None
    believed_by: str | None
    conflict: bool | None
    conflict_words: str | None
    latest: str | None
    latest_at: datetime | None
    behind: bool | None
    releases_behind: int | None
    days_behind: int | None
    retracted: bool | None
    unsupported: bool | None
    support_ends_at: datetime | None
    vulnerable: bool | None
    advisories: tuple[str, ...] | None
    exploited: tuple[str, ...] | None
    fixed_in: str | None
    remedies: tuple[str, ...] | None
    served_as: tuple[str, ...] | None
    catalogue_as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Device:
    """One device; `identifiers` are (kind, value) by which it is known again in another assessment."""

    asset: str
    name: str
    criticality: Criticality
    safety: bool
    gateway: bool
    identifiers: frozenset[tuple[str, str]]
    standing: Standing
    steps: tuple[StepRow, ...] = ()
    claims: tuple[ClaimRow, ...] = ()

    def known_as(self, kind: str) -> tuple[str, ...]:
        """Give the values of one kind of identifier."""
        return tuple(sorted(value for of, value in self.identifiers if of == kind))


@dataclass(frozen=True, slots=True)
class Standings:
    """All devices of an assessment, the worst first; `derived` is False where no catalogue was used.

    `fleet` counts by state the devices that only a hub knows, `bounds` say of each population how many of it could be out of date.
    """

    derived: bool
    as_of: datetime
    devices: tuple[Device, ...]
    fleet: Mapping[State, int] = field(default_factory=dict)
    bounds: tuple[str, ...] = ()

    def counts(self) -> dict[State, int]:
        """Count the devices of each state, the worst first."""
        return {state: sum(one.standing.state is state for one in self.devices) for state in State}


def read(derived: DerivedParts, said: Mapping[str, Any]) -> Standings:
    """Read what was derived; `said` is assessment.json.

    Raises InputError when a part is none of ours, KeyError or ValueError when `said` is of another form.
    """
    entries = {entry["id"]: entry for entry in said["assets"]}
    whose = {member["entity"]: entry["id"] for entry in said["assets"] for member in entry["members"]}
    with connect() as connection:
        for table in _TABLES:
            define_files(connection, table, load_tables()[table].types(), derived.parts(table))
        standings = _rows(connection, "currency", Standing)
        steps, claims = _rows(connection, "update_step", StepRow), _rows(connection, "version_claim", ClaimRow)
        counted = dict(connection.execute("select state, count(*) from fleet_currency group by state").fetchall())
        bounds = connection.execute("select words from population_bound order by subject, words").fetchall()
    devices = [
        _device(entity, entries.get(whose.get(entity, entity)), standing, steps.get(entity, ()), claims.get(entity, ()))
        for entity, [standing] in standings.items()
    ]
    order = list(State)
    devices.sort(key=lambda one: (order.index(one.standing.state), not one.standing.exploited, one.name, one.asset))
    return Standings(
        derived=bool(derived.parts("currency")),
        as_of=datetime.fromisoformat(said["as_of"]),
        devices=tuple(devices),
        fleet={state: counted[state] for state in State if state in counted},
        bounds=tuple(words for (words,) in bounds),
    )


def _device(
    entity: str, entry: Mapping[str, Any] | None, standing: Standing, steps: Sequence[StepRow], claims: Sequence[ClaimRow]
) -> Device:
    kinds = entry["kinds"] if entry is not None else ()
    identifiers = {(one["kind"], one["value"]) for one in entry["identifiers"]} if entry is not None else set[tuple[str, str]]()
    served = {(service, name) for service, _, name in (one.partition("/") for one in standing.served_as or ())}
    return Device(
        asset=entry["id"] if entry is not None else entity,
        name=entry["name"] if entry is not None else entity.partition("/")[2] or entity,
        criticality=Criticality(entry["criticality"]) if entry is not None and entry["criticality"] else Criticality.MEDIUM,
        safety=bool(entry is not None and entry["safety"]),
        gateway=EntityKind.EDGE.value in kinds or (standing.device_class or "").lower() in GATEWAYS,
        identifiers=frozenset(identifiers | served),
        standing=standing,
        steps=tuple(sorted(steps, key=lambda step: step.number)),
        claims=tuple(claims),
    )


def _rows(connection: Connection, table: str, of: Any) -> dict[str, list[Any]]:
    """Give the rows of a table by entity, as instances of a class that names the columns."""
    names = [one.name for one in fields(of)]
    columns = ", ".join(map(identifier, names))
    found: dict[str, list[Any]] = defaultdict(list)
    for entity, *values in connection.execute(f"select entity, {columns} from {table} order by all").fetchall():
        row: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in zip(names, values, strict=True)}
        if "state" in row:
            row["state"] = State(row["state"])
        found[entity].append(of(**row))
    return found

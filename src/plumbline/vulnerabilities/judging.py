"""Matches the components of a rig, each kind of component once, and lays the results out as columns.

Not the matching of one (`matching`), nor what carries it (`derive`). Rules: a match has a row when it is not settled, or when it is and
somebody says otherwise; the rest is counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa

from plumbline.evidence.engine import Connection
from plumbline.evidence.reference import Reference
from plumbline.evidence.specs import ARROW_TYPES, load_tables
from plumbline.vulnerabilities.candidates import Candidates
from plumbline.vulnerabilities.exposure import Exposure, Known, exposure_of
from plumbline.vulnerabilities.identity import Component, Sure, keys
from plumbline.vulnerabilities.matching import Finding, Match, match
from plumbline.vulnerabilities.threats import Threat, threats

BATCH = 50_000
_OF_MATCH = tuple(name for name in load_tables()["vulnerability_match"].columns if name != "sources")
_OF_EXPOSURE = tuple(field.name for field in fields(Exposure))
_FIELDS: Mapping[str, tuple[str, str]] = {  # columns that are no field of the match
    "component": ("component", "name"),
    **{name: ("component", name) for name in ("version", "purl", "cpe")},
    **{name: ("threat", name) for name in ("cvss", "score", "exploited", "ransomware", "exploitation", "epss", "epss_percentile")},
}
_KNOWN = pa.schema([("number", pa.int64()), ("known", pa.bool_()), ("versioned", pa.bool_()), ("compared", pa.bool_())])


@dataclass(frozen=True, slots=True)
class Judged:
    """Results by the number of the component: what is known of each, rows of matches, and exposures of those that have any."""

    components: pa.Table
    matches: pa.Table
    exposures: pa.Table


class _Columns:
    """Rows of one table in the making, some thousand at a time; the number of the component goes first."""

    def __init__(self, table: str, names: Sequence[str]) -> None:
        spec = load_tables()[table]
        self._schema = pa.schema([("number", pa.int64()), *((name, ARROW_TYPES[spec.columns[name].type]) for name in names)])
        self._columns: list[list[Any]] = [[] for _ in self._schema]
        self._done: list[pa.RecordBatch] = []

    def add(self, values: Iterable[Any]) -> None:
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)
        if len(self._columns[0]) >= BATCH:
            self._cut()

    def _cut(self) -> None:
        arrays = [pa.array(column, field.type) for column, field in zip(self._columns, self._schema, strict=True)]
        self._done.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._columns = [[] for _ in self._schema]

    def table(self) -> pa.Table:
        self._cut()
        return pa.Table.from_batches(self._done, schema=self._schema)


def judge(connection: Connection, reference: Reference, components: Sequence[Component], told: Known) -> Judged:
    """Match components with everything in a store, which has `told` of exploitation."""
    by_keys: dict[frozenset[tuple[str, Sure]], list[int]] = defaultdict(list)
    for number, component in enumerate(components):
        by_keys[frozenset(keys(component).items())].append(number)
    numbers = list(by_keys.values())
    candidates = Candidates(connection, reference, [dict(group) for group in by_keys])
    known = threats(connection, candidates.wanted, listed=told.exploited)
    void = frozenset(threat.id for threat in known.values() if threat.void)
    disputed = frozenset(threat.id for threat in known.values() if threat.disputed)
    matches, exposures = _Columns("vulnerability_match", _OF_MATCH), _Columns("component_exposure", _OF_EXPOSURE)
    named: dict[int, bool] = {}  # and whether each of its matches could be compared
    for group, statements in candidates.groups():
        for number in numbers[group]:
            found = list(match(components[number], statements, void=void, disputed=disputed))
            if not found:
                continue
            named[number] = all(one.status is not Finding.NOT_COMPARABLE for one in found)
            shown = [one for one in found if not one.status.settled or one.overruled]
            for one in shown:
                matches.add([number, *_match_row(components[number], one, known[one.vulnerability])])
            if shown:
                exposure = exposure_of(components[number], found, known, told)
                exposures.add([number, *(getattr(exposure, name) for name in _OF_EXPOSURE)])
    rows = [(number, number in named, bool(one.version), named.get(number, True)) for number, one in enumerate(components)]
    columns = [pa.array([row[place] for row in rows], field.type) for place, field in enumerate(_KNOWN)]
    return Judged(pa.Table.from_arrays(columns, schema=_KNOWN), matches.table(), exposures.table())


def _match_row(component: Component, found: Match, threat: Threat) -> Iterator[Any]:
    owners = {"component": component, "match": found, "threat": threat}
    for name in _OF_MATCH:
        owner, attribute = _FIELDS.get(name, ("match", name))
        yield getattr(owners[owner], attribute)

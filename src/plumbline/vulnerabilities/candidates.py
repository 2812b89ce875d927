"""Statements that may be about a component: from a reference store of millions of rows, those that name its product.

Not whether they mean its version (`matching`). Components that go by the same names share one search; of a record that was imported twice
the newest counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa

from plumbline.evidence.engine import Connection, define_files
from plumbline.evidence.reference import Reference, load_reference_tables
from plumbline.versions import Interval
from plumbline.vulnerabilities.facts import Origin, Status
from plumbline.vulnerabilities.identity import Sure
from plumbline.vulnerabilities.statement import Statement

FETCHED = 20_000
_COLUMNS = (
    "vulnerability", "origin", "status", "source", "record", "product", "namespace", "purl", "scheme", "rest", "parsed", "range_text",
    "lower", "lower_closed", "upper", "upper_closed", "versions", "hardware", "fixed_in", "remedy", "justification", "tlp", "dated_at",
)  # fmt: skip
_KEYS = """['purl:' || purl, 'cpe:' || cpe, 'ns:' || namespace || '/' || product,
  'vp:' || replace(vendor, ' ', '_') || ':' || replace(product, ' ', '_')]"""


class Candidates:
    """The statements that name the products of some groups of components; `wanted` is the relation of their vulnerabilities."""

    wanted = "candidate_vulnerability"

    def __init__(self, connection: Connection, reference: Reference, groups: Sequence[Mapping[str, Sure]]) -> None:
        """Find them for groups of keys; a group's number is its place."""
        self._connection = connection
        define_files(connection, "affected_in_place", load_reference_tables()["affected"].types(), reference.parts("affected"), place=True)
        keys = [(key, number, int(sure)) for number, group in enumerate(groups) for key, sure in group.items()]
        columns = [pa.array([entry[place] for entry in keys], kind) for place, kind in enumerate((pa.string(), pa.int64(), pa.int64()))]
        connection.register("incoming_keys", pa.Table.from_arrays(columns, names=["key", "number", "sure"]))
        connection.execute(
            f"""
            create or replace temp table candidate as
            select k.number, a.part, a.n, min(k.sure) as sure
            from (select part, n, unnest({_KEYS}) as key from affected_in_place) a join incoming_keys k on k.key = a.key
            group by all
            """
        )
        connection.unregister("incoming_keys")
        connection.execute(
            f"""
            create or replace temp table {self.wanted} as
            select distinct a.vulnerability as id from affected_in_place a semi join candidate c on c.part = a.part and c.n = a.n
            """
        )

    def groups(self) -> Iterator[tuple[int, list[Statement]]]:
        """Give each group's number and statements, in order; a group that nothing names is left out."""
        columns = ", ".join(f'a."{name}"' for name in _COLUMNS)
        cursor = self._connection.execute(
            f"""
            select c.number, c.sure, {columns}
            from affected_in_place a join candidate c on c.part = a.part and c.n = a.n
            qualify a.dated_at is not distinct from max(a.dated_at) over (partition by c.number, a.source, a.record)
            order by c.number, a.vulnerability, c.sure, a.source, a.record, a.part, a.n
            """
        )
        for number, rows in groupby(_fetched(cursor), key=itemgetter(0)):
            yield number, [_statement(row) for row in rows]


def _fetched(cursor: Any) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(FETCHED):
        yield from rows


def _statement(row: Sequence[Any]) -> Statement:
    values = dict(zip(_COLUMNS, row[2:], strict=True))
    lower, lower_closed, upper, upper_closed = (values.pop(name) for name in ("lower", "lower_closed", "upper", "upper_closed"))
    versions, hardware = (tuple(values.pop(name) or ()) for name in ("versions", "hardware"))
    origin, status = Origin(values.pop("origin")), Status(values.pop("status"))
    interval = Interval(lower, bool(lower_closed), upper, bool(upper_closed))
    return Statement(**values, origin=origin, status=status, interval=interval, versions=versions, hardware=hardware, sure=Sure(row[1]))

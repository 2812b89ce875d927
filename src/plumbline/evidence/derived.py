"""Derived tables: made from the evidence of one rig and reference data, and judged like what was collected.

    OUT/derived/tables/<table>/derived.parquet     rows, with the ids of those that they were made from in `sources`;
                                                   of a table that is made in slices derived+<n>.parquet
    OUT/derived/coverage/derived.parquet           what could be derived, and what kept the rest

A deriver is a pure function (law 3): it reads views of the evidence (`main.<table>`, with `row_id` and `asset`) and of the reference
(`reference.<table>`), and writes SELECTs through a `DerivedWriter`; no socket, no clock, no other file. Each package that derives has a
module `derive` with `TABLES` and `derive(connection, reference, as_of, write)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from plumbline.evidence.engine import Connection, file_list, identifier, literal
from plumbline.evidence.reference import Reference
from plumbline.evidence.specs import COVERAGE, SQL_TYPES, load_tables
from plumbline.model.errors import InternalError

PART = "derived"


class DerivedWriter:
    """Takes the rows of derived tables as SELECTs over one connection; each table is written once, coverage in any number of calls."""

    def __init__(self, connection: Connection, folder: Path, as_of: datetime) -> None:
        self._connection = connection
        self._folder = folder
        self._moment = f"timestamptz {literal(as_of.isoformat())}"
        self._coverage: list[Path] = []

    def table(
        self,
        name: str,
        rows: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        order: Sequence[str] = (),
        slices: Sequence[tuple[int, int]] = (),
    ) -> int:
        """Write a table's rows, given as a SELECT of `entity`, `subject`, `sources` and the spec's columns; null where one is left out.

        Rows are ordered by entity and subject, so that the same evidence gives the same row ids; gives their number. Where they are many,
        `order` names columns of the SELECT that order them alike and tell every row from the others, which spares comparing all, and
        `slices` bounds that it takes as `$first` and `$last`: what lies between becomes a part of its own, sorted in memory.
        """
        spec = load_tables()[name]
        if spec.derived is None:
            raise InternalError(f"table {name} is collected, not derived")
        folder = self._folder / "tables" / name
        bound = [{**(parameters or {}), "first": first, "last": last} for first, last in slices] or [dict(parameters or {})]
        shape = self._connection.execute(f"select * from ({rows}) limit 0", bound[0]).description
        given = {column[0] for column in shape}
        types = spec.types()
        if unknown := sorted(given - types.keys() - set(order)):
            raise InternalError(f"table {name} has no column {unknown}")
        columns = ", ".join(
            f"{identifier(column) if column in given else self._moment if column == 'observed_at' else 'null'}::{SQL_TYPES[word]}"
            f" as {identifier(column)}"
            for column, word in types.items()
        )
        made = f"select {columns} from ({rows}) as made order by {', '.join(f'made.{identifier(one)}' for one in order) or 'all'}"
        names = [f"{PART}+{number:04}" for number in range(1, len(bound) + 1)] if slices else [PART]
        return sum(self._copy(folder / f"{part}.parquet", made, values) for part, values in zip(names, bound, strict=True))

    def coverage(self, rows: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Write coverage, given as a SELECT of `entity, "table", subject, outcome, rows, detail`."""
        path = self._folder / "coverage" / f".{len(self._coverage)}.parquet"
        given = {"permit": "null", "started_at": self._moment, "ended_at": self._moment}
        columns = ", ".join(
            f"{given.get(column, identifier(column))}::{SQL_TYPES[word]} as {identifier(column)}" for column, word in COVERAGE.items()
        )
        self._copy(path, f"select {columns} from ({rows})", parameters)
        self._coverage.append(path)

    def finish(self) -> None:
        """Put the coverage together."""
        if self._coverage:
            rows = f"select * from read_parquet([{file_list(self._coverage)}]) order by all"
            self._copy(self._folder / "coverage" / f"{PART}.parquet", rows, None)
        for path in self._coverage:
            path.unlink()

    def _copy(self, path: Path, rows: str, parameters: Mapping[str, Any] | None) -> int:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        [[count]] = self._connection.execute(
            f"copy ({rows}) to {literal(str(path))} (format parquet, compression zstd)", dict(parameters or {})
        ).fetchall()
        path.chmod(0o600)
        return int(count)


class Deriver(Protocol):
    """What a package's module `derive` offers."""

    TABLES: tuple[str, ...]

    def derive(self, connection: Connection, reference: Reference, as_of: datetime, write: DerivedWriter) -> None:
        """Derive TABLES, and cover what they are about."""
        ...


class DerivedParts:
    """The folder OUT/derived as a source of evidence."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def coverage_parts(self) -> list[Path]:
        """The one coverage part, when there is any."""
        return self._files(self._folder / "coverage")

    def parts(self, table: str) -> list[Path]:
        """The parts of a table, when it was derived."""
        return self._files(self._folder / "tables" / table)

    @staticmethod
    def _files(folder: Path) -> list[Path]:
        return sorted(folder.glob(f"{PART}*.parquet"))

"""Evidence in the engine: `base.<table>` for each table spec and `base.coverage`, whatever the evidence comes from.

Each base relation has the columns of its spec and, before them, its place: `part` and `n`, from which a row id is made. Not
the view that a check sees (`views`), which also knows assets.

Rules: every spec has its relation, empty where no bundle has the table; a column that an old bundle lacks is null; columns that
no spec knows are left out; a part that lies in two bundles counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from plumbline.evidence.bundle import Parts
from plumbline.evidence.engine import Connection, define_files, identifier, literal
from plumbline.evidence.specs import ARROW_TYPES, COVERAGE, load_tables
from plumbline.model.errors import InputError
from plumbline.model.words import Outcome

EXAMPLE_PART = "example"
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)  # `observed_at` of an example's row that names none


def use_bundles(connection: Connection, bundles: Sequence[Parts]) -> frozenset[str]:
    """Define the base relations over the committed parts of bundles; gives the tables that have parts.

    Raises InputError when a part is none of ours.
    """
    add_coverage(connection, bundles)
    filled = set()
    for name, spec in load_tables().items():
        # What is derived comes from this assessment alone, whatever a bundle holds under its name.
        parts = _by_name(path for bundle in bundles for path in bundle.parts(name)) if spec.derived is None else []
        define_files(connection, f"base.{identifier(name)}", spec.types(), parts, place=True)
        if parts:
            filled.add(name)
    words = ", ".join(literal(word) for word in Outcome)
    [[bad]] = connection.execute(f"select min(outcome) from base.coverage where outcome not in ({words})").fetchall()
    if bad is not None:
        raise InputError(f"coverage with the unknown outcome {bad!r}", remedy="use the Plumbline release that wrote the bundle")
    return frozenset(filled)


def add_coverage(connection: Connection, bundles: Sequence[Parts]) -> None:
    """Define `base.coverage` anew, over bundles and what was derived from them."""
    paths = _by_name(path for bundle in bundles for path in bundle.coverage_parts())
    [[empty]] = connection.execute("select count(*) from duckdb_tables() where schema_name = 'base' and table_name = 'coverage'").fetchall()
    if empty:  # a table, as it is defined where no bundle has any, and no view can take its place
        connection.execute("drop table base.coverage")
    define_files(connection, "base.coverage", COVERAGE, paths, place=True)


def use_nothing(connection: Connection) -> None:
    """Define every base relation as an empty table."""
    define_files(connection, "base.coverage", COVERAGE, [], place=True)
    for name, spec in load_tables().items():
        define_files(connection, f"base.{identifier(name)}", spec.types(), [], place=True)


def fill(connection: Connection, tables: Mapping[str, Iterable[Mapping[str, Any]]], coverage: Iterable[Mapping[str, Any]]) -> None:
    """Replace the rows of some base tables, and of coverage, by rows in memory; raises InputError when a value does not fit its column."""
    _define_rows(connection, "coverage", COVERAGE, coverage)
    for name, rows in tables.items():
        _define_rows(connection, name, load_tables()[name].types(), rows)


def _by_name(paths: Iterable[Path]) -> list[Path]:
    # Part names hold their session's id; the same name in two bundles is the same part, copied.
    found: dict[str, Path] = {}
    for path in paths:
        other = found.setdefault(path.name, path)
        if other.stat().st_size != path.stat().st_size:
            raise InputError(f"differs from {other}, which has the same name", where=str(path), remedy="name each bundle once")
    return [found[name] for name in sorted(found)]


def _define_rows(connection: Connection, name: str, types: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> None:
    schema = pa.schema([("part", pa.string()), ("n", pa.int64()), *((column, ARROW_TYPES[word]) for column, word in types.items())])
    filled = [{"subject": "", "observed_at": _EPOCH, **row, "part": EXAMPLE_PART, "n": n} for n, row in enumerate(rows)]
    try:
        data = pa.Table.from_pylist(filled, schema=schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise InputError(f"a row of table {name} does not fit: {error}") from error
    connection.register("incoming", data)
    connection.execute(f"create or replace table base.{identifier(name)} as from incoming")
    connection.unregister("incoming")

"""Table specs: what a collected table holds, read from `tables/<name>.toml`.

A spec is the one place that says what a column means, in which unit, and what its null says. Collectors are checked
against it when they write, checks when they load, docs are generated from it. Specs only gain columns (`since`);
a changed meaning is a new table (DESIGN section 5).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from plumbline.model.errors import InternalError
from plumbline.model.words import Basis, EntityKind, Layer

TABLES = Path(__file__).with_name("tables")

TIMESTAMP = pa.timestamp("us", tz="UTC")
ARROW_TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "int": pa.int64(),
    "boolean": pa.bool_(),
    "float": pa.float64(),
    "timestamp": TIMESTAMP,
    "list<text>": pa.list_(pa.string()),
}
SQL_TYPES: Mapping[str, str] = {
    "text": "VARCHAR",
    "int": "BIGINT",
    "boolean": "BOOLEAN",
    "float": "DOUBLE",
    "timestamp": "TIMESTAMPTZ",
    "list<text>": "VARCHAR[]",
}
COMMON: Mapping[str, str] = {"entity": "text", "subject": "text", "raw": "text", "permit": "text", "observed_at": "timestamp"}
COVERAGE: Mapping[str, str] = {
    "entity": "text",
    "table": "text",
    "subject": "text",
    "outcome": "text",
    "rows": "int",
    "permit": "text",
    "started_at": "timestamp",
    "ended_at": "timestamp",
    "detail": "text",
}


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column: its type (a key of ARROW_TYPES), meaning, unit if any, what null says, which identifier it carries if any."""

    name: str
    type: str
    about: str
    null: str
    unit: str | None
    identifies: str | None
    since: str


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table: the kinds of entity whose coverage decides, and those that rows are about.

    They differ where a source tells of others: a hub of its identities. `derived` names the package that makes the table out of others;
    None: it is collected. `basis` is what its rows rest on; where a spec does not say, derived rows are inferred and others observed.
    `names_provision`: each subject is a provision's ref, so that a check of the table speaks of that one, and names none itself.
    """

    name: str
    title: str
    about: str
    layer: Layer
    kinds: tuple[EntityKind, ...]
    row_kinds: tuple[EntityKind, ...]
    subject: str
    since: str
    columns: Mapping[str, ColumnSpec]
    derived: str | None = None
    basis: Basis = Basis.OBSERVED
    names_provision: bool = False

    @property
    def by_source(self) -> bool:
        """Whether coverage stands on the source of the rows, and not on what they are about."""
        return self.kinds != self.row_kinds

    @property
    def in_passing(self) -> bool:
        """Whether a source tells of others what it happens to hold, row by row: one that was not read whole may hold more of each."""
        return self.by_source and not self.subject.startswith("''")

    def types(self) -> dict[str, str]:
        """Type words of all columns, the common ones first."""
        return {**COMMON, **{column.name: column.type for column in self.columns.values()}}

    def schema(self) -> pa.Schema:
        """Arrow schema of a part file."""
        return _schema(self.types())


def _schema(types: Mapping[str, str]) -> pa.Schema:
    return pa.schema([(name, ARROW_TYPES[word]) for name, word in types.items()])


def coverage_schema() -> pa.Schema:
    """Arrow schema of a coverage part."""
    return _schema(COVERAGE)


@cache
def load_tables() -> Mapping[str, TableSpec]:
    """All table specs by name; raises InternalError naming the file of a bad one."""
    return {path.stem: parse_spec(path.stem, path.read_text(encoding="utf-8")) for path in sorted(TABLES.glob("*.toml"))}


def parse_spec(name: str, text: str) -> TableSpec:
    """Read one spec; raises InternalError when a key is missing or unknown, or a type is none of ours."""
    data, columns = parse_columns(name, text)
    try:
        kinds = _kinds(data.pop("kind"))
        spec = TableSpec(
            name=name,
            layer=Layer(data.pop("layer")),
            kinds=kinds,
            row_kinds=_kinds(data.pop("row_kind")) if "row_kind" in data else kinds,
            columns=columns,
            basis=Basis(data.pop("basis", Basis.INFERRED if "derived" in data else Basis.OBSERVED)),
            **data,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise InternalError(f"table spec {name}.toml: {error!r}") from error
    clash = COMMON.keys() & columns.keys()
    if clash:
        raise InternalError(f"table spec {name}.toml: {sorted(clash)} are common columns already")
    return spec


def parse_columns(name: str, text: str) -> tuple[dict[str, Any], dict[str, ColumnSpec]]:
    """Read a spec's TOML: its other keys, and its columns; raises InternalError when a column is not as it should be."""
    try:
        data = tomllib.loads(text)
        return data, {key: _column(key, value, data["since"]) for key, value in data.pop("column").items()}
    except (KeyError, ValueError, TypeError) as error:
        raise InternalError(f"table spec {name}.toml: {error!r}") from error


def _kinds(words: str | list[str]) -> tuple[EntityKind, ...]:
    return tuple(EntityKind(word) for word in ([words] if isinstance(words, str) else words))


def _column(name: str, data: dict[str, Any], since: str) -> ColumnSpec:
    if data["type"] not in ARROW_TYPES:
        raise ValueError(f"column {name}: unknown type {data['type']!r}")
    optional = {"unit": None, "identifies": None, "since": since}
    return ColumnSpec(**{"name": name, **optional, **data})

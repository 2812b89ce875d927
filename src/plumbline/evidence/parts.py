"""Rows in memory on their way into a part file: checked against their table's spec the moment they are written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.evidence.specs import COVERAGE, TableSpec, coverage_schema
from plumbline.model.entities import Entity
from plumbline.model.errors import EnvironmentFault, InternalError
from plumbline.model.words import Outcome

ROW_GROUP_ROWS = 122_880  # what the engine reads in one piece; larger groups leave its threads idle
_PYTHON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "text": str,
    "int": int,
    "boolean": bool,
    "float": (float, int),
    "timestamp": datetime,
    "list<text>": (list, tuple),
}


def checked_row(spec: TableSpec, values: dict[str, Any]) -> dict[str, Any]:
    """Return the row with every column present; raises InternalError for an unknown column or a wrong type (a collector's defect)."""
    types = spec.types()
    unknown = values.keys() - types.keys()
    if unknown:
        raise InternalError(f"table {spec.name} has no column {sorted(unknown)}")
    for name, value in values.items():
        if value is None:
            continue
        word = types[name]
        if not isinstance(value, _PYTHON_TYPES[word]) or (word == "int" and isinstance(value, bool)):
            raise InternalError(f"{spec.name}.{name} is {word}, got {type(value).__name__}")
        if isinstance(value, datetime) and value.tzinfo is None:
            raise InternalError(f"{spec.name}.{name}: {value} has no time zone")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise InternalError(f"{spec.name}.{name}: {value} does not fit 64 bits")
    return {name: _storable(values.get(name)) for name in types}


def _storable(value: Any) -> Any:
    # Parquet text is UTF-8; a lone surrogate from a lenient decoder must not cost the whole batch.
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value


def coverage_row(
    entity: Entity | str,
    table: str,
    subject: str,
    outcome: Outcome,
    *,
    rows: int,
    permit: str | None,
    started_at: datetime,
    ended_at: datetime,
    detail: str | None,
) -> dict[str, Any]:
    """Build one row of the coverage table."""
    values = (str(entity), table, subject, outcome.value, rows, permit, started_at, ended_at, _storable(detail))
    return dict(zip(COVERAGE, values, strict=True))


def write_part(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    """Write rows as one Parquet file, whole or not at all."""
    write_table(path, pa.Table.from_pylist(rows, schema=schema))


def write_coverage(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write coverage rows as one part."""
    write_part(path, rows, coverage_schema())


def write_table(path: Path, table: pa.Table) -> None:
    """Write an Arrow table as one Parquet file, whole or not at all; raises EnvironmentFault when the disk says no."""
    with atomic(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", row_group_size=ROW_GROUP_ROWS)


class atomic:  # noqa: N801 - reads as a verb: `with atomic(path) as temporary:`
    """Give a temporary name beside `path`; rename it into place on success, remove it on failure; files are 0600."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Path:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=self._path.parent)
            os.close(handle)
        except OSError as error:
            raise EnvironmentFault(f"cannot write {self._path}: {error.strerror or error}") from error
        self._temporary = Path(name)
        return self._temporary

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            try:
                self._temporary.replace(self._path)
                return
            except OSError as refused:
                error = refused
        self._temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise EnvironmentFault(f"cannot write {self._path}: {error.strerror or error}; free some space and use --resume") from error

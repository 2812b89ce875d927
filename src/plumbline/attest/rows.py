"""The rows of an assessment that can be shown one by one: each verdict, each row of evidence that a verdict cites, each asset and check.

| kind | its fields besides `kind` |
|---|---|
| assessment | rig, rig_name, owner, as_of, plumbline |
| check | what assessment.json says of it: id, title, severity, proves, pass_proves, recommendation |
| asset | what assessment.json says of it: id, name, kinds, address, model, device_class, criticality |
| verdict | the members of its line in the ledger's canonical form (`assess.digest`) |
| evidence | row (its id) and table, and the columns of the row that are not null |

Rules: the order is fixed, so that a row's number is the same each time; an asset that assessment.json does not list has no row; evidence
of a bundle that is not at hand has none either.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from plumbline.assess.digest import BATCH_ROWS, LINE, ledger_files
from plumbline.attest.commitments import Row
from plumbline.evidence.bundle import Bundle
from plumbline.evidence.derived import DerivedParts
from plumbline.evidence.engine import Connection, connect, file_list, literal
from plumbline.evidence.specs import load_tables
from plumbline.model.errors import InputError

COVERAGE = "coverage"
_CHECK = ("id", "title", "severity", "proves", "pass_proves", "recommendation")
_ASSET = ("id", "name", "kinds", "address", "model", "device_class", "criticality")
_ROW_ID = r"^([a-z_0-9]+)/([A-Za-z0-9._+-]+)#(\d{1,12})$"


class Rows:
    """The rows of one OUT, in their order, with the bundles that are at hand."""

    def __init__(self, out: Path, said: Mapping[str, Any], bundles: list[Bundle]) -> None:
        self._out = out
        self._said = said
        self._bundles = bundles
        self._derived = DerivedParts(out / "derived")

    def __iter__(self) -> Iterator[Row]:
        """Give every row; raises InputError when a file cannot be read."""
        try:
            yield self._assessment()
            yield from (_entry("check", _CHECK, one) for one in self._said["checks"])
            yield from (_entry("asset", _ASSET, one) for one in self._said["assets"])
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"not of the form that this release reads ({error!r})", where=str(self._out / "assessment.json")) from error
        with self._reading() as connection:
            yield from self._verdicts(connection)
            yield from self._evidence(connection)

    def verdicts(self) -> Iterator[Row]:
        """Give the verdicts alone, without reading the evidence; raises InputError when the ledger cannot be read."""
        with self._reading() as connection:
            yield from self._verdicts(connection)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with connect() as connection:
            try:
                yield connection
            except duckdb.Error as error:
                raise InputError(f"cannot be read: {error}", where=str(self._out)) from error

    def _assessment(self) -> Row:
        rig = self._said["rig"]
        said = {"rig": rig.get("id"), "rig_name": rig.get("name"), "owner": rig.get("owner")}
        return {"kind": "assessment", **said, "as_of": self._said["as_of"], "plumbline": self._said["plumbline"]}

    def _verdicts(self, connection: Connection) -> Iterator[Row]:
        reader = connection.sql(f"select {LINE} as line from read_parquet([{self._ledger()}])").to_arrow_reader(BATCH_ROWS)
        for batch in reader:
            for line in batch.column(0).to_pylist():
                yield {"kind": "verdict", **json.loads(line)}

    def _evidence(self, connection: Connection) -> Iterator[Row]:
        ids = f"select distinct unnest(evidence) as id from read_parquet([{self._ledger()}])"
        connection.execute(
            f"create temp table cited as select id, regexp_extract(id, '{_ROW_ID}', 1) as tab, regexp_extract(id, '{_ROW_ID}', 2) as part,"
            f" regexp_extract(id, '{_ROW_ID}', 3)::bigint as n from ({ids}) where regexp_full_match(id, '{_ROW_ID}')"
        )
        cited = connection.execute("select distinct tab, part from cited order by all").fetchall()
        for table, parts in groupby(cited, key=lambda one: str(one[0])):
            paths = {path.stem: path for path in reversed(self._parts(table))}
            for _, part in parts:
                if part in paths:
                    yield from _of_part(connection, table, part, paths[part])

    def _parts(self, table: str) -> list[Path]:
        spec = load_tables().get(table)
        if table != COVERAGE and spec is None:
            return []
        if spec is not None and spec.derived is not None:
            return self._derived.parts(table)
        return [path for bundle in self._bundles for path in (bundle.coverage_parts() if table == COVERAGE else bundle.parts(table))]

    def _ledger(self) -> str:
        return file_list(ledger_files(self._out / "ledger.parquet"))


def _of_part(connection: Connection, table: str, part: str, path: Path) -> Iterator[Row]:
    cited = f"select n from cited where tab = {literal(table)} and part = {literal(part)}"
    query = f"from read_parquet([{file_list([path])}], file_row_number = true) where file_row_number in ({cited}) order by file_row_number"
    for batch in connection.sql(query).to_arrow_reader(BATCH_ROWS):
        for row in batch.to_pylist():
            name = f"{table}/{part}#{row.pop('file_row_number')}"
            filled = {column: _plain(value) for column, value in row.items() if value is not None}
            yield {**filled, "kind": "evidence", "row": name, "table": table}


def _entry(kind: str, names: tuple[str, ...], said: Mapping[str, Any]) -> Row:
    return {"kind": kind, **{name: said[name] for name in names if said.get(name) is not None}}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    return value

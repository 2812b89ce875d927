"""Runs the examples of checks through the very SQL that judges real evidence: `python -m plumbline.checks.examples [PATH]`.

PATH is a check file or a folder of checks; without it all shipped checks run. Prints what is wrong and ends with 1, or ends with 0.

In an example's rows and coverage `asset = "a"` stands for an entity of that asset, of the kind that the table is about; so rows
of several tables with one asset are one asset seen from several layers. `entity = "host:site/key"` is taken as it stands.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from plumbline.checks.check import Check, Example, Expected
from plumbline.checks.decide import Frame, bound, decision_sql, rolled_up_sql
from plumbline.checks.linter import Linter
from plumbline.checks.loader import load_check
from plumbline.checks.problems import CheckErrors, CheckProblem
from plumbline.checks.shape import Shape
from plumbline.correlate.sources import fill, use_nothing
from plumbline.correlate.views import add_needed, define_views, know, merges_of
from plumbline.evidence.engine import connect
from plumbline.evidence.specs import load_tables
from plumbline.model.errors import InputError
from plumbline.model.words import EntityKind

SHIPPED = Path(__file__).parent


class ExampleRunner:
    """Runs examples in one engine, one after the other."""

    def __init__(self) -> None:
        self._connection = connect(threads=1)
        self._filled: frozenset[str] = frozenset()
        use_nothing(self._connection)
        know(self._connection, [], self._filled)
        define_views(self._connection, [kind.value for kind in EntityKind])

    def failures(self, check: Check, shape: Shape) -> list[CheckProblem]:
        """Run all examples of a check; gives one problem for each that differs."""
        found = []
        for example in check.examples:
            try:
                problem = difference(example, self.run(check, shape, example))
            except (InputError, duckdb.Error) as error:
                problem = str(error)
            if problem:
                found.append(CheckProblem(check.path, f"example {example.name!r}", problem))
        return found

    def run(self, check: Check, shape: Shape, example: Example) -> list[dict[str, Any]]:
        """Give the verdict rows of one example, in order, as the ledger would hold them; raises InputError when a row does not fit."""
        connection = self._connection
        self._load(example)
        add_needed(connection, shape.tables, self._filled)
        values = {"as_of": example.as_of, **{name: example.parameters.get(name, p.default) for name, p in check.parameters.items()}}
        frame = Frame.of(connection, self._filled)
        sql = rolled_up_sql(decision_sql(check, shape, frame))
        cursor = connection.execute(f"select * from ({sql}) order by asset, subject", bound(check, shape, frame, values))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _load(self, example: Example) -> None:
        merges: dict[str, str] = {}
        tables = {
            name: [_entity(row, load_tables()[name].row_kinds[0].value, merges) for row in rows] for name, rows in example.tables.items()
        }
        coverage = []
        for row in example.coverage:
            table = str(row["table"])
            coverage.append({"rows": len(tables.get(table, ())), **_entity(row, load_tables()[table].kinds[0].value, merges)})
        before: dict[str, list[dict[str, Any]]] = {name: [] for name in self._filled}
        fill(self._connection, {**before, **tables}, coverage)
        self._filled = frozenset(tables)
        know(self._connection, merges_of(merges.items()), self._filled)


def _entity(row: Mapping[str, Any], kind: str, merges: dict[str, str]) -> dict[str, Any]:
    if "entity" in row:
        return dict(row)
    entity = f"{kind}:/{row['asset']}"
    merges[entity] = row["asset"]
    return {"entity": entity, **{name: value for name, value in row.items() if name != "asset"}}


def difference(example: Example, rows: list[dict[str, Any]]) -> str | None:
    """Say how rows differ from what an example expects; None when they do not."""
    wanted = {(row.asset, row.subject): row for row in example.expect}
    given = {(row["asset"], row["subject"]): row for row in rows}
    for key in sorted(wanted.keys() | given.keys()):
        place = f"asset {key[0]!r}, subject {key[1]!r}"
        if key not in given:
            return f"{place}: expected {wanted[key].verdict}, got no row"
        if key not in wanted:
            return f"{place}: expected no row, got {_shown(given[key])}"
        if not _same(wanted[key], given[key]):
            expected = " ".join(filter(None, (wanted[key].verdict, wanted[key].reason)))
            return f"{place}: expected {expected}, got {_shown(given[key])}"
    return None


def _same(wanted: Expected, given: dict[str, Any]) -> bool:
    if (wanted.verdict, wanted.reason) != (given["verdict"], given["reason"]):
        return False
    if wanted.cvss is not None and wanted.cvss != given["cvss"]:
        return False
    if wanted.evidence is not None and list(wanted.evidence) != given["evidence"]:
        return False
    detail = json.loads(given["detail"]) if given["detail"] else {}
    return wanted.detail is None or {name: detail.get(name) for name in wanted.detail} == dict(wanted.detail)


def _shown(row: Mapping[str, Any]) -> str:
    return " ".join(str(row[name]) for name in ("verdict", "reason", "cvss", "detail") if row[name] is not None)


def check_files(path: Path) -> list[Path]:
    """List the check files at a path, in order; raises InputError when there is none."""
    if path.is_file():
        return [path]
    found = sorted(path.glob("*/*.toml")) or sorted(path.glob("*.toml"))
    if not found:
        raise InputError("no check files there", where=str(path), remedy="a folder of checks holds <layer>/<name>.toml")
    return found


def problems_of(path: Path) -> Iterator[CheckProblem]:
    """Load, lint and run each check at a path; yields everything that is wrong with each."""
    linter, runner = Linter(), ExampleRunner()
    for file in check_files(path):
        try:
            check = load_check(file)
            shape = linter.shape(check)
        except CheckErrors as error:
            yield from error.problems
            continue
        yield from runner.failures(check, shape)


def main(arguments: list[str]) -> int:
    """Print the problems of the checks at the given path; gives the exit code."""
    try:
        problems = list(problems_of(Path(arguments[0]) if arguments else SHIPPED))
    except InputError as error:
        problems = [CheckProblem(Path(arguments[0]) if arguments else SHIPPED, "", str(error))]
    for problem in problems:
        sys.stdout.write(f"{problem}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

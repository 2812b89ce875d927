"""Derived tables: ordered alike whatever the order of the SELECT, in one part or in slices."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from plumbline.evidence.derived import DerivedParts, DerivedWriter
from plumbline.evidence.engine import connect
from plumbline.model.errors import InternalError

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROWS = "select * from (values ('b', '', 'x', 2), ('a', 's2', 'y', 1), ('a', 's1', 'z', 1)) t(entity, subject, component, place)"


def rows(folder: Path) -> list[tuple[Any, ...]]:
    found = [row for part in DerivedParts(folder).parts("component_exposure") for row in pq.read_table(part).to_pylist()]
    return [(row["entity"], row["subject"], row["component"], row["observed_at"], row["open"]) for row in found]


def test_rows_are_ordered_by_entity_and_subject_and_null_where_a_column_is_left_out(tmp_path: Path) -> None:
    with connect() as connection:
        write = DerivedWriter(connection, tmp_path, NOW)
        assert write.table("component_exposure", f"select entity, subject, component from ({ROWS})") == 3
    assert rows(tmp_path) == [("a", "s1", "z", NOW, None), ("a", "s2", "y", NOW, None), ("b", "", "x", NOW, None)]


def test_slices_come_to_the_same_rows_in_parts_of_their_own(tmp_path: Path) -> None:
    with connect() as connection:
        write = DerivedWriter(connection, tmp_path, NOW)
        chosen = f"select * from ({ROWS}) where place between $first and $last"
        assert write.table("component_exposure", chosen, order=("place", "subject"), slices=[(1, 1), (2, 9)]) == 3
    assert rows(tmp_path) == [("a", "s1", "z", NOW, None), ("a", "s2", "y", NOW, None), ("b", "", "x", NOW, None)]
    assert [part.name for part in DerivedParts(tmp_path).parts("component_exposure")] == ["derived+0001.parquet", "derived+0002.parquet"]


WRONG = {
    "a collected table": ("component", "select 'a' as entity"),
    "a column that the table has not": ("component_exposure", "select 'a' as entity, 1 as ghost"),
}


@pytest.mark.parametrize(("table", "select"), WRONG.values(), ids=WRONG)
def test_a_deriver_that_writes_something_else_is_our_defect(tmp_path: Path, table: str, select: str) -> None:
    with connect() as connection, pytest.raises(InternalError):
        DerivedWriter(connection, tmp_path, NOW).table(table, select)


def test_coverage_of_several_calls_is_put_together(tmp_path: Path) -> None:
    one = "select '{}' as entity, 'component_exposure' as \"table\", '' as subject, 'ok' as outcome, 1 as rows, null as detail"
    with connect() as connection:
        write = DerivedWriter(connection, tmp_path, NOW)
        for entity in ("b", "a"):
            write.coverage(one.format(entity))
        write.finish()
    [part] = DerivedParts(tmp_path).coverage_parts()
    assert [(row["entity"], row["started_at"]) for row in pq.read_table(part).to_pylist()] == [("a", NOW), ("b", NOW)]
    assert [path.name for path in (tmp_path / "coverage").iterdir()] == ["derived.parquet"]

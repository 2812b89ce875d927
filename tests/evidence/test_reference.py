"""The reference store: what is taken as a whole, added to, forgotten, and what a failed run leaves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.evidence.reference import (
    REFUSED_LISTED,
    Reference,
    ReferenceWriter,
    Source,
    load_reference_tables,
    user_store,
)
from plumbline.evidence.specs import COMMON
from plumbline.model.errors import EnvironmentFault, InputError, InternalError

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
KEV = Source(id="kev", kind="kev", title="Known exploited", read_at=NOW)
Rows = Sequence[dict[str, Any]]


def table(name: str, rows: Rows) -> pa.Table:
    schema = pa.schema([field for field in load_reference_tables()[name].schema() if field.name not in ("source", "read_at")])
    return pa.Table.from_pylist(list(rows), schema=schema)


def put(store: Path, ids: Sequence[str], *, source: Source = KEV, add: bool = False, replaces: Sequence[str] = ()) -> Source:
    with ReferenceWriter(store).take(source, add=add) as intake:
        intake.replaces("exploited", pa.array(replaces, pa.string()))
        if ids:
            intake.rows("exploited", table("exploited", [{"id": one, "product": source.id} for one in ids]))
    assert intake.stored is not None
    return intake.stored


def rows(store: Path, name: str = "exploited") -> list[dict[str, Any]]:
    return [row for part in Reference(store).parts(name) for row in pq.read_table(part).to_pylist()]


def ids(store: Path) -> list[str]:
    return sorted(row["id"] for row in rows(store))


def test_rows_come_back_with_their_source_and_the_time_of_reading(tmp_path: Path) -> None:
    stored = put(tmp_path, ["CVE-2024-1", "CVE-2024-2"])
    [first, second] = rows(tmp_path)
    assert (first["id"], first["source"], first["read_at"], first["dated_at"], first["vendor"]) == ("CVE-2024-1", "kev", NOW, None, None)
    assert second["id"] == "CVE-2024-2"
    assert stored.rows == {"exploited": 2}
    assert Reference(tmp_path).sources == {"kev": stored}


def test_an_absent_or_empty_store_holds_nothing(tmp_path: Path) -> None:
    for path in (None, tmp_path / "absent", tmp_path):
        assert Reference(path).sources == {}
        assert Reference(path).parts("exploited") == []
        assert Reference(path).read_at("kev") is None


def test_a_newer_import_takes_the_place_of_the_whole_source(tmp_path: Path) -> None:
    put(tmp_path, ["CVE-2024-1", "CVE-2024-2"])
    put(tmp_path, ["CVE-2024-3"])
    assert ids(tmp_path) == ["CVE-2024-3"]
    assert len(list(tmp_path.glob("tables/*/*"))) == 1


def test_adding_keeps_what_the_new_one_does_not_name(tmp_path: Path) -> None:
    put(tmp_path, ["CVE-2024-1", "CVE-2024-2"])
    put(tmp_path, ["CVE-2024-2", "CVE-2024-3"], add=True)
    assert ids(tmp_path) == ["CVE-2024-1", "CVE-2024-2", "CVE-2024-3"]


def test_adding_forgets_a_record_that_no_longer_has_rows(tmp_path: Path) -> None:
    put(tmp_path, ["CVE-2024-1", "CVE-2024-2"])
    stored = put(tmp_path, [], add=True, replaces=["CVE-2024-2"])
    assert ids(tmp_path) == ["CVE-2024-1"]
    assert stored.rows == {"exploited": 1}


def test_adding_nothing_keeps_tables_files_and_the_newest_date(tmp_path: Path) -> None:
    before = put(tmp_path, ["CVE-2024-1"], source=replace(KEV, dated_at=NOW, files={"a.json": "11"}))
    after = put(tmp_path, [], source=replace(KEV, dated_at=NOW - timedelta(days=9), files={"b.json": "22"}), add=True)
    assert (after.parts, after.rows, after.dated_at) == (before.parts, before.rows, NOW)
    assert after.files == {"a.json": "11", "b.json": "22"}


def test_a_failed_import_leaves_the_old_one(tmp_path: Path) -> None:
    put(tmp_path, ["CVE-2024-1"])
    with pytest.raises(ZeroDivisionError), ReferenceWriter(tmp_path).take(KEV) as intake:
        intake.rows("exploited", table("exploited", [{"id": "CVE-2024-9"}]))
        raise ZeroDivisionError
    assert ids(tmp_path) == ["CVE-2024-1"]
    assert len(list(tmp_path.glob("tables/*/*"))) == 1


def test_sources_taken_together_become_known_together(tmp_path: Path) -> None:
    writer = ReferenceWriter(tmp_path)
    other = replace(KEV, id="other")
    with writer.together():
        with writer.take(KEV) as first, writer.take(other) as second:
            first.rows("exploited", table("exploited", [{"id": "CVE-2024-1"}]))
            second.rows("exploited", table("exploited", [{"id": "CVE-2024-2"}]))
        assert Reference(tmp_path).sources == {}
    assert Reference(tmp_path).sources.keys() == {"kev", "other"}
    assert ids(tmp_path) == ["CVE-2024-1", "CVE-2024-2"]


def test_sources_taken_together_fail_together(tmp_path: Path) -> None:
    put(tmp_path, ["CVE-2024-1"])
    writer = ReferenceWriter(tmp_path)
    with pytest.raises(ZeroDivisionError), writer.together():
        with writer.take(KEV) as first:
            first.rows("exploited", table("exploited", [{"id": "CVE-2024-2"}]))
        raise ZeroDivisionError
    assert ids(tmp_path) == ["CVE-2024-1"]
    put(tmp_path, ["CVE-2024-3"], source=replace(KEV, id="other"))
    assert ids(tmp_path) == ["CVE-2024-1", "CVE-2024-3"]


def test_two_runs_do_not_write_at_once(tmp_path: Path) -> None:
    with ReferenceWriter(tmp_path).take(KEV), pytest.raises(InputError, match="another import"), ReferenceWriter(tmp_path).take(KEV):
        pass
    assert put(tmp_path, ["CVE-2024-1"]).rows == {"exploited": 1}


def test_a_source_can_be_forgotten(tmp_path: Path) -> None:
    put(tmp_path, ["CVE-2024-1"])
    ReferenceWriter(tmp_path).remove("kev")
    assert (ids(tmp_path), list(tmp_path.glob("tables/*/*"))) == ([], [])
    with pytest.raises(InputError, match="known: none"):
        ReferenceWriter(tmp_path).remove("kev")


def test_all_refusals_are_counted_and_some_are_listed(tmp_path: Path) -> None:
    with ReferenceWriter(tmp_path).take(KEV) as intake:
        for number in range(REFUSED_LISTED + 5):
            intake.refuse(f"file, record {number}", "x" * 1_000)
    [source] = Reference(tmp_path).sources.values()
    assert (source.refused_count, len(source.refused), len(source.refused[0].why)) == (REFUSED_LISTED + 5, REFUSED_LISTED, 300)


def test_the_digest_of_a_source_is_that_of_its_rows(tmp_path: Path) -> None:
    for folder, names in (("a", ["CVE-2024-1"]), ("b", ["CVE-2024-1"]), ("c", ["CVE-2024-2"])):
        put(tmp_path / folder, names)
    digests = [Reference(tmp_path / folder).digests()["kev"] for folder in "abc"]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("name", ["", "Kev", "../kev", "-kev", "k" * 65])
def test_a_source_needs_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InternalError):
        ReferenceWriter(tmp_path).take(replace(KEV, id=name))


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="holds no reference data"):
        ReferenceWriter(tmp_path)
    with pytest.raises(InputError, match="holds no reference data"):
        Reference(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 99},
        {"format": 1},
        {"format": 1, "sources": {"kev": {}}},
        {"format": 1, "sources": []},
        [],
        "text",
    ],
)
def test_a_broken_list_of_sources_is_refused(tmp_path: Path, change: object) -> None:
    (tmp_path / "reference.json").write_text(json.dumps(change))
    with pytest.raises(InputError):
        Reference(tmp_path)


@pytest.mark.parametrize("parts", [{"exploited": "../../etc/passwd"}, {"exploited": "a/b"}, {"nothing": "kev.parquet"}])
def test_a_list_of_sources_names_no_file_elsewhere(tmp_path: Path, parts: dict[str, str]) -> None:
    put(tmp_path, ["CVE-2024-1"])
    document = json.loads((tmp_path / "reference.json").read_text())
    document["sources"]["kev"]["parts"] = parts
    (tmp_path / "reference.json").write_text(json.dumps(document))
    with pytest.raises(InputError):
        Reference(tmp_path)


def test_a_store_that_cannot_be_written_is_the_machines_fault(tmp_path: Path) -> None:
    put(tmp_path, ["CVE-2024-1"])
    (tmp_path / "tables" / "exploited").rename(tmp_path / "tables" / "kept")
    (tmp_path / "tables" / "exploited").write_text("a file where a folder should be")
    with pytest.raises(EnvironmentFault):
        put(tmp_path, ["CVE-2024-2"])


def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    put(tmp_path, ["CVE-2024-1"])
    assert {path.stat().st_mode & 0o077 for path in tmp_path.rglob("*") if path.is_file()} == {0}


def test_the_users_store_lies_in_their_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert user_store() == tmp_path / "plumbline" / "reference"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_store() == tmp_path / ".local" / "share" / "plumbline" / "reference"


@pytest.mark.parametrize("name", load_reference_tables())
def test_a_spec_says_what_each_column_means(name: str) -> None:
    spec = load_reference_tables()[name]
    assert spec.key in spec.columns
    assert not COMMON.keys() & {"source", "dated_at", "read_at"}
    for column in spec.columns.values():
        assert column.about, column.name
        assert column.null, column.name

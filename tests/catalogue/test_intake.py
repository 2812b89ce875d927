"""Files into the store: sources as wholes, records once, refusals told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plumbline.evidence.reference import Reference
from plumbline.model.errors import InputError
from tests.catalogue.importers.test_device_update import MANIFEST
from tests.catalogue.importers.test_endoflife import ANSWER
from tests.catalogue.importers.test_own import TOML
from tests.catalogue.importers.test_zigbee_ota import IMAGE
from tests.catalogue.making import NOW, imported, opened


def count(folder: Path, table: str) -> int:
    [[found]] = opened(folder)[0].execute(f"select count(*) from reference.{table}").fetchall()
    return int(found)


def test_each_form_becomes_its_source(tmp_path: Path) -> None:
    found = imported(tmp_path, {"northwind.toml": TOML, "index.json": [IMAGE], "update.json": MANIFEST, "readme.txt": "x"})
    assert [(one.id, one.kind, dict(one.rows)) for one in found.sources] == [
        ("device-update", "device-update", {"product": 1, "release": 1}),
        ("own-northwind", "own", {"product": 1, "release": 1, "support": 1}),
        ("zigbee-ota", "zigbee-ota", {"product": 1, "release": 1}),
    ]
    assert (found.passed_over, found.passed_over_count) == (("readme.txt",), 1)
    assert Reference(tmp_path / "reference").sources.keys() == {"device-update", "own-northwind", "zigbee-ota"}


def test_a_whole_source_is_replaced_and_others_are_added_to(tmp_path: Path) -> None:
    imported(tmp_path, {"index.json": [IMAGE, {**IMAGE, "fileVersion": 1}], "update.json": MANIFEST})
    newer = {**MANIFEST, "updateId": {**MANIFEST["updateId"], "version": "1.3.0"}}  # type: ignore[dict-item]
    imported(tmp_path, {"index.json": [IMAGE], "newer.json": newer}, now=NOW + timedelta(days=1))
    rows = opened(tmp_path)[0].execute("select source, version, read_at from reference.release order by all").fetchall()
    assert [(source, version) for source, version, _ in rows] == [
        ("device-update", "1.2.0"),
        ("device-update", "1.3.0"),
        ("zigbee-ota", "285671424"),
    ]
    assert [read_at - NOW for _, _, read_at in rows] == [timedelta(0), timedelta(days=1), timedelta(days=1)]


def test_a_file_of_ones_own_is_a_source_of_its_own(tmp_path: Path) -> None:
    imported(tmp_path, {"a.toml": TOML, "b.toml": TOML})
    imported(tmp_path, {"a.toml": '[[product]]\nproduct = "a/b"'})
    assert {(name, source.rows.get("release", 0)) for name, source in Reference(tmp_path / "reference").sources.items()} == {
        ("own-a", 0),
        ("own-b", 1),
    }


def test_a_file_of_which_nothing_can_be_taken_leaves_what_was_known(tmp_path: Path) -> None:
    imported(tmp_path, {"a.toml": TOML})
    with pytest.raises(InputError, match="no record could be taken"):
        imported(tmp_path, {"a.toml": '[[release]]\nproduct = "a/b"\nversion = 1.5'})
    assert count(tmp_path, "release") == 1


def test_a_record_that_is_there_twice_is_told(tmp_path: Path) -> None:
    other = {**IMAGE, "fileSize": 5}
    [source] = imported(tmp_path, {"index.json": [IMAGE, IMAGE, other]}).sources
    assert (source.rows["release"], source.refused_count, source.refused[0].why) == (1, 1, "is there twice; the last record counts")


def test_a_product_named_by_its_releases_alone_gets_a_row(tmp_path: Path) -> None:
    imported(tmp_path, {"x.csv": "product,version\nnorthwind/cam-3,1\n"})
    assert opened(tmp_path)[0].execute("select product, vendor, model from reference.product").fetchall() == [
        ("northwind/cam-3", "northwind", "cam-3")
    ]


DATES = {
    "the file says it": ({"x.toml": TOML}, None, datetime(2026, 11, 1, tzinfo=UTC)),
    "the answer says it": ({"x.json": ANSWER}, None, datetime(2026, 11, 1, tzinfo=UTC)),
    "the user says it": ({"x.toml": TOML}, datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)),
    "nobody says it": ({"x.json": [IMAGE]}, None, None),
    "a date to come is no later than now": ({"x.toml": TOML.replace("2026-11-01", "2099-01-01")}, None, NOW),
}


@pytest.mark.parametrize(("files", "as_of", "dated_at"), DATES.values(), ids=DATES)
def test_as_of_when_a_source_is_right(tmp_path: Path, files: dict[str, object], as_of: datetime | None, dated_at: datetime | None) -> None:
    [source] = imported(tmp_path, files, as_of=as_of).sources
    assert source.dated_at == dated_at


def test_half_a_character_is_stored(tmp_path: Path) -> None:
    imported(tmp_path, {"index.json": [{**IMAGE, "otaHeaderString": "\ud800x"}]})
    assert count(tmp_path, "product") == 1


WRONG = {
    "no form that is known": ({"x.txt": "hello"}, {}, "nothing here is of a form"),
    "a broken archive": ({"x.zip": b"PK\x03\x04"}, {}, "cannot be read"),
    "not the one importer": ({"x.toml": TOML}, {"only": "lvfs"}, "nothing here"),
    "no importer": ({"x.toml": TOML}, {"only": "ghost"}, "no importer 'ghost'"),
}


@pytest.mark.parametrize(("files", "options", "why"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_imported_is_the_callers_fault(tmp_path: Path, files: dict[str, object], options: dict[str, str], why: str) -> None:
    with pytest.raises(InputError, match=why):
        imported(tmp_path, files, **options)
    assert not (tmp_path / "reference").exists()

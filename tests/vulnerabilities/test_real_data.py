"""Real feeds, where they lie beside the project: all of them are read, and every refusal is explained."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from plumbline.evidence.reference import Reference
from plumbline.vulnerabilities.importing import Imported, import_paths
from tests.vulnerabilities.making import NOW, REAL_DATA

pytestmark = pytest.mark.skipif(not REAL_DATA.exists(), reason="../shared/data/vulnerabilities is not beside the project")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("real")


@pytest.fixture(scope="module")
def done(store: Path) -> Imported:
    return import_paths([REAL_DATA], store, NOW)


def test_every_record_is_taken_but_one_that_is_there_in_a_newer_edition(done: Imported) -> None:
    assert done.records == 7_762
    assert {words: reason.count for words, reason in done.reasons.items()} == {"older than what is known of it": 1}


def test_each_feed_comes_to_as_many_rows_as_it_has_records(done: Imported, store: Path) -> None:
    counts = {source.id: source.rows for source in done.sources}
    assert counts["kev"] == {"exploited": 1_653}
    assert counts["cve5"]["vulnerability"] == 2_706
    [part] = [part for part in Reference(store).parts("affected") if part.name.startswith("csaf.cisa-")]
    assert len(set(pq.read_table(part, columns=["record"]).column("record").to_pylist())) > 2_300


def test_ranges_that_cannot_be_read_are_few_and_keep_their_words(done: Imported, store: Path) -> None:
    assert done.records
    for part in Reference(store).parts("affected"):
        rows = pq.read_table(part, columns=["parsed", "range_text", "versions", "lower", "upper"]).to_pylist()
        unread = [row for row in rows if not row["parsed"]]
        assert len(unread) <= 0.08 * len(rows), part.name
        assert all(row["range_text"] and not row["versions"] and not row["lower"] and not row["upper"] for row in unread)


def test_a_second_import_has_nothing_to_do(done: Imported, store: Path) -> None:
    again = import_paths([REAL_DATA], store, NOW)
    assert (done.refused_count, again.records, again.refused_count, len(again.unchanged)) == (1, 0, 0, 6)

"""Cited rows: found by their place, left out when they lead nowhere."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from plumbline.evidence.bundle import Bundle, BundleWriter
from plumbline.model.errors import InputError
from plumbline.report import cited
from tests.report import harbour


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return Bundle(harbour.collected(tmp_path_factory.mktemp("cited") / "bundle"))


def test_a_row_is_the_one_at_its_place(bundle: Bundle) -> None:
    [part] = bundle.parts("http_service")
    rows = pq.read_table(part).to_pylist()
    found = cited.fetch([f"http_service/{part.stem}#{n}" for n in (0, 3)], [bundle])
    assert [found[f"http_service/{part.stem}#{n}"].entity for n in (0, 3)] == [rows[n]["entity"] for n in (0, 3)]


def test_a_row_is_found_in_whichever_row_group_it_lies(bundle: Bundle, tmp_path: Path) -> None:
    [part] = bundle.parts("http_service")
    small = tmp_path / "small.parquet"
    pq.write_table(pq.read_table(part), small, row_group_size=2)
    assert [row["entity"] for row in cited._rows(small, {0, 5}).values()] == [harbour.host(14), harbour.host(77)]


@pytest.mark.parametrize(
    "row_id",
    [
        "",
        "nowhere",
        "http_service/other-part#0",
        "no_table/x#0",
        "http_service/../../manifest#0",
        "coverage/x#1",
        "http_service/{part}#999",
    ],
)
def test_a_citation_that_leads_nowhere_is_left_out(bundle: Bundle, row_id: str) -> None:
    [part] = bundle.parts("http_service")
    assert cited.fetch([row_id.replace("{part}", part.stem)], [bundle]) == {}


def test_columns_that_the_finding_names_come_first(bundle: Bundle) -> None:
    [part] = bundle.parts("http_service")
    row_id = f"http_service/{part.stem}#0"
    row = cited.telling(cited.fetch([row_id], [bundle])[row_id], ["cookies_without_flags"])
    assert row.columns[0].name == "cookies_without_flags"
    assert len(row.columns) <= cited.COLUMNS_MAX


@pytest.mark.parametrize("raw", ["raw/" + "0" * 64, "raw/../manifest.json", "file/xyz", "elsewhere"])
def test_bytes_that_are_not_there_are_named_and_not_read(tmp_path: Path, raw: str) -> None:
    writer = BundleWriter.create(tmp_path / "b", rig_text="", header={"rig": {"id": "t"}}, now=harbour.START)
    with writer.batch() as batch:
        batch.row("telnet_service", "host:h/10.0.0.9", "tcp/23", observed_at=harbour.START, raw=raw, port=23)
        batch.coverage(
            "host:h/10.0.0.9", "telnet_service", outcome=harbour.Outcome.OK, rows=1, started_at=harbour.START, ended_at=harbour.START
        )
    writer.finish(ended_at=harbour.START, complete=True)
    opened = Bundle(tmp_path / "b")
    [part] = opened.parts("telnet_service")
    [row] = cited.fetch([f"telnet_service/{part.stem}#0"], [opened]).values()
    assert row.source.startswith(raw)
    assert row.excerpt == ()


def test_a_part_that_is_no_parquet_is_said(tmp_path: Path) -> None:
    opened = Bundle(harbour.collected(tmp_path / "bundle"))
    [part] = opened.parts("http_service")
    part.write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match="cannot be read"):
        cited.fetch([f"http_service/{part.stem}#0"], [opened])

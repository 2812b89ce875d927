"""The workbook, read back by another library: every row, texts as texts, and what is cut said."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pyarrow.parquet as pq
import xlsxwriter  # type: ignore[import-untyped]

from plumbline.report import registry, xlsx
from plumbline.report.data import Report
from plumbline.report.loading import load
from plumbline.report.tally import Tally
from tests.report.overlays import reviews, waivers

SHEETS = ["Summary", "Findings", "Verdicts", "Provisions", "Assets", "Waivers"]


def written(out: Path, view: Report, folder: Path) -> Path:
    [path] = registry.write("xlsx", out, folder, report=view)
    return path


def rows(path: Path, sheet: str) -> list[dict[str, Any]]:
    book = openpyxl.load_workbook(path, read_only=True)
    heading, *found = book[sheet].iter_rows(values_only=True)
    book.close()
    return [dict(zip(map(str, heading), row, strict=False)) for row in found]


def test_sheets_hold_every_row(out: Path, report: Report, tmp_path: Path) -> None:
    path = written(out, report, tmp_path)
    book = openpyxl.load_workbook(path, read_only=True)
    assert book.sheetnames == SHEETS
    book.close()
    ledger = pq.read_table(out / "ledger.parquet").to_pylist()
    verdicts = rows(path, "Verdicts")
    assert [(row["check"], row["verdict"], row["reason"]) for row in verdicts] == [(r["check"], r["verdict"], r["reason"]) for r in ledger]
    assert len(rows(path, "Findings")) == report.tally.failed
    assert len(rows(path, "Provisions")) == len(report.provisions)
    assert [row["name"] for row in rows(path, "Assets")] == [asset.name for asset in report.assets]


def test_the_summary_counts_exactly(out: Path, report: Report, tmp_path: Path) -> None:
    told = {row["what"]: row["value"] for row in rows(written(out, report, tmp_path), "Summary")}
    tally = report.tally
    assert (told["fail"], told["inconclusive"], told["pass"]) == (tally.failed, tally.inconclusive, tally.passed)
    assert told["verdicts"] == told["fail"] + told["inconclusive"] + told["pass"] + told["not applicable"]
    assert told["ledger digest"] == report.head.ledger_digest
    assert "rows left out of Verdicts" not in told


def test_waivers_and_reviews_stand_with_their_state(out: Path, tmp_path: Path) -> None:
    view = load(out, waivers=waivers(tmp_path), reviews=reviews(tmp_path))
    path = written(out, view, tmp_path)
    waiver, review = rows(path, "Waivers")
    assert (waiver["kind"], waiver["id"], waiver["who"], waiver["state"], waiver["findings"]) == (
        *("waiver", "w-1", "=Head of operations", "active", 1),
    )
    assert (review["kind"], review["who"], review["state"]) == ("review: false_positive", "A. Auditor", "active")
    assert [row["waived"] for row in rows(path, "Findings") if row["check"] == "device.admin_page_without_login"] == ["w-1"]


def test_no_text_is_a_formula_a_link_or_a_number(hostile_out: Path, tmp_path: Path) -> None:
    path = written(hostile_out, load(hostile_out, waivers=waivers(tmp_path)), tmp_path)
    with zipfile.ZipFile(path) as inside:
        names = inside.namelist()
        sheets = [inside.read(name).decode() for name in names if name.startswith("xl/worksheets/sheet")]
    assert not any("hyperlink" in name or ("rels" in name and "sheet" in name) for name in names)
    assert all("<f>" not in sheet and "<f " not in sheet and "<hyperlink" not in sheet for sheet in sheets)
    assert all("\x1b" not in sheet and "\u202e" not in sheet for sheet in sheets)
    book = openpyxl.load_workbook(path)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    assert any(str(cell.value).startswith("=") for cell in cells), "it is there, as text"


def test_what_a_sheet_cannot_hold_is_said(report: Report) -> None:
    large = dataclasses.replace(report, tally=Tally(failed=1_500_000, passed=2_000_000))
    told = {str(row[0]): row[1] for row in xlsx.summary(large)}
    assert told["rows left out of Findings"] == 1_500_000 - (xlsx.ROWS_MAX - 1)
    assert told["rows left out of Verdicts"] == 3_500_000 - (xlsx.ROWS_MAX - 1)


def test_sheets_and_cells_hold_what_fits(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(str(path), xlsx.OPTIONS) as book:
        xlsx.add_sheet(book, "a", ("text", "count"), (("x" * 100_000, number) for number in range(50)), rows_max=11)
    found = rows(path, "a")
    assert [row["count"] for row in found] == list(range(10))
    assert len(found[0]["text"]) <= xlsx.CELL_MAX
    assert found[0]["text"].endswith("more characters)")


def test_the_same_assessment_gives_the_same_workbook(out: Path, report: Report, tmp_path: Path) -> None:
    first = written(out, report, tmp_path / "a")
    second = written(out, report, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()

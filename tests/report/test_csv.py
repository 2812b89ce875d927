"""Spreadsheets: every row, no formula, no hidden character."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import pyarrow.parquet as pq

from plumbline.report import csv as tables
from plumbline.report import registry
from plumbline.report.cells import guarded
from plumbline.report.data import Report
from plumbline.report.loading import load
from plumbline.report.text import visible
from tests.report.overlays import reviews, waivers


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_findings_hold_every_failed_verdict(out: Path, report: Report, tmp_path: Path) -> None:
    registry.write("csv", out, tmp_path, report=report)
    found = rows(tmp_path / "findings.csv")
    assert len(found) == report.tally.failed
    [printer] = [row for row in found if row["check"] == "device.admin_page_without_login"]
    assert (printer["asset_name"], printer["severity"], printer["score"]) == ("label printer", "critical", "9.8")
    assert printer["message"] == "tcp/80 serves administration to anyone (GoAhead-Webs)"
    assert printer["evidence"].startswith("http_service/")
    assert (printer["basis"], printer["waived"], printer["review"]) == ("observed", "", "")
    assert printer["id"] == f"device.admin_page_without_login|{printer['asset']}|{printer['subject']}"


def test_the_ledger_holds_every_verdict(out: Path, report: Report, tmp_path: Path) -> None:
    registry.write("csv", out, tmp_path, report=report)
    verdicts = pq.read_table(out / "ledger.parquet").to_pylist()
    found = rows(tmp_path / "ledger.csv")
    assert [(row["check"], row["asset"], row["subject"], row["verdict"]) for row in found] == [
        tuple(guarded(row[name]) for name in ("check", "asset", "subject", "verdict")) for row in verdicts
    ]


def test_contacts_add_up(out: Path, report: Report, tmp_path: Path) -> None:
    registry.write("csv", out, tmp_path, report=report)
    found = rows(tmp_path / "contacts.csv")
    assert sum(int(row["sent_bytes"]) for row in found) == report.contacts.sent_bytes
    assert sum(int(row["count"]) for row in found if row["event"] == "refused") == report.contacts.refused


def test_hostile_devices_reach_no_spreadsheet(hostile_out: Path, tmp_path: Path) -> None:
    view = load(hostile_out)
    for path in registry.write("csv", hostile_out, tmp_path, report=view):
        for row in rows(path):
            for cell in row.values():
                assert not cell.startswith(("=", "+", "-", "@"))
                assert visible(cell) == cell


def test_a_finding_that_the_assessment_does_not_list_still_has_its_message(out: Path, report: Report, tmp_path: Path) -> None:
    """Above a thousand findings of a check the words are made here; they must be those that the assessment would have used."""
    registry.write("csv", out, tmp_path / "listed", report=report)
    bare = tmp_path / "out"
    bare.mkdir()
    for name in ("ledger.parquet", "conformance.parquet"):
        (bare / name).symlink_to(out / name)
    said = json.loads((out / "assessment.json").read_text())
    (bare / "assessment.json").write_text(json.dumps({**said, "findings": []}))
    tables.write(dataclasses.replace(report), bare, bare)
    assert rows(bare / "findings.csv") == rows(tmp_path / "listed" / "findings.csv")


def test_provisions_are_all_there_and_none_passes_by_silence(out: Path, report: Report, tmp_path: Path) -> None:
    registry.write("csv", out, tmp_path, report=report)
    found = rows(tmp_path / "provisions.csv")
    assert [(row["standard"], row["provision"], row["verdict"]) for row in found] == [
        (guarded(one.standard), guarded(one.id), one.verdict.value) for one in report.provisions
    ]
    assert all(row["reason"] for row in found if row["verdict"] == "inconclusive")
    assert all(row["basis"] for row in found if row["verdict"] == "pass")
    by_asset = rows(tmp_path / "conformance.csv")
    assert {row["provision"] for row in by_asset} <= {f"{one.standard}/{one.id}" for one in report.provisions}
    assert len(by_asset) == pq.read_metadata(out / "conformance.parquet").num_rows


def test_what_counts_for_a_finding_stands_beside_it(out: Path, tmp_path: Path) -> None:
    view = load(out, waivers=waivers(tmp_path), reviews=reviews(tmp_path))
    registry.write("csv", out, tmp_path, report=view)
    found = {row["check"]: row for row in rows(tmp_path / "findings.csv")}
    printer = found["device.admin_page_without_login"]
    assert (printer["waived"], printer["waived_until"], printer["waived_by"]) == ("w-1", "2026-12-31", "'=Head of operations")
    rated = [row for row in found.values() if row["review"]]
    assert {(row["review"], row["reviewed_severity"]) for row in rated} == {("false_positive", "")}

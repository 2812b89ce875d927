"""The view-model says what the assessment, the ledger and the bundles say, and nothing that they do not."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from plumbline.model.errors import InputError
from plumbline.model.words import Layer, Severity, Verdict
from plumbline.report.data import Report
from plumbline.report.loading import load
from plumbline.report.tally import Tally
from tests.report import harbour


def ledger(out: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(out / "ledger.parquet").to_pylist()
    return rows


def tally(counts: Counter[str]) -> Tally:
    return Tally(counts["fail"], counts["inconclusive"], counts["pass"], counts["not_applicable"])


def test_counts_are_those_of_the_ledger(out: Path, report: Report) -> None:
    rows = ledger(out)
    assert report.tally == tally(Counter(row["verdict"] for row in rows))
    assert sum((check.tally for check in report.checks), Tally()) == report.tally
    assert sum((entry.verdicts for entry in report.layers), Tally()) == report.tally
    assert sum(report.severities.values()) == report.tally.failed
    assert sum(action.findings for action in report.actions) == report.tally.failed
    assert sum((asset.tally for asset in (*report.assets, *report.sources)), Tally()) == report.tally


def test_reasons_are_counted_by_check_and_over_all(out: Path, report: Report) -> None:
    expected = Counter(row["reason"] for row in ledger(out) if row["verdict"] == Verdict.INCONCLUSIVE)
    assert {reason.word: reason.count for reason in report.reasons} == expected
    for reason in report.reasons:
        assert sum(entry.count for entry in reason.checks) == reason.count
        assert all(len(entry.assets) <= entry.assets_count for entry in reason.checks)


def test_the_head_names_rig_owner_and_authority(report: Report) -> None:
    head = report.head
    assert (head.rig_name, head.owner, head.reference, head.granted_by) == (
        "Harbour cold store",
        "Northwind Logistics",
        "NW-2026-118",
        "Head of operations",
    )
    assert head.as_of == head.sessions[0].ended_at
    assert head.sessions[0].complete


def test_sources_are_not_counted_as_assets(report: Report) -> None:
    assert {asset.id for asset in report.sources} == {
        "network:harbour/cold rooms",
        "capture:harbour/dock.pcapng",
        "rig:/northwind-harbour",
    }
    assert report.assets_count == len(report.assets) == 14
    assert {asset.name for asset in report.assets} >= {device[1] for device in harbour.DEVICES}
    assert report.undeclared == 1


def test_an_asset_carries_its_parts_and_why_they_are_one(report: Report) -> None:
    [thermometer] = [asset for asset in report.assets if asset.name == "cold room 3 thermometer"]
    assert {merge.entity.partition(":")[0] for merge in thermometer.merges} == {"declared", "host", "identity", "station"}
    assert Layer.CLOUD in thermometer.layers


def test_a_finding_shows_its_rows_and_the_bytes_behind_them(report: Report) -> None:
    [check] = [check for check in report.checks if check.id == "device.admin_page_without_login"]
    [finding] = check.findings
    assert (finding.asset_name, finding.subject, finding.severity) == ("label printer", "tcp/80", Severity.CRITICAL)
    [row] = finding.evidence
    assert row.table_title == "Web servers"
    assert row.permit == harbour.PERMIT
    assert ("open_admin", "yes") in [(column.name, column.value) for column in row.columns]
    assert row.excerpt[:3] == ("HTTP/1.1 200 OK", "Server: GoAhead-Webs", "Set-Cookie: <redacted:cookie:k1:4f2a>")
    assert row.excerpt[-1].endswith("more bytes")


def test_a_supplied_file_is_cited_by_place_and_not_opened(report: Report) -> None:
    rows = [row for check in report.checks for finding in check.findings for row in finding.evidence if row.table == "image_key"]
    assert rows
    assert all("at byte 90,112" in row.source and not row.excerpt for row in rows)


def test_a_finding_over_several_assets_ties_them(report: Report) -> None:
    ties = {link.title: {report.assets[index].name for index in link.assets} for link in report.links}
    assert ties["A key from a firmware image protects a live device"] == {"cam-1.4.2.bin", "dock camera 1", "dock camera 2"}
    assert ties["Several devices share one TLS key"] == {"dock camera 1", "dock camera 2"}


def test_actions_go_by_risk_then_severity(report: Report) -> None:
    order = [(-action.risk, -action.severity.rank) for action in report.actions]
    assert order == sorted(order)
    assert [action.number for action in report.actions] == list(range(1, len(report.actions) + 1))
    assert all(advice.verify and advice.compensate for action in report.actions for advice in action.advice)


def test_gaps_say_what_happened_and_where(report: Report) -> None:
    gaps = {(gap.table, gap.outcome): gap for gap in report.gaps}
    assert gaps["capture", "partial"].detail == "cut at byte 81,920"
    assert gaps["ssh_service", "refused"].count == 2
    assert report.gaps_count == len(report.gaps)
    assert report.attempts > 100


def test_a_source_of_which_nothing_was_read_is_named(report: Report) -> None:
    assert [(source.entity, source.outcome, source.detail) for source in report.unread] == [
        ("image:/unknown.bin", "not_supported", "an unknown compression")
    ]


def test_a_bundle_elsewhere_is_named_or_missing(out: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    for name in ("assessment.json", "ledger.parquet"):
        shutil.copy(out / name, alone / name)
    without = load(alone)
    assert without.missing_bundles == ("bundle",)
    assert not any(finding.evidence for check in without.checks for finding in check.findings)
    assert without.contacts.devices == ()
    named = load(alone, [out / "bundle"])
    assert named.missing_bundles == ()
    assert named.checks == load(out).checks


def test_what_was_derived_is_read_without_the_bundle(matched_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(matched_folder / "out", tmp_path / "out", ignore=shutil.ignore_patterns("bundle"))
    report = load(tmp_path / "out")
    assert report.missing_bundles == ("bundle",)


def test_another_bundle_is_refused(out: Path, tmp_path: Path) -> None:
    other = harbour.collected(tmp_path / "bundle", words="another")
    with pytest.raises(InputError, match="not a bundle that was assessed here"):
        load(out, [other])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none at all", None, "holds no assessment"),
        ("not JSON", "{", "cannot be read"),
        ("another format", '{"format": 99}', "not an assessment of format 1"),
        ("a member is missing", '{"format": 1}', "not of the form"),
    ],
)
def test_what_is_no_assessment_is_said(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "assessment.json").write_text(text)
    with pytest.raises(InputError, match=message):
        load(tmp_path)


def test_a_time_without_zone_is_refused(out: Path, tmp_path: Path) -> None:
    said = json.loads((out / "assessment.json").read_text())
    said["as_of"] = "2026-11-21T03:40:00"
    (tmp_path / "assessment.json").write_text(json.dumps(said))
    shutil.copy(out / "ledger.parquet", tmp_path / "ledger.parquet")
    with pytest.raises(InputError, match="no time zone"):
        load(tmp_path)

"""What another tool says is judged, and rests on that tool: the ledger says so; what was not read lets nothing pass."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from plumbline.assess import assess
from plumbline.model.words import Outcome
from tests.assess.making import NOW, Row, write_bundle

HOST, FILE = "host:s/10.0.0.5", "import:/scan.nessus"
FINDING: dict[str, Any] = {"tool": "nessus", "rule": "1", "title": "Overflow", "result": "fail", "severity": "High", "level": "high"}
VECTOR = "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
SEEN: dict[str, Any] = {"tool": "nessus", "address": "10.0.0.5", "transport": "tcp", "port": 23, "state": "open", "listed": True}


def judged(folder: Path, outcome: Outcome = Outcome.OK) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    rows: list[Row] = [
        ("host", HOST, "", {"address": "10.0.0.5", "network": "n"}),
        ("imported_finding", HOST, "nessus/1/tcp/443", {**FINDING, "cvss_vector": VECTOR}),
        ("imported_finding", HOST, "nessus/2", {**FINDING, "rule": "2", "result": "pass", "seen_at": NOW - timedelta(days=30)}),
        ("imported_service", HOST, "tcp/23", SEEN),
    ]
    coverage = [
        ("network:s/n", "host", "", Outcome.OK, 1),
        (HOST, "service", "", Outcome.OK, 0),
        (FILE, "imported_finding", "", outcome, 2),
        (FILE, "imported_service", "", outcome, 1),
    ]
    write_bundle(folder / "bundle", rows, coverage)
    assess([folder / "bundle"], folder / "out")
    ledger = pq.read_table(folder / "out" / "ledger.parquet").to_pylist()
    return [row for row in ledger if "import" in row["check"] or "unseen" in row["check"]], json.loads(
        (folder / "out" / "assessment.json").read_text()
    )


def test_what_another_tool_says_rests_on_it(tmp_path: Path) -> None:
    ledger, said = judged(tmp_path)
    assert {(row["check"], row["subject"], row["verdict"], row["basis"]) for row in ledger} == {
        ("rig.imported_finding_open", "nessus/1/tcp/443", "fail", "imported"),
        ("rig.imported_finding_open", "nessus/2", "pass", "imported"),
        ("rig.service_unseen_by_us", "tcp/23", "fail", "imported"),
    }
    [finding] = [one for one in said["findings"] if one["check"] == "rig.imported_finding_open"]
    assert (finding["cvss"], finding["severity"], finding["asset"]) == (VECTOR, "critical", HOST)
    assert finding["message"] == "nessus reports 1: Overflow (severity High)"
    assert finding["detail"]["rated_by"] == "vector"


def test_a_file_that_was_read_in_part_is_inconclusive_beside_its_results(tmp_path: Path) -> None:
    ledger, said = judged(tmp_path, Outcome.PARTIAL)
    unread = {(row["check"], row["asset"], row["verdict"], row["reason"]) for row in ledger if row["asset"] == FILE}
    assert unread == {(check, FILE, "inconclusive", "partial") for check in ("rig.imported_finding_open", "rig.service_unseen_by_us")}
    assert said["unjudged_sources"] == []


@pytest.mark.full
def test_a_file_of_which_nothing_could_be_read_is_a_source_that_went_unjudged(tmp_path: Path) -> None:
    _, said = judged(tmp_path, Outcome.PROTOCOL_ERROR)
    assert [(one["entity"], one["outcome"]) for one in said["unjudged_sources"]] == [(FILE, "protocol_error")]

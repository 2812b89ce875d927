"""Every failed verdict with its words: what the assessment lists, and what it had to leave out, in the same words and weights."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from plumbline.model.words import Verdict
from plumbline.report import verdicts
from plumbline.report.data import Report
from plumbline.report.tally import Tally
from tests.report.conftest import MISTAKEN, OVERLAID


def test_each_failed_verdict_is_given_as_the_assessment_says_it(out: Path, report: Report) -> None:
    said = {entry["id"]: entry for entry in json.loads((out / "assessment.json").read_text())["findings"]}
    found = list(verdicts.failed(report, out))
    assert {one.id for one in found} == set(said) and len(found) == report.tally.failed
    for one in found:
        entry = said[one.id]
        assert (one.severity, one.score, one.cvss, one.risk) == (entry["severity"], entry["score"], entry["cvss"], entry["risk"])
        assert (one.message, one.asset_name, len(one.evidence)) == (entry["message"].strip(), entry["asset_name"], entry["evidence_rows"])
        assert one.basis and (one.waiver, one.review) == (None, None)


def test_what_the_assessment_does_not_list_is_told_and_weighed_alike(out: Path, report: Report, tmp_path: Path) -> None:
    said = json.loads((out / "assessment.json").read_text())
    (tmp_path / "assessment.json").write_text(json.dumps({**said, "findings": []}))
    (tmp_path / "ledger.parquet").symlink_to(out / "ledger.parquet")
    assert list(verdicts.failed(report, tmp_path)) == list(verdicts.failed(report, out))


def test_what_lies_over_the_ledger_comes_with_it(out: Path, overlaid: Report) -> None:
    found = list(verdicts.failed(overlaid, out))
    assert {one.check.id for one in found if one.waiver} == {OVERLAID}
    assert {one.check.id for one in found if one.review} == {MISTAKEN}


@pytest.mark.parametrize("each", [0, 1, 1000])
def test_of_what_was_not_judged_the_first_of_each_check(out: Path, report: Report, each: int) -> None:
    found = list(verdicts.unjudged(report, out, each))
    assert len(found) == sum(min(each, check.tally.inconclusive) for check in report.checks)
    assert all(one.reason for one in found)


def test_a_ledger_that_lacks_a_column_reads_null(out: Path, tmp_path: Path) -> None:
    table = pq.read_table(out / "ledger.parquet").drop_columns(["basis"])
    pq.write_table(table, tmp_path / "ledger.parquet")
    assert {row["basis"] for row in verdicts.rows(tmp_path)} == {None}
    assert sum(row["verdict"] == "pass" for row in verdicts.rows(tmp_path)) == len(list(verdicts.rows(tmp_path, Verdict.PASS)))


def test_counts_in_words() -> None:
    assert verdicts.counted(Tally(1, 2, 3, 4)) == "1 verdict failed, 3 passed, 2 not judged, 4 that do not apply"
    assert verdicts.counted(Tally(failed=1200), "asset").startswith("1,200 assets failed")

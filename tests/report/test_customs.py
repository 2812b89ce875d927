"""Custom parts: each with the verdicts on its own image or module, and on nothing else."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from plumbline.report.data import CustomPart, Report
from plumbline.report.html import render
from plumbline.report.tally import Tally
from tests.report import rigs


@pytest.fixture(scope="module")
def parts(report: Report) -> dict[str, CustomPart]:
    return {part.name: part for part in report.customs}


def test_every_part_of_the_rig_file_has_its_place(report: Report, parts: dict[str, CustomPart]) -> None:
    assert list(parts) == ["camera firmware", "ghost", "old firmware", "reader", "uploader"]
    assert report.customs_count == 5


def test_an_image_has_all_verdicts_on_it(out: Path, parts: dict[str, CustomPart]) -> None:
    rows = pq.read_table(out / "ledger.parquet").to_pylist()
    counts = Counter(row["verdict"] for row in rows if row["asset"] == "image:/cam-1.4.2.bin")
    expected = Tally(counts["fail"], counts["inconclusive"], counts["pass"], counts["not_applicable"])
    assert parts["camera firmware"].tally == expected
    assert expected.failed and expected.inconclusive
    assert {finding.check for finding in parts["camera firmware"].findings} >= {"firmware.private_key_in_image", "rig.image_key_on_wire"}
    assert len(parts["camera firmware"].findings) == expected.failed


def test_what_was_wrong_or_not_judged_somewhere_is_not_proven(out: Path, parts: dict[str, CustomPart]) -> None:
    rows = [row for row in pq.read_table(out / "ledger.parquet").to_pylist() if row["asset"] == "image:/cam-1.4.2.bin"]
    by_verdict = {verdict: {row["check"] for row in rows if row["verdict"] == verdict} for verdict in ("pass", "fail", "inconclusive")}
    assert parts["camera firmware"].proven_count == len(by_verdict["pass"] - by_verdict["fail"] - by_verdict["inconclusive"])


def test_a_module_has_those_on_itself_and_none_of_its_neighbour(parts: dict[str, CustomPart]) -> None:
    assert {finding.subject for finding in parts["reader"].findings} == {"module/reader"}
    assert parts["reader"].places == ("harbour gateway",)
    assert (parts["uploader"].tally.failed, parts["uploader"].proven_count > 0) == (0, True)


def test_an_image_that_could_not_be_read_is_not_judged(parts: dict[str, CustomPart]) -> None:
    assert (parts["old firmware"].tally.judged, parts["old firmware"].tally.inconclusive > 0) == (0, True)
    assert {one.reason for one in parts["old firmware"].unjudged} <= {"not_attempted", "not_supported"}  # a sample
    assert parts["old firmware"].unjudged_count >= len(parts["old firmware"].unjudged) > 0


def test_what_nothing_holds_was_not_looked_at(parts: dict[str, CustomPart]) -> None:
    assert (parts["ghost"].places, parts["ghost"].tally) == ((), Tally())


def test_the_chapter_answers_each_and_is_not_there_without_parts() -> None:
    made = rigs.rig(12)
    page = render(made)
    assert "<strong>No.</strong> 3 things are wrong. 2 questions could not be judged." in page
    assert "<strong>As far as was asked, yes.</strong> 1 question was asked and proven right." in page
    assert "<strong>Not looked at.</strong>" in page
    assert "And 1 more part; its verdicts" in page
    assert 'id="custom"' not in render(dataclasses.replace(made, customs=(), customs_count=0))

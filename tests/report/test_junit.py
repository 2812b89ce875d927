"""JUnit for pipelines: every fail fails, nothing that was not judged passes, and counts agree with cases."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from plumbline.model.words import Verdict
from plumbline.report import junit, registry
from plumbline.report.data import Report
from plumbline.report.loading import load
from tests.report.overlays import reviews, waivers


def suites(path: Path) -> dict[str, ElementTree.Element]:
    return {suite.get("name", ""): suite for suite in ElementTree.parse(path).getroot()}


def title(report: Report) -> str:
    return next(check.title for check in report.checks if check.id == "device.admin_page_without_login")


def outcome(case: ElementTree.Element) -> str:
    return case[0].tag if len(case) else "pass"


def write(out: Path, view: Report, folder: Path) -> Path:
    [path] = registry.write("junit", out, folder, report=view)
    return path


def test_cases_are_the_ledgers_rows(out: Path, report: Report, tmp_path: Path) -> None:
    found = suites(write(out, report, tmp_path))
    titles = {check.id: check.title for check in report.checks}
    rows = pq.read_table(out / "ledger.parquet").to_pylist()
    for check, title in titles.items():
        of_check = Counter(row["verdict"] for row in rows if row["check"] == check)
        cases = Counter(outcome(case) for case in found[title].iter("testcase"))
        assert cases["failure"] == of_check[Verdict.FAIL]
        assert cases["skipped"] == of_check[Verdict.INCONCLUSIVE]
        assert cases["pass"] == of_check[Verdict.PASS]
        told = {one.get("name"): one.get("value") for one in found[title].iter("property")}
        assert (told["fail"], told["not_applicable"]) == (str(of_check[Verdict.FAIL]), str(of_check[Verdict.NOT_APPLICABLE]))


def test_attributes_count_what_is_in_a_suite(out: Path, report: Report, tmp_path: Path) -> None:
    for suite in suites(write(out, report, tmp_path)).values():
        cases = Counter(outcome(case) for case in suite.iter("testcase"))
        counted = {"tests": sum(cases.values()), "failures": cases["failure"], "errors": cases["error"], "skipped": cases["skipped"]}
        assert {name: int(suite.get(name, "-1")) for name in counted} == counted


def test_no_two_cases_of_a_check_share_a_name(out: Path, report: Report, tmp_path: Path) -> None:
    for suite in suites(write(out, report, tmp_path)).values():
        names = [(case.get("classname"), case.get("name")) for case in suite.iter("testcase")]
        assert len(set(names)) == len(names)


def test_a_failure_says_what_why_and_what_to_do(out: Path, report: Report, tmp_path: Path) -> None:
    suite = suites(write(out, report, tmp_path))[title(report)]
    [case] = [case for case in suite.iter("testcase") if outcome(case) == "failure"]
    assert (case.get("classname"), case[0].get("type")) == ("device.admin_page_without_login", "critical")
    assert case[0].get("message") == "tcp/80 serves administration to anyone (GoAhead-Webs)"
    assert "To verify: " in (case[0].text or "") and "Evidence: http_service/" in (case[0].text or "")


def test_what_was_not_judged_is_skipped_with_its_reason(out: Path, report: Report, tmp_path: Path) -> None:
    skipped = [case[0].get("message", "") for suite in suites(write(out, report, tmp_path)).values() for case in suite if len(case)]
    assert any(text.startswith("not judged (timeout): No answer came in time.") for text in skipped)


def test_what_could_not_be_read_at_all_is_an_error(hostile_out: Path, tmp_path: Path) -> None:
    view = load(hostile_out)
    errors = [case[0].get("message", "") for case in suites(write(hostile_out, view, tmp_path))["Sources"].iter("testcase")]
    assert len(errors) == len(view.unread) + 1
    assert any("the collection ended early" in text for text in errors)


def test_waived_and_false_positives_are_skipped_never_passed(out: Path, tmp_path: Path) -> None:
    view = load(out, waivers=waivers(tmp_path), reviews=reviews(tmp_path))
    found = suites(write(out, view, tmp_path))
    cases = {case.get("classname", ""): case for suite in found.values() for case in suite.iter("testcase") if outcome(case) == "skipped"}
    assert (cases["device.admin_page_without_login"][0].get("message") or "").startswith("waived until 2026-12-31 by =Head of operations")
    brokers = [case for suite in found.values() for case in suite.iter("testcase") if (case.get("classname") or "").startswith("gateway.")]
    assert brokers and "failure" not in {outcome(case) for case in brokers}
    assert any("a false positive, says A. Auditor" in (case[0].get("message") or "") for case in brokers if len(case))


def test_hostile_words_break_nothing(hostile_out: Path, tmp_path: Path) -> None:
    text = write(hostile_out, load(hostile_out), tmp_path).read_text()
    assert "<script>" not in text and "\x1b" not in text and "\u202e" not in text
    assert "\\u202e" in text


def test_a_rig_of_which_nothing_was_judged_does_not_pass(out: Path, report: Report, tmp_path: Path) -> None:
    empty = tmp_path / "out"
    empty.mkdir()
    pq.write_table(pq.read_table(out / "ledger.parquet").slice(0, 0), empty / "ledger.parquet")
    (empty / "assessment.json").write_bytes((out / "assessment.json").read_bytes())
    none = dataclasses.replace(report, tally=type(report.tally)(), checks=(), unread=(), head=dataclasses.replace(report.head, sessions=()))
    [path] = junit.write(none, empty, tmp_path)
    [case] = suites(path)["Sources"].iter("testcase")
    assert (outcome(case), case[0].get("message")) == ("error", "nothing was judged, neither right nor wrong")


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.INCONCLUSIVE])
def test_what_is_not_listed_is_skipped_and_counted(verdict: Verdict, out: Path, report: Report, tmp_path: Path) -> None:
    many = tmp_path / "out"
    many.mkdir()
    (many / "assessment.json").write_bytes((out / "assessment.json").read_bytes())
    table = pq.read_table(out / "ledger.parquet")
    [first] = table.filter(pc.equal(table["check"], "device.admin_page_without_login")).slice(0, 1).to_pylist()
    rows = [{**first, "asset": f"host:/{n:05}", "verdict": verdict.value, "reason": None} for n in range(junit.OTHERS_EACH + 7)]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), many / "ledger.parquet")
    [path] = junit.write(report, many, tmp_path)
    cases = list(suites(path)[title(report)].iter("testcase"))
    assert len(cases) == junit.OTHERS_EACH + 1
    assert (outcome(cases[-1]), cases[-1][0].get("message")) == ("skipped", "7 further verdicts, which are no fails; ledger.csv lists them")

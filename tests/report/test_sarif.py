"""SARIF out: valid by the official schema, every failed verdict in it, text that means only itself, and read by somebody else's reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sarif.loader import load_sarif_file

from plumbline.assess.changes import compare
from plumbline.model.words import Severity, Verdict
from plumbline.report import registry, sarif
from plumbline.report.data import Report
from plumbline.standards.loading import load_standards
from tests.report import schemas
from tests.report.conftest import MISTAKEN, OVERLAID


@pytest.fixture(scope="module")
def path(out: Path, report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    [path] = registry.write("sarif", out, tmp_path_factory.mktemp("sarif"), report=report)
    return path


@pytest.fixture(scope="module")
def run(path: Path) -> dict[str, Any]:
    [found] = json.loads(path.read_text())["runs"]
    return dict(found)


def of_kind(run: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [result for result in run["results"] if result["kind"] == kind]


def test_the_official_schema_accepts_it(path: Path, hostile_out: Path, tmp_path: Path) -> None:
    check = schemas.validator(*schemas.SARIF)
    assert schemas.errors(check, json.loads(path.read_text())) == []
    [hostile] = registry.write("sarif", hostile_out, tmp_path)
    assert schemas.errors(check, json.loads(hostile.read_text())) == []


def test_a_reader_by_others_finds_every_finding(path: Path, report: Report) -> None:
    read = load_sarif_file(str(path))
    assert read.get_distinct_tool_names() == ["Plumbline"]
    issues = read.get_report()
    rated = {level: issues.get_issue_count_for_severity(level) for level in ("error", "warning", "note")}
    worst = report.severities[Severity.CRITICAL] + report.severities[Severity.HIGH]
    assert rated == {"error": worst, "warning": report.severities[Severity.MEDIUM], "note": report.severities[Severity.LOW]}


def test_it_holds_every_failed_verdict_and_no_pass(run: dict[str, Any], out: Path) -> None:
    rows = pq.read_table(out / "ledger.parquet").to_pylist()
    failed = [f"{row['check']}|{row['asset']}|{row['subject']}" for row in rows if row["verdict"] == Verdict.FAIL]
    assert [result["properties"]["finding"] for result in of_kind(run, "fail")] == failed
    assert {result["kind"] for result in run["results"]} == {"fail", "open"}
    words = {"fail": "fail", "inconclusive": "inconclusive", "pass": "pass", "notApplicable": "not_applicable"}
    assert run["properties"]["counts"] == {word: sum(row["verdict"] == verdict for row in rows) for word, verdict in words.items()}


def test_what_was_not_judged_is_open_with_its_reason(run: dict[str, Any], report: Report) -> None:
    found = of_kind(run, "open")
    assert len(found) == sum(min(check.tally.inconclusive, sarif.OPEN_EACH) for check in report.checks)
    assert {result["level"] for result in found} == {"none"}
    assert all(result["properties"]["reason"] for result in found)


def test_indexes_lead_to_rules_assets_and_provisions(run: dict[str, Any]) -> None:
    rules, taxonomies = run["tool"]["driver"]["rules"], run["taxonomies"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        places = result["locations"][0]["logicalLocations"]
        assert run["logicalLocations"][places[-1]["index"]]["properties"]["asset"] == result["properties"]["asset"]
    for rule in rules:
        for relation in rule.get("relationships", ()):
            taxonomy = taxonomies[relation["target"]["toolComponent"]["index"]]
            assert taxonomy["guid"] == relation["target"]["toolComponent"]["guid"]
            assert relation["target"]["id"] in {taxon["id"] for taxon in taxonomy["taxa"]}
    for taxonomy in taxonomies:
        assert [taxon["id"] for taxon in taxonomy["taxa"]] == list(load_standards()[taxonomy["name"]].provisions)


def test_a_finding_in_an_image_lies_in_its_file(run: dict[str, Any]) -> None:
    lying = [result for result in of_kind(run, "fail") if result["ruleId"].startswith("firmware.")]
    places = [result["locations"][0]["physicalLocation"] for result in lying]
    assert {place["region"]["byteOffset"] for place in places} <= {0, 81920, 90112}
    assert {run["artifacts"][place["artifactLocation"]["index"]]["hashes"]["sha-256"] for place in places} == {"5c" * 32}


def test_findings_keep_their_fingerprint_over_audits_and_their_guid_within_one(out: Path, report: Report, run: dict[str, Any]) -> None:
    prints = [result["partialFingerprints"]["plumblineFinding/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)
    assert [result["correlationGuid"] for result in run["results"]] == prints
    assert not {result["guid"] for result in run["results"]} & set(prints)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{0} of {name}", "{{0}} of {{name}}"),
        ("[press](javascript:1)", "\\[press\\] (javascript:1)"),
        ("\\[press\\](javascript:1)", "\\\\[press\\\\] (javascript:1)"),
        ("a\nb\u202e", "a\\nb\\u202e"),
    ],
)
def test_text_of_a_device_is_neither_link_nor_placeholder(text: str, shown: str) -> None:
    assert sarif._message(text) == {"text": shown}


def test_a_run_that_ended_early_and_what_was_not_read_are_notified(run: dict[str, Any], hostile_out: Path, tmp_path: Path) -> None:
    [invocation] = run["invocations"]
    assert invocation["executionSuccessful"]
    words = {note["descriptor"]["id"] for note in invocation["toolExecutionNotifications"]}
    assert words == {"source-not-read"}
    [path] = registry.write("sarif", hostile_out, tmp_path)
    [invocation] = json.loads(path.read_text())["runs"][0]["invocations"]
    assert not invocation["executionSuccessful"]
    assert "run-ended-early" in {note["descriptor"]["id"] for note in invocation["toolExecutionNotifications"]}


def test_the_same_assessment_gives_the_same_file(out: Path, path: Path, tmp_path: Path) -> None:
    [again] = registry.write("sarif", out, tmp_path)
    assert again.read_bytes() == path.read_bytes()


def test_what_is_waived_or_called_false_is_still_there_and_suppressed(out: Path, overlaid: Report, tmp_path: Path) -> None:
    [path] = registry.write("sarif", out, tmp_path, report=overlaid)
    document = json.loads(path.read_text())
    assert schemas.errors(schemas.validator(*schemas.SARIF), document) == []
    found = of_kind(document["runs"][0], "fail")
    assert len(found) == document["runs"][0]["properties"]["counts"]["fail"]
    why = {result["ruleId"]: [one["justification"] for one in result["suppressions"]] for result in found if "suppressions" in result}
    assert why == {OVERLAID: ["The broker is replaced in spring <b>."], MISTAKEN: ["It is a honeypot of ours."]}


def test_after_a_comparison_findings_say_whether_they_are_new(out: Path, report: Report, run: dict[str, Any], tmp_path: Path) -> None:
    for name in ("assessment.json", "ledger.parquet", "derived", "bundle"):
        (tmp_path / name).symlink_to(out / name)
    compare(out, out).write(tmp_path)
    [path] = registry.write("sarif", tmp_path, tmp_path, report=report)
    [later] = json.loads(path.read_text())["runs"]
    assert {result["baselineState"] for result in of_kind(later, "fail")} == {"unchanged"}
    assert later["baselineGuid"] == run["automationDetails"]["guid"]
    (tmp_path / "changes.json").write_text((tmp_path / "changes.json").read_text().replace(report.head.ledger_digest, "0" * 64))
    [path] = registry.write("sarif", tmp_path, tmp_path, report=report)
    [other] = json.loads(path.read_text())["runs"]
    assert "baselineGuid" not in other, "a comparison of other audits says nothing of this one"
    assert not any("baselineState" in result for result in other["results"])

"""SARIF: what each result says by its kind and level, and what of a log is not there."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.model.words import Severity, Verdict
from tests.collect.imports.formats.reading import findings, read, said
from tests.collect.imports.samples import SARIF


def test_results(tmp_path: Path) -> None:
    found = read("sarif", tmp_path, json.dumps(SARIF).encode())
    told = {one.rule: one for one in findings(found)}
    overflow = told["c/overflow"]
    assert (overflow.tool, overflow.tool_version, overflow.title, overflow.place) == (
        "codescan",
        "3.1.0",
        "Copies without a bound",
        "src/net.c",
    )
    assert (overflow.severity, overflow.level, overflow.cvss_score, overflow.address) == ("error", Severity.HIGH, 8.8, None)
    assert (overflow.message, overflow.seen_at) == ("strcpy into a buffer of 16 bytes", datetime(2026, 11, 19, 8, tzinfo=UTC))
    assert (told["c/style"].severity, told["c/style"].level) == ("note", Severity.LOW), "the level of its rule"
    assert told["c/style"].message is None, "it holds a secret"
    assert (told["c/other"].result, told["c/review"].result) == (Verdict.PASS, Verdict.INCONCLUSIVE)
    assert (told["c/waived"].result, told["c/waived"].suppressed, told["c/waived"].level) == (Verdict.FAIL, True, Severity.MEDIUM)
    assert told["c/gone"].result is Verdict.NOT_APPLICABLE
    web = told["web/headers"]
    assert (str(web.address), web.port, web.place) == ("10.0.0.1", 8443, "/login")
    assert said(found) == []


def test_a_result_in_several_places_counts_in_each_once(tmp_path: Path) -> None:
    uris = ["https://10.0.0.1/a", "https://10.0.0.2/a", "https://10.0.0.1/a", *(f"https://10.0.0.3/{n}" for n in range(100))]
    locations = [{"physicalLocation": {"artifactLocation": {"uri": uri}}} for uri in uris]
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": [{"ruleId": "x", "locations": locations}]}]}
    found = read("sarif", tmp_path, json.dumps(log).encode())
    assert [str(one.address) for one in findings(found)] == ["10.0.0.1", "10.0.0.2", *["10.0.0.3"] * 97]
    assert said(found) == ["a result of t in more than 100 places, of which the first were read"]


def changed(**members: Any) -> bytes:
    return json.dumps({**SARIF, "runs": [{**SARIF["runs"][0], **members}]}).encode()


SHORT = {
    "no results": ({"results": None}, "a run of codescan without results: the tool ended before it had any, or they stand in another file"),
    "a run that failed": ({"invocations": [{"executionSuccessful": False}]}, "a run of codescan that did not come to its end"),
    "results elsewhere": (
        {"externalPropertyFileReferences": {"results": [{"location": {"uri": "x"}}]}},
        "results of codescan in other files",
    ),
    "a rule that another component has": (
        {"results": [{"ruleIndex": 0, "rule": {"toolComponent": {"index": 0}}, "message": {"text": "x"}}]},
        "a result of codescan without a rule",
    ),
    "a result without a rule": ({"results": [{"message": {"text": "x"}}]}, "a result of codescan without a rule"),
}


def test_a_log_without_runs_says_so(tmp_path: Path) -> None:
    assert said(read("sarif", tmp_path, b'{"version": "2.1.0", "runs": []}')) == ["it holds no run of a tool"]


@pytest.mark.parametrize("kind", ["passed", [], {}, 1, True])
def test_a_kind_of_another_form_is_not_judged(kind: object, tmp_path: Path) -> None:
    [one] = findings(read("sarif", tmp_path, changed(results=[{"ruleId": "x", "kind": kind}])))
    assert one.result is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("members", "words"), SHORT.values(), ids=SHORT)
def test_what_falls_short_is_said(members: dict[str, Any], words: str, tmp_path: Path) -> None:
    assert words in said(read("sarif", tmp_path, changed(**members)))


@pytest.mark.parametrize("text", ["{}", '{"version": "1.0.0", "runs": []}', '{"version": "2.1.0"}', "[]", "no JSON"])
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"SARIF|JSON"):
        read("sarif", tmp_path, text.encode())

"""Testrun's report of one device (`report.json`): each test with what came of it.

    {"device": {"mac_addr", ...}, "status", "started", "testrun": {"version"},
     "tests": {"total", "results": [{"name", "description", "expected_behavior", "required_result", "result"}]}}

| result | here |
|---|---|
| Compliant; Non-Compliant | pass; fail |
| Informational, Feature Not Detected, Feature Not Present | not_applicable |
| Error, Skipped, In Progress, Not Started, Cancelled, another | inconclusive |

| required_result | level |
|---|---|
| Required, Required if Applicable | medium: the programme of the test asks for it |
| Recommended, Roadmap | low |
| Informational | none |

Source: Testrun 2, its JSON report. Rules: the device is known by its MAC address; times are local and have no zone there, so the
earliest is told that it can have been.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from plumbline.collect.imports.results import Read, Reported, moment_of, name_of, words_of
from plumbline.collect.imports.source import Source
from plumbline.collect.json_text import int_of, list_of, object_of
from plumbline.model.errors import ProtocolError
from plumbline.model.words import Severity, Verdict
from plumbline.rig.values import is_mac

TOOL = "testrun"
_RESULTS: Mapping[str | None, Verdict] = {
    "compliant": Verdict.PASS,
    "non-compliant": Verdict.FAIL,
    "informational": Verdict.NOT_APPLICABLE,
    "feature not detected": Verdict.NOT_APPLICABLE,
    "feature not present": Verdict.NOT_APPLICABLE,
}
_LEVELS: Mapping[str | None, Severity] = {
    "required": Severity.MEDIUM,
    "required if applicable": Severity.MEDIUM,
    "recommended": Severity.LOW,
    "roadmap": Severity.LOW,
    "informational": Severity.NONE,
}


def read(source: Source) -> Iterator[Read]:
    """Give each test; raises ProtocolError when the file is no such report."""
    report = object_of(source.json())
    tests = object_of(report.get("tests"))
    if not isinstance(report.get("device"), dict) or not isinstance(tests.get("results"), list):
        raise ProtocolError("not a report of Testrun: no device and tests.results")
    mac = (name_of(report["device"].get("mac_addr")) or name_of(report.get("mac_addr")) or "").lower().replace("-", ":")
    version = name_of(object_of(report.get("testrun")).get("version"))
    started = moment_of(report.get("started"), local=True)
    results = list_of(tests.get("results"))
    for value in results:
        yield _test(object_of(value), mac if is_mac(mac) else None, version, started)
    if not results:
        yield "it holds no test"
    total = int_of(tests.get("total"))
    if total is not None and total > len(results):
        yield f"{len(results)} of {total} tests"


def _test(test: Mapping[str, object], mac: str | None, version: str | None, started: datetime | None) -> Read:
    name = name_of(test.get("name"))
    if name is None:
        return "a test without a name"
    required = name_of(test.get("required_result"))
    return Reported(
        tool=TOOL,
        tool_version=version,
        rule=name,
        title=words_of(test.get("expected_behavior")),
        result=_RESULTS.get((name_of(test.get("result")) or "").lower(), Verdict.INCONCLUSIVE),
        severity=required,
        level=_LEVELS.get((required or "").lower()),
        mac=mac,
        message=words_of(test.get("description")),
        seen_at=started,
    )

"""junit.xml for pipelines: a suite for each check, a case for each asset and subject that it judged.

| ours | JUnit |
|---|---|
| check | `testsuite`, with its exact counts as properties |
| fail | `failure`, its type the severity (as a review rates it) |
| fail that is waived, or reviewed as a false positive | `skipped`, with who bears it, or who says so, and why |
| inconclusive | `skipped`, with its reason |
| does not apply | counted, not listed |
| pass | a case without anything in it |
| source that could not be read, run that ended early, nothing judged at all | `error`, in a suite of its own |

Every fail is listed; of what is no fail, of each check, the first OTHERS_EACH: the others are one `skipped` case that counts them, so that
nothing passes by being left out. Rules: text is escaped, and holds nothing that XML forbids; a suite waits on the disk until it is counted.
Source: the form that Ant's and Maven's readers share, which pipelines read; there is no standard.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

from plumbline.model.words import Verdict
from plumbline.report.data import CheckResult, Report
from plumbline.report.format import Format
from plumbline.report.text import clip, visible
from plumbline.report.verdicts import Failed, failed, rows
from plumbline.report.words import REASONS, UNKNOWN_REASON

OTHERS_EACH = 1_000
COPIED = 1 << 20
SOURCES = "plumbline.sources"


def write(report: Report, out: Path, to: Path) -> list[Path]:
    """Write junit.xml into `to`."""
    path = to / "junit.xml"
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        path.chmod(0o600)
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        file.write(f"<testsuites name={_quoted(f'Plumbline: {report.head.rig_name}')}>\n")
        _sources(file, report)
        fails = failed(report, out)
        checks = {check.id: check for check in report.checks}
        names = {asset.id: asset.name for asset in (*report.assets, *report.sources)}
        for check, group in groupby(rows(out), key=lambda row: str(row["check"])):
            _check(file, report, checks[check], group, fails, names)
        file.write("</testsuites>\n")
    return [path]


FORMAT = Format("findings as test cases, for pipelines", ("junit.xml",), write)


@dataclass
class _Suite:
    """Cases on their way into a suite."""

    cases: IO[str]
    counts: dict[str, int] = field(default_factory=lambda: {"tests": 0, "failures": 0, "errors": 0, "skipped": 0})

    def case(self, classname: str, name: str, inside: str = "", kind: str = "") -> None:
        """Add a case; `kind` is what is counted beside tests."""
        self.counts["tests"] += 1
        if kind:
            self.counts[kind] += 1
        end = f">{inside}</testcase>" if inside else "/>"
        self.cases.write(f'    <testcase classname={_quoted(classname)} name={_quoted(name)} time="0"{end}\n')


def _check(
    file: IO[str],
    report: Report,
    check: CheckResult,
    group: Iterator[Mapping[str, Any]],
    fails: Iterator[Failed],
    names: Mapping[str, str],
) -> None:
    """Write one check's suite; `fails` gives the ledger's failed rows in its order, one for each that stands in `group`."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as cases:
        suite, others = _Suite(cases), 0
        for row in group:
            name = _name(names.get(row["asset"], row["asset"]), row["asset"], row["subject"])
            if row["verdict"] == Verdict.FAIL:
                _fail(suite, check, name, next(fails))
            elif row["verdict"] != Verdict.NOT_APPLICABLE:
                others += 1
                if others <= OTHERS_EACH:
                    _other(suite, check, name, row)
        if others > OTHERS_EACH:
            words = f"{others - OTHERS_EACH:,} further verdicts, which are no fails; ledger.csv lists them"
            suite.case(check.id, "not listed", _element("skipped", words), "skipped")
        _write(file, check.title, suite, _properties(check), report)


def _fail(suite: _Suite, check: CheckResult, name: str, one: Failed) -> None:
    if one.waiver is not None:
        words = f"waived until {one.waiver.until:%Y-%m-%d} by {one.waiver.owner}: {one.waiver.reason}"
        suite.case(check.id, name, _element("skipped", words), "skipped")
    elif (wrong := one.mistaken) is not None:
        suite.case(check.id, name, _element("skipped", f"a false positive, says {wrong.who}: {wrong.why}"), "skipped")
    else:
        told = [one.message, check.recommendation, f"To verify: {check.verify}", f"Evidence: {' '.join(one.evidence)}"]
        suite.case(check.id, name, _element("failure", one.message or check.title, told, one.rated.value), "failures")


def _other(suite: _Suite, check: CheckResult, name: str, row: Mapping[str, Any]) -> None:
    if row["verdict"] == Verdict.PASS:
        suite.case(check.id, name)
        return
    reason = str(row["reason"] or "not_observed")
    means = REASONS.get(reason, UNKNOWN_REASON).means
    suite.case(check.id, name, _element("skipped", f"not judged ({reason}): {means}"), "skipped")


def _sources(file: IO[str], report: Report) -> None:
    """Write what could not be read at all; a suite without cases is not written."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as cases:
        suite = _Suite(cases)
        for source in report.unread:
            suite.case(SOURCES, source.entity, _element("error", f"nothing could be read ({source.outcome})", [source.detail]), "errors")
        for session in report.head.sessions:
            if not session.complete:
                words = f"the collection ended early: {'; '.join(session.notes) or 'it was killed'}"
                suite.case(SOURCES, f"{session.bundle}, a session", _element("error", words), "errors")
        if not report.tally.asked:
            suite.case(SOURCES, "the whole rig", _element("error", "nothing was judged, neither right nor wrong"), "errors")
        if suite.counts["tests"]:
            _write(file, "Sources", suite, {}, report)


def _write(file: IO[str], name: str, suite: _Suite, properties: Mapping[str, object], report: Report) -> None:
    counts = " ".join(f'{key}="{count}"' for key, count in suite.counts.items())
    moment = f"{report.head.as_of:%Y-%m-%dT%H:%M:%S}"
    file.write(f'  <testsuite name={_quoted(name)} {counts} time="0" timestamp="{moment}">\n')
    if properties:
        told = "".join(f"<property name={_quoted(key)} value={_quoted(str(value))}/>" for key, value in properties.items())
        file.write(f"    <properties>{told}</properties>\n")
    suite.cases.seek(0)
    while piece := suite.cases.read(COPIED):
        file.write(piece)
    file.write("  </testsuite>\n")


def _properties(check: CheckResult) -> Mapping[str, object]:
    tally = check.tally
    counts = {"fail": tally.failed, "inconclusive": tally.inconclusive, "pass": tally.passed, "not_applicable": tally.not_applicable}
    return {"check": check.id, "layer": check.layer.value, "cvss": check.cvss, **counts}


def _name(name: str, asset: str, subject: str) -> str:
    """Name a case so that no two of a check share a name, and that it is the same in the next audit."""
    where = name if name == asset else f"{name} [{asset}]"
    return f"{where} {subject}".rstrip()


def _element(tag: str, message: str, lines: list[str] | None = None, kind: str = "") -> str:
    body = escape("\n".join(visible(line) for line in lines or ()))
    typed = f" type={_quoted(kind)}" if kind else ""
    return f"<{tag} message={_quoted(message)}{typed}>{body}</{tag}>"


def _quoted(text: str) -> str:
    return quoteattr(visible(clip(text, 1_000)))

"""tickets.csv: what is to be done, one row an action, in the columns that trackers import.

| column | of it |
|---|---|
| summary | the recommendation, cut to what a tracker takes |
| description | why, on which assets, how to verify it, what to do until then; several lines |
| priority | Highest, High, Medium, Low, Lowest: by the worst severity of what counts |
| labels | plumbline, the layers and the severity, separated by spaces |
| external_id | the checks whose findings it mends: the same in each audit, so that an import finds its ticket again |
| findings, assets, waived | how many count, on how many assets, and how many do not: waived, or reviewed as false positives |

Not due dates, which are the owner's to set. Rules: an action whose findings are all waived, or false positives, is no ticket; the last row
says how many there were, where there were any. What devices said stands without markup, so that no tracker follows it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from plumbline.model.words import Severity
from plumbline.report.cells import guarded, unmarked
from plumbline.report.data import Action, Report
from plumbline.report.format import Format
from plumbline.report.text import clip, plural
from plumbline.report.verdicts import Failed, failed

COLUMNS = ("summary", "description", "priority", "labels", "external_id", "severity", "effort", "risk", "findings", "assets", "waived")
SUMMARY_MAX = 250  # Jira takes 255
PLACES_MAX = 25
PRIORITIES: Mapping[Severity, str] = {
    Severity.CRITICAL: "Highest",
    Severity.HIGH: "High",
    Severity.MEDIUM: "Medium",
    Severity.LOW: "Low",
    Severity.NONE: "Lowest",
}


def write(report: Report, out: Path, to: Path) -> list[Path]:
    """Write tickets.csv into `to`."""
    path = to / "tickets.csv"
    gathered = _gathered(report, out)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        path.chmod(0o600)
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(_rows(report, gathered))
    return [path]


FORMAT = Format("what is to be done, for trackers of work", ("tickets.csv",), write)


@dataclass
class _Work:
    """The findings of one action that count."""

    findings: int = 0
    spared: int = 0
    severity: Severity = Severity.NONE
    assets: set[str] = field(default_factory=set)
    places: list[str] = field(default_factory=list)

    def add(self, one: Failed) -> None:
        if one.waiver is not None or one.mistaken is not None:
            self.spared += 1
            return
        self.findings += 1
        self.severity = max(self.severity, one.rated, key=lambda word: word.rank)
        self.assets.add(one.asset)
        if len(self.places) < PLACES_MAX:
            where = f"{one.asset_name}, {one.subject}" if one.subject else one.asset_name
            self.places.append(f"{where}: {clip(one.message or one.check.title)}")


def _gathered(report: Report, out: Path) -> Sequence[_Work]:
    works = [_Work() for _ in report.actions]
    by_check = {advice.check: number for number, action in enumerate(report.actions) for advice in action.advice}
    for one in failed(report, out):
        works[by_check[one.check.id]].add(one)
    return works


def _rows(report: Report, works: Sequence[_Work]) -> Iterator[Sequence[str]]:
    left = 0
    for action, work in zip(report.actions, works, strict=True):
        if work.findings:
            yield _ticket(report, action, work)
        else:
            left += 1
    if left:
        words = f"{plural(left, 'action')} without a ticket: what would be mended is waived, or reviewed as false positives"
        spared = sum(work.spared for work in works if not work.findings)
        yield [words, "For the record; there is nothing to do.", "Lowest", "plumbline", "", "", "", "", "0", "0", str(spared)]


def _ticket(report: Report, action: Action, work: _Work) -> Sequence[str]:
    layers = sorted({advice.check.partition(".")[0] for advice in action.advice})
    summary = action.recommendation if len(action.recommendation) <= SUMMARY_MAX else f"{action.recommendation[: SUMMARY_MAX - 1]}…"
    cells = (
        *(PRIORITIES[work.severity], " ".join(["plumbline", *layers, work.severity.value])),
        *(" ".join(sorted(advice.check for advice in action.advice)), work.severity.value, action.effort, round(action.risk)),
        *(work.findings, len(work.assets), work.spared),
    )
    return [guarded(summary), _description(report, action, work), *map(guarded, cells)]


def _description(report: Report, action: Action, work: _Work) -> str:
    """Write several lines, none of which begins with what a device said: some trackers run lines that begin with a slash."""
    head = report.head
    lines = [
        f"Do: {action.recommendation}",
        f"Because of {plural(work.findings, 'finding')} on {plural(len(work.assets), 'asset')}, as of {head.as_of:%Y-%m-%d %H:%M} UTC:",
        *(f"- {unmarked(place)}" for place in work.places),
    ]
    if work.findings > len(work.places):
        lines.append(f"- and {work.findings - len(work.places):,} more, which findings.csv lists")
    for advice in action.advice:
        lines.append(f"To verify ({advice.title}): {advice.verify}")
        if advice.compensate:
            lines.append(f"Until then: {advice.compensate}")
    lines.append(f"Rig {unmarked(head.rig_id)}, ledger {head.ledger_digest[:16]}")
    return "\n".join(lines)

"""The end of an audit on the terminal: what to do first, the counts, what was not judged at all, and where to read on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from plumbline.cli.output import draw, say, table
from plumbline.model.words import Severity
from plumbline.report.text import joined, plural, visible

if TYPE_CHECKING:
    from plumbline.assess.assessment import Assessment

ACTIONS_SHOWN = 10
SOURCES_SHOWN = 10
OVERLAYS_SHOWN = 10
COLOURS = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "cyan", Severity.NONE: ""}


def print_summary(assessment: Assessment, out: Path, written: Sequence[Path]) -> None:
    """Print the actions of highest risk, the counts, what went unjudged or ended early, and the reports that were written."""
    from plumbline.report.loading import SOURCES

    if assessment.actions:
        _print_actions(assessment)
    counts = assessment.counts
    # As the reports count: a network, a capture, an import and the rig itself are asked, and are no assets of the owner's.
    assets = assessment.assets_count - sum(assessment.kinds.get(kind, 0) for kind in SOURCES)
    say(
        f"{plural(assets, 'asset')}, {plural(assessment.ledger_rows, 'verdict')}: {counts.fail:,} wrong, "
        f"{counts.passed:,} proven right, {counts.inconclusive:,} not judged, {counts.not_applicable:,} do not apply.",
        style="bold",
    )
    if counts.fail:
        say(f"Wrong: {joined(f'{count:,} {severity}' for severity, count in assessment.severities.items() if count)}.")
    lines = list(told_of_overlay(assessment))
    for line in lines[:OVERLAYS_SHOWN]:
        say(line, style="yellow")
    if len(lines) > OVERLAYS_SHOWN:
        say(f"... and {len(lines) - OVERLAYS_SHOWN:,} more waivers and reviews that do nothing", style="yellow")
    for session in {session.bundle: session for session in assessment.sessions}.values():
        if not session.complete:
            say(f"The collection of {session.bundle} ended early: {'; '.join(session.notes) or 'it was killed'}.", style="yellow")
    for one in assessment.unjudged_sources[:SOURCES_SHOWN]:
        say(f"Not judged at all: {one.entity} ({one.outcome}{': ' + one.detail.splitlines()[-1] if one.detail else ''})", style="yellow")
    more = len(assessment.unjudged_sources) - SOURCES_SHOWN
    if more > 0:
        say(f"Not judged at all: {more:,} further sources", style="yellow")
    say(f"Ledger {assessment.ledger_digest[:16]}..., judged as of {assessment.as_of:%Y-%m-%d %H:%M} UTC")
    if shown := [path for path in written if path.suffix == ".html"] or written[:1]:
        say(f"Report: {shown[0]}", whole=True)
    else:
        say(f"Written to {out}. For reports: plumbline report {out}", whole=True)


def told_of_overlay(assessment: Assessment) -> Iterator[str]:
    """Say which findings a waiver or a review takes out of `--fail-on`, and which waivers and reviews do nothing."""
    spared = assessment.counts.fail - sum(assessment.standing.values())
    if spared:
        yield f"{plural(spared, 'finding')} waived or reviewed as false positive; the ledger still holds them."
    for waiver in assessment.waivers:
        if waiver.state != "active":
            yield f"Waiver {waiver.id} {_IDLE[waiver.state]} ({waiver.begins:%Y-%m-%d} to {waiver.until:%Y-%m-%d})."
    for review in assessment.reviews:
        if review.state != "active":
            until = f" (until {review.until:%Y-%m-%d})" if review.until else ""
            yield f"Review {review.number} {_IDLE[review.state]}{until}."


_IDLE = {"ended": "has ended and counts no more", "not_yet": "has not begun and does not count", "unused": "means no finding"}


def _print_actions(assessment: Assessment) -> None:
    actions = assessment.actions
    spared = Counter(one.check for one in assessment.findings if one.waived or (one.review and one.review.action == "false_positive"))
    say("What to do first, by risk: severity weighed by what the asset is worth and from how far it can be reached (100 is most)\n")
    rows = table("risk", "severity", "findings", "what to do", "effort")
    rows.columns[0].justify = rows.columns[2].justify = "right"
    # Risk ends at 100, so of two that reach it the more severe goes first, as in the report.
    for action in sorted(actions, key=lambda action: (-action.risk, -action.severity.rank))[:ACTIONS_SHOWN]:
        severity = Text(action.severity.value, COLOURS[action.severity])
        # Findings are listed up to a bound: of an action of more than that nothing is said here, and the reports say it of each.
        settled = " (waived, or reviewed as false positive)" if sum(spared[check] for check in action.checks) == action.findings else ""
        words = Text(visible(action.recommendation) + settled, "dim" if settled else "")
        rows.add_row(str(action.risk), severity, f"{action.findings:,}", words, action.effort)
    draw(rows)
    more = len(actions) - ACTIONS_SHOWN
    say(f"... and {plural(more, 'more action')}\n" if more > 0 else "")

"""The end of an audit on the terminal: what to do first, and the three counts."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from plumbline.assess.assessment import Assessment
from plumbline.cli.output import stdout
from plumbline.model.words import Severity

ACTIONS_SHOWN = 10
COLOURS = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "cyan", Severity.NONE: ""}


def print_summary(assessment: Assessment, out: Path) -> None:
    """Print the actions of highest risk, the counts, and where the report is."""
    console = stdout()
    counts = assessment.counts
    if assessment.actions:
        table = Table("severity", "findings", "what to do", "effort", box=None, pad_edge=False)
        for action in assessment.actions[:ACTIONS_SHOWN]:
            table.add_row(
                f"[{COLOURS[action.severity]}]{action.severity.value}[/]", str(action.findings), action.recommendation, action.effort
            )
        console.print(table)
        more = len(assessment.actions) - ACTIONS_SHOWN
        if more > 0:
            console.print(f"... and {more} more actions in the report")
    console.print(
        f"\n{assessment.assets_count:,} assets: {counts.fail:,} wrong, {counts.passed:,} proven right, "
        f"{counts.inconclusive:,} not judged, {counts.not_applicable:,} do not apply.",
        style="bold",
    )
    console.print(f"Ledger {assessment.ledger_digest[:16]}..., judged as of {assessment.as_of:%Y-%m-%d %H:%M} UTC", markup=False)
    for report in sorted(out.glob("report.html")):
        console.print(f"Report: {report}", markup=False, soft_wrap=True)

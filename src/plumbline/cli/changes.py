"""`plumbline diff | retest | trends`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from plumbline.cli.exits import Exit, exit_of_retest
from plumbline.cli.options import (
    ALL_FORMATS,
    FailOn,
    Formats,
    Json,
    Language,
    Out,
    ReferenceDir,
    Reviews,
    RigPath,
    Waivers,
    known_language,
    readable_overlays,
    reference_folder,
    unsealed_folder,
)
from plumbline.cli.output import draw, print_json, progress, say, table
from plumbline.model.errors import InputError
from plumbline.model.words import Severity
from plumbline.report.text import joined, plural, visible

if TYPE_CHECKING:
    from plumbline.assess.changes import Change, Changes
    from plumbline.assess.retest import Retest
    from plumbline.assess.trends import Point
    from plumbline.rig.models import Rig

SHOWN = 40
Old = Annotated[Path, typer.Argument(metavar="OLD", help="The earlier audit: what `assess` wrote.")]


def diff(
    old: Old,
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The later audit.")],
    out: Annotated[Path | None, typer.Option("--output", "-o", metavar="DIR", help="Write DIR/changes.json as well.")] = None,
    fail_on: Annotated[
        Severity | None,
        typer.Option(metavar="SEVERITY", help="Exit 1 for a finding that came, at or above: none, low, medium, high, critical."),
    ] = None,
    as_json: Json = False,
) -> Exit:
    """Say what became of findings between two audits of one rig.

    Fixed is only what the same check judged again, on the same subject, and passed.
    """
    from plumbline.assess.changes import compare

    folder = unsealed_folder(out) if out is not None else None
    changes = compare(old, new)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        changes.write(folder)
    if as_json:
        print_json(changes.to_json())
    else:
        _print_changes(changes)
    return Exit.FINDING if fail_on is not None and _came(changes, fail_on) else Exit.OK


def retest(
    old: Old,
    rig: RigPath,
    out: Out,
    fail_on: FailOn = Severity.HIGH,
    formats: Formats = ALL_FORMATS,
    reference: ReferenceDir = None,
    waivers: Waivers = None,
    reviews: Reviews = None,
    language: Language = "en",
    as_json: Json = False,
) -> Exit:
    """Look again at what an earlier audit found wrong, and no more.

    Writes what became of each finding into OUT/changes.json, beside the evidence and the reports.
    """
    from plumbline.assess.changes import compare
    from plumbline.assess.retest import retest_of
    from plumbline.assess.run import assess
    from plumbline.checks.registry import load_registry
    from plumbline.cli.assess import run_reports, wanted_formats
    from plumbline.cli.collect import now
    from plumbline.cli.summary import told_of_overlay
    from plumbline.collect.run import collect
    from plumbline.net.stop import state_folder
    from plumbline.rig.loading import load

    wanted, known, spoken = wanted_formats(formats), reference_folder(reference), known_language(language)
    readable_overlays(waivers, reviews)
    described = load(rig)
    bundle = unsealed_folder(out) / "bundle"
    if out.resolve() == old.resolve():
        raise InputError("is the audit that is looked at again", where=str(out), remedy="name another folder to write into")
    if bundle.exists():
        raise InputError("holds a bundle already", where=str(out), remedy="name another folder")
    plan = retest_of(old, described, load_registry(), now())
    if not plan.findings:
        raise InputError("has no finding, so there is nothing to look at again", where=str(old), remedy="audit the rig anew")
    narrowed = plan.narrowed(described)
    if not as_json:
        _print_plan(plan, narrowed)
    with progress() as show:
        ended = collect(
            narrowed, bundle, state=state_folder(), progress=show, now=now, wanted=plan.tables, narrowed=not plan.whole
        ).ended_early
        assessment = assess([bundle], out, reference=known, waivers=waivers, reviews=reviews, progress=show)
        changes = compare(old, out)
        changes.write(out)
        written = run_reports(out, out, wanted, show, language=spoken)
    code, why = exit_of_retest(assessment, changes, fail_on)
    if as_json:
        print_json(changes.to_json())
        return code
    _print_changes(changes)
    for line in told_of_overlay(assessment):
        say(line, style="yellow")
    for path in written[:1]:
        say(f"Report: {path}", whole=True)
    if ended:
        say(f"The collection ended early: {ended}", style="yellow")
    if why:
        say(f"Exit code {code.value}: {why}")
    return code


def trends(
    outs: Annotated[list[Path], typer.Argument(metavar="OUT...", help="Audits of one rig: what `assess` wrote.")],
    as_json: Json = False,
) -> None:
    """Follow the findings of one rig through many audits."""
    from plumbline.assess.trends import trend

    points = trend(outs)
    if as_json:
        print_json([point.to_json() for point in points])
        return
    _print_points(points)


def _came(changes: Changes, fail_on: Severity) -> int:
    from plumbline.assess.changes import CAME

    return changes.at_least(fail_on, CAME)


def _print_plan(plan: Retest, narrowed: Rig) -> None:
    where = plural(sum(network.addresses.count() for network in narrowed.networks), "address", "addresses")
    if narrowed.authorisation.hosts:
        where += f" and {plural(len(narrowed.authorisation.hosts), 'endpoint')} by name"
    if plan.everywhere:
        where = "the whole rig, as some checks need all of it"
    say(f"{plural(plan.findings, 'finding')} on {plural(plan.assets, 'asset')}; asked again: {where}.")
    if plan.unknown:
        say(f"Not judged again, as this release has no such check: {joined(plan.unknown)}.", style="yellow")


def _print_changes(changes: Changes) -> None:
    from plumbline.report.became import BECAME

    if changes.changes:
        rows = table("what became of it", "severity", "asset", "subject", "finding", "")
        for change in changes.changes[:SHOWN]:
            texts = change.asset_name, change.subject, change.title, _why(change)
            rows.add_row(BECAME[change.word], change.severity.value, *(Text(visible(text)) for text in texts))
        draw(rows)
        more = sum(changes.counts.values()) - min(SHOWN, len(changes.changes))
        say(f"... and {more:,} more: --json, or -o DIR\n" if more > 0 else "")
    counted = [f"{count:,} {BECAME[word]}" for word, count in changes.counts.items() if count]
    say(f"{joined(counted) or 'No finding in either audit'}.", style="bold")
    if changes.lost or changes.gained:
        say(f"Passes that are not judged now: {changes.lost:,}; not judged then, and pass now: {changes.gained:,}.")
    say(f"From {changes.old.as_of:%Y-%m-%d} to {changes.new.as_of:%Y-%m-%d}.")


def _why(change: Change) -> str:
    from plumbline.correlate.merging import IDENTIFIERS
    from plumbline.report.became import WHY
    from plumbline.report.words import REASONS, UNKNOWN_REASON

    word = change.why
    said = "" if word is None else WHY[word] if word in WHY else REASONS.get(word, UNKNOWN_REASON).means
    now = ""
    if change.by is not None and change.new_asset is not None:
        now = f"Now {change.new_asset}, known by its {IDENTIFIERS[change.by]}."
    elif change.new_subject not in (None, change.subject):
        now = f"Now at {change.new_subject}."
    return f"{said} {now}".strip()


def _print_points(points: tuple[Point, ...]) -> None:
    from plumbline.assess.changes import CLOSED, Became

    rows = table("as of", "found", "critical", "high", "new", "regressed", "closed", "waiting", "open for", "closed after")
    for column in rows.columns[1:]:
        column.justify = "right"
    for point in points:
        counts = point.counts
        came = "" if counts is None else f"{counts[Became.NEW] + counts[Became.NEWLY_JUDGED]:,}"
        again = "" if counts is None else f"{counts[Became.REGRESSED]:,}"
        closed = "" if counts is None else f"{sum(counts[word] for word in CLOSED):,}"
        severe = (f"{point.severities.get(severity, 0):,}" for severity in (Severity.CRITICAL, Severity.HIGH))
        rows.add_row(
            f"{point.as_of:%Y-%m-%d}",
            f"{point.findings:,}",
            *severe,
            came,
            again,
            closed,
            f"{point.waiting:,}",
            _days(point.open_days),
            _days(point.closed_days),
        )
    draw(rows)
    say("Waiting: found earlier and not judged since, which closes nothing. Days are medians.")


def _days(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} days"

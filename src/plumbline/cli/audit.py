"""`plumbline audit | collect | assess | report | stop`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from plumbline.assess.assessment import Assessment
from plumbline.assess.run import assess as assess_bundles
from plumbline.cli.exits import Exit
from plumbline.cli.output import print_json, progress, stdout
from plumbline.cli.summary import print_summary
from plumbline.collect.context import Progress
from plumbline.collect.run import Collection
from plumbline.collect.run import collect as collect_rig
from plumbline.model.errors import InputError
from plumbline.model.words import Severity
from plumbline.net.stop import request_stop, state_folder
from plumbline.report.loading import load as load_report
from plumbline.report.registry import formats, write
from plumbline.rig.loading import load

RigPath = Annotated[Path, typer.Argument(metavar="RIG", help="The rig file.")]
Out = Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="The folder to write.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
FailOn = Annotated[Severity, typer.Option(help="Exit 1 when a finding is at or above this severity.")]
Formats = Annotated[str, typer.Option("--format", metavar="FORMATS", help="Reports to write, separated by commas.")]
AsOf = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"], help="The date to judge at (UTC).")
]
Checks = Annotated[Path | None, typer.Option("--checks", metavar="DIR", help="A folder of your own checks, beside the shipped ones.")]
ALL_FORMATS = "html,json,csv"


def audit(path: RigPath, out: Out, fail_on: FailOn = Severity.HIGH, report_formats: Formats = ALL_FORMATS, as_json: Json = False) -> Exit:
    """Collect, assess and report: a whole audit into OUT, with its bundle in OUT/bundle."""
    wanted = _formats(report_formats)
    rig = load(path)
    with progress() as show:
        collection = collect_rig(rig, out / "bundle", state=state_folder(), progress=show, now=_now)
        assessment = assess_bundles([out / "bundle"], out, progress=show)
        run_reports(out, out, wanted, show)
    return _end(assessment, out, fail_on, as_json=as_json, collection=collection)


def collect(
    path: RigPath,
    out: Annotated[Path, typer.Option("--output", "-o", metavar="BUNDLE", help="The bundle to write.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a bundle that was ended early.")] = False,
    as_json: Json = False,
) -> Exit:
    """Collect evidence into a bundle."""
    rig = load(path)
    with progress() as show:
        found = collect_rig(rig, out, state=state_folder(), progress=show, now=_now, resume=resume)
    if as_json:
        print_json({"bundle": str(found.bundle), "hosts": found.hosts, "exchanges": found.exchanges, "ended_early": found.ended_early})
    else:
        stdout().print(f"{found.hosts} hosts, {found.exchanges} exchanges: {found.bundle}", markup=False)
        if found.ended_early:
            stdout().print(f"Ended early: {found.ended_early}. Go on with --resume.", style="yellow", markup=False)
    return Exit.INCOMPLETE if found.ended_early else Exit.OK


def assess(
    bundles: Annotated[list[Path], typer.Argument(metavar="BUNDLE...", help="Bundles of one rig.")],
    out: Out,
    as_of: AsOf = None,
    checks: Checks = None,
    fail_on: FailOn = Severity.HIGH,
    as_json: Json = False,
) -> Exit:
    """Judge bundles: the ledger and the assessment into OUT."""
    when = as_of.replace(tzinfo=UTC) if as_of else None
    with progress() as show:
        assessment = assess_bundles(bundles, out, as_of=when, checks_dir=checks, progress=show)
    return _end(assessment, out, fail_on, as_json=as_json)


def report(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="What `assess` wrote.")],
    report_formats: Formats = ALL_FORMATS,
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="Write there instead of into OUT.")] = None,
) -> None:
    """Write reports of an assessment."""
    with progress() as show:
        written = run_reports(out, to or out, _formats(report_formats), show)
    for path in written:
        stdout().print(str(path), markup=False, soft_wrap=True)


def stop(
    bundle: Annotated[Path | None, typer.Argument(metavar="BUNDLE", help="The collection to end; all of yours when left out.")] = None,
) -> None:
    """End a running collection cleanly; what it has collected stays."""
    asked = request_stop(bundle, state_folder())
    for run in asked:
        stdout().print(f"asked process {run.pid} to end: {run.bundle}", markup=False, soft_wrap=True)
    if not asked:
        stdout().print("No collection is running.")


def _now() -> datetime:
    return datetime.now(UTC)


def _formats(text: str) -> list[str]:
    wanted = [word.strip() for word in text.split(",") if word.strip()]
    known = formats()
    for word in wanted:
        if word not in known:
            raise InputError(f"no report format {word!r}", where="--format", remedy=f"choose from {', '.join(known)}")
    return wanted


def run_reports(out: Path, to: Path, wanted: list[str], show: Progress) -> list[Path]:
    """Write several formats from one reading of OUT."""
    show("writing reports", 0, len(wanted))
    view, written = load_report(out), list[Path]()
    for done, word in enumerate(wanted, start=1):
        written += write(word, out, to, report=view)
        show("writing reports", done, len(wanted))
    return written


def _end(assessment: Assessment, out: Path, fail_on: Severity, *, as_json: bool, collection: Collection | None = None) -> Exit:
    if as_json:
        print_json(assessment.to_json())
    else:
        print_summary(assessment, out)
    if any(finding.severity.rank >= fail_on.rank for finding in assessment.findings):
        return Exit.FINDING
    early = collection is not None and collection.ended_early
    return Exit.INCOMPLETE if early or assessment.unjudged_sources else Exit.OK

"""`plumbline audit | assess | report`."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plumbline.cli.collect import run_collection
from plumbline.cli.exits import Exit, exit_of
from plumbline.cli.later import not_yet
from plumbline.cli.options import (
    ALL_FORMATS,
    Baseline,
    Checks,
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
from plumbline.cli.output import ProgressCall, print_json, progress, say
from plumbline.cli.summary import print_summary
from plumbline.model.errors import InputError
from plumbline.model.words import Severity
from plumbline.report.text import plural

if TYPE_CHECKING:
    from plumbline.assess.assessment import Assessment

AsOf = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"],
        metavar="DATE",
        help="Judge as of this date or time, in UTC: 2026-11-21 or 2026-11-21T09:30:00. [default: the end of the collection]",
    ),
]


class Engine(StrEnum):
    """What runs the checks' SQL."""

    DUCKDB = "duckdb"
    SPARK = "spark"


def audit(
    rig: RigPath,
    out: Out,
    fail_on: FailOn = Severity.HIGH,
    formats: Formats = ALL_FORMATS,
    reference: ReferenceDir = None,
    waivers: Waivers = None,
    reviews: Reviews = None,
    baseline: Baseline = None,
    language: Language = "en",
    as_json: Json = False,
) -> Exit:
    """Collect, assess and report: a whole audit into OUT.

    The bundle goes into OUT/bundle. Ctrl-C, SIGTERM and `plumbline stop` end the collection cleanly; what was collected is judged.
    """
    wanted, known, spoken = wanted_formats(formats), reference_folder(reference), known_language(language)
    readable_overlays(waivers, reviews)
    if baseline is not None:
        _check_baseline(baseline, out, rig=rig)
    bundle = unsealed_folder(out) / "bundle"
    if bundle.exists() and not (bundle.is_dir() and not any(bundle.iterdir())):
        again = f"plumbline collect {rig} -o {bundle} --resume, then plumbline assess {bundle} -o {out}"
        raise InputError("holds a bundle already", where=str(out), remedy=f"name another folder; to go on with it: {again}")
    from plumbline.assess.run import assess as judge

    with progress() as show:
        ended = run_collection(rig, bundle, show).ended_early
        assessment = judge([bundle], out, reference=known, waivers=waivers, reviews=reviews, progress=show)
        written = run_reports(out, out, wanted, show, language=spoken)
    code = _end(assessment, out, fail_on, written, baseline, as_json=as_json)
    if ended and not as_json:
        again = f"plumbline collect {rig} -o {bundle} --resume && plumbline assess {bundle} -o {out}"
        say(f"To go on with the collection: {again}", style="yellow", whole=True)
    return code


def assess(
    bundles: Annotated[list[Path], typer.Argument(metavar="BUNDLE", help="Bundles of one rig: what `collect` wrote.")],
    out: Out,
    as_of: AsOf = None,
    checks: Checks = None,
    fail_on: FailOn = Severity.HIGH,
    as_json: Json = False,
    engine: Annotated[Engine, typer.Option(hidden=True)] = Engine.DUCKDB,
    reference: ReferenceDir = None,
    waivers: Waivers = None,
    reviews: Reviews = None,
    baseline: Baseline = None,
) -> Exit:
    """Judge bundles: the ledger and the assessment into OUT.

    Needs no network. Several bundles of one rig are judged as one.
    """
    if engine is Engine.SPARK:
        raise not_yet("--engine spark", "leave the option out")
    unsealed_folder(out)
    if baseline is not None:
        _check_baseline(baseline, out, bundle=bundles[0])
    moment, known = as_of.replace(tzinfo=UTC) if as_of else None, reference_folder(reference)

    from plumbline.assess.run import assess as judge

    with progress() as show:
        assessment = judge(bundles, out, as_of=moment, checks_dir=checks, reference=known, waivers=waivers, reviews=reviews, progress=show)
    return _end(assessment, out, fail_on, [], baseline, as_json=as_json)


def report(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="What `assess` wrote.")],
    formats: Formats = ALL_FORMATS,
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="Write there instead of into OUT.")] = None,
    waivers: Waivers = None,
    reviews: Reviews = None,
    language: Language = "en",
    as_json: Json = False,
) -> None:
    """Write reports of an assessment.

    Waivers and reviews that are given take the place of those that it was made with, in what is written; OUT stays as it is.
    """
    wanted, spoken = wanted_formats(formats), known_language(language)
    place = unsealed_folder(to or out, "--to")
    with progress() as show:
        written = run_reports(out, place, wanted, show, waivers=waivers, reviews=reviews, language=spoken)
    if as_json:
        print_json({"written": [str(path) for path in written]})
        return
    for path in written:
        say(str(path), whole=True)


def run_reports(
    out: Path,
    to: Path,
    wanted: list[str],
    show: ProgressCall,
    *,
    waivers: Path | None = None,
    reviews: Path | None = None,
    language: str = "en",
) -> list[Path]:
    """Write several formats from one reading of OUT; returns the files written."""
    from plumbline.report.loading import load
    from plumbline.report.registry import write

    show("writing reports", 0, len(wanted))
    view, written = load(out, waivers=waivers, reviews=reviews, language=language), list[Path]()
    for done, word in enumerate(wanted, start=1):
        written += write(word, out, to, report=view)
        show("writing reports", done, len(wanted))
    return written


def _check_baseline(baseline: Path, out: Path, *, rig: Path | None = None, bundle: Path | None = None) -> None:
    """Refuse a baseline of another rig before anything is collected or judged."""
    from plumbline.assess.baseline import check_baseline
    from plumbline.evidence.bundle import Bundle
    from plumbline.rig.loading import load

    named = load(rig).id if rig is not None else Bundle(bundle).manifest.get("rig", {}).get("id") if bundle is not None else None
    check_baseline(baseline, out, named)


def wanted_formats(text: str) -> list[str]:
    """Read the words of --format; raises InputError for one that is no format."""
    from plumbline.report.registry import formats

    wanted = [word.strip() for word in text.split(",") if word.strip()]
    choose = f"choose from {', '.join(formats())}"
    for word in wanted:
        if word not in formats():
            raise InputError(f"no report format {word!r}", where="--format", remedy=choose)
    if not wanted:
        raise InputError("names no format", where="--format", remedy=choose)
    return wanted


def _end(assessment: Assessment, out: Path, fail_on: Severity, written: list[Path], baseline: Path | None, *, as_json: bool) -> Exit:
    from plumbline.assess.baseline import beyond

    more = beyond(baseline, out, assessment) if baseline is not None else None
    code, why = exit_of(assessment, fail_on, more)
    if as_json:
        print_json({**assessment.to_json(), **({"baseline": more.to_json()} if more is not None else {})})
        return code
    print_summary(assessment, out, written)
    if older := _older_reports(out, written):
        again = f"plumbline report {out} --format {','.join(older)}"
        say(f"The reports in {out} are of an earlier assessment; to write them anew: {again}", style="yellow", whole=True)
    if more is not None:
        baseline_of = f"Beyond the baseline of {more.baseline_as_of:%Y-%m-%d %H:%M} UTC"
        say(f"{baseline_of}: {plural(more.added, 'finding')}; it has {more.known:,} already.")
    if why:
        say(f"Exit code {code.value}: {why}")
    return code


def _older_reports(out: Path, written: list[Path]) -> list[str]:
    """Give the formats of which OUT holds files that tell of another assessment than the one that was just made."""
    from plumbline.report.registry import formats

    new = {path.name for path in written}
    return [name for name, unit in formats().items() if any((out / file).exists() for file in unit.files if file not in new)]

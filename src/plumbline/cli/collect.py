"""`plumbline collect | stop`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plumbline.cli.exits import Exit
from plumbline.cli.options import Json, RigPath, unsealed_folder
from plumbline.cli.output import ProgressCall, print_json, progress, say
from plumbline.report.text import plural

if TYPE_CHECKING:
    from plumbline.collect.run import Collection


def collect(
    rig: RigPath,
    bundle: Annotated[Path, typer.Option("--output", "-o", metavar="BUNDLE", help="The bundle to write: a new folder.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a bundle whose collection ended early.")] = False,
    as_json: Json = False,
) -> Exit:
    """Collect evidence into a bundle, and judge nothing.

    Ctrl-C, SIGTERM and `plumbline stop` end it cleanly: what was collected stays, and --resume goes on from there.
    """
    unsealed_folder(bundle)
    with progress() as show:
        found = run_collection(rig, bundle, show, resume=resume)
    if as_json:
        print_json({"bundle": str(found.bundle), "hosts": found.hosts, "exchanges": found.exchanges, "ended_early": found.ended_early})
    else:
        say(f"{plural(found.hosts, 'host')} answered in {plural(found.exchanges, 'exchange')}. Bundle: {found.bundle}", whole=True)
        if found.ended_early:
            say(f"Ended early: {found.ended_early}. To go on: plumbline collect {rig} -o {bundle} --resume", style="yellow", whole=True)
    return Exit.INCOMPLETE if found.ended_early else Exit.OK


def stop(
    bundle: Annotated[Path | None, typer.Argument(metavar="BUNDLE", help="The collection to end; all of yours when left out.")] = None,
    as_json: Json = False,
) -> None:
    """End a running collection cleanly; what it has collected stays."""
    from plumbline.net.stop import request_stop, state_folder

    asked = request_stop(bundle, state_folder())
    if as_json:
        print_json([{"pid": run.pid, "bundle": str(run.bundle)} for run in asked])
        return
    for run in asked:
        say(f"Asked process {run.pid} to end: {run.bundle}", whole=True)
    if not asked:
        say("No collection of yours is running.")


def run_collection(path: Path, bundle: Path, show: ProgressCall, *, resume: bool = False) -> Collection:
    """Load a rig file and collect it into a bundle; raises what both raise."""
    from plumbline.collect.run import collect as collect_rig
    from plumbline.net.stop import state_folder
    from plumbline.rig.loading import load

    return collect_rig(load(path), bundle, state=state_folder(), progress=show, now=now, resume=resume)


def now() -> datetime:
    """Read the clock, in UTC."""
    return datetime.now(UTC)

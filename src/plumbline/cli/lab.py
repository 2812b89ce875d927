"""`plumbline demo` and `plumbline lab up | truth`."""

from __future__ import annotations

import difflib
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plumbline.cli.assess import run_reports
from plumbline.cli.collect import now
from plumbline.cli.exits import Exit, exit_of
from plumbline.cli.options import ALL_FORMATS, Json, writable_folder
from plumbline.cli.output import draw, print_json, progress, say, table
from plumbline.cli.summary import print_summary
from plumbline.model.errors import InputError
from plumbline.model.words import Severity

if TYPE_CHECKING:
    from plumbline.lab.lab import Lab
    from plumbline.lab.switches import Switches
    from plumbline.lab.truth import Difference

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

BASE = "127.20"
DIFFERENCES_SHOWN = 20
Safe = Annotated[
    list[str] | None, typer.Option("--safe", metavar="SWITCH", help="Move this switch to safe; may be repeated; 'all' moves every one.")
]
Base = Annotated[str, typer.Option(metavar="BASE", help="The first two octets of the lab's addresses, in 127.0.0.0/8.")]


def demo(
    out: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="The folder to write.")] = Path("demo-out"),
    base: Base = BASE,
    as_json: Json = False,
) -> Exit:
    """Start the lab, audit it, and hold the result against the truth.

    Everything stays on loopback. Writes the reports, OUT/bundle and OUT/rig, with the lab's own catalogue and advisories. Ends with 0
    when every verdict is what the lab's truth demands, and with 1 when one is not.
    """
    from plumbline.assess.run import assess
    from plumbline.collect.run import collect
    from plumbline.lab.reference import write as write_reference
    from plumbline.lab.rigfile import write as write_rig
    from plumbline.lab.truth import differences, truth
    from plumbline.rig.loading import load

    if (writable_folder(out) / "bundle").exists():
        raise InputError("holds a bundle already", where=str(out), remedy="name another folder with -o, or remove this one")
    _leave_alone(out / "rig")
    with progress() as show:
        show("starting the lab", 0, None)
        # The login budget of a real rig lasts 24 hours; the lab is another rig each time, so its state is thrown away with it.
        with tempfile.TemporaryDirectory(prefix="plumbline-lab-") as state, _running(None, base) as lab:
            rig = load(write_rig(lab.fleet, out / "rig"))
            ended = collect(rig, out / "bundle", state=Path(state), progress=show, now=now).ended_early
        show("importing what the lab's vendor publishes", 0, None)
        reference = write_reference(lab.fleet.at, out / "rig")
        assessment = assess([out / "bundle"], out, reference=reference, progress=show)
        written = run_reports(out, out, ALL_FORMATS.split(","), show)
    wrong = differences(truth(lab.fleet), out / "ledger.parquet")
    worst, why = exit_of(assessment, Severity.CRITICAL)
    if as_json:
        print_json({**assessment.to_json(), "differences_from_truth": [str(one) for one in wrong]})
    else:
        print_summary(assessment, out, written)
        if ended:
            say("What ended early is not held against the lab's truth.", style="yellow")
        else:
            _print_differences(wrong, assessment.ledger_rows)
        if worst is Exit.INTERNAL:
            say(f"Exit code {worst.value}: {why}")
    if worst is Exit.INTERNAL:
        return worst
    return Exit.INCOMPLETE if ended else Exit.FINDING if wrong else Exit.OK


@app.command()
def up(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write the rig file and the files that belong to it.")] = Path(
        "lab-rig"
    ),
    safe: Safe = None,
    base: Base = BASE,
    as_json: Json = False,
) -> None:
    """Start the lab and keep it up until Ctrl-C.

    Writes FOLDER/rig.toml, so that you can audit it from another terminal as if it were yours, and FOLDER/reference, what its vendor
    publishes, imported.
    """
    from plumbline.lab.reference import write as write_reference
    from plumbline.lab.rigfile import write as write_rig

    _leave_alone(writable_folder(folder, "FOLDER"))
    over = threading.Event()
    with _running(_switches(safe), base) as lab:
        path, reference = write_rig(lab.fleet, folder), write_reference(lab.fleet.at, folder)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: over.set())
        if as_json:
            print_json({"rig": str(path), "reference": str(reference), "base": base, "devices": len(lab.devices)})
        else:
            command = f"plumbline audit {path} -o lab-out --reference {reference}"
            say(f"The lab is up. In another terminal: {command}\nCtrl-C ends it.", whole=True)
        over.wait()


@app.command("truth")
def show_truth(safe: Safe = None, base: Base = BASE, as_json: Json = False) -> None:
    """Print every verdict that a right audit of the lab must give."""
    from plumbline.lab.fleet import fleet
    from plumbline.lab.truth import truth

    switches = _switches(safe)
    with _sound(base):
        described = fleet(switches, now(), base)
    rows = [
        {"check": check, "asset": asset, "subject": subject, "verdict": one.verdict.value, "reason": one.reason}
        for (check, asset, subject), one in sorted(truth(described).items())
    ]
    if as_json:
        print_json(rows)
        return
    listed = table("verdict", "reason", "check", "asset", "subject")
    for row in rows:
        listed.add_row(row["verdict"], row["reason"] or "", row["check"], row["asset"], row["subject"])
    draw(listed, whole=True)


@contextmanager
def _running(switches: Switches | None, base: str) -> Iterator[Lab]:
    from plumbline.lab.lab import running

    with _sound(base), running(switches, at=now(), base=base) as lab:
        yield lab


@contextmanager
def _sound(base: str) -> Iterator[None]:
    """Say what the caller can mend: a base outside loopback, servers that are not installed."""
    from plumbline.lab.fleet import fleet
    from plumbline.lab.switches import Switches

    try:
        fleet(Switches(), now(), base)
    except ValueError as error:
        raise InputError(str(error), where="--base") from error
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("plumbline"):
            raise
        raise InputError(
            f"the lab's servers need {error.name}, which is not installed", remedy="install plumbline with its extra 'lab'"
        ) from error


def _switches(safe: list[str] | None) -> Switches:
    from plumbline.lab.switches import SWITCHES, Switches

    if safe and "all" in safe:
        return Switches.safe()
    for name in safe or ():
        if name not in SWITCHES:
            near = difflib.get_close_matches(name, SWITCHES, n=3, cutoff=0.4)
            remedy = f"did you mean {' or '.join(near)}?" if near else "a switch is <place>.<bad state>, such as camera.telnet_open"
            raise InputError(f"no switch {name!r}", where="--safe", remedy=remedy)
    return Switches(frozenset(safe or ()))


def _leave_alone(folder: Path) -> None:
    """Raise InputError when the folder holds a rig file that is not the lab's: the lab writes over its own only."""
    from plumbline.lab.rigfile import RIG_ID

    path = folder / "rig.toml"
    if path.exists() and f'id = "{RIG_ID}"' not in path.read_text(encoding="utf-8", errors="replace"):
        raise InputError("is a rig file of yours", where=str(path), remedy="name another folder; the lab writes its own rig.toml")


def _print_differences(wrong: list[Difference], rows: int) -> None:
    if not wrong:
        say(f"All {rows:,} verdicts are what the lab's truth demands.", style="green")
        return
    say(f"{len(wrong):,} of {rows:,} verdicts differ from the lab's truth:", style="red")
    for one in wrong[:DIFFERENCES_SHOWN]:
        say(f"  {one}", whole=True)
    if len(wrong) > DIFFERENCES_SHOWN:
        say(f"  and {len(wrong) - DIFFERENCES_SHOWN:,} more")

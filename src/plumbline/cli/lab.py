"""`plumbline demo` and `plumbline lab up | truth`."""

from __future__ import annotations

import signal
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from plumbline.assess.run import assess
from plumbline.cli.audit import ALL_FORMATS, run_reports
from plumbline.cli.exits import Exit
from plumbline.cli.output import print_json, progress, stdout
from plumbline.cli.summary import print_summary
from plumbline.collect.run import collect
from plumbline.lab.fleet import BASE, fleet
from plumbline.lab.lab import running
from plumbline.lab.rigfile import write as write_rig
from plumbline.lab.switches import Switches
from plumbline.lab.truth import Difference, differences, truth
from plumbline.model.errors import InputError
from plumbline.rig.loading import load

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Safe = Annotated[
    list[str] | None, typer.Option("--safe", metavar="SWITCH", help="Move this switch to safe; may be repeated; 'all' moves every one.")
]
Base = Annotated[str, typer.Option(help="The first two octets of the lab's addresses, in 127.0.0.0/8.")]


def demo(
    out: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="The folder to write.")] = Path("demo-out"),
    base: Base = BASE,
    as_json: Json = False,
) -> Exit:
    """Start the lab, audit it, write the reports, and hold the ledger against the lab's truth."""
    if (out / "bundle").exists():
        raise InputError("holds a bundle already", where=str(out), remedy="name another folder, or remove this one")
    at = datetime.now(UTC)
    with progress() as show:
        show("starting the lab", 0, None)
        # The login budget of a real rig lasts 24 hours; the lab is another rig each time, so its state is thrown away with it.
        with tempfile.TemporaryDirectory(prefix="plumbline-lab-") as state, running(at=at, base=base) as lab:
            rig = load(write_rig(lab.fleet, out / "rig"))
            collect(rig, out / "bundle", state=Path(state), progress=show, now=lambda: datetime.now(UTC))
        assessment = assess([out / "bundle"], out, progress=show)
        run_reports(out, out, ALL_FORMATS.split(","), show)
    wrong = differences(truth(lab.fleet), out / "ledger.parquet")
    if as_json:
        print_json({**assessment.to_json(), "differences_from_truth": [str(one) for one in wrong]})
    else:
        print_summary(assessment, out)
        _print_differences(wrong, assessment.ledger_rows)
    return Exit.FINDING if wrong else Exit.OK


@app.command()
def up(
    folder: Annotated[Path, typer.Argument(help="Where to write the rig file and the files that belong to the rig.")] = Path("lab-rig"),
    safe: Safe = None,
    base: Base = BASE,
) -> None:
    """Start the lab and keep it up until Ctrl-C; audit it from another terminal."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with running(_switches(safe), at=datetime.now(UTC), base=base) as lab:
        path = write_rig(lab.fleet, folder)
        stdout().print(f"The lab is up. In another terminal: plumbline audit {path} -o lab-out\nCtrl-C ends it.", markup=False)
        over.wait()


@app.command("truth")
def show_truth(safe: Safe = None, base: Base = BASE, as_json: Json = False) -> None:
    """Print every verdict that a right audit of the lab must give."""
    expected = truth(fleet(_switches(safe), datetime.now(UTC), base))
    rows = [
        {"check": check, "asset": asset, "subject": subject, "verdict": one.verdict.value, "reason": one.reason}
        for (check, asset, subject), one in sorted(expected.items())
    ]
    if as_json:
        print_json(rows)
        return
    table = Table("check", "asset", "subject", "verdict", "reason", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(value or "" for value in row.values()))
    stdout().print(table)


def _switches(safe: list[str] | None) -> Switches:
    if safe and "all" in safe:
        return Switches.safe()
    try:
        return Switches(frozenset(safe or ()))
    except KeyError as error:
        raise InputError(str(error.args[0]), where="--safe") from error


def _print_differences(wrong: list[Difference], rows: int) -> None:
    if not wrong:
        stdout().print(f"All {rows:,} verdicts are what the lab's truth demands.", style="green")
        return
    stdout().print(f"{len(wrong):,} of {rows:,} verdicts differ from the lab's truth:", style="red")
    for one in wrong[:20]:
        stdout().print(f"  {one}", markup=False, soft_wrap=True)

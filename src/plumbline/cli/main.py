"""The `plumbline` command and its groups; each group is a module of this package."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from plumbline import __version__
from plumbline.cli import audit, checks, lab, rig
from plumbline.cli.exits import guarded

app = typer.Typer(
    name="plumbline",
    help="Audit an entire IoT rig from the ground up, and show what was proven, what is wrong and what could not be judged.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(rig.app, name="rig", help="Write, check and sign a rig file.")
app.add_typer(checks.app, name="checks", help="List, show and test the checks.")
app.add_typer(lab.app, name="lab", help="The simulated rig on loopback.")
app.command()(lab.demo)
app.command()(audit.audit)
app.command()(audit.collect)
app.command()(audit.assess)
app.command()(audit.report)
app.command()(audit.stop)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"plumbline {__version__}")
        raise typer.Exit


@app.callback()
def _main(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False) -> None:
    """Options of the command itself."""


def run() -> None:
    """Entry point of the installed script."""
    sys.exit(guarded(lambda: app(standalone_mode=False)))

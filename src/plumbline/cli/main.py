"""The `plumbline` command and its groups; each group is a module of this package.

Rule: modules of this package import what judges, collects or runs the lab inside their commands. Loading all of it takes a second, which
`--help`, a wrong option or `rig check` should not wait for.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from plumbline import __version__
from plumbline.cli import (
    assess,
    catalogue,
    changes,
    checks,
    collect,
    custody,
    declare,
    feeds,
    hostkit,
    lab,
    later,
    rig,
    seal,
    standards,
    updates,
    verify,
)
from plumbline.cli.exits import Exit, guarded


def _leave(code: object, **_options: object) -> None:
    """What a command returns is the exit code; None is 0."""
    raise typer.Exit(code if isinstance(code, int) else Exit.OK)


app = typer.Typer(
    name="plumbline",
    help="Audit an entire IoT rig from the ground up: what is here, what is wrong, what was proven right and what could not be judged.",
    epilog="Exit codes: 0; 1 a finding at or above --fail-on; 2 wrong input; 3 ended early, or a source went unjudged; 4 a defect of ours.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
    result_callback=_leave,
)
app.command()(lab.demo)
app.add_typer(rig.app, name="rig", help="Write, check and sign a rig file.")
app.command()(assess.audit)
app.command()(collect.collect)
app.command()(collect.stop)
app.command()(hostkit.hostkit)
app.command()(assess.assess)
app.command()(assess.report)
app.command()(seal.seal)
app.command()(verify.verify)
app.command()(custody.disclose)
app.command()(custody.unseal)
app.command()(custody.destroy)
app.command()(changes.diff)
app.command()(changes.retest)
app.command()(changes.trends)
app.add_typer(checks.app, name="checks", help="List, show and test the checks.")
app.add_typer(standards.app, name="standards", help="List standards and profiles; show how each provision is tested.")
app.add_typer(declare.app, name="declare", help="Write the questions that a rig leaves open, to be answered.")
app.add_typer(catalogue.app, name="catalogue", help="Device models: import, search, show releases and support.")
app.add_typer(feeds.app, name="feeds", help="Import feeds of vulnerabilities, and show how old they are.")
app.add_typer(updates.app, name="updates", help="Say which devices are up to date, plan updates and verify them.")
app.add_typer(lab.app, name="lab", help="The simulated rig on loopback: start it, or print its truth.")
later.add_commands(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"plumbline {__version__}")
        raise typer.Exit


@app.callback()
def _main(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False) -> None:
    """Options of the command itself."""


def run() -> None:
    """Entry point of the installed script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what a terminal's encoding lacks must not end an audit
    sys.exit(guarded(app))

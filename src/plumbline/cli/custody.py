"""`plumbline disclose`: what of a sealed assessment is shown to others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli.options import Json
from plumbline.cli.output import print_json, say
from plumbline.cli.seal import Bundles
from plumbline.report.text import joined, plural

Without = Annotated[
    list[str] | None,
    typer.Option("--without", metavar="FIELD", help="Withhold a field, or all that tell `asset` or `rig`; may be given again."),
]


def disclose(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A sealed assessment of yours.")],
    findings: Annotated[list[str], typer.Argument(metavar="FINDING", help="Findings to show: check|asset|subject.")],
    to: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")],
    without: Without = None,
    bundles: Bundles = None,
    as_json: Json = False,
) -> None:
    """Show single findings to others, and nothing of the rest.

    Writes them with their evidence into one file, which `plumbline verify FILE` proves to be of the sealed assessment. Read it first.
    """
    from plumbline.attest.disclosure import disclose as show

    made = show(out, findings, to, without=without or (), bundles=bundles or ())
    if as_json:
        print_json({"disclosure": str(made.path), "rows": made.rows, "fields": made.fields})
        return
    say(f"Wrote {made.path}: {plural(made.rows, 'row')}. Read it before you hand it over; withhold more with --without.", whole=True)
    say(f"It tells {joined(made.fields)}.")

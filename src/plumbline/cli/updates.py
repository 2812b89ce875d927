"""`plumbline updates status`: whether each device runs the newest firmware that is fit to run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from plumbline.cli.options import Json
from plumbline.cli.output import draw, print_json, say, table
from plumbline.model.errors import InputError
from plumbline.report.text import clip, day, number, plural, visible

if TYPE_CHECKING:
    from plumbline.updates.reading import Device, Standings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

DEVICES_SHOWN = 200  # --json has all
_STYLES = {"retracted": "red", "vulnerable": "red", "unsupported": "yellow", "behind": "yellow", "unknown": "dim", "current": "green"}
Assessed = Annotated[Path, typer.Argument(metavar="OUT", help="What `assess` or `audit` wrote.")]


@app.command()
def status(out: Assessed, as_json: Json = False) -> None:
    """List the devices by what is to be said of their firmware, the worst first.

    States are those of the assessment; nothing is judged anew.
    """
    found = standings(out)
    if as_json:
        print_json(_document(found))
        return
    if not found.derived:
        say("Nothing can be said: the assessment used no catalogue of products and releases.")
        say("Import one with `plumbline catalogue import`, then assess again.")
        return
    listed = table("device", "state", "runs", "newest", "what is to be said")
    for one in found.devices[:DEVICES_SHOWN]:
        listed.add_row(*_cells(one))
    draw(listed)
    if len(found.devices) > DEVICES_SHOWN:
        say(f"and {number(len(found.devices) - DEVICES_SHOWN)} more; --json has all", style="dim")
    say()
    counted = ", ".join(f"{number(count)} {state}" for state, count in found.counts().items() if count)
    say(f"{plural(len(found.devices), 'device')}{': ' if counted else ''}{counted}, as of {day(found.as_of)}")


def standings(out: Path) -> Standings:
    """Read OUT; raises InputError when it holds no assessment, or one of another form."""
    from plumbline.assess.assessment import read_json
    from plumbline.evidence.derived import DerivedParts
    from plumbline.updates.reading import read

    said = read_json(out)
    try:
        return read(DerivedParts(out / "derived"), said)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"not of the form that this release reads ({error!r})", where=str(out), remedy="assess the bundle again with this release"
        ) from error


def _cells(one: Device) -> list[Text]:
    standing = one.standing
    said = standing.words + ("" if not standing.conflict else f"; {standing.conflict_words}")
    state = Text(standing.state, _STYLES[standing.state])
    runs, newest = (Text(visible(clip(word or "", 40))) for word in (standing.installed, standing.latest))
    return [Text(visible(clip(one.name, 60))), state, runs, newest, Text(visible(clip(said)))]


def _document(found: Standings) -> dict[str, Any]:
    devices = [
        {
            "asset": one.asset,
            "name": one.name,
            "criticality": one.criticality,
            **asdict(one.standing),
            "steps": [asdict(step) for step in one.steps],
            "claims": [asdict(claim) for claim in one.claims],
        }
        for one in found.devices
    ]
    return {"derived": found.derived, "as_of": found.as_of, "counts": found.counts(), "devices": devices}

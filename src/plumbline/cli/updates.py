"""`plumbline updates status | plan | verify`: which devices are up to date, in which order the others get there, and whether they did."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from plumbline.cli.exits import Exit
from plumbline.cli.options import Json, unsealed_folder
from plumbline.cli.output import draw, print_json, say, table
from plumbline.model.errors import EnvironmentFault, InputError, ProtocolError
from plumbline.report.text import clip, day, number, plural, visible

if TYPE_CHECKING:
    from plumbline.updates.judging import State
    from plumbline.updates.reading import Device, Standings
    from plumbline.updates.verifying import Closing

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

DEVICES_SHOWN = 200  # --json has all
PLAN_SIZE_MAX = 256 << 20  # bytes; a plan of a hundred thousand devices fits
_STYLES = {"retracted": "red", "vulnerable": "red", "unsupported": "yellow", "behind": "yellow", "unknown": "dim", "current": "green"}
Assessed = Annotated[Path, typer.Argument(metavar="OUT", help="What `assess` or `audit` wrote.")]


@app.command()
def status(out: Assessed, as_json: Json = False) -> None:
    """List devices by the state of their firmware, the worst first.

    States are those of the assessment; nothing is judged anew.
    """
    _, found = _assessed(out)
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
    said = [plural(len(found.devices), "device"), _counted(found.counts())]
    say(f"{': '.join(filter(None, said))}, as of {day(found.as_of)}")
    if found.fleet:
        say(f"{plural(sum(found.fleet.values()), 'device')} that only a hub knows: {_counted(found.fleet)}")
    for words in found.bounds:
        say(words)


def _counted(counts: Mapping[State, int]) -> str:
    return ", ".join(f"{number(count)} {state}" for state, count in counts.items() if count)


@app.command()
def plan(
    out: Assessed,
    to: Annotated[Path | None, typer.Option("--output", "-o", metavar="DIR", help="The folder to write. [default: OUT/updates]")] = None,
    wave_size: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="Devices of a wave at most.")] = 50,
    start: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], metavar="DATE", help="Begin then, in UTC. [default: now]"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Propose which device gets which release, and when.

    Writes plan.json, plan.txt, and what Device Update and hawkBit take. Nothing is sent anywhere: installing is for those who may.
    """
    from plumbline.cli.update_plans import lines, title
    from plumbline.updates.exports import exports
    from plumbline.updates.planning import plan as propose
    from plumbline.updates.setting import setting
    from plumbline.updates.verifying import FORMAT

    folder = unsealed_folder(to or out / "updates")
    said, found = _assessed(out)
    if not found.derived:
        raise InputError("the assessment used no catalogue", where=str(out), remedy="see `plumbline catalogue import`, then assess again")
    moment = start.replace(tzinfo=UTC) if start else datetime.now(UTC)
    proposed = propose(found, setting(out, said, wave_size), moment)
    document = {"format": FORMAT, **asdict(proposed)}
    _write(folder / "plan.json", _json(document))
    _write(folder / "plan.txt", "\n".join(lines(proposed)) + "\n")
    written = list(exports(proposed))
    _forget(folder)
    for export in written:
        _write(folder / export.path, _json(export.document))
    if as_json:
        print_json(json.loads(_json(document)))
        return
    for wave in proposed.waves:
        say(title(wave))
    units = sum(len(wave.units) for wave in proposed.waves)
    say(f"{plural(units, 'device')} in {plural(len(proposed.waves), 'wave')}; {plural(len(proposed.left), 'device')} in none")
    for note in proposed.notes:
        say(note, style="yellow")
    say(
        f"Written: {folder / 'plan.txt'}, plan.json" + (f" and {plural(len(written), 'file')} for update services" if written else ""),
        whole=True,
    )


@app.command()
def verify(
    planned: Annotated[Path, typer.Argument(metavar="PLAN", help="plan.json, or the folder that holds it.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A later assessment of the rig.")],
    as_json: Json = False,
) -> Exit:
    """Say which devices of a plan were seen to run their target.

    Only what does not depend on the word of the device or of its update service closes an update. Ends with 1 when a device runs something
    else, with 3 when something is not verified yet.
    """
    from plumbline.updates.verifying import Outcome, promised
    from plumbline.updates.verifying import verify as close

    made_at, units = promised(_read(planned / "plan.json" if planned.is_dir() else planned))
    _, found = _assessed(out)
    closings = close(units, made_at, found.devices)
    counts = {outcome: sum(one.outcome is outcome for one in closings) for outcome in Outcome}
    if as_json:
        print_json({"made_at": made_at, "as_of": found.as_of, "counts": counts, "devices": [_closed(one) for one in closings]})
    else:
        _print_closings(closings)
        said = ", ".join(f"{number(count)} {outcome.replace('_', ' ')}" for outcome, count in counts.items() if count)
        say(f"{plural(len(closings), 'device')}: {said}" if closings else "The plan holds no device.")
    if counts[Outcome.NOT_DONE] or counts[Outcome.CONTRADICTED]:
        return Exit.FINDING
    return Exit.OK if counts[Outcome.VERIFIED] == len(closings) else Exit.INCOMPLETE


def _closed(one: Closing) -> dict[str, Any]:
    wanted = one.promised
    named = {"wave": wanted.wave, "asset": wanted.asset, "name": wanted.name, "target": wanted.target}
    return {**named, "outcome": one.outcome, "words": one.words}


def _print_closings(closings: tuple[Closing, ...]) -> None:
    styles = {"verified": "green", "contradicted": "red", "not_done": "red"}
    listed = table("wave", "device", "target", "outcome", "what was observed")
    for one in sorted(closings, key=lambda one: (one.promised.wave, one.promised.name))[:DEVICES_SHOWN]:
        wanted = one.promised
        listed.add_row(
            str(wanted.wave),
            Text(visible(clip(wanted.name, 60))),
            Text(visible(clip(wanted.target, 40))),
            Text(one.outcome.replace("_", " "), styles.get(one.outcome, "yellow")),
            Text(visible(clip(one.words))),
        )
    draw(listed)
    if len(closings) > DEVICES_SHOWN:
        say(f"and {number(len(closings) - DEVICES_SHOWN)} more; --json has all", style="dim")
    say()


def _read(path: Path) -> Any:
    from plumbline.protocols.strict_json import parse

    remedy = "name what `plumbline updates plan` wrote"
    try:
        with path.open("rb") as file:
            data = file.read(PLAN_SIZE_MAX + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), remedy=remedy) from error
    if len(data) > PLAN_SIZE_MAX:
        raise InputError(f"is larger than {PLAN_SIZE_MAX >> 20} MB", where=str(path), remedy=remedy)
    try:
        return parse(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 at byte {error.start}", where=str(path), remedy=remedy) from error
    except ProtocolError as error:
        raise InputError(str(error), where=str(path), remedy=remedy) from error


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
    except OSError as error:
        raise EnvironmentFault(f"cannot write {path}: {error.strerror or error}") from error


def _forget(folder: Path) -> None:
    """Take away the exports of an earlier plan, which somebody might send along with those of this one."""
    from plumbline.updates.exports import FOLDERS

    try:
        for old in sorted(path for name in FOLDERS for path in (folder / name).glob("wave-*.json")):
            old.unlink()
    except OSError as error:
        raise EnvironmentFault(f"cannot take away the exports of an earlier plan: {error}") from error


def _json(document: Mapping[str, Any]) -> str:
    def plain(value: Any) -> str:
        return value.isoformat() if isinstance(value, datetime) else str(value)

    return json.dumps(document, indent=1, ensure_ascii=False, default=plain) + "\n"


def _assessed(out: Path) -> tuple[dict[str, Any], Standings]:
    """Read OUT; raises InputError when it holds no assessment, or one of another form."""
    from plumbline.assess.assessment import read_json
    from plumbline.evidence.derived import DerivedParts
    from plumbline.updates.reading import read

    said = read_json(out)
    try:
        return said, read(DerivedParts(out / "derived"), said)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"not of the form that this release reads ({error!r})", where=str(out), remedy="assess the bundle again with this release"
        ) from error


def _cells(one: Device) -> list[Text]:
    standing = one.standing
    said = standing.words
    if standing.conflict and standing.conflict_words and standing.conflict_words not in said:
        said += f"; {standing.conflict_words}"
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
    counts = {"counts": found.counts(), "fleet": found.fleet, "populations": found.bounds}
    return {"derived": found.derived, "as_of": found.as_of, **counts, "devices": devices}

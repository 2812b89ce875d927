"""`plumbline declare init | check`: the questions that a rig leaves open, as a sheet to fill in; and what of filled-in sheets counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plumbline.cli.collect import now
from plumbline.cli.exits import Exit
from plumbline.cli.new_files import write_new
from plumbline.cli.options import Json, RigPath
from plumbline.cli.output import print_json, say
from plumbline.report.text import plural

if TYPE_CHECKING:
    from plumbline.collect.by_hand import Form
    from plumbline.rig.models import Rig

DEFAULT_STANDARD = "etsi-en-303-645"
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

SheetFile = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it. [default: beside the rig file]")]
Standards = Annotated[
    list[str] | None,
    typer.Option("--standard", metavar="ID", help="A standard or profile; may be repeated. [default: the rig file's]"),
]
ByHand = Annotated[bool, typer.Option("--manual", help="Write the tests by hand that remain, instead of the questions.")]
After = Annotated[Path | None, typer.Option("--after", metavar="OUT", help="Leave out what this assessment has settled.")]


@app.command()
def init(
    rig: RigPath, path: SheetFile = None, standards: Standards = None, by_hand: ByHand = False, after: After = None, as_json: Json = False
) -> None:
    """Write the questions to the owner that this rig leaves open.

    Once for the rig, for each model, or for an asset without one; the standard with the fewest first. Answers count once [[declaration]]
    (with --manual: [[manual]]) of the rig file names the sheet. Never overwrites a file.
    """
    from plumbline.assess.open_questions import Sheet, open_questions
    from plumbline.assess.question_sheets import write_sheet
    from plumbline.checks.registry import load_registry
    from plumbline.rig.loading import load
    from plumbline.standards.profiles import find_profile

    loaded, sheet, moment = load(rig), Sheet.MANUAL if by_hand else Sheet.DECLARATION, now()
    names = list(dict.fromkeys(standards or loaded.standards or [DEFAULT_STANDARD]))
    found = open_questions(sheet, loaded, [find_profile(name) for name in names], load_registry(), moment, after)
    written = write_sheet(sheet, loaded, found, moment)
    target = path or rig.absolute().parent / ("manual.toml" if by_hand else "declarations.toml")
    if written.questions:
        write_new(target, written.text, "name another file with -o; answers are never overwritten")
    counts = {name: len(questions) for name, questions in found.standards.items()}
    left = {str(why): count for why, count in found.left.items()}
    if as_json:
        file = str(target) if written.questions else None
        print_json({"file": file, "open": found.count, "written": written.questions, "standards": counts, "left_out": left})
        return
    for name, count in counts.items():
        say(f"{name}: {plural(count, 'open question')}")
    for why, count in left.items():
        say(f"Left out, as {why}: {plural(count, 'provision')}")
    if written.over:
        say(f"{plural(written.over, 'question')} did not fit; answer these, name the sheet, and run this again.", style="yellow")
    if written.questions:
        say(f"Wrote {target}. Fill it in, and name it in [[{sheet}]] of {rig.name}.", whole=True)
    else:
        say(f"Nothing is open in {', '.join(names)}; no file was written.")


@app.command()
def check(rig: RigPath, as_json: Json = False) -> Exit:
    """Say what of the filled-in sheets would count.

    And why the rest would not. Reads what [[manual]] and [[declaration]] of the rig file name, as an audit does. Ends with 2 when an
    entry would not count.
    """
    from plumbline.rig.loading import load

    loaded = load(rig)
    found = list(_looked_at(loaded))
    if as_json:
        print_json([{**asdict(one), "path": str(one.path)} for one in found])
    elif not found:
        say(f"{rig.name} names no sheet: neither [[manual]] nor [[declaration]].")
    else:
        _print_looked(found)
    return Exit.INPUT if any(one.problems for one in found) else Exit.OK


@dataclass(frozen=True, slots=True)
class _Looked:
    """What of one sheet would count; `name` is its own, with folders where two sheets would have the same."""

    path: Path
    name: str
    counts: int
    not_filled_in: int
    problems: tuple[str, ...]


def _print_looked(found: Sequence[_Looked]) -> None:
    for one in found:
        counts = f"{plural(one.counts, 'entry counts', 'entries count')}, {plural(one.not_filled_in, 'is', 'are')} not filled in"
        say(f"{one.name}: {counts}", whole=True)
        for problem in one.problems:
            say(f"  {problem}", style="yellow", whole=True)


def _looked_at(rig: Rig) -> Iterator[_Looked]:
    from plumbline.checks.registry import load_registry
    from plumbline.collect.by_hand import read_sheet
    from plumbline.collect.declarations.collector import FORM as DECLARATIONS
    from plumbline.collect.file_names import entity_keys
    from plumbline.collect.manual.collector import FORM as RESULTS
    from plumbline.model.errors import ProtocolError

    forms: list[tuple[Form[Any], list[Path]]] = [
        (RESULTS, [one.path for one in rig.manuals]),
        (DECLARATIONS, [one.path for one in rig.declarations]),
    ]
    for form, path, name in ((form, path, key) for form, paths in forms for path, key in entity_keys(paths, rig.path).items()):
        try:
            sheet = read_sheet(path, form, rig, now())
        except ProtocolError as error:
            yield _Looked(path, name, 0, 0, (str(error),))
            continue
        named = [(said.place, said.columns.get("check_id")) for said in sheet.statements]
        unknown = [f"{place}: no shipped check {name!r}" for place, name in named if name and name not in load_registry().checks]
        yield _Looked(path, name, len(sheet.statements), sheet.unanswered, (*sheet.problems, *sheet.refused.values(), *unknown))

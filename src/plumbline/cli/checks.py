"""`plumbline checks list | show | test`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.syntax import Syntax
from rich.text import Text

from plumbline.cli.exits import Exit
from plumbline.cli.options import Checks, Json
from plumbline.cli.output import draw, grid, print_json, say, table
from plumbline.cli.summary import COLOURS
from plumbline.report.text import plural, visible

if TYPE_CHECKING:
    from plumbline.checks.check import Check

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_(folder: Checks = None, as_json: Json = False) -> None:
    """List all checks, by layer."""
    from plumbline.checks.registry import load_registry

    checks = load_registry(folder).checks.values()
    if as_json:
        print_json([_brief(check) for check in checks])
        return
    listed = table("check", "severity", "title")
    listed.columns[0].no_wrap = True
    for check in checks:
        listed.add_row(check.id, _severity(check), Text(visible(check.title)))
    draw(listed)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="A check's id, as `checks list` and the report print it.")],
    folder: Checks = None,
    as_json: Json = False,
) -> None:
    """Show one check: what it proves, what to do, its query, its examples."""
    from plumbline.checks.registry import load_registry

    check = load_registry(folder).get(name)
    needs = {"pass_needs": [str(need) for need in check.pass_needs], "fail_needs": [str(need) for need in check.fail_needs]}
    parameters = {key: asdict(parameter) for key, parameter in check.parameters.items()}
    if as_json:
        print_json({**_brief(check), **_words(check), **needs, "query": check.query, "parameters": parameters})
        return
    say(f"{check.id}: {check.title}", style="bold")
    rows = {"severity": f"{check.severity} {check.score}, {check.cvss}", "judges": f"each row of {check.subjects}", **_words(check)}
    rows |= {key: ", ".join(values) for key, values in needs.items() if values}
    rows |= {f"${key}": f"{parameter['about']} (default {parameter['default']})" for key, parameter in parameters.items()}
    rows["provisions"] = ", ".join(check.provisions)
    rows["examples"] = "\n".join(f"{one.name}: {', '.join(row.verdict for row in one.expect)}" for one in check.examples)
    listed = grid()
    for key, words in rows.items():
        listed.add_row(key.replace("_", " "), Text("\n".join(map(visible, words.split("\n")))))
    draw(listed)
    say()
    draw(Syntax(_visible_lines(check.query.strip()), "sql", theme="ansi_dark", background_color="default", word_wrap=True))


@app.command()
def test(
    path: Annotated[
        Path | None, typer.Argument(metavar="PATH", help="A check file, or a folder of checks; the shipped ones when left out.")
    ] = None,
    as_json: Json = False,
) -> Exit:
    """Load, lint and run the examples of checks.

    Runs them through the SQL that judges real evidence. Ends with 2 when a check is wrong.
    """
    from plumbline.checks.examples import SHIPPED, check_files, problems_of

    files = check_files(path or SHIPPED)
    problems = list(problems_of(path or SHIPPED))
    if as_json:
        print_json({"checks": len(files), "problems": [str(problem) for problem in problems]})
    else:
        for problem in problems:
            say(str(problem), style="red", whole=True)
        say(f"{plural(len(files), 'check')}, {plural(len(problems), 'problem')}")
    return Exit.INPUT if problems else Exit.OK


def _visible_lines(text: str) -> str:
    """Make a text of several lines harmless to look at."""
    return "\n".join(map(visible, text.split("\n")))


def _severity(check: Check) -> Text:
    return Text(f"{check.severity} {check.score}", COLOURS[check.severity])


def _brief(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "layer": check.layer.value,
        "title": check.title,
        "severity": check.severity.value,
        "score": check.score,
        "cvss": check.cvss,
        "subjects": check.subjects,
        "provisions": list(check.provisions),
    }


def _words(check: Check) -> dict[str, str]:
    names = ("proves", "pass_proves", "message", "recommendation", "verify", "compensate", "effort")
    return {name: str(getattr(check, name)) for name in names}

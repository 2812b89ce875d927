"""`plumbline checks list | show | test`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from plumbline.checks.check import Check
from plumbline.checks.examples import SHIPPED, check_files, problems_of
from plumbline.checks.registry import load_registry
from plumbline.cli.exits import Exit
from plumbline.cli.output import print_json, stdout

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Folder = Annotated[Path | None, typer.Option("--checks", help="A folder of your own checks, <layer>/<name>.toml, beside the shipped ones.")]


@app.command("list")
def list_(folder: Folder = None, as_json: Json = False) -> None:
    """List all checks, by layer."""
    checks = load_registry(folder).checks.values()
    if as_json:
        print_json([_brief(check) for check in checks])
        return
    table = Table("check", "severity", "subjects", "title", box=None, pad_edge=False)
    for check in checks:
        table.add_row(check.id, f"{check.severity} {check.score}", check.subjects, check.title)
    stdout().print(table)


@app.command()
def show(name: Annotated[str, typer.Argument(metavar="ID")], folder: Folder = None, as_json: Json = False) -> None:
    """Show one check: what its fail and its pass prove, what to do, its query and its examples."""
    check = load_registry(folder).get(name)
    if as_json:
        needs = {"pass_needs": [str(need) for need in check.pass_needs], "fail_needs": [str(need) for need in check.fail_needs]}
        print_json({**_brief(check), **_words(check), **needs, "query": check.query, "parameters": _parameters(check)})
        return
    console = stdout()
    console.print(f"{check.id}: {check.title}", style="bold", markup=False)
    console.print(f"{check.severity} {check.score}, {check.cvss}", markup=False)
    for word, text in _words(check).items():
        console.print(f"{word.replace('_', ' ')}: {text}", markup=False, soft_wrap=True)
    for name, parameter in _parameters(check).items():
        console.print(f"parameter {name} = {parameter['default']}: {parameter['about']}", markup=False, soft_wrap=True)
    console.print(f"provisions: {', '.join(check.provisions)}", markup=False, soft_wrap=True)
    console.print(check.query.strip(), style="cyan", markup=False, soft_wrap=True)
    for example in check.examples:
        console.print(f"example {example.name!r}: {', '.join(row.verdict for row in example.expect)}", markup=False)


@app.command()
def test(path: Annotated[Path, typer.Argument(help="A check file, or a folder of checks.")] = SHIPPED, as_json: Json = False) -> Exit:
    """Load, lint and run the examples of checks through the SQL that judges real evidence."""
    files = check_files(path)
    problems = list(problems_of(path))
    if as_json:
        print_json({"checks": len(files), "problems": [str(problem) for problem in problems]})
    else:
        for problem in problems:
            stdout().print(str(problem), style="red", markup=False, soft_wrap=True)
        stdout().print(f"{len(files)} checks, {len(problems)} problems")
    return Exit.INPUT if problems else Exit.OK


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


def _parameters(check: Check) -> dict[str, dict[str, Any]]:
    return {name: asdict(parameter) for name, parameter in check.parameters.items()}

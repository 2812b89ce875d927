"""`plumbline hostkit`: the script that shows an auditor a system from inside, for its owner to read and to run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli.options import Json
from plumbline.cli.output import print_json, say
from plumbline.model.errors import InputError

ScriptFile = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it. [default: the terminal]")]
Commands = Annotated[bool, typer.Option("--list", help="Print what it reads instead: the published list of reading commands.")]


def hostkit(path: ScriptFile = None, commands: Commands = False, as_json: Json = False) -> None:
    """Print the script that shows a Linux device from inside.

    It is a POSIX shell script that reads only and writes one file, which [[hostkit]] in the rig file then names. A [[login]] of kind ssh
    runs the same list of commands.
    """
    from plumbline.collect.host.commands import rows
    from plumbline.collect.host.kit import script

    if commands or (as_json and path is None):
        _print_list(rows(), as_json=as_json)
    elif path is None:
        sys.stdout.write(script())
    else:
        _write(path, script())
        if as_json:
            print_json({"hostkit": str(path)})
        else:
            say(
                f"Wrote {path}. Read it, run it on the device with `sh {path.name}`, and name the file that it writes in [[hostkit]].",
                whole=True,
            )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="ascii")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(path), remedy="name another file") from error


def _print_list(rows: list[dict[str, str]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    for row in rows:
        say(f"{row['id']}: {row['reads']}\n  as root: {row['as root']}; at most {row['at most']}; for {row['tables']}", whole=True)

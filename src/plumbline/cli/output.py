"""How results and progress reach the terminal: results on stdout (tables or, with --json, one JSON document), progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from plumbline.collect.context import Progress as ProgressCall


def print_json(value: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def stdout() -> Console:
    """The console for results."""
    return Console(highlight=False)


@contextmanager
def progress() -> Iterator[ProgressCall]:
    """Show what is being done while it is done; on a stderr that is no terminal, one line for each kind of work begun."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description:<22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield show


def _lines(console: Console) -> ProgressCall:
    begun: set[str] = set()

    def show(what: str, done: int, total: int | None) -> None:  # noqa: ARG001 - the call's shape is Progress
        if what not in begun:
            begun.add(what)
            console.print(f"{what} ...", highlight=False)

    return show

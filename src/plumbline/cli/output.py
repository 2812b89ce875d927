"""How results and progress reach the terminal: results on stdout (text or, with --json, one JSON document), progress on stderr.

Rules: what comes from files or devices is printed with `markup=False` and through `visible`; a reader that leaves early (`| head`)
changes no exit code.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from plumbline.report.text import visible

ProgressCall = Callable[[str, int, int | None], None]

PIPE_WIDTH = 240  # a file has no edge: one row stays one line, for grep
LINE_EVERY_S = 10.0
BARS = 2  # a sweep and the visits of what it found take turns; more would only push the screen up
COUNTED_MAX = 99_999  # above, the share says more than the count: bytes of a capture


class _Out(Console):
    def on_broken_pipe(self) -> None:
        _nobody_reads()


def stdout(*, wide: bool = False) -> Console:
    """Make the console for results; `wide`: rows are never broken to the width of the terminal."""
    edge = not wide and (sys.stdout.isatty() or "COLUMNS" in os.environ)
    return _Out(highlight=False, width=None if edge else PIPE_WIDTH)


def say(text: str = "", *, style: str | None = None, keep: bool = False) -> None:
    """Print text as it stands; `keep` leaves its lines whole, for paths and commands that people copy."""
    stdout().print("\n".join(map(visible, text.split("\n"))), style=style, markup=False, soft_wrap=keep)


def print_json(value: Any) -> None:
    """Print one JSON document."""
    try:
        sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _nobody_reads()


def table(*headers: str) -> Table:
    """Start a table without lines, whose cells wrap and are never cut."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for header in headers:
        made.add_column(header, overflow="fold")
    return made


def grid(indent: int = 0) -> Table:
    """Start a list of names and what they are, side by side."""
    made = Table.grid(padding=(0, 2, 0, 0))
    if indent:
        made.add_column(width=indent - 2)
    made.add_column(no_wrap=True, style="dim")
    made.add_column(overflow="fold")
    return made


def _nobody_reads() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def progress() -> Iterator[ProgressCall]:
    """Show what is being done while it is done; on a stderr that is no terminal, a line when work begins and one now and then."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (SpinnerColumn(), _plain("{task.description:<24.40}"), BarColumn(), _plain("{task.fields[count]:>12}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(visible(what), total=total, count="")
                for old in list(tasks.values())[:-1]:
                    shown = old in list(tasks.values())[-BARS:] and bars.tasks[old].total is not None
                    bars.update(old, visible=shown)
            bars.update(tasks[what], completed=done, total=total, count=_count(done, total))

        yield show


def _plain(form: str) -> TextColumn:
    return TextColumn(form, markup=False)


def _lines(console: Console) -> ProgressCall:
    said: dict[str, float] = {}

    def show(what: str, done: int, total: int | None) -> None:
        if what in said and monotonic() - said[what] < LINE_EVERY_S:
            return
        line = f"{visible(what)}: {_count(done, total)}" if what in said else f"{visible(what)} ..."
        said[what] = monotonic()
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    return show


def _count(done: int, total: int | None) -> str:
    if total is None:
        return f"{done:,}" if done else ""
    return f"{done:,}/{total:,}" if total <= COUNTED_MAX else f"{100 * done // total} %"

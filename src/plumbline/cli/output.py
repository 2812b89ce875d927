"""How results and progress reach the terminal: results on stdout (text or, with --json, one JSON document), progress on stderr.

Rules: what comes from files or devices is printed without markup and through `visible`; a reader that leaves early (`| head`)
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

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from plumbline.report.text import visible

ProgressCall = Callable[[str, int, int | None], None]

PIPE_WIDTH = 240  # a file has no edge: one row stays one line, for grep
LINE_EVERY_S = 10.0
BARS = 2  # a sweep and the visits of what it found take turns; more would only push the screen up
COUNTED_MAX = 99_999  # above, the share says more than the count: bytes of a capture


def draw(what: RenderableType, *, style: str | None = None, whole: bool = False) -> None:
    """Print one thing on stdout; `whole`: no line is broken to the width of the terminal. A file gets no trailing spaces."""
    edge = not whole and (sys.stdout.isatty() or "COLUMNS" in os.environ)
    console = Console(highlight=False, emoji=False, width=None if edge else PIPE_WIDTH)
    with console.capture() as caught:
        console.print(what, style=style, markup=False, soft_wrap=whole)
    _write("".join(f"{line.rstrip()}\n" for line in caught.get().splitlines()))


def say(text: str = "", *, style: str | None = None, whole: bool = False) -> None:
    """Print text as it stands; `whole` for paths and commands that people copy."""
    draw("\n".join(map(visible, text.split("\n"))), style=style, whole=whole)


def print_json(value: Any) -> None:
    """Print one JSON document."""
    _write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


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


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def progress() -> Iterator[ProgressCall]:
    """Show what is being done while it is done; on a stderr that is no terminal, a line when work begins and one now and then."""
    console = Console(stderr=True, emoji=False)
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

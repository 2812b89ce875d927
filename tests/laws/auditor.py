"""Runs `plumbline` as a person would: a process of its own, with its own state folder; in a network namespace where one is given."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.net.netns import Namespace

RUN = "from plumbline.cli.main import run; run()"
RUN_S = 100


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code, and what it said on both ways."""

    code: int
    said: str


def start(folder: Path, *words: str, inside: Namespace | None = None, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start `plumbline` with its state below `folder`; `before` are words that go before the command, such as a limiter's."""
    around = ("ip", "netns", "exec", inside.name) if inside else ()
    return subprocess.Popen(
        [*around, *before, sys.executable, "-c", RUN, *words],
        env={**os.environ, "XDG_STATE_HOME": str(folder / "state"), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for a run to its end; one that takes too long is killed, by its id, and fails the test."""
    try:
        said, _ = process.communicate(timeout=RUN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Ended(process.returncode, said)


def collect(folder: Path, rig: Path, *, resume: bool = False, inside: Namespace | None = None) -> Ended:
    """Run a whole collection of a rig into `folder/bundle`."""
    return ended(start(folder, "collect", str(rig), "-o", str(folder / "bundle"), *(["--resume"] if resume else []), inside=inside))

"""Time and memory of a program as a whole, from its start to its end, as whoever waits for it feels them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a program: wall time, processor time and the largest resident size of itself."""

    code: int
    wall_s: float
    cpu_s: float
    peak_bytes: int
    errors: str


def run(command: Sequence[object], *, log: Path, environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> Ran:
    """Run a program to its end; what it prints goes to `log`. Its children's memory is not counted, only its own."""
    with log.open("wb") as output:
        began = time.perf_counter()
        started = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            cwd=cwd,
        )
        _, status, usage = os.wait4(started.pid, 0)
        wall_s = time.perf_counter() - began
        started.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text(encoding="utf-8", errors="replace")
    return Ran(started.returncode, wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, text[-4000:])

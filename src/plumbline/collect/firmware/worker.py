"""`python -m plumbline.collect.firmware.worker`: reads one image in a process of its own, under limits, and tells rows as JSON lines.

    in     one line: what is asked (`Asked`, the file's path, the scratch folder)
    out    ["row", table, subject, at, {column: value}]   ["short", outcome, detail, [table]]   ["progress", done, total]   ["end"]

Whatever hostile bytes do to a parser, or to a decompressor below it, ends here: this process has no rig, no network of ours and no
secret but the key for digests; its memory, its time and the size of what it writes are bounded (law 7).
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from plumbline.collect.firmware.contents import Asked
from plumbline.collect.firmware.reading import Reading
from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.firmware.unblob import Unblob
from plumbline.model.words import Outcome

MEMORY_BYTES = 900 << 20
FILE_BYTES = 4 << 30
CPU_SECONDS = 600
CPU_SECONDS_A_MB = 3


class Lines:
    """Tells rows as lines; a time is told as {"@": ISO 8601}."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def row(self, table: str, subject: str = "", *, at: int | None = None, **columns: Any) -> None:
        """Tell one row."""
        self._tell("row", table, subject, at, columns)

    def short(self, outcome: Outcome, detail: str, *tables: str) -> None:
        """Tell what kept some tables short."""
        plain = "".join(letter if letter.isprintable() else "?" for letter in detail[:2000])  # names of files are in it
        self._tell("short", outcome.value, plain, tables)

    def progress(self, done: int, total: int) -> None:
        """Tell how far it is."""
        self._tell("progress", done, total)
        self._out.flush()

    def end(self) -> None:
        """Tell that everything was told."""
        self._tell("end")
        self._out.flush()

    def _tell(self, *words: Any) -> None:
        self._out.write(json.dumps(words, default=_plain) + "\n")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return {"@": value.isoformat()}
    raise TypeError(f"{type(value).__name__} in a row")


def main() -> int:
    """Read what is asked on standard input."""
    words = json.loads(sys.stdin.readline())
    path, scratch = Path(words["file"]), Path(words["scratch"])
    asked = Asked(words["path"], words["sha256"], words["size_bytes"], words["model"], bytes.fromhex(words["key"]))
    seconds = CPU_SECONDS + CPU_SECONDS_A_MB * (asked.size_bytes >> 20)
    for limit, most in (
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    lines, budget = Lines(sys.stdout), Budget(scratch=scratch)
    with path.open("rb") as stream:
        Reading(asked, lines).run(Source.of_file(stream), budget, Unblob.installed(scratch, budget))
    lines.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What a report format is: a module here that defines `FORMAT`. Not which formats there are (`registry`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from plumbline.report.data import Report


@dataclass(frozen=True, slots=True)
class Format:
    """One format: what it is for, the files that it writes, and how: `write(report, out, to)` gives the paths written.

    `out` is the OUT folder, for formats that stream the whole ledger; `to` is an existing folder.
    """

    about: str
    files: tuple[str, ...]
    write: Callable[[Report, Path, Path], list[Path]]

"""What is wrong with check files, all of it at once: file, key, what was seen, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plumbline.model.errors import InputError


@dataclass(frozen=True, slots=True)
class CheckProblem:
    """One thing wrong with one file; `key` is the TOML key, '' for the file as a whole."""

    path: Path
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.path.parent.name}/{self.path.name}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class CheckErrors(InputError):  # noqa: N818 - it is several errors, and the name says so
    """Everything that is wrong with a set of checks; `problems` is never empty."""

    def __init__(self, problems: Sequence[CheckProblem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))

"""What is wrong with a rig file, all of it at once.

Not the rules themselves (`schema`, `crosschecks`): only how a problem is said. Rules: file, line, key, what was seen, what to do; one
problem is one line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plumbline.model.errors import InputError, NotYetError

SHOWN_MAX = 50  # a file with more is beyond reading; the rest is counted
KeyPath = tuple[str | int, ...]


def dotted(key: KeyPath) -> str:
    """Write a key path as it is said to people: `network[0].ranges[1]`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong; `line` is 1-based, None when it is not known; `key` is dotted."""

    file: str
    line: int | None
    key: str
    message: str
    remedy: str
    not_yet: bool = False

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        text = f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"
        return f"{text} ({self.remedy})" if self.remedy else text


class RigErrors(InputError):  # noqa: N818 - it is several errors, and the name says so
    """Everything that is wrong with a rig file; `problems` is never empty and stands in the file's order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        lines = [str(problem) for problem in self.problems[:SHOWN_MAX]]
        if len(self.problems) > SHOWN_MAX:
            lines.append(f"and {len(self.problems) - SHOWN_MAX} more")
        super().__init__("\n".join(lines))


class RigNotYetError(RigErrors, NotYetError):
    """The file asks for something by its right name that a later release builds; other problems may stand beside it."""


class ProblemList:
    """Gathers problems of one file, with the lines that their keys stand on."""

    def __init__(self, file: str, lines: Mapping[KeyPath, int]) -> None:
        self.file = file
        self.lines = lines
        self.found: list[Problem] = []

    def add(self, key: KeyPath, message: str, remedy: str, *, not_yet: bool = False) -> None:
        """Note a problem with a key; a key that is not in the file gets the line of the nearest table above it."""
        self.found.append(Problem(self.file, self.line_of(key), dotted(key), message, remedy, not_yet))

    def line_of(self, key: KeyPath) -> int | None:
        """Give the line of a key, or of the longest part of its path that the file has."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.lines:
                return self.lines[key[:length]]
        return None


def unreadable(path: Path, line: int | None, message: str, remedy: str) -> RigErrors:
    """Give the error for a file that cannot be read as a whole; `line` is where its reading ended, None when that is no place in it."""
    return RigErrors([Problem(path.name if line else str(path), line, "", message, remedy)])


def errors_of(problems: Sequence[Problem]) -> RigErrors:
    """Choose the error for a list of problems and put them in the file's order."""
    ordered = sorted(dict.fromkeys(problems), key=lambda problem: (problem.line or 0, problem.key, problem.message))
    return (RigNotYetError if any(problem.not_yet for problem in ordered) else RigErrors)(ordered)

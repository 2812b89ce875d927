"""A check as a value: one file that turns evidence into verdicts, read and typed.

Not how it is read (`loader`), proven sound (`linter`) or run (`decide`). Rules: frozen; None means that the file does not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from plumbline.model.words import Layer, Severity, Verdict

Value = str | int | bool | datetime | list[str]
Row = Mapping[str, object]


class Effort(StrEnum):
    """How long the recommendation takes one who knows the device, lowest first."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"


class Scope(StrEnum):
    """Whose rows a need is about: the asset's own, or all of the rig."""

    ASSET = "asset"
    RIG = "rig"


@dataclass(frozen=True, slots=True)
class Need:
    """A table on whose missing rows a verdict would rely."""

    scope: Scope
    table: str

    def __str__(self) -> str:
        return f"{self.scope}.{self.table}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number or word of a check that a customer may set; `minimum` and `maximum` bound numbers, None is unbounded."""

    name: str
    type: str  # int, text, boolean, list<text>
    default: Value
    minimum: int | None
    maximum: int | None
    about: str


@dataclass(frozen=True, slots=True)
class Expected:
    """One row of the output that an example must give; None of `cvss`, `detail` and `evidence` is not compared."""

    asset: str
    subject: str
    verdict: Verdict
    reason: str | None
    cvss: str | None
    detail: Mapping[str, object] | None
    evidence: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Example:
    """Evidence in small and the whole output that it must give."""

    name: str
    tables: Mapping[str, tuple[Row, ...]]
    coverage: tuple[Row, ...]
    parameters: Mapping[str, Value]
    as_of: datetime
    expect: tuple[Expected, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `score` is the CVSS base score of `cvss`, 0.0 to 10.0; `source` is the file's text, for the digest of checks."""

    id: str
    layer: Layer
    title: str
    cvss: str
    score: float
    subjects: str
    provisions: tuple[str, ...]
    proves: str
    pass_proves: str
    message: str
    recommendation: str
    verify: str
    compensate: str
    effort: Effort
    query: str
    pass_needs: tuple[Need, ...]
    fail_needs: tuple[Need, ...]
    aliases: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    examples: tuple[Example, ...]
    path: Path
    source: str

    @property
    def severity(self) -> Severity:
        """The rating of the check's own vector."""
        return Severity.of_score(self.score)

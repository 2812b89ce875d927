"""A statement as matching sees it: one row of `affected` that names a component's product, and whether it means the component's version.

Not which of several statements holds (`matching`). Rules: of schemes the first that gives an order decides; a version that is spelt alike
is the same, whatever the scheme; what has no order is None, never False.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from plumbline.versions import Interval, Scheme, compare, contains
from plumbline.vulnerabilities.facts import Origin, Status
from plumbline.vulnerabilities.identity import Sure
from plumbline.vulnerabilities.ranges import GIT

COMPLETE = frozenset({Origin.NVD, Origin.OVERRIDE, Origin.OSV})  # they name every version that they mean, and mean no other
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One row of the reference table `affected`, and how sure it is that it names the component's product."""

    vulnerability: str
    origin: Origin
    status: Status
    source: str
    record: str
    product: str
    namespace: str | None = None
    purl: str | None = None
    scheme: str | None = None
    rest: bool = False
    parsed: bool = True
    range_text: str | None = None
    interval: Interval = field(default_factory=Interval)
    versions: tuple[str, ...] = ()
    hardware: tuple[str, ...] = ()
    fixed_in: str | None = None
    remedy: str | None = None
    justification: str | None = None
    tlp: str | None = None
    dated_at: datetime | None = None
    sure: Sure = Sure.OWN

    @property
    def of_commits(self) -> bool:
        """Whether its range is one of commits, which no release can be held against."""
        return self.scheme == GIT

    @property
    def bounded(self) -> bool:
        """Whether it means a range with an end, so that it says something of what lies outside."""
        return self.parsed and not self.versions and (self.interval.lower is not None or self.interval.upper is not None)

    @property
    def words(self) -> str:
        """Its range, to be read."""
        if self.range_text:
            return self.range_text
        if self.versions:
            shown = ", ".join(self.versions[:3])
            return shown if len(self.versions) <= 3 else f"{shown} and {len(self.versions) - 3} more"
        return "all versions" if str(self.interval) == "*" else str(self.interval)

    def holds(self, version: str, schemes: Sequence[Scheme]) -> bool | None:
        """Tell whether it means a version, '' being one that is not known; None when that cannot be told."""
        if not self.parsed or self.of_commits:
            return None
        if not self.versions and self.interval.lower is None and self.interval.upper is None:
            return True
        if not version:
            return None
        if self.versions:
            return self._one_of(version, schemes)
        return first(contains(self.interval, version, scheme) for scheme in schemes)

    def _one_of(self, version: str, schemes: Sequence[Scheme]) -> bool | None:
        if version in self.versions:
            return True
        answers = {first(self._is(one, version, scheme) for scheme in schemes) for one in self.versions}
        return True if True in answers else None if None in answers else False

    def _is(self, one: str, version: str, scheme: Scheme) -> bool | None:
        """Tell whether a version is the one that is named; a vendor who lists `V15` may mean V15 Update 3 too (`versions.interval`)."""
        if self.origin not in COMPLETE:
            return contains(Interval.only(one), version, scheme)
        order = compare(one, version, scheme)
        return None if order is None else order == 0

    def below(self, version: str, schemes: Sequence[Scheme]) -> bool:
        """Tell whether its range ends at or before a version that does not lie in it."""
        upper = self.interval.upper
        return upper is not None and first(compare(upper, version, scheme) for scheme in schemes) in (-1, 0)


def first(answers: Iterable[_Answer | None]) -> _Answer | None:
    """Give the first answer that is one."""
    return next((answer for answer in answers if answer is not None), None)

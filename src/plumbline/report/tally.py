"""How many verdicts of each kind, and what they come to together: what all of a report counts in."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.model.words import Verdict


@dataclass(frozen=True, slots=True)
class Tally:
    """How many verdicts of each kind."""

    failed: int = 0
    inconclusive: int = 0
    passed: int = 0
    not_applicable: int = 0

    @property
    def judged(self) -> int:
        """Verdicts that say right or wrong."""
        return self.failed + self.passed

    @property
    def asked(self) -> int:
        """Verdicts that do, or should."""
        return self.judged + self.inconclusive

    @property
    def verdict(self) -> Verdict:
        """The roll-up."""
        if self.failed:
            return Verdict.FAIL
        if self.inconclusive:
            return Verdict.INCONCLUSIVE
        if self.passed:
            return Verdict.PASS
        return Verdict.NOT_APPLICABLE if self.not_applicable else Verdict.INCONCLUSIVE

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.failed + other.failed,
            self.inconclusive + other.inconclusive,
            self.passed + other.passed,
            self.not_applicable + other.not_applicable,
        )

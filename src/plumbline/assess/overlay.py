"""Waivers and reviews laid over the findings of one assessment, judged at its moment: which of them counts for a finding.

Not the ledger, which they never change, nor how their files are read (`overlay_files`). For single findings in Python, for a whole
ledger as SQL; both say the same. Of several that mean a finding the first that is active counts, of waivers and of reviews each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plumbline.assess.assessment import ReviewSummary, WaiverSummary
from plumbline.assess.reviews import Action, Review
from plumbline.assess.scope import Scope, State, state_at
from plumbline.assess.waivers import Waiver
from plumbline.evidence.engine import literal
from plumbline.model.words import Severity


@dataclass(frozen=True, slots=True)
class Overlay:
    """Waivers and reviews in the order of their files, at a moment."""

    as_of: datetime
    waivers: tuple[Waiver, ...] = ()
    reviews: tuple[Review, ...] = ()

    def waiver_of(self, check: str, asset: str, subject: str) -> Waiver | None:
        """Find the waiver that counts for a finding."""
        return next((one for one in self.waivers if self.state(one) is State.ACTIVE and one.scope.has(check, asset, subject)), None)

    def review_of(self, check: str, asset: str, subject: str) -> Review | None:
        """Find the review that counts for a finding."""
        return next((one for one in self.reviews if self.state(one) is State.ACTIVE and one.scope.has(check, asset, subject)), None)

    def state(self, one: Waiver | Review) -> State:
        """Tell the state of a waiver or a review: active, ended or not yet."""
        return state_at(self.as_of, one.begins if isinstance(one, Waiver) else None, one.until)

    def waiver_sql(self, check: str) -> str:
        """Give an expression for the place of the waiver that counts for a row of a check; null where none does."""
        return _place_sql(check, [(n, one.scope) for n, one in enumerate(self.waivers) if self.state(one) is State.ACTIVE])

    def review_sql(self, check: str) -> str:
        """Give an expression for the place of the review that counts for a row of a check; null where none does."""
        return _place_sql(check, [(n, one.scope) for n, one in enumerate(self.reviews) if self.state(one) is State.ACTIVE])

    def false_positive_sql(self, checks: Iterable[str]) -> str:
        """Give an expression over a row of the ledger, of these checks: whether a review calls it a false positive."""
        wrong = [str(n) for n, one in enumerate(self.reviews) if one.action is Action.FALSE_POSITIVE]
        places = {check: self.review_sql(check) for check in checks} if wrong else {}
        one_of = f"in ({', '.join(wrong)})"
        told = [f"when {literal(check)} then coalesce({place} {one_of}, false)" for check, place in places.items() if place != _NONE]
        return f'(case "check" {" ".join(told)} else false end)' if told else "false"

    def stands(self, waiver: int | None, review: int | None, severity: Severity) -> Severity | None:
        """Tell as what a finding counts for `--fail-on`, by the places of what counts for it; None where it does not count."""
        reviewed = self.reviews[review] if review is not None else None
        if waiver is not None or (reviewed is not None and reviewed.action is Action.FALSE_POSITIVE):
            return None
        return reviewed.severity if reviewed is not None and reviewed.severity is not None else severity

    def summaries(self, waived: Counter[int], reviewed: Counter[int]) -> tuple[tuple[WaiverSummary, ...], tuple[ReviewSummary, ...]]:
        """Say what became of each, with how many findings it counts for, by its place."""
        waivers = tuple(
            WaiverSummary(
                id=one.id,
                check=one.scope.check,
                asset=one.scope.asset,
                subject=one.scope.subject,
                owner=one.owner,
                reason=one.reason,
                begins=one.begins,
                until=one.until,
                state=self._used(one, waived[n]),
                findings=waived[n],
            )
            for n, one in enumerate(self.waivers)
        )
        reviews = tuple(
            ReviewSummary(
                number=one.number,
                finding=one.scope.finding,
                check=one.scope.check,
                asset=one.scope.asset,
                subject=one.scope.subject,
                action=one.action.value,
                severity=one.severity,
                who=one.who,
                why=one.why,
                until=one.until,
                state=self._used(one, reviewed[n]),
                findings=reviewed[n],
            )
            for n, one in enumerate(self.reviews)
        )
        return waivers, reviews

    def _used(self, one: Waiver | Review, findings: int) -> str:
        state = self.state(one)
        return (State.UNUSED if state is State.ACTIVE and not findings else state).value


_NONE = "null::integer"


def _place_sql(check: str, scopes: Sequence[tuple[int, Scope]]) -> str:
    cases = " ".join(f"when {scope.sql(check)} then {n}" for n, scope in scopes if scope.has_check(check))
    return f"(case {cases} end)" if cases else _NONE


def overlay_of(as_of: datetime, waivers: Iterable[WaiverSummary], reviews: Iterable[ReviewSummary]) -> Overlay:
    """Give the overlay that an assessment was made with, or a report is."""
    return Overlay(
        as_of,
        tuple(Waiver(one.id, Scope(one.check, one.asset, one.subject), one.owner, one.reason, one.begins, one.until) for one in waivers),
        tuple(
            Review(
                number=one.number,
                scope=Scope(one.check, one.asset, one.subject, one.finding),
                action=Action(one.action),
                severity=one.severity,
                who=one.who,
                why=one.why,
                until=one.until,
            )
            for one in reviews
        ),
    )


def read_summaries(said: Mapping[str, Any]) -> tuple[tuple[WaiverSummary, ...], tuple[ReviewSummary, ...]]:
    """Read waivers and reviews out of an assessment's JSON."""
    waivers = []
    for one in said["waivers"]:
        begins, until = datetime.fromisoformat(one["from"]), datetime.fromisoformat(one["until"])
        others = {name: value for name, value in one.items() if name not in ("from", "until")}
        waivers.append(WaiverSummary(**others, begins=begins, until=until))
    reviews = []
    for one in said["reviews"]:
        severity = Severity(one["severity"]) if one["severity"] else None
        ends = datetime.fromisoformat(one["until"]) if one["until"] else None
        reviews.append(ReviewSummary(**{**one, "severity": severity, "until": ends}))
    return tuple(waivers), tuple(reviews)

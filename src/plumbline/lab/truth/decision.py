"""Verdicts from sights, attempts and rules, as DESIGN section 6 decides; and the whole ledger of one lab.

Written from the design's words, not from the product's SQL: the two are held against each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from plumbline.evidence.specs import load_tables
from plumbline.lab.fleet import Fleet
from plumbline.lab.truth import captures, edge, hub, images, rig, services
from plumbline.lab.truth.rules import Rule, rules
from plumbline.lab.truth.world import Attempt, Sight, World
from plumbline.model.words import Outcome, Verdict

_PRECEDENCE = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One row of the ledger, without its evidence."""

    check: str
    asset: str
    subject: str
    verdict: Verdict
    reason: str | None = None


def world(fleet: Fleet, subset: Collection[str] | None = None) -> World:
    """Note everything that there is to be seen in a lab; `subset` names the devices that the rig's networks hold, None for all."""
    seen = World(fleet, None if subset is None else frozenset(subset))
    for place in (rig, services, captures, images, edge, hub):
        place.see(seen)
    return seen


def ledger(fleet: Fleet, subset: Collection[str] | None = None) -> list[Row]:
    """Give the ledger of a right audit of a lab, in order of check, asset and subject; `subset` as for `world`."""
    seen = world(fleet, subset)
    return sorted(row for check, rule in rules().items() for row in _Judge(seen, check, rule).rows())


def difference(expected: Iterable[Row], given: Iterable[Row]) -> list[str]:
    """Say how a ledger differs from the truth, one line for each row; empty when it does not."""
    wanted = {(row.check, row.asset, row.subject): row for row in expected}
    found = {(row.check, row.asset, row.subject): row for row in given}
    lines = []
    for key in sorted(wanted.keys() | found.keys()):
        want, got = (_said(rows.get(key)) for rows in (wanted, found))
        if want != got:
            lines.append(f"{' '.join(key)}: truth {want}, ledger {got}")
    return lines


def _said(row: Row | None) -> str:
    return "no row" if row is None else f"{row.verdict.value} {row.reason or ''}".strip()


class _Judge:
    """One check over one world."""

    def __init__(self, seen: World, check: str, rule: Rule) -> None:
        self._world, self._check, self._rule = seen, check, rule
        spec = load_tables()[rule.table]
        self._kind = spec.kind.value
        self._by_source = spec.kind is not spec.row_kind
        self._sights, self._attempts = seen.sights[rule.table], seen.attempts[rule.table]

    def rows(self) -> list[Row]:
        """Give one row for each asset and subject: fail > inconclusive > pass > not_applicable."""
        best: dict[tuple[str, str], Row] = {}
        for row in (*map(self._judged, self._sights), *self._uncovered(), *self._unattempted()):
            key = (row.asset, row.subject)
            if key not in best or _PRECEDENCE.index(row.verdict) < _PRECEDENCE.index(best[key].verdict):
                best[key] = row
        return list(best.values())

    def _row(self, asset: str, subject: str, verdict: Verdict, reason: str | None = None) -> Row:
        return Row(self._check, asset, subject, verdict, reason)

    def _judged(self, sight: Sight) -> Row:
        applies, failed = self._rule.applies(sight.thing, self._world), None
        if applies:
            failed = self._rule.fails(sight.thing, self._world)
        if applies is False:
            return self._row(sight.asset, sight.subject, Verdict.NOT_APPLICABLE)
        if failed is None:
            return self._row(sight.asset, sight.subject, Verdict.INCONCLUSIVE, self._outcome_at(sight) or "not_observed")
        lacking = self._lacking(self._rule.fail_needs if failed else self._rule.pass_needs, sight.asset)
        if lacking:
            return self._row(sight.asset, sight.subject, Verdict.INCONCLUSIVE, lacking)
        return self._row(sight.asset, sight.subject, Verdict.FAIL if failed else Verdict.PASS)

    def _outcome_at(self, sight: Sight) -> str | None:
        bad = [a.outcome for a in self._attempts if (a.asset, a.subject) == (sight.asset, sight.subject) and a.outcome is not Outcome.OK]
        return bad[0].value if bad else None

    def _lacking(self, needs: Iterable[str], asset: str) -> str | None:
        for need in needs:
            scope, _, table = need.partition(".")
            attempts = self._world.attempts[table]
            by_source = load_tables()[table].kind is not load_tables()[table].row_kind
            if scope == "asset" and not by_source:
                attempts = [attempt for attempt in attempts if attempt.asset == asset]
            worst = max((attempt.outcome for attempt in attempts), key=lambda outcome: outcome.rank, default=None)
            if worst is None:
                return "not_attempted"
            if worst is not Outcome.OK:
                return worst.value
        return None

    def _uncovered(self) -> Iterator[Row]:
        """Attempts without a row: absent where they came to their end, inconclusive otherwise."""
        for attempt in self._attempts:
            if attempt.outcome is Outcome.OK:
                if not any(_fills(sight, attempt) for sight in self._sights):
                    yield self._row(attempt.asset, attempt.subject, Verdict.NOT_APPLICABLE, "absent")
            elif self._by_source or (attempt.asset, attempt.subject) not in {(sight.asset, sight.subject) for sight in self._sights}:
                yield self._row(attempt.asset, attempt.subject, Verdict.INCONCLUSIVE, attempt.outcome.value)

    def _unattempted(self) -> Iterator[Row]:
        """Assets of the table's kind, as other tables of that kind know them, with neither row nor attempt."""
        alike = [name for name, spec in load_tables().items() if spec.kind.value == self._kind]
        known = {attempt.asset for name in alike for attempt in self._world.attempts[name]}
        done = {attempt.asset for attempt in self._attempts} | {sight.source for sight in self._sights}
        for asset in sorted(known - done):
            yield self._row(asset, "", Verdict.INCONCLUSIVE, "not_attempted")


def _fills(sight: Sight, attempt: Attempt) -> bool:
    """Say whether a sight is what an attempt found: told by it, and of its subject or a part of it."""
    within = not attempt.subject or sight.subject == attempt.subject or sight.subject.startswith(f"{attempt.subject}/")
    return sight.source == attempt.asset and within

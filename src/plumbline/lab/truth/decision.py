"""Verdicts from sights, attempts and rules, as DESIGN section 6 decides; and the whole ledger of one lab.

Written from the design's words, not from the product's SQL: the two are held against each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from plumbline.evidence.specs import load_tables
from plumbline.lab.fleet import Fleet
from plumbline.lab.truth import captures, edge, fleets, hub, images, imports, people, rig, runtimes, services, systems, updates
from plumbline.lab.truth.rules import Rule, rules
from plumbline.lab.truth.world import Attempt, Expected, Key, Sight, World
from plumbline.model.words import EntityKind, Outcome, Verdict

_PRECEDENCE = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE)


def world(fleet: Fleet, subset: Collection[str] | None = None, *, catalogue: bool = True) -> World:
    """Note everything that there is to be seen in a lab; `subset` and `catalogue` as for `truth`."""
    seen = World(fleet, None if subset is None else frozenset(subset), catalogue)
    for place in (rig, services, captures, images, imports, edge, hub, systems, updates, fleets, runtimes, people):
        place.see(seen)
    return seen


def truth(fleet: Fleet, subset: Collection[str] | None = None, *, catalogue: bool = True) -> dict[Key, Expected]:
    """Give every row of the ledger of a right audit of a lab.

    `subset` names the devices whose addresses the rig's networks hold, None for all; files and declarations are there for all.
    `catalogue` false: it is assessed without the lab's reference data.
    """
    seen = world(fleet, subset, catalogue=catalogue)
    every = rules()
    seen.verdicts.update(_verdicts(seen, {check: rule for check, rule in every.items() if check != people.LAST}))
    return {**seen.verdicts, **_verdicts(seen, {people.LAST: every[people.LAST]})}


def _verdicts(seen: World, some: Mapping[str, Rule]) -> dict[Key, Expected]:
    return {
        (check, asset, subject): expected
        for check, rule in some.items()
        for (asset, subject), expected in _Judge(seen, rule).expected().items()
    }


class _Judge:
    """One check over one world."""

    def __init__(self, seen: World, rule: Rule) -> None:
        self._world, self._rule = seen, rule
        spec = load_tables()[rule.table]
        self._kinds = set(spec.kinds)
        self._by_source = spec.by_source
        self._sights, self._attempts = seen.sights[rule.table], seen.attempts[rule.table]

    def expected(self) -> dict[tuple[str, str], Expected]:
        """Give one verdict for each asset and subject: fail > inconclusive > pass > not_applicable."""
        best: dict[tuple[str, str], Expected] = {}
        judged = ((sight.asset, sight.subject, self._judged(sight)) for sight in self._sights)
        for asset, subject, verdict in (*judged, *self._uncovered(), *self._unattempted()):
            held = best.get((asset, subject))
            if held is None or _PRECEDENCE.index(verdict.verdict) < _PRECEDENCE.index(held.verdict):
                best[asset, subject] = verdict
        return best

    def _judged(self, sight: Sight) -> Expected:
        applies = self._rule.applies(sight.thing, self._world)
        failed = self._rule.fails(sight.thing, self._world) if applies else None
        if applies is False:
            return Expected(Verdict.NOT_APPLICABLE)
        if failed is None:
            return Expected(Verdict.INCONCLUSIVE, self._outcome_at(sight) or "not_observed")
        lacking = self._lacking(self._rule.fail_needs if failed else self._rule.pass_needs, sight.asset)
        if lacking:
            return Expected(Verdict.INCONCLUSIVE, lacking)
        return Expected(Verdict.FAIL if failed else Verdict.PASS)

    def _outcome_at(self, sight: Sight) -> str | None:
        bad = [a.outcome for a in self._attempts if (a.asset, a.subject) == (sight.asset, sight.subject) and a.outcome is not Outcome.OK]
        return bad[0].value if bad else None

    def _lacking(self, needs: Iterable[str], asset: str) -> str | None:
        for need in needs:
            scope, _, table = need.partition(".")
            attempts = self._world.attempts[table]
            by_source = load_tables()[table].by_source
            if scope == "asset" and not by_source:
                attempts = [attempt for attempt in attempts if attempt.asset == asset]
            worst = max((attempt.outcome for attempt in attempts), key=lambda outcome: outcome.rank, default=None)
            if worst is None:
                return "not_attempted"
            if worst is not Outcome.OK:
                return worst.value
        return None

    def _uncovered(self) -> Iterator[tuple[str, str, Expected]]:
        """Attempts without a row: absent where they came to their end, inconclusive otherwise."""
        for attempt in self._attempts:
            if attempt.outcome is Outcome.OK:
                if not any(_fills(sight, attempt, by_source=self._by_source) for sight in self._sights):
                    yield attempt.asset, attempt.subject, Expected(Verdict.NOT_APPLICABLE, "absent")
            elif self._by_source or (attempt.asset, attempt.subject) not in {(sight.asset, sight.subject) for sight in self._sights}:
                yield attempt.asset, attempt.subject, Expected(Verdict.INCONCLUSIVE, attempt.outcome.value)

    def _unattempted(self) -> Iterator[tuple[str, str, Expected]]:
        """Assets of the table's kinds, as other tables of no other kind know them, with neither row nor attempt."""
        alike = [name for name, spec in load_tables().items() if set(spec.kinds) <= self._kinds]
        known = {attempt.asset for name in alike for attempt in self._world.attempts[name]}
        if EntityKind.HOST in self._kinds:  # a host is one that another tool saw, too
            known |= {asset for asset, _ in self._world.things("imported_finding")}
        done = {attempt.asset for attempt in self._attempts} | {sight.source for sight in self._sights}
        for asset in sorted(known - done):
            yield asset, "", Expected(Verdict.INCONCLUSIVE, "not_attempted")


def _fills(sight: Sight, attempt: Attempt, *, by_source: bool) -> bool:
    """Say whether a sight is what an attempt found: told by it, and, unless it tells of others, of its subject or a part of it."""
    within = not attempt.subject or sight.subject == attempt.subject or sight.subject.startswith(f"{attempt.subject}/")
    return sight.source == attempt.asset and (by_source or within)

"""Holds an assessment against provisions and profiles: answers out of the ledger, the rule over each, and what became of them.

    conformance.parquet   provision, asset ('' is the rig), verdict, reason, basis, checks (those that spoke)

Not the rule (`conformance`) nor how the ledger is read (`answers`). Rules: every provision of the chosen profiles is there, also those
that no check names; none passes by silence. Counts are over all assets; the file holds those that the assessment lists. Where a network
was not swept to its end there may be devices that nobody saw: then no provision that is asked of devices passes over the rig, unless what
people said of the rig settles it for each. Of a ledger above COUNTED_ROWS assets are not counted, so that there a provision that is asked
of assets fails or is inconclusive, and never passes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from plumbline.assess.answers import DECLARED, MANUAL, LedgerAnswers, Said
from plumbline.assess.asked import find_asked
from plumbline.assess.assessment import CheckSummary, ProfileSummary, ProfileThresholds, ProfileVerdict, ProvisionSummary, Tally
from plumbline.assess.conformance import (
    ALL_BASES,
    SILENCE,
    Answers,
    Concluded,
    Judged,
    Question,
    Reason,
    Told,
    conclude,
    judge,
    judge_told,
    together,
    with_rig,
    worst,
)
from plumbline.assess.tallies import COUNTED_ROWS, summed, tallied
from plumbline.checks.decide import only_basis
from plumbline.checks.registry import Registry
from plumbline.evidence.engine import Connection
from plumbline.evidence.specs import load_tables
from plumbline.model.words import Basis, Severity, Verdict
from plumbline.standards.profiles import Profile, find_profile, load_profiles
from plumbline.standards.standard import AskedOf, Provision

FILE = "conformance.parquet"


@dataclass(frozen=True, slots=True)
class Conformance:
    """What provisions and profiles came to."""

    provisions: tuple[ProvisionSummary, ...]
    profiles: tuple[ProfileSummary, ...]


@dataclass(frozen=True, slots=True)
class Grounds:
    """What provisions are held against: checks, what each came to, the rig's networks, and which fails a review calls false.

    `false_positive` is an expression over a row of the ledger, `false_positives` the number of such fails by check. `assets` is how many
    there are in all; None: they are counted. `unseen` is why there may be devices that nobody saw; None: there are none.
    """

    registry: Registry
    checks: Sequence[CheckSummary]
    ledger_rows: int
    networks: Collection[str]
    false_positive: str = "false"
    false_positives: Mapping[str, int] = field(default_factory=dict)
    assets: int | None = None
    unseen: str | None = None


def chosen_profiles(names: Iterable[str]) -> list[Profile]:
    """Give the profiles that a rig file names under [standards] assess, all where it names none; raises InputError for an unknown one."""
    named = list(dict.fromkeys(names))
    return [find_profile(name) for name in named] or list(load_profiles().values())


def conform(connection: Connection, profiles: Sequence[Profile], grounds: Grounds, out: Path) -> Conformance:
    """Judge each provision of some profiles, and write OUT/conformance.parquet; the view `ledger` and the table `listed` must be there."""
    order = {one.ref: one for profile in profiles for one in profile.provisions}
    provisions = [order[ref] for ref in sorted(order)]
    named = _named(grounds.registry)
    answers = LedgerAnswers(connection, provisions, named, grounds.false_positive, _sources(grounds.registry))
    asked = find_asked(connection, grounds.networks, grounds.assets)
    few = grounds.ledger_rows <= COUNTED_ROWS
    said = answers.by_asset() if few else answers.by_people()
    tallies = {check.id: check.tally for check in grounds.checks}
    matters = []
    for provision, of_it in zip(provisions, said, strict=True):
        checks = named.get(provision.ref, ())
        of_checks = None if few else together(_told_by_tally(grounds, tallies, check) for check in checks)
        matters.append(_Matter(provision, tuple(checks), of_it, asked.get(provision.per, 0), of_checks, grounds.unseen))
    concluded = {matter.provision.ref: matter.concluded() for matter in matters}
    spoke = [[check for check in matter.checks if tallies.get(check, Tally()) != Tally(reasons={})] for matter in matters]
    whole = [(_as_judged(concluded[matter.provision.ref]), checks) for matter, checks in zip(matters, spoke, strict=True)]
    judged = [(n, *one) for n, matter in enumerate(matters) for one in matter.judged()] if few else None
    answers.write(out / FILE, whole, judged, [matter.of_silence() for matter in matters])
    by_ref = {matter.provision.ref: matter for matter in matters}
    summaries = [_summary(by_ref[ref], concluded[ref], tallies) for ref in order]
    found = []
    for profile in profiles:
        strict = ALL_BASES.difference(profile.accepts)
        came_to = {one.ref: by_ref[one.ref].concluded(profile.accepts) if strict else concluded[one.ref] for one in profile.provisions}
        naming = {check for provision in profile.provisions for check in by_ref[provision.ref].checks}
        found.append(_profile(profile, came_to, [check for check in grounds.checks if check.id in naming]))
    return Conformance(tuple(sorted(summaries, key=lambda one: one.standard)), tuple(found))


@dataclass(frozen=True, slots=True)
class _Matter:
    """One provision with all that was said of it; `of_checks` is what checks said of all assets together, where these are not counted."""

    provision: Provision
    checks: tuple[str, ...]
    said: Said
    asked: int
    of_checks: Answers | None
    unseen: str | None

    @property
    def question(self) -> Question:
        return Question.of(self.provision, self.checks)

    def concluded(self, accepts: Collection[Basis] = ALL_BASES) -> Concluded:
        found = self._of_the_known(accepts)
        asked = self.unseen is not None and self.provision.per is AskedOf.DEVICE
        if asked and found.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE) and self.of_silence(accepts).verdict is Verdict.INCONCLUSIVE:
            return replace(found, verdict=Verdict.INCONCLUSIVE, reason=self.unseen, basis=None)
        return found

    def _of_the_known(self, accepts: Collection[Basis]) -> Concluded:
        if self.of_checks is None:
            silent = max(0, self.asked - self.said.asked)
            return conclude(self.question, self.provision.per, self.said.told, silent, self.said.rig, accepts)
        told = together([self.of_checks, *(one.answers for one in self.said.told)])
        one = judge(self.question, with_rig(told, self.said.rig), accepts)
        if self.provision.per is not AskedOf.RIG and one.verdict is not Verdict.FAIL:
            one = Judged(Verdict.INCONCLUSIVE, worst([told.unjudged]) or Reason.NOT_COUNTED, remains=one.remains)
        return Concluded(one.verdict, one.reason, one.basis, (one.remains,) if one.remains else (), Counter())

    def judged(self) -> Iterator[tuple[Told, Judged]]:
        for told in self.said.told:
            yield told, judge_told(self.question, told.answers, self.said.rig, asked=told.asked)

    def of_silence(self, accepts: Collection[Basis] = ALL_BASES) -> Judged:
        return judge_told(self.question, SILENCE, self.said.rig, asked=True, accepts=accepts)


def _named(registry: Registry) -> dict[str, list[str]]:
    # What people said names the provision in its subject, and says nothing of those that its check is listed under.
    found: dict[str, list[str]] = defaultdict(list)
    for check in registry.checks.values():
        for ref in check.provisions if check.id not in (MANUAL, DECLARED) else ():
            found[ref].append(check.id)
    return found


def _sources(registry: Registry) -> Iterator[tuple[str, str]]:
    for check in registry.checks.values():
        if (spec := load_tables()[check.subjects]).in_passing:
            yield from ((check.id, kind.value) for kind in spec.kinds)


def _told_by_tally(grounds: Grounds, tallies: Mapping[str, Tally], check: str) -> Answers:
    tally, wrong = tallies[check], grounds.false_positives.get(check, 0)
    basis = only_basis(grounds.registry.checks[check], grounds.registry.shapes[check]) or list(Basis)[-1]
    return Answers(
        failed=basis if tally.fail > wrong else None,
        false_positive=wrong > 0,
        unjudged=worst(tally.reasons or ()),
        passed=basis if tally.passed else None,
        absent=tally.not_applicable > 0,
    )


def _as_judged(concluded: Concluded) -> Judged:
    return Judged(concluded.verdict, concluded.reason, concluded.basis)


def _summary(matter: _Matter, concluded: Concluded, tallies: Mapping[str, Tally]) -> ProvisionSummary:
    provision = matter.provision
    return ProvisionSummary(
        standard=provision.standard,
        id=provision.id,
        title=provision.title,
        level=provision.level,
        per=provision.per.value,
        whole=matter.question.whole,
        checks=matter.checks,
        tally=summed(tallies[check] for check in matter.checks),
        verdict=concluded.verdict,
        reason=concluded.reason,
        basis=concluded.basis,
        asked=matter.asked,
        assets=tallied((one.verdict, one.reason, count) for one, count in concluded.assets.items()) if matter.of_checks is None else None,
        remains=tuple(word.value for word in concluded.remains),
    )


def _profile(profile: Profile, came_to: Mapping[str, Concluded], checks: Sequence[CheckSummary]) -> ProfileSummary:
    verdicts = tuple(ProfileVerdict(ref, one.verdict, one.reason) for ref, one in came_to.items())
    counts = tallied((one.verdict, one.reason, 1) for one in verdicts)
    return ProfileSummary(
        id=profile.id,
        title=profile.title,
        accepts=profile.accepts,
        thresholds=ProfileThresholds(profile.thresholds.fail, profile.thresholds.inconclusive),
        counts=counts,
        within=within(counts, profile.thresholds.fail, profile.thresholds.inconclusive),
        severities=_severities(profile, checks),
        provisions=verdicts,
    )


def within(counts: Tally, fail: int, inconclusive: int) -> bool | None:
    """Say whether provisions keep to thresholds; None where those that are inconclusive could still decide it, and where none passed."""
    if counts.fail > fail:
        return False
    return True if counts.inconclusive <= inconclusive and counts.passed else None


def _severities(profile: Profile, checks: Iterable[CheckSummary]) -> dict[Severity, int]:
    found: Counter[Severity] = Counter()
    for check in checks:
        rated = profile.severities.get(check.id)
        found.update({rated: check.tally.fail} if rated is not None else check.severities)
    return {severity: found[severity] for severity in reversed(Severity) if severity is not Severity.NONE}

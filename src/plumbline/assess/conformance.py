"""What the ledger says of a provision: the rule, on one asset and over the rig. Never a statement of conformity.

Pure: answers in, words out. Not who is asked (`asked`), not how answers are read from a ledger (`answers`). On one asset the first that
holds:

    a check, a test by hand or the owner says that it fails    fail
    a review calls such a fail a false positive                inconclusive    reviewed_false_positive
    a test by hand passed                                      pass            whatever the checks left open
    `whole`, a check passed and none is inconclusive           pass
    a check passed, where any names it, none is inconclusive
      (nor a test by hand), and the rest was answered:
      `manual` by hand, otherwise `declare` by the owner       pass
    a test by hand or the owner says that it does not apply    not_applicable
    `whole`, and every check says so                           not_applicable
    otherwise                                                  inconclusive    the checks' worst reason; not_attempted where no check spoke,
                                                                               not_observed where none passed; needs_manual_test,
                                                                               needs_declaration, gap

A fail rests on the strongest of what says so, a pass on the weakest of what it needs. Passes and exemptions whose basis is not accepted
count as nothing; where that alone decided, the reason is basis_not_accepted.

What a person said of the rig holds for each of its assets: a fail for each that is asked, everything else where nothing was said of the
asset itself. An asset that is not asked (an image, a capture) counts by what checks said of it, as if they were the whole of it. The rig is
asked, by everything that was said of anything, where a provision is asked of it or where none of the assets that it is asked of is known.

Over the rig: fail > inconclusive > pass; not_applicable is neutral; an asset that is asked and of which nothing was said is inconclusive.
Where none that is asked passed, no other's pass counts: an image stands in for no device.
The reason is that of most assets, of those alike the worst; a false positive goes before all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from plumbline.model.words import Basis, Outcome, Verdict, roll_up
from plumbline.standards.standard import AskedOf, Provision

ALL_BASES = frozenset(Basis)


class Reason(StrEnum):
    """Why a provision is inconclusive, beside the reasons that the ledger gives for a check's verdict."""

    FALSE_POSITIVE = "reviewed_false_positive"
    NOT_ATTEMPTED = "not_attempted"
    NOT_OBSERVED = "not_observed"
    NEEDS_MANUAL_TEST = "needs_manual_test"
    NEEDS_DECLARATION = "needs_declaration"
    GAP = "gap"
    BASIS = "basis_not_accepted"
    NOT_COUNTED = "not_counted"  # more verdicts than are counted by asset


class Remains(StrEnum):
    """What is left to be done by hand for a provision that is inconclusive; a gap is what neither can close."""

    MANUAL = "manual"
    DECLARE = "declare"
    GAP = "gap"


REASONS: Sequence[str] = (*reversed([word.value for word in Outcome]), Reason.NOT_ATTEMPTED, Reason.NOT_OBSERVED)  # worst first


@dataclass(frozen=True, slots=True)
class Question:
    """How a provision is answered: whether checks name it, whether they prove it alone, and what is asked beside them."""

    checks: bool
    whole: bool
    manual: bool = False
    declare: bool = False

    @classmethod
    def of(cls, provision: Provision, checks: Collection[str]) -> Question:
        """The question of a provision that these checks name."""
        return cls(bool(checks), provision.whole and bool(checks), provision.manual is not None, provision.declare is not None)


UNASKED = Question(checks=True, whole=True)  # how assets count that a provision is not asked of


@dataclass(frozen=True, slots=True)
class Answers:
    """What was said of one provision on one asset, or on several together.

    `failed` is the strongest basis of the checks' fails, `passed` the weakest of their passes, `unjudged` their worst reason, `absent` that
    one does not apply; None and False are that none said so. `manual` and `declared` are what people said.
    """

    failed: Basis | None = None
    false_positive: bool = False
    unjudged: str | None = None
    passed: Basis | None = None
    absent: bool = False
    manual: Verdict | None = None
    declared: Verdict | None = None


SILENCE = Answers()


@dataclass(frozen=True, slots=True)
class Judged:
    """What a provision comes to; `reason` is None unless inconclusive, `basis` None where nothing was judged or nobody's word counted."""

    verdict: Verdict
    reason: str | None = None
    basis: Basis | None = None
    remains: Remains | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """Answers that were given alike of so many assets."""

    answers: Answers
    asked: bool
    assets: int


@dataclass(frozen=True, slots=True)
class Concluded:
    """A provision over the whole rig; `assets` counts them by what each came to."""

    verdict: Verdict
    reason: str | None
    basis: Basis | None
    remains: tuple[Remains, ...]
    assets: Counter[Judged]


def judge(question: Question, said: Answers, accepts: Collection[Basis] = ALL_BASES) -> Judged:
    """Judge a provision on one asset."""
    if accepts == ALL_BASES:
        return _judged(question, said)
    judged = _judged(question, _accepted(said, accepts))
    if judged.verdict is Verdict.INCONCLUSIVE and _judged(question, said).verdict is not Verdict.INCONCLUSIVE:
        by_hand = judged.remains is Remains.MANUAL and Basis.MANUAL in accepts
        return replace(judged, reason=Reason.BASIS, remains=Remains.MANUAL if by_hand else None)
    return judged


def judge_told(question: Question, told: Answers, rig: Answers, *, asked: bool, accepts: Collection[Basis] = ALL_BASES) -> Judged:
    """Judge a provision on an asset of a rig of which people said something as a whole; `rig` holds that, and nothing of checks."""
    if asked:
        return judge(question, with_rig(told, rig), accepts)
    spared = Answers(manual=_unless_fail(rig.manual), declared=_unless_fail(rig.declared))
    return judge(UNASKED, with_rig(told, spared), accepts)


def conclude(
    question: Question, per: AskedOf, told: Iterable[Told], silent: int, rig: Answers = SILENCE, accepts: Collection[Basis] = ALL_BASES
) -> Concluded:
    """Judge a provision over the rig: `told` is all that was said of assets, `silent` how many are asked and were not spoken of."""
    told = (*told, *([Told(SILENCE, asked=True, assets=silent)] if silent else ()))
    assets: Counter[Judged] = Counter()
    asked: set[Verdict] = set()
    for one in told:
        judged = judge_told(question, one.answers, rig, asked=one.asked, accepts=accepts)
        assets[judged] += one.assets
        if one.asked:
            asked.add(judged.verdict)
    if per is not AskedOf.RIG and asked:
        lent = Verdict.PASS not in asked  # whatever passed then is not asked, and stands in for nobody
        whole = _rolled_up(Counter({judged: n for judged, n in assets.items() if not (lent and judged.verdict is Verdict.PASS)}))
    else:
        whole = judge(question, with_rig(together(one.answers for one in told), rig), accepts)
    open_words = {judged.remains for judged in (*assets, whole) if judged.remains} if whole.verdict is Verdict.INCONCLUSIVE else set()
    return Concluded(whole.verdict, whole.reason, whole.basis, tuple(word for word in Remains if word in open_words), assets)


def together(answers: Iterable[Answers]) -> Answers:
    """Put answers about several assets together. What people said of one asset counts for all only where it is a fail."""
    found = tuple(answers)
    return Answers(
        failed=strongest(one.failed for one in found),
        false_positive=any(one.false_positive for one in found),
        unjudged=worst(one.unjudged for one in found),
        passed=weakest(one.passed for one in found),
        absent=any(one.absent for one in found),
        manual=Verdict.FAIL if any(one.manual is Verdict.FAIL for one in found) else None,
        declared=Verdict.FAIL if any(one.declared is Verdict.FAIL for one in found) else None,
    )


def with_rig(said: Answers, rig: Answers) -> Answers:
    """Add to answers what people said of the rig as a whole."""
    if rig == SILENCE:
        return said
    return replace(
        said,
        false_positive=said.false_positive or rig.false_positive,
        manual=_over(said.manual, rig.manual),
        declared=_over(said.declared, rig.declared),
    )


def strongest(bases: Iterable[Basis | None]) -> Basis | None:
    """The strongest of some bases; None where there is none."""
    return min((basis for basis in bases if basis is not None), key=lambda basis: basis.rank, default=None)


def weakest(bases: Iterable[Basis | None]) -> Basis | None:
    """The weakest of some bases; None where there is none."""
    return max((basis for basis in bases if basis is not None), key=lambda basis: basis.rank, default=None)


def worst(reasons: Iterable[str | None]) -> str | None:
    """The worst of some reasons; None where there is none."""
    return min((reason for reason in reasons if reason is not None), key=badness, default=None)


def badness(reason: str) -> tuple[int, str]:
    """Order reasons, the worst first; one that is not known goes last."""
    return (REASONS.index(reason) if reason in REASONS else len(REASONS), reason)


def _judged(question: Question, said: Answers) -> Judged:
    by_people = (Basis.MANUAL, said.manual), (Basis.DECLARED, said.declared)
    failed = strongest([said.failed, *(basis for basis, verdict in by_people if verdict is Verdict.FAIL)])
    if failed is not None:
        return Judged(Verdict.FAIL, basis=failed)
    if said.false_positive:
        return Judged(Verdict.INCONCLUSIVE, Reason.FALSE_POSITIVE)
    if said.manual is Verdict.PASS:
        return Judged(Verdict.PASS, basis=weakest([Basis.MANUAL, said.passed]))
    rest = _rest(question, said)
    untold = said.manual is Verdict.INCONCLUSIVE and not question.whole  # somebody tested, or long ago, and could not tell
    open_ = said.unjudged is not None or untold or rest is not None
    declared = Basis.DECLARED if not question.whole and said.declared is Verdict.PASS else None
    needed = said.passed if question.checks else declared
    if not open_ and needed is not None:
        return Judged(Verdict.PASS, basis=weakest([said.passed, declared]))
    for basis, verdict in by_people:
        if verdict is Verdict.NOT_APPLICABLE:
            return Judged(Verdict.NOT_APPLICABLE, basis=basis)
    if question.whole and not open_ and said.absent:
        return Judged(Verdict.NOT_APPLICABLE)
    return Judged(Verdict.INCONCLUSIVE, _reason(question, said, rest), remains=_remains(question, said))


def _rest(question: Question, said: Answers) -> Reason | None:
    """Say what keeps open what the checks do not prove; None where nothing does."""
    if question.whole:
        return None
    if question.manual:
        return Reason.NEEDS_MANUAL_TEST
    if question.declare:
        return None if said.declared is Verdict.PASS else Reason.NEEDS_DECLARATION
    return Reason.GAP


def _reason(question: Question, said: Answers, rest: Reason | None) -> str:
    if said.unjudged is not None:
        return said.unjudged
    if question.checks and said.passed is None:
        if not said.absent:
            return Reason.NOT_ATTEMPTED
        return rest or Reason.NOT_OBSERVED
    return rest or Reason.NEEDS_MANUAL_TEST  # only a test by hand without a verdict is left


def _remains(question: Question, said: Answers) -> Remains | None:
    if question.manual or said.manual is Verdict.INCONCLUSIVE:
        return Remains.MANUAL
    if question.whole:
        return None
    if question.declare:
        return Remains.DECLARE if said.declared not in (Verdict.PASS, Verdict.NOT_APPLICABLE) else None
    return Remains.GAP


def _accepted(said: Answers, accepts: Collection[Basis]) -> Answers:
    favourable = (Verdict.PASS, Verdict.NOT_APPLICABLE)
    return replace(
        said,
        passed=said.passed if said.passed in accepts else None,
        manual=None if said.manual in favourable and Basis.MANUAL not in accepts else said.manual,
        declared=None if said.declared in favourable and Basis.DECLARED not in accepts else said.declared,
    )


def _unless_fail(verdict: Verdict | None) -> Verdict | None:
    return None if verdict is Verdict.FAIL else verdict


def _over(own: Verdict | None, rig: Verdict | None) -> Verdict | None:
    return Verdict.FAIL if Verdict.FAIL in (own, rig) else own or rig


def _rolled_up(assets: Counter[Judged]) -> Judged:
    verdict = roll_up(judged.verdict for judged in assets)
    alike = [judged for judged in assets if judged.verdict is verdict]
    if verdict is Verdict.INCONCLUSIVE:
        counts: Counter[str] = Counter()
        for judged in alike:
            counts[judged.reason or ""] += assets[judged]
        return Judged(verdict, min(counts, key=lambda reason: (reason != Reason.FALSE_POSITIVE, -counts[reason], badness(reason))))
    choose = strongest if verdict is Verdict.FAIL else weakest
    return Judged(verdict, basis=choose(judged.basis for judged in alike))

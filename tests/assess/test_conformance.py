"""The rule for a provision, line by line: on one asset, on a rig of which people said something, and over all its assets."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from plumbline.assess.conformance import SILENCE, UNASKED, Answers, Judged, Question, Reason, Remains, Told, conclude, judge, judge_told
from plumbline.model.words import Basis, Verdict
from plumbline.standards.standard import AskedOf

F, OPEN, P, N = Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE
OBSERVED, INFERRED, MANUAL, IMPORTED, DECLARED = Basis
WHOLE = Question(checks=True, whole=True)
HAND = Question(checks=True, whole=False, manual=True)
OWNER = Question(checks=True, whole=False, declare=True)
BOTH = Question(checks=True, whole=False, manual=True, declare=True)
HAND_ALONE = Question(checks=False, whole=False, manual=True)
OWNER_ALONE = Question(checks=False, whole=False, declare=True)
GAP = Question(checks=True, whole=False)
GAP_ALONE = Question(checks=False, whole=False)
QUESTIONS = (WHOLE, HAND, OWNER, BOTH, HAND_ALONE, OWNER_ALONE, GAP, GAP_ALONE)
PASSED = Answers(passed=OBSERVED)
TIMEOUT = Answers(unjudged="timeout")
ABSENT = Answers(absent=True)


def came(verdict: Verdict, of: str | Basis | None = None) -> tuple[Verdict, str | None, Basis | None]:
    return (verdict, of, None) if verdict is OPEN else (verdict, None, Basis(of) if of else None)


@pytest.mark.parametrize(
    ("name", "question", "said", "expected"),
    [
        # 1. any fail
        ("a check failed", WHOLE, Answers(failed=OBSERVED), came(F, OBSERVED)),
        ("a check failed, others passed", WHOLE, Answers(failed=INFERRED, passed=OBSERVED), came(F, INFERRED)),
        ("failed by hand", HAND, replace(PASSED, manual=F), came(F, MANUAL)),
        ("declared unmet", OWNER, replace(PASSED, declared=F), came(F, DECLARED)),
        ("a fail rests on the strongest", OWNER, Answers(failed=IMPORTED, manual=F, declared=F), came(F, MANUAL)),
        ("a test by hand does not outweigh a fail", WHOLE, Answers(failed=OBSERVED, manual=P), came(F, OBSERVED)),
        ("nor does the owner's word", OWNER, Answers(failed=OBSERVED, declared=P), came(F, OBSERVED)),
        ("nor that it does not apply", OWNER, Answers(failed=OBSERVED, declared=N, manual=N), came(F, OBSERVED)),
        ("a check fails though it was declared met and tested", BOTH, Answers(failed=OBSERVED, declared=P, manual=P), came(F, OBSERVED)),
        # a false positive
        ("a false positive", WHOLE, Answers(false_positive=True), came(OPEN, Reason.FALSE_POSITIVE)),
        ("a false positive beside passes", WHOLE, replace(PASSED, false_positive=True), came(OPEN, Reason.FALSE_POSITIVE)),
        ("a false positive and a test by hand", HAND, Answers(false_positive=True, manual=P), came(OPEN, Reason.FALSE_POSITIVE)),
        ("a false positive and an exemption", OWNER, Answers(false_positive=True, declared=N), came(OPEN, Reason.FALSE_POSITIVE)),
        ("a false positive beside a true one", WHOLE, Answers(false_positive=True, failed=OBSERVED), came(F, OBSERVED)),
        # 2. a test by hand passed
        ("passed by hand", HAND_ALONE, Answers(manual=P), came(P, MANUAL)),
        ("for what checks could not judge", HAND, Answers(unjudged="timeout", manual=P), came(P, MANUAL)),
        ("for what nobody asked", OWNER, Answers(manual=P), came(P, MANUAL)),
        ("for a gap", GAP_ALONE, Answers(manual=P), came(P, MANUAL)),
        ("for what checks leave open", HAND, replace(PASSED, manual=P), came(P, MANUAL)),
        ("a pass rests on the weakest of what it needs", HAND, Answers(passed=IMPORTED, manual=P), came(P, IMPORTED)),
        # 3. whole
        ("a check proves it", WHOLE, PASSED, came(P, OBSERVED)),
        ("one could not judge", WHOLE, replace(PASSED, unjudged="refused"), came(OPEN, "refused")),
        ("one does not apply", WHOLE, replace(PASSED, absent=True), came(P, OBSERVED)),
        ("none spoke", WHOLE, SILENCE, came(OPEN, Reason.NOT_ATTEMPTED)),
        ("the owner's word proves nothing there", WHOLE, Answers(declared=P), came(OPEN, Reason.NOT_ATTEMPTED)),
        ("nor weakens it", WHOLE, replace(PASSED, declared=P), came(P, OBSERVED)),
        ("nor does a test by hand without a verdict", WHOLE, replace(PASSED, manual=OPEN), came(P, OBSERVED)),
        # 4. the rest answered
        ("the test by hand is missing", HAND, PASSED, came(OPEN, Reason.NEEDS_MANUAL_TEST)),
        ("the owner's word does not stand for it", BOTH, replace(PASSED, declared=P), came(OPEN, Reason.NEEDS_MANUAL_TEST)),
        ("the owner's word is missing", OWNER, PASSED, came(OPEN, Reason.NEEDS_DECLARATION)),
        ("an exemption without a reason is no answer", OWNER, replace(PASSED, declared=OPEN), came(OPEN, Reason.NEEDS_DECLARATION)),
        ("a test by hand without a verdict", OWNER, replace(PASSED, declared=P, manual=OPEN), came(OPEN, Reason.NEEDS_MANUAL_TEST)),
        ("checks and the owner", OWNER, replace(PASSED, declared=P), came(P, DECLARED)),
        ("the owner alone, where nothing else is asked", OWNER_ALONE, Answers(declared=P), came(P, DECLARED)),
        ("the owner alone, and checks could not judge", OWNER, replace(TIMEOUT, declared=P), came(OPEN, "timeout")),
        ("the owner alone, and no check spoke", OWNER, Answers(declared=P), came(OPEN, Reason.NOT_ATTEMPTED)),
        ("the owner alone, and no check passed", OWNER, replace(ABSENT, declared=P), came(OPEN, Reason.NOT_OBSERVED)),
        ("a gap stays open", GAP, PASSED, came(OPEN, Reason.GAP)),
        ("a gap alone", GAP_ALONE, SILENCE, came(OPEN, Reason.GAP)),
        # 5. not applicable
        ("declared so", OWNER, Answers(declared=N), came(N, DECLARED)),
        ("found so by hand", HAND, Answers(manual=N), came(N, MANUAL)),
        ("though a check could not judge", OWNER, replace(TIMEOUT, declared=N), came(N, DECLARED)),
        ("every check says so, and they are the whole", WHOLE, ABSENT, came(N)),
        ("every check says so, and more is asked", HAND, ABSENT, came(OPEN, Reason.NEEDS_MANUAL_TEST)),
        ("one check says so, another could not judge", WHOLE, replace(ABSENT, unjudged="partial"), came(OPEN, "partial")),
        # 6. silence
        ("nothing, and the test by hand is asked", HAND_ALONE, SILENCE, came(OPEN, Reason.NEEDS_MANUAL_TEST)),
        ("nothing, and the owner is asked", OWNER_ALONE, SILENCE, came(OPEN, Reason.NEEDS_DECLARATION)),
        ("nothing, where checks should have spoken", HAND, SILENCE, came(OPEN, Reason.NOT_ATTEMPTED)),
    ],
)  # fmt: skip
def test_the_rule(name: str, question: Question, said: Answers, expected: tuple[Verdict, str | None, Basis | None]) -> None:
    judged = judge(question, said)
    assert (judged.verdict, judged.reason, judged.basis) == expected


@pytest.mark.parametrize("question", QUESTIONS)
def test_silence_never_passes(question: Question) -> None:
    assert judge(question, SILENCE).verdict is OPEN


@pytest.mark.parametrize("question", [*QUESTIONS, Question(checks=False, whole=True)])
def test_a_pass_rests_on_something_and_a_false_positive_never_helps(question: Question) -> None:
    verdicts = (None, F, OPEN, P, N)
    for failed, unjudged, passed, absent, manual, declared in product(
        (None, INFERRED), (None, "timeout"), (None, OBSERVED), (False, True), verdicts, verdicts
    ):
        said = Answers(failed=failed, unjudged=unjudged, passed=passed, absent=absent, manual=manual, declared=declared)
        judged = judge(question, said)
        assert (judged.reason is None) == (judged.verdict is not OPEN)
        if judged.verdict is P:
            assert judged.basis is not None
            assert P in (manual, declared) or passed is not None
            assert failed is None and F not in (manual, declared)
        assert judge(question, replace(said, false_positive=True)).verdict in (F, OPEN)


@pytest.mark.parametrize(
    ("name", "question", "said", "accepts", "expected"),
    [
        ("a declaration does not count", OWNER, replace(PASSED, declared=P), {OBSERVED}, Judged(OPEN, Reason.BASIS)),
        ("nor an exemption", OWNER, Answers(declared=N), {OBSERVED}, Judged(OPEN, Reason.BASIS)),
        ("a declared fail still fails", OWNER, Answers(declared=F), {OBSERVED}, Judged(F, basis=DECLARED)),
        ("a test by hand does not count", HAND, replace(PASSED, manual=P), {OBSERVED}, Judged(OPEN, Reason.BASIS)),
        ("an imported pass does not count", WHOLE, Answers(passed=IMPORTED), {OBSERVED, MANUAL}, Judged(OPEN, Reason.BASIS)),
        (
            "a test by hand counts where an imported pass does not",
            HAND,
            Answers(passed=IMPORTED, manual=P),
            {OBSERVED, MANUAL},
            Judged(P, basis=MANUAL),
        ),
        ("what is open anyway keeps its reason", OWNER, TIMEOUT, {OBSERVED}, Judged(OPEN, "timeout", None, Remains.DECLARE)),
    ],
)  # fmt: skip
def test_a_basis_that_is_not_accepted(name: str, question: Question, said: Answers, accepts: set[Basis], expected: Judged) -> None:
    assert judge(question, said, accepts) == expected


@pytest.mark.parametrize(
    ("name", "question", "said", "expected"),
    [
        ("a test by hand", HAND, PASSED, Remains.MANUAL),
        ("a test by hand goes before the owner's word", BOTH, PASSED, Remains.MANUAL),
        ("the owner's word", OWNER, PASSED, Remains.DECLARE),
        ("the owner answered, the checks did not", OWNER, replace(TIMEOUT, declared=P), None),
        ("only a wider look", WHOLE, SILENCE, None),
        ("a gap", GAP, PASSED, Remains.GAP),
        ("a failed provision is mended first", HAND, Answers(failed=OBSERVED), None),
        ("an answered one is done", HAND, Answers(manual=P), None),
    ],
)
def test_what_remains_by_hand(name: str, question: Question, said: Answers, expected: Remains | None) -> None:
    assert judge(question, said).remains is expected


@pytest.mark.parametrize(
    ("name", "told", "rig", "asked", "expected"),
    [
        ("a fail of the rig fails each asset", PASSED, Answers(manual=F), True, F),
        ("but not what is not asked", PASSED, Answers(manual=F), False, P),
        ("a pass of the rig stands for each", TIMEOUT, Answers(manual=P), True, P),
        ("also for what is not asked", TIMEOUT, Answers(manual=P), False, P),
        ("what was said of the asset goes before", Answers(manual=N), Answers(manual=P), True, N),
        ("but for a fail", Answers(manual=P), Answers(manual=F), True, F),
        ("a fail of the asset stays", Answers(manual=F), Answers(manual=P), True, F),
        ("a false positive of the rig", PASSED, Answers(false_positive=True), True, OPEN),
        ("an unasked asset passes by its checks alone", PASSED, SILENCE, False, P),
        ("an unasked asset to which nothing applies", ABSENT, SILENCE, False, N),
    ],
)
def test_what_people_say_of_the_rig(name: str, told: Answers, rig: Answers, asked: bool, expected: Verdict) -> None:
    assert judge_told(HAND if asked and told != PASSED else WHOLE, told, rig, asked=asked).verdict is expected


def told(*each: tuple[Answers, int] | tuple[Answers, int, bool]) -> tuple[Told, ...]:
    return tuple(Told(one[0], one[2] if len(one) == 3 else True, one[1]) for one in each)


TWO = told((PASSED, 9, False), (TIMEOUT, 1, False))
BY_HAND, WRONG = replace(PASSED, manual=P), replace(PASSED, manual=F)


@pytest.mark.parametrize(
    ("name", "question", "per", "said", "silent", "rig", "expected"),
    [
        ("all passed", WHOLE, AskedOf.DEVICE, told((PASSED, 3)), 0, SILENCE, came(P, OBSERVED)),
        ("one of a thousand is silent", WHOLE, AskedOf.DEVICE, told((PASSED, 999)), 1, SILENCE, came(OPEN, "not_attempted")),
        ("one failed", WHOLE, AskedOf.DEVICE, told((PASSED, 9), (Answers(failed=INFERRED), 1)), 5, SILENCE, came(F, INFERRED)),
        ("an image failed", WHOLE, AskedOf.DEVICE, told((PASSED, 9), (Answers(failed=OBSERVED), 1, False)), 0, SILENCE, came(F, OBSERVED)),
        ("a capture could not be read", WHOLE, AskedOf.DEVICE, told((PASSED, 9), (TIMEOUT, 1, False)), 0, SILENCE, came(OPEN, "timeout")),
        ("an image passed, devices are silent", WHOLE, AskedOf.DEVICE, told((PASSED, 1, False)), 4, SILENCE, came(OPEN, "not_attempted")),
        ("it applies to none", WHOLE, AskedOf.DEVICE, told((ABSENT, 3)), 0, SILENCE, came(N)),
        ("it applies to none, and an image passed", WHOLE, AskedOf.DEVICE, told((ABSENT, 3), (PASSED, 1, False)), 0, SILENCE, came(N)),
        ("it applies to one", WHOLE, AskedOf.DEVICE, told((ABSENT, 3), (PASSED, 1)), 0, SILENCE, came(P, OBSERVED)),
        ("the most frequent reason", WHOLE, AskedOf.DEVICE, told((TIMEOUT, 2)), 3, SILENCE, came(OPEN, "not_attempted")),
        ("of two alike the worse", WHOLE, AskedOf.DEVICE, told((TIMEOUT, 3)), 3, SILENCE, came(OPEN, "timeout")),
        ("no such asset: the rig is asked", WHOLE, AskedOf.CLOUD, (), 0, SILENCE, came(OPEN, "not_attempted")),
        ("no such asset, and an image passed", WHOLE, AskedOf.DEVICE, told((PASSED, 1, False)), 0, SILENCE, came(P, OBSERVED)),
        ("no such asset, declared so", OWNER, AskedOf.GATEWAY, (), 0, Answers(declared=N), came(N, DECLARED)),
        ("asked of the rig", OWNER, AskedOf.RIG, told((PASSED, 9, False)), 0, Answers(declared=P), came(P, DECLARED)),
        ("asked of the rig, one check open", OWNER, AskedOf.RIG, TWO, 0, Answers(declared=P), came(OPEN, "timeout")),
        ("asked of the rig, tested on one", HAND, AskedOf.RIG, told((BY_HAND, 1, False)), 0, SILENCE, came(OPEN, "needs_manual_test")),
        ("asked of the rig, failed by hand on one", HAND, AskedOf.RIG, told((WRONG, 1, False)), 0, Answers(manual=P), came(F, MANUAL)),
        ("asked of the rig, tested", HAND, AskedOf.RIG, (), 0, Answers(manual=P), came(P, MANUAL)),
        ("asked of the rig, silence", HAND, AskedOf.RIG, (), 0, SILENCE, came(OPEN, "not_attempted")),
        ("weakest basis of all", WHOLE, AskedOf.DEVICE, told((PASSED, 3), (Answers(passed=IMPORTED), 1)), 0, SILENCE, came(P, IMPORTED)),
    ],
)  # fmt: skip
def test_over_the_rig(
    name: str,
    question: Question,
    per: AskedOf,
    said: tuple[Told, ...],
    silent: int,
    rig: Answers,
    expected: tuple[Verdict, str | None, Basis | None],
) -> None:
    concluded = conclude(question, per, said, silent, rig)
    assert (concluded.verdict, concluded.reason, concluded.basis) == expected


def test_assets_are_counted_by_what_each_came_to() -> None:
    said = told((PASSED, 5), (replace(PASSED, manual=P), 2), (TIMEOUT, 1, False))
    concluded = conclude(HAND, AskedOf.DEVICE, said, 4)
    counts = {(judged.verdict, judged.reason): count for judged, count in concluded.assets.items()}
    assert counts == {(OPEN, "needs_manual_test"): 5, (P, None): 2, (OPEN, "timeout"): 1, (OPEN, "not_attempted"): 4}
    assert concluded.remains == (Remains.MANUAL,)


def test_an_unasked_asset_is_judged_by_checks_alone() -> None:
    assert judge(UNASKED, PASSED).verdict is P

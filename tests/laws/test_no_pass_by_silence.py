"""Law 2, for provisions: without evidence none passes, on an asset, over the rig, in a profile or in any format.

Held in three steps: the rule alone, over every answer that could be given; what is concluded from small ledgers by chance, beside the rows
that stand in them; and what each format tells, beside what was concluded.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plumbline.assess.conformance import SILENCE, Answers, Question, Told, conclude, judge
from plumbline.model.words import Basis, Outcome, Verdict, roll_up
from plumbline.standards.standard import AskedOf
from tests.laws.silence import Case, Concluded, cases, concluded, spoke

FEW = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
MANY = settings(max_examples=300, deadline=None, derandomize=True)
QUESTIONS = st.builds(Question, *(st.booleans() for _ in range(4)))
BASES = st.none() | st.sampled_from(Basis)
SAID = st.none() | st.sampled_from(Verdict)
ANSWERS = st.builds(
    Answers,
    failed=BASES,
    false_positive=st.booleans(),
    unjudged=st.none() | st.sampled_from([outcome.value for outcome in Outcome]),
    passed=BASES,
    absent=st.booleans(),
    manual=SAID,
    declared=SAID,
)
ACCEPTS = st.sets(st.sampled_from(Basis))
TOLD = st.lists(st.builds(Told, ANSWERS, st.booleans(), st.integers(1, 3)), max_size=4)
OF_THE_RIG = st.builds(Answers, manual=SAID, declared=SAID)


def without_passes(said: Answers) -> Answers:
    """The same answers, but nobody says that anything is right."""
    return dataclasses.replace(
        said,
        passed=None,
        manual=None if said.manual is Verdict.PASS else said.manual,
        declared=None if said.declared is Verdict.PASS else said.declared,
    )


@MANY
@given(QUESTIONS, ANSWERS, ACCEPTS)
def test_the_rule_passes_nothing_that_nobody_passed(question: Question, said: Answers, accepts: set[Basis]) -> None:
    assert judge(question, SILENCE, accepts).verdict is Verdict.INCONCLUSIVE
    assert judge(question, without_passes(said), accepts).verdict is not Verdict.PASS
    found = judge(question, said, accepts)
    if found.verdict is Verdict.PASS:
        assert not said.false_positive
        assert said.failed is None
        assert Verdict.FAIL not in (said.manual, said.declared)
        assert found.basis in accepts
        assert judge(question, said).verdict is Verdict.PASS
    if found.verdict is Verdict.INCONCLUSIVE:
        assert found.reason


@MANY
@given(QUESTIONS, st.sampled_from(AskedOf), TOLD, OF_THE_RIG, st.integers(1, 3), ACCEPTS)
def test_silence_keeps_the_rig_from_passing(
    question: Question, per: AskedOf, told: list[Told], rig: Answers, silent: int, accepts: set[Basis]
) -> None:
    passed_by_people = Verdict.PASS in (rig.manual, rig.declared)
    one = conclude(question, per, told, silent, rig, accepts)
    if per is not AskedOf.RIG and not passed_by_people:
        assert one.verdict is not Verdict.PASS
    if per is not AskedOf.RIG:
        rolled = roll_up(judged.verdict for judged in one.assets)
        assert one.verdict is rolled or (rolled, one.verdict) == (Verdict.PASS, Verdict.NOT_APPLICABLE)  # of none that is asked
    quiet = [dataclasses.replace(each, answers=without_passes(each.answers)) for each in told]
    assert conclude(question, per, quiet, silent, without_passes(rig), accepts).verdict is not Verdict.PASS
    assert conclude(question, per, [], 0, SILENCE, accepts).verdict is Verdict.INCONCLUSIVE


def hold(case: Case, found: Concluded) -> set[Verdict]:
    """Hold what was concluded of a case against the rows of its ledger; gives the verdicts over the rig."""
    [profile] = found.summary.profiles
    in_profile = {one.provision: one.verdict for one in profile.provisions}
    for one in found.summary.provisions:
        ref = f"{one.standard}/{one.id}"
        [(provision, checks)] = [each for each in case.provisions if each[0].ref == ref]
        told = {asset: verdict for (name, asset), verdict in found.verdicts.items() if name == ref}
        assert told.pop("") is one.verdict
        everything = spoke(case.rows, ref, checks, None)
        asked = case.asked(provision.per)
        for asset, verdict in told.items():
            rows = spoke(case.rows, ref, checks, asset)
            if verdict is Verdict.PASS:
                assert any(row.verdict is Verdict.PASS for row in rows)
                # What people say of the rig fails what the provision is asked of, and never what it is not, such as an image.
                assert not any(row.verdict is Verdict.FAIL for row in rows if asset in asked or row.asset == asset)
            if any(row.stands and row.asset == asset for row in rows):
                assert verdict is Verdict.FAIL
        if any(row.stands for row in everything):
            assert one.verdict is Verdict.FAIL
        if one.verdict is Verdict.PASS:
            assert any(row.verdict is Verdict.PASS for row in everything)
            assert not any(row.verdict is Verdict.FAIL for row in everything)
        assert one.asked == len(asked)
        if asked:
            assert set(asked) <= told.keys()
            others = {verdict for asset, verdict in told.items() if asset not in asked}
            own = {told[asset] for asset in asked}
            assert one.verdict is roll_up(own | others if Verdict.PASS in own else own | (others - {Verdict.PASS}))
        if in_profile[ref] is Verdict.PASS:
            assert one.verdict is Verdict.PASS
            assert any(row.verdict is Verdict.PASS and row.basis in case.accepts for row in everything)
    if all(verdict is not Verdict.PASS for verdict in in_profile.values()):
        assert profile.within is not True
    return {one.verdict for one in found.summary.provisions}


@FEW
@given(cases())
def test_what_is_concluded_stands_in_the_ledger(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        hold(case, concluded(case, Path(folder)))

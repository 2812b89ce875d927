"""Law 2, for provisions: without evidence none passes, on an asset, over the rig, in a profile or in any format.

Held in three steps: the rule alone, over every answer that could be given; what is concluded from small ledgers by chance, beside the rows
that stand in them; and what each format tells, beside what was concluded.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from plumbline.assess.conformance import SILENCE, Answers, Question, Told, conclude, judge
from plumbline.assess.conforming import FILE
from plumbline.assess.run import assess
from plumbline.model.words import Basis, Outcome, Verdict, roll_up
from plumbline.report import registry
from plumbline.report.data import Report
from plumbline.report.loading import load
from plumbline.standards.standard import AskedOf
from tests.assess.making import NOW, ROWS, Row, write_bundle
from tests.laws.bundles import ledger
from tests.laws.silence import FAILED_BY_HAND, Case, Concluded, cases, concluded, spoke
from tests.laws.told import SILENT, TELLS, counted_on_paper

FEW = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
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


def hold_by_chance(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        hold(case, concluded(case, Path(folder)))


def hold_large(case: Case) -> None:
    """Of a ledger too large to count assets: what is asked of assets never passes, and no fail is lost."""
    with tempfile.TemporaryDirectory() as folder:
        found = concluded(case, Path(folder), large=True)
    for one in found.summary.provisions:
        [(provision, checks)] = [each for each in case.provisions if each[0].id == one.id]
        everything = spoke(case.rows, provision.ref, checks, None)
        assert found.verdicts[provision.ref, ""] is one.verdict
        if any(row.stands for row in everything):
            assert one.verdict is Verdict.FAIL
        if one.verdict is Verdict.PASS:
            assert provision.per is AskedOf.RIG
            assert any(row.verdict is Verdict.PASS for row in everything)
            assert not any(row.verdict is Verdict.FAIL for row in everything)


@FEW
@example(FAILED_BY_HAND)
@given(cases())
def test_what_is_concluded_stands_in_a_large_ledger(case: Case) -> None:
    hold_large(case)


@FEW
@given(cases())
def test_what_is_concluded_stands_in_the_ledger(case: Case) -> None:
    hold_by_chance(case)


@pytest.mark.full
@settings(FEW, max_examples=100)
@given(cases())
def test_what_is_concluded_stands_in_many_ledgers(case: Case) -> None:
    hold_by_chance(case)


# A rig with people's word, judged plainly, with every finding waived, and with every finding reviewed as false

RIG_OF_ALL = "rig:/t"
WAIVED = 'owner = "Operations"\nreason = "It is replaced in spring."\nfrom = 2026-11-01\nuntil = 2027-03-31\n'
REVIEWED = 'action = "false_positive"\nwho = "A. Smith"\nwhy = "A honeypot of ours."\nuntil = 2027-05-31\n'


def by_hand(entity: str, subject: str, verdict: str) -> Row:
    said = {"verdict": verdict, "tester": "A. Smith", "method": "test", "performed_at": NOW}
    return ("manual_result", entity, subject, {**said, "attachments": [], "attachment_names": [], "others": [], "path": "manual/one.toml"})


def declared(subject: str, met: str) -> Row:
    said = {"provision": subject, "met": met, "justification": "There is none.", "answered_by": "B. Jones", "answered_at": NOW}
    return ("declaration", RIG_OF_ALL, subject, {**said, "documents": [], "document_names": [], "others": [], "path": "declared/one.toml"})


PEOPLE: Sequence[Row] = (
    ("hub", "hub:/northwind", "", {"name": "northwind", "disable_local_auth": True, "public_network_access": "Enabled"}),
    *(by_hand(RIG_OF_ALL, ref, "pass") for ref in ("owasp-isvs-1.0/1.4.2", "owasp-isvs-1.0/1.1.3", "iec-62443-4-2/CR 1.12")),
    by_hand("declared:s/cam-1", "owasp-isvs-1.0/1.4.3", "pass"),  # of one of two devices
    by_hand("declared:s/cam-1", "check/device.telnet_service", "pass"),
    by_hand(RIG_OF_ALL, "owasp-isvs-1.0/1.4.4", "fail"),
    declared("owasp-isvs-1.0/2.4.7", "yes"),
    declared("owasp-isvs-1.0/4.1.8", "not_applicable"),
    declared("owasp-isvs-1.0/3.1.9", "no"),
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("rig") / "bundle", [*ROWS, *PEOPLE])


@pytest.fixture(scope="module")
def plain(bundle: Path) -> Path:
    assess([bundle], bundle.parent / "plain")
    return bundle.parent / "plain"


@pytest.fixture(scope="module")
def waived(bundle: Path, plain: Path) -> Path:
    checks = sorted({row["check"] for row in ledger(plain) if row["verdict"] == "fail"})
    text = "".join(f'[[waiver]]\nid = "w{n}"\ncheck = "{check}"\n{WAIVED}' for n, check in enumerate(checks))
    (bundle.parent / "waivers.toml").write_text(text, encoding="utf-8")
    assess([bundle], bundle.parent / "waived", waivers=bundle.parent / "waivers.toml")
    return bundle.parent / "waived"


@pytest.fixture(scope="module")
def reviewed(bundle: Path, plain: Path) -> Path:
    ids = ["|".join((row["check"], row["asset"], row["subject"])) for row in ledger(plain) if row["verdict"] == "fail"]
    text = "".join(f"[[review]]\nfinding = {json.dumps(name)}\n{REVIEWED}" for name in ids)
    (bundle.parent / "review.toml").write_text(text, encoding="utf-8")
    assess([bundle], bundle.parent / "reviewed", reviews=bundle.parent / "review.toml")
    return bundle.parent / "reviewed"


def by_ref(out: Path) -> dict[str, tuple[str, str | None]]:
    said = json.loads((out / "assessment.json").read_text(encoding="utf-8"))
    return {f"{one['standard']}/{one['id']}": (one["verdict"], one["reason"]) for one in said["provisions"]}


def passes(out: Path) -> set[str]:
    return {ref for ref, (verdict, _) in by_ref(out).items() if verdict == "pass"}


def test_what_passes_is_what_somebody_saw_or_answered_for(plain: Path) -> None:
    assert passes(plain) == {
        "owasp-isvs-1.0/1.4.2",
        "owasp-isvs-1.0/1.1.3",
        "iec-62443-4-2/CR 1.12",
        "owasp-isvs-1.0/2.4.7",
        "ms-azure-policy-iot/672d56b3-23a7-4a3c-a233-b77ed7777518",
    }
    assert by_ref(plain)["owasp-isvs-1.0/1.4.3"] == ("inconclusive", "needs_manual_test")  # the other device was not tested


def test_a_waiver_changes_no_verdict(plain: Path, waived: Path) -> None:
    assert any(one["waived"] for one in json.loads((waived / "assessment.json").read_text(encoding="utf-8"))["findings"])
    assert by_ref(waived) == by_ref(plain)
    assert pq.read_table(waived / FILE).equals(pq.read_table(plain / FILE))
    assert ledger(waived) == ledger(plain)


def test_a_false_positive_passes_nothing(plain: Path, reviewed: Path) -> None:
    assert passes(reviewed) == passes(plain)
    failed = {ref for ref, (verdict, _) in by_ref(plain).items() if verdict == "fail"}
    assert failed
    assert {by_ref(reviewed)[ref] for ref in failed} == {("inconclusive", "reviewed_false_positive")}
    assert ledger(reviewed) == ledger(plain)


def test_every_format_tells_of_provisions_or_says_why_not() -> None:
    assert sorted([*TELLS, *SILENT]) == sorted(registry.formats())


@pytest.fixture(scope="module")
def views(waived: Path, reviewed: Path) -> list[tuple[Path, Report]]:
    return [(out, load(out)) for out in (waived, reviewed)]


@pytest.mark.parametrize("format", sorted(TELLS))
def test_every_format_tells_what_was_concluded(format: str, views: list[tuple[Path, Report]], tmp_path: Path) -> None:
    for out, view in views:
        registry.write(format, out, tmp_path / out.name, report=view)
        told = TELLS[format](tmp_path / out.name)
        assert sorted(told) == sorted((ref, verdict) for ref, (verdict, _) in by_ref(out).items())


def test_paper_counts_what_was_concluded(reviewed: Path, tmp_path: Path) -> None:
    registry.write("pdf", reviewed, tmp_path)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for ref, (verdict, _) in sorted(by_ref(reviewed).items()):
        counts[ref.partition("/")[0]][verdict] += 1
    told = {"fail", "inconclusive", "pass"}
    assert counted_on_paper(tmp_path) == [{word: n for word, n in each.items() if word in told} for each in counts.values()]

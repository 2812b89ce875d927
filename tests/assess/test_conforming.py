"""From a ledger to provisions: the fold in SQL against a plain reading of every row, who is asked, and rigs that are odd or large."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.assess import answers as answers_module
from plumbline.assess import conforming as conforming_module
from plumbline.assess.answers import DECLARED, MANUAL, LedgerAnswers
from plumbline.assess.asked import find_asked
from plumbline.assess.assessment import Assessment, Tally
from plumbline.assess.conformance import SILENCE, Answers, Judged, Question, Told, conclude, judge_told, strongest, weakest, worst
from plumbline.assess.conforming import chosen_profiles, within
from plumbline.assess.run import assess
from plumbline.evidence.engine import Connection, connect
from plumbline.model.errors import InputError
from plumbline.model.words import Basis, Outcome, Verdict
from plumbline.standards.standard import AskedOf, Confidence, Field, Provision
from tests.assess.making import COVERAGE, HUB, NOW, ROWS, write_bundle

CHECKS = ("a.one", "a.two", "b.three")
RIG = "rig:/r"
CAPTURE = "capture:/c"  # of which "a.two" tells what it happens to hold
ASSETS = ("host:s/1", "host:s/2", "edge:/g", "hub:/h", "image:/i", CAPTURE, "identity:h/lone-1", "identity:h/lone-2", RIG)
LEDGER = pa.schema([(name, pa.string()) for name in ("check", "asset", "subject", "verdict", "reason", "basis")])
Row = dict[str, Any]


def provision(name: str, per: AskedOf, *, whole: bool = False, manual: bool = False, declare: bool = False) -> Provision:
    return Provision(
        *("std", name, "must", "M", Field.DEVICE, name, name, Confidence.HIGH, per, whole),
        declare="Do you?" if declare else None,
        manual="Look." if manual else None,
        gap=None if whole or manual or declare else "Nobody can tell.",
    )


PROVISIONS = (
    provision("gap", AskedOf.CLOUD),
    provision("hand", AskedOf.DEVICE, manual=True),
    provision("nobody's", AskedOf.DEVICE, declare=True),
    provision("owner", AskedOf.GATEWAY, declare=True),
    provision("process", AskedOf.RIG, declare=True, manual=True),
    provision("whole", AskedOf.DEVICE, whole=True),
)
NAMED = {
    "std/whole": ["a.one"],
    "std/hand": ["a.one", "a.two"],
    "std/owner": ["a.two", "b.three"],
    "std/gap": ["b.three"],
    "std/process": ["a.one", "b.three"],
}


def by_chance(seed: int) -> list[Row]:
    chance = random.Random(seed)
    rows: dict[tuple[str, str, str], Row] = {}
    for _ in range(chance.randrange(30)):
        check = chance.choice((*CHECKS, MANUAL, DECLARED))
        verdict = chance.choices(("fail", "inconclusive", "pass", "not_applicable"), (1, 2, 4, 2))[0]
        subject = chance.choice(("", "tcp/1"))
        if check in (MANUAL, DECLARED):
            subject = chance.choice([*(one.ref for one in PROVISIONS), *([f"check/{one}" for one in CHECKS] if check == MANUAL else ["x"])])
        asset = chance.choice(ASSETS)
        basis = {MANUAL: "manual", DECLARED: "declared"}.get(check) or chance.choice(("observed", "inferred", "imported"))
        rows[check, asset, subject] = {
            **{"check": check, "asset": asset, "subject": subject, "verdict": verdict},
            "reason": chance.choice(("timeout", "refused", "not_observed")) if verdict == "inconclusive" else None,
            "basis": basis if verdict in ("pass", "fail") else None,
        }
    return list(rows.values())


def wrong(row: Row) -> bool:
    """Reviews call fails on the second host false."""
    return bool(row["verdict"] == "fail" and row["asset"] == "host:s/2")


def told_by(checks: Iterable[str], rows: Sequence[Row], one: Provision, asset: str) -> list[Row]:
    """What checks, and people in their place, say of an asset."""
    found: list[Row] = []
    for check in checks:
        by_hand = [row for row in rows if row["check"] == MANUAL and row["subject"] == f"check/{check}"]
        own = [row for row in by_hand if row["asset"] == asset]
        right = [row for row in own if not wrong(row)]
        lent = ("pass", "not_applicable") if asset == RIG and one.per is not AskedOf.RIG else ()
        of_rig = [row for row in by_hand if row["asset"] == RIG and not wrong(row)]
        for row in rows:
            if row["check"] == check and row["asset"] == asset:
                instead = (right or of_rig) if row["verdict"] == "inconclusive" else []
                found.append({**row, "verdict": instead[0]["verdict"], "basis": "manual"} if instead else row)
        found += [{**row, "basis": "manual", "reason": "needs_manual_test"} for row in own if row["verdict"] not in lent]
    return found


def unjudged_in(found: Iterable[Row]) -> str | None:
    return worst(row["reason"] for row in found if row["verdict"] == "inconclusive")


def read_plainly(rows: Sequence[Row], one: Provision, asset: str) -> Answers:
    """What was said of a provision on an asset, row by row, from the words of the contract."""
    checks = NAMED.get(one.ref, ())
    found = told_by(checks, rows, one, asset)
    gap = unjudged_in(told_by([check for check in checks if check == "a.two"], rows, one, CAPTURE))
    for row in rows:
        if (row["check"], row["asset"], row["subject"]) == (MANUAL, asset, "check/a.two") and asset != RIG:
            gap = gap if row["verdict"] == "inconclusive" or wrong(row) else None
    said = {
        check: [row for row in rows if (row["check"], row["asset"], row["subject"]) == (check, asset, one.ref)]
        for check in (MANUAL, DECLARED)
    }
    words = [*found, *said[MANUAL], *said[DECLARED]]

    def of_people(check: str) -> Verdict | None:
        return next((Verdict(row["verdict"]) for row in said[check] if not wrong(row)), None)

    return Answers(
        failed=strongest(Basis(row["basis"]) for row in found if row["verdict"] == "fail" and not wrong(row)),
        false_positive=any(wrong(row) for row in words),
        unjudged=unjudged_in(found) or (gap if words else None),
        passed=weakest(Basis(row["basis"]) for row in found if row["verdict"] == "pass"),
        absent=any(row["verdict"] == "not_applicable" for row in found),
        manual=None if asset == RIG else of_people(MANUAL),
        declared=None if asset == RIG else of_people(DECLARED),
    )


def test_a_test_by_hand_closes_for_its_asset_what_a_capture_that_was_cut_leaves_open() -> None:
    row = {"subject": "", "reason": None, "basis": "observed"}
    rows: list[Row] = [{**row, "check": "a.two", "asset": CAPTURE, "verdict": "inconclusive", "reason": "timeout", "basis": None}]
    rows += [{**row, "check": "a.one", "asset": asset, "verdict": "pass"} for asset in ("host:s/1", "host:s/2")]
    rows.append({**row, "check": MANUAL, "asset": "host:s/1", "subject": "check/a.two", "verdict": "pass", "basis": "manual"})
    with connect(threads=1) as connection:
        knowing(connection, rows)
        find_asked(connection, ())
        said = LedgerAnswers(connection, PROVISIONS, NAMED, "false", [("a.two", "capture")]).by_asset()
    told = said[[one.id for one in PROVISIONS].index("hand")].told
    assert {(one.answers.passed, one.answers.unjudged) for one in told if one.asked} == {(Basis.MANUAL, None), (Basis.OBSERVED, "timeout")}


def of_rig(rows: Sequence[Row], one: Provision) -> Answers:
    said = {
        check: next(
            (Verdict(row["verdict"]) for row in rows if (row["check"], row["asset"], row["subject"]) == (check, RIG, one.ref)), None
        )
        for check in (MANUAL, DECLARED)
    }
    return Answers(manual=said[MANUAL], declared=said[DECLARED])


def is_asked(one: Provision, asset: str) -> bool:
    kinds = {AskedOf.DEVICE: ("host", "identity"), AskedOf.GATEWAY: ("edge",), AskedOf.CLOUD: ("hub",), AskedOf.RIG: ()}
    return asset.partition(":")[0] in kinds[one.per]


def knowing(connection: Connection, rows: Iterable[Row]) -> None:
    """Make what an assessment has when provisions are judged; the lone identities are known to their hub alone."""
    connection.register("ledger_rows", pa.Table.from_pylist(list(rows), schema=LEDGER))
    connection.execute("create view ledger as from ledger_rows")
    known = [{"asset": asset, "kinds": [asset.partition(":")[0]], "address": None} for asset in ASSETS if "lone" not in asset]
    schema = pa.schema([("asset", pa.string()), ("kinds", pa.list_(pa.string())), ("address", pa.string())])
    connection.register("known_rows", pa.Table.from_pylist(known, schema=schema))
    connection.execute("create table known.asset as from known_rows")
    connection.execute(
        "create view main.asset as from known.asset union all select 'identity:h/lone-' || i, ['identity'], null from range(1, 4) t(i)"
    )
    connection.execute("create temp table listed as from main.asset where asset <> 'identity:h/lone-3'")


@pytest.mark.parametrize("seed", [*range(8), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(8, 60))])
def test_the_fold_says_what_a_plain_reading_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(answers_module, "CELLS", 1 if seed % 2 else 1_000)
    rows = by_chance(seed)
    with connect(threads=1) as connection:
        knowing(connection, rows)
        counts = find_asked(connection, ())
        answers = LedgerAnswers(connection, PROVISIONS, NAMED, "asset = 'host:s/2'", [("a.two", "capture")])
        said = answers.by_asset()
        judged = [
            (n, told, judge_told(Question.of(one, NAMED.get(one.ref, ())), told.answers, said[n].rig, asked=told.asked))
            for n, one in enumerate(PROVISIONS)
            for told in said[n].told
        ]
        silence = [
            judge_told(Question.of(one, NAMED.get(one.ref, ())), SILENCE, said[n].rig, asked=True) for n, one in enumerate(PROVISIONS)
        ]
        answers.write(tmp_path / "c.parquet", [(Judged(Verdict.PASS), ())] * len(PROVISIONS), judged, silence)
    got = {
        (row["provision"], row["asset"]): (row["verdict"], row["reason"], row["basis"])
        for row in pq.read_table(tmp_path / "c.parquet").to_pylist()
    }
    expected: dict[tuple[str, str], tuple[str, str | None, str | None]] = {}
    for n, one in enumerate(PROVISIONS):
        question, rig = Question.of(one, NAMED.get(one.ref, ())), of_rig(rows, one)
        assert said[n].rig == rig
        each: Counter[Judged] = Counter()
        for asset in ASSETS:
            told, asked = read_plainly(rows, one, asset), is_asked(one, asset)
            if told != SILENCE or asked:
                came_to = judge_told(question, told, rig, asked=asked)
                expected[one.ref, asset] = (came_to.verdict, came_to.reason, came_to.basis)
                each[came_to] += 1
        if one.per is AskedOf.DEVICE:  # the third lone identity is counted, and neither listed nor spoken of
            each[judge_told(question, SILENCE, rig, asked=True)] += 1
        asked_and_known = counts.get(one.per, 0)
        assert conclude(question, one.per, said[n].told, asked_and_known - said[n].asked, rig).assets == each
    assert {key: value for key, value in got.items() if key[1]} == expected


@pytest.mark.parametrize("asset", ["host:s/1", RIG])
def test_of_a_ledger_that_is_too_large_a_fail_by_hand_is_still_read(asset: str) -> None:
    rows = [
        {"check": MANUAL, "asset": asset, "subject": subject, "verdict": "fail", "basis": "manual"}
        for subject in ("check/a.one", "std/gap")
    ]
    with connect(threads=1) as connection:
        knowing(connection, rows)
        said = LedgerAnswers(connection, PROVISIONS, NAMED, "false").by_people()
    for one, told in zip(PROVISIONS, said, strict=True):
        fails = [*told.told, Told(told.rig, asked=False, assets=1)]
        failed = any(answers.answers.failed or answers.answers.manual is Verdict.FAIL for answers in fails)
        assert failed == (one.ref in ("std/whole", "std/hand", "std/process", "std/gap")), one.ref


@pytest.mark.parametrize(
    ("name", "kinds", "address", "networks", "expected"),
    [
        ("a host", ["host"], "10.0.0.5", ["10.0.0.0/8"], {AskedOf.DEVICE}),
        ("a declared asset that nobody saw", ["declared"], None, [], {AskedOf.DEVICE}),
        ("a system", ["system"], None, [], {AskedOf.DEVICE}),
        ("a gateway on a host", ["edge", "host", "identity"], "10.0.0.5", [], {AskedOf.DEVICE, AskedOf.GATEWAY}),
        ("a gateway by its manifest alone", ["edge"], None, [], {AskedOf.GATEWAY}),
        ("a hub", ["hub"], None, [], {AskedOf.CLOUD}),
        ("a sender in the rig's networks", ["station"], "10.0.0.5", ["10.0.0.0/24", "fd00::/8"], {AskedOf.DEVICE}),
        ("a neighbour", ["station"], "192.168.1.5", ["10.0.0.0/24"], set()),
        ("a sender, where no network is known", ["station"], "192.168.1.5", [], {AskedOf.DEVICE}),
        ("a sender without an address", ["station"], None, ["10.0.0.0/24"], set()),
        ("a neighbour that is declared", ["declared", "station"], "192.168.1.5", ["10.0.0.0/24"], {AskedOf.DEVICE}),
        ("an image", ["image"], None, [], set()),
        ("a capture", ["capture"], None, [], set()),
        ("a bill of materials", ["sbom"], None, [], set()),
        ("the rig", ["rig"], None, [], set()),
    ],
)
def test_who_is_asked(name: str, kinds: list[str], address: str | None, networks: list[str], expected: set[AskedOf]) -> None:
    with connect(threads=1) as connection:
        connection.execute("create table known.asset (asset varchar, kinds varchar[], address varchar)")
        connection.execute("insert into known.asset values ('x', $kinds, $address)", {"kinds": kinds, "address": address})
        connection.execute("create view main.asset as from known.asset")
        counts = find_asked(connection, networks)
        assert {word for word, count in counts.items() if count} == expected
        assert bool(connection.execute("select count(*) from asked").fetchone()[0]) == bool(expected)


@pytest.mark.parametrize(
    ("name", "counts", "limits", "expected"),
    [
        ("all passed", Tally(passed=9), (0, 0), True),
        ("one failed", Tally(passed=9, fail=1), (0, 0), False),
        ("as many as may", Tally(passed=9, fail=2, inconclusive=1), (2, 1), True),
        ("one more", Tally(passed=9, fail=3), (2, 9), False),
        ("an open one could decide it", Tally(passed=9, inconclusive=1), (0, 0), None),
        ("failed all the same", Tally(fail=1, inconclusive=9), (0, 0), False),
        ("nothing passed", Tally(inconclusive=3), (9, 9), None),
        ("nothing applies", Tally(not_applicable=3), (0, 0), None),
        ("nothing at all", Tally(), (0, 0), None),
    ],
)
def test_whether_a_profile_is_kept(name: str, counts: Tally, limits: tuple[int, int], expected: bool | None) -> None:
    assert within(counts, *limits) is expected


def test_profiles_are_those_that_the_rig_file_names() -> None:
    assert [one.id for one in chosen_profiles(["uk-psti-2023", "etsi-mandatory", "uk-psti-2023"])] == ["uk-psti-2023", "etsi-mandatory"]
    assert len(chosen_profiles([])) > 11
    with pytest.raises(InputError, match="no standard or profile 'etsi'"):
        chosen_profiles(["etsi"])


def of(assessment: Assessment, ref: str) -> Any:
    return next(one for one in assessment.provisions if f"{one.standard}/{one.id}" == ref)


def test_every_provision_of_the_chosen_standards_is_there(tmp_path: Path) -> None:
    rig = '[rig]\nid = "t"\n[standards]\nassess = ["uk-psti-2023"]\n'
    assessment = assess([write_bundle(tmp_path / "b", rig_text=rig)], tmp_path / "o")
    assert {one.standard for one in assessment.provisions} == {"uk-psti-2023"}
    [profile] = assessment.profiles
    assert [one.provision for one in profile.provisions] == [f"{one.standard}/{one.id}" for one in assessment.provisions]
    rows = pq.read_table(tmp_path / "o" / "conformance.parquet").to_pylist()
    assert [row["provision"] for row in rows if row["asset"] == ""] == [f"{one.standard}/{one.id}" for one in assessment.provisions]
    assert [(row["provision"], row["asset"]) for row in rows] == sorted((row["provision"], row["asset"]) for row in rows)


def test_a_rig_of_nothing_passes_nothing(tmp_path: Path) -> None:
    assessment = assess([write_bundle(tmp_path / "b", [], [])], tmp_path / "o")
    assert {one.verdict for one in assessment.provisions} == {Verdict.INCONCLUSIVE}
    assert {one.within for one in assessment.profiles} == {None}
    assert len({one.standard for one in assessment.provisions}) == 11


@pytest.mark.full
def test_identities_that_only_a_hub_knows_are_devices_and_counted(tmp_path: Path) -> None:
    rows: list[Any] = [
        ("hub_identity", f"identity:northwind/{n:04d}", "", {"hub": "northwind", "device_id": f"{n:04d}", "status": "enabled"})
        for n in range(1500)
    ]
    assessment = assess([write_bundle(tmp_path / "b", rows, [(HUB, "hub_identity", "", Outcome.OK, 1500)])], tmp_path / "o")
    assert {one.asked for one in assessment.provisions} == {1500, 1, 0}
    for one in assessment.provisions:
        assert one.assets is not None
        counted = sum((one.assets.fail, one.assets.inconclusive, one.assets.passed, one.assets.not_applicable))
        assert counted >= one.asked
    listed = {row["asset"] for row in pq.read_table(tmp_path / "o" / "conformance.parquet").to_pylist()}
    assert len(listed) <= 1003


def test_assets_of_a_ledger_that_is_too_large_are_not_counted_and_nothing_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = write_bundle(tmp_path / "b", ROWS, COVERAGE)
    small = assess([bundle], tmp_path / "o")
    monkeypatch.setattr(conforming_module, "COUNTED_ROWS", 0)
    large = assess([bundle], tmp_path / "o")
    assert all(one.assets is None for one in large.provisions)
    for one, other in zip(small.provisions, large.provisions, strict=True):
        assert (one.verdict is Verdict.FAIL) == (other.verdict is Verdict.FAIL)
        assert other.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)
    assert {row["asset"] for row in pq.read_table(tmp_path / "o" / "conformance.parquet").to_pylist()} == {""}


def test_a_network_that_is_none_is_the_bundles_fault() -> None:
    with connect(threads=1) as connection, pytest.raises(InputError, match=r"'10\.0\.0\.0/64' is no network"):
        find_asked(connection, ["10.0.0.0/64"])


def test_what_people_say_reaches_provisions(tmp_path: Path) -> None:
    rig = '[rig]\nid = "t"\n[standards]\nassess = ["etsi-en-303-645"]\n'
    by_hand = {"tester": "A. Smith", "method": "test", "performed_at": NOW}
    rows: list[Any] = [
        *ROWS,
        ("manual_result", "rig:/t", "etsi-en-303-645/5.1-4", {"provision": "etsi-en-303-645/5.1-4", "verdict": "pass", **by_hand}),
        (
            "manual_result",
            "declared:s/cam-1",
            "etsi-en-303-645/5.3-2",
            {"provision": "etsi-en-303-645/5.3-2", "verdict": "fail", **by_hand},
        ),
        ("declaration", "rig:/t", "etsi-en-303-645/5.2-1", {"provision": "etsi-en-303-645/5.2-1", "met": "no"}),
        (
            "declaration",
            "rig:/t",
            "etsi-en-303-645/5.11-2",
            {"provision": "etsi-en-303-645/5.11-2", "met": "not_applicable", "justification": "It keeps nothing.", "answered_at": NOW},
        ),
    ]
    coverage = [*COVERAGE, ("rig:/t", "manual_result", "", Outcome.OK, 2), ("rig:/t", "declaration", "", Outcome.OK, 2)]
    assessment = assess([write_bundle(tmp_path / "b", rows, coverage, rig_text=rig)], tmp_path / "o")
    came_to = {ref: (one.verdict, one.basis) for ref in SPOKEN if (one := of(assessment, ref))}
    assert came_to == SPOKEN


SPOKEN = {
    "etsi-en-303-645/5.1-4": (Verdict.PASS, Basis.MANUAL),
    "etsi-en-303-645/5.3-2": (Verdict.FAIL, Basis.MANUAL),
    "etsi-en-303-645/5.2-1": (Verdict.FAIL, Basis.DECLARED),
    "etsi-en-303-645/5.11-2": (Verdict.NOT_APPLICABLE, Basis.DECLARED),
}


def test_a_test_by_hand_of_what_a_check_asks_counts_unless_a_review_calls_it_false_and_stands_on_no_rig(tmp_path: Path) -> None:
    asked, subject = "etsi-en-303-645/5.6-1", "check/device.telnet_service"
    by_hand = {"check_id": "device.telnet_service", "tester": "A. Smith", "method": "test", "performed_at": NOW}
    review = tmp_path / "review.toml"
    review.write_text(
        f'[[review]]\nfinding = "{MANUAL}|declared:s/cam-1|{subject}"\n'
        'action = "false_positive"\nwho = "A"\nwhy = "B"\nuntil = 2027-01-31\n'
    )
    failed = write_bundle(tmp_path / "f", [*ROWS, ("manual_result", "declared:s/cam-1", subject, {"verdict": "fail", **by_hand})])
    assert of(assess([failed], tmp_path / "o"), asked).verdict is Verdict.FAIL
    reviewed = of(assess([failed], tmp_path / "o", reviews=review), asked)
    assert (reviewed.verdict, reviewed.reason) == (Verdict.INCONCLUSIVE, "reviewed_false_positive")
    passed = write_bundle(tmp_path / "p", [*ROWS, ("manual_result", "rig:/t", subject, {"verdict": "pass", **by_hand})])
    assert of(assess([passed], tmp_path / "o"), asked).assets.passed == 0
    rows = pq.read_table(tmp_path / "o" / "conformance.parquet").to_pylist()
    assert not [row for row in rows if row["provision"] == asked and row["verdict"] == "pass"]


@pytest.mark.parametrize(
    ("outcome", "complete", "narrowed", "verdict", "reason"),
    [
        (Outcome.OK, True, False, Verdict.PASS, None),
        (Outcome.TIMEOUT, True, False, Verdict.INCONCLUSIVE, "timeout"),
        (Outcome.PARTIAL, True, False, Verdict.INCONCLUSIVE, "partial"),
        (Outcome.OK, False, False, Verdict.INCONCLUSIVE, "not_attempted"),
        (Outcome.OK, True, True, Verdict.INCONCLUSIVE, "not_attempted"),
        (None, True, False, Verdict.INCONCLUSIVE, "not_attempted"),  # the bundle that would tell of it was not given
    ],
)
def test_nothing_asked_of_devices_passes_over_the_rig_where_some_may_not_have_been_seen(
    tmp_path: Path, outcome: Outcome | None, complete: bool, narrowed: bool, verdict: Verdict, reason: str | None
) -> None:
    asked, settled = "etsi-en-303-645/5.1-4", "etsi-en-303-645/5.1-5"
    by_hand = {"verdict": "pass", "tester": "A. Smith", "method": "test", "performed_at": NOW}
    rows: list[Any] = [
        *ROWS,
        *(("manual_result", asset, asked, {"provision": asked, **by_hand}) for asset in ("declared:s/cam-1", "host:s/10.0.0.6")),
        ("manual_result", "rig:/t", settled, {"provision": settled, **by_hand}),
    ]
    coverage = [*COVERAGE, *([("network:s/other", "host", "", outcome, 0)] if outcome is not None else [])]
    text = '[rig]\nid = "t"\n[[network]]\nname = "other"\nsite = "s"\n'
    bundle = write_bundle(tmp_path / "b", rows, coverage, rig_text=text, complete=complete)
    if narrowed:
        manifest = bundle / "manifest.json"
        manifest.write_text(manifest.read_text().replace("{", '{"narrowed": true,', 1))
    assessment = assess([bundle], tmp_path / "o")
    assert (of(assessment, asked).verdict, of(assessment, asked).reason) == (verdict, reason)
    assert of(assessment, settled).verdict is not Verdict.INCONCLUSIVE, "what was said of the rig holds for whoever is there"


@pytest.mark.full
def test_a_thousand_hosts_are_counted_and_listed(tmp_path: Path) -> None:
    rows: list[Any] = []
    for n in range(1000):
        host = f"host:s/10.1.{n // 250}.{n % 250}"
        rows += [
            ("host", host, "", {"address": host.partition("/")[2], "network": "n"}),
            ("mqtt_broker", host, "tcp/1883", {"port": 1883, "anonymous_accepted": n % 2 == 0}),
        ]
    assessment = assess([write_bundle(tmp_path / "b", rows, [("network:s/n", "host", "", Outcome.OK, 1000)])], tmp_path / "o")
    one = of(assessment, "etsi-en-303-645/5.5-5")
    assert (one.verdict, one.asked, one.assets.fail) == (Verdict.FAIL, 1000, 500)
    assert {item.asked for item in assessment.provisions} == {1000, 0}
    listed = Counter(row["provision"] for row in pq.read_table(tmp_path / "o" / "conformance.parquet").to_pylist())
    assert listed["etsi-en-303-645/5.5-5"] == 1001  # the hosts and the rig

"""Waivers and reviews over a judged rig: what they change, what they never change, and that reports lay them over as assess does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from plumbline.assess.assessment import Assessment, FindingReview, plain, read_json
from plumbline.assess.relaid import relaid
from plumbline.assess.run import assess
from plumbline.cli.exits import Exit, exit_of
from plumbline.model.errors import InputError
from plumbline.model.words import Severity, Verdict
from tests.assess.making import write_bundle

BROKER = "gateway.broker_accepts_anonymous"
CAM = "declared:s/cam-1"
FINDING = f"{BROKER}|{CAM}|tcp/1883"
WAIVERS = f"""
[[waiver]]
id = "broker"
check = "{BROKER}"
asset = "cam-1"
owner = "Operations"
reason = "Replaced in spring."
from = 2026-11-01
until = 2026-11-30
[[waiver]]
id = "elsewhere"
check = "{BROKER}"
asset = "cam-2"
owner = "Operations"
reason = "Gone."
from = 2026-11-01
until = 2026-11-30
[[waiver]]
id = "old"
check = "*"
asset = "cam-1"
owner = "Operations"
reason = "Was so."
from = 2026-01-01
until = 2026-11-20
[[waiver]]
id = "to come"
check = "*"
asset = "cam-1"
owner = "Operations"
reason = "Will be so."
from = 2026-11-22
until = 2026-11-30
""".replace('"to come"', '"to-come"')
FALSE = f'[[review]]\nfinding = "{FINDING}"\naction = "false_positive"\nwho = "A"\nwhy = "A honeypot."\nuntil = 2027-01-01\n'
RATED = f'[[review]]\ncheck = "{BROKER}"\naction = "rate"\nseverity = "low"\nwho = "A"\nwhy = "Behind a switch."\nuntil = 2027-01-01\n'
RIG = '[rig]\nid = "t"\n[standards]\nassess = ["etsi-en-303-645", "iot-baseline"]\n'


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("rig") / "bundle", rig_text=RIG)


@pytest.fixture(scope="module")
def plainly(bundle: Path) -> Assessment:
    return assess([bundle], bundle.parent / "out")


def written(folder: Path, text: str) -> Path:
    path = folder / "overlay.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_waiver_shows_its_finding_and_takes_it_out_of_the_exit_code(tmp_path: Path, bundle: Path, plainly: Assessment) -> None:
    waived = assess([bundle], tmp_path / "o", waivers=written(tmp_path, WAIVERS))
    assert waived.ledger_digest == plainly.ledger_digest
    assert (tmp_path / "o" / "ledger.parquet").read_bytes() == (bundle.parent / "out" / "ledger.parquet").read_bytes()
    assert {finding.id: finding.waived for finding in waived.findings if finding.waived} == {FINDING: "broker"}
    assert {one.id: (one.state, one.findings) for one in waived.waivers} == {
        "broker": ("active", 1),
        "elsewhere": ("unused", 0),
        "old": ("ended", 0),
        "to-come": ("not_yet", 0),
    }
    assert (waived.counts, waived.severities) == (plainly.counts, plainly.severities)
    assert plainly.standing[Severity.CRITICAL] == waived.standing[Severity.CRITICAL] + 1
    assert exit_of(plainly, Severity.CRITICAL)[0] is Exit.FINDING
    assert exit_of(waived, Severity.CRITICAL)[0] is not Exit.FINDING
    assert (waived.provisions, waived.profiles) == (plainly.provisions, plainly.profiles)


def test_a_false_positive_is_never_a_pass(tmp_path: Path, bundle: Path, plainly: Assessment) -> None:
    reviewed = assess([bundle], tmp_path / "o", reviews=written(tmp_path, FALSE))
    assert reviewed.ledger_digest == plainly.ledger_digest
    assert reviewed.standing[Severity.CRITICAL] == plainly.standing[Severity.CRITICAL] - 1
    before, after = ({f"{one.standard}/{one.id}": one for one in said.provisions} for said in (plainly, reviewed))
    changed = {ref for ref in before if before[ref] != after[ref]}
    assert changed
    for ref in changed:
        assert before[ref].verdict is Verdict.FAIL
        assert BROKER in before[ref].checks
        told = after[ref]
        assert told.assets and before[ref].assets
        assert told.assets.fail == before[ref].assets.fail - 1
        assert told.assets.passed == before[ref].assets.passed
        assert told.verdict is Verdict.FAIL or (told.verdict, told.reason) == (Verdict.INCONCLUSIVE, "reviewed_false_positive")
    rows = pq.read_table(tmp_path / "o" / "conformance.parquet").to_pylist()
    of_camera = {row["provision"]: row["reason"] for row in rows if row["asset"] == CAM and BROKER in row["checks"]}
    assert of_camera["etsi-en-303-645/5.5-5"] == "reviewed_false_positive"


def test_the_first_review_that_is_active_counts_and_a_rating_for_the_exit_code_alone(
    tmp_path: Path, bundle: Path, plainly: Assessment
) -> None:
    ended = FALSE.replace("2027-01-01", "2026-11-01")
    rated = assess([bundle], tmp_path / "o", reviews=written(tmp_path, ended + RATED + FALSE))
    [finding] = [finding for finding in rated.findings if finding.check == BROKER]
    assert finding.review == FindingReview(2, "rate", Severity.LOW)
    assert finding.severity is Severity.CRITICAL
    assert [one.state for one in rated.reviews] == ["ended", "active", "unused"]
    assert rated.standing[Severity.LOW] == plainly.standing[Severity.LOW] + 1
    assert (rated.severities, rated.provisions) == (plainly.severities, plainly.provisions)


@pytest.mark.parametrize(("waivers", "reviews"), [(WAIVERS, FALSE), (None, RATED)])
def test_a_report_lays_them_over_as_an_assessment_does(
    tmp_path: Path, bundle: Path, plainly: Assessment, waivers: str | None, reviews: str | None
) -> None:
    given: dict[str, Path | None] = {"waivers": None, "reviews": None}
    for name, text in (("waivers", waivers), ("reviews", reviews)):
        if text is not None:
            (tmp_path / name).mkdir()
            given[name] = written(tmp_path / name, text)
    wanted = plain(assess([bundle], tmp_path / "o", **given))  # type: ignore[arg-type]
    out = bundle.parent / "out"
    got = json.loads(json.dumps(relaid(out, read_json(out), given["waivers"], given["reviews"])))
    for name in ("waivers", "reviews", "standing", "findings", "profiles"):
        assert got[name] == json.loads(json.dumps(wanted[name])), name
    before, after = rows(out), rows(tmp_path / "o")
    assert {(provision, asset) for provision, asset in got.get("taken_back", ())} == {key for key in before if before[key] != after[key]}
    assert [stripped(one) for one in got["provisions"]] == [stripped(one) for one in wanted["provisions"]]
    assert read_json(out) == plainly.to_json() | {"format": 1}


def rows(out: Path) -> dict[tuple[str, str], str]:
    """The verdicts of conformance.parquet."""
    return {(row["provision"], row["asset"]): row["verdict"] for row in pq.read_table(out / "conformance.parquet").to_pylist()}


def stripped(provision: dict[str, Any]) -> dict[str, Any]:
    """Without what a report cannot know: what is left by hand where a fail became a question."""
    return {name: value for name, value in provision.items() if name != "remains"}


def test_false_positives_of_the_assessment_cannot_be_taken_back_by_a_report(tmp_path: Path, bundle: Path) -> None:
    file = written(tmp_path, FALSE)
    assess([bundle], tmp_path / "o", reviews=file)
    with pytest.raises(InputError, match="assess the bundle again with --review"):
        relaid(tmp_path / "o", read_json(tmp_path / "o"), None, file)


def test_an_assessment_without_its_ledger_cannot_be_laid_over(tmp_path: Path, bundle: Path, plainly: Assessment) -> None:
    shutil.copy(bundle.parent / "out" / "assessment.json", tmp_path / "assessment.json")
    with pytest.raises(InputError, match="holds no ledger"):
        relaid(tmp_path, read_json(tmp_path), written(tmp_path, WAIVERS), None)

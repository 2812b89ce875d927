"""OSCAL out: accepted by NIST's schemas and by trestle's models, every failed verdict an observation, nothing passed by silence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from trestle.oscal.assessment_plan import AssessmentPlan
from trestle.oscal.assessment_results import AssessmentResults
from trestle.oscal.poam import PlanOfActionAndMilestones

from plumbline.model.words import Verdict
from plumbline.report import oscal, registry
from plumbline.report.data import Report
from plumbline.report.loading import load
from plumbline.report.oscal_terms import control, markup, string, token
from plumbline.report.text import plural
from plumbline.standards.loading import load_standards
from tests.report import schemas
from tests.report.conftest import MISTAKEN, OVERLAID

FILES = {
    oscal.PLAN: ("assessment-plan", AssessmentPlan),
    oscal.RESULTS: ("assessment-results", AssessmentResults),
    oscal.POAM: ("poam", PlanOfActionAndMilestones),
}


@pytest.fixture(scope="module")
def folder(out: Path, report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("oscal")
    registry.write("oscal", out, to, report=report)
    return to


@pytest.fixture(scope="module")
def result(folder: Path) -> Mapping[str, Any]:
    [found] = json.loads((folder / oscal.RESULTS).read_text())["assessment-results"]["results"]
    return dict(found)


def props(thing: Mapping[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in thing.get("props", ())}


@pytest.fixture(scope="module")
def hostile(hostile_out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("oscal")
    registry.write("oscal", hostile_out, to)
    return to


@pytest.mark.parametrize("name", FILES)
def test_the_official_schema_accepts_it(hostile: Path, name: str) -> None:
    check = schemas.validator(*schemas.OSCAL[FILES[name][0]])
    assert schemas.errors(check, json.loads((hostile / name).read_text())) == []


@pytest.mark.parametrize("name", FILES)
def test_trestle_reads_it(hostile: Path, name: str) -> None:
    assert FILES[name][1].oscal_read(hostile / name) is not None


def test_every_failed_verdict_is_an_observation(result: Mapping[str, Any], out: Path) -> None:
    rows = pq.read_table(out / "ledger.parquet").to_pylist()
    failed = [f"{row['check']}|{row['asset']}|{row['subject']}" for row in rows if row["verdict"] == "fail"]
    found = [one for one in result["observations"] if one["types"] == ["finding"]]
    assert [props(one)["finding"] for one in found] == failed
    assert {method for one in found for method in one["methods"]} <= {"TEST", "EXAMINE", "INTERVIEW"}
    counted = props(result)
    assert {name: int(counted[name]) for name in ("fail", "pass", "inconclusive", "not-applicable")} == {
        name: sum(row["verdict"] == name.replace("-", "_") for row in rows) for name in ("fail", "pass", "inconclusive", "not-applicable")
    }


def test_each_provision_fails_passes_or_is_a_question(result: Mapping[str, Any], report: Report) -> None:
    states = {one["target"]["target-id"]: one["target"]["status"]["state"] for one in result["findings"]}
    questions = {props(one)["control"] for one in result["risks"] if one["status"] == "investigating"}
    expected = {Verdict.FAIL: "not-satisfied", Verdict.PASS: "satisfied", Verdict.INCONCLUSIVE: None, Verdict.NOT_APPLICABLE: None}
    for provision in report.provisions:
        name = control(provision.standard, provision.id)
        assert states.get(name) == expected[provision.verdict]
        assert (name in questions) == (provision.verdict is Verdict.INCONCLUSIVE)
    [*selections] = result["reviewed-controls"]["control-selections"]
    reviewed = {one["control-id"] for selection in selections for one in selection["include-controls"]}
    assert reviewed == {control(provision.standard, provision.id) for provision in report.provisions}


def references(thing: Any, suffix: str) -> set[str]:
    if isinstance(thing, Mapping):
        own = {value for name, value in thing.items() if name == suffix}
        return own.union(*(references(value, suffix) for value in thing.values()))
    return set().union(*(references(item, suffix) for item in thing)) if isinstance(thing, list) else set()


@pytest.mark.parametrize("name", [oscal.RESULTS, oscal.POAM])
def test_what_is_referred_to_is_there(folder: Path, name: str) -> None:
    document = json.loads((folder / name).read_text())
    [whole] = document.values()
    body = whole["results"][0] if name == oscal.RESULTS else whole
    assert references(document, "observation-uuid") <= {one["uuid"] for one in body["observations"]}
    assert references(document, "risk-uuid") <= {one["uuid"] for one in body["risks"]}
    assert references(document, "subject-uuid") <= {one["uuid"] for one in body["local-definitions"]["inventory-items"]}
    assert references(document, "actor-uuid") <= {one["uuid"] for one in body["local-definitions"]["assessment-assets"]["components"]} | {
        one["uuid"] for one in whole["metadata"]["parties"]
    }
    uuids = [one["uuid"] for key in ("observations", "risks", "findings", "poam-items") for one in body.get(key, ())]
    assert len(set(uuids)) == len(uuids)


def test_every_recommendation_is_an_item_and_so_is_what_was_not_judged(folder: Path, report: Report) -> None:
    items = json.loads((folder / oscal.POAM).read_text())["plan-of-action-and-milestones"]["poam-items"]
    assert [item["title"] for item in items] == [
        *(markup(action.recommendation) for action in report.actions),
        "Let what could not be judged be judged",
    ]


def test_provisions_of_all_standards_stay_apart_as_controls() -> None:
    refs = [(name, provision) for name, standard in load_standards().items() for provision in standard.provisions]
    assert len({control(*ref) for ref in refs}) == len(refs)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("*bold* <b>&", "\\*bold\\* \\<b\\>\\&"),
        ("[x](y)\nz", "\\[x\\](y)\\\\nz"),
        ("  ", "not named"),
        ("\u202e", "\\\\u202e"),
    ],
)
def test_text_is_no_markup(text: str, written: str) -> None:
    assert markup(text) == written


@pytest.mark.parametrize(("text", "written"), [(" a ", "a"), ("", "not named"), ("a\nb", "a\\nb")])
def test_strings_have_no_white_space_at_their_ends(text: str, written: str) -> None:
    assert string(text) == written


@pytest.mark.parametrize(("text", "written"), [("5.1-1", "_5.1-1"), ("CR 1.1 (a)", "CR-1.1--a-"), ("", "_")])
def test_tokens_begin_with_a_letter(text: str, written: str) -> None:
    assert token(text) == written


def test_the_same_assessment_gives_the_same_files(out: Path, folder: Path, tmp_path: Path) -> None:
    for path in registry.write("oscal", out, tmp_path):
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_what_is_waived_or_called_false_is_a_deviation_with_who_and_why(out: Path, overlaid: Report, tmp_path: Path) -> None:
    registry.write("oscal", out, tmp_path, report=overlaid)
    for name, (_, model) in FILES.items():
        assert model.oscal_read(tmp_path / name) is not None
    [body] = json.loads((tmp_path / oscal.RESULTS).read_text())["assessment-results"]["results"]
    deviations = {props(risk)["check"]: risk for risk in body["risks"] if risk["status"] == "deviation-approved"}
    assert {check: risk["risk-log"]["entries"][0]["title"] for check, risk in deviations.items()} == {
        OVERLAID: "Waived by Head of operations",
        MISTAKEN: "Called a false positive by A. Smith",
    }
    responses = [one["uuid"] for risk in body["risks"] for one in risk.get("remediations", ())]
    assert len(set(responses)) == len(responses)
    about = {one["observation-uuid"] for risk in body["risks"] for one in risk["related-observations"]}
    assert {one["uuid"] for one in body["observations"] if one["types"] == ["finding"]} <= about
    open_ones = {props(risk).get("check") for risk in body["risks"] if risk["status"] == "open"}
    assert not open_ones & set(deviations)


def test_a_risk_counts_the_assets_of_its_own_findings(out: Path, report: Report, tmp_path: Path) -> None:
    """Of a check whose findings are borne on one asset alone, what is open says nothing of that asset."""
    check = next(one for one in report.checks if len({finding.asset for finding in one.findings}) > 1)
    borne = check.findings[0].asset
    waiver = f'id = "w-1"\ncheck = "{check.id}"\nasset = "{borne}"\nowner = "O"\nreason = "R"\n'
    (tmp_path / "waivers.toml").write_text(f"[[waiver]]\n{waiver}from = 2026-11-01\nuntil = 2027-03-31\n")
    registry.write("oscal", out, tmp_path, report=load(out, waivers=tmp_path / "waivers.toml"))
    [body] = json.loads((tmp_path / oscal.RESULTS).read_text())["assessment-results"]["results"]
    observed = {one["uuid"]: one for one in body["observations"]}
    split = [risk for risk in body["risks"] if props(risk).get("check") == check.id]
    assert sorted((risk["status"] for risk in split), reverse=True) == ["open", "deviation-approved"]
    for risk in split:
        about = [observed[one["observation-uuid"]] for one in risk["related-observations"]]
        assets = {one["subjects"][0]["subject-uuid"] for one in about}
        assert risk["description"].endswith(f", on {plural(len(assets), 'asset')}.")

"""Attestations out: valid as CycloneDX 1.6 and 1.7, every provision in them, no score for what was not judged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from plumbline.model.words import Verdict
from plumbline.report import registry
from plumbline.report.data import Report


@pytest.fixture(scope="module")
def text(out: Path, report: Report, tmp_path_factory: pytest.TempPathFactory) -> str:
    [path] = registry.write("cyclonedx_attestation", out, tmp_path_factory.mktemp("attestation"), report=report)
    return path.read_text()


@pytest.fixture(scope="module")
def declared(text: str) -> Mapping[str, Any]:
    return dict(json.loads(text)["declarations"])


def entries(declared: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {entry["requirement"]: entry for attestation in declared["attestations"] for entry in attestation["map"]}


def test_it_is_valid_in_both_versions(text: str, hostile_out: Path, tmp_path: Path) -> None:
    [hostile] = registry.write("cyclonedx_attestation", hostile_out, tmp_path)
    for written in (text, hostile.read_text()):
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None
        newer = json.loads(written) | {"specVersion": "1.7", "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json"}
        assert JsonStrictValidator(SchemaVersion.V1_7).validate_str(json.dumps(newer)) is None


def test_every_provision_is_there_and_scored_only_when_judged(declared: Mapping[str, Any], report: Report) -> None:
    found = entries(declared)
    assert set(found) == {f"standard/{provision.ref}" for provision in report.provisions}
    scores = {Verdict.PASS: 1, Verdict.FAIL: 0, Verdict.INCONCLUSIVE: None, Verdict.NOT_APPLICABLE: None}
    for provision in report.provisions:
        entry = found[f"standard/{provision.ref}"]
        assert entry["conformance"].get("score") == scores[provision.verdict]
        assert entry["conformance"]["rationale"].startswith(f"{provision.verdict}: ")
        assert 0 <= entry["confidence"].get("score", 0) <= 1


def test_fails_are_counter_claims_and_passes_claims(declared: Mapping[str, Any], report: Report) -> None:
    claims = {claim["bom-ref"]: claim for claim in declared["claims"]}
    assert set(claims) == {
        f"claim/{word}/{check.id}"
        for check in report.checks
        for word, count in (("pass", check.tally.passed), ("fail", check.tally.failed))
        if count
    }
    for provision in report.provisions:
        entry = entries(declared)[f"standard/{provision.ref}"]
        assert all(ref.startswith("claim/fail/") for ref in entry.get("counterClaims", ()))
        assert all(ref.startswith("claim/pass/") for ref in entry.get("claims", ()))
        assert {*entry.get("claims", ()), *entry.get("counterClaims", ())} <= set(claims)


def test_every_name_is_given_once_and_leads_somewhere(text: str, declared: Mapping[str, Any]) -> None:
    document = json.loads(text)
    given = [one["bom-ref"] for key in ("assessors", "claims", "evidence") for one in declared[key]]
    given += [standard["bom-ref"] for standard in document["definitions"]["standards"]]
    given += [one["bom-ref"] for standard in document["definitions"]["standards"] for one in standard["requirements"]]
    assert len(set(given)) == len(given)
    named = {ref for claim in declared["claims"] for ref in claim["evidence"]} | set(entries(declared))
    assert named <= set(given)


def test_nobody_affirms_anything(declared: Mapping[str, Any]) -> None:
    assert "affirmation" not in declared
    assert "thirdParty" not in declared["assessors"][0]


def test_the_same_assessment_gives_the_same_file(out: Path, text: str, tmp_path: Path) -> None:
    [again] = registry.write("cyclonedx_attestation", out, tmp_path)
    assert again.read_text() == text

"""OpenVEX and CycloneDX VEX: statuses with justification, products by purl, CPE and name, the newest of two statements."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.vulnerabilities.facts import Status
from tests.vulnerabilities.making import CVE, affected, openvex, read

PURL = "pkg:deb/debian/httpd"


def said(status: str, **more: Any) -> dict[str, Any]:
    return {"vulnerability": {"name": CVE}, "status": status, "products": [{"@id": f"{PURL}@1.0?distro=debian-12"}], **more}


def test_not_affected_keeps_its_justification() -> None:
    [one] = affected(openvex(said("not_affected", justification="vulnerable_code_not_in_execute_path")))
    assert (one.status, one.justification, one.purl, one.versions, one.namespace) == (
        Status.NOT_AFFECTED, "vulnerable_code_not_in_execute_path", PURL, ("1.0",), "debian:12",
    )  # fmt: skip


def test_the_later_of_two_statements_counts() -> None:
    first, second = said("affected", timestamp="2026-11-01T00:00:00Z"), said("fixed", timestamp="2026-11-03T00:00:00Z")
    for order in ((first, second), (second, first)):
        assert [one.status for one in affected(openvex(*order))] == [Status.FIXED]


def test_a_subcomponent_is_meant_within_its_product() -> None:
    product = {"@id": "pkg:generic/router", "subcomponents": [{"@id": PURL}]}
    [one] = affected(openvex({"vulnerability": CVE, "status": "affected", "products": [product]}))
    assert (one.purl, one.hardware) == (PURL, ("pkg:generic/router",))


WRONG = {
    "no status": (said("perhaps"), "names no vulnerability, or has no status of OpenVEX"),
    "no product": ({"vulnerability": CVE, "status": "fixed"}, "names no product"),
    "a product without a name": (
        {"vulnerability": CVE, "status": "fixed", "products": [{}]},
        "names a product by nothing that can be compared",
    ),
}


@pytest.mark.parametrize(("statement", "why"), WRONG.values(), ids=WRONG)
def test_a_statement_that_says_nothing_is_refused(statement: dict[str, Any], why: str) -> None:
    assert read(openvex(statement))[1] == [why]


def bom(state: str | None, **target: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": CVE, "affects": [{"ref": "c", **target}]}
    if state:
        entry["analysis"] = {"state": state, "justification": "code_not_reachable"}
    components = [{"type": "library", "bom-ref": "c", "name": "httpd", "version": "1.0", "purl": f"{PURL}@1.0"}]
    return {"bomFormat": "CycloneDX", "components": components, "vulnerabilities": [entry]}


STATES = {
    "exploitable": Status.AFFECTED,
    "resolved": Status.FIXED,
    "not_affected": Status.NOT_AFFECTED,
    "false_positive": Status.NOT_AFFECTED,
    "in_triage": Status.INVESTIGATED,
    None: Status.INVESTIGATED,
}


@pytest.mark.parametrize(("state", "status"), STATES.items(), ids=map(str, STATES))
def test_states_of_cyclonedx(state: str | None, status: Status) -> None:
    [one] = affected(bom(state))
    assert (one.status, one.versions, one.justification) == (
        status, ("1.0",), "code_not_reachable" if status is Status.NOT_AFFECTED else None,
    )  # fmt: skip


def test_a_version_has_its_own_status() -> None:
    versions = [{"version": "1.0", "status": "affected"}, {"range": "vers:deb/>=1.1", "status": "unaffected"}]
    assert [one.status for one in affected(bom("not_affected", versions=versions))] == [Status.AFFECTED, Status.NOT_AFFECTED]


def test_a_bill_of_materials_without_vulnerabilities_is_refused() -> None:
    assert read({"bomFormat": "CycloneDX"})[1] == ["is a bill of materials without vulnerabilities: name it in the rig file with [[sbom]]"]

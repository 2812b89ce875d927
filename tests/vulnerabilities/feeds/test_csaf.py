"""CSAF: product trees with branches and relationships, statuses, remedies, reasons, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.vulnerabilities.facts import Origin, Status
from tests.vulnerabilities.making import CVE, affected, csaf, ranges, read

VERSIONS = {
    "vers:all/*": "all versions",
    "All versions < V2.0": "<V2.0",
    "<V2.0": "<V2.0",
    "vers:generic/>=1.0|<2.0": ">=1.0|<2.0",
    "V15.1": "V15.1",
    "All BIOS versions < V1.0.212N": "All BIOS versions < V1.0.212N",
}


@pytest.mark.parametrize(("text", "words"), VERSIONS.items(), ids=VERSIONS)
def test_versions(text: str, words: str) -> None:
    assert ranges(csaf({"P1": ("Router", text)}, {"known_affected": ["P1"]})) == [f"known_affected {words}"]


def test_statuses_with_their_reasons_and_remedies() -> None:
    document = csaf(
        {"P1": ("Router", "<2.0"), "P2": ("Router", ">=2.0"), "P3": ("Switch", "vers:all/*"), "P4": ("Hub", "vers:all/*")},
        {"known_affected": ["P1"], "fixed": ["P2"], "known_not_affected": ["P3"], "under_investigation": ["P4"], "recommended": ["P2"]},
        remediations=[
            {"category": "mitigation", "details": "Close the port", "product_ids": ["P1"]},
            {"category": "vendor_fix", "details": "Update to 2.0", "product_ids": ["P1"]},
        ],
        flags=[{"label": "vulnerable_code_not_present", "product_ids": ["P3"]}],
    )
    found = {one.status: one for one in affected(document)}
    assert found.keys() == set(Status)
    assert (found[Status.AFFECTED].remedy, found[Status.AFFECTED].fixed_in) == ("vendor_fix: Update to 2.0", "2.0")
    assert found[Status.NOT_AFFECTED].justification == "vulnerable_code_not_present"
    assert (found[Status.AFFECTED].vendor, found[Status.AFFECTED].product) == ("acme", "router")


def relationship(category: str) -> dict[str, Any]:
    return {
        "category": category,
        "product_reference": "P1",
        "relates_to_product_reference": "P2",
        "full_product_name": {"product_id": "P1:P2", "name": "both"},
    }


def test_a_component_within_a_product_is_that_component_on_that_product() -> None:
    document = csaf(
        {"P1": ("Web server", "<2.0"), "P2": ("Router", "vers:all/*")},
        {"known_affected": ["P1:P2"]},
        relationships=[relationship("installed_on")],
    )
    [one] = affected(document)
    assert (one.product, one.upper, one.hardware) == ("web server", "2.0", ("Router",))


def test_a_component_of_a_distribution_is_in_its_namespace() -> None:
    document = csaf(
        {"P1": ("httpd", "<2.0"), "P2": ("EL", "vers:all/*")},
        {"known_affected": ["P1:P2"]},
        relationships=[relationship("default_component_of")],
    )
    platform = document["product_tree"]["branches"][0]["branches"][1]["branches"][0]["product"]
    platform["product_identification_helper"] = {"cpe": "cpe:/o:redhat:enterprise_linux:9"}
    [one] = affected(document)
    assert (one.namespace, one.hardware) == ("redhat:9", None)


def test_others_than_vendors_are_coordinators() -> None:
    [one] = affected(csaf({"P1": ("Router", "<2.0")}, {"known_affected": ["P1"]}, publisher="coordinator"))
    assert one.origin is Origin.COORDINATOR


def test_a_tree_without_end_is_refused() -> None:
    document = csaf({}, {})
    branch: dict[str, Any] = {"category": "product_name", "name": "x"}
    for _ in range(40):
        branch = {"category": "product_name", "name": "x", "branches": [branch]}
    document["product_tree"]["branches"] = [branch]
    assert read(document)[1] == ["has a product tree that is deeper or larger than any"]


def test_another_version_of_the_standard_is_refused() -> None:
    assert read({"document": {"csaf_version": "3.0"}})[1] == ["is of CSAF 3.0; 2.0 can be read"]


def test_a_vulnerability_without_a_cve_has_its_own_name() -> None:
    document = csaf({"P1": ("Router", "<2.0")}, {"known_affected": ["P1"]}, ids=[{"system_name": "acme", "text": "ACME-7"}])
    del document["vulnerabilities"][0]["cve"]
    assert [one.vulnerability for one in affected(document)] == ["ACME-7"]
    assert CVE not in repr(affected(document))

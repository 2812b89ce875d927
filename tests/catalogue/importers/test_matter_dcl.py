"""The Matter ledger: models, versions, vendors and certificates from several answers, told together."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plumbline.catalogue.facts import Product, Release, ReleaseState
from tests.catalogue.making import document, facts, read, unread

VENDOR = {"vendorInfo": [{"vendorID": 4447, "vendorName": "Aqara"}]}
MODEL = {"model": [{"vid": 4447, "pid": 8194, "deviceTypeId": 263, "productName": "Presence FP2", "productUrl": "https://example.org"}]}


def version(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "modelVersion": {
            "vid": 4447,
            "pid": 8194,
            "softwareVersion": number,
            "softwareVersionString": f"1.0.{number - 1000}",
            "softwareVersionValid": True,
            "otaUrl": "https://example.org/x.ota",
            "otaFileSize": "615708",
            "otaChecksum": "rFZ6WdH0DuuCf7HVoRmNjCF73mYZ98DGYpHoDKmf0Bw=",
            "otaChecksumType": 1,
            "minApplicableSoftwareVersion": 1000,
            "maxApplicableSoftwareVersion": number - 1,
            **changes,
        }
    }


def compliance(number: int, status: int) -> dict[str, Any]:
    entry = {"vid": 4447, "pid": 8194, "softwareVersion": number, "certificationType": "matter", "date": "2026-01-02"}
    return {"complianceInfo": [{**entry, "softwareVersionCertificationStatus": status, "cDCertificateId": "CSA-1"}]}


def releases(*answers: dict[str, Any]) -> list[Release]:
    return [one for one in facts(read("matter-dcl", *map(document, answers))) if isinstance(one, Release)]


def test_answers_are_told_together_whatever_their_order() -> None:
    found = facts(read("matter-dcl", *map(document, (version(1000), version(1011), MODEL, VENDOR, compliance(1011, 2)))))
    assert found == facts(
        read("matter-dcl", document("\n".join(map(json.dumps, (VENDOR, compliance(1011, 2), MODEL, version(1011), version(1000))))))
    )
    product, first, second = found
    assert isinstance(product, Product)
    assert isinstance(first, Release)
    assert isinstance(second, Release)
    assert (product.product, product.identifiers, product.sensors) == ("aqara/presence fp2", ("matter:4447/8194",), ("occupancy",))
    assert (second.version, second.sequence, second.size_bytes) == ("1.0.11", 1011, 615708)
    assert second.sha256 is not None
    assert (second.min_from, second.max_from) == ("1.0.0", "1.0.0")  # 1010 is no version that is known: 1000 is the nearest within
    assert second.notes == "matter certified 2026-01-02 CSA-1"


STATES = {
    "valid": ([version(1)], ReleaseState.ACTIVE),
    "not valid": ([version(1, softwareVersionValid=False)], ReleaseState.RETRACTED),
    "certificate revoked": ([version(1), compliance(1, 3)], ReleaseState.REVOKED),
    "certified as well as revoked": ([version(1), compliance(1, 3), compliance(1, 2)], ReleaseState.ACTIVE),
}


@pytest.mark.parametrize(("answers", "state"), STATES.values(), ids=STATES)
def test_what_the_ledger_makes_of_a_version(answers: list[dict[str, Any]], state: ReleaseState) -> None:
    assert [one.state for one in releases(*answers)] == [state]


def test_two_products_of_one_name_stay_two() -> None:
    twin = {"model": [{"vid": 4447, "pid": 1, "productName": "Presence FP2"}]}
    assert [one.product for one in facts(read("matter-dcl", *map(document, (VENDOR, MODEL, twin))))] == [
        "aqara/presence fp2",
        "aqara/presence fp2 (8194)",
    ]


def test_another_checksum_than_sha256_is_not_taken_for_one() -> None:
    [one] = releases(version(1, otaChecksumType=7))
    assert one.sha256 is None


def test_numbers_of_versions_alone_are_not_enough() -> None:
    found = read(
        "matter-dcl", document({"modelVersions": {"vid": 1, "pid": 2, "softwareVersions": [1, 2]}}), document({"model": [{"vid": 1}]})
    )
    assert facts(found) == []
    assert len(unread(found)) == 2

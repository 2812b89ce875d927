"""The Zigbee OTA index: in its form, and the real one."""

from __future__ import annotations

import pytest

from plumbline.catalogue.facts import Product, Release
from tests.catalogue.making import REAL_DATA, document, facts, read, unread

IMAGE = {
    "fileName": "x.ota",
    "fileVersion": 285671424,
    "fileSize": 173726,
    "url": "https://example.org/master/images/Danalock/x.ota",
    "imageType": 4,
    "manufacturerCode": 4444,
    "sha512": "AB" * 64,
    "otaHeaderString": "Danalock V3\x00",
}


def test_an_image_is_a_release_of_what_asks_for_it() -> None:
    product, release = facts(read("zigbee-ota", document([IMAGE])))
    assert isinstance(product, Product)
    assert isinstance(release, Release)
    assert (product.product, product.identifiers, product.vendor) == ("danalock/zigbee-4444-4", ("zigbee:4444/4",), "Danalock")
    assert product.title == "Danalock V3"
    assert (release.version, release.sequence, release.scheme, release.size_bytes) == ("285671424", 285671424, "integer", 173726)
    assert release.sha512 == "ab" * 64


RESTRICTED = {
    "one model": ({"modelId": "V3-BTZBE"}, "danalock/v3-btzbe", ("zigbee:4444/4@v3-btzbe", "zigbee-model:v3-btzbe")),
    "one maker": ({"manufacturerName": ["_TZ1"]}, "danalock/zigbee-4444-4 _tz1", ("zigbee:4444/4@_tz1",)),
    "both": (
        {"modelId": "TS0601", "manufacturerName": ["_TZ1", "_TZ2"]},
        "danalock/zigbee-4444-4 ts0601 _tz1 _tz2",
        ("zigbee:4444/4@ts0601", "zigbee:4444/4@_tz1", "zigbee:4444/4@_tz2"),
    ),
}


@pytest.mark.parametrize(("more", "key", "identifiers"), RESTRICTED.values(), ids=RESTRICTED)
def test_an_image_for_some_devices_alone_is_a_product_of_its_own(more: dict[str, object], key: str, identifiers: tuple[str, ...]) -> None:
    found = facts(read("zigbee-ota", document([IMAGE, {**IMAGE, **more}])))
    products = [one for one in found if isinstance(one, Product)]
    assert [one.product for one in products] == ["danalock/zigbee-4444-4", key]
    assert products[1].identifiers == identifiers


def test_bounds_and_hardware() -> None:
    bounds = {"minFileVersion": 1, "maxFileVersion": 9, "hardwareVersionMin": 2, "hardwareVersionMax": 4}
    wide = {"fileVersion": 7, "hardwareVersionMin": 0, "hardwareVersionMax": 60_000}
    found = [one for one in facts(read("zigbee-ota", document([{**IMAGE, **bounds}, {**IMAGE, **wide}]))) if isinstance(one, Release)]
    assert (found[0].min_from, found[0].max_from, found[0].hardware) == ("1", "9", ("2", "3", "4"))
    assert found[1].hardware == ("0-60000",)


BAD = {
    "no code": {"manufacturerCode": None},
    "a version of five bytes": {"fileVersion": 2**32},
    "a type that is a text of no number": {"imageType": "x"},
    "a negative version": {"fileVersion": -1},
    "a boolean": {"fileVersion": True},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_a_record_without_its_numbers_is_unread(change: dict[str, object]) -> None:
    found = read("zigbee-ota", document([IMAGE, {**IMAGE, **change}, 5]))
    assert len(facts(found)) == 2
    assert len(unread(found)) == 2


def test_the_real_index_is_read_whole() -> None:
    path = REAL_DATA / "releases" / "zigbee-ota-index.json"
    if not path.exists():
        pytest.skip("../shared/data/releases is not beside the project")
    found = read("zigbee-ota", document(path.read_bytes(), path.name))
    assert unread(found) == []
    assert sum(isinstance(one, Release) for one in found) == 897
    records = [one.record for one in found if isinstance(one, Release)]
    assert len(set(records)) == 897

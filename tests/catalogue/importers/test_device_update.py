"""Import manifests of Azure Device Update: versions 4 and 5, and what a device is sent."""

from __future__ import annotations

import json

import pytest

from plumbline.catalogue.facts import Product, Release
from tests.catalogue.making import REAL_DATA, document, facts, read, unread

MANIFEST = {
    "updateId": {"provider": "Contoso", "name": "Toaster", "version": "1.2.0"},
    "isDeployable": True,
    "compatibility": [{"manufacturer": "Contoso", "model": "Toaster"}],
    "instructions": {
        "steps": [{"handler": "microsoft/swupdate:1", "files": ["a.swu"], "handlerProperties": {"installedCriteria": "1.2.0"}}]
    },
    "files": [{"filename": "a.swu", "sizeInBytes": 7558, "hashes": {"sha256": "Uk1vsEL/nT4btMngo0YSJjheOL2aqm6/EAFhzPb0rXs="}}],
    "manifestVersion": "5.0",
    "createdDateTime": "2026-10-01T22:18:57.9333330Z",
}


def test_a_manifest_is_a_release_of_each_compatible_model() -> None:
    both = {
        **MANIFEST,
        "compatibility": [
            {"manufacturer": "Contoso", "model": "Toaster"},
            {"deviceManufacturer": "Contoso", "deviceModel": "Grill", "ring": "1"},
        ],
    }
    product, release, other, second = facts(read("device-update", document(both)))
    assert isinstance(product, Product)
    assert isinstance(release, Release)
    assert isinstance(second, Release)
    assert (product.product, product.identifiers) == ("contoso/toaster", ("adu:contoso/toaster",))
    assert (release.version, release.size_bytes, release.sha256) == (
        "1.2.0",
        7558,
        "524d6fb042ff9d3e1bb4c9e0a3461226385e38bd9aaa6ebf100161ccf6f4ad7b",
    )
    assert release.released_at is not None
    assert (other.product, second.notes) == ("contoso/grill", 'Device Update Contoso.Toaster 1.2.0, only where {"ring": "1"}')


def test_what_a_device_is_sent_says_the_same() -> None:
    sent = {
        **MANIFEST,
        "manifestVersion": "4",
        "files": {"f1": {"fileName": "a", **{k: v for k, v in MANIFEST["files"][0].items() if k != "filename"}}},
    }  # type: ignore[index, attr-defined]
    assert facts(read("device-update", document({"updateManifest": json.dumps(sent), "updateManifestSignature": "x"}))) == facts(
        read("device-update", document(MANIFEST))
    )


REFUSED = {
    "an older form": ({"manifestVersion": "2.0"}, "versions 4 and 5"),
    "a part of other updates": ({"isDeployable": False}, "isDeployable"),
    "no name": ({"updateId": {"provider": "x", "version": "1"}}, "lacks"),
    "nothing compatible": ({"compatibility": []}, "compatible with 0"),
    "compatible with no model": ({"compatibility": [{"group": "x"}]}, "no manufacturer"),
}


@pytest.mark.parametrize(("change", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_release_is_said(change: dict[str, object], why: str) -> None:
    found = read("device-update", document({**MANIFEST, **change}))
    assert facts(found) == []
    [said] = unread(found)
    assert why in said


def test_several_files_have_no_one_digest() -> None:
    release = facts(read("device-update", document({**MANIFEST, "files": [*MANIFEST["files"], {"filename": "b"}]})))[1]  # type: ignore[misc]
    assert isinstance(release, Release)
    assert (release.sha256, release.size_bytes) == (None, None)


def test_the_real_samples() -> None:
    folder = REAL_DATA / "azure-device-update"
    if not folder.exists():
        pytest.skip("../shared/data/azure-device-update is not beside the project")
    files = [document(path.read_bytes(), path.name) for path in sorted(folder.glob("*anifest.json")) if "apt" not in path.name]
    found = read("device-update", *files)
    assert {one.product for one in facts(found)} == {"contoso/virtual-vacuum-v1"}
    assert unread(found) == ["manifest version '2.0'; versions 4 and 5 are read"] * 3

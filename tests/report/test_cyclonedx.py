"""The bill of materials: valid, the same each time, and read back it says what the package database said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from plumbline.collect.firmware import collect
from plumbline.collect.sbom.cyclonedx import read_bill
from plumbline.evidence.bundle import Bundle
from plumbline.report import registry
from plumbline.report.components import carriers_of, held_in, reference_of
from plumbline.report.cyclonedx import bom_of
from plumbline.report.data import Report
from plumbline.rig.models import Firmware
from tests.collect.collecting import rig_of, run
from tests.collect.firmware.making import image
from tests.collect.firmware.test_components import DEBIAN, OPENSSL_LOG, paragraph

STATUS = paragraph("libssl3", "3.0.15-1~deb12u1", "Source: openssl", "Maintainer: D <d@x.example>") + paragraph("bash", "5.2.15-2")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Two images of one system, and one that holds nothing that can be read."""
    folder = tmp_path_factory.mktemp("images")
    data = image(
        {
            "/etc/os-release": DEBIAN,
            "/var/lib/dpkg/status": STATUS.encode(),
            "/usr/share/doc/libssl3/changelog.Debian.gz": OPENSSL_LOG,
        }
    )
    paths = [folder / name for name in ("cam.bin", "spare.bin", "odd.bin")]
    for path, content in zip(paths, (data, data, b"hello"), strict=True):
        path.write_bytes(content)
    return run(collect, rig_of(folder, firmware=tuple(Firmware(path, None) for path in paths))).bundle


def text_of(report: Report, bundle: Bundle) -> str:
    return JsonV1Dot6(bom_of(report, carriers_of([bundle]), held_in([bundle]))).output_as_string()


@pytest.fixture(scope="module")
def bill(report: Report, bundle: Bundle) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(text_of(report, bundle))
    return read


def test_a_component_stands_once_and_each_carrier_depends_on_it(bill: dict[str, Any]) -> None:
    names = [one["name"] for one in bill["components"] if one["bom-ref"].startswith("component/")]
    assert sorted(names) == ["bash", "libssl3"]
    depends = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    assert len(depends["image:/cam.bin"]) == 2 and depends["image:/cam.bin"] == depends["image:/spare.bin"]
    assert set(depends[f"rig/{bill['metadata']['component']['bom-ref'].partition('/')[2]}"]) >= {"image:/cam.bin", "image:/odd.bin"}


def test_who_says_so_and_what_was_mended(bill: dict[str, Any]) -> None:
    [ssl] = [one for one in bill["components"] if one["name"] == "libssl3"]
    assert ssl["purl"] == "pkg:deb/debian/libssl3@3.0.15-1~deb12u1?arch=armhf&distro=debian-12"
    [patch] = ssl["pedigree"]["patches"]
    assert [issue["id"] for issue in patch["resolves"]] == ["CVE-2023-5363", "CVE-2024-5535"]
    told = {one["name"]: one["value"] for one in ssl["properties"]}
    assert (told["plumbline:source"], told["plumbline:manager"]) == ("openssl", "dpkg")
    assert told["plumbline:row"].startswith("component/")


def test_a_carrier_whose_components_are_not_known_says_so(bill: dict[str, Any]) -> None:
    told = {
        one["bom-ref"]: {p["name"]: p["value"] for p in one["properties"]}
        for one in bill["components"]
        if one["bom-ref"].startswith("image:")
    }
    assert told["image:/cam.bin"]["plumbline:components"] == "ok"
    assert told["image:/odd.bin"]["plumbline:components"] == "not_supported"


def test_it_is_valid_and_the_same_each_time(report: Report, bundle: Bundle) -> None:
    text = text_of(report, bundle)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert text_of(report, bundle) == text


def test_read_back_it_equals_what_was_collected(bill: dict[str, Any], bundle: Bundle) -> None:
    again = {(one.name, one.version, one.purl, one.namespace, one.fixes) for one in read_bill(bill).components if one.purl}
    assert again == {(one["name"], one["version"], one["purl"], one["namespace"], one.fixes or None) for one in held_in([bundle])}
    assert len({reference_of(one) for one in held_in([bundle])}) == 2


def test_the_format_writes_a_file_for_nobody_else(out: Path, report: Report, hostile_out: Path, tmp_path: Path) -> None:
    [path] = registry.write("cyclonedx", out, tmp_path, report=report)
    assert path.name == "sbom.cdx.json" and path.stat().st_mode & 0o777 == 0o600
    [path] = registry.write("cyclonedx", hostile_out, tmp_path)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(path.read_text()) is None
    assert "\u202e" not in path.read_text()

"""Bills of materials: what a library for CycloneDX writes is read, what is none is said, and nothing else comes of hostile ones."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from plumbline.collect.json_text import parse
from plumbline.collect.sbom import collect
from plumbline.collect.sbom.cyclonedx import DEPTH_MAX, read_bill
from plumbline.model.errors import ProtocolError
from plumbline.rig.models import Sbom
from tests.collect.collecting import Collected, rig_of, run

BILL: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
    "metadata": {
        "timestamp": "2026-10-01T12:00:00+02:00",
        "component": {"type": "firmware", "name": "cam-3", "version": "1.4.2", "supplier": {"name": "Northwind"}},
    },
    "components": [
        {
            "type": "library",
            "name": "libssl3",
            "version": "3.0.15-1~deb12u1",
            "purl": "pkg:deb/debian/libssl3@3.0.15-1~deb12u1?arch=armhf&distro=debian-12&upstream=openssl",
            "supplier": {"name": "Debian"},
            "pedigree": {
                "patches": [{"type": "backport", "resolves": [{"type": "security", "id": "CVE-2024-5535"}, {"type": "defect", "id": "7"}]}]
            },
        },
        {
            "type": "application",
            "name": "web",
            "version": "2.1",
            "cpe": "cpe:2.3:a:northwind:web:2.1:*:*:*:*:*:*:*",
            "components": [
                {"type": "library", "name": "ws", "version": "8.1.0", "purl": "pkg:npm/ws@8.1.0?download_url=https://me:secret@x/ws.tgz"}
            ],
        },
        {"type": "file", "name": "/etc/passwd"},
        {"type": "library", "name": "odd", "purl": "not a purl"},
    ],
}


def collected(folder: Path, text: str, model: str | None = "northwind/cam-3", asset: str | None = None) -> Collected:
    path = folder / "cam.cdx.json"
    path.write_text(text)
    return run(collect, replace(rig_of(folder), sboms=(Sbom(path, model, asset),)))


def test_components_of_a_bill(tmp_path: Path) -> None:
    done = collected(tmp_path, json.dumps(BILL))
    [bill] = done.rows("sbom")
    assert (bill["entity"], bill["model"], bill["declared_id"], bill["name"], bill["version"]) == (
        *("sbom:/cam.cdx.json", "northwind/cam-3", None, "cam-3", "1.4.2"),
    )
    assert (bill["supplier"], bill["components"], bill["identified"], bill["complete"]) == ("Northwind", 4, 3, None)
    assert bill["created_at"] == datetime(2026, 10, 1, 10, tzinfo=UTC)
    rows = {row["name"]: row for row in done.rows("component")}
    assert set(rows) == {"libssl3", "web", "ws", "odd"}
    ssl = rows["libssl3"]
    assert (ssl["source"], ssl["namespace"], ssl["scheme"], ssl["architecture"]) == ("openssl", "debian:12", "deb", "armhf")
    assert (ssl["manager"], ssl["confidence"], ssl["supplier"], ssl["fixes"]) == ("sbom", "sbom", "Debian", ["CVE-2024-5535"])
    assert (rows["web"]["cpe"], rows["web"]["fixes"], rows["ws"]["namespace"]) == ("cpe:2.3:a:northwind:web:2.1:*:*:*:*:*:*:*", None, "npm")
    assert rows["ws"]["purl"] == "pkg:npm/ws@8.1.0", "addresses may carry logins"
    assert (rows["odd"]["purl"], rows["odd"]["version"]) == (None, None)
    assert done.outcomes() == {"sbom": "ok", "component": "ok"}


def test_a_bill_that_calls_itself_incomplete_is_partial(tmp_path: Path) -> None:
    done = collected(tmp_path, json.dumps({**BILL, "compositions": [{"aggregate": "incomplete"}]}), None, "dock-cam-1")
    assert done.outcomes() == {"sbom": "ok", "component": "partial"}
    assert [(row["complete"], row["declared_id"]) for row in done.rows("sbom")] == [(False, "dock-cam-1")]


@pytest.mark.parametrize(
    ("composition", "complete"),
    [
        ({"aggregate": "complete"}, True),
        ({"aggregate": "complete", "assemblies": ["whole"]}, True),
        ({"aggregate": "complete", "assemblies": ["one-library"]}, None),
        ({"aggregate": "unknown"}, None),
    ],
    ids=["all", "all by its name", "a part of it", "nobody knows"],
)
def test_only_a_composition_about_all_makes_a_bill_complete(tmp_path: Path, composition: dict[str, object], complete: bool | None) -> None:
    bill = {**BILL, "metadata": {"component": {"name": "cam", "bom-ref": "whole"}}, "compositions": [composition]}
    assert [row["complete"] for row in collected(tmp_path, json.dumps(bill)).rows("sbom")] == [complete]


def test_a_bill_of_another_tool(tmp_path: Path) -> None:
    bom = Bom()
    bom.metadata.component = Component(name="gateway", version="7", type=ComponentType.FIRMWARE)
    bom.components.add(
        Component(name="musl", version="1.2.4-r2", purl=PackageURL("apk", "alpine", "musl", "1.2.4-r2", {"distro": "alpine-3.18"}))
    )
    done = collected(tmp_path, JsonV1Dot6(bom).output_as_string())
    assert [(row["name"], row["version"], row["namespace"]) for row in done.rows("component")] == [("musl", "1.2.4-r2", "alpine:v3.18")]
    assert [(row["name"], row["spec_version"]) for row in done.rows("sbom")] == [("gateway", "1.6")]


OTHERS = {
    "XML": ('<bom xmlns="http://cyclonedx.org/schema/bom/1.6"/>', "not_supported", "XML is not read"),
    "SPDX": ("SPDXVersion: SPDX-2.3\n", "not_supported", "SPDX is not read"),
    "SPDX in JSON": ('{"spdxVersion": "SPDX-2.3"}', "not_supported", "SPDX is not read"),
    "other JSON": ('{"name": "x"}', "protocol_error", "not CycloneDX"),
    "no JSON": ("{", "protocol_error", "not JSON"),
    "empty": ("", "protocol_error", "not JSON"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_not_read_is_said(case: str, tmp_path: Path) -> None:
    text, outcome, words = OTHERS[case]
    done = collected(tmp_path, text)
    assert set(done.outcomes().values()) == {outcome}
    assert words in done.details()["component"]


def test_components_that_are_nested_too_deeply_are_said() -> None:
    entry: dict[str, Any] = {"name": "leaf"}
    for number in range(DEPTH_MAX + 5):
        entry = {"name": f"n{number}", "components": [entry]}
    bill = read_bill({"bomFormat": "CycloneDX", "components": [entry]})
    assert len(bill.components) == DEPTH_MAX
    assert bill.problems == (f"components deeper than {DEPTH_MAX}, which were not read",)


def test_changed_bills_give_components_or_a_protocol_error() -> None:
    maker = random.Random(3)
    seed = json.dumps(BILL).encode()
    for _ in range(2000):
        data = bytearray(seed)
        for _ in range(maker.randint(1, 6)):
            data[maker.randrange(len(data))] = maker.choice(b'[]{}",:019 ntf')
        try:
            read_bill(parse(bytes(data)))
        except ProtocolError:
            continue


def test_values_of_other_types_were_not_given() -> None:
    maker = random.Random(4)

    def changed(value: Any) -> Any:
        if maker.random() < 0.15:
            return maker.choice([None, 1, "x", [], {}, [1], {"a": 1}, True])
        if isinstance(value, dict):
            return {key: changed(one) for key, one in value.items()}
        return [changed(one) for one in value] if isinstance(value, list) else value

    for _ in range(1000):
        read_bill({**object_or_empty(changed(BILL)), "bomFormat": "CycloneDX"})


def object_or_empty(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}

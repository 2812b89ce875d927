"""The runtime that a deployment names, held against its support."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.updates.runtimes import version_of
from tests.assess.making import Row
from tests.updates.making import catalogue, covered, derived, judged

OWN = """
[[product]]
model = "azure-iot-edge"
[[support]]
product = "azure-iot-edge"
cycle = "1.1"
ends_at = 2022-12-13
[[support]]
product = "azure-iot-edge"
cycle = "1.5"
ends_at = 2027-11-10
"""
TAGS: dict[str, tuple[str, str | None]] = {
    "a branch": ("mcr.microsoft.com/azureiotedge-hub:1.5", "1.5"),
    "a release for one platform": ("mcr.microsoft.com/azureiotedge-agent:1.5.4-linux-arm32v7", "1.5.4"),
    "a registry with a port": ("registry:5000/azureiotedge-hub:1.1", "1.1"),
    "a tag and a digest": ("a/b:1.5.4@sha256:00", "1.5.4"),
    "a digest alone": ("a/b@sha256:00", None),
    "no tag": ("registry:5000/b", None),
    "latest": ("a/b:latest", None),
    "nothing": ("", None),
    "an absurd one": ("a" * 600 + ":1.5", None),
}


@pytest.mark.parametrize(("image", "version"), TAGS.values(), ids=TAGS)
def test_the_version_in_a_tag(image: str, version: str | None) -> None:
    assert version_of(image) == version


def module(name: str, tag: str) -> Row:
    image = f"mcr.microsoft.com/azureiotedge-{name.lower()}:{tag}"
    return ("edge_module", "edge:/d.json", f"module/{name}", {"name": name, "system": name.startswith("edge"), "image": image})


ROWS = [module("edgeAgent", "1.5.4"), module("edgeHub", "1.1"), module("filter", "1.1")]


def test_each_system_module_is_held_against_the_support_of_its_branch(tmp_path: Path) -> None:
    judged(tmp_path, ROWS, catalogue(tmp_path, own=OWN))
    rows = {row["name"]: row for row in derived(tmp_path, "edge_runtime")}
    assert {name: (row["cycle"], row["unsupported"]) for name, row in rows.items()} == {
        "edgeAgent": ("1.5", False),
        "edgeHub": ("1.1", True),
    }
    assert covered(tmp_path, "edge_runtime")[0][1] == "ok"


def test_a_catalogue_that_does_not_know_the_runtime_says_nothing_of_it(tmp_path: Path) -> None:
    judged(tmp_path, ROWS, catalogue(tmp_path, own='[[product]]\nvendor = "v"\nmodel = "m"'))
    assert {row["unsupported"] for row in derived(tmp_path, "edge_runtime")} == {None}

"""A rig narrowed to some of its devices: it only ever loses."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.rig.focus import Place, focused
from plumbline.rig.models import Rig
from tests.rig.rigs import HEAD, make

TEXT = (
    HEAD
    + """\
networks = ["10.0.0.0/16"]
intrusion = "query"
hosts = ["hub.example.net", "other.example.net"]
resolvers = ["10.0.0.53"]
discovery = ["mdns"]
[[network]]
name = "one"
site = "s"
ranges = ["10.0.0.0/24"]
ports = [22]
[[network]]
name = "two"
site = "t"
ranges = ["10.0.1.0/24"]
ports = [22]
[[asset]]
id = "cam"
address = "10.0.1.7"
[[asset]]
id = "lock"
address = "10.0.1.8"
"""
)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return make(tmp_path, TEXT)


def ranges(rig: Rig) -> dict[str, list[str]]:
    return {network.name: [str(one) for one in network.ranges] for network in rig.networks}


@pytest.mark.parametrize(
    ("places", "assets", "left"),
    [
        ([Place("s", "10.0.0.5")], [], {"one": ["10.0.0.5/32"]}),
        ([Place("t", "10.0.0.5")], [], {}),
        ([Place("s", "10.9.0.5"), Place("s", "10.0.0.255"), Place("s", "nonsense")], [], {}),
        ([], ["cam"], {"two": ["10.0.1.7/32"]}),
        ([Place("s", "10.0.0.9"), Place("s", "10.0.0.5")], ["cam"], {"one": ["10.0.0.5/32", "10.0.0.9/32"], "two": ["10.0.1.7/32"]}),
        ([], [], {}),
    ],
)
def test_what_is_left_of_the_networks(rig: Rig, places: list[Place], assets: list[str], left: dict[str, list[str]]) -> None:
    assert ranges(focused(rig, places, assets)) == left


def test_endpoints_are_those_named_and_nobody_is_asked_by_multicast(rig: Rig) -> None:
    narrowed = focused(rig, [Place("", "hub.example.net"), Place("", "never.example.net")], [])
    assert narrowed.authorisation.hosts == {"hub.example.net"}
    assert narrowed.authorisation.discovery == ()
    assert (narrowed.id, narrowed.sha256, narrowed.assets) == (rig.id, rig.sha256, rig.assets)

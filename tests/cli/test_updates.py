"""`plumbline updates`: what it prints to people at two widths and as JSON, and what it says when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.updates.making import assessed, catalogue, device
from tests.updates.test_currency import OWN
from tests.updates.test_fleet import twin

ROWS = [
    *device("gate-camera", "northwind/cam-3", page="2.0.1"),
    *device("dock-camera", "northwind/cam-3", page="1.4.9"),
    *device("yard-camera", "northwind/cam-3", page="1.4.2", twin="1.5.0"),
    *device("old-\u202esensor", "northwind/old", page="3.0"),
    *device("ghost", "ghost/cam", page="1.0"),
    twin("fleet-1", "2.0.1"),
    twin("fleet-2", "1.5.0"),
    ("population", "rig:/t", "model/northwind/old", {"model": "northwind/old", "size": 1, "random": False}),
]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("updates")
    return assessed(folder, ROWS, catalogue(folder, own=OWN))


@pytest.mark.parametrize("width", [80, 120])
def test_status_fits_the_terminal(out: Path, call: Call, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    ended = call("updates", "status", out)
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= width
    assert "\u202e" not in ended.out


def test_status_lists_the_worst_first_and_counts(out: Path, call: Call) -> None:
    ended = call("updates", "status", out)
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines[1:6]] == ["dock-camera", "old-\\u202esensor", "yard-camera", "ghost", "gate-camera"]
    assert "5 devices: 1 retracted, 1 unsupported, 1 behind, 1 unknown, 1 current, as of 21 November 2026" in ended.out
    assert "the hub's twin says 1.5.0" in ended.out
    assert "2 devices that only a hub knows: 1 behind, 1 current" in ended.out
    assert "northwind/old: 1 of 1 seen of 1 are out of date: all were seen" in ended.out


def test_status_as_json_holds_every_device(out: Path, call: Call) -> None:
    found = call("updates", "status", out, "--json").json
    assert found["counts"]["current"] == 1
    assert (found["fleet"], len(found["populations"])) == ({"behind": 1, "current": 1}, 1)
    [dock] = [one for one in found["devices"] if one["name"] == "dock-camera"]
    assert (dock["state"], dock["latest"], dock["steps"][0]["version"]) == ("retracted", "2.0.1", "2.0.1")


def test_status_without_a_catalogue_says_so(tmp_path: Path, call: Call) -> None:
    ended = call("updates", "status", assessed(tmp_path, ROWS, None))
    assert ended.code == 0
    assert "Nothing can be said" in ended.out


def test_a_folder_without_an_assessment_is_refused(tmp_path: Path, call: Call) -> None:
    ended = call("updates", "status", tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "holds no assessment" in ended.err


def test_a_plan_is_written_as_text_and_json(out: Path, call: Call, tmp_path: Path) -> None:
    ended = call("updates", "plan", out, "-o", tmp_path / "plan", "--from", "2026-11-20")
    assert ended.code == 0
    assert "Wave 1: canary, 1 device, from 21 Nov 2026, 01:00 UTC to" in ended.out
    assert "1 device in 1 wave; 2 devices in none" in ended.out
    assert "In no wave are devices of which nothing can be said, 1 of them" in ended.out
    text = (tmp_path / "plan" / "plan.txt").read_text()
    assert "dock-camera (northwind/cam-3, medium): 1.4.9 to 2.0.1 (retracted)" in text
    assert "[  ?] nobody gives a digest" in text
    assert "old-\\u202esensor (unsupported): no newer release is known\n    Meanwhile: Keep it on a network of its own" in text
    assert "yard-camera (behind): nobody can say from which version it starts: its web page says 1.4.2, the hub's twin says 1.5.0" in text
    document = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert [unit["target"] for wave in document["waves"] for unit in wave["units"]] == ["2.0.1"]
    assert document["windows"] == ["sat, sun 01:00-05:00 UTC"]


def test_a_plan_as_json_is_what_is_written(out: Path, call: Call, tmp_path: Path) -> None:
    ended = call("updates", "plan", out, "-o", tmp_path, "--json")
    assert ended.json == json.loads((tmp_path / "plan.json").read_text())


def test_a_plan_takes_the_place_of_the_one_before(out: Path, call: Call, tmp_path: Path) -> None:
    old, own = tmp_path / "hawkbit" / "wave-9-1.json", tmp_path / "hawkbit" / "notes.txt"
    old.parent.mkdir()
    old.write_text("{}")
    own.write_text("mine")
    assert call("updates", "plan", out, "-o", tmp_path).code == 0
    assert (old.exists(), own.exists()) == (False, True)


def test_a_plan_needs_a_catalogue(tmp_path: Path, call: Call) -> None:
    ended = call("updates", "plan", assessed(tmp_path, ROWS, None))
    assert ended.code == 2
    assert "used no catalogue" in ended.err


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rig after an update: its system, seen from inside, says the target."""
    folder = tmp_path_factory.mktemp("later")
    seen = ("system", "declared:s/dock-camera", "", {"vendor": "Northwind", "model": "Cam-3", "firmware": "2.0.1"})
    return assessed(folder, [*device("dock-camera", "northwind/cam-3", page="2.0.1"), seen], catalogue(folder, own=OWN))


def test_only_what_was_seen_closes_a_plan(out: Path, later: Path, call: Call, tmp_path: Path) -> None:
    call("updates", "plan", out, "-o", tmp_path, "--from", "2026-11-20")
    before, after = call("updates", "verify", tmp_path, out), call("updates", "verify", tmp_path / "plan.json", later)
    assert (before.code, after.code) == (1, 0)
    assert "1 device: 1 not done" in before.out
    assert "1 device: 1 verified" in after.out
    [closed] = call("updates", "verify", tmp_path, later, "--json").json["devices"]
    assert (closed["outcome"], closed["wave"], closed["target"]) == ("verified", 1, "2.0.1")


def test_what_was_seen_before_the_plan_closes_nothing(out: Path, later: Path, call: Call, tmp_path: Path) -> None:
    call("updates", "plan", out, "-o", tmp_path, "--from", "2026-12-20")
    ended = call("updates", "verify", tmp_path, later)
    assert ended.code == 3
    assert "not seen" in ended.out


def test_what_is_no_plan_is_refused(later: Path, call: Call, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("{")
    ended = call("updates", "verify", tmp_path, later)
    assert ended.code == 2
    assert "plan.json" in ended.err

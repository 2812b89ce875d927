"""`plumbline updates`: what it prints to people at two widths and as JSON, and what it says when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.updates.making import assessed, catalogue, device
from tests.updates.test_currency import OWN

ROWS = [
    *device("gate-camera", "northwind/cam-3", page="2.0.1"),
    *device("dock-camera", "northwind/cam-3", page="1.4.9"),
    *device("yard-camera", "northwind/cam-3", page="1.4.2", twin="1.5.0"),
    *device("old-\u202esensor", "northwind/old", page="3.0"),
    *device("ghost", "ghost/cam", page="1.0"),
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


def test_status_as_json_holds_every_device(out: Path, call: Call) -> None:
    found = call("updates", "status", out, "--json").json
    assert found["counts"]["current"] == 1
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

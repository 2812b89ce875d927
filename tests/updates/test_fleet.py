"""Fleets that only a hub knows: states by the twin, how far fixes have come, and what is not told."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.model.words import Outcome
from tests.assess.making import Row
from tests.updates.making import catalogue, covered, derived, device, feed, judged
from tests.updates.test_currency import OWN

MODEL = "Northwind/Cam-3"


def twin(name: str, version: str | None, *, model: str | None = MODEL, status: str = "enabled") -> Row:
    reported = {"hub": "h", "device_id": name, "firmware_version": version, "model": model, "status": status, "secrets": [], "drift": []}
    return ("hub_twin", f"identity:h/{name}", "", reported)


ROWS = [
    twin("a", "2.0.1"),
    twin("b", "1.4.2"),
    twin("c", "1.4.2"),
    twin("d", "blue"),
    twin("e", None),
    twin("f", "1.4.2", status="disabled"),
    twin("g", "1.0", model="ghost/cam"),
    twin("h", "1.0", model=None),
    twin("declared", "1.5.0"),
    *device("declared", MODEL, page="1.5.0"),
]


def made(folder: Path, rows: list[Row], outcome: Outcome = Outcome.OK) -> Path:
    store = catalogue(folder, own=OWN)
    feed(
        store,
        [{"vulnerability": "CVE-2026-0001", "vendor": "northwind", "product": "cam-3", "upper": "1.5.0"}],
        exploited=["CVE-2026-0001"],
    )
    judged(folder, rows, store, more=[("hub:/h", "hub_twin", "", outcome, len(rows))])
    return folder


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("fleet"), ROWS)


def states(folder: Path) -> dict[str, tuple[str, str | None]]:
    return {row["entity"].partition("/")[2]: (row["state"], row["reason"]) for row in derived(folder, "fleet_currency")}


def test_each_device_that_only_the_hub_knows_has_a_state(rig: Path) -> None:
    assert states(rig) == {
        "a": ("current", None),
        "b": ("vulnerable", None),
        "c": ("vulnerable", None),
        "d": ("unknown", "not_comparable"),
        "e": ("unknown", "no_version"),
        "f": ("vulnerable", None),
    }
    [behind] = [row for row in derived(rig, "fleet_currency") if row["entity"] == "identity:h/b"]
    assert (behind["latest"], behind["days_behind"], behind["model"], behind["installed"]) == ("2.0.1", 100, MODEL, "1.4.2")


def test_how_far_a_fix_has_come(rig: Path) -> None:
    [row] = derived(rig, "fleet_patch")
    assert (row["entity"], row["version"], row["mends"], row["exploited"]) == ("hub:/h", "1.5.0", ["CVE-2026-0001"], True)
    assert (row["devices"], row["running"], row["lacking"], row["unknown"]) == (6, 2, 2, 2)


def test_a_fix_of_another_channel_need_not_come(tmp_path: Path) -> None:
    own = OWN.replace('channel = "beta"', 'channel = "beta"\nfixes = ["CVE-2026-0002"]')
    judged(tmp_path, [twin("a", "2.0.1")], catalogue(tmp_path, own=own), more=[("hub:/h", "hub_twin", "", Outcome.OK, 1)])
    assert [row["version"] for row in derived(tmp_path, "fleet_patch")] == ["1.5.0"]


def test_devices_of_unknown_models_are_told(rig: Path) -> None:
    assert covered(rig, "fleet_currency") == [("hub:/h", "partial", "2 devices are of no model that the catalogue knows")]


def test_counts_over_an_export_that_is_not_complete_are_not_given(tmp_path: Path) -> None:
    folder = made(tmp_path, [twin("a", "2.0.1")], Outcome.PARTIAL)
    [row] = derived(folder, "fleet_patch")
    assert (row["devices"], row["running"], row["mends"]) == (None, None, ["CVE-2026-0001"])
    assert covered(folder, "fleet_currency") == [("hub:/h", "partial", None)]


def test_a_fleet_of_known_models_is_covered(tmp_path: Path) -> None:
    folder = made(tmp_path, [twin("a", "2.0.1")])
    assert covered(folder, "fleet_currency") == [("hub:/h", "ok", None)]


def test_a_version_that_is_absurdly_long_is_not_judged(tmp_path: Path) -> None:
    folder = made(tmp_path, [twin("a", "2.0.1"), twin("b", "x" * 300)])
    assert states(folder) == {"a": ("current", None), "b": ("unknown", "not_judged")}
    [row] = derived(folder, "fleet_patch")
    assert (row["devices"], row["running"], row["lacking"], row["unknown"]) == (2, 1, 0, 1)

"""Collectors, checks and engine against the truth, for everything that files tell; the network's part is the demo's."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from plumbline.assess.run import assess
from plumbline.collect.run import collect
from plumbline.lab import rigfile
from plumbline.lab.fleet import Fleet, fleet
from plumbline.lab.switches import SWITCHES, Switches
from plumbline.lab.truth import Expected, Key, differences, truth
from plumbline.lab.truth.people import DECLARED, HAND
from plumbline.lab.truth.rules import rules
from plumbline.model.words import Intrusion
from plumbline.rig.loading import load
from tests.lab.conftest import AT

FILES = {
    *("image", "image_account", "image_certificate", "image_kernel"),
    *("edge_deployment", "edge_module", "edge_registry", "hub", "hub_certificate", "hub_identity", "hub_policy"),
    *("hub_twin", "flow", "tls_client", "http_client", "mqtt_client"),
    *("system_account", "system_firewall", "system_setting", "system_socket", "system_update"),
}
CHECKS = {name for name, rule in rules().items() if rule.table in FILES and not name.startswith("rig.")} | {HAND, DECLARED}


def told_by_files(made: Fleet) -> dict[Key, Expected]:
    return {key: expected for key, expected in truth(made).items() if key[0] in CHECKS}


def audit(made: Fleet, folder: Path) -> list[str]:
    """Audit the files alone and give the differences from the truth."""
    path = rigfile.write(made, folder / "rig", intrusion=Intrusion.PASSIVE)
    now: Callable[[], datetime] = lambda: AT  # noqa: E731 - a clock that stands, as a value
    collect(load(path), folder / "bundle", state=folder / "state", progress=lambda *_: None, now=now)
    assess([folder / "bundle"], folder / "out", as_of=made.at + timedelta(hours=12))
    found = differences(told_by_files(made), folder / "out" / "ledger.parquet")
    return [str(one) for one in found if one.key[0] in CHECKS]


@pytest.mark.parametrize("weak", [True, False], ids=["weak", "safe"])
def test_all_at_once(tmp_path: Path, weak: bool) -> None:
    assert audit(fleet(Switches() if weak else Switches.safe(), AT), tmp_path) == []


@pytest.mark.full
@pytest.mark.parametrize(
    "name",
    [name for name, switch in SWITCHES.items() if switch.device in ("image", "edge", "system", "capture", "hub", "manual", "declaration")],
)
def test_each_switch_alone(tmp_path: Path, name: str) -> None:
    assert audit(fleet(Switches.only([name]), AT), tmp_path) == []

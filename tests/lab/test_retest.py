"""A re-test of real servers: what was mended is fixed or gone, what was not is open, and nobody else is asked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plumbline.assess.changes import Became, Changes, read_changes
from plumbline.cli.exits import guarded
from plumbline.cli.main import app
from plumbline.lab.fleet import Fleet
from plumbline.lab.lab import running
from plumbline.lab.switches import Switches
from tests.lab.conftest import free_base

WEAK = Switches().turn(
    "camera.debug_port_open", "camera.shared_host_key", weak=False
)  # the one takes twelve seconds, the other all of the rig
MENDED = WEAK.turn("camera.telnet_open", "camera.http_login_in_clear", "camera.cookie_without_flags", weak=False)
DEVICES = ("camera", "router", "broker", "camera-hardened")

RIG = """[rig]
id = "small"
name = "A small rig"
owner = "Northwind"
[authorisation]
reference = "NW-1"
granted_by = "the test"
emergency_contact = "nobody"
valid_from = 2026-01-01T00:00:00Z
valid_until = 2099-01-01T00:00:00Z
networks = ["{base}.0.0/16"]
intrusion = "session"
[[network]]
name = "all"
site = "s"
ranges = [{ranges}]
ports = [1883, 2121, 2222, 2323, 7070, 8080, 8443, 8554]
"""
ASSET = """[[asset]]
id = "{name}"
address = "{address}"
"""


@dataclass
class Again:
    """The rig, audited weak, and again when some of it was mended and the router was off."""

    folder: Path
    fleet: Fleet
    changes: Changes

    def address(self, name: str) -> str:
        return str(self.fleet.by_name[name].address)

    def words(self, name: str) -> dict[str, Became]:
        return {change.check: change.word for change in self.changes.changes if change.asset_name == name}


def run(*words: object) -> int:
    return guarded(lambda: app([str(word) for word in words], prog_name="plumbline"))


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Again]:
    folder, base, at = tmp_path_factory.mktemp("again"), free_base(), datetime.now(UTC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        with running(WEAK, at=at, base=base, subset=DEVICES) as lab:
            fleet = lab.fleet
            rig = folder / "rig.toml"
            addresses = {name: fleet.by_name[name].address for name in DEVICES}
            text = RIG.format(base=base, ranges=", ".join(f'"{address}"' for address in addresses.values()))
            rig.write_text(text + "".join(ASSET.format(name=name, address=address) for name, address in addresses.items()))
            assert run("audit", rig, "-o", folder / "old", "--format", "json") == 1
        with running(MENDED, at=at, base=base, subset=("camera", "broker", "camera-hardened")) as lab:
            assert run("retest", folder / "old", rig, "-o", folder / "new", "--format", "json") == 1
    changes = read_changes(folder / "new")
    assert changes is not None
    yield Again(folder, fleet, changes)


def test_what_was_mended_is_fixed_or_gone_and_the_rest_is_open(again: Again) -> None:
    words = again.words("camera")
    assert words["device.cookie_without_flags"] is Became.FIXED
    assert words["device.telnet_service"] is Became.GONE
    assert words["device.shell_without_login"] is Became.GONE
    assert words["device.rtsp_stream_without_login"] is Became.OPEN
    assert words["communication.certificate_expired"] is Became.OPEN
    assert not set(words.values()) & {Became.NEW, Became.REGRESSED, Became.NEWLY_JUDGED}


def test_of_a_device_that_closed_all_its_ports_nothing_is_fixed(again: Again) -> None:
    assert set(again.words("router").values()) == {Became.GONE}


def contacted(bundle: Path) -> set[str]:
    events = map(json.loads, (bundle / "contacts.jsonl").read_text().splitlines())
    return {event["address"] for event in events if event["event"] != "session"}


def test_only_devices_with_findings_are_asked_again(again: Again) -> None:
    assert contacted(again.folder / "old" / "bundle") == {again.address(name) for name in DEVICES}
    assert contacted(again.folder / "new" / "bundle") == {again.address(name) for name in ("camera", "router", "broker")}


def test_counts_are_those_of_the_earlier_findings(again: Again) -> None:
    old = json.loads((again.folder / "old" / "assessment.json").read_text())
    assert sum(again.changes.counts.values()) == old["counts"]["fail"]
    assert again.changes.counts == {word: Counter(change.word for change in again.changes.changes)[word] for word in Became}


def test_it_is_told_on_the_terminal_and_as_json(again: Again, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run("diff", again.folder / "old", again.folder / "new") == 0
    said = capsys.readouterr().out
    assert "fixed" in said and "gone" in said and "still open" in said
    assert run("diff", again.folder / "old", again.folder / "new", "--json") == 0
    assert json.loads(capsys.readouterr().out) == again.changes.to_json()
    assert run("trends", again.folder / "new", again.folder / "old") == 0
    assert "Waiting" in capsys.readouterr().out


def test_a_re_test_of_a_rig_without_findings_or_of_another_rig_is_refused(
    again: Again, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "rig.toml"
    other.write_text((again.folder / "rig.toml").read_text().replace('id = "small"', 'id = "large"'))
    assert run("retest", again.folder / "old", other, "-o", tmp_path / "out") == 2
    assert "not of 'large'" in capsys.readouterr().err
    assert not (tmp_path / "out" / "bundle").exists()

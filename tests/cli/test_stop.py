"""Ending a collection: by Ctrl-C, SIGTERM and `plumbline stop`; the bundle stays whole, and --resume goes on."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from plumbline.evidence.bundle import Bundle
from plumbline.lab.lab import Lab, running
from tests.cli.conftest import RIG, Call, end, read_until, start
from tests.lab.conftest import free_base

SLOW, FAST = 10, 500  # exchanges a second; 130 of them are needed


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with running(at=datetime.now(UTC), base=free_base(), subset=["hangup"]) as started:
        yield started


@pytest.fixture
def rig(tmp_path: Path, lab: Lab) -> Callable[[int], Path]:
    """Give a function that writes a rig: a device of the lab, and addresses where every port is closed."""
    device = lab.fleet.by_name["hangup"]

    def write(rate: int) -> Path:
        ranges = f'ranges = ["{device.address}/32", "{lab.fleet.base}.9.0/26"]\nports = [8080, 8443]\n'
        asset = f'[[asset]]\nid = "hangup"\naddress = "{device.address}"\nmodel = "{device.model}"\n'
        path = tmp_path / "rig.toml"
        path.write_text(f'{RIG.format(intrusion="query", rate=rate)}[[network]]\nname = "here"\n{ranges}{asset}')
        return path

    return write


def assert_whole(bundle: Path) -> dict[str, Any]:
    """Every file is as the manifest says, nothing is left of the run, every part can be read."""
    manifest = Bundle(bundle).manifest
    present = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()} - {"manifest.json"}
    assert present == set(manifest["files"])
    for name, entry in manifest["files"].items():
        assert sha256((bundle / name).read_bytes()).hexdigest() == entry["sha256"]
    contacts = (bundle / "contacts.jsonl").read_text().splitlines()
    assert all(json.loads(line) for line in contacts)
    return manifest


def by_signal(number: signal.Signals) -> Callable[[subprocess.Popen[str], Path, Call], str]:
    def stop(process: subprocess.Popen[str], _bundle: Path, _call: Call) -> str:
        process.send_signal(number)
        return f"stopped by {number.name}"

    return stop


def by_command(process: subprocess.Popen[str], bundle: Path, call: Call) -> str:
    ended = call("stop", "--json")
    assert ended.code == 0
    assert ended.json == [{"pid": process.pid, "bundle": str(bundle)}]
    return "stopped by `plumbline stop`"


WAYS = {"Ctrl-C": by_signal(signal.SIGINT), "SIGTERM": by_signal(signal.SIGTERM), "plumbline stop": by_command}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_collection_is_ended_and_goes_on(
    call: Call, rig: Callable[[int], Path], tmp_path: Path, way: Callable[[subprocess.Popen[str], Path, Call], str]
) -> None:
    bundle = tmp_path / "bundle"
    process = start("collect", rig(SLOW), "-o", bundle)
    read_until(process, "visiting hosts")  # the canary has been; the others wait for their turn
    reason = way(process, bundle, call)
    ended = end(process)
    assert ended.code == 3, ended
    assert f"Ended early: {reason}." in ended.out
    assert f"plumbline collect {tmp_path / 'rig.toml'} -o {bundle} --resume" in ended.out
    assert "Traceback" not in ended.err
    [session] = assert_whole(bundle)["sessions"]
    assert (session["complete"], session["notes"]) == (False, [reason])
    assert session["ended_at"] is not None

    resumed = call("collect", rig(FAST), "-o", bundle, "--resume", "--json")
    assert resumed.code == 0, resumed
    assert resumed.json["ended_early"] is None
    assert resumed.json["hosts"] == 62  # of 64 addresses two are no hosts'; the device of the lab was finished before
    assert [one["complete"] for one in assert_whole(bundle)["sessions"]] == [False, True]


def test_an_audit_that_is_ended_judges_what_it_has(rig: Callable[[int], Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start("audit", rig(SLOW), "-o", out, "--format", "json")
    read_until(process, "visiting hosts")
    process.send_signal(signal.SIGINT)
    ended = end(process)
    assert ended.code == 3, ended
    assert "The collection of bundle ended early: stopped by SIGINT." in ended.out
    assert f"--resume && plumbline assess {out / 'bundle'} -o {out}" in ended.out
    assert (out / "report.json").exists()
    assert_whole(out / "bundle")


def test_a_second_collection_into_the_same_bundle_is_refused(call: Call, rig: Callable[[int], Path], tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    process = start("collect", rig(SLOW), "-o", bundle)
    read_until(process, "visiting hosts")
    ended = call("collect", rig(SLOW), "-o", bundle, "--resume")
    assert ended.code == 2
    assert f"process {process.pid} is collecting into this bundle" in ended.err
    assert "plumbline stop" in ended.err
    assert call("stop", bundle).code == 0
    assert end(process).code == 3
    assert len(assert_whole(bundle)["sessions"]) == 1


def test_nothing_to_stop(call: Call) -> None:
    ended = call("stop")
    assert (ended.code, ended.out) == (0, "No collection of yours is running.\n")

"""`plumbline lab` and `plumbline demo`."""

import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plumbline.cli import lab
from plumbline.lab import fleet
from plumbline.lab.switches import Switches
from plumbline.lab.truth import truth
from plumbline.rig.loading import load
from tests.cli.conftest import Call, end, read_until, start
from tests.lab.conftest import free_base


def test_the_base_is_the_labs() -> None:
    assert lab.BASE == fleet.BASE


def test_truth(call: Call) -> None:
    rows = call("lab", "truth", "--json").json
    assert len(rows) == len(truth(fleet.fleet(Switches(), datetime.now(UTC))))
    assert rows[0].keys() == {"check", "asset", "subject", "verdict", "reason"}
    lines = call("lab", "truth").out.splitlines()
    assert len(lines) == len(rows) + 1
    assert lines[1].split()[-3:-1] == [rows[0]["check"], rows[0]["asset"]] or lines[1].split()[-2:] == [rows[0]["check"], rows[0]["asset"]]


def test_truth_of_other_positions(call: Call) -> None:
    telnet = ("device.telnet_service", "declared:/camera", "tcp/2323")

    def verdict(*options: str) -> str | None:
        rows = call("lab", "truth", "--json", *options).json
        return next((row["verdict"] for row in rows if (row["check"], row["asset"], row["subject"]) == telnet), None)

    assert verdict() == "fail"
    assert verdict("--safe", "camera.telnet_open") is None
    assert verdict("--safe", "all") is None


def test_up_until_it_is_ended(tmp_path: Path) -> None:
    base = free_base()
    process = start("lab", "up", tmp_path / "rig", "--base", base)
    assert process.stdout is not None
    command = f"plumbline audit {tmp_path / 'rig' / 'rig.toml'} -o lab-out --reference {tmp_path / 'rig' / 'reference'}"
    assert process.stdout.readline() == f"The lab is up. In another terminal: {command}\n"
    assert load(tmp_path / "rig" / "rig.toml").id == "plumbline-lab"
    process.send_signal(signal.SIGTERM)
    ended = end(process)
    assert (ended.code, ended.err) == (0, "")


def test_the_demo_is_ended_before_the_lab_is_up(tmp_path: Path) -> None:
    process = start("demo", "-o", tmp_path / "out", "--base", free_base())
    read_until(process, "starting the lab")
    process.send_signal(signal.SIGINT)
    ended = end(process)
    assert (ended.code, ended.out, ended.err) == (3, "", "stopped: by SIGINT\n")


@pytest.mark.full
def test_the_demo_finds_the_truth(tmp_path: Path) -> None:
    ended = end(start("demo", "-o", tmp_path / "out", "--base", free_base()))
    assert ended.code == 0, ended.out
    assert "verdicts are what the lab's truth demands." in ended.out
    assert (tmp_path / "out" / "report.html").exists()

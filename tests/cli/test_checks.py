"""`plumbline checks`: list, show, test."""

import shutil
from pathlib import Path

import pytest

from plumbline.checks.registry import SHIPPED, load_registry
from tests.cli.conftest import Call

TELNET = SHIPPED / "device" / "telnet_service.toml"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with a check of one's own."""
    (tmp_path / "checks" / "device").mkdir(parents=True)
    shutil.copy(TELNET, tmp_path / "checks" / "device" / "telnet_of_ours.toml")
    return tmp_path / "checks"


def test_list(call: Call) -> None:
    lines = call("checks", "list").out.splitlines()
    checks = load_registry().checks
    assert len(lines) == len(checks) + 1
    for check, line in zip(checks.values(), lines[1:], strict=True):
        assert line.split() == [check.id, check.severity.value, str(check.score), *check.title.split()]


def test_list_with_checks_of_ones_own(call: Call, own: Path) -> None:
    listed = call("checks", "list", "--checks", own, "--json").json
    assert len(listed) == len(load_registry().checks) + 1
    assert {"id", "layer", "title", "severity", "score", "cvss", "subjects", "provisions"} == listed[0].keys()
    assert "device.telnet_of_ours" in {check["id"] for check in listed}


def test_show(call: Call, own: Path) -> None:
    ended = call("checks", "show", "device.telnet_of_ours", "--checks", own)
    assert ended.code == 0
    check = load_registry().checks["device.telnet_service"]
    for words in (check.title, check.cvss, check.proves, check.pass_proves, check.recommendation, check.verify, check.compensate):
        assert words in ended.out
    for line in check.query.strip().splitlines():
        assert line in ended.out
    assert all(example.name in ended.out for example in check.examples)


def test_show_as_json(call: Call) -> None:
    shown = call("checks", "show", "cloud.stale_device_enabled", "--json").json
    check = load_registry().checks["cloud.stale_device_enabled"]
    assert (shown["query"], shown["proves"]) == (check.query, check.proves)
    assert shown["parameters"].keys() == check.parameters.keys()


def test_show_knows_parameters(call: Call) -> None:
    check = load_registry().checks["cloud.stale_device_enabled"]
    for name, parameter in check.parameters.items():
        assert f"${name}" in call("checks", "show", check.id).out
        assert f"(default {parameter.default})" in call("checks", "show", check.id).out


def test_test_one_file(call: Call) -> None:
    ended = call("checks", "test", TELNET)
    assert (ended.code, ended.out) == (0, "1 check, 0 problems\n")


def test_test_a_wrong_check(call: Call, own: Path) -> None:
    path = own / "device" / "telnet_of_ours.toml"
    path.write_text(path.read_text().replace('verdict = "fail"', 'verdict = "pass"'))
    ended = call("checks", "test", own)
    assert ended.code == 2
    assert "device/telnet_of_ours.toml: " in ended.out
    assert "1 check, " in ended.out
    assert call("checks", "test", own, "--json").json["checks"] == 1

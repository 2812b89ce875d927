"""Switches and the fleet that follows from them."""

from datetime import datetime, timedelta

import pytest

from plumbline.lab.fleet import TCP_PORTS, UDP_PORTS, fleet
from plumbline.lab.services import Habit, Mqtt, Odd, Page, Web
from plumbline.lab.switches import SWITCHES, Switches
from plumbline.model.words import Transport
from tests.lab.conftest import AT


def test_the_lab_is_shown_weak() -> None:
    assert all(Switches().values())
    assert set(Switches()) == set(SWITCHES)


def test_turning_moves_one_switch_and_leaves_the_original() -> None:
    weak = Switches()
    turned = weak.turn("camera.telnet_open", weak=False)
    assert {name for name in SWITCHES if weak[name] != turned[name]} == {"camera.telnet_open"}
    assert turned.turn("camera.telnet_open", weak=True) == weak


def test_only_and_safe() -> None:
    assert [name for name, weak in Switches.only(["hub.twin_drift"]).items() if weak] == ["hub.twin_drift"]
    assert not any(Switches.safe().values())


@pytest.mark.parametrize(
    "make", [lambda n: Switches.only([n]), lambda n: Switches(frozenset([n])), lambda n: Switches().turn(n, weak=True)]
)
def test_unknown_names_are_refused(make: object) -> None:
    with pytest.raises(KeyError, match="no such switch"):
        make("camera.telnet_closed")  # type: ignore[operator]
    with pytest.raises(KeyError):
        Switches()["camera.telnet_closed"]


def test_names_and_words_are_whole() -> None:
    for switch in SWITCHES.values():
        assert switch.name.count(".") == 1
        assert switch.safe != switch.weak
        assert all((switch.about, switch.safe, switch.weak))


def test_hardened_twins_do_not_move() -> None:
    weak, safe = fleet(Switches(), AT), fleet(Switches.safe(), AT)
    hardened = [device.name for device in weak.devices if device.name.endswith("-hardened")]
    assert len(hardened) == 8
    assert all(weak.by_name[name] == safe.by_name[name] for name in hardened)


def test_a_switch_on_a_device_changes_that_device_alone() -> None:
    safe = fleet(Switches.safe(), AT)
    kinds = {device.kind for device in safe.devices if device.name.endswith("-hardened")}
    in_files = {"camera.version_mismatch", "camera.shell_without_login", "broker.grants_wildcard"}  # seen elsewhere, or not alone
    for name, switch in SWITCHES.items():
        if switch.device in kinds and name not in in_files:
            moved = fleet(Switches.only([name]), AT)
            assert {d.name for d in safe.devices if d != moved.by_name[d.name]} == {switch.device}, name


def test_safe_weak_twins_serve_what_hardened_ones_do() -> None:
    safe = fleet(Switches.safe(), AT)
    for device in safe.devices:
        if device.name.endswith("-hardened"):
            twin = safe.by_name[device.kind]
            assert [(type(s), s.port) for s in twin.services] == [(type(s), s.port) for s in device.services]


def test_addresses_macs_and_serials_are_unique_and_under_the_base() -> None:
    found = fleet(Switches(), AT, "127.33").devices
    for attribute in ("address", "mac", "serial", "name"):
        assert len({getattr(device, attribute) for device in found}) == len(found)
    assert all(device.address.startswith("127.33.") for device in found)


def test_every_port_in_use_is_swept() -> None:
    swept = {Transport.TCP: set(TCP_PORTS), Transport.UDP: set(UDP_PORTS)}
    for device in fleet(Switches(), AT).devices:
        assert all(service.port in swept[service.transport] and service.port > 1023 for service in device.services)
        assert len({(s.transport, s.port) for s in device.services}) == len(device.services)


def test_devices_that_switches_hide() -> None:
    assert "absent" in fleet(Switches(), AT).by_name
    assert "absent" not in fleet(Switches.safe(), AT).by_name
    assert not fleet(Switches(), AT).by_name["stranger"].declared
    assert fleet(Switches.safe(), AT).by_name["stranger"].declared


def test_serves_and_twin() -> None:
    made = fleet(Switches(), AT)
    web = made.twin("camera", switched=True).serves(Transport.TCP, 8080)
    assert isinstance(web, Web) and web.page is Page.LOGIN
    assert isinstance(made.twin("broker", switched=False).serves(Transport.TCP, 8883), Mqtt)
    assert made.twin("broker", switched=False).serves(Transport.TCP, 1883) is None
    assert isinstance(hangup := made.by_name["hangup"].services[0], Odd) and hangup.habit is Habit.HANGS_UP


@pytest.mark.parametrize("base", ["10.20", "127", "127.256", "127.20.1", "128.0", "127.-1", "127.20\n"])
def test_no_base_outside_loopback(base: str) -> None:
    with pytest.raises(ValueError, match="no base"):
        fleet(Switches(), AT, base)


def test_the_day_counts_and_the_hour_does_not() -> None:
    assert fleet(Switches(), AT) == fleet(Switches(), AT + timedelta(hours=3))
    with pytest.raises(ValueError, match="aware"):
        fleet(Switches(), datetime(2026, 1, 1))  # noqa: DTZ001 - the naive instant is the point

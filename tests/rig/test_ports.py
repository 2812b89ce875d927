"""Ports by name and by list."""

from __future__ import annotations

import pytest

from plumbline.rig.ports import PORT_MAX, named_sets, read_ports


def test_every_named_set_is_whole() -> None:
    for name, found in named_sets().items():
        assert found.about, name
        assert found.tcp or found.udp, name
        assert all(1 <= port <= PORT_MAX for port in (*found.tcp, *found.udp)), name
        assert list(found.tcp) == sorted(set(found.tcp)), name


def test_the_sets_that_the_guide_names_exist() -> None:
    assert {"iot", "ot", "web", "messaging", "camera", "gateway", "all-lab"} == set(named_sets())


def test_the_iot_set_knows_what_devices_use() -> None:
    tcp = {21, 22, 23, 80, 81, 102, 443, 502, 554, 1883, 2000, 2222, 2323, 4443, 4840, 5000, 5555, 8000, 8080, 8081, 8443, 8554, 8883, 8888}
    tcp |= {9000, 9100, 9999, 10001, 20000, 37777, 44818, 49152, 5900, 3389}
    assert tcp <= set(named_sets()["iot"].tcp)
    assert {161, 1900, 5353, 5683, 5684, 47808} <= set(named_sets()["iot"].udp)


def test_the_labs_ports_need_no_root() -> None:
    assert all(port >= 1024 for port in (*named_sets()["all-lab"].tcp, *named_sets()["all-lab"].udp))


def test_lists_mix_ports_ranges_and_transports() -> None:
    found = read_ports([443, 80, "8000-8002", "udp/5683", "tcp/1883", "udp/100-101", 80])
    assert found.tcp == (80, 443, 1883, 8000, 8001, 8002)
    assert found.udp == (100, 101, 5683)


def test_an_empty_list_sweeps_nothing() -> None:
    assert read_ports([]).tcp == ()


@pytest.mark.parametrize("value", [["80,443"], ["tcp/"], ["-1"], [-1], ["80-"], ["udp:53"], [" 80"], ["٨٠"], "all", ["99999999999"]])
def test_what_is_no_port_is_refused(value: str | list[int | str]) -> None:
    with pytest.raises(ValueError):
        read_ports(value)

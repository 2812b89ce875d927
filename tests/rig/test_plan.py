"""The plan says exactly what would be touched, and the sweep goes exactly there."""

from __future__ import annotations

import json
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

from plumbline.model.errors import NotPermittedError
from plumbline.model.words import Intrusion, Transport
from plumbline.rig.models import Rig
from plumbline.rig.permits import Contact, judge
from plumbline.rig.plan import SERVICE_EXCHANGES_MAX, plan
from plumbline.rig.targets import count_targets, targets
from tests.rig.rigs import BASE, NETWORK, NOW, SCOPE, make, rig_text

KEPT = """
[[asset]]
id = "boiler"
address = "10.20.1.20"
safety = true
[[asset]]
id = "far"
address = "10.99.0.1"
"""


def swept(rig: Rig) -> list[str]:
    return [str(address) for network in rig.networks for address in targets(rig, network)]


def test_counts_are_those_of_the_sweep(tmp_path: Path) -> None:
    rig = make(tmp_path, rig_text(SCOPE + 'exclude = ["10.20.1.8/30", "10.20.1.0/32"]\n') + KEPT)
    made = plan(rig, NOW)
    addresses = swept(rig)
    assert made.contacted == len(addresses) == 256 - 2 - 4 - 1
    assert "10.20.1.20" not in addresses
    assert made.exchanges_sweep == made.contacted * 3
    assert made.exchanges_per_device_max == 3 * (1 + SERVICE_EXCHANGES_MAX[Intrusion.SESSION])
    assert made.exchanges_max == made.contacted * made.exchanges_per_device_max
    assert made.duration_s_sweep == -(-made.exchanges_sweep // 500)
    assert made.duration_s_max >= made.duration_s_sweep


def test_the_judge_permits_every_target(tmp_path: Path) -> None:
    rig = make(tmp_path, rig_text(SCOPE + 'exclude = ["10.20.1.8/30"]\n') + KEPT)
    for address in swept(rig):
        judge(rig, Contact(ip_address(address), 80, Transport.TCP, Intrusion.QUERY, "sweep"), NOW)


def test_every_address_that_is_no_target_is_refused(tmp_path: Path) -> None:
    rig = make(tmp_path, rig_text(SCOPE + 'exclude = ["10.20.1.8/30"]\n') + KEPT)
    wanted = set(swept(rig))
    for address in rig.authorisation.networks[0].supernet().subnets(new_prefix=32):
        if str(address.network_address) in wanted or not str(address.network_address).startswith(
            ("10.20.0", "10.20.1", "10.20.2.", "10.21.0.")
        ):
            continue
        try:
            judge(rig, Contact(address.network_address, 80, Transport.TCP, Intrusion.QUERY, "sweep"), NOW)
        except NotPermittedError:
            continue
        raise AssertionError(f"{address} is permitted and no target")


def test_a_subnet_of_ipv6_is_not_swept_but_its_assets_are_visited(tmp_path: Path) -> None:
    scope = 'networks = ["fd00:20::/64"]\nintrusion = "query"\n'
    rest = NETWORK.replace('"10.20.1.0/24"', '"fd00:20::/64"') + '[[asset]]\nid = "a"\naddress = ["fd00:20::14", "fd00:21::14"]\n'
    rig = make(tmp_path, rig_text(scope, rest))
    assert swept(rig) == ["fd00:20::14"]
    assert count_targets(rig, rig.networks[0], rig.networks[0].ranges[0]) == 1
    made = plan(rig, NOW)
    assert made.networks[0].ranges[0].swept is False
    assert made.networks[0].ranges[0].addresses == 2**64


def test_refusals_are_told_with_their_reasons(tmp_path: Path) -> None:
    scope = SCOPE + 'exclude = ["10.20.1.9"]\nnever_touch = ["24:a4:3c:10:00:99"]\nhosts = ["hub.example"]\ndiscovery = ["mdns"]\n'
    rig = make(tmp_path, rig_text(scope, NETWORK + NETWORK.replace("cold rooms", "yard").replace("1.0/24", "2.0/24") + KEPT))
    found = {(refused.what, str(refused.reason)) for refused in plan(rig, NOW).refusals}
    assert found == {
        ("10.20.1.9/32", "excluded"),
        ("24:a4:3c:10:00:99", "never_touch"),
        ("asset boiler (10.20.1.20)", "never_touch"),
        ("asset far (10.99.0.1)", "outside_networks"),
        ("hub.example", "no_resolver"),
        ("discovery mdns on 'cold rooms'", "discovery"),
        ("discovery mdns on 'yard'", "discovery"),
    }


def test_an_untimely_audit_says_when_it_may_start(tmp_path: Path) -> None:
    rig = make(tmp_path)
    early = plan(rig, rig.authorisation.valid_from - timedelta(days=1))
    assert (early.open_now, early.next_opening) == (False, "2026-11-01T00:00:00+00:00")
    assert [refused.reason for refused in early.refusals] == ["not_yet_valid"]
    late = plan(rig, rig.authorisation.valid_until)
    assert (late.open_now, late.next_opening) == (False, None)
    now = plan(rig, NOW)
    assert (now.open_now, now.next_opening, now.refusals) == (True, None, ())


def test_windows_move_the_next_opening(tmp_path: Path) -> None:
    window = 'windows = [{ days = ["sun"], from = "00:00", to = "05:00", timezone = "UTC" }]\n'
    rig = make(tmp_path, rig_text(SCOPE + window))
    start = rig.authorisation.valid_from  # a Sunday, 00:00
    assert plan(rig, start - timedelta(days=3)).next_opening == start.isoformat()
    assert plan(rig, start).open_now
    assert plan(rig, NOW).next_opening == "2026-11-15T00:00:00+00:00"
    assert plan(rig, rig.authorisation.valid_until - timedelta(days=1)).next_opening is None


def test_a_passive_rig_touches_only_files(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(b"12345")
    rig = make(tmp_path, rig_text("", '[[capture]]\npath = "*.pcap"\n'))
    made = plan(rig, NOW)
    assert (made.contacted, made.exchanges_max, made.networks) == (0, 0, ())
    assert [(file.kind, Path(file.path).name, file.size_bytes) for file in made.files] == [("capture", "a.pcap", 5)]
    assert [refused.reason for refused in made.refusals] == ["intrusion"]


def test_a_plan_is_json(tmp_path: Path) -> None:
    made = plan(make(tmp_path, BASE, signed=True), NOW)
    back = json.loads(json.dumps(made.to_json()))
    assert back["networks"][0]["tcp_ports"] == [80, 1883]
    assert back["signature"].endswith("Head of operations")


def test_a_network_that_is_wholly_excluded_is_said(tmp_path: Path) -> None:
    rig = make(tmp_path, rig_text(SCOPE + 'exclude = ["10.20.1.0/24"]\n'))
    assert ("network 'cold rooms'", "excluded") in {(refused.what, str(refused.reason)) for refused in plan(rig, NOW).refusals}


def test_a_controller_slows_the_plan(tmp_path: Path) -> None:
    one = rig_text(SCOPE + "exchanges_per_second = 5000\n", NETWORK.replace("10.20.1.0/24", "10.20.1.4/32"))
    fast = plan(make(tmp_path, one), NOW).duration_s_max
    slow = plan(make(tmp_path, one + '[[asset]]\nid = "plc"\naddress = "10.20.1.4"\nclass = "ot"\n'), NOW).duration_s_max
    assert slow >= 7 * fast


def test_logins_are_told_and_where_they_would_not_be_used(tmp_path: Path) -> None:
    rest = """
[[asset]]
id = "gw-1"
address = "10.20.1.30"
[[asset]]
id = "gw-2"
[[asset]]
id = "gw-3"
address = "10.20.1.31"
class = "ot"
[[login]]
kind = "ssh"
assets = ["gw-*"]
user = "auditor"
secret = "env:KEY"
port = {port}
"""
    made = plan(make(tmp_path, rig_text(SCOPE) + rest.format(port=80)), NOW)
    [login] = made.logins
    assert (login.kind, login.user, login.port, login.assets) == ("ssh", "auditor", 80, ("gw-1", "gw-2", "gw-3"))
    refused = {one.what: one.reason for one in made.refusals if one.what.startswith("login")}
    assert refused == {"login ssh on asset gw-2": "outside_networks", "login ssh on asset gw-3": "never_touch"}
    made = plan(make(tmp_path, rig_text(SCOPE) + rest.format(port=9)), NOW)
    refused = {one.what: one.reason for one in made.refusals if one.what.startswith("login")}
    assert refused["login ssh on asset gw-1 (10.20.1.30)"] == "port_not_listed"

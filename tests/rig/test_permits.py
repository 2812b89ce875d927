"""The judge: what is permitted, what is refused, and for which reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from plumbline.model.errors import NotPermittedError
from plumbline.model.words import Intrusion, Transport
from plumbline.rig.models import Rig
from plumbline.rig.permits import Contact, Permit, Refusal, judge, judge_discovery, judge_resolution
from tests.rig.rigs import BASE, NETWORK, NOW, SCOPE, make, rig_text

TCP, UDP = Transport.TCP, Transport.UDP


def contact(
    address: str,
    port: int | None = 80,
    transport: Transport = TCP,
    intrusion: Intrusion = Intrusion.QUERY,
    name: str | None = None,
    mac: str | None = None,
) -> Contact:
    return Contact(ip_address(address), port, transport, intrusion, "test", name, mac)


def refusal(rig: Rig, wanted: Contact, now: datetime = NOW) -> str:
    with pytest.raises(NotPermittedError) as caught:
        judge(rig, wanted, now)
    assert "(" in str(caught.value), "a refusal says what to do"
    return caught.value.reason


def test_a_permit_says_under_what_it_was_given(tmp_path: Path) -> None:
    permit = judge(make(tmp_path), contact("10.20.1.14", 1883, intrusion=Intrusion.SESSION), NOW)
    assert permit == Permit(
        id="NW-2026-118/cold rooms/tcp",
        rule="network 'cold rooms'",
        site="harbour",
        network="cold rooms",
        address="10.20.1.14",
        port=1883,
        transport=TCP,
        intrusion=Intrusion.SESSION,
        not_after=datetime(2026, 12, 1, tzinfo=UTC),
    )


WIDE = 'networks = ["10.20.0.0/16", "fd00:20::/64", "fe80::/64"]\nintrusion = "session"\n'
V6 = NETWORK.replace('["10.20.1.0/24"]', '["10.20.1.0/24", "fd00:20::/64", "fe80::/64"]')
UNTOUCHED = """
[[asset]]
id = "boiler"
address = ["10.20.1.20", "fd00:20::20"]
safety = true
[[asset]]
id = "pump"
address = "10.20.1.21"
mac = "24:a4:3c:10:00:21"
[[asset]]
id = "valve"
address = "10.20.1.22"
never_touch = true
[[asset]]
id = "by-id"
address = "10.20.1.23"
"""

# name: (lines under [authorisation], other tables, the contact, the reason or None where it is permitted)
CASES: dict[str, tuple[str, str, Contact, Refusal | None]] = {
    "listed port": (SCOPE, NETWORK, contact("10.20.1.14"), None),
    "listed UDP port": (SCOPE, NETWORK, contact("10.20.1.14", 5683, UDP), None),
    "address as such": (SCOPE, NETWORK, contact("10.20.1.14", None), None),
    "port not listed": (SCOPE, NETWORK, contact("10.20.1.14", 22), Refusal.PORT_NOT_LISTED),
    "port of the other transport": (SCOPE, NETWORK, contact("10.20.1.14", 80, UDP), Refusal.PORT_NOT_LISTED),
    "just below the range": (SCOPE, NETWORK, contact("10.20.0.255"), Refusal.OUTSIDE_NETWORKS),
    "just above the range": (SCOPE, NETWORK, contact("10.20.2.0"), Refusal.OUTSIDE_NETWORKS),
    "outside networks": (SCOPE, NETWORK, contact("10.21.1.14"), Refusal.OUTSIDE_NETWORKS),
    "loopback of the auditor": (SCOPE, NETWORK, contact("127.0.0.1"), Refusal.OUTSIDE_NETWORKS),
    "cloud metadata address": (SCOPE, NETWORK, contact("169.254.169.254"), Refusal.OUTSIDE_NETWORKS),
    "name of the subnet": (SCOPE, NETWORK, contact("10.20.1.0"), Refusal.OUTSIDE_NETWORKS),
    "broadcast of the subnet": (SCOPE, NETWORK, contact("10.20.1.255", 5683, UDP), Refusal.OUTSIDE_NETWORKS),
    "both ends of a pair": (SCOPE, NETWORK.replace("1.0/24", "1.0/31"), contact("10.20.1.0"), None),
    "loopback that is authorised": (
        'networks = ["127.20.0.0/16"]\nintrusion = "query"\n',
        NETWORK.replace("10.20.1.0/24", "127.20.0.0/16"),
        contact("127.20.0.9"),
        None,
    ),
    "excluded address": (SCOPE + 'exclude = ["10.20.1.9"]\n', NETWORK, contact("10.20.1.9"), Refusal.EXCLUDED),
    "beside an excluded address": (SCOPE + 'exclude = ["10.20.1.9"]\n', NETWORK, contact("10.20.1.10"), None),
    "excluded network": (SCOPE + 'exclude = ["10.20.1.0/28"]\n', NETWORK, contact("10.20.1.15"), Refusal.EXCLUDED),
    "excluded and unlisted port": (SCOPE + 'exclude = ["10.20.1.9"]\n', NETWORK, contact("10.20.1.9", 22), Refusal.EXCLUDED),
    "safety asset": (SCOPE, NETWORK + UNTOUCHED, contact("10.20.1.20"), Refusal.NEVER_TOUCH),
    "safety asset by its second address": (WIDE, V6 + UNTOUCHED, contact("fd00:20::20"), Refusal.NEVER_TOUCH),
    "untouchable asset": (SCOPE, NETWORK + UNTOUCHED, contact("10.20.1.22"), Refusal.NEVER_TOUCH),
    "untouchable by id": (SCOPE + 'never_touch = ["by-id"]\n', NETWORK + UNTOUCHED, contact("10.20.1.23"), Refusal.NEVER_TOUCH),
    "untouchable by MAC of an asset": (
        SCOPE + 'never_touch = ["24-A4-3C-10-00-21"]\n',
        NETWORK + UNTOUCHED,
        contact("10.20.1.21"),
        Refusal.NEVER_TOUCH,
    ),
    "untouchable by MAC of a neighbour": (
        SCOPE + 'never_touch = ["24a4.3c10.0099"]\n',
        NETWORK,
        contact("10.20.1.99", mac="24:a4:3c:10:00:99"),
        Refusal.NEVER_TOUCH,
    ),
    "another neighbour's MAC": (
        SCOPE + 'never_touch = ["24a4.3c10.0099"]\n',
        NETWORK,
        contact("10.20.1.99", mac="24:a4:3c:10:00:98"),
        None,
    ),
    "untouchable address": (SCOPE + 'never_touch = ["10.20.1.30"]\n', NETWORK, contact("10.20.1.30"), Refusal.NEVER_TOUCH),
    "untouchable network": (SCOPE + 'never_touch = ["10.20.1.32/30"]\n', NETWORK, contact("10.20.1.33"), Refusal.NEVER_TOUCH),
    "untouchable before excluded": (
        SCOPE + 'never_touch = ["10.20.1.30"]\nexclude = ["10.20.1.30"]\n',
        NETWORK,
        contact("10.20.1.30"),
        Refusal.NEVER_TOUCH,
    ),
    "harder than authorised": (SCOPE, NETWORK, contact("10.20.1.14", intrusion=Intrusion.CREDENTIAL), Refusal.NOT_SIGNED),
    "session under query": (
        SCOPE.replace("session", "query"),
        NETWORK,
        contact("10.20.1.14", intrusion=Intrusion.SESSION),
        Refusal.INTRUSION,
    ),
    "anything under passive": (
        SCOPE.replace("session", "passive"),
        NETWORK,
        contact("10.20.1.14", intrusion=Intrusion.PASSIVE),
        Refusal.INTRUSION,
    ),
    "IPv6": (WIDE, V6, contact("fd00:20::14"), None),
    "IPv6 outside": (WIDE, V6, contact("fd00:21::14"), Refusal.OUTSIDE_NETWORKS),
    "IPv4-mapped": (SCOPE, NETWORK, contact("::ffff:10.20.1.14"), Refusal.OUTSIDE_NETWORKS),
    "IPv4-compatible": (SCOPE, NETWORK, contact("::10.20.1.14"), Refusal.OUTSIDE_NETWORKS),
    "IPv6 loopback": (WIDE, V6, contact("::1"), Refusal.OUTSIDE_NETWORKS),
    "multicast": (SCOPE, NETWORK, contact("239.255.255.250"), Refusal.OUTSIDE_NETWORKS),
    "link-local without an interface": (WIDE, V6, contact("fe80::14"), Refusal.OUTSIDE_NETWORKS),
    "link-local on an interface not authorised": (WIDE, V6, contact("fe80::14%eth1"), Refusal.OUTSIDE_NETWORKS),
    "link-local on the source": (WIDE + 'source = "eth1"\n', V6, contact("fe80::14%eth1"), None),
    "link-local, source known": (WIDE + 'source = "eth1"\n', V6, contact("fe80::14"), None),
    "link-local on another interface": (WIDE + 'source = "eth1"\n', V6, contact("fe80::14%eth0"), Refusal.OUTSIDE_NETWORKS),
    "link-local, excluded, with a scope": (
        WIDE + 'source = "eth1"\nexclude = ["fe80::14"]\n',
        V6,
        contact("fe80::14%eth1"),
        Refusal.EXCLUDED,
    ),
    "name that is listed": (SCOPE + 'hosts = ["hub.example"]\n', NETWORK, contact("10.20.1.14", 80, name="Hub.Example."), None),
    "name that is not listed": (
        SCOPE + 'hosts = ["hub.example"]\n',
        NETWORK,
        contact("10.20.1.14", 80, name="x.hub.example"),
        Refusal.NAME_NOT_LISTED,
    ),
    "listed name, authorised address, cloud port": (
        SCOPE + 'hosts = ["hub.example"]\n',
        NETWORK,
        contact("10.20.7.7", 8883, name="hub.example"),
        None,
    ),
    "listed name, authorised address, other port": (
        SCOPE + 'hosts = ["hub.example"]\n',
        NETWORK,
        contact("10.20.7.7", 22, name="hub.example"),
        Refusal.OUTSIDE_NETWORKS,
    ),
    "listed name that resolves outside": (
        SCOPE + 'hosts = ["hub.example"]\n',
        NETWORK,
        contact("9.9.9.9", 443, name="hub.example"),
        Refusal.OUTSIDE_NETWORKS,
    ),
    "anchor on discard": (
        SCOPE + 'anchors = [{ address = "10.20.0.1", mac = "24:a4:3c:10:00:01" }]\n',
        NETWORK,
        contact("10.20.0.1", 9, UDP),
        None,
    ),
    "anchor on another port": (
        SCOPE + 'anchors = [{ address = "10.20.0.1", mac = "24:a4:3c:10:00:01" }]\n',
        NETWORK,
        contact("10.20.0.1", 80),
        Refusal.OUTSIDE_NETWORKS,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_contact_is_judged(tmp_path: Path, name: str) -> None:
    scope, rest, wanted, reason = CASES[name]
    rig = make(tmp_path, rig_text(scope, rest))
    if reason is None:
        assert judge(rig, wanted, NOW).address == str(wanted.address)
    else:
        assert refusal(rig, wanted) == reason


def carrying(rig: Rig, scope: str) -> Rig:
    """Widen a rig to an IPv6 network that carries IPv4, which loading would want signed and small."""
    wide = (*rig.authorisation.networks, ip_network(scope))
    net = replace(rig.networks[0], ranges=(*rig.networks[0].ranges, ip_network(scope)))
    return replace(rig, authorisation=replace(rig.authorisation, networks=wide), networks=(net,))


def test_an_address_in_ipv6_dress_needs_both_to_be_permitted(tmp_path: Path) -> None:
    rig = carrying(make(tmp_path, rig_text(SCOPE + 'exclude = ["10.20.1.9"]\n')), "fd00:20::5efe:0:0/96")
    assert judge(rig, contact("fd00:20::5efe:10.20.1.14"), NOW).address == "fd00:20::5efe:a14:10e"
    assert refusal(rig, contact("fd00:20::5efe:10.20.1.9")) == Refusal.EXCLUDED
    assert refusal(rig, contact("fd00:20::5efe:10.99.1.9")) == Refusal.OUTSIDE_NETWORKS
    assert refusal(rig, contact("fd00:20::5efe:9.9.9.9")) == Refusal.OUTSIDE_NETWORKS


@pytest.mark.parametrize(
    "dressed",
    ["::ffff:10.20.1.9", "::10.20.1.9", "64:ff9b::10.20.1.9", "2002:0a14:0109::1", "fd00:20::5efe:10.20.1.9", "64:ff9b:1::10.20.1.9"],
)
def test_no_dress_hides_an_excluded_address(tmp_path: Path, dressed: str) -> None:
    base = make(tmp_path, rig_text(SCOPE + 'exclude = ["10.20.1.9"]\n'), signed=True)
    rig = carrying(base, f"{dressed}/128")
    rig = replace(rig, authorisation=replace(rig.authorisation, public=True))
    assert refusal(rig, contact(dressed)) in (Refusal.EXCLUDED, Refusal.OUTSIDE_NETWORKS)


PUBLIC = 'networks = ["9.9.9.0/25"]\npublic = true\nintrusion = "credential"\n'


def test_public_addresses_need_leave_and_a_signature_and_take_no_logins(tmp_path: Path) -> None:
    rig = make(tmp_path, rig_text(PUBLIC, NETWORK.replace("10.20.1.0/24", "9.9.9.0/25")), signed=True)
    allowed = rig.authorisation
    assert judge(rig, contact("9.9.9.9", intrusion=Intrusion.SESSION), NOW).network == "cold rooms"
    assert refusal(rig, contact("9.9.9.9", intrusion=Intrusion.CREDENTIAL)) == Refusal.PUBLIC_RANGE
    assert refusal(replace(rig, signature=None), contact("9.9.9.9")) == Refusal.NOT_SIGNED
    assert refusal(replace(rig, authorisation=replace(allowed, public=False)), contact("9.9.9.9")) == Refusal.PUBLIC_RANGE
    many = replace(allowed, networks=(*allowed.networks, allowed.networks[0].supernet(new_prefix=23)))
    assert refusal(replace(rig, authorisation=many), contact("9.9.9.9")) == Refusal.PUBLIC_RANGE


def test_default_logins_need_a_signature(tmp_path: Path) -> None:
    rig = make(tmp_path, BASE.replace('"session"', '"credential"'), signed=True)
    assert judge(rig, contact("10.20.1.14", intrusion=Intrusion.CREDENTIAL), NOW).intrusion is Intrusion.CREDENTIAL
    assert refusal(replace(rig, signature=None), contact("10.20.1.14", intrusion=Intrusion.CREDENTIAL)) == Refusal.NOT_SIGNED


def test_the_authorisation_holds_from_its_first_instant_to_before_its_last(tmp_path: Path) -> None:
    rig = make(tmp_path)
    first, last, instant = rig.authorisation.valid_from, rig.authorisation.valid_until, timedelta(microseconds=1)
    assert refusal(rig, contact("10.20.1.14"), first - instant) == Refusal.NOT_YET_VALID
    assert judge(rig, contact("10.20.1.14"), first).not_after == last
    assert judge(rig, contact("10.20.1.14"), last - instant).not_after == last
    assert refusal(rig, contact("10.20.1.14"), last) == Refusal.EXPIRED


def test_a_permit_ends_with_its_window(tmp_path: Path) -> None:
    window = 'windows = [{ days = ["tue"], from = "11:00", to = "13:00", timezone = "UTC" }]\n'
    rig = make(tmp_path, rig_text(SCOPE + window))
    assert judge(rig, contact("10.20.1.14"), NOW).not_after == datetime(2026, 11, 10, 13, tzinfo=UTC)
    with pytest.raises(NotPermittedError, match=r"next opens at 2026-11-17T11:00:00\+00:00") as caught:
        judge(rig, contact("10.20.1.14"), NOW + timedelta(hours=1))
    assert caught.value.reason == Refusal.OUTSIDE_WINDOW


def test_a_permit_never_outlives_the_authorisation(tmp_path: Path) -> None:
    window = 'windows = [{ days = ["mon"], from = "22:00", to = "04:00", timezone = "UTC" }]\n'
    rig = make(tmp_path, rig_text(SCOPE + window))
    assert judge(rig, contact("10.20.1.14"), datetime(2026, 11, 30, 23, tzinfo=UTC)).not_after == rig.authorisation.valid_until


@pytest.mark.parametrize("group", ["224.0.0.5", "240.0.0.5", "0.0.0.5", "ff02::5"])
def test_no_leave_makes_a_device_of_what_is_none(tmp_path: Path, group: str) -> None:
    rig = carrying(make(tmp_path, signed=True), f"{group}/128" if ":" in group else f"{group}/32")
    rig = replace(rig, authorisation=replace(rig.authorisation, public=True))
    assert refusal(rig, contact(group)) == Refusal.OUTSIDE_NETWORKS


def test_a_clock_without_a_zone_is_a_defect(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="aware"):
        judge(make(tmp_path), contact("10.20.1.14"), NOW.replace(tzinfo=None))


def test_where_sites_share_an_address_the_first_network_that_lists_the_port_permits(tmp_path: Path) -> None:
    other = NETWORK.replace("cold rooms", "quay rooms").replace('"harbour"', '"quay"').replace("[80,", "[22, 80,")
    rig = make(tmp_path, BASE + other)
    assert judge(rig, contact("10.20.1.14", 80), NOW).site == "harbour"
    assert judge(rig, contact("10.20.1.14", 22), NOW).site == "quay"


DNS = 'resolvers = ["10.20.0.53"]\nhosts = ["hub.example"]\n'

RESOLUTIONS: dict[str, tuple[str, str, str, Refusal | None]] = {
    "listed name at a listed server": (SCOPE + DNS, "hub.example", "10.20.0.53", None),
    "listed name, other spelling": (SCOPE + DNS, "HUB.example.", "10.20.0.53", None),
    "unlisted name": (SCOPE + DNS, "evil.example", "10.20.0.53", Refusal.NAME_NOT_LISTED),
    "unlisted server": (SCOPE + DNS, "hub.example", "10.20.0.54", Refusal.NO_RESOLVER),
    "no servers": (SCOPE + 'hosts = ["hub.example"]\n', "hub.example", "10.20.0.53", Refusal.NO_RESOLVER),
    "passive": (SCOPE.replace("session", "passive") + DNS, "hub.example", "10.20.0.53", Refusal.INTRUSION),
    "untouchable server": (SCOPE + DNS + 'never_touch = ["10.20.0.53"]\n', "hub.example", "10.20.0.53", Refusal.NEVER_TOUCH),
}


@pytest.mark.parametrize("name", RESOLUTIONS)
def test_each_resolution_is_judged(tmp_path: Path, name: str) -> None:
    scope, host, resolver, reason = RESOLUTIONS[name]
    rig = make(tmp_path, rig_text(scope))
    if reason is None:
        permit = judge_resolution(rig, host, ip_address(resolver), NOW)
        assert (permit.id, permit.port) == ("NW-2026-118/resolvers/udp", 53)
    else:
        with pytest.raises(NotPermittedError) as caught:
            judge_resolution(rig, host, ip_address(resolver), NOW)
        assert caught.value.reason == reason


FAR = NETWORK.replace("cold rooms", "yard").replace("10.20.1.0", "10.20.2.0")
MDNS = 'discovery = ["mdns"]\n'
NOWHERE = '[[asset]]\nid = "boiler"\nsafety = true\n'

DISCOVERIES: dict[str, tuple[str, str, str, str, Refusal | None]] = {
    "listed group": (SCOPE + MDNS, NETWORK, "mdns", "cold rooms", None),
    "unlisted group": (SCOPE + MDNS, NETWORK, "ssdp", "cold rooms", Refusal.DISCOVERY),
    "unknown network": (SCOPE + MDNS, NETWORK, "mdns", "attic", Refusal.OUTSIDE_NETWORKS),
    "segment with an exclusion": (SCOPE + MDNS + 'exclude = ["10.20.1.9"]\n', NETWORK + FAR, "mdns", "cold rooms", Refusal.DISCOVERY),
    "segment beside an exclusion": (SCOPE + MDNS + 'exclude = ["10.20.1.9"]\n', NETWORK + FAR, "mdns", "yard", None),
    "segment with an untouchable address": (
        SCOPE + MDNS + 'never_touch = ["10.20.1.9"]\n',
        NETWORK + FAR,
        "mdns",
        "cold rooms",
        Refusal.DISCOVERY,
    ),
    "untouchable MAC that may be anywhere": (
        SCOPE + MDNS + 'never_touch = ["24:a4:3c:10:00:99"]\n',
        NETWORK,
        "mdns",
        "cold rooms",
        Refusal.DISCOVERY,
    ),
    "safety asset that may be anywhere": (SCOPE + MDNS, NETWORK + NOWHERE, "mdns", "cold rooms", Refusal.DISCOVERY),
    "safety asset elsewhere": (SCOPE + MDNS, NETWORK + FAR + NOWHERE + 'address = "10.20.2.9"\n', "mdns", "cold rooms", None),
    "passive": (SCOPE.replace("session", "passive") + MDNS, NETWORK, "mdns", "cold rooms", Refusal.INTRUSION),
}


@pytest.mark.parametrize("name", DISCOVERIES)
def test_each_discovery_is_judged(tmp_path: Path, name: str) -> None:
    scope, rest, group, network, reason = DISCOVERIES[name]
    rig = make(tmp_path, rig_text(scope, rest))
    if reason is None:
        permit = judge_discovery(rig, group, network, NOW)
        assert (permit.address, permit.port, permit.network) == ("224.0.0.251", 5353, network)
    else:
        with pytest.raises(NotPermittedError) as caught:
            judge_discovery(rig, group, network, NOW)
        assert caught.value.reason == reason


def test_discovery_on_an_ipv6_network_asks_the_link_local_group(tmp_path: Path) -> None:
    rig = make(tmp_path, rig_text(WIDE + MDNS, NETWORK.replace("10.20.1.0/24", "fd00:20::/64")))
    assert judge_discovery(rig, "mdns", rig.networks[0], NOW).address == "ff02::fb"


def test_discovery_outside_its_time_is_refused(tmp_path: Path) -> None:
    rig = make(tmp_path, rig_text(SCOPE + MDNS))
    with pytest.raises(NotPermittedError) as caught:
        judge_discovery(rig, "mdns", "cold rooms", rig.authorisation.valid_until)
    assert caught.value.reason == Refusal.EXPIRED

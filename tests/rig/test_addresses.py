"""Arithmetic on addresses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.rig.addresses import AddressSet, carried, hides_ipv4, is_public, is_unicast, scope_of, unscoped

CARRIED = {
    "IPv4": ("10.20.1.9", None),
    "IPv6": ("fd00::1", None),
    "mapped (RFC 4291, 2.5.5.2)": ("::ffff:10.20.1.9", "10.20.1.9"),
    "compatible (RFC 4291, 2.5.5.1)": ("::10.20.1.9", "10.20.1.9"),
    "loopback carries none": ("::1", None),
    "unspecified carries none": ("::", None),
    "6to4 (RFC 3056)": ("2002:0a14:0109::1", "10.20.1.9"),
    "NAT64 (RFC 6052, 2.1)": ("64:ff9b::10.20.1.9", "10.20.1.9"),
    "Teredo (RFC 4380, 4)": ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45"),
    "ISATAP (RFC 5214, 6.1)": ("fe80::5efe:10.20.1.9", "10.20.1.9"),
    "ISATAP, universal bit": ("fe80::200:5efe:10.20.1.9", "10.20.1.9"),
    "mapped with a scope": ("::ffff:10.20.1.9%eth0", "10.20.1.9"),
}


@pytest.mark.parametrize("name", CARRIED)
def test_the_ipv4_address_inside_an_ipv6_address(name: str) -> None:
    dressed, inner = CARRIED[name]
    assert carried(ip_address(dressed)) == (IPv4Address(inner) if inner else None)


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("10.0.0.1", False),
        ("172.31.255.255", False),
        ("172.32.0.0", True),
        ("192.168.1.1", False),
        ("127.20.0.1", False),
        ("100.64.0.1", False),
        ("169.254.1.1", False),
        ("198.18.0.1", False),
        ("9.9.9.9", True),
        ("192.0.0.9", True),
        ("fd00::1", False),
        ("fe80::1%eth1", False),
        ("::1", False),
        ("2606:4700::1", True),
        ("2001:db8::1", False),
    ],
)
def test_what_is_public(text: str, public: bool) -> None:
    assert is_public(ip_address(text)) is public


@pytest.mark.parametrize("text", ["0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::", "ff02::1"])
def test_what_no_device_has(text: str) -> None:
    assert not is_unicast(ip_address(text))


def test_an_address_that_hides_its_ipv4_is_known() -> None:
    assert hides_ipv4(ip_address("64:ff9b:1::10.20.1.9"))
    assert not hides_ipv4(ip_address("64:ff9b::10.20.1.9"))


def test_scopes() -> None:
    assert scope_of(ip_address("fe80::1%eth1")) == "eth1"
    assert scope_of(ip_address("10.0.0.1")) is None
    assert unscoped(ip_address("fe80::1%eth1")) == ip_address("fe80::1")
    assert ip_address("fe80::1%eth1") in AddressSet([ip_network("fe80::/64")])


nets = st.lists(st.tuples(st.integers(0, 255), st.integers(24, 32)).map(lambda pair: IPv4Network(pair, strict=False)), max_size=6)


@given(nets, nets, st.integers(0, 300), st.tuples(st.integers(0, 255), st.integers(24, 32)))
def test_a_set_answers_as_its_members_would(left: list[IPv4Network], right: list[IPv4Network], at: int, other: tuple[int, int]) -> None:
    members = {int(address) for network in left for address in network}
    both = members | {int(address) for network in right for address in network}
    found, asked = AddressSet(left), IPv4Network(other, strict=False)
    inside = {int(address) for address in asked}
    assert (IPv4Address(at) in found) == (at in members)
    assert found.count() == len(members)
    assert bool(found) == bool(members)
    assert found.count_in(asked) == len(members & inside)
    assert found.covers(asked) == (inside <= members)
    assert found.overlaps(asked) == bool(inside & members)
    assert (found | AddressSet(right)).count() == len(both)
    assert (IPv4Address(at) in (found | AddressSet(right))) == (at in both)

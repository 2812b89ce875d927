"""Law 1, for every address: nothing outside `networks` and nothing inside an exclusion is ever permitted.

The model is written the slow way, over `ipaddress` alone, so that it shares no arithmetic with the judge.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.model.errors import NotPermittedError
from plumbline.model.words import Intrusion, Transport
from plumbline.rig.addresses import Address, IPNetwork, carried
from plumbline.rig.models import Asset, Rig
from plumbline.rig.permits import Contact, Refusal, judge
from tests.rig.rigs import NOW, make

V4_BASE, V6_BASE = int(IPv4Address("10.20.0.0")), int(IPv6Address("fd00:20::"))

# A small world, so that addresses, networks and exclusions meet often.
v4 = st.integers(0, 63).map(lambda n: IPv4Address(V4_BASE + n))
v6 = st.integers(0, 63).map(lambda n: IPv6Address(V6_BASE + n))
dressed = st.tuples(v4, st.sampled_from([0xFFFF << 32, 0, 0x64FF9B << 96, 0x5EFE << 32, V6_BASE | 0x5EFE << 32])).map(
    lambda pair: IPv6Address(pair[1] | int(pair[0]))
)
anywhere = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
addresses = st.one_of(v4, v6, dressed, anywhere)
small = st.one_of(
    st.tuples(v4, st.integers(26, 32)).map(lambda pair: IPv4Network(pair, strict=False)),
    st.tuples(v6, st.integers(122, 128)).map(lambda pair: IPv6Network(pair, strict=False)),
)
networks = st.lists(st.one_of(small, st.just(ip_network("::/0")), st.just(ip_network("fd00:20::5efe:0:0/96"))), max_size=4)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    return make(tmp_path_factory.mktemp("rig"))


def permitted(rig: Rig, address: Address, now: datetime = NOW) -> bool:
    try:
        judge(rig, Contact(address, 80, Transport.TCP, Intrusion.QUERY, "property"), now)
    except NotPermittedError as error:
        assert error.reason in set(Refusal)
        return False
    return True


def holds(found: list[IPNetwork], address: Address) -> bool:
    return any(address.version == network.version and address in network for network in found)


@settings(max_examples=600)
@given(
    inside=networks, ranges=st.lists(small, min_size=1, max_size=3), out=networks, kept=st.lists(addresses, max_size=3), address=addresses
)
def test_no_address_outside_networks_or_inside_an_exclusion_is_permitted(
    base: Rig, inside: list[IPNetwork], ranges: list[IPNetwork], out: list[IPNetwork], kept: list[Address], address: Address
) -> None:
    asset = Asset("kept", "kept", None, tuple(kept), None, None, None, None, None, True, False)
    rig = replace(
        base,
        authorisation=replace(base.authorisation, networks=tuple(inside), exclude=tuple(out), public=True),
        networks=(replace(base.networks[0], ranges=tuple(ranges)),),
        assets=(asset,),
    )
    if permitted(rig, address):
        inner = carried(address)
        for judged in (address, *([inner] if inner is not None else [])):
            assert holds(inside, judged)
            assert holds(ranges, judged)
            assert not holds(out, judged)
            assert judged not in kept
            assert not judged.is_multicast and not judged.is_unspecified and not judged.is_global


@settings(max_examples=300)
@given(address=v4)
def test_the_judge_permits_what_is_plainly_allowed(base: Rig, address: IPv4Address) -> None:
    """Guards the property above against a judge that refuses everything."""
    whole = ip_network("10.20.0.0/24")
    rig = replace(base, networks=(replace(base.networks[0], ranges=(whole,)),))
    assert permitted(rig, address) == (address != whole.network_address)


@settings(max_examples=300)
@given(seconds=st.integers(-(10**8), 10**8))
def test_nothing_is_permitted_outside_the_dates(base: Rig, seconds: int) -> None:
    now = datetime(2026, 11, 15, tzinfo=UTC) + timedelta(seconds=seconds)
    allowed = base.authorisation
    assert permitted(base, IPv4Address("10.20.1.14"), now) == (allowed.valid_from <= now < allowed.valid_until)


@settings(max_examples=300)
@given(port=st.integers(0, 65_535), transport=st.sampled_from(list(Transport)), intrusion=st.sampled_from(list(Intrusion)))
def test_only_listed_ports_and_authorised_intrusion_pass(base: Rig, port: int, transport: Transport, intrusion: Intrusion) -> None:
    listed = port in {Transport.TCP: {80, 1883}, Transport.UDP: {5683}}[transport]
    try:
        permit = judge(base, Contact(IPv4Address("10.20.1.14"), port, transport, intrusion, "property"), NOW)
    except NotPermittedError:
        assert not listed or intrusion > Intrusion.SESSION
    else:
        assert listed and intrusion <= Intrusion.SESSION
        assert (permit.port, permit.transport) == (port, transport)


def test_the_small_world_is_a_test_at_all(base: Rig, tmp_path: Path) -> None:
    assert permitted(base, IPv4Address("10.20.1.1"))
    assert not permitted(base, IPv4Address("10.20.2.1"))

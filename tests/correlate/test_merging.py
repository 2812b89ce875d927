"""Which entities become one asset, which do not, and that nothing hangs on the order of what was seen."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.correlate.merging import Carried, Correlation, merge

DECLARED, OTHER = "declared:s/cam-1", "declared:s/cam-2"
HOST, HOST_2, HOST_6 = "host:s/10.0.0.5", "host:s/10.0.0.6", "host:s/fe80::5"
STATION, STATION_2 = "station:s/10.0.0.5", "station:t/10.0.0.5"
IDENTITY, IDENTITY_2 = "identity:hub/cam-0001", "identity:hub/cam-0002"
EDGE = "edge:/gateway.json"
SYSTEM, SYSTEM_2 = "system:s/ssh/10.0.0.5", "system:s/kit.txt"
MAC = "24:a4:3c:10:00:01"


def fact(identifier: str, value: str, entity: str, source: str = "x") -> Carried:
    return Carried(identifier, value, entity, entity.partition(":")[0], source)


def assets(facts: Iterable[Carried]) -> dict[str, str]:
    """Each entity with its asset."""
    facts = list(facts)
    merged = {found.entity: found.asset for found in merge(facts).merges}
    return {item.entity: merged.get(item.entity, item.entity) for item in facts}


CASES = [
    (
        "a system seen twice, by a login and by hostkit, of a declared asset",
        [
            ("declared_id", "cam-1", DECLARED),
            ("declared_id", "cam-1", SYSTEM),
            ("declared_id", "cam-1", SYSTEM_2),
            ("mac", MAC, SYSTEM),
            ("mac", MAC, SYSTEM_2),
        ],
        {DECLARED: DECLARED, SYSTEM: DECLARED, SYSTEM_2: DECLARED},
    ),
    (
        "a system of which the customer does not say what it is, by its host key",
        [("public_key", "ab", SYSTEM), ("public_key", "ab", HOST)],
        {SYSTEM: "key:/ab", HOST: "key:/ab"},
    ),
    (
        "a system that two declared assets claim by other means",
        [("declared_id", "cam-1", DECLARED), ("declared_id", "cam-1", SYSTEM), ("mac", MAC, SYSTEM), ("mac", MAC, OTHER)],
        {DECLARED: DECLARED, SYSTEM: DECLARED, OTHER: OTHER},
    ),
    ("declared and host by address", [("ip", "s/10.0.0.5", DECLARED), ("ip", "s/10.0.0.5", HOST)], {DECLARED: DECLARED, HOST: DECLARED}),
    ("declared and host by MAC", [("mac", MAC, DECLARED), ("mac", MAC, HOST)], {DECLARED: DECLARED, HOST: DECLARED}),
    ("declared and identity by serial", [("serial", "S1", DECLARED), ("serial", "S1", IDENTITY)], {DECLARED: DECLARED, IDENTITY: DECLARED}),
    (
        "declared and identity by hub id",
        [("hub_device_id", "cam", DECLARED), ("hub_device_id", "cam", IDENTITY)],
        {DECLARED: DECLARED, IDENTITY: DECLARED},
    ),
    (
        "gateway and identity by hub id",
        [("hub_device_id", "gw", EDGE), ("hub_device_id", "gw", IDENTITY)],
        {EDGE: IDENTITY, IDENTITY: IDENTITY},
    ),
    (
        "host and identity by certificate",
        [("certificate_sha1", "AB", HOST), ("certificate_sha1", "AB", IDENTITY)],
        {HOST: IDENTITY, IDENTITY: IDENTITY},
    ),
    ("station and host by address", [("ip", "s/10.0.0.5", STATION), ("ip", "s/10.0.0.5", HOST)], {STATION: HOST, HOST: HOST}),
    ("no address across sites", [("ip", "t/10.0.0.5", STATION_2), ("ip", "s/10.0.0.5", HOST)], {STATION_2: STATION_2, HOST: HOST}),
    ("a MAC across sites", [("mac", MAC, STATION_2), ("mac", MAC, HOST)], {STATION_2: f"mac:/{MAC}", HOST: f"mac:/{MAC}"}),
    (
        "a client id that is a hub id",
        [("mqtt_client_id", "cam", STATION), ("hub_device_id", "cam", IDENTITY)],
        {STATION: IDENTITY, IDENTITY: IDENTITY},
    ),
    (
        "a client id that is a declared hub id",
        [("mqtt_client_id", "cam", STATION), ("hub_device_id", "cam", DECLARED)],
        {STATION: DECLARED, DECLARED: DECLARED},
    ),
    (
        "two stations with one client id",
        [("mqtt_client_id", "cam", STATION), ("mqtt_client_id", "cam", STATION_2), ("hub_device_id", "cam", IDENTITY)],
        {STATION: STATION, STATION_2: STATION_2, IDENTITY: IDENTITY},
    ),
    (
        "a claimed id does not undo a declared one",
        [
            ("mqtt_client_id", "cam", STATION),
            ("mqtt_client_id", "cam", STATION_2),
            ("hub_device_id", "cam", IDENTITY),
            ("hub_device_id", "cam", DECLARED),
        ],
        {STATION: STATION, STATION_2: STATION_2, IDENTITY: DECLARED, DECLARED: DECLARED},
    ),
    ("one key on two hosts", [("public_key", "k", HOST), ("public_key", "k", HOST_2)], {HOST: HOST, HOST_2: HOST_2}),
    (
        "a shared serial merges nothing, not even with others",
        [("serial", "S", HOST), ("serial", "S", HOST_2), ("serial", "S", DECLARED)],
        {HOST: HOST, HOST_2: HOST_2, DECLARED: DECLARED},
    ),
    ("dual stack by MAC", [("mac", MAC, HOST), ("mac", MAC, HOST_6)], {HOST: f"mac:/{MAC}", HOST_6: f"mac:/{MAC}"}),
    ("one MAC on two IPv4 addresses", [("mac", MAC, HOST), ("mac", MAC, HOST_2)], {HOST: HOST, HOST_2: HOST_2}),
    (
        "dual stack by declaration",
        [("ip", "s/10.0.0.5", DECLARED), ("ip", "s/fe80::5", DECLARED), ("ip", "s/10.0.0.5", HOST), ("ip", "s/fe80::5", HOST_6)],
        {DECLARED: DECLARED, HOST: DECLARED, HOST_6: DECLARED},
    ),
    (
        "three layers",
        [
            ("ip", "s/10.0.0.5", DECLARED),
            ("ip", "s/10.0.0.5", HOST),
            ("mac", MAC, HOST),
            ("mac", MAC, STATION_2),
            ("hub_device_id", "cam", DECLARED),
            ("hub_device_id", "cam", IDENTITY),
        ],
        {DECLARED: DECLARED, HOST: DECLARED, STATION_2: DECLARED, IDENTITY: DECLARED},
    ),
    ("a host by itself is named by its MAC", [("ip", "s/10.0.0.5", HOST), ("mac", MAC, HOST)], {HOST: f"mac:/{MAC}"}),
    ("else by its unshared key", [("ip", "s/10.0.0.5", HOST), ("public_key", "k", HOST)], {HOST: "key:/k"}),
    ("else by its address", [("ip", "s/10.0.0.5", HOST)], {HOST: HOST}),
]


@pytest.mark.parametrize(("name", "facts", "expected"), CASES, ids=[case[0] for case in CASES])
def test_what_becomes_one(name: str, facts: list[tuple[str, str, str]], expected: dict[str, str]) -> None:
    assert assets(fact(*item) for item in facts) == expected


def test_only_merges_are_given_each_with_its_reason() -> None:
    [found] = merge([fact("ip", "s/10.0.0.5", DECLARED), fact("ip", "s/10.0.0.5", HOST)]).merges
    assert (found.entity, found.asset, found.reason) == (HOST, DECLARED, "address s/10.0.0.5")
    assert (found.by_kind, found.by_value) == ("ip", "s/10.0.0.5")


def test_the_strongest_link_is_the_reason() -> None:
    facts = [fact(kind, value, entity) for entity in (DECLARED, HOST) for kind, value in (("ip", "s/10.0.0.5"), ("mac", MAC))]
    assert [found.reason for found in merge(facts).merges] == [f"MAC address {MAC}"]


def test_an_ssh_host_key_names_before_a_certificate() -> None:
    facts = [fact("public_key", "a", HOST, "certificate"), fact("public_key", "z", HOST, "ssh_host_key")]
    assert assets(facts) == {HOST: "key:/z"}


def test_a_shared_key_names_nothing() -> None:
    facts = [fact("public_key", "a", HOST), fact("public_key", "a", HOST_2), fact("public_key", "b", HOST_2)]
    assert assets(facts) == {HOST: HOST, HOST_2: "key:/b"}


def conflict(facts: list[Carried]) -> Correlation:
    found = merge(facts)
    assert len(found.conflicts) == 1
    return found


def test_two_declared_assets_at_one_host_by_one_kind_of_evidence_merge_nothing() -> None:
    facts = [fact("serial", "A", DECLARED), fact("serial", "B", OTHER), fact("serial", "A", HOST), fact("serial", "B", HOST)]
    found = merge(facts)
    assert [item.identifier for item in found.conflicts] == ["serial", "serial"]
    assert {item.entity: item.asset for item in found.merges} == {HOST: "serial:/A"}
    assert DECLARED in found.conflicts[0].reason
    assert OTHER in found.conflicts[0].reason


def test_weaker_evidence_cannot_undo_stronger() -> None:
    facts = [fact("mac", MAC, DECLARED), fact("mac", MAC, HOST), fact("ip", "s/10.0.0.5", OTHER), fact("ip", "s/10.0.0.5", HOST)]
    found = conflict(facts)
    assert {item.entity: item.asset for item in found.merges} == {HOST: DECLARED}
    assert (found.conflicts[0].identifier, found.conflicts[0].entities) == ("ip", (OTHER, HOST))


def test_a_gateway_that_speaks_for_two_devices_merges_neither() -> None:
    facts = [fact("mqtt_client_id", "cam-0001", STATION), fact("mqtt_client_id", "cam-0002", STATION)]
    facts += [fact("hub_device_id", "cam-0001", IDENTITY), fact("hub_device_id", "cam-0002", IDENTITY_2)]
    found = merge(facts)
    assert found.merges == ()
    assert {item.value for item in found.conflicts} == {"cam-0001", "cam-0002"}


def test_an_id_holds_when_others_come() -> None:
    alone = assets([fact("mac", MAC, HOST), fact("ip", "s/10.0.0.5", HOST)])
    more = [fact("mac", MAC, STATION_2), fact("ip", "s/10.0.0.6", HOST_2), fact("public_key", "k", HOST)]
    assert assets([fact("mac", MAC, HOST), fact("ip", "s/10.0.0.5", HOST), *more])[HOST] == alone[HOST]


def test_an_id_holds_when_the_address_changes() -> None:
    assert assets([fact("mac", MAC, HOST)])[HOST] == assets([fact("mac", MAC, HOST_2)])[HOST_2]


ENTITIES = (DECLARED, OTHER, HOST, HOST_2, HOST_6, STATION, STATION_2, IDENTITY, IDENTITY_2, EDGE)
FACTS = st.builds(
    fact,
    st.sampled_from(["hub_device_id", "serial", "mac", "certificate_sha1", "public_key", "ip", "mqtt_client_id"]),
    st.sampled_from(["1", "2", "3"]),
    st.sampled_from(ENTITIES),
)


@given(st.lists(FACTS, max_size=14), st.randoms())
def test_the_order_of_facts_has_no_influence(facts: list[Carried], random: object) -> None:
    shuffled = list(facts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merge(shuffled) == merge(facts)


@given(st.lists(FACTS, max_size=14))
def test_no_asset_is_two_of_what_is_known_to_be_different(facts: list[Carried]) -> None:
    by_asset: dict[tuple[str, str], set[str]] = {}
    for entity, asset in assets(facts).items():
        by_asset.setdefault((asset, entity.partition(":")[0]), set()).add(entity)
    for (_, kind), entities in by_asset.items():
        assert kind not in ("declared", "identity", "edge") or len(entities) == 1


@given(st.lists(FACTS, max_size=10))
def test_each_entity_is_given_once_and_never_as_itself(facts: list[Carried]) -> None:
    merges = merge(facts).merges
    assert len({found.entity for found in merges}) == len(merges)
    assert all(found.entity != found.asset and found.by_kind for found in merges)

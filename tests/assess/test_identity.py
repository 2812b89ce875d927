"""Which asset is which in another audit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.assess.identity import HARDWARE, LEVELS, Known, Match, differ, match, read_identity, write_identity
from plumbline.correlate.merging import Carried, Correlation, Merge


def known(**assets: Mapping[str, str]) -> Known:
    return {asset: {word: frozenset(values.split()) for word, values in words.items()} for asset, words in assets.items()}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({"mac": "m"}, {"mac": "m"}, Match("new", "mac")),
        ({"mac": "m", "ip": "s/1"}, {"mac": "m", "ip": "s/2"}, Match("new", "mac")),
        ({"serial": "1", "mac": "m"}, {"serial": "1", "mac": "other"}, Match("new", "serial")),
        ({"serial": "1", "mac": "m"}, {"serial": "2", "mac": "m"}, Match("new", "mac", itself=False)),
        ({"mac": "m", "ip": "s/1"}, {"mac": "n", "ip": "s/1"}, Match("new", "ip", itself=False)),
        ({"mac": "m", "declared_id": "cam"}, {"mac": "n", "declared_id": "cam"}, Match("new", "declared_id", itself=False)),
        ({"ip": "s/1"}, {"mac": "n", "ip": "s/1"}, Match("new", "ip")),
        ({"public_key": "a", "ip": "s/1"}, {"public_key": "b", "ip": "s/1"}, Match("new", "ip")),
        ({"ip": "s/1"}, {"ip": "t/1"}, None),
        ({}, {}, None),
    ],
)
def test_one_asset(old: Mapping[str, str], new: Mapping[str, str], found: Match | None) -> None:
    assert match(known(old=old), known(new=new)).get("old") == found


def test_its_own_name_is_enough_where_nothing_speaks_against_it() -> None:
    assert match(known(a={}), known(a={"mac": "m"})) == {"a": Match("a", "id")}


def test_a_value_that_two_assets_carry_decides_nothing() -> None:
    assert match(known(a={"mac": "m"}), known(b={"mac": "m"}, c={"mac": "m"})) == {}
    assert match(known(a={"mac": "m"}, d={"mac": "m"}), known(b={"mac": "m"})) == {}


def test_a_router_that_answers_for_all_replaces_none_of_them() -> None:
    before = known(a={"mac": "m", "ip": "s/1"}, b={"mac": "n", "ip": "s/2"})
    behind = known(a={"mac": "r", "ip": "s/1"}, b={"mac": "r", "ip": "s/2"})
    by_name = {"a": Match("a", "id"), "b": Match("b", "id")}
    assert match(before, behind) == by_name
    assert match(behind, before) == by_name


@pytest.mark.parametrize(
    ("cam", "elsewhere", "doubtful"),
    [
        ({"public_key": "b"}, {"public_key": "a"}, True),
        ({}, {"public_key": "a"}, True),
        ({"public_key": "a"}, {}, False),
        ({"public_key": "b"}, {}, False),  # renewed
        ({"public_key": "a b"}, {"public_key": "c"}, False),
        ({"public_key": "b"}, {"public_key": "a", "mac": "n"}, False),  # whose hardware was there before: the key was copied to it
    ],
)
def test_a_name_at_one_device_and_its_key_at_another_tell_nothing(
    cam: Mapping[str, str], elsewhere: Mapping[str, str], doubtful: bool
) -> None:
    before = known(cam={"declared_id": "cam", "public_key": "a"}, nvr={"mac": "n"})
    found = match(before, known(cam={"declared_id": "cam", **cam}, other=elsewhere))
    assert found["cam"] == Match("cam", "declared_id", itself=not doubtful, doubtful=doubtful)


@pytest.mark.parametrize(
    ("old", "new", "itself"),
    [
        ({"mac": "m", "stated_mac": "m"}, {"mac": "n", "stated_mac": "n"}, True),
        ({"mac": "m"}, {"mac": "n", "stated_mac": "n"}, True),
        ({"serial": "1", "stated_serial": "1"}, {"serial": "2"}, True),
        ({"mac": "m"}, {"mac": "n"}, False),
    ],
)
def test_another_number_in_the_rig_file_makes_no_other_device(old: Mapping[str, str], new: Mapping[str, str], itself: bool) -> None:
    found = match(known(cam={"declared_id": "cam", **old}), known(cam={"declared_id": "cam", **new}))
    assert found["cam"] == Match("cam", "declared_id", itself=itself)


def test_what_the_rig_file_alone_states_is_told_from_what_was_seen(tmp_path: Path) -> None:
    facts = (
        Carried("mac", "m", "declared:s/cam", "declared", "declared_asset"),
        Carried("mac", "n", "declared:s/lock", "declared", "declared_asset"),
        Carried("mac", "n", "host:s/10.0.0.6", "host", "host"),
    )
    merges = (Merge("host:s/10.0.0.6", "declared:s/lock", "MAC address n", "mac", "n"),)
    write_identity(Correlation(merges, (), facts), tmp_path)
    assert read_identity(tmp_path) == known(**{"declared:s/cam": {"mac": "m", "stated_mac": "m"}, "declared:s/lock": {"mac": "n"}})


def test_an_asset_that_split_in_two_is_neither_whatever_its_name() -> None:
    whole, name = {"declared_id": "cam", "mac": "m n"}, {"declared_id": "cam", "mac": "m"}
    assert match(known(a=whole), known(a=name, b={"mac": "n"})) == {"a": Match("a", "declared_id", itself=False, doubtful=True)}
    both = match(known(a=whole, b={"mac": "o"}), known(a=name, b={"mac": "n o"}))
    assert both["a"] == Match("a", "declared_id"), "the other was known before, and only has a number of it"


def test_two_assets_that_are_one_are_neither_whatever_its_name() -> None:
    name, whole = {"declared_id": "cam", "mac": "m"}, {"declared_id": "cam", "mac": "m n"}
    assert match(known(a=name, b={"mac": "n"}), known(a=whole)) == {"a": Match("a", "declared_id", itself=False, doubtful=True)}
    both = match(known(a=name, b={"mac": "n o", "declared_id": "lock"}), known(a=whole, b={"mac": "o", "declared_id": "lock"}))
    assert both["a"] == Match("a", "declared_id"), "the other is still there, and only lost a number to it"


def test_an_asset_that_split_in_two_is_neither() -> None:
    assert match(known(a={"mac": "m n"}), known(b={"mac": "m"}, c={"mac": "n"})) == {}


_VALUES = st.frozensets(st.sampled_from("uvwxyz"), max_size=2)
_ASSETS = st.dictionaries(
    st.sampled_from("abcdef"), st.dictionaries(st.sampled_from([word for word in LEVELS if word != "id"]), _VALUES), max_size=5
)


def own(asset: str, side: Known) -> Mapping[str, frozenset[str]]:
    """What an asset alone carries."""
    others = [identifiers for name, identifiers in side.items() if name != asset]
    return {word: values - frozenset[str]().union(*(other.get(word, ()) for other in others)) for word, values in side[asset].items()}


@given(_ASSETS, _ASSETS)
def test_no_asset_is_two_and_none_is_one_whose_hardware_differs(old: Known, new: Known) -> None:
    found = match(old, new)
    itself = [one.asset for one in found.values() if one.itself]
    assert len(itself) == len(set(itself))
    for asset, one in found.items():
        assert (one.itself or one.doubtful) is not differ(own(asset, old), own(one.asset, new))
        assert not (one.itself and one.doubtful)
        if one.by != "id":
            assert old[asset][one.by] & new[one.asset][one.by]


@given(_ASSETS)
def test_an_audit_compared_with_itself_finds_each_asset(assets: Known) -> None:
    found = match(assets, assets)
    assert {asset: one.asset for asset, one in found.items() if one.itself} == {asset: asset for asset in assets} or any(
        one.asset != asset for asset, one in found.items()
    )


def test_hardware_is_what_a_device_keeps() -> None:
    assert set(HARDWARE) < set(LEVELS)

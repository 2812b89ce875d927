"""Releases put together over sources, and in order; what contradicts itself is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.catalogue.facts import Release, ReleaseState
from plumbline.catalogue.ordering import Basis, line, order


def release(version: str, day: int | None = None, **columns: Any) -> Release:
    """One release of a product; `day` of 2026 on which it came."""
    at = None if day is None else datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day - 1)
    return Release(**{"product": "n/cam", "version": version, "released_at": at, "source": "a", **columns})


ORDERS: dict[str, tuple[list[Release], list[str], Basis, bool]] = {
    "sequence before everything": ([release("2.0", 1, sequence=2), release("1.0", 9, sequence=1)], ["1.0", "2.0"], Basis.SEQUENCE, True),
    "a newer build with a lower number": ([release("22", sequence=2), release("30", sequence=1)], ["30", "22"], Basis.SEQUENCE, True),
    "dates": ([release("1.10", 9), release("1.9", 1)], ["1.9", "1.10"], Basis.RELEASED, True),
    "dates of names that have no order": ([release("dahlia", 9), release("crocus", 1)], ["crocus", "dahlia"], Basis.RELEASED, True),
    "dates that versions contradict": ([release("2.0", 1), release("1.9", 9)], ["2.0", "1.9"], Basis.RELEASED, False),
    "two of one day by version": ([release("1.2", 5), release("1.1", 5)], ["1.1", "1.2"], Basis.RELEASED, True),
    "versions where a date is missing": ([release("1.10", 1), release("1.9")], ["1.9", "1.10"], Basis.VERSION, True),
    "versions where a sequence is missing": ([release("1.10", sequence=1), release("1.9")], ["1.9", "1.10"], Basis.VERSION, True),
    "names alone": ([release("dahlia"), release("crocus")], ["crocus", "dahlia"], Basis.VERSION, False),
    "counters": ([release("0x10", scheme="integer"), release("9", scheme="integer")], ["9", "0x10"], Basis.VERSION, True),
    "none": ([], [], Basis.SEQUENCE, True),
}


@pytest.mark.parametrize(("releases", "versions", "basis", "certain"), ORDERS.values(), ids=ORDERS)
def test_the_order_of_releases(releases: list[Release], versions: list[str], basis: Basis, certain: bool) -> None:
    made = line(releases)
    assert ([edition.version for edition in made.editions], made.basis, made.certain) == (versions, basis, certain)
    assert line(list(reversed(releases))).editions == made.editions or not certain


CONFLICTS: dict[str, tuple[Release, str, object, str]] = {
    "a state: the worse holds": (
        release("1", 1, source="b", state="retracted"),
        "state",
        ReleaseState.RETRACTED,
        "state is active (a) or retracted (b)",
    ),
    "dates far apart: none holds": (release("1", 20, source="b"), "released_at", None, "released_at is 2026-01-01 (a) or 2026-01-20 (b)"),
    "digests: none holds": (release("1", 1, source="b", sha256="2" * 64), "sha256", None, "sha256 is"),
    "channels: stable": (release("1", 1, source="b", channel="Beta"), "channel", "stable", "channel is beta (b) or stable (a)"),
    "sequences: none holds": (release("1", 1, source="b", sequence=2), "sequence", None, "sequence is"),
}


@pytest.mark.parametrize(("other", "column", "holds", "words"), CONFLICTS.values(), ids=CONFLICTS)
def test_sources_that_contradict_each_other_are_shown(other: Release, column: str, holds: object, words: str) -> None:
    one = release("1", 1, sha256="1" * 64, sequence=1)
    made = line([one, other])
    [edition] = made.editions
    assert getattr(edition, column) == holds
    assert any(words in conflict for conflict in made.conflicts)
    assert edition.sources == ("a", "b")


def test_sources_that_complement_each_other_are_one_edition() -> None:
    [edition] = line(
        [release("v1.4", 1, fixes=("CVE-1",)), release("1.4", 2, source="b", fixes=("CVE-2",), sha256="1" * 64, min_from="1.0")]
    ).editions
    assert (edition.fixes, edition.sha256, edition.min_from, edition.conflicts) == (("CVE-1", "CVE-2"), "1" * 64, "1.0", ())


def test_hardware_tells_editions_of_one_version_apart() -> None:
    made = line([release("1", hardware=("a",), sha256="1" * 64), release("1", hardware=("b",), sha256="2" * 64)])
    assert len(made.of_version("V1")) == 2
    assert made.conflicts == ()


def test_the_newest_is_none_where_it_is_in_doubt() -> None:
    certain = line([release("1.0", 1), release("1.1", 2)])
    doubtful = line([release("2.0", 1), release("1.9", 2)])
    newest = certain.newest(certain.editions)
    assert newest is not None
    assert newest.version == "1.1"
    assert doubtful.newest(doubtful.editions) is None
    assert line([]).newest(()) is None


RELEASES = st.builds(
    release,
    st.sampled_from(["1.0", "1.1", "1.10", "v1.1", "2.0-rc1", "2.0", "1.05", "A", "0x12", "2026.01"]),
    st.none() | st.integers(1, 40),
    sequence=st.none() | st.integers(0, 5),
    source=st.sampled_from("abc"),
    channel=st.sampled_from([None, "beta"]),
    state=st.sampled_from([state.value for state in ReleaseState]),
)


@given(st.lists(RELEASES, max_size=8))
def test_whatever_sources_say_the_order_is_one(releases: list[Release]) -> None:
    made = line(releases)
    assert sum(len(edition.releases) for edition in made.editions) == len(releases)
    for at, one in enumerate(made.editions):
        for other in made.editions[at + 1 :]:
            found, back = order(one, other, made.basis), order(other, one, made.basis)
            assert (found is None) == (back is None)
            assert found is None or back is None or found == -back
    newest = made.newest(made.editions)
    assert newest is None or all(order(edition, newest, made.basis) in (-1, 0) for edition in made.editions if edition is not newest)

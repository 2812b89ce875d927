"""What the catalogue makes of a version: doubt never becomes current, and what holds of one of several versions is not said of all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from plumbline.catalogue.facts import Product, Release, Support
from plumbline.catalogue.known import Known
from plumbline.updates.affected import Affliction
from plumbline.updates.judging import Judgement, Reason, State, judge
from plumbline.updates.support import Context, branch_of, support_of
from plumbline.versions import Scheme
from tests.updates.making import DAY, NOW

CONTEXT = Context(NOW, {})


def known(*releases: dict[str, Any], supports: tuple[dict[str, Any], ...] = (), read_at: datetime = NOW) -> Known:
    made = tuple(Release(product="v/m", source="s", read_at=read_at, **one) for one in releases)
    return Known(
        "v/m", (), (), made, tuple(Support(product="v/m", source=f"s{n}", read_at=read_at, **one) for n, one in enumerate(supports))
    )


def judged(product: Known, *versions: str, **said: Affliction) -> Judgement:
    return judge(product, versions, {name.replace("_", "."): one for name, one in said.items()}, CONTEXT)


ONE, TWO = {"version": "1.0"}, {"version": "2.0"}
CASES: dict[str, tuple[Known, tuple[str, ...], State, Reason | None]] = {
    "the newest": (known(ONE, TWO), ("2.0",), State.CURRENT, None),
    "an older one": (known(ONE, TWO), ("1.0",), State.BEHIND, None),
    "in a catalogue that is too old": (known(ONE, TWO, read_at=NOW - 31 * DAY), ("2.0",), State.UNKNOWN, Reason.STALE),
    "behind even so": (known(ONE, TWO, read_at=NOW - 31 * DAY), ("1.0",), State.BEHIND, None),
    "taken back and the newest": (known(ONE, {**TWO, "state": "revoked"}), ("2.0",), State.RETRACTED, None),
    "the one after was taken back": (known(ONE, {**TWO, "state": "retracted"}), ("1.0",), State.CURRENT, None),
    "the one after was taken back for all hardware": (
        known(ONE, {**TWO, "hardware": ("A",)}, {**TWO, "state": "retracted"}),
        ("1.0",),
        State.CURRENT,
        None,
    ),
    "superseded, and nothing active": (known({**ONE, "state": "superseded"}), ("1.0",), State.UNKNOWN, Reason.NO_RELEASES),
    "of two versions one is the newest": (known(ONE, TWO), ("1.0", "2.0"), State.UNKNOWN, Reason.DISAGREE),
    "of two versions both are older": (known(ONE, {"version": "1.5"}, TWO), ("1.0", "1.5"), State.BEHIND, None),
    "a newer build with a lower number": (
        known({**TWO, "released_at": NOW - 2 * DAY}, {**ONE, "released_at": NOW - DAY}),
        ("2.0",),
        State.UNKNOWN,
        Reason.ORDER,
    ),
    "released after the assessment": (known(ONE, {**TWO, "released_at": NOW + DAY}), ("1.0",), State.CURRENT, None),
    "one for each hardware": (known({**ONE, "hardware": ("A",)}, {**TWO, "hardware": ("B",)}), ("1.0",), State.UNKNOWN, Reason.HARDWARE),
    "older on all hardware": (known(ONE, {**TWO, "hardware": ("A", "B")}), ("1.0",), State.BEHIND, None),
    "older on one of the revisions that the product has": (
        replace(known(ONE, {**TWO, "hardware": ("B",)}), products=(Product(product="v/m", model="m", hardware=("A", "B")),)),
        ("1.0",),
        State.UNKNOWN,
        Reason.HARDWARE,
    ),
    "nothing in the catalogue": (known(), ("1.0",), State.UNKNOWN, Reason.NO_RELEASES),
    "the newest of its branch": (known(supports=({"cycle": "1", "latest": "1.0"},)), ("1.0",), State.CURRENT, None),
    "not the newest of its branch": (known(supports=({"cycle": "1", "latest": "1.2"},)), ("1.0",), State.BEHIND, None),
    "no longer supported": (known(ONE, supports=({"security_ends_at": NOW - DAY},)), ("1.0",), State.UNSUPPORTED, None),
}


@pytest.mark.parametrize(("product", "versions", "state", "reason"), CASES.values(), ids=CASES)
def test_the_state(product: Known, versions: tuple[str, ...], state: State, reason: Reason | None) -> None:
    found = judged(product, *versions)
    assert (found.state, found.reason) == (state, reason)


RETRACTED: dict[str, tuple[str, datetime, bool | None]] = {
    "not": ("active", NOW, False),
    "taken back": ("retracted", NOW, True),
    "taken back long ago": ("retracted", NOW - 31 * DAY, True),
    "not as of long ago": ("active", NOW - 31 * DAY, None),
}


@pytest.mark.parametrize(("state", "read_at", "retracted"), RETRACTED.values(), ids=RETRACTED)
def test_whether_a_release_was_taken_back(state: str, read_at: datetime, retracted: bool | None) -> None:
    assert judged(known({**ONE, "state": state}, TWO, read_at=read_at), "1.0").retracted is retracted


def test_vulnerable_stands_before_behind_and_beside_it() -> None:
    found = judged(known(ONE, TWO), "1.0", **{"1_0": Affliction(open=("CVE-1",))})
    assert (found.state, found.behind, found.vulnerable) == (State.VULNERABLE, True, True)


def test_what_is_open_in_one_of_two_versions_is_not_said_of_the_device() -> None:
    said = {"1_0": Affliction(open=("CVE-1", "CVE-2")), "1_5": Affliction(open=("CVE-2",), unsure=("CVE-3",))}
    found = judged(known(ONE, {"version": "1.5"}, TWO), "1.0", "1.5", **said)
    assert found.affliction is not None
    assert (found.affliction.open, found.affliction.unsure, found.vulnerable) == (("CVE-2",), ("CVE-1", "CVE-3"), True)


def test_an_advisory_that_cannot_be_held_against_the_version_leaves_it_open() -> None:
    found = judged(known(ONE), "1.0", **{"1_0": Affliction(unsure=("CVE-1",))})
    assert (found.state, found.vulnerable) == (State.CURRENT, None)


ENDED, GOES_ON = {"ended": True}, {"ended": False}
SUPPORTS: dict[str, tuple[tuple[dict[str, Any], ...], datetime, bool | None]] = {
    "nobody says anything": ((), NOW, None),
    "an end that has passed": (({"ends_at": NOW - DAY},), NOW, True),
    "an end to come": (({"ends_at": NOW + DAY},), NOW, False),
    "security before the end of life": (({"security_ends_at": NOW - DAY, "ends_at": NOW + DAY},), NOW, True),
    "ended, without a date": ((ENDED,), NOW, True),
    "goes on, freshly read": ((GOES_ON,), NOW, False),
    "goes on, read long ago": ((GOES_ON,), NOW - 31 * DAY, None),
    "ended, as was read long after the assessment": ((ENDED,), NOW + 31 * DAY, None),
    "sources that contradict each other": ((ENDED, GOES_ON), NOW, None),
    "the branch and not the whole": (({"cycle": "1", "ends_at": NOW - DAY}, {"ends_at": NOW + DAY}), NOW, True),
    "another branch": (({"cycle": "2", "ends_at": NOW - DAY},), NOW, None),
}


@pytest.mark.parametrize(("supports", "read_at", "ended"), SUPPORTS.values(), ids=SUPPORTS)
def test_whether_support_has_ended(supports: tuple[dict[str, Any], ...], read_at: datetime, ended: bool | None) -> None:
    assert support_of(known(supports=supports, read_at=read_at), "1.0", CONTEXT)[1] is ended


def test_the_longest_branch_that_a_version_begins_with_is_its_own() -> None:
    supports = [Support(product="v/m", cycle=cycle) for cycle in ("1", "1.0", "1.05", None)]
    found = branch_of(supports, "1.0.7", Scheme.FIRMWARE)
    assert found is not None
    assert found.cycle == "1.0"


def test_days_behind_are_not_known_where_the_first_newer_release_is_not_dated() -> None:
    found = judged(known(ONE, TWO, {"version": "3.0", "released_at": NOW - DAY}), "1.0")
    assert (found.releases_behind, found.days_behind(NOW), found.latest_at) == (2, None, NOW - DAY)


def test_days_behind_count_from_the_first_newer_release() -> None:
    found = judged(
        known({**ONE, "released_at": NOW - 90 * DAY}, {**TWO, "released_at": NOW - 60 * DAY}, {"version": "3.0", "released_at": NOW - DAY}),
        "1.0",
    )
    assert (found.releases_behind, found.days_behind(NOW + timedelta(hours=1))) == (2, 60)

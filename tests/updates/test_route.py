"""The way to the newest release: straight, over others, or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from plumbline.catalogue.facts import Release, Support
from plumbline.catalogue.known import Known
from plumbline.updates.affected import Affliction
from plumbline.updates.judging import Judgement, judge
from plumbline.updates.route import NoRoute, Route, route
from plumbline.updates.support import Context
from plumbline.versions import Scheme
from tests.updates.making import NOW

CONTEXT = Context(NOW, {})


def known(*releases: dict[str, Any]) -> Known:
    """A product with releases of which the later ones are the newer."""
    made = tuple(Release(product="v/m", source="s", read_at=NOW, sequence=n, **release) for n, release in enumerate(releases))
    return Known("v/m", (), (), made, ())


def way(product: Known, *versions: str, said: dict[str, Affliction] | None = None) -> tuple[Judgement, Route]:
    judgement = judge(product, versions, {}, CONTEXT)
    return judgement, route(judgement, versions, product.line, Scheme.FIRMWARE, (said or {}).get)


ONE, TWO, THREE, FOUR = ({"version": f"{n}.0"} for n in range(1, 5))
WAYS: dict[str, tuple[Known, str, list[str] | NoRoute]] = {
    "straight": (known(ONE, TWO, THREE), "1.0", ["3.0"]),
    "over the one that it needs": (known(ONE, TWO, {**THREE, "min_from": "2.0"}), "1.0", ["2.0", "3.0"]),
    "over several": (known(ONE, TWO, {**THREE, "min_from": "2.0"}, {**FOUR, "min_from": "3.0"}), "1.0", ["2.0", "3.0", "4.0"]),
    "the fewest, and of those the newest": (known(ONE, TWO, THREE, {**FOUR, "min_from": "2.0"}), "1.0", ["3.0", "4.0"]),
    "from an upper bound too": (known(ONE, TWO, {**THREE, "max_from": "1.5"}), "1.0", ["3.0"]),
    "none leads there": (known(ONE, TWO, {**THREE, "min_from": "2.5"}), "1.0", NoRoute.NO_STEPS),
    "from a version that nobody lists": (known(TWO, {**THREE, "min_from": "2.0"}), "1.0", ["2.0", "3.0"]),
    "from a bound that cannot be compared": (known(ONE, {**TWO, "min_from": "blue"}), "1.0", ["2.0"]),
    "not over one that was taken back": (known(ONE, {**TWO, "state": "retracted"}, {**THREE, "min_from": "2.0"}), "1.0", NoRoute.NO_STEPS),
    "nothing newer": (known(ONE, TWO), "2.0", NoRoute.NOTHING_NEWER),
    "a lower counter": (known({**ONE, "security_version": 3}, {**TWO, "security_version": 2}), "1.0", NoRoute.ROLLBACK),
}


@pytest.mark.parametrize(("product", "version", "expected"), WAYS.values(), ids=WAYS)
def test_the_way(product: Known, version: str, expected: list[str] | NoRoute) -> None:
    _, found = way(product, version)
    assert (found.reason or [step.edition.version for step in found.steps]) == expected


def test_of_sources_that_contradict_each_other_every_bound_holds() -> None:
    product = known(ONE, TWO, {**THREE, "min_from": "2.0"})
    other = replace(product.releases[2], source="other", min_from="1.0")
    _, found = way(replace(product, releases=(*product.releases, other)), "1.0")
    assert [step.edition.version for step in found.steps] == ["2.0", "3.0"]


def test_from_claims_that_disagree_there_is_none() -> None:
    assert way(known(ONE, TWO, THREE), "1.0", "2.0")[1] == Route(reason=NoRoute.SEVERAL_VERSIONS)


def test_where_nobody_can_say_which_is_the_newest_there_is_none() -> None:
    product = known(ONE, TWO)
    dated = [
        replace(r, sequence=None, released_at=NOW - timedelta(days=9 - n), version=v)
        for n, (r, v) in enumerate(zip(product.releases, ("1.0", "2.0"), strict=True))
    ]
    odd = replace(product.releases[0], sequence=None, released_at=NOW - timedelta(days=1), version="1.5")
    assert way(replace(product, releases=(*dated, odd)), "1.0")[1].reason is NoRoute.TARGET_IN_DOUBT


def test_what_nobody_says_is_not_said_to_hold() -> None:
    [step] = way(known(ONE, {**TWO, "hardware": ("A",)}), "1.0")[1].steps
    assert (step.startable, step.fits, step.rollback_ok, step.mends, step.opens) == (True, None, None, None, None)


def test_vulnerabilities_are_followed_over_each_step() -> None:
    said = {
        "1.0": Affliction(open=("A", "B", "C")),
        "2.0": Affliction(open=("B", "D"), unsure=("C",)),
    }
    [step] = way(known(ONE, TWO), "1.0", said=said)[1].steps
    assert (step.mends, step.leaves, step.opens) == (("A",), ("B", "C"), ("D",))


def test_where_nobody_lists_releases_the_newest_of_the_branch_is_the_target() -> None:
    branch = Support(product="v/m", source="s", cycle="1", latest="1.2", latest_at=NOW, read_at=NOW)
    [step] = way(Known("v/m", (), (), (), (branch,)), "1.0")[1].steps
    assert (step.edition.version, step.from_version, step.edition.released_at) == ("1.2", "1.0", NOW)

"""Bounds from a sample, held against counting every case."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest

from plumbline.updates.judging import State
from plumbline.updates.populations import Population, bound
from plumbline.updates.sampling import EXACT_MAX, at_least, at_most, tail_below

OK, BAD, UNKNOWN = State.CURRENT, State.BEHIND, State.UNKNOWN


@pytest.mark.parametrize(("failed", "size", "failing", "drawn"), [(0, 7, 2, 3), (1, 7, 2, 3), (1, 8, 5, 4), (2, 6, 6, 4), (3, 6, 0, 3)])
def test_the_probability_is_that_of_all_samples_counted(failed: int, size: int, failing: int, drawn: int) -> None:
    samples = [sum(one < failing for one in sample) for sample in combinations(range(size), drawn)]
    assert tail_below(failed, size, failing, drawn) == Fraction(sum(count <= failed for count in samples), len(samples))


@pytest.mark.parametrize("size", range(1, 9))
def test_the_upper_bound_is_the_largest_that_is_not_too_improbable(size: int) -> None:
    for drawn in range(size + 1):
        for failed in range(drawn + 1):
            possible = range(failed, size - (drawn - failed) + 1)
            wanted = max(n for n in possible if tail_below(failed, size, n, drawn) > Fraction(5, 100))
            assert at_most(failed, size, drawn) == wanted
            assert at_least(failed, size, drawn) == size - at_most(drawn - failed, size, drawn)


KNOWN = {
    "none of ten of 200": (0, 200, 10, 50),
    "none of none": (0, 200, 0, 200),
    "all": (3, 10, 10, 3),
    "none of 59 of many": (0, 10**6, 59, 49506),
}


@pytest.mark.parametrize(("failed", "size", "drawn", "expected"), KNOWN.values(), ids=KNOWN)
def test_upper_bounds(failed: int, size: int, drawn: int, expected: int) -> None:
    assert at_most(failed, size, drawn) == expected


def test_beyond_whole_numbers_the_bound_is_never_narrower() -> None:
    exact = max(n for n in range(20, 400) if tail_below(20, 5_000, n, EXACT_MAX + 1) > Fraction(5, 100))
    assert exact <= at_most(20, 5_000, EXACT_MAX + 1) <= exact + 1


def test_what_is_no_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="no sample"):
        at_most(2, 10, 1)


CASES: dict[str, tuple[int, bool, list[State], tuple[int | None, ...], str]] = {
    "none failed": (
        200,
        True,
        [OK] * 10,
        (0, 50, 95),
        "0 of 10 seen of 200 are out of date: up to 25 % could be, at 95 %, if they were drawn at random",
    ),
    "who cannot be judged may have failed": (
        200,
        True,
        [OK] * 9 + [UNKNOWN],
        (0, 77, 95),
        "0 of 10 seen of 200 are out of date, and 1 could not be judged: up to 39 % could be, at 95 %, if they were drawn at random",
    ),
    "half failed": (
        200,
        True,
        [OK] * 5 + [BAD] * 5,
        (46, 154, 95),
        "5 of 10 seen of 200 are out of date: up to 77 % could be and at least 46 are, at 95 %, if they were drawn at random",
    ),
    "not drawn at random": (
        200,
        False,
        [OK] * 9 + [BAD],
        (1, 191, 100),
        "1 of 10 seen of 200 are out of date: nothing is known of the other 190",
    ),
    "all": (3, True, [OK, BAD, OK], (1, 1, 100), "1 of 3 seen of 3 are out of date: all were seen"),
    "none seen": (3, True, [], (0, 3, 100), "0 of 0 seen of 3 are out of date: nothing is known of the other 3"),
    "more than there are": (
        1,
        True,
        [OK, OK],
        (None, None, None),
        "0 of 2 seen of 1 are out of date: there are more of them than the rig file says",
    ),
}


@pytest.mark.parametrize(("size", "random", "states", "expected", "words"), CASES.values(), ids=CASES)
def test_what_a_sample_says(size: int, random: bool, states: list[State], expected: tuple[int | None, ...], words: str) -> None:
    found = bound(Population("rig:/t", "v/m", size, random, "population/x#0"), states)
    assert (found.at_least, found.at_most, found.confidence_percent) == expected
    assert found.words == words

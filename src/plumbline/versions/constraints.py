"""From constraints in a row, `>=1.0`, `<2.0`, `=3.1`, to intervals, for every notation of ranges.

Rules are those of VERS 5.4, whatever the notation: constraints ascend, lower and upper bounds take turns, none repeats what another says,
and nothing is put right silently. What breaks them was meant in a way that its text does not say, so it is not parsed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from plumbline.versions.interval import BEGINNING, Interval
from plumbline.versions.order import compare, sort_key
from plumbline.versions.scheme import Scheme

MAX_CONSTRAINTS = 1000  # of one range; lists of single versions have some hundred


class NotParsedError(ValueError):
    """A range whose meaning is not sure; the message says what stood in the way."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One comparator, `< <= > >= = !=`, and its version."""

    comparator: str
    version: str


def to_intervals(constraints: Sequence[Constraint], scheme: Scheme) -> tuple[Interval, ...]:
    """Pair lower with upper bounds; raises NotParsedError when the row breaks the rules or holds what has no order."""
    if not 0 < len(constraints) <= MAX_CONSTRAINTS:
        raise NotParsedError(f"has {len(constraints)} constraints, not 1 to {MAX_CONSTRAINTS}")
    found: list[Interval] = []
    lower: Constraint | None = None
    for one in constraints:
        if one.version != BEGINNING and sort_key(one.version, scheme) is None:
            raise NotParsedError(f"{_seen(one.version)} has no order as {scheme.value}")
        match one.comparator:
            case ">" | ">=" if lower is None:
                lower = one
            case "<" | "<=" if lower is not None:
                found.append(replace(_from(lower), upper=one.version, upper_closed=one.comparator == "<="))
                lower = None
            case "<" | "<=" if not found:
                found.append(Interval(upper=one.version, upper_closed=one.comparator == "<="))
            case "=" if lower is None:
                found.append(Interval.only(one.version))
            case "!=":
                pass
            case _:
                raise NotParsedError(f"{one.comparator}{_seen(one.version)} does not follow from what stands before it")
    if lower is not None:
        found.append(_from(lower))
    _check(found, scheme)
    for one in constraints:
        if one.comparator == "!=":
            found = _without(found or [Interval()], one.version, scheme)
    return tuple(found)


def _from(lower: Constraint) -> Interval:
    if lower == Constraint(">=", BEGINNING):
        return Interval()
    return Interval(lower.version, lower.comparator == ">=")


def _check(found: Sequence[Interval], scheme: Scheme) -> None:
    """Refuse intervals that are empty, overlap, descend, or of whose bounds the order is open."""
    for one in found:
        if one.lower is not None and one.upper is not None:
            order = compare(one.lower, one.upper, scheme)
            if order is None:
                raise NotParsedError(f"{_seen(one.lower)} and {_seen(one.upper)} are not comparable")
            if order > 0 or (order == 0 and not (one.lower_closed and one.upper_closed)):
                raise NotParsedError(f"nothing lies in {one}")
    for earlier, later in pairwise(found):
        order = None if earlier.upper is None or later.lower is None else compare(earlier.upper, later.lower, scheme)
        if order is None or order > 0 or (order == 0 and earlier.upper_closed and later.lower_closed):
            raise NotParsedError(f"{earlier} and {later} overlap, or their order is open")


def _without(found: Sequence[Interval], version: str, scheme: Scheme) -> list[Interval]:
    """Cut one version out of the interval that holds it; where none does there is nothing to cut."""
    kept: list[Interval] = []
    for one in found:
        below = one.lower is not None and compare(version, one.lower, scheme)
        above = one.upper is not None and compare(version, one.upper, scheme)
        if below is None or above is None:
            raise NotParsedError(f"{_seen(version)} is excluded, and not comparable with {one}")
        parts = (replace(one, upper=version, upper_closed=False), replace(one, lower=version, lower_closed=False))
        inside_lower = below is False or below > 0 or (below == 0 and one.lower_closed)
        inside_upper = above is False or above < 0 or (above == 0 and one.upper_closed)
        if not (inside_lower and inside_upper):
            kept.append(one)
        else:
            kept += [
                part
                for part, at_end in zip(parts, (below == 0 and below is not False, above == 0 and above is not False), strict=True)
                if not at_end
            ]
    return kept


def _seen(version: str) -> str:
    return repr(version if len(version) <= 60 else f"{version[:60]}...")

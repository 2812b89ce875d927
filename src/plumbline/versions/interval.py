"""Intervals of versions, and whether a version lies in one. What an advisory's words mean as intervals, `ranges` says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from plumbline.versions.firmware import FirmwareKey
from plumbline.versions.key import Key
from plumbline.versions.order import sort_key
from plumbline.versions.scheme import Scheme

BEGINNING = "0"  # CVE 5 (versions[].version) and OSV (introduced) mean by it: from the first version on


@dataclass(frozen=True, slots=True)
class Interval:
    """Versions between two bounds; None is no bound, and a closed bound belongs to the interval."""

    lower: str | None = None
    lower_closed: bool = False
    upper: str | None = None
    upper_closed: bool = False

    @classmethod
    def only(cls, version: str) -> Interval:
        """Hold one version and nothing else."""
        return cls(version, True, version, True)

    def __str__(self) -> str:
        if self.lower is not None and self.lower == self.upper:
            return f"={self.lower}"
        lower = None if self.lower is None else f"{'>=' if self.lower_closed else '>'}{self.lower}"
        upper = None if self.upper is None else f"{'<=' if self.upper_closed else '<'}{self.upper}"
        return "|".join(part for part in (lower, upper) if part) or "*"


def contains(interval: Interval, version: str, scheme: Scheme) -> bool | None:
    """Tell whether a version lies in an interval; None when it is not comparable with a bound that would decide.

    A version outside one bound is outside, whatever the other. An interval of one firmware version says None of longer strings that begin
    with it: an advisory that lists `V15` may mean V15 Update 3 as well.
    """
    key = sort_key(version, scheme)
    if interval.lower is None and interval.upper is None:
        return True
    if key is None:
        return None
    above = _is_inside(key, interval.lower, scheme, closed=interval.lower_closed, side=1)
    below = _is_inside(key, interval.upper, scheme, closed=interval.upper_closed, side=-1)
    if above and below:
        return True
    if interval.lower is not None and interval.lower == interval.upper and _may_be_meant(key, sort_key(interval.lower, scheme)):
        return None
    return False if above is False or below is False else None


def within(intervals: Iterable[Interval], version: str, scheme: Scheme) -> bool | None:
    """Tell whether a version lies in one of several intervals; None when in none for sure, and in one perhaps."""
    answers = {contains(interval, version, scheme) for interval in intervals}
    return True if True in answers else None if None in answers else False


def _is_inside(key: Key, bound: str | None, scheme: Scheme, *, closed: bool, side: int) -> bool | None:
    if bound is None or (side == 1 and bound == BEGINNING):
        return True
    other = sort_key(bound, scheme)
    order = None if other is None else key.compare(other)
    return None if order is None else order == side or (closed and order == 0)


def _may_be_meant(key: Key, named: Key | None) -> bool:
    """Tell whether a firmware version goes on where the named one ends: V15 Update 3 after V15, 1.2.3 after 1.2."""
    if not isinstance(key, FirmwareKey) or not isinstance(named, FirmwareKey) or key.family != named.family:
        return False
    (numbers, parts), (named_numbers, named_parts) = key.order, named.order
    if len(named_parts) > 1:
        return bool(numbers == named_numbers and parts[: len(named_parts) - 1] == named_parts[:-1])
    return all((numbers[place : place + 1] or (0,)) == (named_numbers[place : place + 1] or (0,)) for place in range(named.given))

"""Ranges of versions, as feeds give them, in the one form of the reference table `affected`.

Not their order (`versions`). Rules: a range that cannot be read keeps its text and says so, for a range that is lost would read as "not
affected"; placeholders (`n/a`, `unspecified`) are such texts; a range that holds nothing (`>= 2, < 2`, `>= 3, < 2`) is a slip of its
author, so not read.

| written | meant |
|---|---|
| `*`, `all versions` | every version |
| `5.15.*`, `5.15.x` as an upper end | below 5.16 |
| `2.1.x` as a lower end | 2.1 |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from plumbline.versions import Interval, NotParsedError, Scheme, compare, parse_range
from plumbline.vulnerabilities.reading import NAME_MAX, storable

GIT = "git"  # a scheme of our own: commits, which have no order among themselves
VERSIONS_MAX = 20_000  # of one product in one record
_EVERY = re.compile(r"(?i)\*|all|any|all (?:\w+ )?versions?|vers:all/\*|vers:[a-z]+/\*")
_NOTHING = re.compile(r"(?i)|-|n/?a|none|null|unspecified|unknown|various|not specified|not available|see references?|multiple( versions)?")
_LOWEST = re.compile(r"(?i)|0(?:\.0)*|\*|earlier|n/?a|unspecified|-|v?x(?:\.x)*")
_WILD = re.compile(r"(?P<start>.*?[0-9])(?:\.(?:\*|[xX]))+")
_LAST_NUMBER = re.compile(r"[0-9]{1,17}(?=[^0-9]*$)")
_WORDS = re.compile(r"(?i)\b(?:except|excluding|and|or|only|with|without|if|when|before|prior|earlier|later|through|up to)\b|[<>|,;]")
_PLAIN = re.compile(r"[A-Za-z]{0,4}[._ -]?[0-9][A-Za-z0-9._+~:-]*")


@dataclass(frozen=True, slots=True)
class Range:
    """Versions that a statement means: single ones, those between two ends, all (no field given), or unknown (`parsed` is false)."""

    lower: str | None = None
    lower_closed: bool | None = None
    upper: str | None = None
    upper_closed: bool | None = None
    versions: tuple[str, ...] | None = None
    parsed: bool = True
    range_text: str | None = None

    def columns(self) -> dict[str, Any]:
        """Its columns of the table `affected`."""
        return {name: getattr(self, name) for name in self.__slots__}  # a dozen times faster than asdict, and done a million times


EVERY = Range()


def unread(text: str) -> Range:
    """Make the range of a text that nobody can read."""
    return Range(parsed=False, range_text=storable(text[:NAME_MAX]))


def between(lower: str | None, upper: str | None, *, lower_closed: bool = True, upper_closed: bool = False) -> Range:
    """Make the range between two ends, of which either may be a placeholder for none."""
    text = " ".join([*([f">{'=' * lower_closed} {lower}"] if lower else []), *([f"<{'=' * upper_closed} {upper}"] if upper else [])])
    if upper is None or upper.strip() == "*":
        high = None
    elif wild := _WILD.fullmatch(upper):
        high, upper_closed = _above(wild["start"]), False
    else:
        high = upper
    low = None if lower is None or _LOWEST.fullmatch(lower) else (_WILD.sub(r"\g<start>", lower) or None)
    if any(end is not None and (_WORDS.search(end) or not re.search("[0-9]", end)) for end in (low, high)):
        return unread(text)
    if low is not None and low == high:
        return Range(versions=(low,)) if lower_closed and upper_closed else unread(text)
    if low is not None and high is not None and compare(low, high, Scheme.FIRMWARE) == 1:
        return unread(text)
    return Range(low, lower_closed if low else None, high, upper_closed if high else None)


def listed(versions: Iterable[str]) -> Iterator[Range]:
    """Make the ranges of single versions that a source lists; those that are no plain version are each read as text."""
    plain: dict[str, None] = {}
    for version in versions:
        if _PLAIN.fullmatch(version) and not _WILD.fullmatch(version):
            plain[version] = None
        else:
            yield from of_text(version)
    if len(plain) > VERSIONS_MAX:
        yield unread(f"{len(plain)} single versions")
    elif plain:
        yield Range(versions=tuple(plain))


def of_text(text: str) -> list[Range]:
    """Read a range that is written out: `< V4.1.4`, `vers:all/<2.0`, `All versions`, `1.0 | 1.1`, `5.x`, a version by itself."""
    words = text.strip()
    if _EVERY.fullmatch(words):
        return [EVERY]
    if _NOTHING.fullmatch(words):
        return [unread(words or "none given")]
    if _PLAIN.fullmatch(words):
        return [between(words, words, upper_closed=True)] if _WILD.fullmatch(words) else [Range(versions=(words,))]
    try:
        return [_of_interval(interval) for interval in parse_range(words)]
    except NotParsedError:
        return [unread(words)]


def _of_interval(interval: Interval) -> Range:
    if interval.lower is not None and interval.lower == interval.upper:
        return Range(versions=(interval.lower,))
    return between(interval.lower, interval.upper, lower_closed=interval.lower_closed, upper_closed=interval.upper_closed)


def _above(start: str) -> str:
    """Give the version that follows all of `5.15.*`: 5.16."""
    return _LAST_NUMBER.sub(lambda number: str(int(number[0]) + 1), start)

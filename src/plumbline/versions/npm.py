"""Ranges as npm writes them, over semantic versions (node-semver, "Ranges").

| written | meant |
|---|---|
| `>=1.2.3 <2` | both at once |
| `a || b` | either |
| `1.2`, `1.2.x`, `1.2.*` | every 1.2 |
| `1.2 - 2.3` | from 1.2.0 to every 2.3 |
| `~1.2.3` | from it, below 1.3 |
| `^1.2.3`, `^0.2.3`, `^0.0.3` | from it, below the next of the first number that is not 0 |

A partial upper end excludes the pre-releases of the next version, hence `<2.0.0-0`. That npm also leaves out pre-releases inside a range
unless the range names one is a rule of installation; an advisory means them, so they are in.
"""

from __future__ import annotations

import re
from functools import cmp_to_key
from itertools import takewhile

from plumbline.versions.constraints import Constraint, NotParsedError, to_intervals
from plumbline.versions.interval import Interval
from plumbline.versions.order import compare
from plumbline.versions.scheme import Scheme

_PARTIAL = re.compile(
    r"[v=]*([0-9]{1,16}|[xX*])(?:\.([0-9]{1,16}|[xX*]))?(?:\.([0-9]{1,16}|[xX*]))?(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
)
_COMPARATORS = re.compile(r"(?:(<=|>=|<|>|=|~>?|\^|)\s*([^\s<>=~^|]+)\s*)")
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")
_LOWER = (">", ">=")


def parse(text: str) -> tuple[Interval, ...]:
    """Read a range; raises NotParsedError."""
    alternatives = [_narrowest(_read(alternative.strip())) for alternative in text.split("||")]
    if [] in alternatives:
        return (Interval(),)
    alternatives.sort(key=cmp_to_key(_by_lower))
    return to_intervals([one for alternative in alternatives for one in alternative], Scheme.SEMVER)


def _read(text: str) -> list[Constraint]:
    """Read comparators that hold at once; none means every version."""
    hyphen = _HYPHEN.fullmatch(text)
    if hyphen is not None:
        return _bounds(">=", hyphen[1]) + _bounds("<=", hyphen[2])
    found: list[Constraint] = []
    at = 0
    while at < len(text):
        part = _COMPARATORS.match(text, at)
        if part is None:
            raise NotParsedError(f"{text[at : at + 60]!r} is no range of npm's")
        found += _bounds(part[1], part[2])
        at = part.end()
    return found


def _bounds(comparator: str, version: str) -> list[Constraint]:
    parts = _PARTIAL.fullmatch(version)
    if parts is None:
        raise NotParsedError(f"{version[:60]!r} is no semantic version, nor the beginning of one")
    numbers = [int(number) for number in takewhile(lambda number: number is not None and number.isdigit(), parts.group(1, 2, 3))]
    given, start = len(numbers), _version(numbers, parts[4] or "")
    if not given:
        if comparator in ("<", ">"):
            raise NotParsedError(f"{comparator}{version} holds nothing")
        return []
    match comparator:
        case "" | "=" if given == 3:
            return [Constraint(">=", start), Constraint("<=", start)]
        case "" | "=":
            return [Constraint(">=", start), _below_next(numbers, given - 1)]
        case "<=" if given < 3:
            return [_below_next(numbers, given - 1)]
        case "<" if given < 3:
            return [Constraint("<", f"{start}-0")]
        case ">" if given < 3:
            return [Constraint(">=", _below_next(numbers, given - 1).version.removesuffix("-0"))]
        case "<" | "<=" | ">" | ">=":
            return [Constraint(comparator, start)]
        case "^":
            return [
                Constraint(">=", start),
                _below_next(numbers, next((place for place, number in enumerate(numbers) if number), given - 1)),
            ]
        case _:
            return [Constraint(">=", start), _below_next(numbers, min(1, given - 1))]


def _version(numbers: list[int], pre_release: str = "") -> str:
    return ".".join(str(number) for number in [*numbers, 0, 0][:3]) + pre_release


def _below_next(numbers: list[int], place: int) -> Constraint:
    return Constraint("<", _version([*numbers[:place], numbers[place] + 1], "-0"))


def _narrowest(constraints: list[Constraint]) -> list[Constraint]:
    """Of several lower bounds keep the highest, of several upper ones the lowest; two that meet are one version."""
    lower = upper = None
    for one in constraints:
        if one.comparator in _LOWER:
            lower = one if lower is None or _order(one, lower) > 0 or (_order(one, lower) == 0 and one.comparator == ">") else lower
        else:
            upper = one if upper is None or _order(one, upper) < 0 or (_order(one, upper) == 0 and one.comparator == "<") else upper
    if lower and upper and lower.version == upper.version and (lower.comparator, upper.comparator) == (">=", "<="):
        return [Constraint("=", lower.version)]
    return [one for one in (lower, upper) if one is not None]


def _by_lower(one: list[Constraint], other: list[Constraint]) -> int:
    """Order alternatives by where they begin; what has no beginning comes first."""
    begin, other_begin = one[0], other[0]
    opens = (begin.comparator not in ("<", "<="), other_begin.comparator not in ("<", "<="))
    return _order(begin, other_begin) if opens == (True, True) else opens[0] - opens[1]


def _order(one: Constraint, other: Constraint) -> int:
    order = compare(one.version, other.version, Scheme.SEMVER)
    if order is None:
        raise NotParsedError(f"{one.version!r} or {other.version!r} is no semantic version")
    return order

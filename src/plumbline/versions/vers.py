"""Ranges as `vers:` URIs: `vers:npm/>=1.0.0|<2.0.0|!=1.4.2` (VERS, clause 5; Ecma TC54).

| component | rule |
|---|---|
| type | letters, digits, `.` and `-`; names the scheme, one that we do not have is refused |
| `*` | alone: every version. `vers:none/*` is none at all (univers) |
| constraint | `<`, `<=`, `>`, `>=`, `!=` or nothing for equal, then a version, percent-encoded |

Advisories write `vers:all/< V2.0`: words of the vendor behind the mark for "all". `ranges` reads those as free text.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from plumbline.versions.constraints import Constraint, NotParsedError, to_intervals
from plumbline.versions.interval import Interval
from plumbline.versions.scheme import Scheme, scheme_for

_URI = re.compile(r"vers:([A-Za-z][A-Za-z0-9.-]*)/(.*)", re.IGNORECASE | re.DOTALL)
_CONSTRAINT = re.compile(r"(<=|>=|!=|<|>|)([^<>=!*|\s]+)")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def split(text: str) -> tuple[str, str] | None:
    """Take a URI apart: its type in lower case, its constraints; None when it is none."""
    parts = _URI.fullmatch(text)
    return None if parts is None else (parts[1].lower(), parts[2])


def parse(kind: str, constraints: str, scheme: Scheme | None) -> tuple[Interval, ...]:
    """Read the constraints of a type; raises NotParsedError, also where `scheme` is another than the type's."""
    if constraints == "*":
        return () if kind == "none" else (Interval(),)
    own = scheme_for(kind)
    if own is None:
        raise NotParsedError(f"no scheme of ours orders versions of type {kind!r}")
    if scheme is not None and own is not scheme:
        raise NotParsedError(f"is a range of {own.value} versions, and {scheme.value} was asked for")
    return to_intervals([_constraint(one) for one in constraints.split("|")], own)


def _constraint(text: str) -> Constraint:
    parts = _CONSTRAINT.fullmatch(text)
    if parts is None or _BAD_ESCAPE.search(parts[2]):
        raise NotParsedError(f"{text[:60]!r} is no constraint")
    return Constraint(parts[1] or "=", unquote(parts[2]))

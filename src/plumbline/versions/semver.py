"""Semantic Versioning 2.0.0: `major.minor.patch[-pre.release][+build]`.

| clause | what |
|---|---|
| 2 | three numbers without leading zeros |
| 9, 11.3 | a pre-release is before its release |
| 11.4 | its identifiers compare in turn: digits as numbers, before letters by ASCII; the longer is later where all before is equal |
| 10 | what follows `+` says nothing of order |

A leading `v` or `=` is read over, as npm and Go do; anything else is no semantic version, `1.2` too.
"""

from __future__ import annotations

import re

_VERSION = re.compile(
    r"[v=]?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(?:-((?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_RELEASE: tuple[tuple[int, int | str], ...] = ((2, 0),)  # after every identifier of a pre-release


def order(version: str) -> tuple[int, int, int, tuple[tuple[int, int | str], ...]] | None:
    """Order a semantic version; None when it is none."""
    parts = _VERSION.fullmatch(version)
    if parts is None:
        return None
    major, minor, patch, before = parts.groups()
    if before is None:
        return int(major), int(minor), int(patch), _RELEASE
    return int(major), int(minor), int(patch), tuple((0, int(one)) if one.isdigit() else (1, one) for one in before.split("."))

"""Releases of Linux, as `uname -r` and firmware headers give them: `5.10.110-rockchip`, `6.1.0-rc3+`, `4.14.98`.

| part | order |
|---|---|
| two to four numbers | number by number (four: 2.6.32.71) |
| `-rcN` | before its release |
| anything after `-`, `+` or a space | the builder's own words: no order |

A distribution that writes `6.1.0-18-amd64` or `4.18.0-513.el8` counts its own builds behind a third number that never moves. Which stable
release it holds cannot be told, so it has no order; the package's version (deb, rpm) has.
"""

from __future__ import annotations

import re

_VERSION = re.compile(r"([0-9]+)\.([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-rc([0-9]+))?((?:[-+_ ][A-Za-z0-9._+~#:() -]*)?)")
_COUNTED = re.compile(r"-[0-9]")
_RELEASE = 1 << 32  # after every candidate


def order(version: str) -> tuple[int, int, int, int, int] | None:
    """Order a release of Linux; None when it is none, or when the string hides its stable release."""
    parts = _VERSION.fullmatch(version)
    if parts is None:
        return None
    major, minor, stable, fourth, candidate, words = parts.groups()
    if words.lower().startswith("-rc") or (not int(stable or 0) and _COUNTED.match(words)):
        return None
    return int(major), int(minor), int(stable or 0), int(fourth or 0), int(candidate) if candidate else _RELEASE


def upstream(version: str) -> str:
    """Cut the builder's words off; the version itself when it is none."""
    parts = _VERSION.fullmatch(version)
    return version if parts is None else version[: parts.start(6)]

"""Versions of OpenSSL: letters up to 1.1.1, numbers from 3.0 on (its release strategy, "Versioning").

| what | order |
|---|---|
| `1.0.2`, `3.0.11` | number by number |
| `-alpha1` `-beta2` `-pre9` `-dev` | before the release |
| `1.0.2a` ... `1.0.2z`, `1.0.2za` ... | patch releases: by length, then by letter |
| `-fips` | the same source built another way: no order |
"""

from __future__ import annotations

import re

_VERSION = re.compile(r"([0-9]+)\.([0-9]+)(?:\.([0-9]+))?([a-z]{0,2})(?:-(dev|alpha|beta|pre)([0-9]*))?(?:-fips)?")
_STAGES = {"dev": 0, "alpha": 1, "beta": 2, "pre": 2, None: 3}  # 1.1.1-pre1 ... pre9 were its betas


def order(version: str) -> tuple[int, int, int, int, str, int, int] | None:
    """Order a version of OpenSSL; None when it is none."""
    parts = _VERSION.fullmatch(version)
    if parts is None:
        return None
    major, minor, fix, letters, stage, number = parts.groups()
    return int(major), int(minor), int(fix or 0), len(letters), letters, _STAGES[stage], int(number or 0)

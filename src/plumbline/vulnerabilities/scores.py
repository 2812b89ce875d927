"""CVSS scores of a record: which of several counts, and what a vector comes to.

Not a judgement of a finding (`checks.severity`). Rules: the newest version of the standard counts, of one version the first that is
given; a score without a vector is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cvss
from cvss.exceptions import CVSSError

from plumbline.vulnerabilities.reading import name_of, number_of, object_of

_CVSS: Any = cvss  # half typed
_VECTOR = re.compile(r"(?:CVSS:(?P<version>3\.0|3\.1|4\.0)/)?(?:[A-Z][A-Za-z]{0,3}:[A-Za-z]{1,7}(?:/|$)){4,32}")
_RANKS = {"4.0": 3, "3.1": 2, "3.0": 1, None: 0}  # without a prefix it is of version 2


@dataclass(frozen=True, slots=True)
class Score:
    """A vector and its base score, 0.0 to 10.0."""

    vector: str
    score: float

    @property
    def rank(self) -> int:
        """0 is the oldest version of the standard."""
        match = _VECTOR.fullmatch(self.vector)
        return _RANKS[match["version"] if match else None]


def score_of(vector: object, base: object = None) -> Score | None:
    """Read a vector and the base score that stands beside it, which is computed where there is none; None when it is no vector."""
    text = name_of(vector)
    if text is None or not _VECTOR.fullmatch(text):
        return None
    number = number_of(base, 0.0, 10.0)
    if number is None:
        number = computed(text)
    return None if number is None else Score(text, number)


def score_in(data: object) -> Score | None:
    """Read an object of the standard's JSON schemas: `vectorString` and `baseScore`."""
    known = object_of(data)
    return score_of(known.get("vectorString"), known.get("baseScore"))


def newest(scores: Iterable[Score | None]) -> Score | None:
    """Choose the one that counts."""
    found = [score for score in scores if score is not None]
    return max(found, key=lambda score: score.rank, default=None)


@lru_cache(maxsize=8192)
def computed(vector: str) -> float | None:
    """Compute a vector's base score; None when it lacks a metric or has one that is none."""
    try:
        if vector.startswith("CVSS:4"):
            return float(_CVSS.CVSS4(vector).base_score)
        if vector.startswith("CVSS:3"):
            return float(_CVSS.CVSS3(vector).base_score)
        return float(_CVSS.CVSS2(vector).base_score)
    except CVSSError:
        return None

"""In which way a provision is answered: by checks, by hand, by its owner, or by nobody; and the numbers and letters of its status in words.

For pages and the command line. Not the judge of what was answered. Rule: a way is what it takes at best for a pass.
"""

from __future__ import annotations

import re
from enum import StrEnum

from plumbline.standards.standard import Provision, Standard

_LETTERS = re.compile(r"\(([^()]*)\)")


class Way(StrEnum):
    """What it takes for a pass, the least work first."""

    CHECKS = "checks alone"
    CHECKS_HAND = "checks, and a test by hand for what they leave open"
    CHECKS_OWNER = "checks, and the owner's answer for what they leave open"
    HAND = "a test by hand"
    OWNER = "the owner's answer"
    GAP = "nothing that we know"

    @property
    def left(self) -> str:
        """What is left to do by hand, in a word or two."""
        return {Way.CHECKS: "", Way.GAP: "gap"}.get(self, "by hand" if self in (Way.CHECKS_HAND, Way.HAND) else "ask owner")


def way(provision: Provision, checked: bool) -> Way:
    """Say how a provision is answered; `checked`: whether any check names it."""
    if checked and provision.whole:
        return Way.CHECKS
    if provision.manual is not None:
        return Way.CHECKS_HAND if checked else Way.HAND
    if provision.declare is not None:
        return Way.CHECKS_OWNER if checked else Way.OWNER
    return Way.GAP


def applies_when(standard: Standard, provision: Provision) -> tuple[str, ...]:
    """Give in words when a provision applies, by the numbers and letters of its status; empty where the standard explains none."""
    letters = [letter.strip() for group in _LETTERS.findall(provision.status) for letter in group.split(",")]
    known = {**standard.conditions, **standard.features}
    return tuple(known[letter] for letter in letters if letter in known)

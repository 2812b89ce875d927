"""What waivers and reviews have in common: which findings they are about, and from when until when.

Not what they say (`waivers`, `reviews`), how their files are read (`overlay_files`), nor what comes of it (`overlay`). In a pattern `*`
stands for any text and everything else for itself. An asset matches by its id or by what follows the first slash of it: the declared id,
the address, the device id at the hub; never by a name that a device gives itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from plumbline.evidence.engine import literal

ANY = "*"


class State(StrEnum):
    """What has become of a waiver or a review at the moment that an assessment is about."""

    ACTIVE = "active"
    ENDED = "ended"
    NOT_YET = "not_yet"
    UNUSED = "unused"  # it would count, and no finding is meant


@dataclass(frozen=True, slots=True)
class Scope:
    """The findings that are meant: by patterns, or one by its id, `<check>|<asset>|<subject>`."""

    check: str = ANY
    asset: str = ANY
    subject: str = ANY
    finding: str | None = None

    def has_check(self, check: str) -> bool:
        """Whether findings of a check may be meant."""
        if self.finding is not None:
            return self.finding.startswith(f"{check}|")
        return _matches(self.check, check)

    def has(self, check: str, asset: str, subject: str) -> bool:
        """Whether a finding is meant."""
        if self.finding is not None:
            return self.finding == f"{check}|{asset}|{subject}"
        of_asset = _matches(self.asset, asset) or _matches(self.asset, asset.partition("/")[2])
        return self.has_check(check) and of_asset and _matches(self.subject, subject)

    def sql(self, check: str) -> str:
        """Give an expression that tells of a row of a check, which `has_check`, whether it is meant."""
        if self.finding is not None:
            return f"asset || '|' || subject = {literal(self.finding[len(check) + 1 :])}"
        parts = []
        if self.asset != ANY:
            regex = literal(f"(?s){_regex(self.asset)}")
            parts.append(f"(regexp_full_match(asset, {regex}) or regexp_full_match(substr(asset, strpos(asset, '/') + 1), {regex}))")
        if self.subject != ANY:
            parts.append(f"regexp_full_match(subject, {literal(f'(?s){_regex(self.subject)}')})")
        return f"({' and '.join(parts) or 'true'})"


def means_all(pattern: str) -> bool:
    """Say whether a pattern means every check or every asset: each id has the points, colons and slashes that may stand in it."""
    return not pattern.strip(f"{ANY}.:/")


def _matches(pattern: str, text: str) -> bool:
    first, *others = pattern.split(ANY)  # not as a regular expression: Python's may take years over many stars
    if not others:
        return text == pattern
    *middle, last = others
    place = len(first)
    if not text.startswith(first) or len(text) < place + len(last) or not text.endswith(last):
        return False
    for part in middle:
        found = text.find(part, place, len(text) - len(last))
        if found < 0:
            return False
        place = found + len(part)
    return True


def _regex(pattern: str) -> str:
    return ".*".join(re.escape(part) for part in pattern.split(ANY))


def state_at(as_of: datetime, begins: datetime | None, until: datetime | None) -> State:
    """Tell the state at a moment; None of `begins` and `until` bounds nothing."""
    if begins is not None and as_of < begins:
        return State.NOT_YET
    if until is not None and as_of >= until + timedelta(seconds=1):
        return State.ENDED
    return State.ACTIVE

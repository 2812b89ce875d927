"""Times and durations as Azure writes them.

| form | example | where |
|---|---|---|
| ISO 8601, up to seven digits of a second | 2026-03-01T10:20:30.1234567Z | device times |
| the zero time of .NET | 0001-01-01T00:00:00Z | never happened |
| RFC 1123 | Sat, 31 Dec 2039 00:00:00 GMT | expiry of certificates |
| ISO 8601 duration | PT1H | lifetimes |

Rules: a time without offset is UTC; what cannot be read is None, which means not observed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_DURATION = re.compile(r"P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})(?:\.\d+)?S)?)?")


def activity(value: object) -> tuple[datetime | None, bool | None]:
    """Read a last activity: its time, and whether there never was one; (None, None) when none is given."""
    if not isinstance(value, str) or not value:
        return None, None
    if value.startswith("0001-01-01"):
        return None, True
    moment = instant(value)
    return moment, None if moment is None else False


def instant(value: object) -> datetime | None:
    """Read an ISO 8601 or RFC 1123 time."""
    if not isinstance(value, str) or not 8 <= len(value) <= 64:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
    if moment.tzinfo is UTC:
        return moment
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:  # year 1 or 9999 pushed over the edge by its offset
        return None


def minutes(value: object) -> int | None:
    """Read a duration in minutes, begun ones counted whole."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or not any(match.groups()):
        return None
    days, hours, mins, seconds = (int(group or 0) for group in match.groups())
    return days * 1440 + hours * 60 + mins + (seconds + 59) // 60

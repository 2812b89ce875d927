"""Plain counters and days, where a catalogue or a header says that a version is one.

Not for strings of unknown meaning: `22` may be a counter or the first number of 22.1, and `firmware` tells these apart.
"""

from __future__ import annotations

import re
from datetime import date

_INTEGER = re.compile(r"0[xX][0-9A-Fa-f]{1,16}|[0-9]{1,20}")
_DAY = re.compile(r"([0-9]{4})([-./]?)([0-9]{2})\2([0-9]{2})")


def integer_order(version: str) -> tuple[int] | None:
    """Order a counter, decimal or 0x hexadecimal; None when it is none."""
    if _INTEGER.fullmatch(version) is None:
        return None
    return (int(version, 16) if version[:2] in ("0x", "0X") else int(version),)


def date_order(version: str) -> tuple[int, int, int] | None:
    """Order a day; None when it is none, such as the 30th of February."""
    parts = _DAY.fullmatch(version)
    if parts is None:
        return None
    year, month, day = int(parts[1]), int(parts[3]), int(parts[4])
    try:
        date(year, month, day)
    except ValueError:
        return None
    return year, month, day

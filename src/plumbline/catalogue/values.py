"""Values of foreign records, read strictly: a value of another type, or of no sense, is None, which is "the source does not say".

Not a parser of any source. Rules: a text is cut of nothing, only refused: one longer than its kind can be is not one; a time is aware and
in UTC, and between 1980 and 2200.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

NAME_MAX = 300
TEXT_MAX = 4_000
LIST_MAX = 1_000
_EARLIEST, _LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_HEX = {"sha256": re.compile(r"[0-9a-f]{64}"), "sha512": re.compile(r"[0-9a-f]{128}")}


def text(value: object, limit: int = NAME_MAX) -> str | None:
    """Give a text without blanks around it that is neither empty nor longer than `limit`."""
    if isinstance(value, str) and (stripped := value.strip(" \t\r\n\x00")) and len(stripped) <= limit:
        return stripped
    return None


def prose(value: object) -> str | None:
    """Give a longer text; what is over TEXT_MAX is cut off, since prose still says something when cut."""
    stripped = value.strip() if isinstance(value, str) else ""
    return (stripped if len(stripped) <= TEXT_MAX else f"{stripped[: TEXT_MAX - 1]}…") or None


def texts(value: object) -> tuple[str, ...] | None:
    """Give the texts of a list, each once and in their order; None for no list or an empty one."""
    if not isinstance(value, list | tuple):
        return None
    return distinct(text(item) for item in value[:LIST_MAX])


def distinct(values: Iterable[str | None]) -> tuple[str, ...] | None:
    """Give values once each, in their order, without None; None when nothing is left."""
    return tuple(dict.fromkeys(value for value in values if value)) or None


def integer(value: object) -> int | None:
    """Give an integer that fits 64 bits and is not negative; a text of digits counts (the DCL writes 64-bit numbers so)."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def digest(kind: str, value: object) -> str | None:
    """Give a digest in lower-case hex; base64, as Azure and the DCL write it, is turned into it."""
    if not isinstance(value, str):
        return None
    lower = value.strip().lower()
    if _HEX[kind].fullmatch(lower):
        return lower
    try:
        decoded = base64.b64decode(value.strip(), validate=True).hex()
    except (binascii.Error, ValueError):
        return None
    return decoded if _HEX[kind].fullmatch(decoded) else None


def moment(value: object) -> datetime | None:
    """Read a date or time: a TOML or YAML one, ISO 8601 text, or seconds since 1970; without a zone it is UTC."""
    found: datetime | None = None
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, date):
        found = datetime(value.year, value.month, value.day, tzinfo=UTC)
    elif isinstance(value, str) and 8 <= len(value) <= 40:
        try:
            found = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    elif isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**33:
        found = datetime.fromtimestamp(value, UTC)
    if found is None:
        return None
    try:
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        return None
    return found if _EARLIEST <= found < _LATEST else None


def obj(value: object) -> dict[str, Any]:
    """Give an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """Give a list, or an empty one."""
    return value if isinstance(value, list) else []

"""Hostile text made harmless to look at, and numbers, sizes and times as people read them. Not escaping: each format has its own.

Rules: control, format (bidirectional overrides, zero-width), separator, surrogate and private-use characters become visible escapes
(Unicode Technical Report 36, section 3.4), so that no device's banner can reorder, hide or forge words of a report.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
CLIP = 300
COMBINING_MAX = 3  # more marks than this on one letter is no language, and climbs over the lines above


def visible(text: str) -> str:
    r"""Replace every character that does not show, or that changes how others show, by `\u202e` or the like."""
    if text.isascii() and text.isprintable():
        return text
    parts: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        parts.append(_escaped(char) if category in HIDDEN or marks > COMBINING_MAX else char)
    return "".join(parts)


def _escaped(char: str) -> str:
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    code = ord(char)
    return short or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")


def clip(text: str, limit: int = CLIP) -> str:
    """Cut a long text and say how much is left out."""
    return text if len(text) <= limit else f"{text[:limit]}… ({number(len(text) - limit)} more characters)"


def short(text: str, limit: int = 36) -> str:
    """Cut a long identifier (a digest, a key; 36 is a UUID) to a beginning that still tells it from others."""
    return text if len(text) <= limit else f"{text[:16]}…"


def number(value: int) -> str:
    """Write 12345 as 12,345."""
    return f"{value:,}"


def plural(count: int, one: str, many: str = "") -> str:
    """Write a count and its noun: `1 asset`, `12 assets`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def size(count: int) -> str:
    """Write a count of bytes: `812 bytes`, `12.3 kB`, `4.0 MB`."""
    if count < 1000:
        return plural(count, "byte")
    scaled = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        scaled /= 1000
        if scaled < 999.95 or unit == "TB":
            return f"{scaled:.1f} {unit}"
    raise AssertionError("unreachable")


def when(moment: datetime | None) -> str:
    """Write a time in UTC to the minute."""
    if moment is None:
        return "not known"
    at = moment.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"  # the code for a day without its zero is not the same on all systems


def instant(moment: datetime) -> str:
    """Write a time for programs: ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def day(moment: datetime | None) -> str:
    """Write a date in UTC."""
    if moment is None:
        return "not known"
    at = moment.astimezone(UTC)
    return f"{at.day} {at:%B %Y}"


def joined(words: Iterable[str]) -> str:
    """Write a list as prose: `a, b and c`."""
    items = list(words)
    return ", ".join(items[:-1]) + " and " + items[-1] if len(items) > 1 else "".join(items)


def ranges(numbers: Iterable[int]) -> str:
    """Write numbers as `22, 80-81`."""
    runs: list[list[int]] = []
    for value in sorted(set(numbers)):
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def excerpt(data: bytes, length: int, lines_max: int = 8, width: int = 160) -> tuple[str, ...]:
    """Show the first lines of raw bytes, of which `data` is the start and `length` the size: as text where they are text, else as hex."""
    sample = data[: lines_max * width]
    printable = sum(32 <= byte < 127 or byte in (9, 10, 13) for byte in sample)
    if printable < 0.85 * len(sample):
        shown = [sample[start : start + 16] for start in range(0, min(len(sample), 16 * lines_max), 16)]
        lines = [f"{n * 16:04x}  {row.hex(' '):<47}  {_ascii(row)}" for n, row in enumerate(shown)]
        used = 16 * len(shown)
    else:
        raw = sample.split(b"\n")[:lines_max]
        lines = [visible(line.rstrip(b"\r").decode("utf-8", "backslashreplace"))[:width] for line in raw]
        used = min(len(sample), sum(min(len(line), width) + 1 for line in raw))
    rest = length - used
    return (*lines, f"… {plural(rest, 'more byte')}") if rest > 0 else tuple(lines)


def _ascii(row: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)

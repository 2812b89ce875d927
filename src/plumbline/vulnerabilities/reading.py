"""Values of hostile JSON, read one at a time: of the wanted type and of a sane size, or None.

Not JSON itself (`documents`), and not what the values mean (`feeds`). Rules: a value of another type was not given; text is cut where it is
only shown, and no name at all where it is too long to be one; lone surrogates, which no file can hold, become question marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from packageurl import PackageURL

from plumbline.model.errors import ProtocolError

TEXT_MAX = 2_000  # of a title or a remedy; longer ones are cut
NAME_MAX = 1_000  # of a name, a version, a purl
ROWS_MAX = 100_000  # of one record; the longest real ones, on kernels and chips, have a few thousand
CVE = re.compile(r"CVE-\d{4}-\d{4,19}")
CWE = re.compile(r"CWE-\d{1,6}")
_YEARS = range(1980, 2200)
_SPACE = re.compile(r"\s+")


def storable(text: str) -> str:
    """Give a text without lone surrogates."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def object_of(value: object) -> dict[str, Any]:
    """Give an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    """Give an array, or an empty one."""
    return value if isinstance(value, list) else []


def objects_of(value: object) -> Iterator[dict[str, Any]]:
    """Give those members of an array that are objects."""
    return (item for item in list_of(value) if isinstance(item, dict))


def text_of(value: object) -> str | None:
    """Give a text in one line, cut to TEXT_MAX; None for an empty one."""
    if not isinstance(value, str):
        return None
    text = _SPACE.sub(" ", storable(value[: 4 * TEXT_MAX])).strip()
    return (text if len(text) <= TEXT_MAX else f"{text[: TEXT_MAX - 1]}…") or None


def name_of(value: object) -> str | None:
    """Give a text that can be a name or a version, without spaces around it; None for one that is empty or too long."""
    if not isinstance(value, str) or len(value) > NAME_MAX:
        return None
    return storable(value.strip()) or None


def plain_of(value: object) -> str | None:
    """Give a name in the form in which names are compared: lower case, single spaces."""
    name = name_of(value)
    return _SPACE.sub(" ", name).lower() if name is not None else None


def names_of(value: object) -> tuple[str, ...]:
    """Give those members of an array that can be names, each once."""
    return tuple(dict.fromkeys(name for item in list_of(value) if (name := name_of(item)) is not None))


def needed(value: str | None, what: str) -> str:
    """Give a value that a record cannot be without; raises ProtocolError when it is."""
    if value is None:
        raise ProtocolError(f"has no {what}")
    return value


def cve_of(value: object) -> str | None:
    """Give a CVE id."""
    return value if isinstance(value, str) and CVE.fullmatch(value) else None


def cwes_of(texts: Iterable[object]) -> tuple[str, ...] | None:
    """Give those texts that are numbers of weaknesses, each once; None when none is."""
    return tuple(dict.fromkeys(text for text in texts if isinstance(text, str) and CWE.fullmatch(text))) or None


def flag_of(value: object) -> bool | None:
    """Give a boolean."""
    return value if isinstance(value, bool) else None


def number_of(value: object, lowest: float, highest: float) -> float | None:
    """Give a number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
        return None
    return float(value)


def moment_of(value: object) -> datetime | None:
    """Give a time, in UTC where the text names no zone; a day alone is its beginning."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)) if moment.year in _YEARS else None
    except (ValueError, OverflowError):
        return None


def purl_of(value: object) -> PackageURL | None:
    """Give a package URL."""
    text = name_of(value)
    if text is None or not text.startswith("pkg:"):
        return None
    try:
        return PackageURL.from_string(text)
    except ValueError:
        return None


def bare(purl: PackageURL) -> str:
    """Write a package URL without version, qualifiers and subpath: the name of a package, whichever release of it."""
    return storable(PackageURL(purl.type, purl.namespace, purl.name).to_string())

"""Of which date feeds are, and whether that is too long ago.

Pure. Not the import (`importing`). Rules: a feed is right as of the newest date that it gives itself, but never later than it was read,
for a date that a file gives may be wrong; one that gives none is right as of its reading. The newest of the feeds that cover every product
decides whether vulnerabilities are known as of today: a vendor's advisory of yesterday says nothing of other vendors, and a tracker's (OSV)
nothing of what its distribution or registry does not hold.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from plumbline.evidence.reference import Source

FRESH_FOR = timedelta(days=30)
BROAD = ("nvd", "cve5")  # kinds of feeds that cover all products


def right_as_of(source: Source) -> datetime:
    """Give the date as of which a source is right."""
    return min(source.dated_at or source.read_at, source.read_at)


def is_stale(source: Source, at: datetime) -> bool:
    """Tell whether a source is too old to say what is known at a time."""
    return at - right_as_of(source) > FRESH_FOR


def doubt(sources: Collection[Source], at: datetime) -> str | None:
    """Say what keeps a store from knowing the vulnerabilities of a time; None when it knows them."""
    broad = [source for source in sources if source.kind in BROAD and source.rows.get("affected") and source.rows.get("vulnerability")]
    if not broad:
        return f"none of the feeds on all products was imported: {', '.join(BROAD)}"
    return _staleness("feed on all products", broad, at)


def doubt_of_exploited(sources: Collection[Source], at: datetime) -> str | None:
    """Say what keeps a store from knowing which vulnerabilities were exploited at a time; None when it knows."""
    lists = [source for source in sources if source.kind == "kev"]
    return (
        _staleness("list of exploited vulnerabilities", lists, at) if lists else "no list of exploited vulnerabilities (KEV) was imported"
    )


def _staleness(what: str, sources: Collection[Source], at: datetime) -> str | None:
    if not all(is_stale(source, at) for source in sources):
        return None
    return f"the newest {what} is of {max(map(right_as_of, sources)):%Y-%m-%d}, more than {FRESH_FOR.days} days before"

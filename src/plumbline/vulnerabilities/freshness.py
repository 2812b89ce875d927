"""Of which date feeds are, and whether that is too long ago.

Pure. Not the import (`importing`). Rules: a feed is right as of the newest date that it gives itself, but never later than it was read,
for a date that a file gives may be wrong; one that gives none is right as of its reading. The newest of the feeds that cover every product
decides whether vulnerabilities are known as of today: a vendor's advisory of yesterday says nothing of other vendors.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from plumbline.evidence.reference import Source

FRESH_FOR = timedelta(days=30)
BROAD = ("nvd", "cve5", "osv")  # kinds of feeds that cover more than one vendor's products


def right_as_of(source: Source) -> datetime:
    """Give the date as of which a source is right."""
    return min(source.dated_at or source.read_at, source.read_at)


def is_stale(source: Source, at: datetime) -> bool:
    """Tell whether a source is too old to say what is known at a time."""
    return at - right_as_of(source) > FRESH_FOR


def doubts(sources: Collection[Source], at: datetime) -> Iterator[str]:
    """Say in words what the sources of a store leave unknown at a time; nothing when they are fresh."""
    broad = [source for source in sources if source.kind in BROAD and source.rows.get("affected") and source.rows.get("vulnerability")]
    exploited = [source for source in sources if source.rows.get("exploited") and source.kind == "kev"]
    if not broad:
        yield f"none of the feeds on all products was imported: {', '.join(BROAD)}"
    if not exploited:
        yield "no list of exploited vulnerabilities (KEV) was imported"
    for what, some in (("feed on all products", broad), ("list of exploited vulnerabilities", exploited)):
        if some and all(is_stale(source, at) for source in some):
            newest = max(map(right_as_of, some))
            yield f"the newest {what} is of {newest:%Y-%m-%d}, more than {FRESH_FOR.days} days before"

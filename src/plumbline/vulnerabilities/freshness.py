"""Of which date feeds are, whether that is too long ago, and whether they are whole.

Pure but for `years_held`, which reads the store. Not the import (`importing`).

Rules: a feed is right as of the newest date that it gives itself, but never later than it was read, for a date that a file gives may be
wrong; one that gives none is right as of its reading. The newest of the feeds that cover every product decides whether vulnerabilities
are known as of today: a vendor's advisory of yesterday says nothing of other vendors, and a tracker's (OSV) nothing of what its
distribution or registry does not hold. A feed on all products is whole when it holds vulnerabilities numbered in every year since
WHOLE_SINCE: a page, a year or the changes of a week are no feed. That a year is there in part is not told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.evidence.reference import Reference, Source

FRESH_FOR = timedelta(days=30)
BROAD = ("nvd", "cve5")  # kinds of feeds that cover all products
WHOLE_SINCE = 2002  # NVD's first file holds what was numbered before as well


def right_as_of(source: Source) -> datetime:
    """Give the date as of which a source is right."""
    return min(source.dated_at or source.read_at, source.read_at)


def is_stale(source: Source, at: datetime) -> bool:
    """Tell whether a source is too old to say what is known at a time."""
    return at - right_as_of(source) > FRESH_FOR


def years_held(reference: Reference) -> dict[str, frozenset[int]]:
    """Give the years in which the vulnerabilities of each feed on all products were numbered, by the feed's id."""
    held = {}
    for name, source in reference.sources.items():
        if source.kind in BROAD and (path := reference.part("vulnerability", source)) is not None:
            years = pc.unique(pc.utf8_slice_codeunits(pq.read_table(path, columns=["id"])["id"], 4, 8)).to_pylist()
            held[name] = frozenset(int(year) for year in years if year and year.isdecimal())
    return held


def doubt(sources: Collection[Source], held: Mapping[str, frozenset[int]], at: datetime) -> str | None:
    """Say what keeps a store from knowing the vulnerabilities of a time; None when it knows them. `held` as of `years_held`."""
    broad = [source for source in sources if source.kind in BROAD and source.rows.get("affected") and source.rows.get("vulnerability")]
    if not broad:
        return f"none of the feeds on all products was imported: {', '.join(BROAD)}"
    missing = {source.id: set(range(WHOLE_SINCE, at.year)) - held.get(source.id, frozenset()) for source in broad}
    whole = [source for source in broad if not missing[source.id]]
    if not whole:
        lacks = (
            f"{name} has nothing of {len(years)} of the years since {WHOLE_SINCE}, such as {max(years)}"
            for name, years in sorted(missing.items())
        )
        return f"no feed on all products is whole: {'; '.join(lacks)}"
    return _staleness("feed on all products", whole, at)


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

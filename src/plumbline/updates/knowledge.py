"""What the reference data says of the products of one rig: read once for all of them, and judged once for each version of each.

Not who runs what (`claims`, `belief`). Rules: a model is resolved once, whatever number of devices have it; that a version is not
vulnerable can be told only where a feed speaks of the product at all, and only while one that would speak of it is fresh: one that has, or
one on all products. A vendor's advisory of yesterday says nothing of other vendors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from plumbline.catalogue.advisories import Advisory, advisories
from plumbline.catalogue.known import Catalogue, Known, Resolution
from plumbline.evidence.engine import Connection
from plumbline.evidence.reference import Reference
from plumbline.updates.affected import Affliction, Rating, afflict
from plumbline.updates.judging import Judgement, judge
from plumbline.updates.route import Route, route
from plumbline.updates.support import Context, scheme
from plumbline.vulnerabilities.freshness import BROAD, right_as_of


class Knowledge:
    """Everything that is known of some products at the date of an assessment."""

    def __init__(self, connection: Connection, reference: Reference, as_of: datetime) -> None:
        self._connection = connection
        self._catalogue = Catalogue(connection)
        self.context = Context(as_of, reference.sources)
        self._resolved: dict[str, Resolution] = {}
        self._known: dict[str, Known] = {}
        self._said: dict[str, tuple[Advisory, ...]] = {}
        self._ratings: dict[str, Rating] = {}
        self._judged: dict[tuple[str, tuple[str, ...]], Judgement] = {}
        self._afflicted: dict[tuple[str, str], Affliction | None] = {}
        self._routes: dict[tuple[str, tuple[str, ...]], Route] = {}

    def resolve(self, model: str) -> Resolution:
        """Find the product that a model means."""
        if model not in self._resolved:
            self._resolved[model] = self._catalogue.resolve(model)
        return self._resolved[model]

    def load(self, products: Iterable[str]) -> None:
        """Read everything about some products; those that were read before are left as they are."""
        more = self._catalogue.known(sorted(set(products) - self._known.keys()))
        self._known |= more
        said = advisories(self._connection, more.values())
        self._said |= said
        self._ratings |= _ratings(self._connection, {one.vulnerability for some in said.values() for one in some})

    def known(self, product: str) -> Known:
        """Give everything about a product that was loaded."""
        return self._known[product]

    def judge(self, product: str, versions: Sequence[str]) -> Judgement:
        """Judge a loaded product in the versions that may be installed."""
        key = (product, tuple(versions))
        if key not in self._judged:
            found = {version: one for version in versions if (one := self.afflicted(product, version)) is not None}
            self._judged[key] = judge(self._known[product], versions, found, self.context)
        return self._judged[key]

    def afflicted(self, product: str, version: str) -> Affliction | None:
        """Say what advisories say of a version of a loaded product; None: none speaks of it, or they are too old to say that it is free."""
        if (product, version) not in self._afflicted:
            dated = [one for one in self._said.get(product, ()) if one.dated_at is None or one.dated_at <= self.context.as_of]
            known = self._known[product]
            found = afflict(known, version, dated, self._ratings, scheme(known)) if dated else None
            self._afflicted[product, version] = found if found is not None and (found.holds or self._fresh(dated)) else None
        return self._afflicted[product, version]

    def _fresh(self, said: Iterable[Advisory]) -> bool:
        """Tell whether a feed that would speak of a product is fresh: a source of what is said of it, or one on all products."""
        speak = {one.source for one in said}
        sources = self.context.sources.values()
        feeds = [one for one in sources if one.rows.get("affected") and (one.kind in BROAD or one.id in speak)]
        return not self.context.stale(max(map(right_as_of, feeds), default=None))

    def route(self, product: str, versions: Sequence[str]) -> Route:
        """Find the way from the versions that may be installed to the newest release of a loaded product."""
        key = (product, tuple(versions))
        if key not in self._routes:
            known, judgement = self._known[product], self.judge(product, versions)
            self._routes[key] = route(judgement, versions, known.line, scheme(known), lambda version: self.afflicted(product, version))
        return self._routes[key]


def _ratings(connection: Connection, vulnerabilities: Iterable[str]) -> Mapping[str, Rating]:
    rows = connection.execute(
        """
        select id, worst.cvss, worst.score, void, disputed from (
          select id, max(struct_pack(score := score, cvss := cvss)) filter (score is not null and starts_with(cvss, 'CVSS:')) as worst,
            bool_and(state in ('rejected', 'withdrawn')) as void, bool_or(state = 'disputed') as disputed
          from reference.vulnerability where id in (select unnest($ids::varchar[])) group by id
        ) order by id
        """,
        {"ids": sorted(vulnerabilities)},
    ).fetchall()
    return {name: Rating(cvss, score, bool(void), bool(disputed)) for name, cvss, score, void, disputed in rows}

"""Searches products over all sources: words and facets in, hits and counts for each facet out.

    words        each must stand somewhere in a product's key, title, aliases or identifiers
    facets       vendor, protocol, sensor, vertical, class: a product has the value, case apart
    unsupported  the security support of the product, or of every branch of it, has ended

Reads `reference.product`, `reference.release` and `reference.support` of a connection. Not everything that is known of one product
(`known`). Rules: a product is one hit, whatever number of sources describe it; counts are of all hits, the list is cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from plumbline.evidence.engine import Connection

HITS_LISTED = 50
VALUES_LISTED = 12  # of a facet
FACETS: Mapping[str, str] = {
    "vendor": "vendors",
    "class": "classes",
    "protocol": "protocols",
    "sensor": "sensors",
    "vertical": "verticals",
}


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for; empty: everything. Words and values of facets in any case."""

    words: tuple[str, ...] = ()
    facets: Mapping[str, str] = field(default_factory=dict)  # name of a facet -> the value wanted
    unsupported: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One product that was found."""

    product: str
    title: str | None
    vendor: str | None
    model: str
    device_class: str | None
    sensors: tuple[str, ...]
    protocols: tuple[str, ...]
    verticals: tuple[str, ...]
    releases: int
    supported_until: datetime | None  # the latest end of security support of any branch
    support_ended: bool | None  # None: nothing says
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: how many, the first of them by key, and how often each value of each facet occurs among all."""

    count: int
    hits: tuple[Hit, ...]
    facets: Mapping[str, tuple[tuple[str, int], ...]]


def search(connection: Connection, query: Query, now: datetime, *, limit: int = HITS_LISTED) -> Found:
    """Search the products of a connection."""
    parameters: dict[str, Any] = {"now": now}
    where = ["true"]
    for number, word in enumerate(query.words):
        parameters[f"word{number}"] = word.lower()
        where.append(f"contains(words, $word{number})")
    for name, wanted in query.facets.items():
        parameters[f"facet_{name}"] = wanted.lower()
        where.append(f"list_contains(list_transform({FACETS[name]}, lambda value: lower(value)), $facet_{name})")
    if query.unsupported:
        where.append("support_ended")
    connection.execute(f"create or replace temp table hit as select * from ({_PRODUCTS}) where {' and '.join(where)}", parameters)
    [[count]] = connection.execute("select count(*) from hit").fetchall()
    rows = connection.execute(f"select {', '.join(_COLUMNS)} from hit order by product limit {limit}").fetchall()
    facets = {name: _counted(connection, column) for name, column in FACETS.items()}
    connection.execute("drop table hit")
    return Found(count, tuple(Hit(*(_value(value) for value in row)) for row in rows), facets)


def _counted(connection: Connection, column: str) -> tuple[tuple[str, int], ...]:
    rows: Sequence[tuple[str, int]] = connection.execute(
        f"select min(value), count(distinct product) as products from (select product, unnest({column}) as value from hit)"
        f" where value is not null group by lower(value) order by products desc, min(value) limit {VALUES_LISTED}"
    ).fetchall()
    return tuple(rows)


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


_COLUMNS = (
    "product",
    "title",
    "vendor",
    "model",
    "class",
    "sensors",
    "protocols",
    "verticals",
    "coalesce(releases, 0)",
    "supported_until",
    "support_ended",
    "sources",
)
_ENDS = "coalesce(security_ends_at, ends_at)"
_ENDED = f"(case when {_ENDS} is not null then {_ENDS} < $now else ended end)"
_PRODUCTS = f"""
select p.*, r.releases, s.supported_until, s.support_ended, [vendor] as vendors, [class] as classes
from (
  select product, min(title) as title, min(vendor) as vendor, min(model) as model, min(device_class) as class,
    list_sort(list_distinct(flatten(list(coalesce(sensors, []))))) as sensors,
    list_sort(list_distinct(flatten(list(coalesce(protocols, []))))) as protocols,
    list_sort(list_distinct(flatten(list(coalesce(verticals, []))))) as verticals,
    list_sort(list(distinct source)) as sources,
    lower(string_agg(concat_ws(' ', product, title, array_to_string(coalesce(aliases, []), ' '),
      array_to_string(coalesce(identifiers, []), ' ')), ' ')) as words
  from reference.product group by product
) p
left join (select product, count(distinct version) as releases from reference.release group by product) r on r.product = p.product
left join (
  select product, max({_ENDS}) as supported_until,
    case when bool_or(not {_ENDED}) then false when bool_and({_ENDED} is not null) then true end as support_ended
  from reference.support group by product
) s on s.product = p.product
"""

"""What feeds say of a product as a whole: rows of `reference.affected` about it, by its vendor and name, its CPE name, or its model number.

Not whether a version lies in a range (`updates`), nor about software inside a device (`vulnerabilities`). Rules: a statement keeps its
words; nothing is left out because it could not be read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from plumbline.catalogue.known import Known
from plumbline.evidence.engine import Connection
from plumbline.versions import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """One statement on one range of versions of a product; columns of the reference table `affected`, and whether it is exploited."""

    vulnerability: str
    record: str
    origin: str
    status: str
    vendor: str | None = None
    product: str
    scheme: str | None = None
    rest: bool | None = None
    parsed: bool
    range_text: str | None = None
    lower: str | None = None
    lower_closed: bool | None = None
    upper: str | None = None
    upper_closed: bool | None = None
    versions: tuple[str, ...] | None = None
    hardware: tuple[str, ...] | None = None
    fixed_in: str | None = None
    remedy: str | None = None
    source: str = ""
    dated_at: datetime | None = None
    read_at: datetime | None = None
    exploited: bool = False

    @property
    def interval(self) -> Interval:
        """The range that it is about, where it could be read."""
        return Interval(self.lower, bool(self.lower_closed), self.upper, bool(self.upper_closed))

    @property
    def words(self) -> str:
        """The range in words."""
        if self.range_text:
            return self.range_text
        if self.versions:
            return ", ".join(self.versions)
        return "all other versions" if self.rest else "all versions" if str(self.interval) == "*" else str(self.interval)


def advisories(connection: Connection, products: Iterable[Known]) -> Mapping[str, tuple[Advisory, ...]]:
    """Gather what is said of some products, by product; a product of which nothing is said is left out."""
    wanted = [(name, known.product) for known in products for name in _spoken(known.names)]
    if not wanted:
        return {}
    names = [one.name for one in fields(Advisory) if one.name != "exploited"]
    columns = ", ".join(f'a."{name}"' for name in names)
    rows = connection.execute(
        f"""
        with wanted as (select unnest($names) as name, unnest($products) as key), said as (
          select key, {columns} from reference.affected a join wanted w on w.name = concat_ws('/', a.vendor, a.product)
          union select key, {columns} from reference.affected a join wanted w on w.name = 'cpe:' || a.cpe
          union select key, {columns} from (
            select *, unnest(identifiers) as other from reference.affected where identifiers is not null
          ) a join wanted w on starts_with(a.other, 'model:') and w.name = 'model:' || a.vendor || '/' || lower(substr(a.other, 7))
        )
        select said.*, e.id is not null from said left join (select distinct id from reference.exploited) e on e.id = said.vulnerability
        order by all
        """,
        {"names": [name for name, _ in wanted], "products": [key for _, key in wanted]},
    ).fetchall()
    found: dict[str, list[Advisory]] = {}
    for key, *values, exploited in rows:
        row: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in zip(names, values, strict=True)}
        found.setdefault(key, []).append(Advisory(**row, exploited=exploited))
    return {key: tuple(some) for key, some in found.items()}


def _spoken(names: Collection[str]) -> list[str]:
    """Names by which feeds speak of a product."""
    return sorted(name for name in names if ":" not in name or name.startswith(("cpe:", "model:")))

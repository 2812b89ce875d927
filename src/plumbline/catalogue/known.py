"""What the catalogue knows: names found, and everything that is filed under one product.

    Resolution      which product a name means, and which others it might
    Known           all facts on one product, over all sources

Reads the relations `reference.product`, `reference.release` and `reference.support` of a connection. Not how facts are read (`importers`)
and not how products are searched (`search`). Rules:
- A name means a product only when it means one: of two nobody chooses, unless both get the same updates by that very name.
- Products that share a name by which updates are addressed (a Zigbee image type, a Device Update model, ...) get the same updates, so
  releases and support filed under one are known of the other. This goes one step and no further.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from plumbline.catalogue.facts import TABLES, Fact, Product, Release, Support
from plumbline.catalogue.names import identifier, plain
from plumbline.catalogue.ordering import Line, line
from plumbline.evidence.engine import Connection
from plumbline.evidence.reference import Source

NAMES_SHARED_MAX = 200  # products with one name; more, and it is no name
# Kinds of identifier by which updates or support are addressed; a CPE name or a model number may stand for a family.
ADDRESSING = ("zigbee", "zigbee-model", "matter", "adu", "gtin", "endoflife", "lvfs", "guid")
REFERRING = "endoflife"  # names another product, whose support it has; that other does not have its releases
_Fact = TypeVar("_Fact", bound=Fact)


@dataclass(frozen=True, slots=True)
class Resolution:
    """Which product a name means; `product` is None for none, or for several, which are `candidates`."""

    product: str | None
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """All facts on a product: its own rows, and those of the products that get the same updates (`with_`)."""

    product: str
    with_: tuple[str, ...]
    products: tuple[Product, ...]
    releases: tuple[Release, ...]
    supports: tuple[Support, ...]

    @cached_property
    def line(self) -> Line:
        """Its releases, put together and in order."""
        return line(self.releases)

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name of it: keys, aliases, identifiers."""
        return frozenset(
            name for product in self.products for name in (product.product, *(product.aliases or ()), *(product.identifiers or ()))
        )

    def newest_word(self, rows: Iterable[Release | Support], sources: Mapping[str, Source]) -> datetime | None:
        """Say as of when some of its facts were right: the newest source's own date, else when that was read; None for no facts."""
        return max((moment for row in rows if (moment := as_of(row, sources)) is not None), default=None)


def as_of(row: Fact, sources: Mapping[str, Source]) -> datetime | None:
    """Say as of when a fact was right: by its source's own date, but never after it was read."""
    source = sources.get(row.source)
    dates = [moment for moment in (row.read_at, source.dated_at if source else None) if moment is not None]
    return min(dates, default=None)


class Catalogue:
    """The reference tables of a connection, with all names of products held in memory."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._named: dict[str, dict[str, None]] = defaultdict(dict)
        self._models: dict[str, dict[str, None]] = defaultdict(dict)
        self._names: dict[str, tuple[str, ...]] = {}
        rows = connection.execute(
            "select product, model, coalesce(aliases, []), coalesce(identifiers, []) from reference.product order by product, source"
        ).fetchall()
        for key, model, aliases, identifiers in rows:
            self._names[key] = (*self._names.get(key, ()), *aliases, *identifiers)
            self._models[plain(model)][key] = None
            for name in (key, *aliases, *identifiers):
                self._named[name][key] = None

    def __len__(self) -> int:
        return len(self._names)

    def resolve(self, name: str) -> Resolution:
        """Find the product that a name means: its key, an alias, an identifier, or a model that only one vendor has."""
        text = plain(name)
        if text in self._names:
            return Resolution(text, (text,))
        for found in (self._named.get(text), self._named.get(identifier(text)), self._models.get(text)):
            if found:
                one = len(found) == 1 or identifier(text).partition(":")[0] in ADDRESSING
                return Resolution(next(iter(found)) if one else None, tuple(found))
        return Resolution(None)

    def beside(self, product: str) -> tuple[str, ...]:
        """Name the products that get the same updates as one: those with a name in common by which updates are addressed."""
        found: dict[str, None] = {}
        for name in self._names.get(product, ()):
            kind, _, rest = name.partition(":")
            others = self._named.get(name, {})
            if kind == REFERRING:
                others = {rest: None} if rest in self._names else {}
            if (kind in ADDRESSING or ":" not in name) and len(others) <= NAMES_SHARED_MAX:
                found |= others
        found |= self._named.get(product, {})  # those of which it is an alias
        return tuple(sorted(found.keys() - {product}))

    def known(self, products: Collection[str]) -> dict[str, Known]:
        """Gather all facts on some products."""
        beside = {product: self.beside(product) for product in products}
        wanted = sorted({*beside, *(other for some in beside.values() for other in some)})
        rows = {kind: self._rows(kind, wanted) for kind in TABLES}
        return {
            product: Known(
                product,
                others,
                _of(Product, rows, (product, *others)),
                _of(Release, rows, (product, *others)),
                _of(Support, rows, (product, *others)),
            )
            for product, others in beside.items()
        }

    def _rows(self, kind: type[Fact], products: list[str]) -> dict[str, list[Any]]:
        names = [one.name for one in fields(kind)]
        columns = ", ".join(f'"{name}"' for name in names)
        cursor = self._connection.execute(
            f"select {columns} from reference.{TABLES[kind]} where product in (select unnest($products)) order by all",
            {"products": products},
        )
        found: dict[str, list[Any]] = defaultdict(list)
        for row in cursor.fetchall():
            values: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value for name, value in zip(names, row, strict=True)
            }
            found[values["product"]].append(kind(**values))
        return found


def _of(kind: type[_Fact], rows: Mapping[Any, Mapping[str, list[Any]]], products: Iterable[str]) -> tuple[_Fact, ...]:
    return tuple(row for product in products for row in rows[kind].get(product, ()))

"""Product trees of CSAF 2.0 advisories: which vendors and products there are, by the names that advisories use.

    document            tracking.id, tracking.current_release_date
    product_tree        branches (CSAF 2.0, 3.2.2): category vendor, product_family, product_name, product_version, ...
    full product        product_identification_helper: cpe, purl, model_numbers, skus (3.1.3.3)

Not the advisories themselves: who is affected by what is for the feeds. Rules: a product is a branch of category product_name below one of
category vendor; deeper ones are its versions. A document that is no advisory of this form is not taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from plumbline.catalogue import values
from plumbline.catalogue.documents import Document
from plumbline.catalogue.facts import Product, Unread
from plumbline.catalogue.importer import Importer, Read
from plumbline.catalogue.names import identifier, product_key
from plumbline.model.errors import ProtocolError

DEPTH_MAX = 30  # the standard's own limit (CSAF 2.0, 3.1.2)
BRANCHES_MAX = 200_000  # of one document
IDENTIFIERS_MAX = 50


@dataclass
class _Named:
    """One product over all documents that name it."""

    vendor: str
    model: str
    dated_at: datetime | None = None
    identifiers: dict[str, None] = field(default_factory=dict)


class Reader(Importer):
    """Gathers products over all advisories."""

    title: ClassVar[str] = "CSAF product trees"

    def __init__(self) -> None:
        self._products: dict[str, _Named] = {}

    def takes(self, document: Document) -> bool:
        """A JSON object, or lines of them, that says of itself that it is CSAF and has a product tree."""
        return document.looks_like_json and b'"csaf_version"' in document.data[:65_536] and b'"product_tree"' in document.data

    def read(self, document: Document) -> Iterator[Read]:
        """Take the products of a document, or of each line of it."""
        try:
            found: list[tuple[str, Any]] = [(document.name, document.json)] if len(document.data) < 8 << 20 else []
        except ProtocolError:
            found = []
        for where, advisory in found or document.json_lines():
            if isinstance(advisory, ProtocolError):
                yield Unread(where, str(advisory))
                continue
            tree = values.obj(values.obj(advisory).get("product_tree"))
            if not values.items(tree.get("branches")):
                yield Unread(where, "its product tree has no branches")
                continue
            tracking = values.obj(values.obj(values.obj(advisory).get("document")).get("tracking"))
            yield from self._branches(where, tree, values.moment(tracking.get("current_release_date")))

    def rest(self) -> Iterator[Read]:
        """Give each product once."""
        for key, named in sorted(self._products.items()):
            yield Product(
                product=key,
                vendor=named.vendor,
                model=named.model,
                identifiers=tuple(named.identifiers)[:IDENTIFIERS_MAX] or None,
                dated_at=named.dated_at,
            )

    def _branches(self, where: str, tree: Mapping[str, Any], dated_at: datetime | None) -> Iterator[Read]:
        levels: list[tuple[Mapping[str, Any], str | None, _Named | None, int]] = [(tree, None, None, 0)]
        seen = 0
        while levels:
            parent, vendor, product, depth = levels.pop()
            for branch in map(values.obj, values.items(parent.get("branches"))):
                seen += 1
                if depth >= DEPTH_MAX or seen > BRANCHES_MAX:
                    yield Unread(where, f"more than {DEPTH_MAX} branches deep, or {BRANCHES_MAX:,} in all; the rest was not read")
                    return
                name, category = values.text(branch.get("name")), branch.get("category")
                below = (vendor, product)
                if category == "vendor":
                    below = (name, None)
                elif category == "product_name" and name is not None:
                    if vendor is None:
                        yield Unread(where, f"the product {name} stands below no vendor")
                        continue
                    below = (vendor, self._product(vendor, name, dated_at))
                if below[1] is not None:
                    _helpers(values.obj(values.obj(branch.get("product")).get("product_identification_helper")), below[1])
                levels.append((branch, *below, depth + 1))

    def _product(self, vendor: str, model: str, dated_at: datetime | None) -> _Named:
        named = self._products.setdefault(product_key(vendor, model), _Named(vendor, model))
        named.dated_at = max(filter(None, (dated_at, named.dated_at)), default=None)
        return named


def _helpers(helper: Mapping[str, Any], product: _Named) -> None:
    for name in ("cpe", "purl"):
        if word := values.text(helper.get(name)):
            product.identifiers[identifier(word)] = None
    for kind, name in (("model", "model_numbers"), ("sku", "skus")):
        for word in values.texts(helper.get(name)) or ():
            if not set(word) & {"*", "?"}:  # a pattern names many
                product.identifiers[identifier(f"{kind}:{product.vendor}/{word}")] = None

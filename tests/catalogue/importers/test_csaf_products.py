"""Product trees of CSAF advisories: made ones, and the real ones."""

from __future__ import annotations

import json
import lzma
from typing import Any

import pytest

from plumbline.catalogue.facts import Product
from tests.catalogue.making import REAL_DATA, document, facts, read, unread


def advisory(*branches: dict[str, Any], date: str = "2026-01-02T00:00:00Z") -> dict[str, Any]:
    return {"document": {"csaf_version": "2.0", "tracking": {"current_release_date": date}}, "product_tree": {"branches": list(branches)}}


def branch(category: str, name: str, *below: dict[str, Any], **helper: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"category": category, "name": name, "branches": list(below)}
    return {**made, "product": {"product_identification_helper": helper}} if helper else made


VERSION = branch("product_version", "1.0", cpe="cpe:2.3:h:northwind:gate-1:1.0:*:*:*:*:*:*:*", model_numbers=["GT-1", "GT-*"])
TREE = branch("vendor", "Northwind", branch("product_family", "Gates", branch("product_name", "Gate-1", VERSION)))


def test_products_stand_below_their_vendor() -> None:
    [product] = facts(read("csaf-products", document(advisory(TREE)), document(advisory(TREE, date="2026-03-01T00:00:00Z"))))
    assert isinstance(product, Product)
    assert (product.product, product.vendor, product.model) == ("northwind/gate-1", "Northwind", "Gate-1")
    assert product.identifiers == ("cpe:h:northwind:gate-1", "model:northwind/gt-1")
    assert str(product.dated_at) == "2026-03-01 00:00:00+00:00"


def test_lines_and_what_is_unread() -> None:
    deep = branch("product_family", "x")
    for _ in range(40):
        deep = branch("product_family", "x", deep)
    lines = [advisory(TREE), advisory(), advisory(branch("product_name", "alone")), advisory(deep)]
    found = read("csaf-products", document("\n".join([*map(json.dumps, lines), "{"]), "x.jsonl"))
    assert [one.product for one in facts(found)] == ["northwind/gate-1"]
    assert len(unread(found)) == 4


def test_the_real_advisories() -> None:
    path = REAL_DATA / "vulnerabilities" / "csaf-ot.jsonl.xz"
    if not path.exists():
        pytest.skip("../shared/data/vulnerabilities is not beside the project")
    found = read("csaf-products", document(lzma.decompress(path.read_bytes()), "x.jsonl"))
    assert unread(found) == []
    assert len(facts(found)) == 7518

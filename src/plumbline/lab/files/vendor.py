"""What the vendor of the lab's products publishes: a catalogue of releases and support dates as CSV, and advisories as CSAF 2.0.

The auditor imports it beforehand, as the real thing; how, `reference` shows.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from plumbline.lab.catalogue import PRODUCTS, VENDOR, Advisory, Product

CATALOGUE = "northwind.csv"
_COLUMNS = ("product", "title", "device_class", "version", "released_at", "state", "fixes", "cycle", "security_ends_at")


def files(at: datetime) -> dict[str, bytes]:
    """Make the files of one day, by their names."""
    made = {CATALOGUE: _catalogue(at)}
    for product in PRODUCTS.values():
        for advisory in product.advisories:
            made[f"{advisory.id.lower()}.json"] = _csaf(product, advisory, at)
    return made


def _catalogue(at: datetime) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    for product in PRODUCTS.values():
        writer.writerows({"product": product.model, **record} for record in _records(product, at))
    return text.getvalue().encode()


def _records(product: Product, at: datetime) -> Iterator[dict[str, str]]:
    yield {"title": product.title, "device_class": product.device_class}
    for release in product.releases:
        yield {
            "version": release.version,
            "released_at": _day(at - timedelta(days=release.days_ago)),
            "state": "retracted" if release.retracted else "active",
            "fixes": "|".join(release.mends),
        }
    for period in product.support:
        yield {"cycle": period.branch or "", "security_ends_at": _day(at + timedelta(days=period.days))}


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def _csaf(product: Product, advisory: Advisory, at: datetime) -> bytes:
    published = (at - timedelta(days=advisory.days_ago)).isoformat()
    affected, mended = f"{product.model} before {advisory.mended_in}", f"{product.model} {advisory.mended_in}"
    versions = [("product_version_range", f"vers:generic/<{advisory.mended_in}", affected), ("product_version", advisory.mended_in, mended)]
    document: dict[str, Any] = {
        "document": {
            "category": "csaf_security_advisory",
            "csaf_version": "2.0",
            "publisher": {"category": "vendor", "name": VENDOR, "namespace": "https://northwind.example"},
            "title": advisory.title,
            "tracking": {
                "id": advisory.id,
                "status": "final",
                "version": "1",
                "initial_release_date": published,
                "current_release_date": published,
                "revision_history": [{"date": published, "number": "1", "summary": "first"}],
            },
        },
        "product_tree": {
            "branches": [
                {
                    "category": "vendor",
                    "name": VENDOR,
                    "branches": [
                        {
                            "category": "product_name",
                            "name": product.model.partition("/")[2],
                            "branches": [_branch(*version) for version in versions],
                        }
                    ],
                }
            ]
        },
        "vulnerabilities": [
            {
                "ids": [{"system_name": VENDOR, "text": advisory.id}],
                "title": advisory.title,
                "product_status": {"known_affected": [affected], "fixed": [mended]},
                "remediations": [{"category": "vendor_fix", "details": f"Install {advisory.mended_in}.", "product_ids": [affected]}],
                "scores": [{"products": [affected], "cvss_v3": _cvss(advisory)}],
            }
        ],
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def _branch(category: str, name: str, identity: str) -> dict[str, Any]:
    return {"category": category, "name": name, "product": {"name": identity, "product_id": identity}}


def _cvss(advisory: Advisory) -> dict[str, Any]:
    return {"version": "3.1", "vectorString": advisory.cvss, "baseScore": advisory.score, "baseSeverity": "HIGH"}

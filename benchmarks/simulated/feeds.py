"""Records of a made-up list of CVEs, and a fleet of devices whose components they are about; sizes are the caller's.

record i     one product of PRODUCTS, versions 1.a up to 1.b, a score, and the words and references that make up most of a real record
device d     a firmware of FIRMWARES, with components of the first INSTALLED products, none of them twice
version      1.N.k with N from 20 to 39: about one record in 25 of a product holds it
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from plumbline.evidence.bundle import BundleWriter
from plumbline.evidence.specs import SQL_TYPES, load_tables
from plumbline.model.words import Outcome

PRODUCTS = 20_000
INSTALLED = 2_500
VERSIONS = 5  # of one product, over the fleet
FIRMWARES = 400
CHUNK = 5_000  # devices to a part
VECTORS = (
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
    "CVSS:3.1/AV:N/AC:H/PR:L/UI:N/S:U/C:L/I:L/A:N",
    "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H",
)
WORDS = (
    "A flaw in how requests are parsed lets whoever can reach the service read memory, or end the process, by a request that is too long. "
)

# $first to $last are devices; each holds $components rows.
_COMPONENTS = f"""
select 'system:fleet/dev-' || lpad(d::varchar, 6, '0') as entity, 'component/product-' || product as subject, $now as observed_at,
  'product-' || product as name, '1.' || (20 + (product * 7 + version * 4) % 20) || '.' || version as version,
  'sbom' as manager, 'sbom' as confidence, {{nulls}}
from (
  select d, j, (f * 37 + j * 101) % {INSTALLED} as product, (f + j) % {VERSIONS} as version
  from (select d, j, (hash(d) % {FIRMWARES})::bigint as f from range($first, $last) t(d), range($components) c(j))
) order by d, j
"""
_GIVEN = {"entity", "subject", "observed_at", "name", "version", "manager", "confidence"}


def records(count: int) -> Iterator[dict[str, Any]]:
    """Make CVE records, JSON 5."""
    for number in range(count):
        product = number * 7919 % PRODUCTS
        start = (number * 31 + number // PRODUCTS * 17) % 40
        yield {
            "dataType": "CVE_RECORD",
            "dataVersion": "5.1",
            "cveMetadata": {"cveId": f"CVE-2020-{number + 1000}", "state": "PUBLISHED", "dateUpdated": "2026-11-01T00:00:00.000Z"},
            "containers": {
                "cna": {
                    "title": f"Flaw {number} in product-{product}",
                    "descriptions": [{"lang": "en", "value": WORDS * 4}],
                    "affected": [
                        {
                            "vendor": f"product-{product}",
                            "product": f"product-{product}",
                            "defaultStatus": "unaffected",
                            "versions": [
                                {
                                    "version": f"1.{start}.0",
                                    "lessThan": f"1.{start + 1 + number % 2}.0",
                                    "status": "affected",
                                    "versionType": "semver",
                                }
                            ],
                        }
                    ],
                    "metrics": [{"cvssV3_1": {"version": "3.1", "vectorString": VECTORS[number % 3]}}],
                    "problemTypes": [{"descriptions": [{"lang": "en", "type": "CWE", "cweId": "CWE-125", "description": "CWE-125"}]}],
                    "references": [{"url": f"https://example.org/advisories/{number}/{place}"} for place in range(4)],
                }
            },
        }


def write_feed(path: Path, count: int) -> None:
    """Write records, one to a line."""
    with path.open("w", encoding="utf-8") as file:
        for record in records(count):
            file.write(json.dumps(record, separators=(",", ":")))
            file.write("\n")


def write_fleet(path: Path, devices: int, components: int, now: datetime) -> None:
    """Write a bundle of devices with their components."""
    spec = load_tables()["component"]
    absent = ", ".join(f"null::{SQL_TYPES[word]} as {name}" for name, word in spec.types().items() if name not in _GIVEN)
    writer = BundleWriter.create(path, rig_text="", header={"rig": {"id": "fleet", "name": "Fleet", "owner": "Benchmark"}}, now=now)
    connection = duckdb.connect()
    connection.execute("SET TimeZone='UTC'")
    for first in range(0, devices, CHUNK):
        last = min(first + CHUNK, devices)
        values = {"first": first, "last": last, "components": components, "now": now}
        rows = connection.sql(_COMPONENTS.format(nulls=absent), params=values).to_arrow_table()
        with writer.batch() as batch:
            batch.rows("component", rows.select(spec.schema().names))
            for device in range(first, last):
                entity = f"system:fleet/dev-{device:06}"
                batch.coverage(entity, "component", outcome=Outcome.OK, rows=components, started_at=now, ended_at=now)
    writer.finish(ended_at=now, complete=True)

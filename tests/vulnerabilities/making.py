"""Records of feeds written by hand, as small as their schemas allow, and what reading, importing and matching them comes to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plumbline.model.errors import ProtocolError
from plumbline.versions import Interval
from plumbline.vulnerabilities.facts import Affected, Record, Unread
from plumbline.vulnerabilities.feed import feed_of
from plumbline.vulnerabilities.identity import Component, Sure
from plumbline.vulnerabilities.importing import Imported, import_paths
from plumbline.vulnerabilities.matching import Match, match
from plumbline.vulnerabilities.statement import Statement

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
REAL_DATA = Path(__file__).parents[2].parent / "shared" / "data" / "vulnerabilities"
CVE = "CVE-2026-1000"
VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"  # 9.8


def cve5(*affected: dict[str, Any], cve: str = CVE, updated: str = "2026-11-01T00:00:00Z", state: str = "PUBLISHED", **more: Any) -> Any:
    """A CVE record, of whose numbering authority's container `more` are further members."""
    metadata = {"cveId": cve, "state": state, "dateUpdated": updated}
    return {"dataType": "CVE_RECORD", "cveMetadata": metadata, "containers": {"cna": {"affected": list(affected), **more}}}


def product(*versions: dict[str, Any], vendor: str = "acme", name: str = "httpd", **more: Any) -> dict[str, Any]:
    """A member of `affected` of a CVE record."""
    return {"vendor": vendor, "product": name, "versions": list(versions), **more}


def nvd(*matches: dict[str, Any], cve: str = CVE, modified: str = "2026-11-01T00:00:00.000", **more: Any) -> Any:
    """A record of NVD with one configuration of one node."""
    nodes = [{"operator": "OR", "cpeMatch": [{"vulnerable": True, **one} for one in matches]}]
    metrics = {"cvssMetricV31": [{"type": "Primary", "source": "nvd@nist.gov", "cvssData": {"vectorString": VECTOR, "baseScore": 9.8}}]}
    known = {"id": cve, "vulnStatus": "Analyzed", "lastModified": modified, "metrics": metrics}
    return {"cve": {**known, "configurations": [{"nodes": nodes}] if matches else [], **more}}


def cpe(vendor: str = "acme", name: str = "httpd", version: str = "*", part: str = "a", rest: str = "*:*:*:*:*:*:*") -> str:
    """A CPE 2.3 name."""
    return f"cpe:2.3:{part}:{vendor}:{name}:{version}:{rest}"


def osv(*affected: dict[str, Any], key: str = "DSA-1-1", cves: Iterable[str] = (CVE,), **more: Any) -> Any:
    """An OSV record."""
    return {"id": key, "modified": "2026-11-01T00:00:00Z", "aliases": list(cves), "affected": list(affected), **more}


def package(*events: dict[str, str], ecosystem: str = "Debian:12", name: str = "httpd", kind: str = "ECOSYSTEM", **more: Any) -> Any:
    """A member of `affected` of an OSV record with one range."""
    ranges = [{"type": kind, "events": list(events)}] if events else []
    return {"package": {"ecosystem": ecosystem, "name": name}, "ranges": ranges, **more}


def csaf(
    products: dict[str, tuple[str, str]],
    status: dict[str, list[str]],
    *,
    vendor: str = "Acme",
    key: str = "ACME-1",
    publisher: str = "vendor",
    relationships: Iterable[dict[str, Any]] = (),
    **more: Any,
) -> Any:
    """A CSAF document: products by id, each a name and a version range; and the ids by status. `more` goes into the vulnerability."""
    branches = [
        {
            "category": "product_name",
            "name": name,
            "branches": [{"category": "product_version_range", "name": versions, "product": {"product_id": identity, "name": name}}],
        }
        for identity, (name, versions) in products.items()
    ]
    tree = {"branches": [{"category": "vendor", "name": vendor, "branches": branches}], "relationships": list(relationships)}
    tracking = {"id": key, "current_release_date": "2026-11-01T00:00:00Z"}
    document = {"csaf_version": "2.0", "category": "csaf_security_advisory", "tracking": tracking}
    document["publisher"] = {"category": publisher, "name": vendor}
    return {"document": document, "product_tree": tree, "vulnerabilities": [{"cve": CVE, "product_status": status, **more}]}


def openvex(*statements: dict[str, Any], timestamp: str = "2026-11-01T00:00:00Z", key: str = "https://acme/vex/1") -> Any:
    """An OpenVEX document."""
    document = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": key, "author": "Acme", "timestamp": timestamp}
    return {**document, "statements": list(statements)}


def kev(*cves: str, released: str = "2026-11-20T00:00:00Z") -> Any:
    """A catalogue of exploited vulnerabilities."""
    entries = [{"cveID": cve, "vendorProject": "Acme", "product": "httpd", "dateAdded": "2026-11-02"} for cve in cves]
    return {"catalogVersion": "2026.11.20", "dateReleased": released, "vulnerabilities": entries}


def epss(*rows: str, dated: str = "2026-11-20T00:00:00Z") -> str:
    """A table of EPSS scores."""
    return "\n".join((f"#model_version:v2025.03.14,score_date:{dated}", "cve,epss,percentile", *rows)) + "\n"


def read(value: Any) -> tuple[list[Record], list[str]]:
    """What the feed that a value is of reads from it: records, and why the rest was not taken."""
    feed = feed_of(value)
    assert feed is not None and feed.values is not None, "of no feed"
    records: list[Record] = []
    refused: list[str] = []
    try:
        for item in feed.values(value):
            if isinstance(item, Unread):
                refused.append(item.why)
            else:
                records.append(item)
    except ProtocolError as error:
        refused.append(str(error))
    return records, refused


def affected(value: Any) -> tuple[Affected, ...]:
    """The statements of the one record of a value, all of which was taken."""
    [record], refused = read(value)
    assert refused == []
    return record.affected


def ranges(value: Any) -> list[str]:
    """The statements of a value, in short: `known_affected 1.0 to 2.0`."""
    return [f"{one.status}{' rest' if one.rest else ''} {_statement(one).words}" for one in affected(value)]


def matched(component: Component, *values: Any, sure: Sure = Sure.OWN, **more: Iterable[str]) -> Match:
    """The one match of a component with everything that some values say, as if all of it named the component."""
    said: list[Statement] = []
    for value in values:
        feed = feed_of(value)
        assert feed is not None
        for record in read(value)[0]:
            source = feed.source_id(record.provider)
            said += [_statement(one, source, record.key, record.dated_at, sure) for one in record.affected]
    sets = {name: frozenset(more.get(name, ())) for name in ("void", "disputed")}
    [found] = match(component, said, **sets)
    return found


def _statement(one: Affected, source: str = "", record: str = "", dated_at: datetime | None = None, sure: Sure = Sure.OWN) -> Statement:
    same = ("vulnerability", "origin", "status", "product", "namespace", "purl", "scheme", "rest", "parsed", "range_text")
    same = (*same, "fixed_in", "remedy", "justification", "tlp")
    return Statement(
        **{name: getattr(one, name) for name in same},
        source=source,
        record=record,
        interval=Interval(one.lower, bool(one.lower_closed), one.upper, bool(one.upper_closed)),
        versions=one.versions or (),
        hardware=one.hardware or (),
        dated_at=dated_at,
        sure=sure,
    )


def imported(folder: Path, files: dict[str, Any], **options: Any) -> Imported:
    """Import files, written first, into folder/reference; values become JSON."""
    place = folder / "files"
    place.mkdir(exist_ok=True)
    for name, content in files.items():
        data = content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content)).encode()
        (place / name).write_bytes(data)
    return import_paths([place / name for name in files], folder / "reference", NOW, **options)

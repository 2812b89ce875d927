"""Hostile records: whatever stands in the place of any value, a reader gives records and refusals, and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plumbline.evidence.reference import Reference
from plumbline.vulnerabilities.feed import feed_of
from plumbline.vulnerabilities.importing import import_paths
from tests.vulnerabilities.making import CVE, NOW, VECTOR, cpe, csaf, cve5, epss, imported, kev, nvd, openvex, osv, package, product, read

PURL = "pkg:deb/debian/httpd@1.0?distro=debian-12"
ADP = {
    "affected": [product({"version": "1.0", "status": "affected"}, cpes=[cpe()], packageURL=PURL)],
    "metrics": [
        {"other": {"type": "ssvc", "content": {"options": [{"Exploitation": "poc"}, {"Automatable": "no"}]}}},
        {"other": {"type": "kev", "content": {"dateAdded": "2026-01-01"}}},
    ],
}
CHANGES = {
    "version": "1.0",
    "lessThan": "3.0",
    "status": "affected",
    "versionType": "semver",
    "changes": [{"at": "2.0", "status": "unaffected"}],
}
FULL_CVE = cve5(
    product(CHANGES, defaultStatus="unaffected", platforms=["Linux"]), title="x", metrics=[{"cvssV3_1": {"vectorString": VECTOR}}]
)
FULL_CVE["containers"]["adp"] = [ADP]
PARTS = [{"bom-ref": "d", "name": "x", "cpe": cpe()}]
BOM = {
    "bomFormat": "CycloneDX",
    "metadata": {"timestamp": "2026-01-01T00:00:00Z", "supplier": {"name": "Acme"}, "component": {"bom-ref": "m", "name": "router"}},
    "components": [{"bom-ref": "c", "name": "httpd", "version": "1.0", "purl": PURL, "components": PARTS}],
    "vulnerabilities": [
        {
            "id": CVE,
            "ratings": [{"vector": VECTOR, "score": 9.8, "method": "CVSSv31"}],
            "cwes": [125],
            "analysis": {"state": "not_affected", "justification": "code_not_present"},
            "affects": [{"ref": "c", "versions": [{"version": "1.0", "status": "affected"}, {"range": "vers:deb/<2"}]}, {"ref": "d"}],
        }
    ],
}  # fmt: skip
DOCUMENTS = {
    "CVE": FULL_CVE,
    "NVD": nvd({"criteria": cpe(), "versionStartIncluding": "1.0", "versionEndExcluding": "2.0"}, cveTags=[{"tags": ["disputed"]}]),
    "OSV": osv(
        package({"introduced": "0"}, {"fixed": "2.0"}, versions=["1.0"]), severity=[{"type": "CVSS_V3", "score": VECTOR}], summary="x"
    ),
    "OSV in YAML": {"path": "x", "yaml": f"id: X-1\nmodified: x\naliases: [{CVE}]\naffected: [{{package: {{name: x, ecosystem: npm}}}}]"},
    "CSAF": csaf(
        {"P1": ("Router", "<2.0"), "P2": ("Switch", "V1.0")},
        {"known_affected": ["P1", "P1:P2"], "known_not_affected": ["P2"]},
        relationships=[
            {
                "category": "installed_on",
                "product_reference": "P1",
                "relates_to_product_reference": "P2",
                "full_product_name": {
                    "product_id": "P1:P2",
                    "name": "both",
                    "product_identification_helper": {"cpe": cpe(), "hashes": [{}]},
                },
            }
        ],
        remediations=[{"category": "vendor_fix", "details": "Update", "product_ids": ["P1"]}],
        flags=[{"label": "component_not_present", "product_ids": ["P2"]}],
        scores=[{"cvss_v3": {"vectorString": VECTOR, "baseScore": 9.8}, "products": ["P1"]}],
        threats=[{"category": "impact", "details": "none", "product_ids": ["P2"]}],
    ),
    "OpenVEX": openvex(
        {
            "vulnerability": {"name": CVE, "aliases": ["x"]},
            "status": "not_affected",
            "justification": "component_not_present",
            "products": [{"@id": PURL, "identifiers": {"purl": PURL}, "subcomponents": [{"@id": "pkg:npm/ws@1"}]}],
        }
    ),
    "CycloneDX": BOM,
    "KEV": kev(CVE),
}
ODD: tuple[Any, ...] = (
    *(None, True, -1, 1e308, "", "\ud800", "x" * 5_000, "9" * 5_000, "pkg:", "cpe:2.3:a:b", "2026-99-99", "vers:x/>|<"),
    *([], [[]], {}, {"x": {}}, [None], [{}], ["x"], [1, "x", {"name": []}]),
)


def mutated(value: Any) -> Iterator[Any]:
    """Give a value again and again, each time with something odd in the place of one part of it, or without that part."""
    yield from ODD
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {name: one for name, one in value.items() if name != key}
            yield from ({**value, key: odd} for odd in mutated(inner))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from ([*value[:place], odd, *value[place + 1 :]] for odd in mutated(inner))


@pytest.mark.parametrize("value", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_reader_gives_records_and_refusals(value: Any) -> None:
    records, refused = read(value)
    assert records and not refused
    count = 0
    for odd in mutated(value):
        if feed_of(odd) is not None:
            read(odd)
            count += 1
    assert count > 20


def test_what_is_read_of_the_odd_can_be_stored(tmp_path: Path) -> None:
    text = "\n".join(json.dumps(odd) for value in DOCUMENTS.values() for odd in mutated(value))
    done = imported(tmp_path, {"odd.jsonl": text})
    assert done.records > 1_000
    assert done.refused_count == sum(reason.count for reason in done.reasons.values()) > 100


LINES = {
    "empty": "",
    "empty cells": ",,",
    "too few": "CVE-2026-1000",
    "no number": "CVE-2026-1000,nan,0.1",
    "negative": "CVE-2026-1000,-1,0.1",
    "digits without end": f"CVE-2026-1000,{'9' * 400},0.1",
    "longer than any line": "x" * 5_000,
    "zero bytes": "\0,\0,\0",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_table_of_scores_takes_no_odd_line(tmp_path: Path, line: str) -> None:
    assert imported(tmp_path, {"a.csv": epss(line)}).records == 0


def test_a_file_whose_name_is_no_text_is_read_and_named(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"feed-\xff.jsonl")
    path.write_text(json.dumps(kev(CVE)) + "\n{\n")
    done = import_paths([path], tmp_path / "reference", NOW)
    assert (done.records, done.refused_count) == (1, 1)
    assert Reference(tmp_path / "reference").sources["kev"].refused_count == 1

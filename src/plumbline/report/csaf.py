"""vex.csaf.json: what is known of vulnerabilities in the components of the rig, as a CSAF 2.0 document of the profile VEX.

| analysis (`exploitability`) | product status | what the profile asks beside it |
|---|---|---|
| exploitable | known_affected | a remediation: the fix that a source names, or that none does |
| in_triage | under_investigation | |
| resolved, resolved_with_pedigree | fixed | |
| not_affected | known_not_affected | the justification as a flag, where CSAF has its word, else the reason as a threat of category impact |

A component has one status for one vulnerability: of several, said of it on different carriers, the worst. Only components of which
something is said are in the product tree; where nothing was matched the document is of the profile base, and says how well matching went.

Rules: the id, dates and order are those of the assessment; scores stand where a vector of CVSS 3 proves them; the document is shared no
wider than its strictest record. Whoever publishes it names it after its id (5.1). Source: CSAF 2.0 (OASIS, 2022), 3 and 4.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from cyclonedx.model.impact_analysis import ImpactAnalysisState

from plumbline.checks.severity import base_score
from plumbline.evidence.derived import DerivedParts
from plumbline.model.words import Severity
from plumbline.report.components import Held, held_in, reference_of
from plumbline.report.data import Report
from plumbline.report.exploitability import attempted, matched, state_of
from plumbline.report.format import Format
from plumbline.report.identity import over_audits
from plumbline.report.loading import bundles_of
from plumbline.report.streaming import write_json
from plumbline.report.text import instant, plural, visible

CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}")
# Worst first: of several statuses of one component the first counts.
STATUSES: Mapping[ImpactAnalysisState, str] = {
    ImpactAnalysisState.EXPLOITABLE: "known_affected",
    ImpactAnalysisState.IN_TRIAGE: "under_investigation",
    ImpactAnalysisState.RESOLVED_WITH_PEDIGREE: "fixed",
    ImpactAnalysisState.RESOLVED: "fixed",
    ImpactAnalysisState.NOT_AFFECTED: "known_not_affected",
}
_ORDER = list(dict.fromkeys(STATUSES.values()))
_OPEN = frozenset({"known_affected", "under_investigation"})  # what has a score, and something to be done about it
FLAGS = frozenset(
    {
        "component_not_present",
        "inline_mitigations_already_exist",
        "vulnerable_code_cannot_be_controlled_by_adversary",
        "vulnerable_code_not_in_execute_path",
        "vulnerable_code_not_present",
    }
)
NOTES_MAX = 20  # of one vulnerability
TEXT_MAX = 2_000  # characters of one note
# Strictest first; CSAF 2.0 knows no AMBER+STRICT, and RED shares no wider than that.
_TLP: Mapping[str, str] = {"red": "RED", "amber+strict": "RED", "amber": "AMBER", "green": "GREEN"}


@dataclass
class _Statement:
    """What is said of one vulnerability: rows of matches, each with the products of which its status holds."""

    name: str
    rows: list[tuple[Mapping[str, Any], list[str]]] = field(default_factory=list)

    @property
    def products(self) -> set[str]:
        return {product for _, products in self.rows for product in products}


def write(report: Report, out: Path, to: Path) -> list[Path]:
    """Write vex.csaf.json into `to`."""
    bundles, derived = bundles_of(out), DerivedParts(out / "derived")
    said = matched(derived, bundles)
    statements = [_statement(name, list(rows)) for name, rows in groupby(said, key=lambda row: str(row[0]["vulnerability"]))]
    named = {product for statement in statements for product in statement.products}
    products = {reference_of(held): held for held in held_in(bundles)}
    outcome = attempted(derived, whole=not report.missing_bundles)
    labels = [label for statement in statements for row, _ in statement.rows if (label := _TLP.get(row["tlp"] or ""))]
    how = f"Matching {plural(len(products), 'component')} with the vulnerabilities known: {outcome.value if outcome else 'not_attempted'}."
    if report.missing_bundles:
        how += f" Not at hand, so that nothing is said of what it holds: {_text(', '.join(report.missing_bundles))}."
    document = _document(report, bool(statements), labels)
    document["notes"] = [
        {"category": "summary", "title": "How it was made", "text": how},
        {
            "category": "general",
            "title": "What it does not say",
            "text": "Of a component or a vulnerability that is not named, it says nothing.",
        },
    ]
    whole: dict[str, Any] = {"document": document}
    if statements:
        whole["product_tree"] = {"full_product_names": (_product(key, products[key]) for key in sorted(named & products.keys()))}
        whole["vulnerabilities"] = map(_vulnerability, statements)
    return [write_json(to / "vex.csaf.json", whole)]


FORMAT = Format("what is known of vulnerabilities in components, in CSAF 2.0 (VEX)", ("vex.csaf.json",), write)


def _document(report: Report, is_vex: bool, labels: Iterable[str]) -> dict[str, Any]:
    head, at = report.head, instant(report.head.as_of)
    strictest = min(labels, key=list(_TLP.values()).index, default=None)
    return {
        "category": "csaf_vex" if is_vex else "csaf_base",
        "csaf_version": "2.0",
        "lang": "en",
        "title": f"Vulnerabilities in components of {_text(head.rig_name)}",
        "publisher": {"category": "user", "name": _text(head.owner), "namespace": f"urn:uuid:{over_audits(head, 'owner')}"},
        "tracking": {
            "id": f"plumbline-{over_audits(head, 'rig')}-{head.ledger_digest[:16]}",
            "status": "interim",
            "version": "1",
            "initial_release_date": at,
            "current_release_date": at,
            "revision_history": [{"date": at, "number": "1", "summary": "As assessed."}],
            "generator": {"engine": {"name": "Plumbline", "version": head.version}, "date": at},
        },
        **({"distribution": {"tlp": {"label": strictest}}} if strictest else {}),
    }


def _statement(name: str, rows: Sequence[tuple[Mapping[str, Any], list[str]]]) -> _Statement:
    """Give each product to the worst of the rows that name it."""
    taken: set[str] = set()
    statement = _Statement(name)
    for row, products in sorted(rows, key=lambda one: _ORDER.index(STATUSES[state_of(one[0])])):
        if mine := [product for product in products if product not in taken]:
            statement.rows.append((row, mine))
            taken.update(mine)
    return statement


def _product(key: str, held: Held) -> dict[str, Any]:
    helper = {name: value for name, value in (("cpe", held.cpe), ("purl", held.purl and held.purl.to_string())) if value}
    name = " ".join(part for part in (held["name"] or "unnamed", held["version"] or "of unknown version") if part)
    product: dict[str, Any] = {"name": _text(name), "product_id": key}
    return {**product, "product_identification_helper": helper} if helper else product


def _vulnerability(statement: _Statement) -> dict[str, Any]:
    statuses: dict[str, list[str]] = {}
    for row, products in statement.rows:
        statuses.setdefault(STATUSES[state_of(row)], []).extend(products)
    if CVE.fullmatch(statement.name):
        name: dict[str, Any] = {"cve": statement.name}
    else:
        name = {"ids": [{"system_name": _source(statement), "text": _text(statement.name)}]}
    parts = {
        "notes": _notes(statement),
        "product_status": {status: sorted(products) for status, products in statuses.items()},
        "scores": list(_scores(statement)),
        "flags": list(_flags(statement)),
        "threats": list(_threats(statement)),
        "remediations": list(_remediations(statement)),
    }
    return {**name, **{key: value for key, value in parts.items() if value}}


def _source(statement: _Statement) -> str:
    return _text(next((row["source"] for row, _ in statement.rows if row["source"]), "not named"))


def _notes(statement: _Statement) -> list[dict[str, str]]:
    notes = []
    for row, products in statement.rows[:NOTES_MAX]:
        told = [f"confidence {row['confidence']}", *(f"{word} {row[word]}" for word in ("origin", "source", "record") if row[word])]
        title = f"Why {plural(len(products), 'component')} {'is' if len(products) == 1 else 'are'} {row['status']}"
        notes.append({"category": "details", "title": _text(title), "text": _text(f"{row['reason']} ({', '.join(told)})")})
    if len(statement.rows) > NOTES_MAX:
        more = plural(len(statement.rows) - NOTES_MAX, "statement")
        notes.append({"category": "details", "title": "Further statements", "text": f"{more} more, left out here."})
    return notes


def _scores(statement: _Statement) -> Iterator[dict[str, Any]]:
    for row, products in statement.rows:
        vector = row["cvss"] or ""
        if vector.startswith(("CVSS:3.0/", "CVSS:3.1/")) and STATUSES[state_of(row)] in _OPEN:
            try:
                score = base_score(vector)
            except ValueError:
                continue
            rated = {"version": vector[5:8], "vectorString": vector, "baseScore": score, "baseSeverity": Severity.of_score(score).upper()}
            yield {"cvss_v3": rated, "products": sorted(products)}


def _flags(statement: _Statement) -> Iterator[dict[str, Any]]:
    for row, products in statement.rows:
        if STATUSES[state_of(row)] == "known_not_affected" and row["justification"] in FLAGS:
            yield {"label": row["justification"], "product_ids": sorted(products)}


def _threats(statement: _Statement) -> Iterator[dict[str, Any]]:
    for row, products in statement.rows:
        if STATUSES[state_of(row)] == "known_not_affected" and row["justification"] not in FLAGS:
            why = row["justification"] or row["reason"]
            yield {"category": "impact", "details": _text(why), "product_ids": sorted(products)}
        elif row["exploited"]:
            yield {"category": "exploit_status", "details": "Known to be exploited (CISA KEV).", "product_ids": sorted(products)}


def _remediations(statement: _Statement) -> Iterator[dict[str, Any]]:
    for row, products in statement.rows:
        advice = [f"Fixed in {row['fixed_in']}." if row["fixed_in"] else "", row["remedy"] or ""]
        if any(advice) and STATUSES[state_of(row)] in _OPEN:
            details = _text(" ".join(part for part in advice if part))
            yield {"category": "vendor_fix", "details": details, "product_ids": sorted(products)}
        elif STATUSES[state_of(row)] == "known_affected":
            details = "No source that was imported names a fix."
            yield {"category": "none_available", "details": details, "product_ids": sorted(products)}


def _text(text: str) -> str:
    return visible(text).strip()[:TEXT_MAX] or "not named"

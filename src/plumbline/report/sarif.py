"""plumbline.sarif for code scanning, defect trackers and other tools that read SARIF: every finding of the ledger.

| ours | SARIF |
|---|---|
| check | `tool.driver.rules`, with relationships to the provisions that it gives evidence to |
| finding | result of kind `fail`; `level` by severity, `rank` by risk (0 to 100), fingerprint by its id, alike in each audit |
| inconclusive verdict | result of kind `open`: of each check the first OPEN_EACH |
| asset, subject | logical locations, the subject within the asset |
| cited place in a supplied file | physical location in an artifact, by offset in bytes; further ones are related locations |
| waiver that counts, review that calls a finding a false positive | suppression, `accepted`, with who and why |
| what became of a finding since an earlier audit (OUT/changes.json) | `baselineState`, where all of them are listed there |
| standard, provision | taxonomy, taxon |
| source that could not be read, run that ended early | notification of the invocation |

Passes are counted, never listed: a result is something to look at. Rules: `properties.counts` of the run are exact, whatever is listed;
of the text of messages neither braces nor links take effect (3.11.5, 3.11.6); a file of the customer's is named by digest and stays where
it is. Source: SARIF 2.1.0 plus Errata 01 (OASIS, 2023).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from plumbline.assess.changes import Became, Changes, read_changes
from plumbline.assess.reviews import Review
from plumbline.evidence.bundle import Bundle
from plumbline.evidence.derived import DerivedParts
from plumbline.model.words import Severity
from plumbline.report import cited
from plumbline.report.data import CheckResult, Report
from plumbline.report.format import Format
from plumbline.report.identity import everywhere, of_earlier, of_ledger, over_audits
from plumbline.report.loading import bundles_of
from plumbline.report.streaming import write_json
from plumbline.report.tally import Tally
from plumbline.report.text import instant, visible
from plumbline.report.verdicts import Failed, Unjudged, failed, unjudged
from plumbline.report.words import REASONS, UNKNOWN_REASON
from plumbline.standards.loading import load_standards

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
OPEN_EACH = 100
EVIDENCE_NAMED = 20
EVIDENCE_PLACED = 3  # cited rows of one finding that are looked up
FINDINGS_AT_ONCE = 5_000
SUPPLIED = "SUPPLIED"  # where the customer keeps what was supplied: only the customer knows
_LEVELS: Mapping[Severity, str] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.NONE: "note",
}
_STATES: Mapping[Became, str] = {
    Became.REGRESSED: "new",
    Became.NEW: "new",
    Became.NEWLY_JUDGED: "new",
    Became.OPEN: "unchanged",
    Became.MOVED: "updated",
}
_UNREAD, _EARLY, _MISSING = "source-not-read", "run-ended-early", "bundle-missing"
_NOTIFICATIONS: Mapping[str, str] = {
    _UNREAD: "A source of which nothing could be read, so that nothing in it was judged",
    _EARLY: "A collection that did not come to its end",
    _MISSING: "A bundle that was assessed and is not at hand, so that what it holds is cited without being shown",
}


def write(report: Report, out: Path, to: Path) -> list[Path]:
    """Write plumbline.sarif into `to`."""
    return [write_json(to / "plumbline.sarif", {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report, out)]})]


FORMAT = Format("every finding in SARIF 2.1.0, for code scanning and defect trackers", ("plumbline.sarif",), write)


@dataclass
class _Seen:
    """What results have named so far, with its index in the run."""

    names: Mapping[str, str]  # of supplied files, by digest
    before: Mapping[tuple[str, str, str], str]  # of findings, by check, asset and subject: the state against a baseline
    assets: dict[str, tuple[int, str]] = field(default_factory=dict)  # id: index and name
    files: dict[str, int] = field(default_factory=dict)

    def asset(self, key: str, name: str) -> int:
        """Give the index of an asset's logical location."""
        return self.assets.setdefault(key, (len(self.assets), name))[0]

    def file(self, sha256: str) -> int:
        """Give the index of a supplied file's artifact."""
        return self.files.setdefault(sha256, len(self.files))


def _run(report: Report, out: Path) -> dict[str, Any]:
    bundles, derived = bundles_of(out), DerivedParts(out / "derived")
    head = report.head
    supplied = {str(entry.get("sha256")): str(entry.get("name")) for bundle in bundles for entry in bundle.manifest.get("supplied", ())}
    changes = _changes(out, head.ledger_digest)
    seen = _Seen(supplied, _states(changes))
    indexes = {check.id: number for number, check in enumerate(report.checks)}
    standards = _standards(report)
    return {
        "tool": {"driver": _driver(report, standards)},
        "automationDetails": {
            "id": f"plumbline/{quote(head.rig_id, safe='')}/{instant(head.as_of)}",
            "guid": of_ledger(head, "run"),
            "correlationGuid": over_audits(head, "run"),
        },
        **({"baselineGuid": of_earlier(head, changes.old.ledger_digest, "run")} if changes else {}),
        "invocations": [_invocation(report)],
        "results": _results(report, out, bundles, derived, seen, indexes),
        # After the results, which fill `seen`.
        "logicalLocations": _logical(seen),
        "artifacts": _artifacts(seen),
        "originalUriBaseIds": {SUPPLIED: {"description": {"text": "Where the owner keeps the files that were supplied for this audit."}}},
        "taxonomies": [_taxonomy(name, checks) for name, checks in standards.items()],
        "properties": {
            "counts": _counts(report.tally),
            "inconclusiveByReason": {reason.word: reason.count for reason in report.reasons},
            "openListedPerCheck": OPEN_EACH,
            "ledgerDigest": head.ledger_digest,
            "rig": visible(head.rig_name),
            "asOf": instant(head.as_of),
        },
    }


def _driver(report: Report, standards: Iterable[str]) -> dict[str, Any]:
    indexes = {name: number for number, name in enumerate(standards)}
    return {
        "name": "Plumbline",
        "version": report.head.version,
        "semanticVersion": report.head.version,
        "guid": everywhere("tool"),
        "rules": [_rule(check, indexes) for check in report.checks],
        "notifications": [{"id": word, "shortDescription": {"text": text}} for word, text in _NOTIFICATIONS.items()],
        "supportedTaxonomies": [_reference(name, number) for name, number in indexes.items()],
    }


def _rule(check: CheckResult, standards: Mapping[str, int]) -> dict[str, Any]:
    advice = [check.recommendation, f"To verify: {check.verify}", f"Until then: {check.compensate}" if check.compensate else ""]
    rule: dict[str, Any] = {
        "id": check.id,
        "name": "".join(word.capitalize() for word in check.id.partition(".")[2].split("_")),
        "guid": everywhere("check", check.id),
        "shortDescription": _message(check.title),
        "fullDescription": _message(f"A fail proves: {check.proves}. A pass proves: {check.pass_proves}."),
        "help": _message(" ".join(text for text in advice if text)),
        "defaultConfiguration": {"level": _LEVELS[Severity.of_score(check.score)]},
        "properties": {
            "tags": ["security", check.layer.value, *check.provisions],
            "security-severity": f"{check.score:.1f}",
            "cvss": check.cvss,
            "effort": check.effort,
            "counts": _counts(check.tally),
        },
    }
    named = [ref.partition("/") for ref in check.provisions]
    if named:
        rule["relationships"] = [
            {"target": {"id": provision, "toolComponent": _reference(name, standards[name])}, "kinds": ["relevant"]}
            for name, _, provision in named
        ]
    return rule


def _counts(tally: Tally) -> dict[str, int]:
    return {"fail": tally.failed, "inconclusive": tally.inconclusive, "pass": tally.passed, "notApplicable": tally.not_applicable}


def _results(
    report: Report, out: Path, bundles: Sequence[Bundle], derived: DerivedParts, seen: _Seen, indexes: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    found = failed(report, out)
    while group := list(islice(found, FINDINGS_AT_ONCE)):
        rows = {row_id for finding in group for row_id in finding.evidence[:EVIDENCE_PLACED]}
        places = cited.places(rows, bundles, derived)
        for finding in group:
            yield _finding(report, finding, _lying(finding, places), seen, indexes[finding.check.id])
    for verdict in unjudged(report, out, OPEN_EACH):
        yield _open(report, verdict, seen, indexes[verdict.check.id])


def _lying(finding: Failed, places: Mapping[str, Iterable[cited.Place]]) -> list[cited.Place]:
    return list(dict.fromkeys(place for row_id in finding.evidence[:EVIDENCE_PLACED] for place in places.get(row_id, ())))


def _finding(report: Report, finding: Failed, places: Sequence[cited.Place], seen: _Seen, rule: int) -> dict[str, Any]:
    location = _location(finding, seen)
    if places:
        location["physicalLocation"] = _physical(places[0], seen)
    result = {
        **_result(report, finding, rule, location),
        "kind": "fail",
        "level": _LEVELS[finding.severity],
        "rank": float(finding.risk),
        "message": _message(finding.message or finding.check.title),
    }
    if places[1:]:
        result["relatedLocations"] = [{"id": number, "physicalLocation": _physical(place, seen)} for number, place in enumerate(places[1:])]
    result["properties"] |= {
        "severity": finding.severity.value,
        "score": finding.score,
        "cvss": finding.cvss,
        "basis": finding.basis,
    }
    if state := seen.before.get((finding.check.id, finding.asset, finding.subject)):
        result["baselineState"] = state
    if finding.review is not None:
        result["properties"]["review"] = _reviewed(finding.review)
    if suppressions := list(_suppressions(finding)):
        result["suppressions"] = suppressions
    return result


def _changes(out: Path, ledger_digest: str) -> Changes | None:
    """Read what became of findings, when it is of this audit and leaves none out."""
    changes = read_changes(out)
    if changes is None or changes.new.ledger_digest != ledger_digest or sum(changes.counts.values()) > len(changes.changes):
        return None
    return changes


def _states(changes: Changes | None) -> dict[tuple[str, str, str], str]:
    return {
        (one.check, one.new_asset or one.asset, one.subject if one.new_subject is None else one.new_subject): _STATES[one.word]
        for one in (changes.changes if changes else ())
        if one.word in _STATES
    }


def _suppressions(finding: Failed) -> Iterator[dict[str, Any]]:
    if finding.waiver is not None:
        said = {"waiver": finding.waiver.id, "owner": finding.waiver.owner, "until": instant(finding.waiver.until)}
        yield {"kind": "external", "status": "accepted", "justification": visible(finding.waiver.reason), "properties": said}
    if (wrong := finding.mistaken) is not None:
        yield {"kind": "external", "status": "accepted", "justification": visible(wrong.why), "properties": _reviewed(wrong)}


def _reviewed(review: Review) -> dict[str, Any]:
    return {
        "action": review.action.value,
        "severity": review.severity.value if review.severity else None,
        "who": review.who,
        "why": review.why,
        "until": instant(review.until) if review.until else None,
    }


def _open(report: Report, verdict: Unjudged, seen: _Seen, rule: int) -> dict[str, Any]:
    why = REASONS.get(verdict.reason, UNKNOWN_REASON)
    return {
        **_result(report, verdict, rule, _location(verdict, seen)),
        "kind": "open",
        "level": "none",
        "message": _message(f"Not judged: {verdict.check.title}. {why.means} {why.remedy}"),
        "properties": {**_properties(verdict), "reason": verdict.reason},
    }


def _result(report: Report, verdict: Failed | Unjudged, rule: int, location: Mapping[str, Any]) -> dict[str, Any]:
    alike = over_audits(report.head, "finding", verdict.id)
    return {
        "ruleId": verdict.check.id,
        "ruleIndex": rule,
        "locations": [location],
        "partialFingerprints": {"plumblineFinding/v1": alike},
        "guid": of_ledger(report.head, "finding", verdict.id),
        "correlationGuid": alike,
        "properties": _properties(verdict),
    }


def _properties(verdict: Failed | Unjudged) -> dict[str, Any]:
    return {
        "finding": verdict.id,
        "asset": verdict.asset,
        "subject": verdict.subject,
        "evidence": list(verdict.evidence[:EVIDENCE_NAMED]),
        "evidenceRows": len(verdict.evidence),
    }


def _location(verdict: Failed | Unjudged, seen: _Seen) -> dict[str, Any]:
    index = seen.asset(verdict.asset, verdict.asset_name)
    places = [{"index": index, "fullyQualifiedName": visible(verdict.asset)}]
    if verdict.subject:
        whole = visible(f"{verdict.asset}/{verdict.subject}")
        places.insert(0, {"name": visible(verdict.subject), "fullyQualifiedName": whole, "kind": "resource", "parentIndex": index})
    return {"logicalLocations": places}


def _physical(place: cited.Place, seen: _Seen) -> dict[str, Any]:
    address = {**_address(place.sha256, seen.names.get(place.sha256)), "index": seen.file(place.sha256)}
    return {"artifactLocation": address, "region": {"byteOffset": place.offset}}


def _artifacts(seen: _Seen) -> Iterator[dict[str, Any]]:
    for sha256 in seen.files:
        yield {"location": _address(sha256, seen.names.get(sha256)), "hashes": {"sha-256": sha256}}


def _address(sha256: str, name: str | None) -> dict[str, Any]:
    return {"uri": quote(name, safe="", errors="replace") if name else f"sha256-{sha256}", "uriBaseId": SUPPLIED}


def _logical(seen: _Seen) -> Iterator[dict[str, Any]]:
    for asset, (_, name) in seen.assets.items():
        yield {"name": visible(name), "fullyQualifiedName": visible(asset), "kind": "resource", "properties": {"asset": asset}}


def _invocation(report: Report) -> dict[str, Any]:
    sessions = report.head.sessions
    starts = [session.started_at for session in sessions if session.started_at]
    ends = [session.ended_at for session in sessions if session.ended_at]
    told = [_notification(_UNREAD, f"{unread.entity}: {unread.outcome} {unread.detail}") for unread in report.unread]
    told += [_notification(_EARLY, " ".join((session.bundle, *session.notes))) for session in sessions if not session.complete]
    told += [_notification(_MISSING, name) for name in report.missing_bundles]
    return {
        "executionSuccessful": all(session.complete for session in sessions),
        **({"startTimeUtc": instant(min(starts))} if starts else {}),
        **({"endTimeUtc": instant(max(ends))} if ends else {}),
        "toolExecutionNotifications": told,
    }


def _notification(word: str, text: str) -> dict[str, Any]:
    index = list(_NOTIFICATIONS).index(word)
    return {"descriptor": {"id": word, "index": index}, "level": "warning", "message": _message(text)}


def _standards(report: Report) -> dict[str, list[str]]:
    """Name the standards that checks give evidence to, and the ids of the provisions so named."""
    found: dict[str, list[str]] = {}
    for ref in sorted({ref for check in report.checks for ref in check.provisions}):
        standard, _, provision = ref.partition("/")
        found.setdefault(standard, []).append(provision)
    return found


def _reference(name: str, index: int) -> dict[str, Any]:
    return {"name": name, "index": index, "guid": everywhere("standard", name)}


def _taxonomy(name: str, named: Sequence[str]) -> dict[str, Any]:
    standard = load_standards().get(name)
    if standard is None:  # a check of the customer's own may name any
        return {"name": name, "guid": everywhere("standard", name), "taxa": [{"id": provision} for provision in named]}
    taxa = [
        {
            "id": one.id,
            "shortDescription": _message(one.title),
            "fullDescription": _message(one.summary),
            "properties": {"level": one.level, "status": one.status, "confidence": one.confidence.value},
        }
        for one in standard.provisions.values()
    ]
    return {
        "name": name,
        "guid": everywhere("standard", name),
        "version": standard.version,
        "organization": standard.publisher,
        "shortDescription": _message(standard.title),
        "fullDescription": _message(f"{standard.title}, {standard.version}; the words of its provisions are ours."),
        "taxa": taxa,
    }


def _message(text: str) -> dict[str, str]:
    """Make a message whose text means nothing but itself: no placeholder, no link, whichever backslashes a reader takes as escapes."""
    text = visible(text).replace("](", "] (")
    return {"text": text.replace("{", "{{").replace("}", "}}").replace("[", "\\[").replace("]", "\\]")}

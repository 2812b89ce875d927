"""attestation.cdx.json: what the assessment says for and against each provision, as CycloneDX 1.6 attestations (CDXA).

| ours | CycloneDX |
|---|---|
| standard, provision | `definitions.standards`, requirement |
| the passes of a check, its fails | a claim of what a pass proves, a claim of what a fail proves: so many subjects of so many |
| a check's verdicts | evidence, with exact counts, findings by id and the digest of the ledger |
| provision over the rig | an entry of its standard's attestation: passes are claims, fails are counter claims |
| pass, fail | conformance 1, 0 |
| inconclusive, not applicable | no conformance score, and the reason |

Confidence is the share of the assets asked that were judged at all; it is no probability. Nobody affirms anything here: that is for a
person to do, and to sign. The bill of materials has its own file (`cyclonedx`). Rules: serial number and time are those of the assessment;
whether the assessor is a third party is not known, so it is not said. Source: CycloneDX 1.6 JSON schema (ECMA-424), declarations and
definitions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plumbline.model.words import Verdict
from plumbline.report.data import CheckResult, Report
from plumbline.report.format import Format
from plumbline.report.identity import of_ledger
from plumbline.report.standards_data import Provision
from plumbline.report.streaming import write_json
from plumbline.report.tally import Tally
from plumbline.report.text import instant, plural, visible
from plumbline.report.verdicts import counted
from plumbline.report.words import REASONS, UNKNOWN_REASON
from plumbline.standards.loading import load_standards

_TARGET, _ASSESSOR = "target/rig", "assessor/plumbline"
_SCORES: Mapping[Verdict, int] = {Verdict.PASS: 1, Verdict.FAIL: 0}
FINDINGS_NAMED = 20


def write(report: Report, out: Path, to: Path) -> list[Path]:  # noqa: ARG001 - the view is all that this writes
    """Write attestation.cdx.json into `to`."""
    return [write_json(to / "attestation.cdx.json", render(report))]


FORMAT = Format("what speaks for and against each provision, in CycloneDX (attestations)", ("attestation.cdx.json",), write)


def render(report: Report) -> dict[str, Any]:
    """Give the document; claims and evidence are made as it is written."""
    head = report.head
    rig = {"type": "platform", "name": visible(head.rig_name)}
    counts = {"fail": report.tally.failed, "inconclusive": report.tally.inconclusive, "pass": report.tally.passed}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{of_ledger(head, 'attestation')}",
        "version": 1,
        "metadata": {
            "timestamp": instant(head.as_of),
            "tools": {"components": [{"type": "application", "name": "Plumbline", "version": head.version}]},
            "component": {**rig, "bom-ref": "rig"},
            "properties": [
                {"name": "plumbline:ledger-digest", "value": head.ledger_digest},
                *({"name": f"plumbline:{name}", "value": str(count)} for name, count in counts.items()),
            ],
        },
        "declarations": {
            "assessors": [{"bom-ref": _ASSESSOR, "organization": {"name": f"Whoever ran Plumbline {head.version} on this rig"}}],
            "attestations": [_attestation(name, members, report.checks) for name, members in _by_standard(report).items()],
            "claims": (claim for check in report.checks for claim in _claims(check)),
            "evidence": (_evidence(report, check) for check in report.checks),
            "targets": {"components": [{**rig, "bom-ref": _TARGET}]},
        },
        "definitions": {"standards": [_standard(name, members) for name, members in _by_standard(report).items()]},
    }


def _by_standard(report: Report) -> dict[str, list[Provision]]:
    found: dict[str, list[Provision]] = {}
    for provision in report.provisions:
        found.setdefault(provision.standard, []).append(provision)
    return found


def _attestation(name: str, members: Sequence[Provision], checks: Sequence[CheckResult]) -> dict[str, Any]:
    known = {check.id: check for check in checks}
    words = {verdict: sum(one.verdict is verdict for one in members) for verdict in Verdict}
    summary = (
        f"{name}: of {plural(len(members), 'provision')} {words[Verdict.PASS]} passed, {words[Verdict.FAIL]} failed,"
        f" {words[Verdict.INCONCLUSIVE]} could not be judged, {words[Verdict.NOT_APPLICABLE]} do not apply."
        " Never a statement of conformity with the standard."
    )
    entries = [_entry(one, [known[check] for check in one.checks if check in known]) for one in members]
    return {"summary": summary, "assessor": _ASSESSOR, "map": entries}


def _entry(provision: Provision, checks: Sequence[CheckResult]) -> dict[str, Any]:
    why = f" {REASONS.get(provision.reason, UNKNOWN_REASON).means} ({provision.reason})" if provision.reason else ""
    conformance: dict[str, Any] = {"rationale": f"{provision.verdict}: {counted(provision.tally)}.{why}"}
    confidence: dict[str, Any] = {"rationale": _trust(provision)}
    if provision.verdict in _SCORES:
        conformance["score"] = _SCORES[provision.verdict]
    if (tally := _assets(provision)).asked:
        confidence["score"] = round(tally.judged / tally.asked, 4)
    claims = [_reference("pass", check) for check in checks if check.tally.passed]
    against = [_reference("fail", check) for check in checks if check.tally.failed]
    return {
        "requirement": f"standard/{provision.ref}",
        **({"claims": claims} if claims else {}),
        **({"counterClaims": against} if against else {}),
        "conformance": conformance,
        "confidence": confidence,
    }


def _assets(provision: Provision) -> Tally:
    return provision.assets if provision.assets is not None else provision.tally


def _trust(provision: Provision) -> str:
    tally, noun = _assets(provision), "asset" if provision.assets is not None else "verdict"
    rests = f"; rests on what was {provision.basis}" if provision.basis else ""
    return f"{tally.judged} of {plural(tally.asked, noun)} judged{rests}"


def _claims(check: CheckResult) -> Iterator[dict[str, Any]]:
    asked = plural(check.tally.asked, "subject")
    for word, count, proves in (("pass", check.tally.passed, check.pass_proves), ("fail", check.tally.failed, check.proves)):
        if count:
            yield {
                "bom-ref": _reference(word, check),
                "target": _TARGET,
                "predicate": f"{check.title}: on {count} of {asked}, {visible(proves)}",
                "reasoning": f"Verdict {word} of the check {check.id}, which judges the same evidence always in the same way.",
                "evidence": [f"evidence/{check.id}"],
            }


def _reference(word: str, check: CheckResult) -> str:
    return f"claim/{word}/{check.id}"


def _evidence(report: Report, check: CheckResult) -> dict[str, Any]:
    named = [f"{check.id}|{finding.asset}|{finding.subject}" for finding in check.findings[:FINDINGS_NAMED]]
    lines = [
        f"ledger {report.head.ledger_digest}",
        f"check {check.id}",
        counted(check.tally),
        *(f"finding {visible(one)}" for one in named),
    ]
    return {
        "bom-ref": f"evidence/{check.id}",
        "description": f"Verdicts of the check {check.id}: {counted(check.tally)}.",
        "data": [
            {
                "name": "verdicts",
                "contents": {"attachment": {"contentType": "text/plain", "content": "\n".join(lines)}},
                "classification": "confidential",
            }
        ],
        "created": instant(report.head.as_of),
    }


def _standard(name: str, members: Sequence[Provision]) -> dict[str, Any]:
    known = load_standards().get(name)
    summaries = {one.id: one.summary for one in known.provisions.values()} if known else {}
    return {
        "bom-ref": f"standard/{name}",
        "name": known.title if known else name,
        **({"version": known.version, "owner": known.publisher} if known else {}),
        "description": "Ids are the standard's, words are ours.",
        "requirements": [_requirement(one, summaries.get(one.id)) for one in members],
    }


def _requirement(provision: Provision, summary: str | None) -> dict[str, Any]:
    return {
        "bom-ref": f"standard/{provision.ref}",
        "identifier": provision.id,
        "title": provision.title,
        **({"descriptions": [summary]} if summary else {}),
        "properties": [{"name": "plumbline:level", "value": provision.level}, {"name": "plumbline:asked-of", "value": provision.per}],
    }

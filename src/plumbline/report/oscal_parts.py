"""What OSCAL's documents of one assessment have in common: metadata, assets, observations and risks. Not the documents (`oscal`).

Rules: each part has a UUID of what it names, so that parts may name each other before they are written; an observation of a finding is made
as it is written, and remembered by the risk that it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plumbline.assess.reviews import Review
from plumbline.assess.waivers import Waiver
from plumbline.model.words import Basis, Severity, Verdict
from plumbline.report.data import Asset, CheckResult, Report
from plumbline.report.identity import everywhere, of_ledger, over_audits
from plumbline.report.oscal_terms import NAMESPACE, control, markup, prop, string, token
from plumbline.report.standards_data import Provision
from plumbline.report.tally import Tally
from plumbline.report.text import instant, plural
from plumbline.report.verdicts import Failed, counted, failed
from plumbline.report.words import REASONS, UNKNOWN_REASON
from plumbline.standards.loading import load_standards

VERSION = "1.2.1"
EVIDENCE_NAMED = 20
_METHODS: Mapping[str | None, str] = {
    Basis.OBSERVED: "TEST",
    Basis.INFERRED: "EXAMINE",
    Basis.MANUAL: "TEST",
    Basis.IMPORTED: "EXAMINE",
    Basis.DECLARED: "INTERVIEW",
}
_CVSS = {"CVSS:3.0": "http://www.first.org/cvss/v3.0", "CVSS:3.1": "http://www.first.org/cvss/v3.1"}
_CVSS_4 = "https://www.first.org/cvss/v4-0"


@dataclass
class _Group:
    """Findings of one check that share the waiver or review that takes them out of what is open: their observations, and where."""

    deviation: Waiver | Review | None
    observations: list[str] = field(default_factory=list)
    assets: set[str] = field(default_factory=set)

    @property
    def key(self) -> str:
        """Tell it from the other groups of its check."""
        if self.deviation is None:
            return "open"
        return f"waiver {self.deviation.id}" if isinstance(self.deviation, Waiver) else f"review {self.deviation.number}"


@dataclass
class Parts:
    """The parts of one assessment; `observations_of_findings` gathers which risk each is about, and which assets were named."""

    report: Report
    out: Path
    seen: dict[str, str] = field(default_factory=dict)  # asset: name
    found: dict[str, list[_Group]] = field(default_factory=dict)  # check: its findings, by what counts for them

    # What all three have.

    def uuid(self, *parts: str) -> str:
        """Name a part of these documents."""
        return of_ledger(self.report.head, "oscal", *parts)

    def metadata(self, title: str) -> dict[str, Any]:
        """Say whose rig it is, as of when, by which ledger."""
        head = self.report.head
        return {
            "title": markup(f"{title}: {head.rig_name}"),
            "published": instant(head.as_of),
            "last-modified": instant(head.as_of),
            "version": string(head.ledger_digest),
            "oscal-version": VERSION,
            "props": [prop("plumbline-version", head.version)],
            "roles": [{"id": "system-owner", "title": "Owner of the rig"}],
            "parties": [{"uuid": over_audits(head, "owner"), "type": "organization", "name": string(head.owner)}],
            "responsible-parties": [{"role-id": "system-owner", "party-uuids": [over_audits(head, "owner")]}],
        }

    def origin(self) -> dict[str, Any]:
        """Say that it comes from us."""
        return {"actors": [{"type": "tool", "actor-uuid": everywhere("tool")}]}

    def assets(self) -> dict[str, Any]:
        """Say what it was assessed with."""
        tool = {
            "uuid": everywhere("tool"),
            "type": "software",
            "title": "Plumbline",
            "description": "Collects evidence read-only, and judges it by checks that are published.",
            "props": [{"name": "version", "value": string(self.report.head.version)}],
            "status": {"state": "operational"},
        }
        uses = [{"component-uuid": tool["uuid"]}]
        return {
            "components": [tool],
            "assessment-platforms": [{"uuid": self.uuid("platform"), "title": "Plumbline", "uses-components": uses}],
        }

    def reviewed(self) -> dict[str, Any]:
        """Name every provision that was asked about, by its standard."""
        selections = []
        titles = {name: standard.title for name, standard in load_standards().items()}
        for name in dict.fromkeys(provision.standard for provision in self.report.provisions):
            controls = [{"control-id": control(name, one.id)} for one in self.report.provisions if one.standard == name]
            selections.append({"description": markup(titles.get(name, name)), "include-controls": controls})
        if not selections:
            checks = [{"control-id": token(check.id)} for check in self.report.checks] or [{"control-id": "none"}]
            selections.append({"description": "No standard was assessed; the checks stand for themselves.", "include-controls": checks})
        return {"control-selections": selections}

    def inventory(self) -> Iterator[dict[str, Any]]:
        """Describe the assets that the view lists, and those that observations named, each once."""
        listed = {asset.id: asset for asset in (*self.report.assets, *self.report.sources)}
        if not (listed or self.seen):
            yield {"uuid": self.uuid("nothing"), "description": "Nothing was found."}
        for key in dict.fromkeys((*listed, *self.seen)):
            asset = listed.get(key)
            yield {
                "uuid": over_audits(self.report.head, "asset", key),
                "description": markup(asset.name if asset else self.seen[key]),
                "props": [{"name": "asset-id", "value": string(key)}, *(_facts(asset) if asset else ())],
            }

    def back_matter(self) -> dict[str, Any]:
        """Name the rig, the standards, and the digests that fix what was judged."""
        head = self.report.head
        resources: list[dict[str, Any]] = [
            {
                "uuid": self.uuid("system"),
                "title": markup(f"The rig {head.rig_name}"),
                "description": markup(
                    f"Described by its rig file; audited under {head.reference or 'an authorisation without reference'}."
                ),
            }
        ]
        for name, standard in load_standards().items():
            if any(provision.standard == name for provision in self.report.provisions):
                cited = {"text": markup(f"{standard.title}, {standard.version}, {standard.publisher}")}
                resources.append({"uuid": everywhere("standard", name), "title": markup(standard.title), "citation": cited})
        resources += [
            {"uuid": self.uuid("digest", digest.what), "title": markup(digest.what), "props": [prop("digest", digest.value)]}
            for digest in self.report.digests
        ]
        return {"resources": resources}

    # Observations.

    def observations_of_findings(self) -> Iterator[dict[str, Any]]:
        """Give an observation of each failed verdict, and remember what it is about."""
        self.found.clear()
        for finding in failed(self.report, self.out):
            self.seen.setdefault(finding.asset, finding.asset_name)
            uuid = self.uuid("observation", finding.id)
            group = self._group(finding)
            group.observations.append(uuid)
            group.assets.add(finding.asset)
            yield self._observation(finding, uuid)

    def _group(self, finding: Failed) -> _Group:
        wanted = _Group(finding.waiver or finding.mistaken)
        groups = self.found.setdefault(finding.check.id, [])
        for group in groups:
            if group.key == wanted.key:
                return group
        groups.append(wanted)
        return wanted

    def _observation(self, finding: Failed, uuid: str) -> dict[str, Any]:
        named = finding.evidence[:EVIDENCE_NAMED]
        more = len(finding.evidence) - len(named)
        rows = ", ".join(named) + (f", and {plural(more, 'more row')}" if more else "")
        subject = {"subject-uuid": over_audits(self.report.head, "asset", finding.asset), "type": "inventory-item"}
        observation: dict[str, Any] = {
            "uuid": uuid,
            "title": markup(finding.check.title),
            "description": markup(finding.message or finding.check.title),
            "props": [
                prop("finding", finding.id),
                prop("check", finding.check.id),
                prop("verdict", Verdict.FAIL),
                prop("severity", finding.severity),
                prop("cvss", finding.cvss),
                prop("risk", str(finding.risk)),
                *([prop("basis", finding.basis)] if finding.basis else ()),
                *([prop("waiver", finding.waiver.id)] if finding.waiver else ()),
                *([prop("review", finding.review.action, finding.review.why)] if finding.review else ()),
            ],
            "methods": [_METHODS.get(finding.basis, "UNKNOWN")],
            "types": ["finding"],
            "origins": [self.origin()],
            "subjects": [
                {**subject, "title": markup(finding.asset_name), "props": [prop("subject", finding.subject or "the whole asset")]}
            ],
            "collected": instant(self.report.head.as_of),
        }
        if named:
            observation["relevant-evidence"] = [{"description": markup(f"Rows of the evidence: {rows}")}]
        return observation

    def of_check(self, check: CheckResult) -> dict[str, Any]:
        """Give an observation of everything that one check said, in counts."""
        return {
            "uuid": self.uuid("check", check.id),
            "title": markup(check.title),
            "description": markup(f"{counted(check.tally)}."),
            "props": [prop("check", check.id), prop("verdict", check.tally.verdict), *counts(check.tally)],
            "methods": ["TEST"],
            "types": ["control-objective"],
            "origins": [self.origin()],
            "collected": instant(self.report.head.as_of),
        }

    def of_provision(self, provision: Provision) -> dict[str, Any]:
        """Give an observation of what one provision came to over the rig."""
        why = f" {REASONS.get(provision.reason, UNKNOWN_REASON).means}" if provision.reason else ""
        on = f" Over assets: {counted(provision.assets, 'asset')}." if provision.assets else ""
        return {
            "uuid": self.uuid("provision", provision.ref),
            "title": markup(f"{provision.standard} {provision.id}: {provision.title}"),
            "description": markup(f"{provision.verdict}.{why} Checks: {counted(provision.tally)}.{on}"),
            "props": [
                prop("control", control(provision.standard, provision.id)),
                prop("verdict", provision.verdict),
                *([prop("reason", provision.reason)] if provision.reason else ()),
                *([prop("basis", provision.basis)] if provision.basis else ()),
                *counts(provision.tally),
            ],
            "methods": [_METHODS.get(provision.basis, "UNKNOWN")],
            "types": ["control-objective"],
            "origins": [self.origin()],
            "collected": instant(self.report.head.as_of),
        }

    def provisions_of(self, *verdicts: Verdict) -> list[Provision]:
        """Choose provisions by their verdict."""
        return [provision for provision in self.report.provisions if provision.verdict in verdicts]

    def risks(self) -> Iterator[dict[str, Any]]:
        """Give a risk of each group of findings, and of each provision that was not judged; comes after their observations."""
        for check in self.report.checks:
            for group in self.found.get(check.id, ()):
                yield self._risk(check, group)
        for provision in self.provisions_of(Verdict.INCONCLUSIVE):
            yield self._open_question(provision)

    def _risk(self, check: CheckResult, group: _Group) -> dict[str, Any]:
        system = _CVSS.get(check.cvss[:8], _CVSS_4)
        risk: dict[str, Any] = {
            "uuid": self.uuid("risk", check.id, group.key),
            "title": markup(check.title),
            "description": markup(
                f"{len(group.observations)} of {plural(check.tally.failed, 'finding')}, on {plural(len(group.assets), 'asset')}."
            ),
            "statement": markup(f"A fail proves: {check.proves}."),
            "props": [prop("check", check.id), prop("severity", check.severity), prop("risk", f"{check.risk:g}")],
            "status": "open" if group.deviation is None else "deviation-approved",
            "origins": [self.origin()],
            "characterizations": [
                {
                    "origin": self.origin(),
                    "facets": [
                        {"name": "cvss", "system": system, "value": string(check.cvss)},
                        {"name": "risk", "system": NAMESPACE, "value": f"{check.risk:g}"},
                    ],
                }
            ],
            "remediations": self._responses(check, group),
            "related-observations": [{"observation-uuid": uuid} for uuid in group.observations],
        }
        if group.deviation is not None:
            risk["risk-log"] = {"entries": [self._decision(check, group.key, group.deviation)]}
            if group.deviation.until is not None:
                risk["deadline"] = instant(group.deviation.until)
        return risk

    def _decision(self, check: CheckResult, key: str, deviation: Waiver | Review) -> dict[str, Any]:
        """Say who bears a finding, or calls it false, and why; a review does not say when it was made."""
        if isinstance(deviation, Waiver):
            kind, title, why, start = "waiver", f"Waived by {deviation.owner}", deviation.reason, deviation.begins
        else:
            kind, title, why = "false-positive", f"Called a false positive by {deviation.who}", deviation.why
            start = self.report.head.as_of
        return {
            "uuid": self.uuid("decision", check.id, key),
            "title": markup(title),
            "description": markup(why),
            "start": instant(start),
            "props": [prop("deviation", kind), prop("by", key)],
            "status-change": "deviation-approved",
        }

    def _responses(self, check: CheckResult, group: _Group) -> list[dict[str, Any]]:
        advice = {"What to do": f"{check.recommendation} To verify: {check.verify}", "Until then": check.compensate}
        return [
            {
                "uuid": self.uuid("response", title, check.id, group.key),
                "lifecycle": "recommendation",
                "title": title,
                "description": markup(text),
            }
            for title, text in advice.items()
            if text
        ]

    def _open_question(self, provision: Provision) -> dict[str, Any]:
        why = REASONS.get(provision.reason or "", UNKNOWN_REASON)
        return {
            "uuid": self.uuid("risk", provision.ref),
            "title": markup(f"Not judged: {provision.standard} {provision.id}"),
            "description": markup(f"{provision.title}. {why.means}"),
            "statement": "What was not judged may be wrong: the evidence does not suffice to say whether this is met.",
            "props": [prop("control", control(provision.standard, provision.id)), prop("verdict", Verdict.INCONCLUSIVE)],
            "status": "investigating",
            "origins": [self.origin()],
            "related-observations": [{"observation-uuid": self.uuid("provision", provision.ref)}],
        }

    def risks_of(self, checks: Iterable[str]) -> list[dict[str, Any]]:
        """Refer to the risks of some checks; comes after their observations."""
        return [{"risk-uuid": self.uuid("risk", check, group.key)} for check in checks for group in self.found.get(check, ())]


def _facts(asset: Asset) -> list[dict[str, Any]]:
    said = {"address": asset.address, "model": asset.model, "class": asset.device_class, "criticality": asset.criticality}
    worst = [] if asset.severity is Severity.NONE else [prop("severity", asset.severity)]
    return [*(prop(name, value) for name, value in said.items() if value), *worst]


def counts(tally: Tally) -> Sequence[dict[str, Any]]:
    """Give the counts of a tally as properties."""
    each = {"fail": tally.failed, "pass": tally.passed, "inconclusive": tally.inconclusive, "not-applicable": tally.not_applicable}
    return [prop(name, str(count)) for name, count in each.items()]

"""OSCAL 1.2.1 as JSON: what was to be asked, what came of it, and what is to be done, for tools of governance and risk.

    oscal-assessment-plan.json       provisions, checks as activities, the authorisation as rules of engagement
    oscal-assessment-results.json    observations, risks, findings
    oscal-poam.json                  a plan of action and milestones: every recommendation, and the risks that it is about

| ours | OSCAL |
|---|---|
| finding | observation of type `finding` on its asset, method by basis; every failed verdict is one |
| check | activity; observation of type `control-objective` with its exact counts; a risk, when it fails |
| provision | control, `<standard>_<id>`; observation of type `control-objective` |
| provision that fails, or passes | finding, `not-satisfied` or `satisfied` |
| provision that is inconclusive | risk, `investigating`; no finding |
| provision that does not apply | the observation alone |
| recommendation | item of the plan of action |

A finding's status knows two words only, satisfied and not-satisfied. What could not be judged is neither, so it gets no finding; but a
control without finding is easily taken for one without fault, so it stands as a risk under investigation, and as an item of the plan.

Rules: UUIDs are of what they name, times are of the assessment, so that the same assessment gives the same files; text that comes from
evidence shows as it is, in no markup. Source: NIST OSCAL 1.2.1, assessment layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from plumbline.model.words import Basis, Severity, Verdict
from plumbline.report.data import Action, Asset, CheckResult, Provision, Report, Tally
from plumbline.report.format import Format
from plumbline.report.identity import everywhere, of_ledger, over_audits
from plumbline.report.oscal_terms import NAMESPACE, control, markup, prop, string, token
from plumbline.report.streaming import write_json
from plumbline.report.text import instant, plural
from plumbline.report.verdicts import Failed, counted, failed
from plumbline.report.words import METHOD, REASONS, UNKNOWN_REASON
from plumbline.standards.loading import load_standards

VERSION = "1.2.1"
PLAN, RESULTS, POAM = "oscal-assessment-plan.json", "oscal-assessment-results.json", "oscal-poam.json"
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


def write(report: Report, out: Path, to: Path) -> list[Path]:
    """Write the three documents into `to`."""
    files = _Files(report, out)
    return [
        write_json(to / PLAN, {"assessment-plan": files.plan()}),
        write_json(to / RESULTS, {"assessment-results": files.results()}),
        write_json(to / POAM, {"plan-of-action-and-milestones": files.poam()}),
    ]


FORMAT = Format("assessment plan, results and plan of action in OSCAL 1.2.1", (PLAN, RESULTS, POAM), write)


@dataclass
class _Files:
    """The three documents of one assessment; `results` gathers which observations each risk is about, and which assets were named."""

    report: Report
    out: Path
    seen: dict[str, str] = field(default_factory=dict)  # asset: name
    of_check: dict[str, list[str]] = field(default_factory=dict)  # check: its observations

    def plan(self) -> dict[str, Any]:
        """Say what was to be asked, of what, by whose leave."""
        report = self.report
        return {
            "uuid": self._uuid("plan"),
            "metadata": self._metadata("Assessment plan"),
            "import-ssp": {
                "href": f"#{self._uuid('system')}",
                "remarks": "No security plan was supplied; the rig file describes the system.",
            },
            "local-definitions": {"activities": [self._activity(check) for check in report.checks] or [self._no_activity()]},
            "terms-and-conditions": {"parts": [self._engagement(), {"name": "methodology", "prose": markup(" ".join(METHOD))}]},
            "reviewed-controls": self._reviewed(),
            "assessment-subjects": [{"type": "inventory-item", "description": "Every asset of the rig", "include-all": {}}],
            "assessment-assets": self._assets(),
            "back-matter": self._back_matter(),
        }

    def results(self) -> dict[str, Any]:
        """Say what came of it."""
        report = self.report
        sessions = report.head.sessions
        start = min((session.started_at for session in sessions if session.started_at), default=report.head.as_of)
        end = max((session.ended_at for session in sessions if session.ended_at), default=report.head.as_of)
        result: dict[str, Any] = {
            "uuid": self._uuid("result"),
            "title": "Verdicts of one assessment",
            "description": markup(f"{counted(report.tally)}, judged as of {instant(report.head.as_of)}."),
            "start": instant(start),
            "end": instant(max(start, end)),
            "props": [prop("ledger-digest", report.head.ledger_digest), *_counts(report.tally)],
            "reviewed-controls": self._reviewed(),
            "observations": chain(self._found(), map(self._of_check, report.checks), map(self._of_provision, report.provisions)),
            "risks": self._risks(),
            "findings": self._findings(),
            "local-definitions": {"inventory-items": self._inventory(), "assessment-assets": self._assets()},
            "remarks": markup("Never a statement of conformity: that is for an assessor to decide, over the whole standard."),
        }
        for name, empty in {
            "observations": not (report.checks or report.provisions),
            "risks": not (report.tally.failed or self._of(Verdict.INCONCLUSIVE)),
            "findings": not self._of(Verdict.FAIL, Verdict.PASS),
        }.items():
            if empty:
                del result[name]
        return {
            "uuid": self._uuid("results"),
            "metadata": self._metadata("Assessment results"),
            "import-ap": {"href": PLAN},
            "results": [result],
            "back-matter": self._back_matter(),
        }

    def poam(self) -> dict[str, Any]:
        """Say what is to be done; comes after `results`."""
        report = self.report
        document: dict[str, Any] = {
            "uuid": self._uuid("poam"),
            "metadata": self._metadata("Plan of action and milestones"),
            "system-id": {"identifier-type": NAMESPACE, "id": string(report.head.rig_id)},
            "local-definitions": {"inventory-items": self._inventory(), "assessment-assets": self._assets()},
            "observations": chain(self._found(), map(self._of_provision, self._of(Verdict.INCONCLUSIVE))),
            "risks": self._risks(),
            "poam-items": self._items(),
            "back-matter": self._back_matter(),
        }
        if not (report.tally.failed or self._of(Verdict.INCONCLUSIVE)):
            del document["observations"], document["risks"]
        return document

    # What all three have.

    def _uuid(self, *parts: str) -> str:
        return of_ledger(self.report.head, "oscal", *parts)

    def _metadata(self, title: str) -> dict[str, Any]:
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

    def _origin(self) -> dict[str, Any]:
        return {"actors": [{"type": "tool", "actor-uuid": everywhere("tool")}]}

    def _assets(self) -> dict[str, Any]:
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
            "assessment-platforms": [{"uuid": self._uuid("platform"), "title": "Plumbline", "uses-components": uses}],
        }

    def _reviewed(self) -> dict[str, Any]:
        selections = []
        titles = {name: standard.title for name, standard in load_standards().items()}
        for name in dict.fromkeys(provision.standard for provision in self.report.provisions):
            controls = [{"control-id": control(name, one.id)} for one in self.report.provisions if one.standard == name]
            selections.append({"description": markup(titles.get(name, name)), "include-controls": controls})
        if not selections:
            checks = [{"control-id": token(check.id)} for check in self.report.checks] or [{"control-id": "none"}]
            selections.append({"description": "No standard was assessed; the checks stand for themselves.", "include-controls": checks})
        return {"control-selections": selections}

    def _inventory(self) -> Iterator[dict[str, Any]]:
        """Describe the assets that the view lists, and those that observations named, each once."""
        listed = {asset.id: asset for asset in (*self.report.assets, *self.report.sources)}
        if not (listed or self.seen):
            yield {"uuid": self._uuid("nothing"), "description": "Nothing was found."}
        for key in dict.fromkeys((*listed, *self.seen)):
            asset = listed.get(key)
            yield {
                "uuid": over_audits(self.report.head, "asset", key),
                "description": markup(asset.name if asset else self.seen[key]),
                "props": [{"name": "asset-id", "value": string(key)}, *(_facts(asset) if asset else ())],
            }

    def _back_matter(self) -> dict[str, Any]:
        head = self.report.head
        resources: list[dict[str, Any]] = [
            {
                "uuid": self._uuid("system"),
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
            {"uuid": self._uuid("digest", digest.what), "title": markup(digest.what), "props": [prop("digest", digest.value)]}
            for digest in self.report.digests
        ]
        return {"resources": resources}

    # The plan's own.

    def _engagement(self) -> dict[str, Any]:
        head = self.report.head
        said = {
            "reference": head.reference,
            "granted by": head.granted_by,
            "valid from": instant(head.valid_from) if head.valid_from else "",
            "valid until": instant(head.valid_until) if head.valid_until else "",
            "intrusion": head.intrusion,
            "networks": ", ".join(head.networks),
        }
        return {"name": "rules-of-engagement", "prose": markup("; ".join(f"{name}: {value or 'not said'}" for name, value in said.items()))}

    def _activity(self, check: CheckResult) -> dict[str, Any]:
        activity: dict[str, Any] = {
            "uuid": everywhere("check", check.id),
            "title": markup(check.title),
            "description": markup(f"A fail proves: {check.proves}. A pass proves: {check.pass_proves}."),
            "props": [prop("check", check.id), {"name": "method", "value": "TEST"}],
        }
        if check.provisions:
            controls = [{"control-id": _control(ref)} for ref in check.provisions]
            activity["related-controls"] = {"control-selections": [{"include-controls": controls}]}
        return activity

    def _no_activity(self) -> dict[str, Any]:
        return {"uuid": self._uuid("no activity"), "description": "No check found anything to ask about.", "props": [prop("checks", "0")]}

    # Observations.

    def _found(self) -> Iterator[dict[str, Any]]:
        """Give an observation of each failed verdict, and remember what it is about."""
        self.of_check.clear()
        for finding in failed(self.report, self.out):
            self.seen.setdefault(finding.asset, finding.asset_name)
            uuid = self._uuid("observation", finding.id)
            self.of_check.setdefault(finding.check.id, []).append(uuid)
            yield self._observation(finding, uuid)

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
            ],
            "methods": [_METHODS.get(finding.basis, "UNKNOWN")],
            "types": ["finding"],
            "origins": [self._origin()],
            "subjects": [
                {**subject, "title": markup(finding.asset_name), "props": [prop("subject", finding.subject or "the whole asset")]}
            ],
            "collected": instant(self.report.head.as_of),
        }
        if named:
            observation["relevant-evidence"] = [{"description": markup(f"Rows of the evidence: {rows}")}]
        return observation

    def _of_check(self, check: CheckResult) -> dict[str, Any]:
        return {
            "uuid": self._uuid("check", check.id),
            "title": markup(check.title),
            "description": markup(f"{counted(check.tally)}."),
            "props": [prop("check", check.id), prop("verdict", check.tally.verdict), *_counts(check.tally)],
            "methods": ["TEST"],
            "types": ["control-objective"],
            "origins": [self._origin()],
            "collected": instant(self.report.head.as_of),
        }

    def _of_provision(self, provision: Provision) -> dict[str, Any]:
        why = f" {REASONS.get(provision.reason, UNKNOWN_REASON).means}" if provision.reason else ""
        on = f" Over assets: {counted(provision.assets, 'asset')}." if provision.assets else ""
        return {
            "uuid": self._uuid("provision", provision.ref),
            "title": markup(f"{provision.standard} {provision.id}: {provision.title}"),
            "description": markup(f"{provision.verdict}.{why} Checks: {counted(provision.tally)}.{on}"),
            "props": [
                prop("control", control(provision.standard, provision.id)),
                prop("verdict", provision.verdict),
                *([prop("reason", provision.reason)] if provision.reason else ()),
                *([prop("basis", provision.basis)] if provision.basis else ()),
                *_counts(provision.tally),
            ],
            "methods": [_METHODS.get(provision.basis, "UNKNOWN")],
            "types": ["control-objective"],
            "origins": [self._origin()],
            "collected": instant(self.report.head.as_of),
        }

    # Risks, findings and items.

    def _of(self, *verdicts: Verdict) -> list[Provision]:
        return [provision for provision in self.report.provisions if provision.verdict in verdicts]

    def _risks(self) -> Iterator[dict[str, Any]]:
        for check in self.report.checks:
            if check.tally.failed:
                yield self._risk(check)
        for provision in self._of(Verdict.INCONCLUSIVE):
            yield self._open_question(provision)

    def _risk(self, check: CheckResult) -> dict[str, Any]:
        system = _CVSS.get(check.cvss[:8], _CVSS_4)
        return {
            "uuid": self._uuid("risk", check.id),
            "title": markup(check.title),
            "description": markup(f"{plural(check.tally.failed, 'finding')} on {plural(check.failed_assets, 'asset')}."),
            "statement": markup(f"A fail proves: {check.proves}."),
            "props": [prop("check", check.id), prop("severity", check.severity), prop("risk", f"{check.risk:g}")],
            "status": "open",
            "origins": [self._origin()],
            "characterizations": [
                {
                    "origin": self._origin(),
                    "facets": [
                        {"name": "cvss", "system": system, "value": string(check.cvss)},
                        {"name": "risk", "system": NAMESPACE, "value": f"{check.risk:g}"},
                    ],
                }
            ],
            "remediations": [self._response(check, "mend", check.recommendation, check.verify), *self._meanwhile(check)],
            "related-observations": [{"observation-uuid": uuid} for uuid in self.of_check[check.id]],
        }

    def _meanwhile(self, check: CheckResult) -> list[dict[str, Any]]:
        return [self._response(check, "until then", check.compensate, "")] if check.compensate else []

    def _response(self, check: CheckResult, kind: str, text: str, verify: str) -> dict[str, Any]:
        return {
            "uuid": self._uuid("response", kind, check.id),
            "lifecycle": "recommendation",
            "title": "What to do" if kind == "mend" else "Until then",
            "description": markup(f"{text} To verify: {verify}" if verify else text),
        }

    def _open_question(self, provision: Provision) -> dict[str, Any]:
        why = REASONS.get(provision.reason or "", UNKNOWN_REASON)
        return {
            "uuid": self._uuid("risk", provision.ref),
            "title": markup(f"Not judged: {provision.standard} {provision.id}"),
            "description": markup(f"{provision.title}. {why.means}"),
            "statement": "What was not judged may be wrong: the evidence does not suffice to say whether this is met.",
            "props": [prop("control", control(provision.standard, provision.id)), prop("verdict", Verdict.INCONCLUSIVE)],
            "status": "investigating",
            "origins": [self._origin()],
            "related-observations": [{"observation-uuid": self._uuid("provision", provision.ref)}],
        }

    def _findings(self) -> Iterator[dict[str, Any]]:
        known = {check.id: check for check in self.report.checks}
        for provision in self._of(Verdict.FAIL, Verdict.PASS):
            wrong = provision.verdict is Verdict.FAIL
            checks = [known[check] for check in provision.checks if check in known]
            observations = [self._uuid("provision", provision.ref), *(self._uuid("check", check.id) for check in checks)]
            risks = [{"risk-uuid": self._uuid("risk", check.id)} for check in checks if check.tally.failed]
            yield {
                "uuid": self._uuid("finding", provision.ref),
                "title": markup(f"{provision.standard} {provision.id}: {provision.title}"),
                "description": markup(f"{counted(provision.tally)}."),
                "target": {
                    "type": "objective-id",
                    "target-id": control(provision.standard, provision.id),
                    "status": {"state": "not-satisfied" if wrong else "satisfied", "reason": "fail" if wrong else "pass"},
                },
                "related-observations": [{"observation-uuid": uuid} for uuid in observations],
                **({"related-risks": risks} if risks else {}),
            }

    def _items(self) -> Iterator[dict[str, Any]]:
        unjudged = self._of(Verdict.INCONCLUSIVE)
        for action in self.report.actions:
            yield self._item(action)
        if unjudged:
            yield {
                "uuid": self._uuid("item", "not judged"),
                "title": "Let what could not be judged be judged",
                "description": markup(_remedies(self.report)),
                "props": [prop("provisions", str(len(unjudged)))],
                "related-risks": [{"risk-uuid": self._uuid("risk", one.ref)} for one in unjudged],
            }
        if not (self.report.actions or unjudged):
            yield {
                "uuid": self._uuid("item", "nothing"),
                "title": "Nothing is open",
                "description": markup(f"{counted(self.report.tally)}."),
            }

    def _item(self, action: Action) -> dict[str, Any]:
        return {
            "uuid": self._uuid("item", action.recommendation, action.effort),
            "title": markup(action.recommendation),
            "description": markup(
                f"Mends {plural(action.findings, 'finding')} on {plural(action.assets_count, 'asset')}, the first of them on:"
                f" {', '.join(action.assets)}."
            ),
            "props": [
                prop("severity", action.severity),
                prop("risk", f"{action.risk:g}"),
                prop("effort", action.effort),
                prop("findings", str(action.findings)),
                prop("assets", str(action.assets_count)),
            ],
            "related-risks": [{"risk-uuid": self._uuid("risk", advice.check)} for advice in action.advice],
        }


def _facts(asset: Asset) -> list[dict[str, Any]]:
    said = {"address": asset.address, "model": asset.model, "class": asset.device_class, "criticality": asset.criticality}
    worst = [] if asset.severity is Severity.NONE else [prop("severity", asset.severity)]
    return [*(prop(name, value) for name, value in said.items() if value), *worst]


def _control(ref: str) -> str:
    standard, _, provision = ref.partition("/")
    return control(standard, provision)


def _counts(tally: Tally) -> Sequence[dict[str, Any]]:
    counts = {"fail": tally.failed, "pass": tally.passed, "inconclusive": tally.inconclusive, "not-applicable": tally.not_applicable}
    return [prop(name, str(count)) for name, count in counts.items()]


def _remedies(report: Report) -> str:
    told = dict.fromkeys(REASONS.get(reason.word, UNKNOWN_REASON).remedy for reason in report.reasons)
    return " ".join(told) or "See the ledger for the reasons."

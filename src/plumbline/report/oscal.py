"""OSCAL 1.2.1 as JSON: what was to be asked, what came of it, and what is to be done, for tools of governance and risk.

    oscal-assessment-plan.json       provisions, checks as activities, the authorisation as rules of engagement
    oscal-assessment-results.json    observations, risks, findings
    oscal-poam.json                  a plan of action and milestones: every recommendation, and the risks that it is about

| ours | OSCAL |
|---|---|
| finding | observation of type `finding` on its asset, method by basis; every failed verdict is one |
| check | activity; observation of type `control-objective` with its exact counts; a risk, when it fails, `open` |
| findings of it under one waiver, or called false by one review | a risk of their own, `deviation-approved`, with who and why |
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

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from plumbline.model.words import Verdict
from plumbline.report.data import Action, CheckResult, Report
from plumbline.report.format import Format
from plumbline.report.identity import everywhere
from plumbline.report.oscal_parts import Parts, counts
from plumbline.report.oscal_terms import NAMESPACE, control, markup, prop, string
from plumbline.report.streaming import write_json
from plumbline.report.text import instant, plural
from plumbline.report.verdicts import counted
from plumbline.report.words import METHOD, REASONS, UNKNOWN_REASON

PLAN, RESULTS, POAM = "oscal-assessment-plan.json", "oscal-assessment-results.json", "oscal-poam.json"


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
class _Files(Parts):
    """The three documents; the plan of action comes after the results, which gather what its risks are about."""

    def plan(self) -> dict[str, Any]:
        """Say what was to be asked, of what, by whose leave."""
        report = self.report
        return {
            "uuid": self.uuid("plan"),
            "metadata": self.metadata("Assessment plan"),
            "import-ssp": {
                "href": f"#{self.uuid('system')}",
                "remarks": "No security plan was supplied; the rig file describes the system.",
            },
            "local-definitions": {"activities": [self._activity(check) for check in report.checks] or [self._no_activity()]},
            "terms-and-conditions": {"parts": [self._engagement(), {"name": "methodology", "prose": markup(" ".join(METHOD))}]},
            "reviewed-controls": self.reviewed(),
            "assessment-subjects": [{"type": "inventory-item", "description": "Every asset of the rig", "include-all": {}}],
            "assessment-assets": self.assets(),
            "back-matter": self.back_matter(),
        }

    def results(self) -> dict[str, Any]:
        """Say what came of it."""
        report = self.report
        sessions = report.head.sessions
        start = min((session.started_at for session in sessions if session.started_at), default=report.head.as_of)
        end = max((session.ended_at for session in sessions if session.ended_at), default=report.head.as_of)
        result: dict[str, Any] = {
            "uuid": self.uuid("result"),
            "title": "Verdicts of one assessment",
            "description": markup(f"{counted(report.tally)}, judged as of {instant(report.head.as_of)}."),
            "start": instant(start),
            "end": instant(max(start, end)),
            "props": [prop("ledger-digest", report.head.ledger_digest), *counts(report.tally)],
            "reviewed-controls": self.reviewed(),
            "observations": chain(
                self.observations_of_findings(), map(self.of_check, report.checks), map(self.of_provision, report.provisions)
            ),
            "risks": self.risks(),
            "findings": self._findings(),
            "local-definitions": {"inventory-items": self.inventory(), "assessment-assets": self.assets()},
            "remarks": markup("Never a statement of conformity: that is for an assessor to decide, over the whole standard."),
        }
        for name, empty in {
            "observations": not (report.checks or report.provisions),
            "risks": not (report.tally.failed or self.provisions_of(Verdict.INCONCLUSIVE)),
            "findings": not self.provisions_of(Verdict.FAIL, Verdict.PASS),
        }.items():
            if empty:
                del result[name]
        return {
            "uuid": self.uuid("results"),
            "metadata": self.metadata("Assessment results"),
            "import-ap": {"href": PLAN},
            "results": [result],
            "back-matter": self.back_matter(),
        }

    def poam(self) -> dict[str, Any]:
        """Say what is to be done; comes after `results`."""
        report = self.report
        document: dict[str, Any] = {
            "uuid": self.uuid("poam"),
            "metadata": self.metadata("Plan of action and milestones"),
            "system-id": {"identifier-type": NAMESPACE, "id": string(report.head.rig_id)},
            "local-definitions": {"inventory-items": self.inventory(), "assessment-assets": self.assets()},
            "observations": chain(self.observations_of_findings(), map(self.of_provision, self.provisions_of(Verdict.INCONCLUSIVE))),
            "risks": self.risks(),
            "poam-items": self._items(),
            "back-matter": self.back_matter(),
        }
        if not (report.tally.failed or self.provisions_of(Verdict.INCONCLUSIVE)):
            del document["observations"], document["risks"]
        return document

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
        return {"uuid": self.uuid("no activity"), "description": "No check found anything to ask about.", "props": [prop("checks", "0")]}

    # Findings and items.

    def _findings(self) -> Iterator[dict[str, Any]]:
        known = {check.id: check for check in self.report.checks}
        for provision in self.provisions_of(Verdict.FAIL, Verdict.PASS):
            wrong = provision.verdict is Verdict.FAIL
            checks = [known[check] for check in provision.checks if check in known]
            observations = [self.uuid("provision", provision.ref), *(self.uuid("check", check.id) for check in checks)]
            risks = self.risks_of(check.id for check in checks)
            yield {
                "uuid": self.uuid("finding", provision.ref),
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
        unjudged = self.provisions_of(Verdict.INCONCLUSIVE)
        for action in self.report.actions:
            yield self._item(action)
        if unjudged:
            yield {
                "uuid": self.uuid("item", "not judged"),
                "title": "Let what could not be judged be judged",
                "description": markup(_remedies(self.report)),
                "props": [prop("provisions", str(len(unjudged)))],
                "related-risks": [{"risk-uuid": self.uuid("risk", one.ref)} for one in unjudged],
            }
        if not (self.report.actions or unjudged):
            yield {
                "uuid": self.uuid("item", "nothing"),
                "title": "Nothing is open",
                "description": markup(f"{counted(self.report.tally)}."),
            }

    def _item(self, action: Action) -> dict[str, Any]:
        return {
            "uuid": self.uuid("item", action.recommendation, action.effort),
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
            "related-risks": self.risks_of(advice.check for advice in action.advice),
        }


def _control(ref: str) -> str:
    standard, _, provision = ref.partition("/")
    return control(standard, provision)


def _remedies(report: Report) -> str:
    told = dict.fromkeys(REASONS.get(reason.word, UNKNOWN_REASON).remedy for reason in report.reasons)
    return " ".join(told) or "See the ledger for the reasons."

"""Findings and actions out of the ledger's failed verdicts: rendered, rated, weighed, grouped by what mends them.

Rules: of a check's findings at most FINDINGS_PER_CHECK are listed, in the ledger's order, some of every severity that occurs;
whatever is counted is counted over all of them.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plumbline.assess.assessment import EVIDENCE_LISTED, FINDINGS_PER_CHECK, Action, CheckSummary, Finding, FindingReview
from plumbline.assess.overlay import Overlay
from plumbline.assess.reviews import Action as ReviewAction
from plumbline.assess.reviews import Review
from plumbline.assess.risk import Threat, exposure, risk
from plumbline.checks.check import Check, Effort
from plumbline.checks.messages import message_sql
from plumbline.checks.severity import base_score
from plumbline.checks.shape import Shape
from plumbline.evidence.engine import Connection, literal
from plumbline.model.errors import InputError
from plumbline.model.words import Criticality, Severity

NAMES_LISTED = 50
SUBJECTS_EXPECTED = 20
_KEY = "substr(l.asset, strpos(l.asset, '/') + 1)"  # the name of a hub identity that nothing else knows


@dataclass(frozen=True, slots=True)
class Failed:
    """The failed verdicts of one check: how many of each severity, the highest risk, and those that are listed.

    `standing` counts those that count for `--fail-on`, as what they do; `waived` and `reviewed` by the place of what counts for them.
    """

    severities: Mapping[Severity, int]
    risk: int
    listed: tuple[Finding, ...]
    standing: Counter[Severity]
    waived: Counter[int]
    reviewed: Counter[int]
    false_positives: int


def failed(connection: Connection, check: Check, shape: Shape, overlay: Overlay) -> Failed:
    """Read the failed verdicts of one check. Raises InputError when the query gave a vector that is none."""
    over = f"{overlay.waiver_sql(check.id)} as waiver, {overlay.review_sql(check.id)} as review"
    where = f"\"check\" = {literal(check.id)} and verdict = 'fail'"
    groups = connection.execute(
        f"""
        select coalesce(l.cvss, {literal(check.cvss)}), a.criticality, a.address, {_threat_sql(shape)}, l.waiver, l.review, count(*)
        from (select asset, cvss, detail, {over} from ledger where {where}) l
          left join (select asset, criticality, address from known.asset where criticality is not null or address is not null) a
          on a.asset = l.asset
        group by all
        """
    ).fetchall()
    severities: dict[Severity, int] = defaultdict(int)
    standing: Counter[Severity] = Counter()
    waived: Counter[int] = Counter()
    reviewed: Counter[int] = Counter()
    highest = false_positives = 0
    for vector, criticality, address, threat, waiver, review, count in groups:
        score = _score(check, vector)
        severity = Severity.of_score(score)
        severities[severity] += count
        stands = overlay.stands(waiver, review, severity)
        standing.update({stands: count} if stands is not None else {})
        waived.update({waiver: count} if waiver is not None else {})
        reviewed.update({review: count} if review is not None else {})
        if review is not None and overlay.reviews[review].action is ReviewAction.FALSE_POSITIVE:
            false_positives += count
        highest = max(highest, risk(score, _criticality(criticality), exposure(check.layer, address), Threat(threat)))
    per_vector = max(1, FINDINGS_PER_CHECK // max(1, len({vector for vector, *_ in groups})))
    rows = connection.execute(
        f"""
        select l.asset, coalesce(a.name, {_KEY}), l.subject, coalesce(l.cvss, {literal(check.cvss)}), a.criticality, a.address, l.message,
          l.detail, {_threat_sql(shape)}, l.evidence[1:{EVIDENCE_LISTED}], len(l.evidence), l.waiver, l.review
        from (
          select asset, subject, cvss, detail, evidence, {message_sql(check, shape)} as message, {over}
          from ledger where {where}
          {_cut(shape, per_vector)}
        ) l left join known.asset a on a.asset = l.asset order by l.asset, l.subject
        """
    ).fetchall()
    order = sorted(severities, key=lambda severity: -severity.rank)
    listed = tuple(_finding(check, row, overlay) for row in rows)
    return Failed({severity: severities[severity] for severity in order}, highest, listed, standing, waived, reviewed, false_positives)


def _cut(shape: Shape, per_vector: int) -> str:
    if shape.cvss:
        return f"qualify row_number() over (partition by cvss order by asset, subject) <= {per_vector}"
    return f"order by asset, subject limit {per_vector}"


def _threat_sql(shape: Shape) -> str:
    """Give an expression for the threat that the details of a ledger row tell of (`risk`)."""
    told = [
        f"when {_some_sql(name, shape.detail[name])} then '{name}'" for name in (Threat.EXPLOITED, Threat.LIKELY) if name in shape.detail
    ]
    return f"case {' '.join(told)} else '{Threat.UNKNOWN}' end" if told else f"'{Threat.UNKNOWN}'"


def _some_sql(name: str, type_word: str) -> str:
    if type_word == "VARCHAR[]":
        return f"json_array_length(l.detail, '$.{name}') > 0"
    text = f"json_extract_string(l.detail, '$.{name}')"
    return f"{text} = 'true'" if type_word == "BOOLEAN" else f"try_cast({text} as bigint) > 0"


def _finding(check: Check, row: Sequence[Any], overlay: Overlay) -> Finding:
    asset, name, subject, vector, criticality, address, message, detail, threat, evidence, evidence_rows, waiver, review = row
    score = _score(check, str(vector))
    reach = exposure(check.layer, str(address) if address is not None else None)
    return Finding(
        id=f"{check.id}|{asset}|{subject}",
        check=check.id,
        asset=str(asset),
        asset_name=str(name),
        subject=str(subject),
        severity=Severity.of_score(score),
        score=score,
        cvss=str(vector),
        exposure=reach.value,
        risk=risk(score, _criticality(criticality), reach, Threat(str(threat))),
        message=str(message),
        detail=json.loads(str(detail)) if detail else {},
        evidence=tuple(evidence) if isinstance(evidence, list) else (),
        evidence_rows=int(str(evidence_rows or 0)),
        waived=overlay.waivers[waiver].id if waiver is not None else None,
        review=_review(overlay.reviews[review]) if review is not None else None,
    )


def _review(review: Review) -> FindingReview:
    return FindingReview(review.number, review.action.value, review.severity)


def _score(check: Check, vector: str) -> float:
    try:
        return base_score(vector)
    except ValueError as error:
        raise InputError(str(error), where=f"{check.layer}/{check.path.name}", remedy="its query gives a cvss that is no vector") from error


def _criticality(word: object) -> Criticality | None:
    return Criticality(word) if isinstance(word, str) and word in set(Criticality) else None


def actions(connection: Connection, checks: Sequence[CheckSummary]) -> tuple[Action, ...]:
    """Group findings by the recommendation that mends them: the highest risk first, then the least effort."""
    groups: dict[tuple[str, str], list[CheckSummary]] = defaultdict(list)
    for check in checks:
        if check.tally.fail:
            groups[check.recommendation, check.effort].append(check)
    found = []
    for (recommendation, effort), group in groups.items():
        ids = ", ".join(literal(check.id) for check in group)
        where = f"\"check\" in ({ids}) and verdict = 'fail'"
        count = group[0].failed_assets
        if len(group) > 1:
            [[count]] = connection.execute(f"select count(distinct asset) from ledger where {where}").fetchall()
        # Cut before it is made distinct: an asset has few subjects, a rig may have millions of assets.
        first = f"select asset from ledger where {where} order by asset limit {NAMES_LISTED * SUBJECTS_EXPECTED}"
        names = connection.execute(
            f"select coalesce(a.name, {_KEY}) from (select distinct asset from ({first}) order by asset limit {NAMES_LISTED}) l"
            " left join known.asset a on a.asset = l.asset order by l.asset"
        ).fetchall()
        worst = max((severity for check in group for severity in check.severities), key=lambda severity: severity.rank)
        found.append(
            Action(
                recommendation=recommendation,
                effort=effort,
                severity=worst,
                risk=max(check.risk for check in group),
                checks=tuple(check.id for check in group),
                findings=sum(check.tally.fail for check in group),
                assets=int(count),
                names=tuple(name for (name,) in names),
            )
        )
    efforts = list(Effort)
    return tuple(
        sorted(found, key=lambda action: (-action.risk, efforts.index(Effort(action.effort)), -action.findings, action.recommendation))
    )

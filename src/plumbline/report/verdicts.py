"""Failed and unjudged verdicts out of the whole ledger, each with the words that belong to it; for formats that leave none out.

Not the bounded view (`data`), which holds samples. Rules: rows stream in the ledger's order, so no count is too large; what the
assessment says of a finding is taken from it, and what it does not list is made here in the same words and by the same weights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.assess.assessment import read_json
from plumbline.assess.digest import ledger_files
from plumbline.assess.overlay import Overlay
from plumbline.assess.reviews import Action, Review
from plumbline.assess.risk import Threat, exposure, risk
from plumbline.assess.waivers import Waiver
from plumbline.checks.registry import load_registry
from plumbline.checks.severity import base_score
from plumbline.model.words import Criticality, Severity, Verdict
from plumbline.report.data import Asset, CheckResult, Report
from plumbline.report.message import message
from plumbline.report.tally import Tally
from plumbline.report.text import plural

BATCH_ROWS = 20_000
COLUMNS = ("check", "asset", "subject", "verdict", "reason", "cvss", "detail", "evidence", "basis")


@dataclass(frozen=True, slots=True)
class Failed:
    """One finding. `risk` is 0 to 100, `score` 0.0 to 10.0, `evidence` names every row that is cited.

    `waiver` and `review` are those that count for it, if any does; they change nothing of what stands before them.
    """

    id: str
    check: CheckResult
    asset: str
    asset_name: str
    subject: str
    severity: Severity
    score: float
    cvss: str
    risk: int
    message: str
    evidence: tuple[str, ...]
    basis: str | None
    waiver: Waiver | None
    review: Review | None

    @property
    def mistaken(self) -> Review | None:
        """The review that calls it a false positive, if one does."""
        return self.review if self.review is not None and self.review.action is Action.FALSE_POSITIVE else None

    @property
    def rated(self) -> Severity:
        """Its severity, as a review rates it where one does."""
        return self.review.severity if self.review is not None and self.review.severity is not None else self.severity


@dataclass(frozen=True, slots=True)
class Unjudged:
    """One verdict that could not be given, and the word of its reason."""

    id: str
    check: CheckResult
    asset: str
    asset_name: str
    subject: str
    reason: str
    evidence: tuple[str, ...]


def rows(out: Path, verdict: Verdict | None = None) -> Iterator[Mapping[str, Any]]:
    """Read the rows of a ledger, all or those of one verdict; a column that an older ledger lacks is None."""
    for file in ledger_files(out / "ledger.parquet"):
        with pq.ParquetFile(file) as ledger:
            there = [column for column in COLUMNS if column in ledger.schema_arrow.names]
            absent = dict.fromkeys(column for column in COLUMNS if column not in there)
            for batch in ledger.iter_batches(batch_size=BATCH_ROWS, columns=there):
                wanted = batch if verdict is None else batch.filter(pc.equal(batch.column("verdict"), verdict.value))
                yield from ({**absent, **row} for row in wanted.to_pylist())


def failed(report: Report, out: Path) -> Iterator[Failed]:
    """Give every failed verdict of the ledger in `out`, in its order."""
    said = read_json(out)
    listed = {(entry["check"], entry["asset"], entry["subject"]): entry for entry in said["findings"]}
    checks = {check.id: check for check in report.checks}
    assets = {asset.id: asset for asset in (*report.assets, *report.sources)}
    overlay = report.overlay
    templates = {check.id: check.message for check in load_registry().checks.values()} if report.tally.failed > len(listed) else {}
    for row in rows(out, Verdict.FAIL):
        entry = listed.get((row["check"], row["asset"], row["subject"]))
        yield _failed(row, entry, checks[row["check"]], assets.get(row["asset"]), templates, overlay)


def unjudged(report: Report, out: Path, each: int) -> Iterator[Unjudged]:
    """Give the first `each` inconclusive verdicts of every check, in the ledger's order; `report.checks` counts them all."""
    checks = {check.id: check for check in report.checks}
    names = {asset.id: asset.name for asset in (*report.assets, *report.sources)}
    given: dict[str, int] = {}
    for row in rows(out, Verdict.INCONCLUSIVE):
        check = checks[row["check"]]
        given[check.id] = given.get(check.id, 0) + 1
        if given[check.id] <= each:
            key = f"{check.id}|{row['asset']}|{row['subject']}"
            name = names.get(row["asset"], row["asset"])
            yield Unjudged(key, check, row["asset"], name, row["subject"], row["reason"] or "not_observed", _texts(row["evidence"]))


def counted(tally: Tally, noun: str = "verdict") -> str:
    """Write how many verdicts, or whatever was counted, there are of each kind."""
    return (
        f"{plural(tally.failed, noun)} failed, {tally.passed} passed, {tally.inconclusive} not judged,"
        f" {tally.not_applicable} that do not apply"
    )


def _failed(
    row: Mapping[str, Any],
    listed: Mapping[str, Any] | None,
    check: CheckResult,
    asset: Asset | None,
    templates: Mapping[str, str],
    overlay: Overlay,
) -> Failed:
    vector = row["cvss"] or check.cvss
    score = base_score(vector)
    if listed is not None:
        name, told, weighed = listed["asset_name"], listed["message"], listed["risk"]
    else:
        name = asset.name if asset else row["asset"]
        told = message(templates.get(check.id, check.title), row["asset"], row["subject"], row["detail"])
        weighed = risk(score, _criticality(asset), exposure(check.layer, asset.address if asset else None), _threat(row["detail"]))
    return Failed(
        id=f"{check.id}|{row['asset']}|{row['subject']}",
        check=check,
        asset=row["asset"],
        asset_name=name,
        subject=row["subject"],
        severity=Severity.of_score(score),
        score=score,
        cvss=vector,
        risk=weighed,
        message=told.strip(),
        evidence=_texts(row["evidence"]),
        basis=row["basis"],
        waiver=overlay.waiver_of(check.id, row["asset"], row["subject"]),
        review=overlay.review_of(check.id, row["asset"], row["subject"]),
    )


def _criticality(asset: Asset | None) -> Criticality | None:
    word = asset.criticality if asset else None
    return Criticality(word) if word in set(Criticality) else None


def _threat(detail: str | None) -> Threat:
    """Tell the threat that a row's details tell of, as `assess.findings` does."""
    told: Mapping[str, Any] = json.loads(detail) if detail else {}
    for threat in (Threat.EXPLOITED, Threat.LIKELY):
        value = told.get(threat.value)
        if value is True or (isinstance(value, list | int | float) and not isinstance(value, bool) and bool(value)):
            return threat
    return Threat.UNKNOWN


def _texts(values: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(values or ())

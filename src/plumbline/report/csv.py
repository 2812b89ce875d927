"""Tables for spreadsheets: every finding, every verdict, every kind of contact. Not for programs, which read report.json or the ledger.

Rules: rows stream from the ledger, so no count is too large; a cell that a spreadsheet would take for a formula gets a leading
apostrophe (OWASP, "CSV Injection"), control and bidirectional characters become visible; UTF-8 with a mark, which Excel needs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.assess.assessment import read_json
from plumbline.assess.digest import ledger_files
from plumbline.checks.registry import load_registry
from plumbline.checks.severity import base_score
from plumbline.model.words import Severity, Verdict
from plumbline.report.data import CheckResult, Report
from plumbline.report.format import Format
from plumbline.report.message import message
from plumbline.report.text import visible

FINDINGS = (
    *("severity", "score", "cvss", "asset", "asset_name", "subject", "message", "check", "title", "layer"),
    *("recommendation", "effort", "verify", "until_then", "provisions", "evidence"),
)
LEDGER = ("check", "asset", "subject", "verdict", "reason", "cvss", "detail", "evidence")
CONTACTS = ("entity", "address", "asset_name", "event", "why", "ports", "outcome", "permit", "count", "sent_bytes", "received_bytes")
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def guarded(value: object) -> str:
    """Write one cell so that no spreadsheet runs it."""
    text = visible("" if value is None else str(value))
    return "'" + text if text.lstrip().startswith(_FORMULA) or text.startswith(("\\t", "\\r")) else text


def write(report: Report, out: Path, to: Path) -> list[Path]:
    """Write findings.csv, ledger.csv and contacts.csv into `to`."""
    files = ledger_files(out / "ledger.parquet")
    return [
        _table(to / "findings.csv", FINDINGS, _findings(report, out, files)),
        _table(to / "ledger.csv", LEDGER, _ledger(files)),
        _table(to / "contacts.csv", CONTACTS, _contacts(report)),
    ]


FORMAT = Format("findings, verdicts and contacts for spreadsheets", ("findings.csv", "ledger.csv", "contacts.csv"), write)


def _table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        path.chmod(0o600)
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([guarded(value) for value in row] for row in rows)
    return path


def _rows(files: Iterable[Path], *, failed_only: bool) -> Iterator[Mapping[str, Any]]:
    for file in files:
        with pq.ParquetFile(file) as ledger:
            for batch in ledger.iter_batches(batch_size=20_000, columns=list(LEDGER)):
                wanted = batch.filter(pc.equal(batch.column("verdict"), Verdict.FAIL.value)) if failed_only else batch
                yield from wanted.to_pylist()


def _ledger(files: Iterable[Path]) -> Iterator[Sequence[object]]:
    for row in _rows(files, failed_only=False):
        yield [*(row[name] for name in LEDGER[:-1]), " ".join(row["evidence"] or ())]


def _findings(report: Report, out: Path, files: Iterable[Path]) -> Iterator[Sequence[object]]:
    checks = {check.id: check for check in report.checks}
    # The assessment holds the words of the first findings of each check; those of the others are made from the shipped check's.
    said = read_json(out)
    words = {(entry["check"], entry["asset"], entry["subject"]): entry["message"] for entry in said["findings"]}
    names = {entry["id"]: entry["name"] for entry in said["assets"]}
    templates = {check.id: check.message for check in load_registry().checks.values()} if report.tally.failed > len(words) else {}
    for row in _rows(files, failed_only=True):
        check = checks[row["check"]]
        told = words.get((check.id, row["asset"], row["subject"]))
        if told is None:
            told = message(templates.get(check.id, check.title), row["asset"], row["subject"], row["detail"])
        yield _finding(row, names.get(row["asset"], row["asset"]), check, told.strip())


def _finding(row: Mapping[str, Any], name: str, check: CheckResult, told: str) -> Sequence[object]:
    vector = row["cvss"] or check.cvss
    score = base_score(vector)
    return (
        *(Severity.of_score(score).value, f"{score:.1f}", vector, row["asset"], name, row["subject"], told, check.id, check.title),
        *(check.layer.value, check.recommendation, check.effort, check.verify, check.compensate),
        *(" ".join(check.provisions), " ".join(row["evidence"] or ())),
    )


def _contacts(report: Report) -> Iterator[Sequence[object]]:
    for device in report.contacts.devices:
        for exchange in device.exchanges:
            yield (
                *(device.entity, device.address, device.asset_name, exchange.event, exchange.why, exchange.ports, exchange.outcome),
                *(exchange.permit, exchange.count, exchange.sent_bytes, exchange.received_bytes),
            )

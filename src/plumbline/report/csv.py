"""Tables for spreadsheets: every finding, every verdict, every provision, every kind of contact. Not for programs, which read report.json
or the ledger.

Rules: rows stream from the ledger, so no count is too large; cells are those of `cells`, which no spreadsheet runs; UTF-8 with a mark,
which Excel needs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from plumbline.report.cells import (
    CONFORMANCE_COLUMNS,
    FINDING_COLUMNS,
    PROVISION_COLUMNS,
    conformance_rows,
    finding_cells,
    guarded,
    provision_rows,
)
from plumbline.report.data import Report
from plumbline.report.format import Format
from plumbline.report.verdicts import failed, rows

LEDGER = ("check", "asset", "subject", "verdict", "reason", "cvss", "detail", "basis", "evidence")
CONTACTS = ("entity", "address", "asset_name", "event", "why", "ports", "outcome", "permit", "count", "sent_bytes", "received_bytes")
FILES = ("findings.csv", "ledger.csv", "provisions.csv", "conformance.csv", "contacts.csv")


def write(report: Report, out: Path, to: Path) -> list[Path]:
    """Write the files of FILES into `to`."""
    return [
        _table(to / "findings.csv", FINDING_COLUMNS, map(finding_cells, failed(report, out))),
        _table(to / "ledger.csv", LEDGER, _ledger(out)),
        _table(to / "provisions.csv", PROVISION_COLUMNS, provision_rows(report)),
        _table(to / "conformance.csv", CONFORMANCE_COLUMNS, conformance_rows(report, out)),
        _table(to / "contacts.csv", CONTACTS, _contacts(report)),
    ]


FORMAT = Format("findings, verdicts, provisions and contacts for spreadsheets", FILES, write)


def _table(path: Path, columns: Sequence[str], cells: Iterable[Sequence[object]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        path.chmod(0o600)
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([guarded(value) for value in row] for row in cells)
    return path


def _ledger(out: Path) -> Iterator[Sequence[object]]:
    for row in rows(out):
        yield [*(row[name] for name in LEDGER[:-1]), " ".join(row["evidence"] or ())]


def _contacts(report: Report) -> Iterator[Sequence[object]]:
    for device in report.contacts.devices:
        for exchange in device.exchanges:
            yield (
                *(device.entity, device.address, device.asset_name, exchange.event, exchange.why, exchange.ports, exchange.outcome),
                *(exchange.permit, exchange.count, exchange.sent_bytes, exchange.received_bytes),
            )

"""Cells of tables for people: text that no spreadsheet runs and no tracker acts upon; and the columns that several tables share.

Not a format. Rules: a cell that a spreadsheet would take for a formula gets a leading apostrophe (OWASP, "CSV Injection"); control and
bidirectional characters become visible, which leaves nothing that XML forbids; what a device said keeps its words, not its markup, where a
tracker would follow it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from plumbline.assess.conformance import Reason
from plumbline.assess.conforming import FILE as CONFORMANCE
from plumbline.model.errors import InputError
from plumbline.model.words import Verdict
from plumbline.report.data import Report
from plumbline.report.text import visible
from plumbline.report.verdicts import BATCH_ROWS, Failed

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
# Of Markdown, wiki markup, mentions and references of the common trackers.
_MARKUP: Mapping[int, str] = str.maketrans(
    {"[": "(", "]": ")", "{": "(", "}": ")", "<": "(", ">": ")", "`": "'", "!": ".", "|": "/", "*": "·", "~": "-", "#": "no. ", "@": "(at)"}
)

FINDING_COLUMNS = (
    *("severity", "score", "cvss", "asset", "asset_name", "subject", "message", "check", "title", "layer"),
    *("recommendation", "effort", "verify", "until_then", "provisions", "evidence", "basis", "risk"),
    *("waived", "waived_until", "waived_by", "review", "reviewed_severity", "id"),
)
VERDICT_COLUMNS = ("check", "asset", "subject", "verdict", "reason", "cvss", "basis")
PROVISION_COLUMNS = (
    *("standard", "provision", "title", "level", "asked_of", "verdict", "reason", "basis", "assets_asked"),
    *("assets_fail", "assets_inconclusive", "assets_pass", "assets_not_applicable", "remains", "checks"),
)
CONFORMANCE_COLUMNS = ("provision", "asset", "verdict", "reason", "basis", "checks")


def guarded(value: object) -> str:
    """Write one cell so that no spreadsheet runs it."""
    text = "" if value is None else str(value)
    if not text or (text[0].isalnum() and text.isascii() and text.isprintable()):
        return text  # nearly all of them, of which a large rig has millions
    text = visible(text)
    return "'" + text if text.lstrip().startswith(_FORMULA) or text.startswith(("\\t", "\\r")) else text


def unmarked(text: str) -> str:
    """Write what a device said so that no tracker makes a link, an image or a mention of it."""
    return visible(text).translate(_MARKUP).replace("://", " : //")


def finding_cells(one: Failed) -> tuple[object, ...]:
    """Give the values of FINDING_COLUMNS, as they are."""
    check, waiver, review = one.check, one.waiver, one.review
    return (
        *(one.severity.value, f"{one.score:.1f}", one.cvss, one.asset, one.asset_name, one.subject, one.message, check.id, check.title),
        *(check.layer.value, check.recommendation, check.effort, check.verify, check.compensate),
        *(" ".join(check.provisions), " ".join(one.evidence), one.basis, one.risk),
        *((waiver.id, f"{waiver.until:%Y-%m-%d}", waiver.owner) if waiver else (None, None, None)),
        *((review.action.value, review.severity.value if review.severity else None) if review else (None, None)),
        one.id,
    )


def provision_rows(report: Report) -> Iterator[tuple[object, ...]]:
    """Give the values of PROVISION_COLUMNS for each provision; what is None was not counted."""
    for one in report.provisions:
        assets = one.assets
        counts = (assets.failed, assets.inconclusive, assets.passed, assets.not_applicable) if assets is not None else (None,) * 4
        yield (
            *(one.standard, one.id, one.title, one.level, one.per, one.verdict.value, one.reason, one.basis and one.basis.value, one.asked),
            *counts,
            *(" ".join(one.remains), " ".join(one.checks)),
        )


def conformance_rows(report: Report, out: Path) -> Iterator[tuple[object, ...]]:
    """Give the values of CONFORMANCE_COLUMNS for each provision on each asset that it was judged on; '' is the rig.

    Raises InputError where provisions were judged and the file that says so is missing, or is of others.
    """
    taken_back, left = frozenset(report.taken_back), {one.ref for one in report.provisions}
    path = out / CONFORMANCE
    if not path.is_file():
        if report.provisions:
            raise InputError("is missing, though provisions were judged", where=str(path), remedy="assess its bundles again")
        return
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(CONFORMANCE_COLUMNS)):
            columns = [batch.column(name).to_pylist() for name in CONFORMANCE_COLUMNS]
            left.difference_update(columns[0])
            for provision, asset, *came_to, checks in zip(*columns, strict=True):
                if (provision, asset) in taken_back:
                    came_to = [Verdict.INCONCLUSIVE.value, Reason.FALSE_POSITIVE.value, None]
                yield (provision, asset, *came_to, _joined(checks))
    if left:
        raise InputError(f"does not say what {min(left)} came to", where=str(path), remedy="assess its bundles again")


def _joined(values: Any) -> str:
    return " ".join(values or ()) if isinstance(values, list) else str(values or "")

"""plumbline.xlsx: the assessment as one workbook, for people who sort and filter.

    Summary       the rig, exact counts, and which sheet could not hold all of its rows
    Findings      every failed verdict, with what counts for it
    Verdicts      every verdict
    Provisions    each provision of the chosen standards, over the rig
    Assets        what is here, with its verdicts
    Waivers       waivers and reviews, with their state

Rules: every text is written as text, so that none becomes a formula, a link or a number; a cell holds at most CELL_MAX characters and a
sheet ROWS_MAX rows, which is said where it cuts something; rows go out as they come, so that memory does not grow with the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import xlsxwriter  # type: ignore[import-untyped]
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

from plumbline.model.words import Severity
from plumbline.report.cells import FINDING_COLUMNS, PROVISION_COLUMNS, VERDICT_COLUMNS, finding_cells, provision_rows
from plumbline.report.data import Report
from plumbline.report.format import Format
from plumbline.report.tally import Tally
from plumbline.report.text import number, visible
from plumbline.report.verdicts import failed, rows

CELL_MAX = 32_767  # Excel specifications and limits: characters in a cell
ROWS_MAX = 1_048_576  # likewise: rows of a sheet, the heading among them
OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
ASSETS = (
    *("asset", "name", "address", "model", "class", "criticality", "declared", "seen_by", "severity"),
    *("fail", "inconclusive", "pass", "not_applicable"),
)
WAIVERS = ("kind", "id", "check", "asset", "subject", "who", "why", "from", "until", "severity", "state", "findings")
_WIDTHS = {
    "message": 60,
    "title": 40,
    "recommendation": 60,
    "asset": 30,
    "name": 24,
    "asset_name": 24,
    "check": 34,
    "why": 60,
    "reason": 24,
}


def write(report: Report, out: Path, to: Path) -> list[Path]:
    """Write plumbline.xlsx into `to`."""
    path = to / "plumbline.xlsx"
    path.touch(mode=0o600)
    path.chmod(0o600)
    with xlsxwriter.Workbook(str(path), {**OPTIONS, "tmpdir": str(to)}) as book:
        book.set_properties({"title": "Plumbline", "created": report.head.as_of.replace(tzinfo=None)})  # else the machine's clock
        # Rows go out as they come: a sheet is whole before the next is begun.
        add_sheet(book, "Summary", ("what", "value"), summary(report))
        add_sheet(book, "Findings", FINDING_COLUMNS, map(finding_cells, failed(report, out)))
        add_sheet(book, "Verdicts", VERDICT_COLUMNS, ([row[name] for name in VERDICT_COLUMNS] for row in rows(out)))
        add_sheet(book, "Provisions", PROVISION_COLUMNS, provision_rows(report))
        add_sheet(book, "Assets", ASSETS, _assets(report))
        add_sheet(book, "Waivers", WAIVERS, _waivers(report))
    path.chmod(0o600)
    return [path]


FORMAT = Format("findings, verdicts, provisions and assets in one workbook", ("plumbline.xlsx",), write)


def add_sheet(
    book: xlsxwriter.Workbook, name: str, columns: Sequence[str], cells: Iterable[Sequence[object]], *, rows_max: int = ROWS_MAX
) -> None:
    """Write a sheet with a heading and as many rows as it holds."""
    sheet: Worksheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(columns):
        sheet.set_column(place, place, _WIDTHS.get(column, 14))
        sheet.write_string(0, place, column)
    last = 0
    for last, row in enumerate(islice(cells, rows_max - 1), start=1):
        for place, value in enumerate(row):
            _cell(sheet, last, place, value)
    if last and name != "Summary":
        sheet.autofilter(0, 0, last, len(columns) - 1)


def _cell(sheet: Worksheet, row: int, place: int, value: object) -> None:
    if value is None or value == "":
        return
    if isinstance(value, int | float) and not isinstance(value, bool):
        sheet.write_number(row, place, value)
        return
    text = visible(str(value))
    if len(text) > CELL_MAX:
        text = f"{text[: CELL_MAX - 40]}… ({number(len(text) - CELL_MAX + 40)} more characters)"
    sheet.write_string(row, place, text)


def summary(report: Report) -> Iterator[Sequence[object]]:
    """Give what the first sheet says, in pairs."""
    head, tally = report.head, report.tally
    yield from (
        ("rig", head.rig_name),
        ("rig id", head.rig_id),
        ("owner", head.owner),
        ("authorisation", head.reference),
        ("as of", f"{head.as_of:%Y-%m-%d %H:%M:%S} UTC"),
        ("Plumbline", head.version),
        ("ledger digest", head.ledger_digest),
        ("assets", report.assets_count),
        ("assets with findings", report.failed_assets),
        ("verdicts", _all(tally)),
        ("fail", tally.failed),
        ("inconclusive", tally.inconclusive),
        ("pass", tally.passed),
        ("not applicable", tally.not_applicable),
    )
    yield from ((f"findings, {severity.value}", report.severities.get(severity, 0)) for severity in reversed(Severity))
    yield from ((f"not judged, {reason.word}", reason.count) for reason in report.reasons)
    yield from ((f"profile {one.title}, within its thresholds", _within(one.within)) for one in report.profiles)
    yield from (("source that could not be read", f"{source.entity} ({source.outcome})") for source in report.unread)
    yield from (("run that ended early", "; ".join(one.notes) or one.bundle) for one in head.sessions if not one.complete)
    for name, count in (("Findings", tally.failed), ("Verdicts", _all(tally))):
        if count > ROWS_MAX - 1:
            yield f"rows left out of {name}", count - (ROWS_MAX - 1)
    if report.assets_count > len(report.assets):
        yield "assets left out of Assets", report.assets_count - len(report.assets)


def _all(tally: Tally) -> int:
    return tally.asked + tally.not_applicable


def _within(within: bool | None) -> str:
    return "not decided: what is inconclusive could still decide it" if within is None else "yes" if within else "no"


def _assets(report: Report) -> Iterator[Sequence[object]]:
    for one in report.assets:
        tally = one.tally
        yield (
            *(one.id, one.name, one.address, one.model, one.device_class, one.criticality, "yes" if one.declared else "no"),
            *(", ".join(one.kinds), one.severity.value),
            *(tally.failed, tally.inconclusive, tally.passed, tally.not_applicable),
        )


def _waivers(report: Report) -> Iterator[Sequence[object]]:
    for waiver in report.waivers:
        yield (
            *("waiver", waiver.id, waiver.check, waiver.asset, waiver.subject, waiver.owner, waiver.reason),
            *(f"{waiver.begins:%Y-%m-%d}", f"{waiver.until:%Y-%m-%d}", None, waiver.state, waiver.findings),
        )
    for review in report.reviews:
        until = f"{review.until:%Y-%m-%d}" if review.until else None
        yield (
            *(
                f"review: {review.action}",
                review.finding or review.number,
                review.check,
                review.asset,
                review.subject,
                review.who,
                review.why,
            ),
            *(None, until, review.severity.value if review.severity else None, review.state, review.findings),
        )

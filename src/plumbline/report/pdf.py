"""report.pdf, summary.pdf and, after a re-test, retest-letter.pdf: documents for paper and archives, from the templates of the page.

    summary.pdf          what an executive reads: two pages at most, whatever the rig
    report.pdf           the page's chapters on paper; of long lists the first, with exact counts
    retest-letter.pdf    what became of each finding, when OUT holds changes.json

Rules: nothing is fetched, from a network or a disk; fonts are the system's; the same assessment gives the same bytes on one machine. Tags,
bookmarks, title and language are there for who cannot see the page (PDF/UA-1, as far as WeasyPrint writes it).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from plumbline.assess.changes import Became, Change, Changes, read_changes
from plumbline.model.errors import EnvironmentFault, InputError, InternalError
from plumbline.report.data import Report
from plumbline.report.format import Format
from plumbline.report.page import Extent, rendered, template_text

if TYPE_CHECKING:
    from weasyprint import Document  # type: ignore[import-untyped] # it ships no type information

SUMMARY_PAGES = 2
LISTED_CHANGES = 60  # of each word in the letter
FINDINGS_ON_PAPER = 60  # over all checks; a check shows at least one
PAPER = Extent(
    paper=True, open_actions=0, actions=10, advice=6, assets=30, sources=12, evidence=1, columns=4, sent_devices=40, exchanges=0,
    devices=40, provisions=25, unjudged=6, reasons=6, gaps=20,
)  # fmt: skip
# How many actions, reasons and profiles, and sources that could not be read: tried in turn until the summary fits.
SUMMARIES = tuple(
    replace(PAPER, actions=actions, reasons=reasons, profiles=reasons, sources=unread, unread=unread)
    for actions, reasons, unread in ((12, 6, 2), (9, 6, 2), (7, 5, 2), (5, 4, 1), (3, 3, 1), (1, 1, 0))
)
MISSING = "libpango-1.0-0, libpangoft2-1.0-0 and libharfbuzz-subset0 (Debian, Ubuntu), pango (Fedora, Alpine, Homebrew)"


@dataclass(frozen=True, slots=True)
class Printer:
    """WeasyPrint, held to what stands in the document itself."""

    html: Any
    fetcher: Any

    def document(self, html: str) -> Document:
        """Lay a document out."""
        document: Document = self.html(string=html, url_fetcher=self.fetcher, media_type="print").render()
        return document

    def save(self, document: Document, report: Report, path: Path) -> Path:
        """Write a document about an assessment."""
        document.write_pdf(path, pdf_identifier=report.head.ledger_digest[:32].encode(), pdf_variant="pdf/ua-1")
        path.chmod(0o600)
        return path


def printer() -> Printer:
    """Load WeasyPrint; raises EnvironmentFault where the libraries that it needs are missing."""
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher  # type: ignore[import-untyped]
    except OSError as error:
        raise EnvironmentFault(f"PDF needs Pango, which is not there ({error}): install {MISSING}") from error
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)  # style that it does not know is no news to a user

    class Refusal(URLFetcher):  # type: ignore[misc]
        """Fetches nothing at all, whatever a document names."""

        def fetch(self, url: str, headers: Any = None) -> Any:  # noqa: ARG002 - the form that WeasyPrint calls
            raise ValueError(f"a report fetches nothing: {url[:80]!r}")

    return Printer(HTML, Refusal())


def write(report: Report, out: Path, to: Path) -> list[Path]:
    """Write the documents into `to`; raises EnvironmentFault where Pango is missing, InputError where changes.json is of another audit."""
    changes = read_changes(out)
    if changes is not None and changes.new.ledger_digest != report.head.ledger_digest:
        where = str(out / "changes.json")
        raise InputError("tells of another ledger than the one here", where=where, remedy="run retest or diff again, or remove it")
    press = printer()
    written = [
        press.save(summary(report, press), report, to / "summary.pdf"),
        press.save(press.document(full(report)), report, to / "report.pdf"),
    ]
    if changes is not None:
        written.append(press.save(press.document(letter(report, changes)), report, to / "retest-letter.pdf"))
    return written


FORMAT = Format("documents for paper: a summary of two pages, the report, a letter after a re-test", ("summary.pdf", "report.pdf"), write)


def full(report: Report) -> str:
    """Fill the full report."""
    failing = sum(check.tally.failed > 0 for check in report.checks)
    extent = replace(PAPER, findings=max(1, FINDINGS_ON_PAPER // max(1, failing)))
    return _filled("document.html", report, extent)


def summary(report: Report, press: Printer) -> Document:
    """Lay the summary out with as many actions as two pages take."""
    for extent in SUMMARIES:
        document = press.document(_filled("summary.html", report, extent))
        if len(document.pages) <= SUMMARY_PAGES:
            return document
    raise InternalError(f"the summary takes {len(document.pages)} pages")


def letter(report: Report, changes: Changes) -> str:
    """Fill the letter."""
    listed: dict[Became, list[Change]] = {word: [] for word in Became}
    for change in changes.changes:
        if len(listed[change.word]) < LISTED_CHANGES:
            listed[change.word].append(change)
    return _filled("letter.html", report, PAPER, changes=changes, listed=listed)


def _filled(template: str, report: Report, extent: Extent, **more: Any) -> str:
    # Both style sheets are ours; the second is for the drawing, which the first does not reach.
    style, drawn = Markup(template_text("paper.css")), Markup(template_text("picture_paper.css"))
    return rendered(template, report, extent, style=style, picture_style=drawn, **more)

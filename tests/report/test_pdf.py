"""The printed documents, read back by somebody else's reader: what they say, how long they are, and that they lead nowhere."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from plumbline.assess.changes import Became, Change, Changes, Side
from plumbline.model.errors import InputError
from plumbline.model.words import Severity
from plumbline.report import data, pdf
from plumbline.report.became import BECAME, BECAME_MEANS
from plumbline.report.language import codes
from tests.report import rigs

pytestmark = pytest.mark.system
RIG = rigs.rig(10, 6)
LONG = "Straßenbahnhaltestellenbeleuchtungssteuerung"


@pytest.fixture(scope="module")
def printer() -> pdf.Printer:
    return pdf.printer()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PdfReader]:
    """Both documents and the letter of a small rig."""
    folder = tmp_path_factory.mktemp("pdf")
    changes().write(folder)
    return {path.name: PdfReader(path) for path in pdf.write(RIG, folder, folder)}


def changes(ledger: str = RIG.head.ledger_digest) -> Changes:
    """One finding of each word, with a hostile name."""
    found = tuple(_change(n, word) for n, word in enumerate(Became))
    old, new = (Side(rigs.NOW - timedelta(days=days), digest, "Harbour cold store") for days, digest in ((30, "ab" * 32), (0, ledger)))
    counts = dict.fromkeys(Became, 1)
    return Changes("northwind-harbour", old, new, counts, {word: {Severity.HIGH: 1} for word in Became}, 1, 2, found)


def _change(n: int, word: Became) -> Change:
    verdict, why = (None, "absent") if word is Became.GONE else ("pass", None)
    where = ("device.telnet_service", "Telnet is offered", f"a{n}", f"camera {n} <b>&", "tcp/23")
    return Change(f"device.telnet_service|a{n}|tcp/23", *where, Severity.HIGH, word, "fail", verdict, why, None, None, None)


@cache
def text_of(reader: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def outline(reader: PdfReader) -> list[str]:
    def flat(entries: list[Any]) -> Iterator[str]:
        for entry in entries:
            if isinstance(entry, list):
                yield from flat(entry)
            else:
                yield entry.title

    return list(flat(reader.outline))


def test_the_documents_are_there(written: dict[str, PdfReader]) -> None:
    assert list(written) == ["summary.pdf", "report.pdf", "retest-letter.pdf"]
    assert len(written["summary.pdf"].pages) == 2


def test_each_says_what_it_is_to_who_cannot_see_it(written: dict[str, PdfReader]) -> None:
    for reader in written.values():
        root: Any = reader.trailer["/Root"]
        assert root["/Lang"] == "en"
        assert root["/MarkInfo"]["/Marked"]
        assert "/StructTreeRoot" in root
        assert reader.metadata is not None
        assert "Harbour cold store" in str(reader.metadata.title)
        assert "pdfuaid" in str(root["/Metadata"].get_data())


def test_they_lead_nowhere_outside_and_run_nothing(written: dict[str, PdfReader]) -> None:
    for reader in written.values():
        assert not reader.attachments
        assert "/OpenAction" not in reader.trailer["/Root"]
        for page in reader.pages:
            for link in page.get("/Annots", ()):
                assert "/A" not in link.get_object() or link.get_object()["/A"].get("/S") == "/GoTo"


def test_the_report_has_its_chapters_and_every_count(written: dict[str, PdfReader]) -> None:
    reader = written["report.pdf"]
    said = text_of(reader)
    chapters = outline(reader)
    for title in ("What to do", "Findings", "Not judged", "Proven right", "Coverage map", "What was sent", "Assets", "Method"):
        assert any(chapter.startswith(title) for chapter in chapters), title
    assert f"{RIG.tally.failed} findings" in said
    assert f"{len(reader.pages)} / {len(reader.pages)}" in said
    assert RIG.head.ledger_digest[:16] in said


def test_the_letter_tells_of_every_word_and_calls_nothing_fixed_that_is_not(written: dict[str, PdfReader]) -> None:
    said = text_of(written["retest-letter.pdf"])
    for word in Became:
        assert BECAME[word] in said
        assert BECAME_MEANS[word] in said
    assert "Nothing counts as fixed because it was not seen" in said
    assert "camera 0 <b>&" in said


def test_a_letter_about_another_ledger_is_refused(tmp_path: Path) -> None:
    changes("cd" * 32).write(tmp_path)
    with pytest.raises(InputError, match="another ledger"):
        pdf.write(dataclasses.replace(RIG, contacts=dataclasses.replace(RIG.contacts, devices=())), tmp_path, tmp_path)


def test_nothing_is_fetched(printer: pdf.Printer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("not for you")
    for address in ("http://127.0.0.1:9/x.png", secret.as_uri(), "data:image/png;base64,AAAA"):
        with caplog.at_level(logging.ERROR, logger="weasyprint"):
            document = printer.document(f'<html><link rel="attachment" href="{address}"><img src="{address}"><p>x</html>')
        reader = PdfReader(BytesIO(document.write_pdf()))
        assert not reader.attachments


def test_the_same_assessment_gives_the_same_bytes(written: dict[str, PdfReader], tmp_path: Path, printer: pdf.Printer) -> None:
    one, other = (printer.save(pdf.summary(RIG, printer), RIG, tmp_path / name).read_bytes() for name in ("a.pdf", "b.pdf"))
    assert one == other


def test_the_summary_splits_no_table_over_its_pages(printer: pdf.Printer) -> None:
    said = [page.extract_text() for page in PdfReader(BytesIO(pdf.summary(rigs.rig(10, 12), printer).write_pdf())).pages]
    for heading, start in (("What was found, by layer", "Layer Wrong"), ("Against standards", "Profile Wrong")):
        assert [page.count(heading) for page in said] == [page.count(start) for page in said]
        assert sum(page.count(heading) for page in said) == 1


def test_what_is_said_of_a_custom_part_stands_line_by_line(written: dict[str, PdfReader]) -> None:
    """Run together, words were broken wherever a line ended."""
    lines = [line for page in written["report.pdf"].pages for line in page.extract_text().splitlines() if line.startswith("•")]
    said = [one.title for part in RIG.customs for one in (*part.findings, *part.unjudged)]
    assert said and all(any(words in line for line in lines) for words in said)


@pytest.mark.parametrize("words", ["<script>alert(1)</script>", "x" * 5_000, LONG * 20, "\u202egnp.exe\x00\x1b[31m", "名" * 400])
@pytest.mark.full
def test_hostile_text_stays_text(words: str, printer: pdf.Printer) -> None:
    hostile = rigs.every_text(rigs.rig(10, 5), lambda text: text and words)
    assert len(pdf.summary(hostile, printer).pages) <= pdf.SUMMARY_PAGES
    assert printer.document(pdf.full(hostile)).pages


def _summary_pages(report: data.Report, printer: pdf.Printer) -> int:
    return len(pdf.summary(report, printer).pages)


@pytest.mark.full
@settings(max_examples=3)
@given(st.integers(1, 400), st.integers(2, 120), st.integers(0, 9), st.sampled_from(codes()))
def test_the_summary_never_takes_more_than_two_pages(printer: pdf.Printer, assets: int, checks: int, seed: int, language: str) -> None:
    report = dataclasses.replace(rigs.rig(assets, checks, seed), language=language)
    assert _summary_pages(report, printer) <= pdf.SUMMARY_PAGES


@pytest.mark.full
@settings(max_examples=30)
@given(
    st.integers(1, 400), st.integers(2, 120), st.integers(0, 99), st.sampled_from(codes()),
    st.sampled_from(["w", LONG * 9, "x y " * 99]),
)  # fmt: skip
def test_the_summary_holds_with_any_words(printer: pdf.Printer, assets: int, checks: int, seed: int, language: str, words: str) -> None:
    report = rigs.every_text(rigs.rig(assets, checks, seed), lambda text: text and (words if len(text) > 3 else text))
    assert _summary_pages(dataclasses.replace(report, language=language), printer) <= pdf.SUMMARY_PAGES

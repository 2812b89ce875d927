"""Languages: every text of ours has one in each of them, none is left over, and nothing is printed without asking for it."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plumbline.checks.registry import load_registry
from plumbline.model.errors import InputError
from plumbline.report.html import render
from plumbline.report.language import Said, codes, counted, language, told
from plumbline.report.page import TEMPLATES
from tests.report import rigs
from tests.report.pages import read
from tests.report.saying import bare, said_by_code, said_by_templates, said_by_words

OTHERS = [code for code in codes() if code != "en"]
ALL = said_by_templates() | said_by_code() | said_by_words()
PLACES = re.compile(r"%\((\w+)\)s|%%|\{\w+\}")
TAGS = re.compile(r"</?\w+[^>]*>")
CLASSES = {"quietly", "on"}  # of the drawing: no words


def test_there_is_german() -> None:
    assert codes() == ("en", "de")


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_has_one_and_none_is_left_over(code: str) -> None:
    texts = language(code).texts
    assert sorted({one for one, *_ in ALL} - texts.keys()) == []
    assert sorted(texts.keys() - {one for one, *_ in ALL}) == []


@pytest.mark.parametrize("code", OTHERS)
def test_placeholders_tags_and_forms_agree(code: str) -> None:
    texts = language(code).texts
    for text in ALL:
        forms = texts[text[0]]
        assert len(forms) == len(text) or any(len(other) > 1 for other in ALL if other[0] == text[0]), text
        wanted = set(PLACES.findall(" ".join(text)))
        for form in forms:
            assert form.strip(), text
            assert set(PLACES.findall(form)) | {"num"} == wanted | {"num"}, form  # "one asset" needs no number
            assert sorted(TAGS.findall(form)) == sorted(TAGS.findall(text[0])), form


@pytest.mark.parametrize("code", OTHERS)
def test_texts_of_checks_are_those_that_checks_say(code: str) -> None:
    checks = load_registry().checks.values()
    said = {text for c in checks for text in (c.title, c.message, c.proves, c.pass_proves, c.recommendation, c.verify, c.compensate)}
    assert sorted(language(code).checks.keys() - said) == []
    wordless = {text for text in said if not re.search(r"[a-z]", re.sub(r"\{\w+\}", "", text))}
    assert sorted(said - wordless - language(code).checks.keys()) == []


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.stem)
def test_no_template_prints_words_of_its_own(path: Path) -> None:
    assert [word for word in bare(path) if word not in CLASSES] == []


def test_a_bare_word_is_found(tmp_path: Path) -> None:
    template = tmp_path / "bare.html"
    template.write_text('<p title="Bare title">{{ _("said") }} bare <code>code</code>{{ "constant" if x else y }}</p>')
    assert bare(template) == ["Bare title", "bare", "constant"]


def test_the_page_in_german() -> None:
    report = rigs.rig(10, 12)
    html = render(dataclasses.replace(report, language="de"))
    page = read(html)
    assert page.faults == []
    assert page.all("html")[0].attributes["lang"] == "de"
    # Who reads aloud is told where the words of devices and standards, which stay as they are, begin.
    assert 'lang="en"' in html
    assert [element.attributes["id"] for element in page.all("section")] == [
        element.attributes["id"] for element in read(render(report)).all("section")
    ]
    assert "Was zu tun ist" in html
    assert "What to do" not in html


def test_what_a_language_lacks_is_said_in_english_and_counted() -> None:
    report = rigs.rig(10, 12)
    [first, *rest] = report.checks
    strange = dataclasses.replace(first, title="A check of the customer's own", proves="it is there")
    html = render(dataclasses.replace(report, checks=(strange, *rest), language="de"))
    assert "2 Texte der Prüfungen liegen nicht auf Deutsch vor" in html
    assert '<span lang="en">A check of the customer&#39;s own</span>' in html
    assert "liegen nicht auf Deutsch vor" not in render(dataclasses.replace(report, language="de"))


def test_an_unknown_language_names_those_that_there_are() -> None:
    with pytest.raises(InputError, match="choose from en, de"):
        language("xx")


@pytest.mark.parametrize(
    ("code", "number", "size", "day", "moment", "joined"),
    [
        ("en", "12,345", "12.3 kB", "3 March 2026", "3 Mar 2026, 04:05 UTC", "a, b and c"),
        ("de", "12.345", "12,3 kB", "3. März 2026", "3. März 2026, 04:05 UTC", "a, b und c"),
    ],
)
def test_numbers_dates_and_lists(code: str, number: str, size: str, day: str, moment: str, joined: str) -> None:
    tongue, at = language(code), datetime(2026, 3, 3, 4, 5, tzinfo=UTC)
    assert (tongue.number(12_345), tongue.size(12_345), tongue.day(at), tongue.when(at), tongue.joined(["a", "b", "c"])) == (
        number, size, day, moment, joined,
    )  # fmt: skip


def test_a_text_is_english_to_programs_and_can_be_said_again() -> None:
    said = told("Install %(latest)s.", latest="1.2")
    assert (said, isinstance(said, Said), language("de").say(said)) == ("Install 1.2.", True, "1.2 installieren.")
    inside = told("At once: %(todo)s", todo=said)
    assert (str(inside), language("de").say(inside)) == ("At once: Install 1.2.", "Sofort: 1.2 installieren.")
    many = counted("%(num)s asset", "%(num)s assets", 1_200)
    assert (str(many), language("de").say(many)) == ("1,200 assets", "1.200 Assets")
    assert language("de").say("any other text") == "any other text"


def test_what_is_filled_in_is_escaped_and_made_visible() -> None:
    filled = language("de").markup("Install %(latest)s.", "", None, latest="<b>\u202e")
    assert filled == "&lt;b&gt;\\u202e installieren."

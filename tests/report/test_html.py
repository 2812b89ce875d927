"""The page: sound, accessible, self-contained, and deaf to whatever a device says of itself."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.model.words import Severity
from plumbline.report import data
from plumbline.report.html import render, write
from plumbline.report.page import TEMPLATES
from plumbline.report.tally import Tally
from plumbline.report.text import visible
from tests.report import rigs
from tests.report.pages import HEADINGS, PHRASING, Page, read

SMALL = rigs.rig(12)
TINY = rigs.rig(10, 5)  # every section has something in it
PLAIN = read(render(rigs.every_text(TINY, lambda text: text and "w"))).shape()
HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style></title></textarea><svg onload=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;&#x3c;script&#x3e;",
    "]]><!--",
    "\u202egnp.exe\u2066",
    "\x00\x08\x1b]8;;http://evil/\x07",
    "a\u2028b\n\tc",
    "\ud800",
    "x" * 5_000,
)


def page_of(report: data.Report) -> Page:
    return read(render(report))


@pytest.fixture(scope="module")
def page() -> Page:
    return page_of(SMALL)


def test_every_tag_closes_as_it_opened(page: Page) -> None:
    assert page.faults == []


def test_ids_are_unique_and_links_lead_somewhere(page: Page) -> None:
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    targets = [element.attributes["href"] for element in page.all("a")]
    assert targets
    assert {target[1:] for target in targets} <= set(ids)
    named = [e.attributes[name] for e in page.elements for name in ("aria-labelledby", "for") if name in e.attributes]
    assert set(named) <= set(ids)


def test_headings_descend_one_step_at_a_time_from_a_single_first(page: Page) -> None:
    levels = [int(heading.tag[1]) for heading in page.all(*HEADINGS)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(heading.text.strip() for heading in page.all(*HEADINGS))


def test_landmarks_and_the_skip_link(page: Page) -> None:
    assert [len(page.all(tag)) for tag in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]
    assert page.all("a")[0].attributes == {"class": "skip", "href": "#main"}
    assert all("aria-labelledby" in section.attributes for section in page.all("section"))
    assert page.all("html")[0].attributes["lang"] == "en"


def test_the_actions_come_first(page: Page) -> None:
    sections = [section.attributes["id"] for section in page.all("section")]
    assert sections[:3] == ["actions", "answers", "picture"]


def test_tables_name_their_columns_and_rows(page: Page) -> None:
    heads = page.all("th")
    assert heads
    assert {head.attributes.get("scope") for head in heads} == {"col", "row"}
    assert len(page.all("table")) == len(page.all("thead"))


def test_actions_below_the_first_are_counted_by_severity() -> None:
    rest = SMALL.actions[10:]
    said = ", ".join(f"{count} {word}" for word in reversed(Severity) if (count := sum(action.severity is word for action in rest)))
    assert f"{len(rest)} more actions</strong> of no higher risk: {said}</summary>" in render(SMALL)


def test_what_scrolls_can_be_reached_by_keyboard_and_has_a_name(page: Page) -> None:
    boxes = [e for e in page.all("div") if {"scroll", "wide"} & set(e.attributes.get("class", "").split())]
    assert boxes
    assert all(box.attributes["tabindex"] == "0" and box.attributes["aria-label"] and box.attributes["role"] == "region" for box in boxes)


def test_a_summary_holds_phrases_or_a_heading_and_no_link(page: Page) -> None:
    for position, element in enumerate(page.elements):
        if element.tag == "summary":
            depth = len(element.ancestors)
            inside = []
            for other in page.elements[position + 1 :]:
                if len(other.ancestors) <= depth:
                    break
                inside.append(other)
            assert all(child.tag in PHRASING or (child.tag in HEADINGS and len(child.ancestors) == depth + 1) for child in inside)
            assert not any(child.tag == "a" for child in inside)


def test_verdicts_are_words_and_shapes_not_only_colours(page: Page) -> None:
    style = (TEMPLATES / "style.css").read_text()
    signs = [re.search(rf"\.v\.{kind}::before {{ content: ([^;]+);", style) for kind in ("fail", "inconclusive", "pass", "not_applicable")]
    assert len({sign[1] for sign in signs if sign}) == 4
    marks = [e for e in page.all("span") if e.attributes.get("class", "").startswith("v ")]
    assert all(re.search(r"wrong|not judged|proven right|does not apply|\d", mark.text) for mark in marks)
    assert page.all("svg")[-1].attributes["role"] == "img"


def test_nothing_is_fetched_and_nothing_runs_but_the_one_script(page: Page) -> None:
    html = render(SMALL)
    [policy] = [e.attributes["content"] for e in page.all("meta") if e.attributes.get("http-equiv") == "Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        [content] = re.findall(rf"<{tag}>(.*?)</{tag}>", html, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert directives[directive] == f"'sha256-{digest}'"
    for element in page.elements:
        assert not any(name.startswith("on") or name in ("style", "src", "srcset", "action") for name in element.attributes), element
        assert element.attributes.get("href", "#").startswith("#")
    assert not re.search(r"url\(|@import|https?://", (TEMPLATES / "style.css").read_text() + (TEMPLATES / "script.js").read_text())


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_everywhere_changes_no_tag(words: str) -> None:
    hostile = page_of(rigs.every_text(TINY, lambda text: text and words))
    assert hostile.faults == []
    assert hostile.shape() == PLAIN


def test_a_device_that_says_much_does_not_swell_the_page() -> None:
    findings = rigs.every_text(SMALL, lambda text: "x" * 20_000 if text == "GoAhead-Webs" else text)
    assert len(render(findings)) < 1.5 * len(render(SMALL))


@settings(max_examples=20)
@given(st.text(alphabet=st.one_of(st.sampled_from("<>\"'&`={}%/\\ \u202e\x00\n"), st.characters(categories=None)), min_size=1, max_size=60))
def test_any_text_everywhere_changes_no_tag_and_stays_visible(words: str) -> None:
    html = render(rigs.every_text(TINY, lambda text: text and words))
    page = read(html)
    assert page.faults == []
    assert page.shape() == PLAIN
    body = html[html.index("<body>") :].replace("\n", "")
    assert visible(body) == body


def test_long_lists_are_cut_with_exact_counts() -> None:
    large = rigs.rig(1000, checks=60)
    html = render(large)
    assert len(html) < 3_000_000
    page = read(html)
    assert page.faults == []
    assert len(page.elements) < 80_000
    [check] = [check for check in large.checks if check.id == "device.telnet_service"]
    assert f"And {check.tally.failed - len(check.findings):,} more, in <code>findings.csv</code>" in html
    assert "1,000 assets, the worst 250 shown" in html
    assert "the 100 with most exchanges shown" in html


@pytest.mark.parametrize(
    ("tally", "sentence"),
    [
        (Tally(), "There was no evidence to judge."),
        (Tally(passed=3), "Nothing was found wrong."),
        (Tally(inconclusive=1, passed=999), "1 question (less than 1 %) could not be judged."),
        (Tally(failed=1), "1 thing is wrong on 1 asset."),
    ],
)
def test_the_first_sentence_says_what_matters(tally: Tally, sentence: str) -> None:
    severities = dict.fromkeys(Severity, 0)
    empty = dataclasses.replace(rigs.rig(1, 2), tally=tally, severities=severities, checks=(), actions=(), failed_assets=tally.failed)
    assert sentence in render(empty)


def test_an_audit_that_ended_early_says_so_at_the_top() -> None:
    session = data.Session("bundle", rigs.NOW, None, False, ("three devices went silent",))
    html = render(dataclasses.replace(SMALL, head=dataclasses.replace(SMALL.head, sessions=(session,))))
    assert html.index("A collection ended early") < html.index('id="actions"')
    assert "three devices went silent" in html
    assert "did not end" in html


def test_a_source_that_could_not_be_read_is_said_at_the_top() -> None:
    html = render(SMALL)
    assert html.index("1 source could not be read at all") < html.index('id="actions"')
    assert "an unknown compression" in html


def test_missing_evidence_is_said() -> None:
    """Nobody is told that nothing was sent because the log of it is elsewhere."""
    nothing = dataclasses.replace(SMALL.contacts, devices=(), devices_count=0)
    html = render(dataclasses.replace(SMALL, missing_bundles=("bundle",), contacts=nothing, attempts=0, gaps=()))
    assert "is not at hand: rows are cited" in html
    assert html.count("What bundle says of this is not at hand, and not counted here.") == 2
    assert "Nothing was sent" not in html
    assert "Nothing was sent" in render(dataclasses.replace(SMALL, contacts=nothing))


def test_provisions_are_never_called_conformity() -> None:
    assert not re.search(r"complian|conform(s|ity) (to|with) all|certified", render(SMALL), flags=re.IGNORECASE)
    assert "Conformity is for an assessor to decide" in render(SMALL)


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    [path] = write(SMALL, tmp_path, tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text(encoding="utf-8") == render(SMALL)

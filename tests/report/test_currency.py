"""The chapter "Up to date?": what is said of each state, in which order, and what an owner does about it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from plumbline.evidence.derived import DerivedParts, DerivedWriter
from plumbline.evidence.engine import connect
from plumbline.evidence.specs import load_tables
from plumbline.report.currency import NAMES_MAX, currency, todo
from plumbline.report.currency_data import Currency
from plumbline.report.html import render
from plumbline.report.language import language
from plumbline.report.words import CLAIMANTS
from plumbline.updates.claims import load_sources
from plumbline.updates.judging import State
from tests.report import rigs

AT = datetime(2026, 11, 21, tzinfo=UTC)
SAID = {"assets": [{"id": "declared:/cam", "name": "dock camera", "criticality": "high"}]}
SAYS = "its web page says 1.0, the hub's twin says 2.0"
WHOSE = {"declared:/cam": "declared:/cam", "host:/10.0.0.1": "declared:/cam"}

PATCH = {"subject": "", "model": "n/cam", "product": "n/cam", "mends": ["CVE-2"], "exploited": False}
PATCHES = [
    {**PATCH, "entity": "hub:/h", "version": "1.1", "devices": 10, "running": 10, "lacking": 0, "unknown": 0},
    {**PATCH, "entity": "hub:/h", "version": "1.2", "devices": 10, "running": 4, "lacking": 5, "unknown": 1},
    {**PATCH, "entity": "hub:/h", "version": "1.3", "devices": 10, "running": 1, "lacking": 8, "unknown": 1, "exploited": True},
    {**PATCH, "entity": "hub:/partial", "version": "1.2", "devices": None},
]


def row(entity: str, state: str, **columns: Any) -> dict[str, Any]:
    return {"entity": entity, "subject": "", "sources": ["x/y#0"], "state": state, "words": "", "claims": 1, **columns}


def derived(folder: Path, devices: list[dict[str, Any]], claims: list[dict[str, Any]]) -> DerivedParts:
    """Write rows as the derivers do."""
    with connect() as connection:
        write = DerivedWriter(connection, folder, AT)
        for table, rows in (("currency", devices), ("version_claim", claims), ("fleet_patch", PATCHES)):
            connection.register("incoming", pa.Table.from_pylist(rows, schema=load_tables()[table].schema()))
            write.table(table, "from incoming")
    return DerivedParts(folder)


@pytest.fixture(scope="module")
def chapter(tmp_path_factory: pytest.TempPathFactory) -> Currency:
    behind = {"product": "n/cam", "installed": "1.0", "latest": "1.2", "behind": True, "days_behind": 40, "releases_behind": 2}
    devices = [
        row("host:/10.0.0.1", "vulnerable", **behind, vulnerable=True, advisories=["CVE-1", "CVE-2"], exploited=["CVE-2"], fixed_in="1.2"),
        *(row(f"host:/10.0.1.{n}", "behind", **behind) for n in range(12)),
        row("host:/10.0.2.1", "retracted", **behind, retracted=True),
        row("host:/10.0.3.1", "unsupported", unsupported=True, support_ends_at=AT),
        row("host:/10.0.4.1", "unknown", reason="no_version"),
        row("host:/10.0.4.2", "unknown", reason="no_version"),
        row("host:/10.0.5.1", "unknown", reason="claims_disagree", conflict=True, conflict_words=SAYS, installed="1.0 or 2.0"),
        row("host:/10.0.6.1", "current", installed="1.2", latest="1.2", behind=False),
    ]
    said = {"entity": "host:/10.0.5.1", "method": "own_word", "trust": 2, "sources": ["a/b#1"], "claimed_at": AT}
    claims = [
        {**said, "subject": "claim/web_page", "says": "its web page", "version": "1.0", "counts": True},
        {**said, "subject": "claim/web_page/2", "says": "its web page", "version": "1.0", "counts": True},
        {**said, "subject": "claim/twin", "says": "the hub's twin", "version": "2.0", "counts": True},
        {**said, "subject": "claim/old", "says": "an old export", "version": "0.9", "counts": False},
    ]
    return currency(derived(tmp_path_factory.mktemp("derived"), devices, claims), SAID, WHOSE)


def test_who_says_what_is_said_in_german_too(chapter: Currency) -> None:
    step = chapter.steps[-1]
    assert step.todo == f"Look at it and find out which version it runs: {SAYS}."
    said = language("de").say(step.todo)
    assert said == "Am Gerät nachsehen, welche Version läuft: seine Webseite sagt 1.0, der Gerätezwilling im Hub sagt 2.0."
    german = [language("de").say(claimant) for claimant in CLAIMANTS.values()]
    assert not [words for words in german if "," in words or words.startswith("was ")]  # "sagt" follows: none is a clause


def test_every_claimant_has_its_words() -> None:
    assert set(CLAIMANTS) == {source.says for source in load_sources().values()}


def test_every_device_is_counted_once(chapter: Currency) -> None:
    assert list(chapter.states.items()) == list(zip(State, (1, 1, 1, 12, 3, 1), strict=True))
    assert (chapter.derived, chapter.asked, chapter.devices_count) == (True, 19, 15)


def test_what_is_exploited_comes_first_then_the_worse_state(chapter: Currency) -> None:
    first = [device.state for device in chapter.devices[:4]]
    assert first == [State.VULNERABLE, State.RETRACTED, State.UNSUPPORTED, State.BEHIND]
    assert (chapter.devices[0].name, chapter.devices[0].criticality) == ("dock camera", "high")


def test_what_is_the_same_to_do_is_one_step(chapter: Currency) -> None:
    assert [(step.todo, step.devices_count, len(step.devices)) for step in chapter.steps] == [
        ("At once: Install 1.2, which mends it.", 1, 1),
        ("Install 1.2 instead.", 1, 1),
        ("Plan its replacement, as no more fixes will come.", 1, 1),
        ("Install 1.2.", 12, NAMES_MAX),
        ("Look at it and find out which version it runs: its web page says 1.0, the hub's twin says 2.0.", 1, 1),
    ]


def test_what_cannot_be_told_stands_with_its_reason_and_not_with_what_is_up_to_date(chapter: Currency) -> None:
    assert [(one.reason, one.devices_count) for one in chapter.unknown] == [("no_version", 2), ("claims_disagree", 1)]
    assert chapter.current == ("10.0.6.1",)


def test_who_says_what_lists_each_word_once_and_no_outdated_one(chapter: Currency) -> None:
    [one] = chapter.contradictions
    assert [(claim.says, claim.version) for claim in one.claims] == [("its web page", "1.0"), ("the hub's twin", "2.0")]


def test_fixes_that_a_fleet_lacks_stand_by_urgency_and_what_is_not_known_is_not_none(chapter: Currency) -> None:
    assert [(patch.hub, patch.version, patch.lacking) for patch in chapter.patches] == [
        ("h", "1.3", 8),
        ("h", "1.2", 5),
        ("partial", "1.2", None),
    ]
    assert (chapter.patches_count, chapter.fleet) == (3, {})


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"behind": True, "latest": "2"}, "Install 2."),
        ({"behind": True}, "Install the newest release that fits it."),
        ({"retracted": True, "behind": True, "latest": "2"}, "Install 2 instead."),
        ({"retracted": True, "behind": False, "latest": "2"}, "Ask its maker which release to run instead, and go to that."),
        ({"vulnerable": True, "behind": True, "latest": "2", "fixed_in": "1.9"}, "Install 2: it is mended in 1.9."),
        ({"vulnerable": True, "behind": True, "latest": "2"}, "Install 2, and read the advisories: none says that it is mended there."),
        (
            {"vulnerable": True, "behind": False, "latest": "2"},
            "No release is known to mend it: follow the advisories, and keep the device away from other networks.",
        ),
        ({"unsupported": True, "behind": False}, "Plan its replacement, as no more fixes will come."),
        ({"unsupported": True, "behind": True, "latest": "2"}, "Move to 2 if that still gets fixes, or plan its replacement."),
        (
            {"vulnerable": True, "unsupported": True, "behind": True, "latest": "2", "fixed_in": "2", "exploited": ["CVE-1"]},
            "At once: Install 2, which mends it. Plan its replacement, as no more fixes will come.",
        ),
    ],
)
def test_what_to_do(columns: dict[str, Any], said: str) -> None:
    names = ("latest", "behind", "retracted", "vulnerable", "unsupported", "fixed_in", "exploited")
    assert todo({name: columns.get(name) for name in names}) == said


def test_without_a_catalogue_the_chapter_says_so_and_counts_nothing(tmp_path: Path) -> None:
    none = currency(DerivedParts(tmp_path), SAID, WHOSE)
    assert (none.derived, none.asked, none.devices) == (False, 0, ())
    page = render(dataclasses.replace(rigs.rig(12), currency=none))
    assert "No catalogue of releases was at hand" in page
    assert "On Monday" not in page


def test_the_page_counts_what_it_does_not_show() -> None:
    page = render(rigs.rig(12))
    assert "And 1 more step, in the table below." in page
    assert "5 devices, the worst 2 shown" in page
    assert "And 1 more device, in the findings." in page

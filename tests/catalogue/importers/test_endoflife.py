"""endoflife.date: its three forms say the same; hostile YAML; the real selection."""

from __future__ import annotations

import lzma
from datetime import UTC, datetime

import pytest

from plumbline.catalogue.facts import AsOf, Product, Support
from tests.catalogue.making import REAL_DATA, document, facts, read, unread

PAGE = """---
title: Some OS
category: os
permalink: /some-os
alternate_urls:
  - /someos
identifiers:
  - cpe: cpe:2.3:o:maker:some_os
  - purl: pkg:deb/some/os
releases:
  - releaseCycle: 3.10
    releaseDate: 2025-01-01
    eol: 2026-06-01
    eoes: 2028-06-01
    latest: 3.10.2
    latestReleaseDate: 2026-02-03
  - releaseCycle: "2"
    eol: true
    latest: "__LATEST_RELEASE__"
  - releaseCycle: "1"
    eol: false
    discontinued: 2020-02-02
---
Words of the page.
"""
ANSWER = {
    "schema_version": "1.2.0",
    "generated_at": "2026-11-01T00:00:00+00:00",
    "result": {
        "name": "some-os",
        "label": "Some OS",
        "category": "os",
        "aliases": ["someos"],
        "identifiers": [{"type": "cpe", "id": "cpe:2.3:o:maker:some_os"}, {"type": "purl", "id": "pkg:deb/some/os"}],
        "releases": [
            {
                "name": "3.10",
                "releaseDate": "2025-01-01",
                "isEol": True,
                "eolFrom": "2026-06-01",
                "isEoes": False,
                "eoesFrom": "2028-06-01",
                "latest": {"name": "3.10.2", "date": "2026-02-03"},
            },
            {"name": "2", "isEol": True, "eolFrom": None, "latest": None},
            {"name": "1", "isEol": False, "isDiscontinued": True, "discontinuedFrom": "2020-02-02"},
        ],
    },
}


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_page_and_answer_say_the_same() -> None:
    page, answer = facts(read("endoflife", document(PAGE, "some-os.md"))), facts(read("endoflife", document(ANSWER)))
    assert page == answer
    product, first, second, third = page
    assert product == Product(
        product="some-os",
        vendor="maker",
        model="some-os",
        title="Some OS",
        aliases=("someos",),
        identifiers=("endoflife:some-os", "cpe:o:maker:some_os", "purl:pkg:deb/some/os"),
        device_class="os",
        url="https://endoflife.date/some-os",
    )
    assert first == Support(
        product="some-os",
        cycle="3.10",
        latest="3.10.2",
        latest_at=day("2026-02-03"),
        available_at=day("2025-01-01"),
        security_ends_at=day("2026-06-01"),
        ends_at=day("2028-06-01"),
    )
    assert second == Support(product="some-os", cycle="2", ended=True)
    assert third == Support(product="some-os", cycle="1", ended=False, sales_end_at=day("2020-02-02"))


def test_an_answer_dates_itself() -> None:
    assert AsOf(day("2026-11-01")) in read("endoflife", document(ANSWER))


def test_the_old_answer_is_named_by_its_file() -> None:
    old = [{"cycle": "12", "eol": "2026-06-10", "latest": "12.5", "releaseDate": "2023-06-10"}]
    product, support = facts(read("endoflife", document(old, "api/debian.json")))
    assert (product.product, support.product) == ("debian", "debian")


def test_lines_of_pages() -> None:
    found = read(
        "endoflife", document(b'{"md": 1, "path": "x"}\n{"md": "none", "path": "y"}\n{\n', "x.jsonl"), document({"md": PAGE, "path": "z"})
    )
    assert len(facts(found)) == 4
    assert len(unread(found)) == 3


HOSTILE = {
    "aliases without end": "a: &a [x, x]\nb: &b [*a, *a]\npermalink: /x\nreleases: [*b, *b]",
    "an object": "permalink: /x\nreleases: !!python/object/apply:os.system ['true']",
    "nested": "permalink: /x\nreleases: " + "[" * 5000,
    "no list": "permalink: /x\nreleases: 5",
    "no name": "permalink: /\nreleases: []",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_front_matter_is_unread(text: str) -> None:
    found = read("endoflife", document(f"---\n{text}\n---\n", "x.md"))
    assert [one for one in facts(found) if isinstance(one, Support)] == []
    assert unread(found)


def test_the_real_selection_is_read_whole() -> None:
    path = REAL_DATA / "releases" / "endoflife-date-selected.jsonl.xz"
    if not path.exists():
        pytest.skip("../shared/data/releases is not beside the project")
    found = read("endoflife", document(lzma.decompress(path.read_bytes()), "x.jsonl"))
    assert unread(found) == []
    assert (sum(isinstance(one, Product) for one in found), sum(isinstance(one, Support) for one in found)) == (51, 1069)

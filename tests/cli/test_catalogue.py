"""`plumbline catalogue`: what it prints, to people at two widths and as JSON, and what it says when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.catalogue.importers.test_zigbee_ota import IMAGE
from tests.catalogue.making import document
from tests.cli.conftest import Call

OWN = """
[[product]]
vendor = "Northwind"
model = "Cam-3"
title = "Dome camera \u202e for cold rooms"
sensors = ["image"]
verticals = ["food", "logistics"]
[[release]]
product = "northwind/cam-3"
version = "1.4.2"
released_at = 2026-03-01
[[release]]
product = "northwind/cam-3"
version = "2.0.0"
released_at = 2026-06-01
state = "retracted"
fixes = ["CVE-2026-1"]
[[support]]
product = "northwind/cam-3"
security_ends_at = 2020-12-31
[[release]]
product = "northwind/cam-3"
"""


@pytest.fixture
def store(tmp_path: Path, call: Call) -> Path:
    (tmp_path / "northwind.toml").write_text(OWN)
    (tmp_path / "index.json").write_bytes(document([IMAGE]).data)
    (tmp_path / "notes.txt").write_text("hello")
    folder = tmp_path / "reference"
    ended = call("catalogue", "import", tmp_path / "northwind.toml", tmp_path / "index.json", tmp_path / "notes.txt", "--reference", folder)
    assert ended.code == 0
    assert "own-northwind: northwind.toml" in ended.out
    assert "northwind.toml, release 3: has nothing that makes it a release" in ended.out
    assert "1 file of no form that can be imported: notes.txt" in ended.out
    return folder


def test_import_as_json_names_every_refusal(tmp_path: Path, call: Call) -> None:
    (tmp_path / "x.toml").write_text(OWN)
    ended = call("catalogue", "import", tmp_path / "x.toml", "--reference", tmp_path / "r", "--as-of", "2026-11-01", "--json")
    [source] = ended.json["sources"]
    assert (source["id"], source["dated_at"], source["refused_count"]) == ("own-x", "2026-11-01 00:00:00+00:00", 1)


@pytest.mark.parametrize("width", [80, 120])
def test_search_and_show_fit_the_terminal(store: Path, call: Call, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for words in (("search",), ("search", "--unsupported"), ("show", "northwind/cam-3"), ("show", "zigbee:0x115c/4")):
        ended = call("catalogue", *words, "--reference", store)
        assert ended.code == 0
        assert max(map(len, ended.out.splitlines())) <= width
        assert "\u202e" not in ended.out


def test_search_lists_hits_and_counts(store: Path, call: Call) -> None:
    ended = call("catalogue", "search", "--vertical", "FOOD", "--reference", store)
    assert "northwind/cam-3" in ended.out
    assert "1 product\n" in ended.out
    everything = call("catalogue", "search", "--limit", "1", "--reference", store)
    assert "2 products; 1 shown" in everything.out
    assert "vendor    Danalock 1   Northwind 1" in everything.out
    assert call("catalogue", "search", "ghost", "--reference", store, "--json").json == {
        "count": 0,
        "hits": [],
        "facets": {"vendor": [], "class": [], "protocol": [], "sensor": [], "vertical": []},
    }


def test_show_says_everything_with_its_source(store: Path, call: Call) -> None:
    out = call("catalogue", "show", "Northwind/Cam-3", "--reference", store).out
    for words in (
        "2.0.0",
        "retracted",
        "CVE-2026-1",
        "2020-12-31",
        "own-northwind",
        "northwind.toml, read on",
        "2 releases, newest first, by date",
    ):
        assert words in out
    shown = call("catalogue", "show", "northwind/cam-3", "--reference", store, "--json").json
    assert [edition["version"] for edition in shown["editions"]] == ["1.4.2", "2.0.0"]
    assert (shown["order"], shown["advisories"]) == ({"by": "released_at", "certain": True}, [])


WRONG = {
    "a product that nobody knows": (("show", "ghost"), "no product has the name 'ghost'"),
    "a file that is not there": (("import", "/nowhere/x.toml"), "cannot be read"),
}


@pytest.mark.parametrize(("words", "why"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said(store: Path, call: Call, words: tuple[str, ...], why: str) -> None:
    ended = call("catalogue", *words, "--reference", store)
    assert (ended.code, ended.out) == (2, "")
    assert why in ended.err


def test_a_store_without_products_says_how_to_get_some(tmp_path: Path, call: Call) -> None:
    ended = call("catalogue", "search", "--reference", tmp_path)
    assert ended.code == 2
    assert "no product was imported yet" in ended.err

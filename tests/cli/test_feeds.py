"""`plumbline feeds`: what it prints, to people and as JSON, and what it says when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.vulnerabilities.making import CVE, cve5, kev, product


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "feeds"
    folder.mkdir()
    lines = [cve5(product({"version": "1.0", "status": "affected"})), {"hello": 1}, {"hello": 2}]
    (folder / "cves.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (folder / "kev.json").write_text(json.dumps(kev(CVE)))
    return folder


def test_import_sums_up_by_source_and_explains_every_refusal(files: Path, tmp_path: Path, call: Call) -> None:
    ended = call("feeds", "import", files, "--reference", tmp_path / "r")
    assert ended.code == 0
    assert "cve5: CVE records" in ended.out
    assert "2 records read; 2 refusals" in ended.out
    assert "2 refusals: is of no feed that is known" in ended.out
    assert "cves.jsonl line 2: is of no feed that is known" in ended.out
    again = call("feeds", "import", files, "--reference", tmp_path / "r")
    assert (again.code, "2 files taken before and unchanged" in again.out) == (0, True)


def test_import_as_json_has_reasons_with_their_first_places(files: Path, tmp_path: Path, call: Call) -> None:
    done = call("feeds", "import", files, "--reference", tmp_path / "r", "--json").json
    [(words, reason)] = done["reasons"].items()
    assert (words, reason["count"], len(reason["first"])) == ("is of no feed that is known", 2, 2)
    assert {source["id"]: source["rows"] for source in done["sources"]} == {
        "cve5": {"vulnerability": 1, "affected": 1},
        "kev": {"exploited": 1},
    }


def test_nothing_but_refusals_is_wrong_input(tmp_path: Path, call: Call) -> None:
    (tmp_path / "x.json").write_text('{"hello": 1}')
    ended = call("feeds", "import", tmp_path / "x.json", "--reference", tmp_path / "r")
    assert ended.code == 2
    assert "is of no feed that is known" in ended.out


def test_status_says_what_is_stale_and_what_that_leaves_unknown(files: Path, tmp_path: Path, call: Call) -> None:
    (files / "kev.json").write_text(json.dumps(kev(CVE, released="2020-01-01T00:00:00Z")))
    call("feeds", "import", files, "--reference", tmp_path / "r")
    out = call("feeds", "status", "--reference", tmp_path / "r").out
    assert "days, stale" in out
    assert "Not known today: the newest list of exploited vulnerabilities is of 2020-01-01, more than 30 days before" in out
    document = call("feeds", "status", "--reference", tmp_path / "r", "--json").json
    assert [(source["id"], source["stale"]) for source in document["sources"]][1] == ("kev", True)
    assert document["sources"][0]["refused_count"] == 2


def test_an_empty_store_says_what_is_missing(tmp_path: Path, call: Call) -> None:
    ended = call("feeds", "status", "--reference", tmp_path)
    assert ended.code == 0
    assert "none of the feeds on all products was imported" in ended.out
    assert "no list of exploited vulnerabilities (KEV) was imported" in ended.out


def test_sync_without_names_contacts_nobody_and_lists_who_could_be(call: Call) -> None:
    ended = call("feeds", "sync")
    assert ended.code == 0
    assert "https://www.cisa.gov/" in ended.out
    assert "Nothing was contacted." in ended.out


def test_sync_says_what_failed_and_ends_as_incomplete(tmp_path: Path, call: Call) -> None:
    (tmp_path / "mirror.toml").write_text('[kev]\ntitle = "mirror"\nurls = ["http://127.0.0.1:1/kev.json"]\n')
    ended = call("feeds", "sync", "kev", "--publishers", tmp_path / "mirror.toml", "--reference", tmp_path / "r")
    assert ended.code == 3
    assert "0 files fetched, 0 unchanged, 1 failed" in ended.out
    assert "http://127.0.0.1:1/kev.json: cannot be reached" in ended.out


WRONG = {
    "a publisher that nobody knows": (("sync", "ghost"), "no publisher 'ghost'"),
    "a file that is not there": (("import", "/nowhere/x.json"), "no such file"),
    "a store that is not there": (("status", "--reference", "/nowhere"), "is no folder"),
}


@pytest.mark.parametrize(("words", "why"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said(call: Call, tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    ended = call("feeds", *words)
    assert (ended.code, ended.out) == (2, "")
    assert why in ended.err

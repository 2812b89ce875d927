"""Importing feeds: what comes of good, bad, repeated, older and broken files."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import zstandard

from plumbline.evidence.reference import Reference
from plumbline.model.errors import InputError, ProtocolError
from plumbline.vulnerabilities.importing import import_paths
from plumbline.vulnerabilities.opening import Allowance, Stream
from tests.vulnerabilities.making import CVE, NOW, cpe, csaf, cve5, epss, imported, kev, nvd, osv, package, product

RECORD = cve5(product({"version": "1.0", "status": "affected"}))


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    return [row for part in Reference(folder / "reference").parts(table) for row in pq.read_table(part).to_pylist()]


def archive(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in files.items():
            zipped.writestr(name, data)
    return made.getvalue()


TEXT = json.dumps(RECORD).encode()
FORMS = {
    "JSON": ("a.json", TEXT),
    "JSON with a mark": ("a.json", b"\xef\xbb\xbf" + TEXT),
    "lines": ("a.jsonl", TEXT + b"\n\n"),
    "a list": ("a.json", b"[" + TEXT + b"]"),
    "several values": ("a.json", b" " + TEXT + b"\n" + TEXT),
    "gzip": ("a.json.gz", gzip.compress(TEXT)),
    "xz, twice": ("a.json.xz", lzma.compress(TEXT) + b"\0\0\0\0" + lzma.compress(b"  ")),
    "zstandard": ("a.json.zst", zstandard.compress(TEXT)),
    "a zip in a zip": ("a.zip", archive(**{"inner.zip": archive(**{"a.json": TEXT, "notes.txt": b"x"})})),
    "a gzip in a zip": ("a.zip", archive(**{"a.json.gz": gzip.compress(TEXT)})),
}


@pytest.mark.parametrize(("name", "data"), FORMS.values(), ids=FORMS)
def test_forms(tmp_path: Path, name: str, data: bytes) -> None:
    done = imported(tmp_path, {name: data})
    assert done.refused == []
    assert [source.id for source in done.sources] == ["cve5"]
    assert {row["vulnerability"] for row in rows(tmp_path, "affected")} == {CVE}


def test_every_feed_is_told_by_its_content_and_has_its_own_source(tmp_path: Path) -> None:
    files = {
        "1": RECORD,
        "2": nvd({"criteria": cpe()}),
        "3": csaf({"P": ("Router", "<2.0")}, {"known_affected": ["P"]}),
        "4": osv(package({"introduced": "0"})),
        "5": kev(CVE),
        "6": epss(f"{CVE},0.5,0.9"),
    }
    done = imported(tmp_path, {f"{name}.data": value for name, value in files.items()})
    assert sorted(source.id for source in done.sources) == ["csaf.acme", "cve5", "epss", "kev", "nvd", "osv.dsa"]
    assert {source.id: source.dated_at for source in done.sources}["kev"] == datetime(2026, 11, 20, tzinfo=UTC)
    assert [(row["probability"], row["percentile"]) for row in rows(tmp_path, "exploit_prediction")] == [(0.5, 0.9)]
    assert done.records == 6


def test_a_file_that_was_taken_is_passed_over_until_it_changes(tmp_path: Path) -> None:
    imported(tmp_path, {"a.json": RECORD})
    again = imported(tmp_path, {"a.json": RECORD})
    assert (again.records, again.unchanged, again.sources) == (0, [str(tmp_path / "files" / "a.json")], [])
    assert imported(tmp_path, {"a.json": RECORD}, again=True).records == 1
    assert imported(tmp_path, {"a.json": cve5(cve="CVE-2026-2002")}).records == 1
    assert {row["id"] for row in rows(tmp_path, "vulnerability")} == {CVE, "CVE-2026-2002"}


def test_a_newer_record_takes_the_place_of_the_older_one_whole(tmp_path: Path) -> None:
    imported(tmp_path, {"a.json": RECORD})
    imported(tmp_path, {"b.json": cve5(state="REJECTED", updated="2026-11-09T00:00:00Z")})
    assert rows(tmp_path, "affected") == []
    assert [row["state"] for row in rows(tmp_path, "vulnerability")] == ["rejected"]


def test_an_older_record_is_refused_unless_all_is_replaced(tmp_path: Path) -> None:
    old = cve5(product({"version": "0.9", "status": "affected"}), updated="2026-10-01T00:00:00Z")
    imported(tmp_path, {"a.json": RECORD})
    done = imported(tmp_path, {"old.json": old})
    assert [(words, reason.count) for words, reason in done.reasons.items()] == [("older than what is known of it", 1)]
    assert done.refused[0].where.endswith(f"old.json {CVE}")
    assert [row["versions"] for row in rows(tmp_path, "affected")] == [["1.0"]]
    imported(tmp_path, {"old2.json": {**old, "x": 1}}, replace=True)
    assert [row["versions"] for row in rows(tmp_path, "affected")] == [["0.9"]]


def test_of_a_feed_that_is_taken_whole_the_newest_file_counts(tmp_path: Path) -> None:
    imported(tmp_path, {"kev.json": kev(CVE, "CVE-2026-2002")})
    done = imported(tmp_path, {"old.json": kev("CVE-2026-2003", released="2026-01-01T00:00:00Z")})
    assert list(done.reasons) == ["older than what is known"]
    assert {row["id"] for row in rows(tmp_path, "exploited")} == {CVE, "CVE-2026-2002"}
    imported(tmp_path, {"new.json": kev(CVE, released="2026-11-21T00:00:00Z")})
    assert [row["id"] for row in rows(tmp_path, "exploited")] == [CVE]
    two = imported(tmp_path, {"x.json": kev("CVE-2026-2004", released="2026-11-22T00:00:00Z"), "y.json": kev("CVE-2026-2005")})
    assert [row["id"] for row in rows(tmp_path, "exploited")] == ["CVE-2026-2004"]
    assert two.refused[0].why.startswith("a second file of a feed of which one counts")


def test_half_a_list_of_exploited_vulnerabilities_leaves_the_old_one(tmp_path: Path) -> None:
    imported(tmp_path, {"kev.json": {**kev(CVE, "CVE-2000-1000"), "count": 2}})
    done = imported(tmp_path, {"half.json": {**kev(CVE), "count": 2}})
    assert list(done.reasons) == ["holds 1 entries and says that it has 2"]
    assert Reference(tmp_path / "reference").sources["kev"].rows == {"exploited": 2}


def test_half_a_table_of_scores_leaves_the_old_one(tmp_path: Path) -> None:
    imported(tmp_path, {"old.csv": epss(f"{CVE},0.5,0.9")})
    broken = gzip.compress(epss(*(f"CVE-2026-{number},0.1,0.2" for number in range(1000, 4000)), dated="2026-11-21T00:00:00Z").encode())
    done = imported(tmp_path, {"new.csv.gz": broken[:-400]})
    assert done.sources == []
    assert list(done.reasons) == ["cannot be read further"]
    assert [row["id"] for row in rows(tmp_path, "exploit_prediction")] == [CVE]


def test_a_bad_row_of_scores_costs_itself(tmp_path: Path) -> None:
    done = imported(tmp_path, {"a.csv": epss(f"{CVE},0.5,0.9", "CVE-2026-2,1.5,0.9", "x,0.1,0.1")})
    assert (done.records, done.refused_count) == (1, 2)
    assert Reference(tmp_path / "reference").sources["epss"].refused_count == 2


BAD = {
    "no feed": ({"a.json": {"hello": 1}}, "is of no feed that is known"),
    "no JSON": ({"a.json": "{nonsense"}, "not JSON"),
    "a constant that JSON has not": ({"a.json": '{"dataType": NaN}'}, "not JSON"),
    "nested too deeply": ({"a.json": "[" * 200_000}, "nested too deeply"),
    "empty": ({"a.json": ""}, "empty"),
    "text": ({"a.txt": "hello"}, "neither JSON nor YAML nor a table of a feed that is known"),
    "not UTF-8": ({"a.json": b'{"a": "\xff"}'}, "not UTF-8 text"),
    "a broken gzip": ({"a.json.gz": gzip.compress(TEXT)[:-9]}, "cannot be read further"),
    "a broken zip": ({"a.zip": archive(**{"a.json": TEXT})[:60]}, "cannot be opened as a zip"),
    "a list within a list": ({"a.json": [RECORD, [1]]}, "a list within a list"),
    "a table without its columns": (
        {"a.csv": "#model_version:v1\ncve,score\nCVE-2026-1,1\n"},
        "line 2 does not name the columns cve, epss, percentile",
    ),
}


@pytest.mark.parametrize(("files", "why"), BAD.values(), ids=BAD)
def test_what_is_not_taken_is_explained(tmp_path: Path, files: dict[str, Any], why: str) -> None:
    done = imported(tmp_path, files)
    assert list(done.reasons) == [why]
    [name] = files
    assert done.refused[0].where.startswith(str(tmp_path / "files" / name))


def test_a_bad_line_costs_itself(tmp_path: Path) -> None:
    lines = b"\n".join([TEXT, b"{broken", json.dumps(cve5(cve="CVE-2026-2002")).encode()])
    done = imported(tmp_path, {"a.jsonl": lines})
    assert (done.records, done.refused_count) == (2, 1)
    assert "line 2" in done.refused[0].where
    assert [entry.where for entry in done.sources[0].refused] == [done.refused[0].where]


def test_what_comes_to_too_much_is_not_read_further() -> None:
    stream = Stream("bomb", io.BytesIO(bytes(1 << 21)).read, Allowance(1 << 20))
    assert len(stream.read()) == 1 << 20
    with pytest.raises(ProtocolError, match="more than 200 times its size"):
        stream.read()


def test_links_and_hidden_files_of_a_folder_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "feeds"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "a.json").write_bytes(TEXT)
    (folder / "b.json").symlink_to("/etc/passwd")
    (folder / "notes.md").write_text("x")
    (folder / "c.json").write_bytes(TEXT)
    done = import_paths([folder], tmp_path / "reference", NOW)
    assert (done.records, done.refused_count) == (1, 0)


def test_a_path_that_names_nothing_is_the_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        import_paths([tmp_path / "none*.json"], tmp_path / "reference", NOW)


def test_files_of_the_catalogue_are_not_taken_for_read(tmp_path: Path) -> None:
    from plumbline.catalogue.intake import import_files

    value = csaf({"P": ("Router", "<2.0")}, {"known_affected": ["P"]})
    (tmp_path / "a.json").write_text(json.dumps(value))
    import_files([tmp_path / "a.json"], tmp_path / "reference", now=NOW)
    assert import_paths([tmp_path / "a.json"], tmp_path / "reference", NOW).records == 1

"""Results by hand: what counts becomes rows, what does not is named with its place, and nothing else comes of hostile files."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plumbline.collect.by_hand import ENTRIES_MAX, SIZE_MAX
from plumbline.collect.manual import collect
from plumbline.collect.manual.collector import FORM
from plumbline.rig.models import Rig
from tests.collect.collecting import Collected, run
from tests.collect.written import read_changed, refusals, rig_with

PASSED = """
[[result]]
provision = "etsi-en-303-645/5.1-4"
asset = "dock-cam-1"
verdict = "pass"
tester = "A. Smith"
method = "test"
performed_at = 2026-11-20T10:00:00+01:00
procedure = "Changed the password\\nover the menu."
observations = "Two steps."
"""


def rig(folder: Path, *files: str) -> Rig:
    """A rig with one manual file for each text."""
    return rig_with(folder, "manual", "manual/*.toml", {f"manual/walk-{number}.toml": text for number, text in enumerate(files, 1)})


def collected(folder: Path, *files: str) -> Collected:
    return run(collect, rig(folder, *files))


def test_a_result_becomes_a_row_with_its_place_and_its_words(tmp_path: Path) -> None:
    done = collected(tmp_path, "# walked on Friday\n" + PASSED)
    [row] = done.rows("manual_result")
    assert (row["entity"], row["subject"], row["verdict"]) == ("declared:harbour/dock-cam-1", "etsi-en-303-645/5.1-4", "pass")
    assert (row["tester"], row["method"], row["performed_at"]) == ("A. Smith", "test", datetime(2026, 11, 20, 9, tzinfo=UTC))
    assert (row["procedure"], row["observations"]) == ("Changed the password\nover the menu.", "Two steps.")
    data = (tmp_path / "manual" / "walk-1.toml").read_bytes()
    assert row["raw"] == f"file/{hashlib.sha256(data).hexdigest()}@{data.index(b'[[result]]')}"
    assert (row["path"], row["attachments"], row["others"], row["model"]) == ("manual/walk-1.toml", [], None, None)
    assert [(one["subject"], one["outcome"], one["rows"]) for one in done.attempts()] == [("file/walk-1.toml", "ok", 1)]


def test_a_model_stands_for_its_assets_and_the_rig_for_itself(tmp_path: Path) -> None:
    of_model = PASSED.replace('asset = "dock-cam-1"', 'model = "northwind/cam-3"')
    of_rig = PASSED.replace('asset = "dock-cam-1"', "rig = true").replace("5.1-4", "5.2-1")
    rows = collected(tmp_path, of_model + of_rig).rows("manual_result")
    assert [(row["entity"], row["model"]) for row in rows] == [
        ("declared:harbour/dock-cam-1", "northwind/cam-3"),
        ("declared:harbour/dock-cam-2", "northwind/cam-3"),
        ("rig:/northwind-harbour", None),
    ]


def test_the_head_of_a_file_speaks_for_its_entries(tmp_path: Path) -> None:
    head = 'tester = "B. Jones"\nmethod = "walk_down"\nperformed_at = 2026-11-19T08:00:00Z\n'
    entry = '[[result]]\ncheck = "device.telnet_service"\nasset = "gate"\nverdict = "pass"\n'
    [row, other] = collected(tmp_path, head + entry + entry.replace('"gate"', '"dock-cam-1"') + 'tester = "C. Brown"\n').rows(
        "manual_result"
    )
    assert (row["subject"], row["check_id"], row["provision"], row["tester"]) == (
        *("check/device.telnet_service", "device.telnet_service", None, "B. Jones"),
    )
    assert other["tester"] == "C. Brown"


def test_attachments_are_cited_by_their_digests(tmp_path: Path) -> None:
    (tmp_path / "manual" / "photos").mkdir(parents=True)
    (tmp_path / "manual" / "photos" / "3.jpg").write_bytes(b"a photo")
    done = collected(tmp_path, PASSED + 'attachments = ["photos/3.jpg"]\n')
    digest = hashlib.sha256(b"a photo").hexdigest()
    assert [(row["attachments"], row["attachment_names"]) for row in done.rows("manual_result")] == [
        ([f"file/{digest}@0"], ["manual/photos/3.jpg"]),
    ]
    assert {"name": "3.jpg", "sha256": digest, "size_bytes": 7} in done.bundle.manifest["supplied"]


def test_results_that_disagree_name_each_other(tmp_path: Path) -> None:
    other = PASSED.replace('"pass"', '"fail"').replace("A. Smith", "B. Jones")
    rows = collected(tmp_path, PASSED, other).rows("manual_result")
    assert [(row["verdict"], len(row["others"])) for row in rows] == [("pass", 1), ("fail", 1)]
    assert rows[0]["others"] == [f"fail, walk-2.toml:2 ({rows[1]['raw']})"]


WRONG = {
    "unknown provision": (PASSED.replace("5.1-4", "5.1-99"), "etsi-en-303-645 has no provision '5.1-99'"),
    "unknown standard": (PASSED.replace("etsi-en-303-645", "etsi"), "no standard 'etsi'"),
    "unknown asset": (PASSED.replace("dock-cam-1", "dock-cam-9"), "no asset has the id 'dock-cam-9'"),
    "unknown model": (PASSED.replace('asset = "dock-cam-1"', 'model = "x/y"'), "no asset is of the model 'x/y'"),
    "nobody": (PASSED.replace('asset = "dock-cam-1"\n', ""), "must say what it is about"),
    "asset and rig": (PASSED + "rig = true\n", "must say what it is about"),
    "neither provision nor check": (PASSED.replace('provision = "etsi-en-303-645/5.1-4"\n', ""), "must say what was tested"),
    "provision and check": (PASSED + 'check = "device.telnet_service"\n', "must say what was tested"),
    "no check's id": (PASSED.replace('provision = "etsi-en-303-645/5.1-4"', 'check = "telnet"'), "is no check's id"),
    "no tester": (PASSED.replace('tester = "A. Smith"\n', ""), "says pass without tester"),
    "no method": (PASSED.replace('method = "test"\n', ""), "says pass without method"),
    "no time": (PASSED.replace("performed_at = 2026-11-20T10:00:00+01:00\n", ""), "says pass without performed_at"),
    "in the future": (PASSED.replace("2026-11-20", "2026-12-20"), "which is yet to come"),
    "long ago": (PASSED.replace("2026-11-20", "1926-11-20"), "the year 1926 is not believable"),
    "no zone": (PASSED.replace("+01:00", ""), "has no offset from UTC"),
    "a day alone": (PASSED.replace("2026-11-20T10:00:00+01:00", "2026-11-20"), "is not a date with a time"),
    "unknown verdict": (PASSED.replace('"pass"', '"passed"'), "'passed' is not one of"),
    "unknown method": (PASSED.replace('"test"', '"guess"'), "'guess' is not one of"),
    "unknown key": (PASSED + 'testers = "x"\n', "unknown key (did you mean 'tester'?)"),
    "not applicable without a reason": (PASSED.replace('"pass"', '"not_applicable"').replace('"Two steps."', '""'), "without a reason"),
    "a number": (PASSED.replace('"A. Smith"', "7"), "wants text"),
    "endless words": (PASSED.replace("Two steps.", "x" * 5000), "at most 4000 printable characters"),
    "a bell": (PASSED.replace("Two steps.", "\\u0007"), "at most 4000 printable characters"),
    "missing attachment": (PASSED + 'attachments = ["none.jpg"]\n', "'none.jpg' is not there"),
    "attachment above": (PASSED + 'attachments = ["../../etc/passwd"]\n', "leads out of the folder"),
    "absolute attachment": (PASSED + 'attachments = ["/etc/passwd"]\n', "leads out of the folder"),
    "attachment by a link": (PASSED + 'attachments = ["outside.jpg"]\n', "is a link that leads out of the folder"),
    "attachment by a linked folder": (PASSED + 'attachments = ["away/rig.toml"]\n', "is a link that leads out of the folder"),
    "links in a circle": (PASSED + 'attachments = ["circle"]\n', "'circle' is not there"),
    "a folder": (PASSED + 'attachments = ["."]\n', "is no file"),
    "a pipe": (PASSED + 'attachments = ["pipe"]\n', "is no file"),
    "ten thousand keys": (PASSED + "".join(f"k{n} = 1\n" for n in range(10_000)), "has 10008 keys"),
    "too many attachments": (PASSED + f"attachments = {['a'] * 51}\n".replace("'", '"'), "more than 50 files"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_stand_is_named_and_the_others_count(case: str, tmp_path: Path) -> None:
    text, words = WRONG[case]
    folder = tmp_path / "manual"
    folder.mkdir()
    (folder / "outside.jpg").symlink_to(tmp_path / "rig.toml")
    (folder / "away").symlink_to(tmp_path)
    (folder / "circle").symlink_to(folder / "circle")
    os.mkfifo(folder / "pipe")
    done = collected(tmp_path, text + PASSED.replace("5.1-4", "5.1-3"))
    assert [row["subject"] for row in done.rows("manual_result")] == ["etsi-en-303-645/5.1-3"]
    [(subject, detail)] = refusals(done).items()
    assert subject == "file/walk-1.toml/result/0"
    assert detail.startswith("walk-1.toml:") and words in detail and "(" in detail, detail
    [file] = [row for row in done.attempts() if row["subject"] == "file/walk-1.toml"]
    assert (file["outcome"], file["rows"], file["detail"]) == ("partial", 1, "1 of its entries do not count")


def test_a_fail_counts_without_the_name_of_its_tester(tmp_path: Path) -> None:
    text = '[[result]]\nprovision = "etsi-en-303-645/5.1-4"\nrig = true\nverdict = "fail"\n'
    assert [row["verdict"] for row in collected(tmp_path, text).rows("manual_result")] == ["fail"]


def test_what_is_not_filled_in_is_no_result(tmp_path: Path) -> None:
    done = collected(tmp_path, PASSED.replace('verdict = "pass"', 'verdict = ""'))
    assert done.rows("manual_result") == []
    assert [(row["outcome"], row["rows"], row["detail"]) for row in done.attempts()] == [("ok", 0, "1 of its entries are not filled in")]


HEADS = {
    "a misspelt table": ('[[results]]\nverdict = "pass"\n', "results: unknown key (known here: [[result]], tester, method, performed_at)"),
    "one table": ("[result]\n", "wants a list of tables"),
}


@pytest.mark.parametrize("case", HEADS)
def test_what_is_unknown_at_the_head_is_said(case: str, tmp_path: Path) -> None:
    text, words = HEADS[case]
    [file] = collected(tmp_path, text).attempts()
    assert (file["outcome"], words in file["detail"]) == ("partial", True)


UNREADABLE = {
    "not TOML": (b"[[result]\n", "walk-1.toml:1: is not TOML"),
    "not UTF-8": (b"\xff\xfe[", "not UTF-8"),
    "ten megabytes": (b"# " + b"x" * (10 << 20), f"larger than {SIZE_MAX} bytes"),
    "deep nesting": (b"a = " + b"[" * 5000 + b"]" * 5000, "nested deeper"),
    "deep keys": (b"a" + b".a" * 5000 + b" = 1", "nested deeper"),
    "a number without end": (b"a = " + b"9" * 9000, "is not TOML"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_cannot_be_read_is_named(case: str, tmp_path: Path) -> None:
    data, words = UNREADABLE[case]
    (tmp_path / "manual").mkdir()
    (tmp_path / "manual" / "walk-1.toml").write_bytes(data)
    done = run(collect, rig(tmp_path))
    assert list(refusals(done)) == ["file/walk-1.toml"]
    assert words in refusals(done)["file/walk-1.toml"]


def test_a_list_without_end_is_cut_and_said(tmp_path: Path) -> None:
    text = '[[result]]\nverdict = ""\n' * (ENTRIES_MAX + 1)
    [file] = collected(tmp_path, text).attempts()
    assert file["outcome"] == "partial"
    assert f"has {ENTRIES_MAX + 1} entries, of which {ENTRIES_MAX} are read" in file["detail"]


def test_a_stopped_run_leaves_nothing_of_the_files(tmp_path: Path) -> None:
    done = run(collect, rig(tmp_path, PASSED), stop=lambda: True)
    assert (done.rows("manual_result"), done.attempts()) == ([], [])


def test_changed_files_give_a_sheet_or_a_protocol_error(tmp_path: Path) -> None:
    pieces = [b"[", b"]", b'"', b"=", b"\n", b"{", b"true", b"1e999", b"-", b"inf", b"nan", b"\x00", b"\xff", b"'''", b"../", b"[[result]]"]
    seed = (PASSED + PASSED + 'attachments = ["a.jpg"]\n').encode()
    read_changed(tmp_path / "manual" / "walk-1.toml", FORM, rig(tmp_path, PASSED), seed, pieces, cut_max=12, start=5)


def test_a_thousand_results_of_one_subject_name_a_handful_of_others(tmp_path: Path) -> None:
    entry = '[[result]]\nprovision = "etsi-en-303-645/5.1-4"\nrig = true\nverdict = "{}"\n'
    rows = collected(tmp_path, "".join(entry.format(("fail", "inconclusive")[n % 2]) for n in range(1000))).rows("manual_result")
    assert (len(rows), {len(row["others"]) for row in rows}) == (1000, {5})

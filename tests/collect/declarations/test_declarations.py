"""Declarations: an answer becomes a row that keeps design and observation apart; what nobody answered is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.collect.declarations import collect
from plumbline.collect.declarations.collector import FORM
from plumbline.rig.models import Rig
from tests.collect.collecting import Collected, run
from tests.collect.written import read_changed, refusals, rig_with

ANSWER = """
[[answer]]
provision = "etsi-en-303-645/5.1-1"
model = "northwind/cam-3"
met = "yes"
conceptual = "Each unit gets a password of its own at the line."
functional = "Ten units were unpacked; their labels differ."
answered_by = "J. Doe"
answered_at = 2026-11-20T10:00:00Z
"""


def rig(folder: Path, text: str) -> Rig:
    return rig_with(folder, "declaration", "declarations/*.toml", {"declarations/cam.toml": text})


def collected(folder: Path, text: str) -> Collected:
    return run(collect, rig(folder, text))


def test_an_answer_for_a_model_is_a_row_for_each_of_its_assets(tmp_path: Path) -> None:
    rows = collected(tmp_path, ANSWER).rows("declaration")
    assert [(row["entity"], row["subject"], row["met"]) for row in rows] == [
        ("declared:harbour/dock-cam-1", "etsi-en-303-645/5.1-1", "yes"),
        ("declared:harbour/dock-cam-2", "etsi-en-303-645/5.1-1", "yes"),
    ]
    [row, _] = rows
    assert (row["conceptual"][:9], row["functional"][:9], row["justification"]) == ("Each unit", "Ten units", None)
    assert (row["answered_by"], row["documents"], row["path"]) == ("J. Doe", [], "declarations/cam.toml")


def test_documents_are_cited_by_their_digests(tmp_path: Path) -> None:
    (tmp_path / "declarations").mkdir()
    (tmp_path / "declarations" / "design.pdf").write_bytes(b"%PDF")
    [row, _] = collected(tmp_path, ANSWER + 'documents = ["design.pdf"]\n').rows("declaration")
    assert row["document_names"] == ["declarations/design.pdf"]
    assert row["documents"][0].startswith("file/") and row["documents"][0].endswith("@0")


@pytest.mark.parametrize("met", ['met = ""', ""], ids=["empty", "left out"])
def test_a_question_that_nobody_answered_is_no_answer(met: str, tmp_path: Path) -> None:
    done = collected(tmp_path, ANSWER.replace('met = "yes"', met))
    assert done.rows("declaration") == []
    assert [(row["outcome"], row["detail"]) for row in done.attempts()] == [("ok", "1 of its entries are not filled in")]


WRONG = {
    "nobody answers": (ANSWER.replace('answered_by = "J. Doe"\n', ""), "says yes without answered_by"),
    "no time": (ANSWER.replace("answered_at = 2026-11-20T10:00:00Z\n", ""), "says yes without answered_at"),
    "in the future": (ANSWER.replace("2026-11-20", "2026-12-20"), "which is yet to come"),
    "neither yes nor no": (ANSWER.replace('"yes"', '"maybe"'), "'maybe' is not one of"),
    "a boolean": (ANSWER.replace('"yes"', "true"), "is not one of"),
    "no provision": (ANSWER.replace('provision = "etsi-en-303-645/5.1-1"\n', ""), "is missing"),
    "unknown provision": (ANSWER.replace("5.1-1", "9"), "no provision '9'"),
    "unknown model": (ANSWER.replace("cam-3", "cam-9"), "no asset is of the model"),
    "a document elsewhere": (ANSWER + 'documents = ["../rig.toml"]\n', "leads out of the folder"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_stand_is_named_and_the_others_count(case: str, tmp_path: Path) -> None:
    text, words = WRONG[case]
    done = collected(tmp_path, text + ANSWER.replace("5.1-1", "5.1-3"))
    assert {row["subject"] for row in done.rows("declaration")} == {"etsi-en-303-645/5.1-3"}
    [(subject, detail)] = refusals(done).items()
    assert (subject, words in detail) == ("file/cam.toml/answer/0", True), detail


def test_a_no_counts_from_whomever_it_comes(tmp_path: Path) -> None:
    text = '[[answer]]\nprovision = "etsi-en-303-645/5.1-1"\nrig = true\nmet = "no"\n'
    assert [row["met"] for row in collected(tmp_path, text).rows("declaration")] == ["no"]


def test_changed_files_give_a_sheet_or_a_protocol_error(tmp_path: Path) -> None:
    pieces = [bytes([one]) for one in b'[]{}"=\n\\,#. 09-:TZ\x00\xff']
    seed = (ANSWER + 'documents = ["a", "b"]\n').encode()
    read_changed(tmp_path / "declarations" / "cam.toml", FORM, rig(tmp_path, ANSWER), seed, pieces, cut_max=1, start=6)

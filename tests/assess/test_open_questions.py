"""Open questions: each is put once, to whom it is for, as long as nothing has settled it; and its sheet is read back as it was written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.assess import question_sheets
from plumbline.assess.open_questions import Left, OpenQuestion, OpenQuestions, Sheet, open_questions
from plumbline.assess.question_sheets import write_sheet
from plumbline.checks.registry import load_registry
from plumbline.collect.by_hand import read_sheet
from plumbline.collect.declarations.collector import FORM as DECLARATIONS
from plumbline.collect.manual.collector import FORM as RESULTS
from plumbline.model.errors import InputError
from plumbline.rig.models import Rig
from plumbline.standards.profiles import find_profile, load_profiles
from plumbline.standards.standard import AskedOf
from tests.rig.rigs import BASE, NOW, make

ASSETS = """
[[asset]]
id = "cam-1"
model = "northwind/cam-3"
[[asset]]
id = "cam-2"
model = "northwind/cam-3"
[[asset]]
id = "gate"
hub_device_id = "gateway-1"
model = "northwind/\\"gate\\" ü"
[[asset]]
id = "nameless"
"""
ETSI = "etsi-en-303-645"
BY_DEVICE = f"{ETSI}/5.1-4"
BY_RIG = f"{ETSI}/5.2-1"


def rig(folder: Path, more: str = "", **sheets: str) -> Rig:
    for name, text in sheets.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
        more += f'[[{name}]]\npath = "{name}.toml"\n'
    return make(folder, BASE + ASSETS + more)


def found(rig: Rig, *names: str, sheet: Sheet = Sheet.DECLARATION, after: Path | None = None) -> OpenQuestions:
    return open_questions(sheet, rig, [find_profile(name) for name in names or (ETSI,)], load_registry(), NOW, after)


def of(questions: OpenQuestions, ref: str) -> list[OpenQuestion]:
    return [one for some in questions.standards.values() for one in some if one.provision.ref == ref]


def asked(questions: OpenQuestions, ref: str) -> list[str | None]:
    return [one.model or one.asset for one in of(questions, ref)]


def answer(ref: str, about: str, met: str = "yes") -> str:
    who = "answered_by = 'J. Doe'\nanswered_at = 2026-11-09T00:00:00Z\n"
    return f'[[answer]]\nprovision = "{ref}"\n{about}\nmet = "{met}"\n{who}'


def result(ref: str, about: str, verdict: str = "pass") -> str:
    who = "tester = 'A. Smith'\nmethod = 'test'\nperformed_at = 2026-11-09T00:00:00Z\n"
    return f'[[result]]\nprovision = "{ref}"\n{about}\nverdict = "{verdict}"\n{who}'


def test_the_rig_is_asked_once_and_devices_by_their_models(tmp_path: Path) -> None:
    questions = found(rig(tmp_path))
    assert asked(questions, BY_RIG) == [None]
    assert asked(questions, BY_DEVICE) == ["nameless", 'northwind/"gate" ü', "northwind/cam-3"]
    assert [one.assets for one in of(questions, BY_DEVICE)] == [1, 1, 2]
    listed = questions.standards[ETSI]
    assert [one.model is not None for one in listed] == sorted(one.model is not None for one in listed), "the rig comes first"


def test_standards_with_the_fewest_questions_come_first(tmp_path: Path) -> None:
    questions = found(rig(tmp_path), ETSI, "uk-psti-2023", "nistir-8259a")
    counts = [len(some) for some in questions.standards.values()]
    assert next(iter(questions.standards)) == "uk-psti-2023"
    assert counts == sorted(counts)


@pytest.mark.parametrize("sheet", Sheet)
def test_each_provision_is_asked_settled_or_left_out_with_a_reason(sheet: Sheet, tmp_path: Path) -> None:
    bare = rig(tmp_path)
    for name, profile in load_profiles().items():
        questions = found(bare, name, sheet=sheet)
        refs = {one.provision.ref for some in questions.standards.values() for one in some}
        assert len(refs) + sum(questions.left.values()) == len(profile.provisions), name
        assert questions.left.keys() <= set(Left)


def test_gateways_and_clouds_are_asked_where_the_rig_file_has_them(tmp_path: Path) -> None:
    def who(questions: OpenQuestions, per: AskedOf) -> set[str | None]:
        return {one.model for some in questions.standards.values() for one in some if one.provision.per is per}

    bare = found(rig(tmp_path), "ms-edge-secured-core", "ms-mcsb-iot-hub", sheet=Sheet.MANUAL)
    assert (who(bare, AskedOf.GATEWAY), who(bare, AskedOf.CLOUD)) == (set(), set())
    assert bare.left[Left.NOBODY] > 0
    for name in ("edge.json", "hub.json"):
        (tmp_path / name).write_text("{}")
    more = '[[hub]]\nkind = "azure-iot-hub"\nresource = "hub.json"\n[[edge]]\nmanifest = "edge.json"\ndevice = "gateway-1"\n'
    full = found(rig(tmp_path, more), "ms-edge-secured-core", "ms-mcsb-iot-hub", sheet=Sheet.MANUAL)
    assert (who(full, AskedOf.GATEWAY), who(full, AskedOf.CLOUD)) == ({'northwind/"gate" ü'}, {None})
    unknown = found(rig(tmp_path, more.replace("gateway-1", "gateway-2")), "ms-edge-secured-core", sheet=Sheet.MANUAL)
    assert who(unknown, AskedOf.GATEWAY) == {None}, "one that is no asset is asked of the rig"


SETTLING = {
    "an answer of a model": ({"declaration": answer(BY_DEVICE, 'model = "northwind/cam-3"')}, {"northwind/cam-3"}),
    "an answer of one of two": ({"declaration": answer(BY_DEVICE, 'asset = "cam-1"')}, set()),
    "answers of both": (
        {"declaration": answer(BY_DEVICE, 'asset = "cam-1"') + answer(BY_DEVICE, 'asset = "cam-2"', "no")},
        {"northwind/cam-3"},
    ),
    "an answer of the rig": (
        {"declaration": answer(BY_DEVICE, "rig = true")},
        {"northwind/cam-3", 'northwind/"gate" ü', "nameless"},
    ),
    "no answer": ({"declaration": answer(BY_DEVICE, 'model = "northwind/cam-3"', "")}, set()),
    "one that does not count": ({"declaration": answer(BY_DEVICE, 'model = "northwind/cam-9"')}, set()),
    "a test by hand": ({"manual": result(BY_DEVICE, 'model = "northwind/cam-3"')}, {"northwind/cam-3"}),
    "one that could not tell": ({"manual": result(BY_DEVICE, 'model = "northwind/cam-3"', "inconclusive")}, set()),
    "one that failed": ({"manual": result(BY_DEVICE, 'model = "northwind/cam-3"', "fail")}, {"northwind/cam-3"}),
}


@pytest.mark.parametrize("case", SETTLING)
def test_what_was_said_before_settles_whom_it_is_about(case: str, tmp_path: Path) -> None:
    sheets, settled = SETTLING[case]
    everybody = {"northwind/cam-3", 'northwind/"gate" ü', "nameless"}
    assert set(asked(found(rig(tmp_path, **sheets)), BY_DEVICE)) == everybody - settled


def test_a_yes_leaves_the_test_by_hand_open(tmp_path: Path) -> None:
    answered = rig(tmp_path, declaration=answer(BY_DEVICE, "rig = true"))
    assert (asked(found(answered), BY_DEVICE), len(asked(found(answered, sheet=Sheet.MANUAL), BY_DEVICE))) == ([], 3)
    unmet = rig(tmp_path, declaration=answer(BY_DEVICE, "rig = true", "no"))
    assert asked(found(unmet, sheet=Sheet.MANUAL), BY_DEVICE) == []


def test_not_applicable_settles_where_somebody_says_why(tmp_path: Path) -> None:
    bare = answer(BY_DEVICE, "rig = true", "not_applicable")
    assert len(asked(found(rig(tmp_path, declaration=bare)), BY_DEVICE)) == 3
    assert asked(found(rig(tmp_path, declaration=bare + "justification = 'no users'\n"), sheet=Sheet.MANUAL), BY_DEVICE) == []


def test_a_sheet_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not TOML"):
        found(rig(tmp_path, declaration="[[answer"))


def conformance(folder: Path, rows: Sequence[tuple[str, str, str]], of: str = "northwind-harbour") -> Path:
    (folder / "assessment.json").write_text(json.dumps({"format": 1, "rig": {"id": of}}), encoding="utf-8")
    table = pa.table({name: [row[n] for row in rows] for n, name in enumerate(("provision", "asset", "verdict"))})
    pq.write_table(table, folder / "conformance.parquet")
    return folder


def test_what_an_assessment_settled_is_left_out(tmp_path: Path) -> None:
    out = conformance(
        tmp_path,
        [
            *((BY_DEVICE, f"declared:harbour/cam-{n}", "pass") for n in (1, 2)),
            (BY_DEVICE, "declared:harbour/nameless", "inconclusive"),
            (BY_DEVICE, "", "fail"),
            (BY_RIG, "", "fail"),
        ],
    )
    questions = found(rig(tmp_path), after=out)
    assert asked(questions, BY_DEVICE) == ["nameless", 'northwind/"gate" ü']
    assert asked(questions, BY_RIG) == []


def test_a_folder_that_is_no_assessment_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no assessment"):
        found(rig(tmp_path), after=tmp_path)
    conformance(tmp_path, [(BY_RIG, "", "pass")])
    (tmp_path / "conformance.parquet").write_bytes(b"x")
    with pytest.raises(InputError, match="cannot be read"):
        found(rig(tmp_path), after=tmp_path)


def test_an_assessment_of_another_rig_settles_nothing_here(tmp_path: Path) -> None:
    out = conformance(tmp_path, [(BY_RIG, "", "pass")], of="another")
    with pytest.raises(InputError, match=r"is an assessment of the rig 'another', not of 'northwind-harbour'"):
        found(rig(tmp_path), after=out)


@pytest.mark.parametrize("sheet", Sheet)
def test_a_sheet_is_read_back_and_answers_nothing_yet(sheet: Sheet, tmp_path: Path) -> None:
    bare = rig(tmp_path)
    questions = found(bare, ETSI, "nistir-8259a", "owasp-isvs-1.0", sheet=sheet)
    written = write_sheet(sheet, bare, questions, NOW)
    assert (written.questions, written.over) == (questions.count, 0)
    path = tmp_path / "sheet.toml"
    path.write_text(written.text, encoding="utf-8")
    form = DECLARATIONS if sheet is Sheet.DECLARATION else RESULTS
    read = read_sheet(path, form, bare, NOW)  # type: ignore[arg-type]
    assert (read.statements, dict(read.refused), read.problems, read.unanswered) == ((), {}, (), questions.count)


def test_a_sheet_that_is_filled_in_settles_its_questions(tmp_path: Path) -> None:
    bare = rig(tmp_path)
    text = write_sheet(Sheet.DECLARATION, bare, found(bare), NOW).text
    text = (
        text.replace('met = ""', 'met = "yes"')
        .replace('answered_by = ""', 'answered_by = "J. Doe"')
        .replace("# answered_at", "answered_at")
    )
    assert found(rig(tmp_path, declaration=text)).count == 0


def test_a_sheet_is_cut_where_it_would_not_be_read(tmp_path: Path) -> None:
    bare = rig(tmp_path)
    questions = found(bare)
    many = replace(questions, standards={ETSI: questions.standards[ETSI] * 60})
    written = write_sheet(Sheet.DECLARATION, bare, many, NOW)
    assert written.questions <= question_sheets.ENTRIES_MAX
    assert len(written.text.encode()) <= question_sheets.SIZE_MAX
    assert (written.over > 0, written.questions + written.over) == (True, many.count)

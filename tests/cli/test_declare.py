"""`plumbline declare init`: what it writes, what it says, and what it leaves alone."""

from pathlib import Path

import pytest

from tests.cli.conftest import RIG, Call

ASSET = '[[asset]]\nid = "cam"\nmodel = "northwind/cam-3"\n'


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    path = tmp_path / "rig.toml"
    path.write_text(RIG.format(intrusion="passive", rate=500) + ASSET)
    return path


def test_it_writes_a_sheet_beside_the_rig_file_once(call: Call, rig: Path) -> None:
    ended = call("declare", "init", rig)
    sheet = rig.parent / "declarations.toml"
    assert (ended.code, ended.err) == (0, "")
    assert "etsi-en-303-645: " in ended.out and f"Wrote {sheet}." in ended.out and "[[declaration]]" in ended.out
    before = sheet.read_bytes()
    again = call("declare", "init", rig)
    assert (again.code, "exists already" in again.err, sheet.read_bytes()) == (2, True, before)


def test_tests_by_hand_go_into_a_sheet_of_their_own(call: Call, rig: Path, tmp_path: Path) -> None:
    ended = call("declare", "init", rig, "--manual", "--standard", "uk-psti-2023", "-o", tmp_path / "walk.toml")
    assert ended.code == 0 and "[[manual]]" in ended.out
    assert "[[result]]" in (tmp_path / "walk.toml").read_text()


def test_it_says_in_json_what_is_open_and_what_was_left_out(call: Call, rig: Path) -> None:
    said = call("declare", "init", rig, "--standard", "iec-62443-4-2", "--json").json
    assert said["standards"] == {"iec-62443-4-2": said["open"]}
    assert said["written"] == said["open"] > 0
    assert said["left_out"]["the other sheet asks it"] > 0


def test_nothing_open_writes_no_file(call: Call, rig: Path) -> None:
    ended = call("declare", "init", rig, "--standard", "ms-azure-policy-iot")
    assert ended.code == 0 and "Nothing is open" in ended.out and "no file was written" in ended.out
    assert not (rig.parent / "declarations.toml").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--standard", "etsi"], "no standard or profile"),
        (["--after", "nowhere"], "holds no assessment"),
        (["-o", "no/where.toml"], "folder"),
    ],
    ids=["unknown standard", "no assessment", "no folder"],
)
def test_wrong_input_is_said(call: Call, rig: Path, words: list[str], said: str) -> None:
    ended = call("declare", "init", rig, *words)
    assert (ended.code, said in ended.err) == (2, True)


def test_the_rig_file_chooses_the_standards(call: Call, rig: Path) -> None:
    rig.write_text(rig.read_text() + '[standards]\nassess = ["nistir-8259a", "uk-psti-2023"]\n')
    assert list(call("declare", "init", rig, "--json").json["standards"]) == ["uk-psti-2023", "nistir-8259a"]


ENTRY = '[[result]]\ncheck = "device.telnet_service"\nasset = "cam"\nverdict = "fail"\n'
SHEETS = {
    "what counts": (ENTRY, 0, "1 entry counts, 0 are not filled in"),
    "what is empty": ('[[result]]\nverdict = ""\n', 0, "0 entries count, 1 is not filled in"),
    "what does not count": (ENTRY.replace('"cam"', '"camera"'), 2, "walk.toml:1: result[0]: no asset has the id 'camera'"),
    "a check that is not shipped": (ENTRY.replace("telnet_service", "telnet"), 2, "walk.toml:1: no shipped check 'device.telnet'"),
    "what cannot be read": ("[[result", 2, "walk.toml:1: is not TOML"),
}


@pytest.mark.parametrize("case", SHEETS)
def test_filled_in_sheets_are_looked_at_before_an_audit(case: str, call: Call, rig: Path) -> None:
    text, code, words = SHEETS[case]
    rig.write_text(rig.read_text() + '[[manual]]\npath = "walk.toml"\n')
    (rig.parent / "walk.toml").write_text(text)
    ended = call("declare", "check", rig)
    assert (ended.code, words in ended.out) == (code, True), ended.out
    [looked] = call("declare", "check", rig, "--json").json
    assert (looked["path"], bool(looked["problems"])) == (str(rig.parent / "walk.toml"), code == 2)


def test_two_sheets_of_one_name_are_told_apart(call: Call, rig: Path) -> None:
    rig.write_text(rig.read_text() + '[[manual]]\npath = "*/walk.toml"\n')
    for folder, text in {"north": ENTRY, "south": "[[result"}.items():
        (rig.parent / folder).mkdir()
        (rig.parent / folder / "walk.toml").write_text(text)
    said = call("declare", "check", rig).out
    assert "north/walk.toml: 1 entry counts" in said and "south/walk.toml: 0 entries count" in said


def test_a_rig_without_sheets_is_said(call: Call, rig: Path) -> None:
    ended = call("declare", "check", rig)
    assert (ended.code, "names no sheet" in ended.out) == (0, True)

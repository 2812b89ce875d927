"""What the caller got wrong: one message that names the place and the remedy, exit code 2, never a trace."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.cli.options import FORMATS
from plumbline.report.registry import formats
from tests.cli.conftest import RIG, Call

CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "no such command": ("nope", ("No such command 'nope'", "--help")),
    "no such option": ("rig check RIG --jason", ("No such option: --jason",)),
    "an argument is missing": ("audit", ("Missing argument 'RIG'",)),
    "an option is missing": ("audit RIG", ("Missing option '--output'",)),
    "an unknown severity": ("audit RIG -o NEW --fail-on some", ("--fail-on", "'critical'")),
    "no such rig file": ("rig check MISSING", ("MISSING: cannot be read: No such file", "`plumbline rig init`")),
    "a folder as rig file": ("rig check HERE", ("cannot be read: Is a directory",)),
    "a rig file with two mistakes": ("rig check WRONG", ("error: wrong.toml:2: rig.colour", "error: wrong.toml:1: rig.id")),
    "an audit of a wrong rig file": ("audit WRONG -o NEW", ("wrong.toml:2",)),
    "a rig file that exists already": ("rig init RIG", ("RIG: exists already (name another file)",)),
    "a rig file in a folder that does not exist": ("rig init MISSING/rig.toml", ("cannot be written", "make its folder first")),
    "a key that does not exist": ("rig sign RIG --key MISSING --signer me", ("MISSING: cannot be read", "openssl genpkey")),
    "a key that is none": ("rig sign RIG --key RIG --signer me", ("RIG: the key cannot be read", "Ed25519")),
    "a key without an end": ("rig sign RIG --key /dev/zero --signer me", ("/dev/zero: is larger than 65536 bytes",)),
    "OUT is a file": ("audit RIG -o RIG", ("--output: RIG is a file, not a folder",)),
    "OUT is below a file": ("collect RIG -o RIG/bundle", ("RIG is a file, not a folder",)),
    "OUT holds a bundle": (
        "audit RIG -o FULL",
        ("FULL: holds a bundle already", "FULL/bundle --resume", "plumbline assess FULL/bundle -o FULL"),
    ),
    "a re-test into the audit that it looks at again": ("retest HERE RIG -o HERE", ("HERE: is the audit that is looked at again",)),
    "an assessment into its bundle": ("assess BUNDLE -o BUNDLE", ("BUNDLE: is the evidence itself",)),
    "an assessment within its bundle": ("assess BUNDLE -o BUNDLE/out", ("BUNDLE/out: lies in the evidence",)),
    "the demo's OUT holds a bundle": ("demo -o FULL", ("FULL: holds a bundle already", "name another folder")),
    "BUNDLE is not empty": ("collect RIG -o FULL", ("FULL: the folder is not empty", "--resume")),
    "nothing to resume": ("collect RIG -o MISSING --resume", ("MISSING: not a bundle",)),
    "no such bundle": ("assess MISSING -o NEW", ("MISSING: not a bundle", "name the folder that `collect` wrote")),
    "a file as bundle": ("assess RIG -o NEW", ("RIG: not a bundle",)),
    "a bundle of nonsense": ("assess NONSENSE -o NEW", ("NONSENSE: manifest.json cannot be read",)),
    "a bundle of another format": ("assess OLD -o NEW", ("OLD: not a bundle of format 1",)),
    "a bundle without sessions": ("assess HEADLESS -o NEW", ("HEADLESS: manifest.json",)),
    "resuming a bundle without sessions": ("collect RIG -o HEADLESS --resume", ("HEADLESS",)),
    "resuming a bundle of another rig": ("collect MINE/rig.toml -o BUNDLE --resume", ("BUNDLE: this bundle is of another rig than mine",)),
    "a date that is none": ("assess FULL -o NEW --as-of Tuesday", ("--as-of", "%Y-%m-%d")),
    "no such folder of checks": ("assess BUNDLE -o NEW --checks MISSING", ("MISSING: holds no checks", "<layer>/<name>.toml")),
    "no assessment": ("report HERE", ("HERE: holds no assessment", "`assess`")),
    "a plan that is no JSON": ("updates verify RIG HERE", ("RIG: not JSON: Expecting value, line 1 column 2 (name what",)),
    "a plan without an end": ("updates verify /dev/zero HERE", ("/dev/zero: is larger than 256 MB",)),
    "no such OUT": ("report MISSING", ("MISSING: holds no assessment",)),
    "an unknown format": (
        "report HERE --format html,docx",
        ("--format: no report format 'docx'", "choose from csaf, csv, cyclonedx"),
    ),
    "no format": ("report HERE --format ,", ("--format: names no format",)),
    "reports into a file": ("report HERE --to RIG", ("--to: RIG is a file",)),
    "nothing runs into this bundle": ("stop HERE", ("HERE: no collection is running into this bundle",)),
    "an unknown check": ("checks show device.telnet_servce", ("no check 'device.telnet_servce'", "did you mean device.telnet_service")),
    "no checks to test": ("checks test MISSING", ("MISSING: no check files there",)),
    "a base outside loopback": ("lab truth --base 10.0", ("--base: '10.0'", "127.20")),
    "an unknown switch": ("lab truth --safe camera.telnet", ("--safe: no switch 'camera.telnet'", "did you mean camera.telnet_open")),
    "the lab over a rig file of one's own": ("lab up MINE", ("MINE/rig.toml: is a rig file of yours",)),
}


@pytest.fixture
def places(tmp_path: Path, passive: Callable[..., Path]) -> dict[str, Path]:
    found = {name: tmp_path / name.lower() for name in ("MISSING", "NEW", "NONSENSE", "OLD", "FULL", "MINE", "BUNDLE", "HEADLESS")}
    found |= {"HERE": tmp_path, "RIG": passive(), "WRONG": tmp_path / "wrong.toml"}
    found["WRONG"].write_text('[rig]\ncolour = "red"\n')
    for name, text in {"NONSENSE": "{", "OLD": '{"format": 0}', "FULL": "{}"}.items():
        (found[name] / "bundle").mkdir(parents=True)
        (found[name] / "manifest.json").write_text(text)
        (found[name] / "bundle" / "manifest.json").write_text(text)
    found["MINE"].mkdir()
    (found["MINE"] / "rig.toml").write_text(RIG.format(intrusion="passive", rate=1).replace('"small"', '"mine"'))
    session = {"id": "s", "started_at": "2026-11-20T12:00:00Z", "ended_at": "2026-11-20T13:00:00Z", "complete": True, "notes": []}
    for name, more in {
        "BUNDLE": {"sessions": [session], "rig": {"id": "small"}, "files": {}},
        "HEADLESS": {"rig": {"id": "small"}},
    }.items():
        found[name].mkdir()
        (found[name] / "manifest.json").write_text(json.dumps({"format": 1, **more}))
    return found


@pytest.mark.parametrize(("line", "expected"), CASES.values(), ids=CASES)
def test_wrong_usage(call: Call, places: dict[str, Path], line: str, expected: tuple[str, ...]) -> None:
    words = []
    for word in line.split():
        name, _, rest = word.partition("/")
        words.append(str(places[name] / rest) if name in places else word)
    ended = call(*words)
    said = ended.err
    for name, path in sorted(places.items(), key=lambda item: -len(str(item[1]))):
        said = said.replace(str(path), name)
    assert ended.code == 2, ended
    assert ended.out == ""
    assert "Traceback" not in said
    for part in expected:
        assert part in said
    assert not places["NEW"].exists()


def test_a_folder_that_may_not_be_written(call: Call, passive: Callable[..., Path], tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    try:
        (closed / "try").mkdir()
    except PermissionError:
        ended = call("audit", passive(), "-o", closed / "out")
        assert ended.code == 2
        assert f"--output: {closed} cannot be written by you" in ended.err
    else:
        pytest.skip("root may write everywhere")


def test_errors_of_files_cannot_move_the_cursor(call: Call, tmp_path: Path) -> None:
    ended = call("rig", "check", tmp_path / "\x1b[2Jx")
    assert "\x1b" not in ended.err
    assert "\\x1b[2Jx: cannot be read" in ended.err


@pytest.mark.parametrize("words", [(), ("rig",), ("checks",), ("lab",)], ids=["plumbline", "rig", "checks", "lab"])
def test_no_command_shows_the_help(call: Call, words: tuple[str, ...]) -> None:
    ended = call(*words)
    assert ended.code == 2
    assert "Commands:" in ended.err


COMMANDS = (
    *("demo", "audit", "collect", "stop", "assess", "report", "rig init", "rig check", "rig sign"),
    *("checks list", "checks show", "checks test", "lab up", "lab truth", "updates status", "updates plan", "updates verify"),
    *("feeds import", "feeds status", "feeds sync", "catalogue import", "catalogue search", "catalogue show", "hostkit"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_json(call: Call, command: str) -> None:
    ended = call(*command.split(), "--help")
    assert ended.code == 0
    assert "--json" in ended.out
    assert ended.out.startswith(f"Usage: plumbline {command} [OPTIONS]")


def test_the_help_fits_80_columns_and_shortens_no_line(call: Call) -> None:
    for command in ("", *COMMANDS, "rig", "checks", "lab", "feeds", "catalogue", "updates"):
        lines = call(*command.split(), "--help").out.splitlines()
        assert max(map(len, lines)) <= 80, command
        assert not any(line.endswith("...") for line in lines if not line.startswith("Usage:")), command


def test_the_version(call: Call) -> None:
    ended = call("--version")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("plumbline 0.")


def test_help_names_every_format() -> None:
    assert FORMATS.split(", ") == list(formats())

"""The chain of the contact log: what breaks it, what a killed run leaves, and how sessions join."""

from __future__ import annotations

import json
import resource
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.model.errors import EnvironmentFault, InputError
from plumbline.net.contacts import ContactLog, verify
from tests.net.rigs import FakeClock


def write(log: ContactLog, count: int = 1, **fields: object) -> None:
    for number in range(count):
        values = {
            "address": "10.0.0.1",
            "port": number,
            "transport": "tcp",
            "why": "probe",
            "permit": "NW-1/x/tcp",
            "intrusion": "query",
            "outcome": "ok",
        }
        log.write("connect", **(values | fields))  # type: ignore[arg-type]


def session(path: Path, count: int) -> ContactLog:
    with ContactLog(path, FakeClock(), header={"rig": "bench"}) as log:
        write(log, count)
        return log


def test_a_whole_log(tmp_path: Path) -> None:
    path = tmp_path / "contacts.jsonl"
    session(path, 3)
    found = verify(path)
    assert (found.lines, found.sessions, found.broken_line, found.cut_lines) == (4, 1, None, ())
    header, first, *_ = map(json.loads, path.read_text().splitlines())
    assert header["event"] == "session"
    assert header["rig"] == "bench"
    assert header["prev"] == ""
    assert first["entity"] == "host:/10.0.0.1"
    assert first["prev"] == header["hash"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_empty_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "contacts.jsonl"
    path.touch()
    assert verify(path).broken_line is None


def test_durations_and_both_clocks(tmp_path: Path) -> None:
    path, clock = tmp_path / "contacts.jsonl", FakeClock()
    with ContactLog(path, clock) as log:
        began = log.stamp()
        clock.pass_s(0.25)
        write(log, began=began)
    line = json.loads(path.read_text().splitlines()[-1])
    assert line["duration_us"] == 250_000
    assert line["mono_ns"] == 0
    assert line["at"] == "2026-11-20T12:00:00.000000+00:00"


def edited(line: bytes) -> bytes:
    return line.replace(b'"outcome":"ok"', b'"outcome":"no"')


DAMAGE: list[tuple[str, Callable[[list[bytes]], list[bytes]], int]] = [
    ("a line edited", lambda lines: [*lines[:2], edited(lines[2]), *lines[3:]], 3),
    ("a line removed", lambda lines: [*lines[:2], *lines[3:]], 3),
    ("two lines swapped", lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 2),
    ("a line doubled", lambda lines: [*lines[:3], lines[2], *lines[3:]], 4),
    ("the header removed", lambda lines: lines[1:], 1),
    ("garbage in between", lambda lines: [*lines[:2], b"\xff\x00{", *lines[2:]], 3),
    ("a nest of brackets", lambda lines: [*lines[:2], b"[" * 20_000, *lines[2:]], 3),
    ("another JSON value", lambda lines: [*lines[:2], b"[1]", *lines[2:]], 3),
    ("not a number", lambda lines: [*lines[:2], b'{"seq":NaN,"hash":"x"}', *lines[2:]], 3),
    ("an empty line", lambda lines: [*lines[:2], b"", *lines[2:]], 3),
    ("the last line edited", lambda lines: [*lines[:-1], edited(lines[-1])], 5),
]


@pytest.mark.parametrize(("damage", "line"), [case[1:] for case in DAMAGE], ids=[case[0] for case in DAMAGE])
def test_tells_the_first_broken_line(tmp_path: Path, damage: Callable[[list[bytes]], list[bytes]], line: int) -> None:
    path = tmp_path / "contacts.jsonl"
    session(path, 4)
    path.write_bytes(b"".join(each + b"\n" for each in damage(path.read_bytes().splitlines())))
    found = verify(path)
    assert found.broken_line == line
    assert found.reason
    with pytest.raises(InputError, match=f"broken at line {line}"):
        ContactLog(path, FakeClock())


def test_a_session_added_by_someone_else_is_seen(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    session(mine, 2)
    session(theirs, 2)
    mine.write_bytes(mine.read_bytes() + theirs.read_bytes())
    assert verify(mine).broken_line == 4


def test_sessions_form_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "contacts.jsonl"
    session(path, 2)
    last = verify(path).last_hash
    second = session(path, 2)
    assert second.session == 2
    assert second.cut_line is None
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[3]["event"] == "session"
    assert lines[3]["prev"] == last
    assert [line["seq"] for line in lines] == list(range(6))
    assert verify(path).sessions == 2


@pytest.mark.parametrize("kept", [1, 40, -1], ids=["one byte", "forty bytes", "all but the newline"])
def test_a_killed_run(tmp_path: Path, kept: int) -> None:
    """Whatever part of the last line is left, the next session goes on from the last whole one and says so."""
    path = tmp_path / "contacts.jsonl"
    session(path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:kept])
    whole = kept == -1
    for run in (1, 2):  # and again: the cut line is named once
        log = session(path, 2)
        assert log.session == run + 1
        assert log.cut_line == (4 if run == 1 and not whole else None)
        found = verify(path)
        assert found.broken_line is None
        assert found.cut_lines == (() if whole else (4,))
        assert found.lines == 4 + 3 * run


def test_two_runs_killed(tmp_path: Path) -> None:
    path = tmp_path / "contacts.jsonl"
    for run in range(3):
        session(path, 2)
        if run < 2:
            path.write_bytes(path.read_bytes()[:-30])
    found = verify(path)
    assert found.broken_line is None
    assert found.cut_lines == (3, 6)
    assert found.sessions == 3


def test_a_cut_line_in_the_middle_is_no_excuse(tmp_path: Path) -> None:
    """A header that names a cut line must stand right behind it."""
    path = tmp_path / "contacts.jsonl"
    session(path, 2)
    path.write_bytes(path.read_bytes()[:-30])
    session(path, 2)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    assert verify(path).broken_line == 3


def test_one_writer_only(tmp_path: Path) -> None:
    path = tmp_path / "contacts.jsonl"
    with ContactLog(path, FakeClock()), pytest.raises(InputError, match="another run is writing here"):
        ContactLog(path, FakeClock())


def test_hostile_text_stays_in_its_line(tmp_path: Path) -> None:
    path = tmp_path / "contacts.jsonl"
    with ContactLog(path, FakeClock()) as log:
        write(log, why='x"\n{"event":"session"}\u2028', detail="\x00" * 5000)
    assert verify(path).lines == 2
    assert verify(path).broken_line is None


def test_a_full_disk_stops_everything(tmp_path: Path) -> None:
    with ContactLog(tmp_path / "contacts.jsonl", FakeClock()) as log:
        full = Path("/dev/full").open("wb")  # noqa: SIM115 - its descriptor takes the place of the log's
        log._fd, kept = full.fileno(), log._fd
        with pytest.raises(EnvironmentFault, match="nothing more is sent"):
            write(log)
        log._fd = kept
        full.close()


def test_a_line_that_a_full_disk_cut_is_the_last_of_its_session(tmp_path: Path) -> None:
    """Where room comes free again, nothing is glued to the cut line: a resumed run finds its chain whole."""
    path = tmp_path / "contacts.jsonl"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with ContactLog(path, FakeClock()) as log:
        write(log)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, hard))
        try:
            with pytest.raises(EnvironmentFault, match="nothing more is sent"):
                write(log)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        with pytest.raises(EnvironmentFault, match="nothing more is sent"):
            write(log)
    session(path, 2)
    found = verify(path)
    assert (found.broken_line, found.sessions, found.cut_lines) == (None, 2, (3,))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="cannot be opened"):
        ContactLog(tmp_path / "none" / "contacts.jsonl", FakeClock())

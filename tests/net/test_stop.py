"""How runs are found and asked to end, and that a process is never taken for another."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from plumbline.model.errors import InputError, StoppedError
from plumbline.net.stop import RUNNING, Registration, StopFlag, request_stop, state_folder


def test_the_flag_keeps_its_first_reason() -> None:
    flag = StopFlag()
    flag.check()
    flag.set("first")
    flag.set("second")
    with pytest.raises(StoppedError, match=r"^first$"):
        flag.check()


@pytest.mark.parametrize("named", [True, False], ids=["by bundle", "every run"])
def test_a_run_is_asked_to_end(tmp_path: Path, named: bool) -> None:
    bundle, state = tmp_path / "bundle", tmp_path / "state"
    with Registration(bundle, state) as flag:
        flag.check()
        asked = request_stop(bundle if named else None, state, reason="enough for today")
        assert [(run.bundle, run.pid) for run in asked] == [(bundle.resolve(), os.getpid())]
        with pytest.raises(StoppedError, match="enough for today"):
            flag.check()
    assert not (bundle / RUNNING).exists()
    assert request_stop(None, state) == []


def test_two_runs(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with Registration(tmp_path / "a", state) as first, Registration(tmp_path / "b", state) as second:
        request_stop(tmp_path / "b", state)
        first.check()
        with pytest.raises(StoppedError):
            second.check()
        assert len(request_stop(None, state)) == 2


def test_one_run_per_bundle(tmp_path: Path) -> None:
    with Registration(tmp_path / "a", tmp_path / "state"), pytest.raises(InputError, match="is collecting into this bundle"):
        Registration(tmp_path / "a", tmp_path / "state").__enter__()


def test_nothing_runs_here(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no collection is running"):
        request_stop(tmp_path / "a", tmp_path / "state")


@pytest.mark.parametrize(
    "entry",
    [
        json.dumps({"pid": 1, "started": 1, "bundle": "x"}),
        json.dumps({"pid": os.getpid(), "started": 12345, "bundle": "x"}),
        json.dumps({"pid": 2**30, "started": 1, "bundle": "x"}),
        "{",
        "[]",
        "",
    ],
    ids=["another process", "our id, another start", "no such process", "cut short", "not an object", "empty"],
)
def test_a_dead_entry_is_cleared(tmp_path: Path, entry: str) -> None:
    bundle, state = tmp_path / "a", tmp_path / "state"
    dead = Registration(bundle, state)
    dead.__enter__()
    (bundle / RUNNING / "run.json").write_text(entry)
    assert request_stop(None, state) == []
    assert not list((state / RUNNING).iterdir())
    with Registration(bundle, state) as flag:  # and a new run may begin
        flag.check()


def test_an_old_request_does_not_end_a_new_run(tmp_path: Path) -> None:
    (tmp_path / "a" / RUNNING).mkdir(parents=True)
    (tmp_path / "a" / RUNNING / "stop").write_text("last week")
    with Registration(tmp_path / "a", tmp_path / "state") as flag:
        flag.check()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_set_the_flag(number: signal.Signals) -> None:
    flag, before = StopFlag(), signal.getsignal(number)
    with flag.on_signals():
        os.kill(os.getpid(), number)
        while flag.reason is None:
            await asyncio.sleep(0)
        assert flag.reason == f"stopped by {number.name}"
        assert signal.getsignal(number) is before  # the second one does what it always does


def test_signals_that_are_ignored_stay_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        flag = StopFlag()
        with flag.on_signals():
            os.kill(os.getpid(), signal.SIGINT)
        assert flag.reason is None
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_signals_are_as_before_when_the_run_is_over() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopFlag().on_signals():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_STATE_HOME": "/var/state"}, Path("/var/state/plumbline")),
        ({"XDG_STATE_HOME": "relative"}, Path.home() / ".local/state/plumbline"),
        ({}, Path.home() / ".local/state/plumbline"),
    ],
    ids=["named", "a relative one is ignored", "not named"],
)
def test_state_folder(environment: dict[str, str], expected: Path) -> None:
    assert state_folder(environment) == expected

"""The command line, called in this process (messages, exit codes) or as a process of its own (signals, pipes, whole flows)."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest

from plumbline.cli.exits import guarded
from plumbline.cli.main import app
from plumbline.lab.fleet import fleet
from plumbline.lab.rigfile import files
from plumbline.lab.switches import Switches

RIG = """[rig]
id = "small"
name = "A small rig"
owner = "Northwind"

[authorisation]
reference = "NW-1"
granted_by = "the test"
emergency_contact = "nobody"
valid_from = 2026-01-01T00:00:00Z
valid_until = 2099-01-01T00:00:00Z
networks = ["127.0.0.0/8"]
intrusion = "{intrusion}"
exchanges_per_second = {rate}
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Ended]


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Give a function that runs a command line in this process."""

    def run(*words: object) -> Ended:
        capsys.readouterr()
        code = guarded(lambda: app([str(word) for word in words], prog_name="plumbline"))
        return Ended(code, *capsys.readouterr())

    return run


def start(*words: object, stdout: int | IO[str] = subprocess.PIPE, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """Start a command line as a process of its own."""
    line = [sys.executable, "-c", "from plumbline.cli.main import run; run()", *map(str, words)]
    return subprocess.Popen(line, stdout=stdout, stderr=stderr, text=True)


def end(process: subprocess.Popen[str]) -> Ended:
    out, err = process.communicate(timeout=60)
    return Ended(process.returncode, out, err)


def read_until(process: subprocess.Popen[str], word: str) -> None:
    """Read the progress of a process until a line holds a word; fails when it ends before."""
    assert process.stderr is not None
    for line in process.stderr:
        if word in line:
            return
    pytest.fail(f"ended before it said {word!r}")


@pytest.fixture(scope="session")
def supplied() -> dict[str, bytes]:
    """The files of the lab: `harbour` is the weak side, `terminal` the hardened one."""
    return files(fleet(Switches(), datetime(2026, 11, 20, 12, tzinfo=UTC)))


@pytest.fixture
def passive(tmp_path: Path, supplied: dict[str, bytes]) -> Callable[..., Path]:
    """Give a function that writes a rig of edge manifests alone: of the sides named, and of texts."""

    def write(*sides: str, manifest: str = "") -> Path:
        folder = tmp_path / "rig"
        folder.mkdir()
        text = RIG.format(intrusion="passive", rate=500)
        for side in sides:
            (folder / f"{side}.json").write_bytes(supplied[f"edge/{side}.json"])
            text += f'[[edge]]\nmanifest = "{side}.json"\n'
        if manifest:
            (folder / "other.json").write_text(manifest)
            text += '[[edge]]\nmanifest = "other.json"\n'
        (folder / "rig.toml").write_text(text)
        return folder / "rig.toml"

    return write

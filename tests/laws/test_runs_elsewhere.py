"""Assess, report and what only reads run where Windows and macOS run: a process that lacks what they lack gives the same ledger and files.

See `elsewhere` for what is taken away. Collecting stays with Linux.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from plumbline.assess.run import assess
from plumbline.report import registry
from tests.assess.making import write_bundle
from tests.laws import elsewhere
from tests.laws.bundles import ledger

ROOT = Path(__file__).parents[2]
REFUSED = re.compile(r'[<>:"/\\|?*\x00-\x1f]|[. ]$')  # by NTFS and the Win32 names above it
DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
TEXT = {".json", ".html", ".sarif", ".xml", ".jsonl"}


@dataclass(frozen=True)
class There:
    """A rig's bundle, the OUT of this machine, and the folder where the other one wrote its own."""

    bundle: Path
    here: Path
    out: Path

    def run(self, *command: str, expected: tuple[int, ...] = (0,)) -> str:
        """Run a command as it would run elsewhere; gives what it printed."""
        data = {"XDG_DATA_HOME": str(self.out.parent / "data"), "HOME": str(self.out.parent), "PATH": ""}
        ran = subprocess.run(
            [sys.executable, "-m", "tests.laws.elsewhere", *command], cwd=ROOT, env=data, capture_output=True, text=True, check=False
        )
        assert ran.returncode in expected, ran.stderr
        return ran.stdout


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> There:
    folder = tmp_path_factory.mktemp("elsewhere")
    made = There(write_bundle(folder / "bundle"), folder / "here", folder / "out")
    assess([made.bundle], made.here)
    made.run("assess", str(made.bundle), "-o", str(made.out), expected=(1, 3))
    made.run("report", str(made.out), "--format", ",".join(name for name in registry.formats() if name != "pdf"))
    return made


def test_the_ledger_is_the_same(there: There) -> None:
    said, here = (json.loads((out / "assessment.json").read_text(encoding="utf-8")) for out in (there.out, there.here))
    assert said["ledger_digest"] == here["ledger_digest"]
    assert (there.out / "assessment.json").read_bytes() == (there.here / "assessment.json").read_bytes()
    assert ledger(there.out) == ledger(there.here)


@pytest.mark.full
def test_every_report_has_the_same_bytes(there: There, tmp_path: Path) -> None:
    for name, unit in registry.formats().items():
        if name == "pdf":
            continue
        registry.write(name, there.here, tmp_path)
        for file in unit.files:
            if Path(file).suffix != ".xlsx":  # an archive, with times of its own
                assert (file, (there.out / file).read_bytes()) == (file, (tmp_path / file).read_bytes())


def test_text_has_the_same_line_ends_everywhere(there: There) -> None:
    texts = [path for path in there.out.rglob("*") if path.suffix in TEXT]
    assert texts
    assert [path.name for path in texts if b"\r" in path.read_bytes()] == []


def test_no_name_is_one_that_windows_refuses(there: There) -> None:
    parts = {part for folder in (there.bundle, there.out) for path in folder.rglob("*") for part in path.relative_to(folder).parts}
    assert len(parts) > 20
    assert sorted(part for part in parts if REFUSED.search(part) or DEVICES.fullmatch(part)) == []
    assert len({part.casefold() for part in parts}) == len(parts)


@pytest.mark.full
def test_what_only_reads_runs_too(there: There) -> None:
    assert "still open" in there.run("diff", str(there.here), str(there.out))
    assert there.run("trends", str(there.here), str(there.out))
    assert "owasp-isvs-1.0" in there.run("standards", "list")
    assert "device.telnet_service" in there.run("checks", "list")


@pytest.mark.full
def test_a_seal_holds_there(there: There) -> None:
    there.run("seal", str(there.out))
    assert "Nothing has changed" in there.run("verify", str(there.out))


@pytest.mark.parametrize(
    "text", ["import fcntl", "from os import posix_fallocate", "import os; os.geteuid()", "import signal as s; s.SIGKILL", "import pwd"]
)
def test_what_windows_lacks_is_really_taken_away(text: str) -> None:
    program = f"from tests.laws import elsewhere; elsewhere.take_away(); exec({text!r}, {{'__name__': 'plumbline.some'}})"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "on Windows" in ran.stderr or "cannot import name" in ran.stderr


def test_a_file_that_is_open_is_seen(tmp_path: Path) -> None:
    if not elsewhere.HANDLES.is_dir():
        pytest.skip("/proc/self/fd is not there, so open files cannot be seen")
    program = (
        "import os, sys; from tests.laws import elsewhere; elsewhere.refuse_what_is_open();"
        "held = open(sys.argv[1], 'wb'); os.replace(sys.argv[1], sys.argv[1] + '.new')"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(tmp_path / "held")], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, "Windows refuses" in ran.stderr) == (99, True)

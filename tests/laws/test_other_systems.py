"""Judging and reporting run where Linux's own modules are not: what only Linux has is refused here, and the path does without.

What this cannot show is how another system behaves; it shows that nothing on the path asks for what that system has not.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from plumbline.report.registry import formats
from tests.assess.making import write_bundle

# Modules of CPython that Windows has not (docs.python.org, "Availability"), and some names of `os`.
ABSENT = ("fcntl", "grp", "pwd", "resource", "termios", "pty", "tty", "syslog", "crypt", "readline", "curses")
WITHOUT = ("O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "O_CLOEXEC", "geteuid", "getuid", "fork", "setsid", "killpg")
NATIVE = {"pdf"}  # WeasyPrint needs Pango, which each system brings in its own way
PROGRAM = """
import os, sys
absent, without = {absent!r}, {without!r}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {{name!r}} on this system", name=name)

for name in absent:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Refuse())
for name in without:
    if hasattr(os, name):
        delattr(os, name)

from pathlib import Path
from plumbline.assess import assess
from plumbline.report.loading import load
from plumbline.report.registry import write

out = Path({out!r})
assess([out / "bundle"], out)
view = load(out)
for word in {words!r}:
    for path in write(word, out, report=view):
        print(path.name)
"""


def test_assess_and_report_need_nothing_that_only_linux_has(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_bundle(out / "bundle")
    words = [word for word in formats() if word not in NATIVE]
    program = PROGRAM.format(absent=ABSENT, without=WITHOUT, out=str(out), words=words)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [name for word in words for name in formats()[word].files]


@pytest.mark.full
def test_the_command_line_loads_without_it_too() -> None:
    program = PROGRAM.partition("from pathlib")[0].format(absent=ABSENT, without=WITHOUT)
    program += "import plumbline.cli.main, plumbline.cli.assess\nplumbline.cli.main.app(['assess', '--help'], prog_name='plumbline')\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "--baseline" in done.stdout

"""One judged rig for all tests here: writing and judging it takes longer than reading it."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.report.data import Report
from plumbline.report.loading import load
from tests.report import harbour

HOSTILE = "=cmd|' /C calc'!A0<script>alert(1)</script>\"'>\u202egnp.exe\x1b[31m{{7*7}}"


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The harbour, judged into OUT."""
    return harbour.judged(tmp_path_factory.mktemp("harbour") / "out")


@pytest.fixture(scope="session")
def report(out: Path) -> Report:
    """The view of the harbour."""
    return load(out)


@pytest.fixture(scope="session")
def hostile_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The harbour where every device says what no report should believe, and the collection ended early."""
    return harbour.judged(tmp_path_factory.mktemp("hostile") / "out", words=HOSTILE, complete=False)

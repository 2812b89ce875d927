"""One judged rig for all tests here: writing and judging it takes longer than reading it."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.report.data import Report
from plumbline.report.loading import load
from tests.report import harbour, matched

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


OVERLAID = "gateway.broker_accepts_anonymous"  # waived in `overlaid`
MISTAKEN = "device.admin_page_without_login"  # called a false positive there


@pytest.fixture(scope="session")
def overlaid(out: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The harbour where one check's findings are waived, one's are called false positives, and a waiver has ended."""
    folder = tmp_path_factory.mktemp("overlaid")
    (folder / "waivers.toml").write_text(
        f"""
        [[waiver]]
        id = "w-1"
        check = "{OVERLAID}"
        owner = "Head of operations"
        reason = "The broker is replaced in spring <b>."
        from = 2026-11-01
        until = 2027-03-31
        [[waiver]]
        id = "w-2"
        check = "device.*"
        owner = "Head of operations"
        reason = "Was to be mended by October."
        from = 2026-01-01
        until = 2026-10-31
        """
    )
    (folder / "review.toml").write_text(
        f"""
        [[review]]
        check = "{MISTAKEN}"
        action = "false_positive"
        who = "A. Smith"
        why = "It is a honeypot of ours."
        until = 2027-05-31
        """
    )
    return load(out, waivers=folder / "waivers.toml", reviews=folder / "review.toml")


@pytest.fixture(scope="session")
def matched_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Components with vulnerabilities in every state, judged into a folder `out` of this one."""
    return matched.assessed(tmp_path_factory.mktemp("matched"))

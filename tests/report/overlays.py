"""Waivers and reviews of the harbour: one finding is borne, one is no finding."""

from __future__ import annotations

from pathlib import Path

WAIVER = """[[waiver]]
id = "w-1"
check = "device.admin_page_without_login"
owner = "=Head of operations"
reason = "The printer is replaced in spring. [press](javascript:alert(1))"
from = 2026-11-01
until = 2026-12-31
"""
REVIEW = """[[review]]
check = "gateway.*"
action = "false_positive"
who = "A. Auditor"
why = "The broker is not the rig's."
until = 2026-12-31
"""


def waivers(folder: Path) -> Path:
    path = folder / "waivers.toml"
    path.write_text(WAIVER)
    return path


def reviews(folder: Path) -> Path:
    path = folder / "review.toml"
    path.write_text(REVIEW)
    return path

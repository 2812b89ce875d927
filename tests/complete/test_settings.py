"""How fast the machine is decides no test: no test undoes what the suite sets for Hypothesis (STYLE 19)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).resolve().parents[1]
USERS = [path for path in sorted(TESTS.rglob("*.py")) if "hypothesis" in path.read_text(encoding="utf-8")]


def undone(source: str) -> list[str]:
    """Give what a source sets so that a slow machine fails it: a deadline, or a list of suppressed checks without that of slowness."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("settings")]
    words = [(word.arg, ast.unparse(word.value)) for call in calls for word in call.keywords]
    return [
        f"{name}={value}"
        for name, value in words
        if (name == "deadline" and value != "None")
        or (name == "suppress_health_check" and "too_slow" not in value and value != "list(HealthCheck)")
    ]


@pytest.mark.parametrize("path", USERS, ids=lambda path: path.relative_to(TESTS).as_posix())
def test_no_test_undoes_the_settings_of_the_suite(path: Path) -> None:
    assert undone(path.read_text(encoding="utf-8")) == []


def test_what_undoes_them_is_found() -> None:
    source = "@settings(deadline=500)\ndef f(): ...\nFEW = hypothesis.settings(suppress_health_check=[HealthCheck.filter_too_much])"
    assert undone(source) == ["deadline=500", "suppress_health_check=[HealthCheck.filter_too_much]"]


def test_without_settings_of_its_own_no_test_is_timed() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check

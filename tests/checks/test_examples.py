"""The runner of examples, from the command line and from its parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.checks.examples import main
from tests.checks.making import BASE

TEXT = BASE.read_text(encoding="utf-8")


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "gateway" / "mine.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_good_file_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([written(tmp_path, TEXT)]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("another verdict", "anonymous_accepted = true", "anonymous_accepted = false", "expected fail, got pass"),
        (
            "another reason",
            'reason = "protocol_error"',
            'reason = "timeout"',
            "expected inconclusive timeout, got inconclusive protocol_error",
        ),
        (
            "a row too many",
            '  { asset = "b", subject = "tcp/1883", verdict = "inconclusive", reason = "timeout" },\n',
            "",
            "expected no row, got inconclusive timeout",
        ),
        (
            "a row too few",
            'expect = [{ asset = "a", subject = "tcp/1883", verdict = "fail" }]',
            'expect = [{ asset = "a", subject = "tcp/1883", verdict = "fail" }, { asset = "z", verdict = "fail" }]',
            "asset 'z', subject '': expected fail, got no row",
        ),
        ("a value of the wrong type", "return_code = 5", 'return_code = "5"', "does not fit"),
        ("a query that cannot be read", "from mqtt_broker", "from mqtt_brokers", "starts from mqtt_brokers"),
        ("a form that is wrong", 'effort = "hours"\n', "", "effort: missing"),
    ],
)
def test_what_differs_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, old: str, new: str, words: str) -> None:
    assert old in TEXT
    assert main([written(tmp_path, TEXT.replace(old, new))]) == 1
    assert words in capsys.readouterr().out


def test_an_empty_folder_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert "no check files there" in capsys.readouterr().out

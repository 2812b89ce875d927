"""report.json: the whole view, in ASCII, read back as it was written."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.report.data import Report
from plumbline.report.json import VERSION, render, write
from tests.report import rigs

SMALL = rigs.rig(3, 4)


def test_it_holds_the_view(report: Report) -> None:
    said = json.loads(render(report))
    assert said["format"] == VERSION
    assert said["tally"] == {
        "failed": report.tally.failed,
        "inconclusive": report.tally.inconclusive,
        "passed": report.tally.passed,
        "not_applicable": report.tally.not_applicable,
    }
    assert said["head"]["as_of"] == "2026-11-21T03:40:00Z"
    assert [action["recommendation"] for action in said["actions"]] == [action.recommendation for action in report.actions]
    assert said["assets"][0]["layers"].keys() == {layer.value for layer in report.assets[0].layers}


@settings(max_examples=25)
@given(st.text(alphabet=st.characters(categories=None), min_size=1))
def test_any_text_comes_back_and_nothing_but_ascii_is_written(words: str) -> None:
    text = render(rigs.every_text(SMALL, lambda given: given and words))
    assert text.isascii()
    assert json.loads(text)["head"]["rig_name"] == words


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    [path] = write(SMALL, tmp_path, tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600

"""Where an assessment is not of its form is named; what fits, and what a later release adds, is passed over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plumbline.assess.misfit import misfit
from tests.report import harbour


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return (harbour.judged(tmp_path_factory.mktemp("misfit") / "out") / "assessment.json").read_text()


def test_an_assessment_fits_and_so_does_one_with_more(text: str) -> None:
    said = json.loads(text)
    assert misfit(said) is None
    said["later"], said["checks"][0]["later"] = 1, 2
    assert misfit(said) is None


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("format",), None, "the whole has no format"),
        (("counts", "fail"), None, "counts has no fail"),
        (("counts", "fail"), True, "counts.fail is no integer"),
        (("counts", "fail"), 1.5, "counts.fail is no integer"),
        (("counts", "reasons", "timeout"), "x", "counts.reasons.timeout is no integer"),
        (("checks", 0, "score"), [], "checks[0].score is no number"),
        (("checks", 1, "layer"), "moon", "checks[1].layer is none of device"),
        (("assets",), {}, "assets is no array"),
        (("assets", 0, "kinds"), [1], "assets[0].kinds[0] is no string"),
    ],
)
def test_the_place_is_named(text: str, place: tuple[Any, ...], value: object, said: str) -> None:
    whole = json.loads(text)
    entry = whole
    for step in place[:-1]:
        entry = entry[step]
    if value is None:
        del entry[place[-1]]
    else:
        entry[place[-1]] = value
    assert (misfit(whole) or "").startswith(said)

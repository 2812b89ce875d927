"""What bundles say together: a network of the rig of which none of them tells was not looked at, and is not passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plumbline.assess.run import assess
from plumbline.cli.exits import Exit, exit_of
from plumbline.model.words import Outcome, Severity
from tests.assess.making import RIG, write_bundle

NETWORKS = '[standards]\nassess = ["uk-psti-2023"]\n[[network]]\nname = "n"\nsite = "s"\n[[network]]\nname = "other"\n'
SWEPT = ("network:s/n", "host", "", Outcome.OK, 0)
OTHER = ("network:/other", "host", "", Outcome.OK, 0)


def bundle(folder: Path, name: str, *coverage: tuple[str, str, str, Outcome, int]) -> Path:
    return write_bundle(folder / name, (), coverage, rig_text=RIG + NETWORKS)


def test_a_network_whose_bundle_was_not_given_is_said_to_be_unjudged(tmp_path: Path) -> None:
    one, two = bundle(tmp_path, "one", SWEPT), bundle(tmp_path, "two", OTHER)
    assessment = assess([one], tmp_path / "out")
    [unjudged] = assessment.unjudged_sources
    assert (unjudged.entity, unjudged.outcome) == ("network:/other", "not_attempted")
    assert exit_of(assessment, Severity.HIGH) == (Exit.INCOMPLETE, "a whole source or network went unjudged.")
    assert assess([one, two], tmp_path / "both").unjudged_sources == ()


def test_a_re_test_leaves_networks_out_and_says_so_itself(tmp_path: Path) -> None:
    one = bundle(tmp_path, "one", SWEPT)
    manifest = json.loads((one / "manifest.json").read_text())
    (one / "manifest.json").write_text(json.dumps({**manifest, "narrowed": True}))
    assert assess([one], tmp_path / "out").unjudged_sources == ()


@pytest.mark.parametrize("text", ["network = 3\n", 'network = ["n"]\n', "[[network]]\nname = 3\n", '[network]\nname = "n"\n'])
def test_networks_that_are_none_are_no_networks(tmp_path: Path, text: str) -> None:
    path = write_bundle(tmp_path / "b", (), [SWEPT], rig_text=text + RIG if text.startswith("network") else RIG + text)
    assert assess([path], tmp_path / "out").unjudged_sources == ()

"""What bundles say together: a network of the rig of which none of them tells was not looked at, and is not passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from plumbline.assess.run import assess
from plumbline.assess.union import BundleUnion
from plumbline.cli.exits import Exit, exit_of
from plumbline.evidence.bundle import Bundle
from plumbline.model.errors import InputError
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


def edited(path: Path, **more: object) -> Path:
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**manifest, **more}))
    return path


def test_what_was_asked_of_a_network_is_kept_where_its_sweep_came_to_its_end(tmp_path: Path) -> None:
    cut_short = ("network:/other", "host", "", Outcome.PARTIAL, 0)
    swept = {"ranges": {"network:s/n": ["10.0.0.0/24"], "network:/other": ["10.0.1.0/24"]}, "left_out": ["10.0.0.9/32"]}
    assess([edited(bundle(tmp_path, "one", SWEPT, cut_short), swept=swept)], tmp_path / "out")
    rows = pq.read_table(tmp_path / "out" / "looked.parquet").to_pylist()
    assert {row["table"]: (row["asset"], row["subjects"]) for row in rows if row["subjects"]} == {
        "address": ("network:s/n", ["10.0.0.0/24"]),
        "left_out": ("network:s/n", ["10.0.0.9/32"]),
    }


@pytest.mark.parametrize("swept", [3, {}, {"ranges": [], "left_out": []}, {"ranges": {"network:s/n": ["x"]}, "left_out": []}])
def test_a_manifest_that_says_nonsense_of_it_is_refused(tmp_path: Path, swept: object) -> None:
    with pytest.raises(InputError, match=r"manifest\.json: swept"):
        assess([edited(bundle(tmp_path, "one", SWEPT), swept=swept)], tmp_path / "out")


def test_a_re_test_leaves_networks_out_and_says_so_itself(tmp_path: Path) -> None:
    one = edited(bundle(tmp_path, "one", SWEPT), narrowed=True)
    assert assess([one], tmp_path / "out").unjudged_sources == ()


@pytest.mark.parametrize("text", ["network = 3\n", 'network = ["n"]\n', "[[network]]\nname = 3\n", '[network]\nname = "n"\n'])
def test_networks_that_are_none_are_no_networks(tmp_path: Path, text: str) -> None:
    path = write_bundle(tmp_path / "b", (), [SWEPT], rig_text=text + RIG if text.startswith("network") else RIG + text)
    assert assess([path], tmp_path / "out").unjudged_sources == ()


def test_a_session_that_names_no_time_zone_is_refused(tmp_path: Path) -> None:
    session = {"id": "a", "started_at": "2026-11-01T00:00:00Z", "ended_at": "2026-11-01T01:00:00", "complete": True, "notes": []}
    whole = {**session, "id": "b", "ended_at": "2026-11-01T02:00:00Z"}
    for n, sessions in enumerate(([session], [session, whole])):
        with pytest.raises(InputError, match="has no time zone"):
            assess([edited(bundle(tmp_path, f"b{n}", SWEPT), sessions=sessions)], tmp_path / "out")


def test_a_bundle_that_is_named_twice_counts_once_and_two_of_one_name_are_told_apart(tmp_path: Path) -> None:
    one, two = bundle(tmp_path / "x", "same", SWEPT), bundle(tmp_path / "y", "same", OTHER)
    named = BundleUnion([Bundle(one), Bundle(two), Bundle(one / ".." / "same")]).named
    assert {name: found.path for name, found in named.items()} == {"same": one, "y/same": two}

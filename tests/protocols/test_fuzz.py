"""Every codec is fuzzed, none is forgotten, and the fuzzing reaches nearly all of its branches."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plumbline.model.errors import ProtocolError
from tests.protocols.fuzzing import FuzzError, FuzzTarget, codec_modules, fuzz_codec, is_codec, stream_entry, targets

TARGETS = targets()
ROOT = Path(__file__).resolve().parents[2]
BRANCHES_PERCENT = 90


def by_name(target: FuzzTarget) -> str:
    return target.name


@pytest.mark.parametrize("target", TARGETS, ids=by_name)
def test_a_value_or_protocol_error(target: FuzzTarget) -> None:
    values = fuzz_codec(target.entry, target.seeds, 5_000, seed=20261101)
    assert values >= len(target.seeds) // 2, "most seeds must be valid messages, or the mutations never get past the first length"


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("target", TARGETS, ids=by_name)
def test_a_value_or_protocol_error_in_many_inputs(target: FuzzTarget) -> None:
    fuzz_codec(target.entry, target.seeds, 100_000, seed=19)


@pytest.mark.parametrize("name", codec_modules())
def test_every_codec_has_a_target(name: str) -> None:
    module = importlib.import_module(f"plumbline.protocols.{name}")
    if is_codec(module):
        known = {module for target in TARGETS for module in target.modules}
        assert name in known, f"plumbline.protocols.{name} has no FuzzTarget in tests/protocols/test_{name}.py"


def test_names_are_unique() -> None:
    names = [target.name for target in TARGETS]
    assert len(names) == len(set(names))


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_fuzzing_reaches_the_branches_of_every_codec(tmp_path: Path) -> None:
    data, report = tmp_path / "data", tmp_path / "report.json"
    coverage = [sys.executable, "-m", "coverage"]
    options = [f"--rcfile={os.devnull}", f"--data-file={data}"]
    fuzz = ["run", "--branch", "--source=plumbline.protocols", *options, "-m", "tests.protocols.fuzzing", "20000"]
    subprocess.run([*coverage, *fuzz], cwd=ROOT, check=True)
    subprocess.run([*coverage, "json", "-q", *options, "-o", str(report)], cwd=ROOT, check=True)
    low = {}
    for name, file in json.loads(report.read_text())["files"].items():
        total, covered = file["summary"]["num_branches"], file["summary"]["covered_branches"]
        if total and 100 * covered < BRANCHES_PERCENT * total:
            low[Path(name).stem] = f"{covered} of {total}: {file['missing_branches']}"
    assert not low


def raise_index_error(data: bytes) -> int:
    return data[4]


def raise_protocol_error(data: bytes) -> int:
    raise ProtocolError("never satisfied")


class ForgetsTheSplit:
    """A decoder with the usual mistake: it takes each part for a whole message."""

    def feed(self, data: bytes) -> list[bytes]:
        return [data] if data else []

    def end(self) -> list[bytes]:
        return []


def test_the_engine_finds_a_careless_decoder() -> None:
    with pytest.raises(FuzzError, match="IndexError"):
        fuzz_codec(raise_index_error, [b"12345"], 100, seed=1)


def test_the_engine_finds_a_decoder_that_depends_on_the_split() -> None:
    with pytest.raises(FuzzError, match="events differ by split"):
        fuzz_codec(stream_entry(ForgetsTheSplit), [b"12345"], 100, seed=1)


def test_protocol_error_is_no_failure_and_no_value() -> None:
    assert fuzz_codec(raise_protocol_error, [b"12345"], 100, seed=1) == 0


def test_the_same_seed_gives_the_same_inputs() -> None:
    seen: list[list[bytes]] = [[], []]
    for inputs in seen:
        fuzz_codec(inputs.append, [b"a seed", b"another"], 300, seed=5)
    assert seen[0] == seen[1]
    assert len(set(seen[0])) > 250

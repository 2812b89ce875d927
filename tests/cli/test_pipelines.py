"""Pipelines: what docs/pipelines.md shows runs as it stands, and a baseline leaves out what it has and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.assess import assess
from plumbline.cli.exits import Exit
from plumbline.collect.run import collect
from plumbline.report.registry import formats
from plumbline.rig.loading import load
from tests.cli.conftest import RIG, Call

DOC = Path(__file__).parents[2] / "docs" / "pipelines.md"
YAML: Any = yaml  # half typed


def blocks(language: str) -> list[str]:
    """The fenced texts of a language in the page."""
    return re.findall(rf"^```{language}\n(.*?)^```", DOC.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Audits:
    """One rig, whose gateway was hardened and then weak: the bundle of either time, what was judged of it, and the rig file of now."""

    hardened: Path
    first: Path
    weak: Path
    second: Path
    rig: Path


@pytest.fixture(scope="module")
def audits(tmp_path_factory: pytest.TempPathFactory, supplied: dict[str, bytes]) -> Audits:
    folder = tmp_path_factory.mktemp("pipelines")
    rig = folder / "rig.toml"
    for side, name in (("terminal", "hardened"), ("harbour", "weak")):
        (folder / "gateway.json").write_bytes(supplied[f"edge/{side}.json"])
        rig.write_text(RIG.format(intrusion="passive", rate=500) + '[[edge]]\nmanifest = "gateway.json"\n')
        collect(load(rig), folder / name, state=folder / "state", progress=lambda *_: None, now=lambda: datetime.now(UTC))
    judged = {name: folder / f"{name}-out" for name in ("hardened", "weak")}
    for name, out in judged.items():
        assess([folder / name], out)
    return Audits(folder / "hardened", judged["hardened"], folder / "weak", judged["weak"], rig)


def test_what_a_baseline_has_does_not_count(audits: Audits, call: Call, tmp_path: Path) -> None:
    ended = call("assess", audits.weak, "-o", tmp_path / "again", "--baseline", audits.second, "--fail-on", "none")
    assert ended.code == Exit.OK
    assert "Beyond the baseline of" in ended.out
    assert ": 0 findings; " in ended.out


def test_what_a_baseline_has_not_counts(audits: Audits, call: Call, tmp_path: Path) -> None:
    ended = call("assess", audits.weak, "-o", tmp_path / "now", "--baseline", audits.first, "--json")
    assert ended.code == Exit.FINDING
    said = ended.json
    assert said["baseline"]["added"] == said["counts"]["fail"] > 0
    assert said["baseline"]["standing"] == {word: count for word, count in said["standing"].items() if count}


@pytest.mark.full
def test_an_audit_takes_a_baseline_too(audits: Audits, call: Call, tmp_path: Path) -> None:
    assert call("audit", audits.rig, "-o", tmp_path / "now", "--baseline", audits.second, "--format", "json").code == Exit.OK
    assert call("audit", audits.rig, "-o", tmp_path / "later", "--format", "json").code == Exit.FINDING


@pytest.mark.full
@pytest.mark.parametrize(("days", "code"), [(30, Exit.OK), (-30, Exit.FINDING)], ids=["active", "ended"])
def test_what_is_waived_does_not_count_beyond_a_baseline(days: int, code: Exit, audits: Audits, call: Call, tmp_path: Path) -> None:
    until = datetime.now(UTC) + timedelta(days=days)
    begins = until - timedelta(days=90)
    waivers = tmp_path / "waivers.toml"
    waivers.write_text(
        f'[[waiver]]\nid = "all"\ncheck = "gateway.*"\nowner = "o"\nreason = "r"\nfrom = {begins:%Y-%m-%d}\nuntil = {until:%Y-%m-%d}\n'
    )
    ended = call("assess", audits.weak, "-o", tmp_path / "now", "--baseline", audits.first, "--waivers", waivers)
    assert ended.code == code


WRONG = {
    "no assessment": ("", "holds no assessment"),
    "the folder that is written": ("out", "is the folder that is written"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_baseline_that_is_none_is_refused_before_anything_is_judged(name: str, audits: Audits, call: Call, tmp_path: Path) -> None:
    folder, words = WRONG[name]
    ended = call("assess", audits.weak, "-o", tmp_path / "out", "--baseline", tmp_path / (folder or "nowhere"))
    assert ended.code == Exit.INPUT
    assert words in ended.err
    assert not (tmp_path / "out" / "ledger.parquet").exists()


def test_a_baseline_of_another_rig_is_refused_before_anything_is_collected(audits: Audits, call: Call, tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text(RIG.replace('id = "small"', 'id = "other"').format(intrusion="passive", rate=500))
    assert call("collect", rig, "-o", tmp_path / "other").code == Exit.OK
    for command, source in {"audit": rig, "assess": tmp_path / "other"}.items():
        ended = call(command, source, "-o", tmp_path / "now", "--baseline", audits.first)
        assert ended.code == Exit.INPUT
        assert "is of the rig 'small', and this is 'other'" in ended.err
        assert not (tmp_path / "now").exists() or not any((tmp_path / "now").iterdir())


@pytest.mark.full
def test_the_recipe_for_any_shell_runs(audits: Audits, tmp_path: Path) -> None:
    [recipe] = blocks("sh")
    script, programs = tmp_path / "plumbline.sh", tmp_path / "bin"
    script.write_text(recipe)
    programs.mkdir()
    program = programs / "plumbline"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'from plumbline.cli.main import run; run()' \"$@\"\n")
    program.chmod(0o755)
    surroundings = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "BUNDLE": str(audits.weak)}

    def run(**given: str) -> int:
        return subprocess.run(
            ["sh", str(script)], cwd=tmp_path, env={**surroundings, **given}, capture_output=True, timeout=120, check=False
        ).returncode

    assert run(OUT="first") == Exit.FINDING
    assert {"report.html", "junit.xml", "plumbline.sarif", "findings.csv"} <= {path.name for path in (tmp_path / "first").iterdir()}
    assert run(OUT="second", BASELINE="first") == Exit.OK
    assert run(OUT="third", BASELINE="nowhere") == Exit.INPUT
    assert not (tmp_path / "third" / "junit.xml").exists()


def test_the_recipes_of_two_systems_name_what_is_there() -> None:
    github, gitlab = (YAML.safe_load(text) for text in blocks("yaml"))
    steps = github["jobs"]["audit"]["steps"]
    judge = next(step for step in steps if step.get("name") == "Judge")
    assert judge["run"] == "sh ci/plumbline.sh"
    assert set(judge["env"]) <= set(re.findall(r"\$\{([A-Z_]+)", blocks("sh")[0]))
    kept = [step["with"] for step in steps if step.get("if") == "always()"]
    files = {name for unit in formats().values() for name in unit.files}
    assert Path(kept[1]["sarif_file"]).name in files
    job = gitlab["audit"]
    assert job["script"][-1] == "sh ci/plumbline.sh"
    # What was collected before an early end is judged as well: a finding in it must not pass as "ended early".
    collects = next(step["run"] for step in steps if step.get("name") == "Collect"), job["script"][-2]
    assert all(re.fullmatch(r"plumbline collect .* \|\| test \$\? -eq 3", line) for line in collects)
    assert Path(job["artifacts"]["reports"]["junit"]).name in files
    assert job["allow_failure"]["exit_codes"] == [Exit.INCOMPLETE]


def test_the_page_explains_every_exit_code() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d) \|", DOC.read_text(encoding="utf-8"), re.MULTILINE)}
    assert told == {code.value for code in Exit}


def test_the_example_for_programs_runs(audits: Audits, tmp_path: Path) -> None:
    (tmp_path / "bundle").symlink_to(audits.weak)
    (tmp_path / "baseline").symlink_to(audits.second)
    [example] = blocks("python")
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    first, *others = done.stdout.splitlines()
    assert re.fullmatch(r"small: [1-9]\d* wrong, \d+ not judged", first)
    assert any(line.startswith(("critical ", "high ")) for line in others)
    assert others[-1] == "0 findings that the baseline has not, 0 of them count"


def test_importing_the_package_stays_cheap() -> None:
    ask = "import sys, plumbline.assess; sys.exit(any(name in sys.modules for name in ('duckdb', 'pyarrow', 'plumbline.assess.run')))"
    assert subprocess.run([sys.executable, "-c", ask], timeout=60, check=False).returncode == 0


def test_what_is_not_offered_is_no_attribute() -> None:
    import plumbline.assess as package

    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        getattr(package, "nothing")  # noqa: B009 - as a program would name it

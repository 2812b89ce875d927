"""An audit of supplied files, from the first rig file to the report, each step as a user types it."""

import json
import os
import pty
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import jsonschema
import pytest

from plumbline.assess.assessment import SCHEMA
from plumbline.report.loading import load
from tests.assess.making import COVERAGE, ROWS, write_bundle
from tests.cli.conftest import Call, Ended, end, start


def test_in_one_step(call: Call, passive: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = call("audit", passive("harbour", "terminal"), "-o", out)
    assert ended.code == 1
    assert {path.name for path in out.iterdir()} >= {
        "bundle",
        "ledger.parquet",
        "assessment.json",
        "report.html",
        "report.json",
        "findings.csv",
    }
    assert "What to do first, by risk" in ended.out
    assert f"Report: {out / 'report.html'}\n" in ended.out
    assert "judging ...\n" in ended.err


def test_in_steps(call: Call, passive: Callable[..., Path], tmp_path: Path) -> None:
    rig, bundle, out = passive("harbour"), tmp_path / "bundle", tmp_path / "out"
    collected = call("collect", rig, "-o", bundle, "--json")
    assert (collected.code, collected.json) == (0, {"bundle": str(bundle), "hosts": 0, "exchanges": 0, "ended_early": None})
    judged = call("assess", bundle, "-o", out, "--as-of", "2027-01-01")
    assert judged.code == 1
    assert "judged as of 2027-01-01 00:00 UTC" in judged.out
    assert f"For reports: plumbline report {out}\n" in judged.out
    written = call("report", out, "--format", "csv", "--to", tmp_path / "elsewhere")
    assert written.code == 0
    assert written.out.splitlines() == [
        str(path) for path in sorted((tmp_path / "elsewhere").iterdir(), key=lambda path: written.out.find(path.name))
    ]
    again = call("report", out, "--format", "json", "--json")
    assert again.json == {"written": [str(out / "report.json")]}


def test_json_alone_on_stdout(passive: Callable[..., Path], tmp_path: Path) -> None:
    ended = end(start("audit", passive("harbour"), "-o", tmp_path / "out", "--json", "--format", "json"))
    assert ended.code == 1
    jsonschema.validate(ended.json, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert "judging ..." in ended.err
    assert "\x1b" not in ended.out + ended.err


def test_a_summary_names_only_reports_of_its_own(call: Call, passive: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "of an earlier assessment" not in call("audit", passive("terminal"), "-o", out, "--format", "json").out
    (out / "report.html").write_text("of last week")
    ended = call("assess", out / "bundle", "-o", out)
    assert "report.html" not in ended.out
    assert f"The reports in {out} are of an earlier assessment; to write them anew: plumbline report {out} --format html,json" in ended.out


def test_the_summary_counts_assets_as_the_reports_do(call: Call, tmp_path: Path) -> None:
    ended = call("assess", write_bundle(tmp_path / "bundle", ROWS, COVERAGE), "-o", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "assessment.json").read_text(encoding="utf-8"))
    assert told["kinds"]["capture"] == 1
    assert f"\n{load(tmp_path / 'out').assets_count} assets, " in ended.out
    assert f"\n{told['assets_count']} assets, " not in ended.out


def test_the_actions_stand_by_risk_then_severity(call: Call, passive: Callable[..., Path], tmp_path: Path) -> None:
    ended = call("audit", passive("harbour"), "-o", tmp_path / "out", "--format", "json")
    rows = [line.split() for line in ended.out.splitlines()]
    first = next(number for number, row in enumerate(rows) if row[:2] == ["risk", "severity"]) + 1
    ranks = {"critical": 4, "high": 3, "medium": 2, "low": 1}
    order = [(-int(row[0]), -ranks[row[1]]) for row in rows[first:] if len(row) > 1 and row[0].isdigit() and row[1] in ranks]
    assert len(order) > 3
    assert order == sorted(order)


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["text", "json"])
def test_a_reader_that_leaves_changes_nothing(passive: Callable[..., Path], more: tuple[str, ...]) -> None:
    process = start("rig", "check", passive("terminal"), *more)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), said) == (0, "")


def test_a_full_disk_under_stdout(passive: Callable[..., Path]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = end(start("rig", "check", passive("terminal"), "--json", stdout=full))
    assert (ended.code, ended.err) == (3, "the machine failed: [Errno 28] No space left on device\n")


def on_terminal(*words: object) -> Ended:
    """Run a command with a terminal for stdout and stderr, and give all that it wrote there."""
    ours, theirs = pty.openpty()
    process = start(*words, stdout=theirs, stderr=theirs)
    os.close(theirs)
    parts = []
    with suppress(OSError):  # EIO: the other side is closed
        while data := os.read(ours, 65536):
            parts.append(data)
    os.close(ours)
    return Ended(process.wait(timeout=60), b"".join(parts).decode(), "")


def test_on_a_terminal(passive: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    ended = on_terminal("audit", passive("harbour"), "-o", tmp_path / "out")
    assert ended.code == 1
    assert "judging" in ended.out
    summary = ended.out[ended.out.index("What to do first") :]
    assert "\x1b[31mhigh" in summary
    plain = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", summary).splitlines() if str(tmp_path) not in line]
    assert len(plain) > 10
    assert max(map(len, plain)) <= 80

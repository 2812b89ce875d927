"""`--waivers` and `--review`: what counts for the exit code, what is said of those that do nothing, and files that are wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.assess.making import CAPTURE, COVERAGE, ROWS, write_bundle
from tests.cli.conftest import Call

FINDING = "gateway.broker_accepts_anonymous|declared:s/cam-1|tcp/1883"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """One in which every source was read, so that findings alone decide the exit code."""
    return write_bundle(tmp_path / "bundle", ROWS, [row for row in COVERAGE if row[0] != CAPTURE])


def waivers(folder: Path, *, until: str = "2026-11-30", more: str = "") -> Path:
    file = folder / "waivers.toml"
    lines = ["[[waiver]]", 'id = "w-1"', 'check = "*"', 'asset = "cam-1"', 'owner = "Operations"', 'reason = "In spring."']
    file.write_text("\n".join([*lines, "from = 2026-11-01", f"until = {until}", more]), encoding="utf-8")
    return file


def test_what_is_waived_does_not_count_and_is_said(call: Call, bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call("assess", bundle, "-o", out, "--fail-on", "critical").code == 1
    digest = json.loads((out / "assessment.json").read_text())["ledger_digest"]
    ended = call("assess", bundle, "-o", out, "--fail-on", "critical", "--waivers", waivers(tmp_path))
    assert ended.code == 0
    assert "findings waived or reviewed as false positive; the ledger still holds them." in ended.out
    [line] = [line for line in ended.out.splitlines() if "anonymous access off" in line]
    assert "(waived, or reviewed as false positive)" in line
    assert json.loads((out / "assessment.json").read_text())["ledger_digest"] == digest


def test_waivers_that_do_nothing_are_said(call: Call, bundle: Path, tmp_path: Path) -> None:
    text = waivers(tmp_path).read_text().replace("w-1", "w-2").replace("cam-1", "cam-9")
    ended = call(
        "assess", bundle, "-o", tmp_path / "out", "--fail-on", "critical", "--waivers", waivers(tmp_path, until="2026-11-20", more=text)
    )
    assert ended.code == 1
    assert "Waiver w-1 has ended and counts no more (2026-11-01 to 2026-11-20)." in ended.out
    assert "Waiver w-2 means no finding (2026-11-01 to 2026-11-30)." in ended.out


def test_a_report_takes_its_own(call: Call, bundle: Path, tmp_path: Path) -> None:
    out, review = tmp_path / "out", tmp_path / "review.toml"
    call("assess", bundle, "-o", out)
    before = (out / "assessment.json").read_bytes()
    review.write_text(f'[[review]]\nfinding = "{FINDING}"\naction = "confirm"\nwho = "A. Smith"\nwhy = "Seen."\n', encoding="utf-8")
    ended = call("report", out, "--format", "json", "--to", tmp_path, "--waivers", waivers(tmp_path), "--review", review)
    assert ended.code == 0
    assert (out / "assessment.json").read_bytes() == before
    told = json.loads((tmp_path / "report.json").read_text())
    assert [(one["id"], one["state"]) for one in told["waivers"]] == [("w-1", "active")]
    assert [(one["who"], one["findings"]) for one in told["reviews"]] == [("A. Smith", 1)]
    found = [finding for check in told["checks"] for finding in check["findings"] if finding["asset"] == "declared:s/cam-1"]
    assert found and {finding["waived"] for finding in found} == {"w-1"}


def test_a_retest_takes_them_too(call: Call, passive: Callable[..., Path], tmp_path: Path) -> None:
    rig, old, today = passive("harbour"), tmp_path / "old", datetime.now(UTC).date()
    call("audit", rig, "-o", old, "--format", "json")
    text = waivers(tmp_path, until=f"{today + timedelta(days=1)}").read_text(encoding="utf-8")
    text = text.replace("2026-11-01", f"{today - timedelta(days=1)}").replace('"*"', '"gateway.*"').replace('asset = "cam-1"\n', "")
    (tmp_path / "waivers.toml").write_text(text, encoding="utf-8")
    options = ("--format", "html", "--waivers", tmp_path / "waivers.toml", "--language", "de")
    ended = call("retest", old, rig, "-o", tmp_path / "new", *options)
    told = json.loads((tmp_path / "new" / "assessment.json").read_text(encoding="utf-8"))
    assert [one["state"] for one in told["waivers"]] == ["active"]
    assert (ended.code, sum(told["standing"].values())) == (0, 0)
    assert "waived or reviewed as false positive; the ledger still holds them." in ended.out
    assert '<html lang="de"' in (tmp_path / "new" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["assess", "audit", "retest"])
def test_a_file_that_is_wrong_ends_it_before_any_work(
    call: Call, bundle: Path, passive: Callable[..., Path], tmp_path: Path, command: str
) -> None:
    out = tmp_path / "out"
    rig = passive("terminal")
    words = {"assess": (bundle, "-o", out), "audit": (rig, "-o", out), "retest": (tmp_path, rig, "-o", out)}[command]
    bad = waivers(tmp_path, until="2026-10-01")
    ended = call(command, *words, "--waivers", bad)
    assert ended.code == 2
    assert "error: waivers.toml:8: waiver[0].until: ends before it begins" in ended.err
    assert not (out / "bundle").exists()
    missing = call(command, *words, "--review", tmp_path / "none.toml")
    assert (missing.code, missing.out) == (2, "")
    assert "none.toml: cannot be read" in missing.err

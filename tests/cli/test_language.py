"""`--language`: people's reports in it, programs' and the terminal in English, an unknown one told before any work."""

from __future__ import annotations

import json
from pathlib import Path

from tests.assess.making import ROWS, write_bundle
from tests.cli.conftest import Call


def test_people_read_german_and_programs_english(call: Call, tmp_path: Path) -> None:
    out = tmp_path / "out"
    call("assess", write_bundle(tmp_path / "bundle", ROWS), "-o", out)
    ended = call("report", out, "--format", "html,json", "--language", "de")
    assert (ended.code, ended.out) == (0, f"{out / 'report.html'}\n{out / 'report.json'}\n")
    page = (out / "report.html").read_text(encoding="utf-8")
    told = json.loads((out / "report.json").read_text(encoding="utf-8"))
    [message] = [f["message"] for check in told["checks"] for f in check["findings"] if check["id"] == "gateway.broker_accepts_anonymous"]
    assert '<html lang="de">' in page
    assert "Was zu tun ist" in page
    assert "accepts" in message
    assert message not in page


def test_an_unknown_language_is_told_before_any_work(call: Call, tmp_path: Path) -> None:
    for command in (("report", tmp_path), ("audit", tmp_path / "rig.toml", "-o", tmp_path / "out")):
        ended = call(*command, "--language", "xx")
        assert ended.code == 2
        assert "reports are not written in 'xx' (choose from en, de)" in ended.err
    assert list(tmp_path.glob("out*")) == []

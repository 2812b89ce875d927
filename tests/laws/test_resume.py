"""`collect --resume` after SIGKILL: the ledger is that of an undisturbed run, the log is one chain, and no host is asked twice."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

import pyarrow.parquet as pq

from plumbline.assess.run import assess
from plumbline.evidence.bundle import Bundle
from plumbline.net.contacts import verify
from tests.laws.auditor import collect, ended, start
from tests.laws.bundles import Row, ledger
from tests.laws.labs import lab_rig

COMMIT_S = 60


def committed_hosts(bundle: Path) -> set[str]:
    """The addresses whose visits a killed run has left behind whole."""
    found: set[str] = set()
    for part in sorted((bundle / "coverage").glob("*.parquet")):
        for row in pq.read_table(part, columns=["entity", "table", "outcome"]).to_pylist():
            if row["entity"].startswith("host:") and row["table"] == "service":
                found.add(row["entity"].rpartition("/")[2])
    return found


def sessions(bundle: Path) -> list[list[Row]]:
    """The lines of each session of the contact log."""
    found: list[list[Row]] = []
    for line in (bundle / "contacts.jsonl").read_text(errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # cut by the kill
        if entry["event"] == "session":
            found.append([])
        else:
            found[-1].append(entry)
    return found


def judged(bundle: Path, out: Path) -> list[Row]:
    """The ledger without what no two runs share: evidence ids name parts, and of two who listen at once each hears the other's messages."""
    assess([bundle], out)
    found = [{name: value for name, value in row.items() if name != "evidence"} for row in ledger(out)]
    return [{**row, "detail": re.sub(r'"messages":\d+', "", row["detail"] or "")} for row in found]


def test_killed_in_the_middle(tmp_path: Path) -> None:
    with lab_rig(tmp_path, subset=["printer", "gateway", "router", "filtered"], intrusion="query") as (lab, rig):
        whole = start(tmp_path / "whole", "collect", str(rig), "-o", str(tmp_path / "whole" / "bundle"))
        bundle = tmp_path / "killed" / "bundle"
        killed = start(tmp_path / "killed", "collect", str(rig), "-o", str(bundle))
        deadline = time.monotonic() + COMMIT_S
        while not committed_hosts(bundle):
            assert killed.poll() is None and time.monotonic() < deadline, killed.communicate()[0]
            time.sleep(0.02)  # no state of ours is waited for but another process's file
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        before = committed_hosts(bundle)
        again = collect(tmp_path / "killed", rig, resume=True)
        assert ended(whole).code == 0
        harms = lab.watch.harms
    assert again.code == 0, again.said
    assert harms == []

    everyone = committed_hosts(bundle)
    assert 0 < len(before) < len(everyone)  # it was in the middle
    first, second = sessions(bundle)
    assert {line["address"] for line in first} >= before
    assert not {line["address"] for line in second} & before  # what was committed is not asked again
    assert verify(bundle / "contacts.jsonl").broken_line is None
    assert [session["complete"] for session in Bundle(bundle).manifest["sessions"]] == [False, True]
    assert judged(bundle, tmp_path / "killed") == judged(tmp_path / "whole" / "bundle", tmp_path / "whole")

"""What an assessment finds beyond a baseline: a device that moved is no new finding, another device is one."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from plumbline.assess import Assessment, assess, beyond
from plumbline.assess.baseline import check_baseline
from plumbline.model.errors import InputError
from plumbline.model.words import Outcome
from tests.assess.making import Row, write_bundle

OPEN = {"port": 1883, "tls": False, "anonymous_accepted": True}
FIRST, SECOND = "02:00:00:00:00:01", "02:00:00:00:00:02"


def audited(out: Path, *hosts: tuple[str, str]) -> Assessment:
    """Judge a rig of brokers at addresses, each with its MAC, that let anyone in."""
    rows: list[Row] = [("host", f"host:s/{address}", "", {"address": address, "network": "n", "mac": mac}) for address, mac in hosts]
    rows += [("mqtt_broker", f"host:s/{address}", "tcp/1883", OPEN) for address, _ in hosts]
    coverage = [("network:s/n", "host", "", Outcome.OK, len(hosts))]
    coverage += [(f"host:s/{address}", "mqtt_broker", "tcp/1883", Outcome.OK, 1) for address, _ in hosts]
    return assess([write_bundle(out / "bundle", rows, coverage)], out)


@dataclass(frozen=True)
class Pair:
    """One device; then the same at another address, and another device where it was."""

    old: Path
    before: Assessment
    new: Path
    now: Assessment


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("pair")
    old, new = folder / "old", folder / "new"
    return Pair(old, audited(old, ("10.0.0.5", FIRST)), new, audited(new, ("10.0.0.9", FIRST), ("10.0.0.5", SECOND)))


def test_a_device_that_moved_is_known_and_another_is_not(pair: Pair) -> None:
    more = beyond(pair.old, pair.new, pair.now)
    each = pair.now.counts.fail // 2
    assert (more.added, more.known) == (each, each)
    assert more.standing == {severity: count // 2 for severity, count in pair.now.standing.items() if count}
    assert list(more.standing) == sorted(more.standing, key=lambda severity: -severity.rank)


def test_nothing_is_beyond_oneself(pair: Pair, tmp_path: Path) -> None:
    same = shutil.copytree(pair.old, tmp_path / "same")
    assert beyond(same, pair.old, pair.before).to_json() == {
        "as_of": "2026-11-21T07:00:00Z",
        "ledger_digest": pair.before.ledger_digest,
        "added": 0,
        "standing": {},
        "known": pair.before.counts.fail,
    }


def test_a_baseline_of_another_rig_is_refused(pair: Pair, tmp_path: Path) -> None:
    said = json.loads((pair.old / "assessment.json").read_text())
    (tmp_path / "assessment.json").write_text(json.dumps({**said, "rig": {"id": "other"}}))
    with pytest.raises(InputError, match="is of the rig 'other', and this is 't'"):
        beyond(tmp_path, pair.new, pair.now)
    with pytest.raises(InputError, match="is the folder that is written"):
        check_baseline(pair.new, pair.new / ".." / "new", "t")
    with pytest.raises(InputError, match="holds no assessment"):
        check_baseline(tmp_path / "nowhere", pair.new, "t")


SCORES = {
    "medium": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N",
    "high": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
    "critical": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
}
CHECK = """title = "A broker of {word} weakness"
cvss = "{cvss}"
subjects = "mqtt_broker"
provisions = ["owasp-iot-top10-2018/I2"]
proves = "p"
pass_proves = "p"
message = "m"
recommendation = "r"
verify = "v"
compensate = "c"
effort = "hours"
query = '''select asset, subject, anonymous_accepted as failed, '{cvss}' as cvss, [row_id] as evidence from mqtt_broker'''
[[example]]
name = "f"
mqtt_broker = [{{ asset = "a", subject = "tcp/1883", anonymous_accepted = true }}]
expect = [{{ asset = "a", subject = "tcp/1883", verdict = "fail", cvss = "{cvss}" }}]
[[example]]
name = "p"
mqtt_broker = [{{ asset = "a", subject = "tcp/1883", anonymous_accepted = false }}]
expect = [{{ asset = "a", subject = "tcp/1883", verdict = "pass" }}]
[[example]]
name = "i"
mqtt_broker = [{{ asset = "a", subject = "tcp/1883" }}]
expect = [{{ asset = "a", subject = "tcp/1883", verdict = "inconclusive", reason = "not_observed" }}]
"""


@pytest.mark.parametrize(("then", "now", "counts"), [("high", "critical", True), ("high", "high", False), ("critical", "medium", False)])
def test_a_finding_that_is_more_severe_now_counts(pair: Pair, tmp_path: Path, then: str, now: str, counts: bool) -> None:
    judged = []
    for word, name in ((then, "then"), (now, "now")):
        folder = tmp_path / f"{name}-checks" / "gateway"
        folder.mkdir(parents=True)
        (folder / "broker_rated.toml").write_text(CHECK.format(word=word, cvss=SCORES[word]))
        judged.append(assess([pair.old / "bundle"], tmp_path / name, checks_dir=folder.parent))
    more = beyond(tmp_path / "then", tmp_path / "now", judged[1])
    assert more.added == counts
    assert more.known == judged[1].counts.fail - counts
    assert more.standing == ({now: 1} if counts else {})

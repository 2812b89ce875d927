"""What an assessment finds beyond a baseline: a device that moved is no new finding, another device is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.assess import assess, beyond
from plumbline.assess.baseline import check_baseline
from plumbline.model.errors import InputError
from plumbline.model.words import Outcome, Severity
from tests.assess.making import Row, write_bundle

OPEN = {"port": 1883, "tls": False, "anonymous_accepted": True}


def audited(folder: Path, *hosts: tuple[str, str], rig_id: str = "t") -> Path:
    """Judge a rig of brokers at addresses, each with its MAC, that let anyone in."""
    rows: list[Row] = [("host", f"host:s/{address}", "", {"address": address, "network": "n", "mac": mac}) for address, mac in hosts]
    rows += [("mqtt_broker", f"host:s/{address}", "tcp/1883", OPEN) for address, _ in hosts]
    coverage = [("network:s/n", "host", "", Outcome.OK, len(hosts))]
    coverage += [(f"host:s/{address}", "mqtt_broker", "tcp/1883", Outcome.OK, 1) for address, _ in hosts]
    write_bundle(folder / "bundle", rows, coverage, rig_id=rig_id)
    return folder / "bundle"


FIRST, SECOND = "02:00:00:00:00:01", "02:00:00:00:00:02"


def test_a_device_that_moved_is_known_and_another_is_not(tmp_path: Path) -> None:
    assess([audited(tmp_path / "a", ("10.0.0.5", FIRST))], tmp_path / "old")
    now = assess([audited(tmp_path / "b", ("10.0.0.9", FIRST), ("10.0.0.5", SECOND))], tmp_path / "new")
    more = beyond(tmp_path / "old", tmp_path / "new", now)
    each = now.counts.fail // 2
    assert (more.added, more.known) == (each, each)
    assert sum(more.standing.values()) == each
    assert more.standing == {severity: count // 2 for severity, count in now.standing.items() if count}


def test_nothing_is_beyond_oneself(tmp_path: Path) -> None:
    bundle = audited(tmp_path / "a", ("10.0.0.5", FIRST))
    assess([bundle], tmp_path / "old")
    now = assess([bundle], tmp_path / "new")
    more = beyond(tmp_path / "old", tmp_path / "new", now)
    assert (more.added, more.known, more.standing) == (0, now.counts.fail, {})
    assert more.to_json() == {
        "as_of": "2026-11-21T07:00:00Z",
        "ledger_digest": now.ledger_digest,
        "added": 0,
        "standing": {},
        "known": now.counts.fail,
    }


def test_a_baseline_of_another_rig_is_refused(tmp_path: Path) -> None:
    assess([audited(tmp_path / "a", ("10.0.0.5", FIRST), rig_id="other")], tmp_path / "old")
    now = assess([audited(tmp_path / "b", ("10.0.0.5", FIRST))], tmp_path / "new")
    with pytest.raises(InputError, match="is of the rig 'other', and this is 't'"):
        beyond(tmp_path / "old", tmp_path / "new", now)
    with pytest.raises(InputError, match="is the folder that is written"):
        check_baseline(tmp_path / "new", tmp_path / "." / "new", "t")


def test_severities_stand_worst_first(tmp_path: Path) -> None:
    assess([audited(tmp_path / "a")], tmp_path / "old")
    now = assess([audited(tmp_path / "b", ("10.0.0.5", FIRST))], tmp_path / "new")
    standing = list(beyond(tmp_path / "old", tmp_path / "new", now).standing)
    assert standing == sorted(standing, key=lambda severity: -severity.rank)
    assert set(standing) <= set(Severity)

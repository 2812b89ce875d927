"""Findings followed through many audits: what is open keeps its age, and what could not be judged is not forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plumbline.assess.changes import Became
from plumbline.assess.trends import Point, trend
from plumbline.model.errors import InputError
from tests.assess.two_audits import Audit

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def audit(days: int) -> Audit:
    return Audit(FIRST + timedelta(days=days)).asset("network:s/n", "network").asset("host:s/b", ip="s/10.0.0.2")


def followed(tmp_path: Path, *audits: Audit) -> tuple[Point, ...]:
    return trend([audit.write(tmp_path / str(number)) for number, audit in enumerate(audits)])


def test_a_finding_that_was_not_reached_is_waiting_until_it_is_judged(tmp_path: Path) -> None:
    points = followed(
        tmp_path,
        audit(0).asset("host:s/a", ip="s/10.0.0.1", mac="m").verdict("host:s/a", "fail"),
        audit(10),
        audit(20),
        audit(30).asset("host:s/c", ip="s/10.0.0.3", mac="m").verdict("host:s/c", "pass"),
    )
    assert [(point.findings, point.waiting, point.open_days, point.closed_days) for point in points] == [
        (1, 0, 0.0, None),
        (0, 1, 10.0, None),
        (0, 1, 20.0, None),
        (0, 0, None, 30.0),
    ]
    assert points[2].counts is not None and points[2].counts[Became.UNREACHABLE] == 1
    assert points[3].counts is not None and points[3].counts[Became.FIXED] == 1


def test_a_finding_that_comes_back_after_it_was_not_judged_is_the_old_one(tmp_path: Path) -> None:
    points = followed(
        tmp_path,
        audit(0).asset("host:s/a", ip="s/10.0.0.1").verdict("host:s/a", "fail"),
        audit(10).asset("host:s/a", ip="s/10.0.0.1").verdict("host:s/a", "inconclusive", "refused"),
        audit(20).asset("host:s/a", ip="s/10.0.0.1").verdict("host:s/a", "fail"),
    )
    assert points[2].counts is not None
    assert (points[2].counts[Became.OPEN], points[2].counts[Became.NEWLY_JUDGED], points[2].open_days) == (1, 0, 20.0)


def test_a_finding_that_was_fixed_and_came_back_begins_anew(tmp_path: Path) -> None:
    points = followed(
        tmp_path,
        audit(0).asset("host:s/a", ip="s/10.0.0.1").verdict("host:s/a", "fail"),
        audit(10).asset("host:s/a", ip="s/10.0.0.1").verdict("host:s/a", "pass"),
        audit(20).asset("host:s/a", ip="s/10.0.0.1").verdict("host:s/a", "fail"),
        audit(25).asset("host:s/a", ip="s/10.0.0.1").verdict("host:s/a", "fail"),
    )
    assert points[1].closed_days == 10.0
    assert points[2].counts is not None and points[2].counts[Became.REGRESSED] == 1
    assert [point.open_days for point in points[2:]] == [0.0, 5.0]


@pytest.mark.parametrize(
    ("days", "fixed", "waiting"),
    [
        ((90, 900, 900), 0, 1),  # asking twice as kindly closes it no more than asking once
        ((90, 900, 90), 1, 0),
    ],
)
def test_what_waits_is_closed_by_the_question_that_found_it(tmp_path: Path, days: tuple[int, ...], fixed: int, waiting: int) -> None:
    audits = [audit(10 * number).asset("host:s/a", ip="s/10.0.0.1") for number in range(3)]
    for one, allowed, verdict in zip(audits, days, ("fail", "pass", "pass"), strict=True):
        one.verdict("host:s/a", verdict).parameters = {"days": allowed}
    last = followed(tmp_path, *audits)[-1]
    assert last.counts is not None
    assert (last.counts[Became.FIXED], last.waiting) == (fixed, waiting)


def test_what_waits_is_not_closed_by_another_device_that_took_its_address(tmp_path: Path) -> None:
    camera = "host:s/10.0.0.5"
    taken = [audit(days).asset(camera, ip="s/10.0.0.5", mac="m").verdict(camera, "pass") for days in (10, 20)]
    first = audit(0).asset(camera, ip="s/10.0.0.5").verdict(camera, "fail").asset("host:s/10.0.0.6", ip="s/10.0.0.6", mac="m")
    points = followed(tmp_path, first, *taken)
    assert [(point.findings, point.waiting, point.closed_days) for point in points] == [(1, 0, None), (0, 1, None), (0, 1, None)]


def test_audits_are_put_in_their_order(tmp_path: Path) -> None:
    outs = [audit(days).write(tmp_path / str(days)) for days in (20, 0, 10)]
    assert [point.out.name for point in trend(outs)] == ["0", "10", "20"]


def test_audits_that_were_judged_as_of_one_day_are_put_in_the_order_of_their_evidence(tmp_path: Path) -> None:
    outs = []
    for days, verdict in ((0, "fail"), (10, "pass")):
        one = audit(90).asset("host:s/a", ip="s/10.0.0.1").verdict("host:s/a", verdict)
        one.collected = FIRST + timedelta(days=days)
        outs.append(one.write(tmp_path / str(days)))
    assert trend(outs) == trend(outs[::-1])
    assert [point.out.name for point in trend(outs[::-1])] == ["0", "10"]


def test_an_audit_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    first, second = (audit(days).write(tmp_path / str(days)) for days in (0, 10))
    with pytest.raises(InputError, match=r"10/\.\./10: is named twice"):
        trend([first, second, second / ".." / "10"])


def test_one_audit_is_no_trend_and_two_rigs_have_none(tmp_path: Path) -> None:
    one = audit(0).write(tmp_path / "one")
    with pytest.raises(InputError, match="at least two"):
        trend([one])
    other = Audit(FIRST, rig="other").write(tmp_path / "other")
    with pytest.raises(InputError, match="one rig"):
        trend([one, other])

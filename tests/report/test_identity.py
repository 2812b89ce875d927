"""UUIDs of what they name: the same each time, different for different things."""

from __future__ import annotations

import dataclasses
import uuid

from plumbline.report.data import Report
from plumbline.report.identity import everywhere, of_earlier, of_ledger, over_audits


def test_a_name_is_the_same_each_time_and_of_version_5(report: Report) -> None:
    for name in (over_audits, of_ledger):
        assert name(report.head, "a", "b") == name(report.head, "a", "b")
        assert uuid.UUID(name(report.head, "a")).version == 5


def test_parts_do_not_run_into_each_other(report: Report) -> None:
    assert len({everywhere("a", "b"), everywhere("ab"), everywhere("a", "", "b"), everywhere('a", "b')}) == 4


def test_what_lasts_over_audits_does_not_depend_on_the_ledger(report: Report) -> None:
    later = dataclasses.replace(report.head, ledger_digest="0" * 64)
    assert over_audits(later, "x") == over_audits(report.head, "x")
    assert of_ledger(later, "x") != of_ledger(report.head, "x")
    assert of_earlier(later, report.head.ledger_digest, "x") == of_ledger(report.head, "x")
    assert over_audits(dataclasses.replace(report.head, rig_id="other"), "x") != over_audits(report.head, "x")

"""Tickets: one for each action that has something to mend, in words that no tracker acts upon."""

from __future__ import annotations

import csv
from pathlib import Path

from plumbline.report import registry
from plumbline.report.data import Report
from plumbline.report.loading import load
from plumbline.report.tickets import COLUMNS, SUMMARY_MAX
from tests.report.overlays import reviews, waivers


def tickets(out: Path, view: Report, folder: Path) -> list[dict[str, str]]:
    [path] = registry.write("tickets", out, folder, report=view)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_one_ticket_an_action(out: Path, report: Report, tmp_path: Path) -> None:
    found = tickets(out, report, tmp_path)
    assert tuple(found[0]) == COLUMNS
    assert [one["summary"] for one in found] == [action.recommendation for action in report.actions]
    assert sum(int(one["findings"]) for one in found) == report.tally.failed
    printer = next(one for one in found if "device.admin_page_without_login" in one["external_id"])
    assert (printer["priority"], printer["labels"], printer["severity"]) == ("Highest", "plumbline device critical", "critical")
    lines = printer["description"].splitlines()
    assert lines[0].startswith("Do: ")
    assert "- label printer, tcp/80: tcp/80 serves administration to anyone (GoAhead-Webs)" in lines
    assert any(line.startswith("To verify (") for line in lines)


def test_tickets_are_the_same_in_the_next_audit(out: Path, report: Report, tmp_path: Path) -> None:
    ids = [one["external_id"] for one in tickets(out, report, tmp_path)]
    assert len(set(ids)) == len(ids)


def test_what_is_waived_or_no_finding_is_no_ticket_and_is_said(out: Path, report: Report, tmp_path: Path) -> None:
    before = tickets(out, report, tmp_path)
    view = load(out, waivers=waivers(tmp_path), reviews=reviews(tmp_path))
    found = tickets(out, view, tmp_path)
    assert not any("device.admin_page_without_login" in one["external_id"] for one in found)
    last = found[-1]
    left = len(before) - (len(found) - 1)
    assert last["summary"].startswith(f"{left} action")
    assert "waived, or reviewed as false positives" in last["summary"]
    assert sum(int(one["findings"]) + int(one["waived"]) for one in found) == report.tally.failed


def test_hostile_words_reach_no_tracker(hostile_out: Path, tmp_path: Path) -> None:
    for one in tickets(hostile_out, load(hostile_out), tmp_path):
        assert len(one["summary"]) <= SUMMARY_MAX
        for cell in one.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert not set(one["description"]) & set("<>{}[]`@|")
        assert "\u202e" not in one["description"] and "\x1b" not in one["description"]
        assert not any(line.startswith("/") for line in one["description"].splitlines()), "some trackers run such lines"

"""What was sent: sums over every line of the log, and nothing made up where a line is none of ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plumbline.net.contacts import ContactLog
from plumbline.report import contacts
from plumbline.report.data import Report
from tests.report import harbour


def write(bundle: Path, *events: dict[str, object]) -> Path:
    bundle.mkdir(exist_ok=True)
    with ContactLog(bundle / "contacts.jsonl", harbour.Clock()) as log:
        for event in events:
            defaults = {"event": "connect", "address": "10.0.0.9", "port": 80, "transport": "tcp", "why": "sweep", "permit": "p"}
            log.write(**{**defaults, "intrusion": "query", "outcome": "ok", "site": "h", **event})  # type: ignore[arg-type]
    return bundle


def test_lines_that_say_the_same_become_one_kind_with_its_ports(tmp_path: Path) -> None:
    bundle = write(tmp_path / "b", *({"port": port} for port in (21, 22, 23, 80)), {"event": "request", "sent_bytes": 40, "why": "http"})
    summary = contacts.summary([bundle], {"host:h/10.0.0.9": "meter"})
    [device] = summary.devices
    assert (device.asset_name, device.connections, device.requests, device.sent_bytes) == ("meter", 4, 1, 40)
    assert [(exchange.ports, exchange.count) for exchange in device.exchanges] == [("tcp/21-23, 80", 4), ("tcp/80", 1)]
    assert summary.exchanges == 5


def test_answers_and_refusals_are_not_exchanges(tmp_path: Path) -> None:
    bundle = write(tmp_path / "b", {"event": "received", "received_bytes": 900}, {"event": "refused", "outcome": "excluded", "site": ""})
    summary = contacts.summary([bundle], {})
    assert (summary.exchanges, summary.refused, summary.received_bytes) == (0, 1, 900)


def test_a_refusal_goes_to_the_one_device_of_its_address(tmp_path: Path) -> None:
    one = contacts.summary([write(tmp_path / "a", {}, {"event": "refused", "site": ""})], {})
    assert [device.entity for device in one.devices] == ["host:h/10.0.0.9"]
    assert one.devices[0].refused == 1
    two = contacts.summary([write(tmp_path / "b", {}, {"site": "other"}, {"event": "refused", "site": ""})], {})
    assert sorted(device.entity for device in two.devices) == ["host:/10.0.0.9", "host:h/10.0.0.9", "host:other/10.0.0.9"]


def test_a_bundle_of_files_sent_nothing(tmp_path: Path) -> None:
    summary = contacts.summary([tmp_path], {})
    assert (summary.devices, summary.exchanges, summary.chain) == ((), 0, "")


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        "{}",
        '{"at": "2026-11-21T00:00:00"}',
        '{"at": 5}',
        "[" * 50_000,
        json.dumps({"at": "2026-11-21T00:00:00Z", "event": 1}),
    ],
    ids=range(7),
)
def test_a_line_that_is_none_of_ours_is_left_out_and_the_chain_says_so(tmp_path: Path, line: str) -> None:
    bundle = write(tmp_path / "b", {})
    with (bundle / "contacts.jsonl").open("a") as file:
        file.write(line + "\n")
    summary = contacts.summary([bundle], {})
    assert summary.exchanges == 1
    assert "breaks at line 3" in summary.chain
    assert "Do not rely on it" in summary.chain


def test_the_harbour_adds_up(report: Report, out: Path) -> None:
    lines = [json.loads(line) for line in (out / "bundle" / "contacts.jsonl").read_text().splitlines()]
    sent = [line for line in lines if line["event"] in contacts.EXCHANGES]
    assert report.contacts.exchanges == len(sent)
    assert report.contacts.sent_bytes == sum(line["sent_bytes"] for line in sent)
    assert report.contacts.chain == "The hash chain of 1 contact log holds."
    assert {device.asset_name for device in report.contacts.devices} == {device[1] for device in harbour.DEVICES}

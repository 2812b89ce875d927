"""Testrun: what came of each test, for the device with that MAC address."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.model.words import Severity, Verdict
from tests.collect.imports.formats.reading import findings, read, said
from tests.collect.imports.samples import TESTRUN


def test_tests(tmp_path: Path) -> None:
    found = read("testrun", tmp_path, json.dumps(TESTRUN).encode())
    assert [(one.rule, one.result, one.level) for one in findings(found)] == [
        ("security.services.telnet", Verdict.FAIL, Severity.MEDIUM),
        ("security.services.ftp", Verdict.PASS, Severity.MEDIUM),
        ("ntp.network.ntp_dhcp", Verdict.FAIL, Severity.LOW),
        ("protocol.valid_modbus", Verdict.NOT_APPLICABLE, Severity.LOW),
        ("security.tls.v1_2_server", Verdict.INCONCLUSIVE, Severity.MEDIUM),
    ]
    first = findings(found)[0]
    assert (first.mac, first.address, first.tool_version, first.severity) == ("02:00:00:00:00:01", None, "2.2.1", "Required")
    assert (first.title, first.message) == ("There is no Telnet service", "Telnet on port 23")
    assert said(found) == []


def test_tests_that_are_missing_are_said(tmp_path: Path) -> None:
    report = {**TESTRUN, "tests": {"total": 40, "results": [{}, *TESTRUN["tests"]["results"]]}}
    assert said(read("testrun", tmp_path, json.dumps(report).encode())) == ["a test without a name", "6 of 40 tests"]
    assert said(read("testrun", tmp_path, json.dumps({**TESTRUN, "tests": {"results": []}}).encode())) == ["it holds no test"]


@pytest.mark.parametrize("text", ["{}", '{"device": {}}', "[1]"])
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="not a report of Testrun"):
        read("testrun", tmp_path, text.encode())

"""Nessus: findings, services, and audits of settings; never what a plugin printed of a device."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.model.words import Severity, Verdict
from tests.collect.imports.formats.reading import findings, read, said, services
from tests.collect.imports.samples import NESSUS


def test_findings_and_services(tmp_path: Path) -> None:
    found = read("nessus", tmp_path, NESSUS.encode())
    trust, overflow, scan, root, version, banner = findings(found)
    assert (trust.rule, trust.title, trust.severity, trust.level, trust.result) == (
        *("51192", "Certificate Cannot Be Trusted", "Medium", Severity.MEDIUM, Verdict.FAIL),
    )
    assert (trust.cvss_vector, trust.cvss_score) == ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N", 6.5)
    assert (str(trust.address), trust.port, trust.message) == ("10.0.0.1", 443, "The certificate of this service cannot be trusted.")
    assert trust.seen_at == datetime.fromtimestamp(1764320400, UTC)
    assert (overflow.level, overflow.cvss_vector, overflow.cvss_score, overflow.cves) == (
        *(Severity.CRITICAL, None, None, ("CVE-2024-0001", "CVE-2024-0002")),
    )
    assert (scan.level, scan.port, scan.transport) == (Severity.NONE, None, None)
    assert (root.severity, root.level) == ("High", Severity.HIGH)
    assert (root.rule, root.title, root.result) == ("21157:5.2.1 root over SSH", "Unix Settings", Verdict.FAIL)
    assert (version.rule, version.result) == ("21157:5.2.2 SSH version", Verdict.PASS)
    assert (str(banner.address), banner.severity, banner.seen_at) == ("10.0.0.9", "Info", None)
    assert [(str(one.address), one.port, one.name, one.state) for one in services(found)] == [
        ("10.0.0.1", 443, "www", "open"),
        ("10.0.0.9", 22, "ssh", "open"),
    ]
    assert said(found) == ["results about nowhere.example, of which it tells no address"]
    assert "Sup3rSecret" not in repr(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<Report><ReportHost name='10.0.0.1'><ReportItem/></ReportHost></Report>", "another document"),
        ("<NessusClientData_v2><ReportItem/></NessusClientData_v2>", "not an export of Nessus"),
    ],
)
def test_other_files_are_refused(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=words):
        read("nessus", tmp_path, text.encode())


def test_an_export_without_hosts_says_so(tmp_path: Path) -> None:
    assert read("nessus", tmp_path, b"<NessusClientData_v2><Report/></NessusClientData_v2>") == ["it names no host"]

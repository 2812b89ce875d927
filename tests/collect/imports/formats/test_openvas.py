"""OpenVAS: results with their certainty; what a filter left out is said."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.model.words import Severity, Verdict
from tests.collect.imports.formats.reading import findings, read, said
from tests.collect.imports.samples import OPENVAS


def test_results(tmp_path: Path) -> None:
    found = read("openvas", tmp_path, OPENVAS.encode())
    ciphers, banner, login = findings(found)
    assert (ciphers.rule, ciphers.title, ciphers.severity, ciphers.level, ciphers.cvss_score) == (
        *("1.3.6.1.4.1.25623.1.0.105611", "SSH: weak ciphers", "Medium", Severity.MEDIUM, 4.3),
    )
    assert (ciphers.cvss_vector, ciphers.cves) == ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:N/A:N", ("CVE-2008-5161",))
    assert (str(ciphers.address), ciphers.port, ciphers.certainty_percent) == ("10.0.0.1", 22, 95)
    assert (ciphers.message, ciphers.seen_at) == ("The server allows weak ciphers.", datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
    assert (banner.level, banner.port, banner.transport, banner.result) == (Severity.NONE, None, None, Verdict.FAIL)
    assert (login.level, login.suppressed, login.result) == (None, True, Verdict.INCONCLUSIVE)
    assert said(found) == ["3 of 5 results: a filter or a page left the others out"]
    assert "arcfour" not in repr(found)


def test_a_scan_that_did_not_end_says_so(tmp_path: Path) -> None:
    assert "the scan had not come to its end: Stopped" in said(read("openvas", tmp_path, OPENVAS.replace(">Done<", ">Stopped<").encode()))


def test_each_report_of_a_file_says_what_it_lacks(tmp_path: Path) -> None:
    """The last one is whole, and speaks for itself alone."""
    each = "<report><scan_run_status>{}</scan_run_status><result_count><full>{}</full></result_count><results>{}</results></report>"
    one = "<result><host>10.0.0.1</host><nvt oid='1'/><severity>5.0</severity></result>"
    reports = (each.format("Running", 9, one), each.format("Done", 2, one), each.format("Done", 2, one * 2))
    text = f"<get_reports_response>{''.join(f'<report>{report}</report>' for report in reports)}</get_reports_response>"
    found = read("openvas", tmp_path, text.encode())
    assert len(findings(found)) == 4
    assert said(found) == [
        "1 of 9 results: a filter or a page left the others out",
        "the scan had not come to its end: Running",
        "1 of 2 results: a filter or a page left the others out",
    ]


@pytest.mark.parametrize("text", ["<nmaprun/>", "<report/>", "<x><result/></x>"])
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"not a report of OpenVAS|another document"):
        read("openvas", tmp_path, text.encode())


def test_results_without_a_test_or_an_address_are_said(tmp_path: Path) -> None:
    text = "<report><results><result><host>10.0.0.1</host></result><result><host>x.example</host><nvt oid='1'/></result></results></report>"
    assert said(read("openvas", tmp_path, text.encode())) == [
        "a result without the number of its test",
        "a result about x.example, of which it tells no address",
    ]

"""nuclei: templates that matched, as lines or as one array; never requests, responses or what was extracted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.model.words import Severity, Verdict
from tests.collect.imports.formats.reading import findings, read, said
from tests.collect.imports.samples import NUCLEI, lines


@pytest.mark.parametrize("text", [lines(NUCLEI), json.dumps(NUCLEI)], ids=["lines", "one array"])
def test_results(text: str, tmp_path: Path) -> None:
    found = read("nuclei", tmp_path, text.encode())
    page, technology, odd, unmatched = findings(found)
    assert (page.rule, page.severity, page.level, page.cvss_score, page.cves) == (
        *("CVE-2024-0003", "high", Severity.HIGH, 7.5, ("CVE-2024-0003",)),
    )
    assert (str(page.address), page.port, page.place) == ("10.0.0.1", 8443, "/read")
    assert page.seen_at == datetime(2026, 11, 20, 9, 0, 0, 123456, tzinfo=UTC)
    assert (technology.rule, technology.level, str(technology.address), technology.port) == (
        "tech-detect:nginx",
        Severity.NONE,
        "10.0.0.1",
        80,
    )
    assert (odd.level, odd.address, odd.result) == (None, None, Verdict.FAIL)
    assert unmatched.result is Verdict.NOT_APPLICABLE
    assert said(found) == []
    for secret in ("Basic", "$6$", "me:pw", "abcdef", "curl"):
        assert secret not in repr(found)


def test_lines_that_are_none_are_counted(tmp_path: Path) -> None:
    found = read("nuclei", tmp_path, (lines(NUCLEI[:1]) + 'not json\n{"a": 1}\n\n').encode())
    assert said(found) == ["2 entries that are none of nuclei's, the first: line 2: not JSON: Expecting value, line 1 column 1"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="not the results of nuclei: an entry without a template-id"):
        read("nuclei", tmp_path, b'{"name": "x"}\n')


def test_no_results_are_no_fault(tmp_path: Path) -> None:
    assert read("nuclei", tmp_path, b"") == []


def test_a_file_of_lines_that_are_none_comes_to_an_end(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="more than 100,000 entries that are none of nuclei's"):
        read("nuclei", tmp_path, b"{}\n" * 100_001)


def test_a_severity_in_capitals_is_the_same(tmp_path: Path) -> None:
    [one] = findings(read("nuclei", tmp_path, json.dumps({"template-id": "x", "info": {"severity": "HIGH"}}).encode()))
    assert (one.severity, one.level) == ("HIGH", Severity.HIGH)

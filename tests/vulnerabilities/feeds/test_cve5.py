"""CVE records: ranges with and without an end, changes, commits, defaults, what was rejected."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.vulnerabilities.facts import Origin, State
from tests.vulnerabilities.making import CVE, VECTOR, affected, cpe, cve5, product, ranges, read

AFFECTED = {"status": "affected"}
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "one version": (product({"version": "1.0", **AFFECTED}), ["known_affected 1.0"]),
    "a range": (product({"version": "1.0", "lessThan": "2.0", **AFFECTED}), ["known_affected >=1.0|<2.0"]),
    "up to and with the end": (product({"version": "1.0", "lessThanOrEqual": "2.0", **AFFECTED}), ["known_affected >=1.0|<=2.0"]),
    "a range without an end": (product({"version": "1.0", "lessThan": "*", **AFFECTED}), ["known_affected >=1.0"]),
    "a range without a beginning": (product({"version": "0", "lessThan": "2.0", **AFFECTED}), ["known_affected <2.0"]),
    "all of a branch": (product({"version": "5.0", "lessThanOrEqual": "5.15.*", **AFFECTED}), ["known_affected >=5.0|<5.16"]),
    "a change within the range": (
        product({"version": "1.0", "lessThan": "3.0", "changes": [{"at": "2.0", "status": "unaffected"}], **AFFECTED}),
        ["known_affected >=1.0|<2.0", "known_not_affected >=2.0|<3.0"],
    ),
    "an end before the beginning": (product({"version": "3.0", "lessThan": "2.0", **AFFECTED}), ["known_affected >= 3.0 < 2.0"]),
    "a range in the text of a version": (product({"version": "< 1.0.3", **AFFECTED}), ["known_affected <1.0.3"]),
    "words that are no range": (
        product({"version": "before the spring release", **AFFECTED}),
        ["known_affected before the spring release"],
    ),
    "unaffected by default": (
        product({"version": "1.0", **AFFECTED}, defaultStatus="unaffected"),
        ["known_affected 1.0", "known_not_affected rest all versions"],
    ),
    "affected by default": (
        product({"version": "2.0", "status": "unaffected"}, defaultStatus="affected"),
        ["known_not_affected 2.0", "known_affected rest all versions"],
    ),
    "unknown by default says nothing": (product({"version": "1.0", **AFFECTED}, defaultStatus="unknown"), ["known_affected 1.0"]),
    "a version of unknown status says nothing": (product({"version": "1.0", "status": "unknown"}), []),
    "no versions at all": (product(), ["known_affected none given"]),
    "a product that is not applicable": (product({"version": "n/a", **AFFECTED}, vendor="n/a", name="n/a"), []),
}


@pytest.mark.parametrize(("entry", "expected"), CASES.values(), ids=CASES)
def test_versions(entry: dict[str, Any], expected: list[str]) -> None:
    assert ranges(cve5(entry)) == expected


def test_commits_are_kept_as_such_and_releases_that_are_called_git_are_not() -> None:
    commits = {"version": "1da177e4c3f4", "lessThan": "a0b1c2d3e4f5", "versionType": "git", **AFFECTED}
    releases = {"version": "5.10", "lessThan": "5.15.3", "versionType": "git", **AFFECTED}
    assert [one.scheme for one in affected(cve5(product(commits, releases)))] == ["git", None]


def test_what_authority_and_adp_say_is_told_apart() -> None:
    record = cve5(product({"version": "1.0", **AFFECTED}))
    match = {"vulnerable": True, "criteria": cpe(), "versionEndExcluding": "3.0"}
    record["containers"]["adp"] = [{"cpeApplicability": [{"nodes": [{"operator": "OR", "cpeMatch": [match]}]}]}]
    assert [(one.origin, one.cpe) for one in affected(record)] == [(Origin.CNA, None), (Origin.ADP, "a:acme:httpd")]


def test_a_rejected_record_affects_nobody_and_stays_known() -> None:
    [record], _ = read(cve5(product({"version": "1.0", **AFFECTED}), state="REJECTED"))
    assert record.affected == ()
    assert [one.state for one in record.vulnerabilities] == [State.REJECTED]


def test_scores_and_what_cisa_adds() -> None:
    record = cve5(metrics=[{"cvssV3_1": {"vectorString": VECTOR, "baseScore": 9.8}}], tags=["disputed"])
    ssvc = {"options": [{"Exploitation": "active"}, {"Automatable": "yes"}]}
    listed = {"other": {"type": "kev", "content": {"dateAdded": "2026-11-02"}}}
    record["containers"]["adp"] = [{"metrics": [{"other": {"type": "ssvc", "content": ssvc}}, listed]}]
    [found], _ = read(record)
    [one] = found.vulnerabilities
    assert (one.cvss, one.score, one.scored_by, one.state, one.exploitation, one.automatable) == (
        VECTOR, 9.8, "cna", State.DISPUTED, "active", True,
    )  # fmt: skip
    assert [entry.id for entry in found.exploited] == [CVE]


WRONG: dict[str, tuple[Any, str]] = {
    "no id": ({"dataType": "CVE_RECORD"}, "has no CVE id"),
    "containers that are no objects": ({"dataType": "CVE_RECORD", "cveMetadata": {"cveId": CVE}, "containers": [1]}, ""),
    "a bad CPE name": (cve5(product({"version": "1.0", **AFFECTED}, cpes=["cpe:2.3:x"])), "a CPE name without part"),
}


@pytest.mark.parametrize(("value", "why"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said(value: Any, why: str) -> None:
    refused = read(value)[1]
    assert [words[: len(why)] for words in refused] == ([why] if why else [])

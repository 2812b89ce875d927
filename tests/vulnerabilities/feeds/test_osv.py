"""OSV: spans of events, ecosystems, withdrawn records, YAML."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.vulnerabilities.facts import State
from tests.vulnerabilities.making import CVE, affected, osv, package, ranges, read

FROM = {"introduced": "0"}
CASES: dict[str, tuple[Any, list[str]]] = {
    "up to a fix": (package(FROM, {"fixed": "1.2-3"}), ["known_affected <1.2-3"]),
    "no fix yet": (package({"introduced": "1.0"}), ["known_affected >=1.0"]),
    "up to the last": (package(FROM, {"last_affected": "1.2"}), ["known_affected <=1.2"]),
    "twice": (
        package(FROM, {"fixed": "1.0"}, {"introduced": "2.0"}, {"fixed": "2.5"}),
        ["known_affected <1.0", "known_affected >=2.0|<2.5"],
    ),
    "in no order": (
        package(FROM, {"introduced": "2.0"}, {"fixed": "1.0"}, {"fixed": "2.5"}),
        ["known_affected events that do not stand in the order of their versions"],
    ),
    "the fix before the beginning": (
        package({"fixed": "1.0"}, FROM),
        ["known_affected events that do not stand in the order of their versions"],
    ),
    "several fixes, of which the first ends it": (package(FROM, {"fixed": "1.0"}, {"fixed": "1.1"}), ["known_affected <1.0"]),
    "single versions": (package(versions=["1.0", "1.1"]), ["known_affected 1.0, 1.1"]),
    "neither ranges nor versions": (package(), ["known_affected all versions"]),
    "a kind of range that nobody knows": (package(FROM, kind="MOON"), ["known_affected a range of type MOON"]),
}


@pytest.mark.parametrize(("entry", "expected"), CASES.values(), ids=CASES)
def test_ranges(entry: Any, expected: list[str]) -> None:
    assert ranges(osv(entry)) == expected


ECOSYSTEMS = {
    "Debian:12": ("debian:12", "deb"),
    "Alpine:v3.18": ("alpine:v3.18", "apk"),
    "Ubuntu:22.04:LTS": ("ubuntu:22.04", "deb"),
    "npm": ("npm", "semver"),
    "OSS-Fuzz": (None, None),
}


@pytest.mark.parametrize(("ecosystem", "expected"), ECOSYSTEMS.items(), ids=ECOSYSTEMS)
def test_ecosystems(ecosystem: str, expected: tuple[str | None, str | None]) -> None:
    [one] = affected(osv(package(FROM, ecosystem=ecosystem)))
    assert (one.namespace, one.scheme) == expected


def test_commits_are_kept_as_such() -> None:
    [one] = affected(osv({"ranges": [{"type": "GIT", "repo": "https://git.acme/httpd.git", "events": [{"introduced": "a1b2"}]}]}))
    assert (one.product, one.scheme) == ("httpd", "git")


def test_a_withdrawn_record_says_nothing_of_the_cve() -> None:
    [record], _ = read(osv(package(FROM), withdrawn="2026-11-02T00:00:00Z"))
    assert record.affected == ()
    assert [(one.id, one.state) for one in record.vulnerabilities] == [("DSA-1-1", State.WITHDRAWN)]


def test_yaml_in_lines_is_read_without_aliases() -> None:
    [record], _ = read({"path": "a.yaml", "yaml": f"id: OSV-1\nmodified: '2026-11-01T00:00:00Z'\naliases: [{CVE}]\naffected: []\n"})
    assert record.key == "OSV-1"
    assert read({"path": "a.yaml", "yaml": "a: &x [1]\nb: *x\n"})[1] == ["YAML with aliases"]


def test_a_package_without_a_name_is_refused() -> None:
    assert read(osv({"package": {"ecosystem": "npm"}}))[1] == ["affects a package without a name"]

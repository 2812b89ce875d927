"""Whether a component has a vulnerability: the order of trust, backports, what cannot be compared, and how sure a match is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plumbline.vulnerabilities.facts import Origin
from plumbline.vulnerabilities.identity import Component, Sure
from plumbline.vulnerabilities.matching import Confidence, Finding, Match
from tests.vulnerabilities.making import CVE, cpe, csaf, cve5, matched, nvd, openvex, osv, package, product

PLAIN = Component(name="httpd", version="2.0", manager="sbom", confidence="sbom", cpe=cpe())
DEBIAN = Component(name="httpd", version="2.0-3", scheme="deb", manager="dpkg", confidence="database", namespace="debian:12")
FROM = {"introduced": "0"}

CSAF_BELOW_1 = csaf({"P": ("httpd", "<1.0")}, {"known_affected": ["P"]})
CSAF_BELOW_3 = csaf({"P": ("httpd", "<3.0")}, {"known_affected": ["P"]})
CSAF_WORDS = csaf({"P": ("httpd", "some units of 2019")}, {"known_affected": ["P"]})
CNA_BELOW_1 = cve5(product({"version": "0", "lessThan": "1.0", "status": "affected"}, defaultStatus="unaffected"))
CNA_BELOW_3 = cve5(product({"version": "0", "lessThan": "3.0", "status": "affected"}))
NVD_BELOW_1 = nvd({"criteria": cpe(), "versionEndExcluding": "1.0"})
NVD_BELOW_3 = nvd({"criteria": cpe(), "versionEndExcluding": "3.0"})
OVERRIDE_BELOW_1 = {**NVD_BELOW_1, "_annotation": {"cve_id": CVE}}


def vex(status: str, *, timestamp: str = "2026-11-01T00:00:00Z", **more: Any) -> Any:
    return openvex({"vulnerability": CVE, "status": status, "products": [{"@id": "pkg:generic/httpd"}], **more}, timestamp=timestamp)


TRUST = {
    "VEX goes before a vendor's advisory": ((CSAF_BELOW_3, vex("not_affected")), Finding.NOT_AFFECTED, Origin.VEX),
    "of VEX the newest counts": (
        (vex("not_affected"), vex("affected", timestamp="2026-11-09T00:00:00Z")),
        Finding.AFFECTED,
        Origin.VEX,
    ),
    "a vendor's advisory goes before the authority": ((CNA_BELOW_1, CSAF_BELOW_3), Finding.AFFECTED, Origin.CSAF),
    "the authority goes before NVD": ((NVD_BELOW_3, CNA_BELOW_1), Finding.NOT_AFFECTED, Origin.CNA),
    "a correction goes before NVD": ((NVD_BELOW_3, OVERRIDE_BELOW_1), Finding.FIXED, Origin.OVERRIDE),
    "NVD alone": ((NVD_BELOW_3,), Finding.AFFECTED, Origin.NVD),
    "a better source that cannot be compared leaves it to the next": ((CSAF_WORDS, NVD_BELOW_3), Finding.AFFECTED, Origin.NVD),
    "a better source that is silent leaves it to the next": (
        (cve5(product({"version": "7.0", "status": "affected"})), NVD_BELOW_3),
        Finding.AFFECTED,
        Origin.NVD,
    ),
}


@pytest.mark.parametrize(("values", "status", "origin"), TRUST.values(), ids=TRUST)
@pytest.mark.parametrize("backwards", [False, True], ids=["as given", "the other way round"])
def test_the_order_of_trust(values: tuple[Any, ...], status: Finding, origin: Origin, backwards: bool) -> None:
    found = matched(PLAIN, *(reversed(values) if backwards else values))
    assert (found.status, found.origin) == (status, origin)


def test_a_denial_that_overrules_others_is_shown_with_its_justification() -> None:
    found = matched(PLAIN, NVD_BELOW_3, vex("not_affected", justification="component_not_present"))
    assert (found.overruled, found.justification, found.confidence) == (True, "component_not_present", Confidence.HIGH)


BACKPORTS = {
    "the changelog names it": (replace(DEBIAN, fixes=(CVE,)), (NVD_BELOW_3,), Finding.FIXED, Confidence.HIGH),
    "the changelog goes before everything": (replace(DEBIAN, fixes=(CVE,)), (vex("affected"),), Finding.FIXED, Confidence.HIGH),
    "the changelog names others": (replace(DEBIAN, fixes=("CVE-2020-1000",)), (NVD_BELOW_3,), Finding.AFFECTED, Confidence.LOW),
    "the distribution's tracker says mended": (
        DEBIAN,
        (NVD_BELOW_3, osv(package(FROM, {"fixed": "2.0-2"}))),
        Finding.FIXED,
        Confidence.HIGH,
    ),
    "the distribution's tracker says not yet": (
        DEBIAN,
        (NVD_BELOW_3, osv(package(FROM, {"fixed": "2.0-4"}))),
        Finding.AFFECTED,
        Confidence.HIGH,
    ),
    "another release's tracker does not count": (
        DEBIAN,
        (NVD_BELOW_3, osv(package(FROM, {"fixed": "2.0-2"}, ecosystem="Debian:11"))),
        Finding.AFFECTED,
        Confidence.LOW,
    ),
    "upstream's range alone": (DEBIAN, (NVD_BELOW_3,), Finding.AFFECTED, Confidence.LOW),
    "upstream's version is behind the range": (DEBIAN, (NVD_BELOW_1,), Finding.FIXED, Confidence.MEDIUM),
}


@pytest.mark.parametrize(("component", "values", "status", "confidence"), BACKPORTS.values(), ids=BACKPORTS)
def test_backports(component: Component, values: tuple[Any, ...], status: Finding, confidence: Confidence) -> None:
    found = matched(component, *values)
    assert (found.status, found.confidence) == (status, confidence), found.reason


def test_a_package_judged_by_upstreams_version_says_so() -> None:
    assert matched(DEBIAN, NVD_BELOW_3).reason == (
        "nvd (nvd) calls affected <3.0; by upstream's version: the distribution may have mended it"
    )


GIT = product({"version": "a1b2c3d4", "lessThan": "b2c3d4e5", "versionType": "git", "status": "affected"})
ON_BOX = nvd({"criteria": cpe(), "versionEndExcluding": "3.0"})
ON_BOX["cve"]["configurations"][0] |= {
    "operator": "AND",
    "nodes": [
        *ON_BOX["cve"]["configurations"][0]["nodes"],
        {"operator": "OR", "cpeMatch": [{"vulnerable": False, "criteria": cpe(name="box", part="h")}]},
    ],
}
UNDECIDED = {
    "a range that cannot be read": (PLAIN, (CSAF_WORDS,), Finding.NOT_COMPARABLE, "cannot be read as a range: some units of 2019"),
    "a range of commits": (PLAIN, (cve5(GIT),), Finding.NOT_COMPARABLE, "a range of commits"),
    "a version that is not known": (replace(PLAIN, version=None), (NVD_BELOW_3,), Finding.NOT_COMPARABLE, "version is not known"),
    "a version without an order": (replace(PLAIN, version="rolling"), (NVD_BELOW_3,), Finding.NOT_COMPARABLE, "cannot be compared"),
    "only on hardware that is not known": (PLAIN, (ON_BOX,), Finding.CONTEXT, "which is not known here"),
    "the vendor still looks": (PLAIN, (vex("under_investigation"),), Finding.INVESTIGATED, "calls under investigation all versions"),
    "named, and nothing said of this version": (
        PLAIN,
        (cve5(product({"version": "7.0", "status": "affected"})),),
        Finding.INVESTIGATED,
        "says nothing of this version",
    ),
}


@pytest.mark.parametrize(("component", "values", "status", "words"), UNDECIDED.values(), ids=UNDECIDED)
def test_what_is_not_decided_is_said(component: Component, values: tuple[Any, ...], status: Finding, words: str) -> None:
    found = matched(component, *values)
    assert found.status is status
    assert words in found.reason
    assert not found.status.settled


CONFIDENCE: dict[str, tuple[Match, Confidence, str]] = {
    "the vendor, of its own product": (matched(PLAIN, CSAF_BELOW_3), Confidence.HIGH, ""),
    "NVD": (matched(PLAIN, NVD_BELOW_3), Confidence.MEDIUM, ""),
    "a coordinator": (
        matched(PLAIN, csaf({"P": ("httpd", "<3.0")}, {"known_affected": ["P"]}, publisher="coordinator")),
        Confidence.MEDIUM,
        "",
    ),
    "known by the table": (matched(PLAIN, CSAF_BELOW_3, sure=Sure.TABLE), Confidence.MEDIUM, "by the table of aliases"),
    "known by name alone": (matched(PLAIN, CSAF_BELOW_3, sure=Sure.NAME), Confidence.MEDIUM, "by its name alone"),
    "found by strings": (matched(replace(PLAIN, confidence="string"), CSAF_BELOW_3), Confidence.MEDIUM, "by strings in a program"),
    "disputed": (matched(PLAIN, CSAF_BELOW_3, disputed=[CVE]), Confidence.MEDIUM, "is disputed"),
    "a better source is unreadable": (matched(PLAIN, CSAF_WORDS, CNA_BELOW_3), Confidence.MEDIUM, "csaf cannot be compared"),
    "a crate that is called like a program": (
        matched(replace(PLAIN, cpe=None, purl="pkg:cargo/httpd@2.0"), NVD_BELOW_3, sure=Sure.NAME),
        Confidence.LOW,
        "may have the name of another product",
    ),
    "a crate that a feed names": (
        matched(replace(PLAIN, cpe=None, purl="pkg:cargo/httpd@2.0"), CSAF_BELOW_3),
        Confidence.HIGH,
        "",
    ),
    "nothing can be compared": (matched(PLAIN, CSAF_WORDS), Confidence.LOW, "cannot be read"),
}


@pytest.mark.parametrize(("found", "confidence", "words"), CONFIDENCE.values(), ids=CONFIDENCE)
def test_how_sure_a_match_is_and_why(found: Match, confidence: Confidence, words: str) -> None:
    assert found.confidence is confidence, found.reason
    assert words in found.reason


def test_what_was_taken_back_matches_nothing() -> None:
    with pytest.raises(ValueError, match="unpack"):
        matched(PLAIN, CNA_BELOW_3, void=[CVE])


def test_what_mends_it_comes_along() -> None:
    assert matched(PLAIN, CNA_BELOW_3).fixed_in == "3.0"

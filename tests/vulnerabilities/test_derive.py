"""What is derived of components: each kind of component matched once, exposure summed up, what is stale or missing said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from plumbline.assess.run import assess
from plumbline.model.words import Outcome
from plumbline.vulnerabilities.freshness import WHOLE_SINCE
from tests.catalogue.making import imported as catalogued
from tests.vulnerabilities.deriving import IMAGE, bundle, component, derived
from tests.vulnerabilities.making import CVE, NOW, VECTOR, cpe, cve5, epss, imported, kev, nvd, openvex, osv, package, product

LOW = "CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"
SECOND, THIRD = "CVE-2026-2000", "CVE-2026-3000"
SYSTEM = "system:site/gw"
SCORED = {"metrics": [{"cvssV3_1": {"vectorString": VECTOR, "baseScore": 9.8}}]}


def below(end: str, cve: str, vector: str | None = VECTOR, **more: Any) -> Any:
    """A CVE record on all versions of acme's httpd below an end."""
    metrics = [{"cvssV3_1": {"vectorString": vector, "baseScore": 9.8 if vector == VECTOR else 1.6}}] if vector else []
    return cve5(product({"version": "0", "lessThan": end, "status": "affected"}, vendor="httpd"), cve=cve, metrics=metrics, **more)


# Old records on another product, so that the feed holds every year.
EARLIER = [
    cve5(product({"version": "1", "status": "affected"}, name="unrelated"), cve=f"CVE-{year}-0001", updated=f"{year}-12-31T00:00:00Z")
    for year in range(WHOLE_SINCE, NOW.year)
]


def feeds(folder: Path, *values: Any, listed: tuple[str, ...] = (), **more: Any) -> None:
    files = {f"{number}.json": value for number, value in enumerate((*values, *EARLIER))}
    imported(folder, {**files, "kev.json": kev("CVE-2000-1000", *listed), **more})


def whole(rows: list[dict[str, Any]], entity: str = IMAGE) -> dict[str, Any]:
    [row] = [row for row in rows if row["subject"] == "" and row["entity"] == entity]
    return row


def test_components_alike_are_matched_once_and_joined_back(tmp_path: Path) -> None:
    feeds(tmp_path, below("3.0", CVE))
    found = derived(tmp_path, {IMAGE: [component()], SYSTEM: [component(), component("other", "1.0")]})
    assert [(row["entity"], row["subject"], row["vulnerability"], row["status"]) for row in found["vulnerability_match"]] == [
        (IMAGE, "component/httpd", CVE, "affected"),
        (SYSTEM, "component/httpd", CVE, "affected"),
    ]
    first = found["vulnerability_match"][0]
    assert (first["confidence"], first["score"], first["fixed_in"], first["origin"], first["exploited"]) == (
        "medium",
        9.8,
        "3.0",
        "cna",
        False,
    )
    assert "by its name alone" in first["reason"]
    system = whole(found["component_exposure"], SYSTEM)
    assert (system["components"], system["known"], system["unknown"], system["open"], system["worst"]) == (2, 1, 1, 1, CVE)


def test_a_component_that_is_named_twice_counts_once_with_both_rows(tmp_path: Path) -> None:
    feeds(tmp_path, below("3.0", CVE))
    found = derived(tmp_path, {IMAGE: [component(), component(path="/again"), component(architecture="arm"), component(version="2.1")]})
    assert [(row["version"], len(row["sources"])) for row in found["vulnerability_match"]] == [("2.0", 3), ("2.1", 1)]
    assert (whole(found["component_exposure"])["components"], whole(found["component_exposure"])["open"]) == (4, 2)


def test_the_most_urgent_goes_first_by_kev_then_epss_then_score(tmp_path: Path) -> None:
    scores = epss(f"{CVE},0.01,0.1", f"{SECOND},0.9,0.99")
    values = (below("3.0", CVE), below("4.0", SECOND, LOW), below("2.5", THIRD, LOW))
    feeds(tmp_path, *values, listed=(THIRD,), **{"epss.csv": scores})
    [row] = [row for row in derived(tmp_path, {IMAGE: [component()]})["component_exposure"] if row["component"]]
    assert (row["urgent"], row["exploited_ids"]) == ([THIRD, SECOND, CVE], [THIRD])
    assert row["likely"] == 1
    assert (row["open"], row["open_high"], row["worst"], row["worst_cvss"], row["mended_by"]) == (3, 1, CVE, VECTOR, "4.0")


def test_what_a_changelog_or_a_vex_statement_mends_is_not_open(tmp_path: Path) -> None:
    vex = openvex({"vulnerability": SECOND, "status": "not_affected", "products": [{"@id": "pkg:generic/httpd"}], "justification": "x"})
    feeds(tmp_path, below("3.0", CVE), below("3.0", SECOND), vex)
    found = derived(tmp_path, {IMAGE: [component(fixes=[CVE], purl="pkg:generic/httpd@2.0")]})
    assert [(row["vulnerability"], row["status"]) for row in found["vulnerability_match"]] == [(CVE, "fixed"), (SECOND, "not_affected")]
    [row] = [row for row in found["component_exposure"] if row["component"]]
    assert (row["open"], row["settled"], row["undecided"], row["urgent"]) == (0, 2, 0, [])


def test_a_packages_upstream_range_is_unsure_until_its_tracker_speaks(tmp_path: Path) -> None:
    package_row = component(version="2.0-3", scheme="deb", manager="dpkg", confidence="database", namespace="debian:12")
    upstream = nvd({"criteria": cpe("httpd"), "versionEndExcluding": "3.0"})
    feeds(tmp_path, upstream)
    [row] = [row for row in derived(tmp_path, {IMAGE: [package_row]})["component_exposure"] if row["component"]]
    assert (row["open"], row["low_confidence"], row["unsure_score"]) == (0, 1, 9.8)
    (tmp_path / "second").mkdir()
    feeds(
        tmp_path / "second",
        nvd({"criteria": cpe("httpd"), "versionEndExcluding": "3.0"}),
        osv(package({"introduced": "0"}, {"fixed": "2.0-2"})),
    )
    found = derived(tmp_path / "second", {IMAGE: [package_row]})
    assert [row["status"] for row in found["vulnerability_match"]] == ["fixed"]


def test_a_vulnerability_that_was_taken_back_has_no_row(tmp_path: Path) -> None:
    feeds(tmp_path, nvd({"criteria": cpe("httpd"), "versionEndExcluding": "3.0"}), cve5(state="REJECTED"))
    assert derived(tmp_path, {IMAGE: [component()]})["vulnerability_match"] == []


def test_no_feeds_no_rows_and_no_coverage(tmp_path: Path) -> None:
    assert derived(tmp_path, {IMAGE: [component()]}) == {
        "vulnerability_match": [], "component_exposure": [], "component_support": [], "coverage": [],
    }  # fmt: skip


def test_feeds_without_anything_that_holds_components_come_to_nothing(tmp_path: Path) -> None:
    feeds(tmp_path, below("3.0", CVE))
    assert not any(derived(tmp_path, {}).values())


COVERAGE = {
    "fresh, and all components listed": ({}, "ok", None),
    "not all components listed": ({"outcome": Outcome.PARTIAL}, "partial", "component: partial"),
    "no component listed": ({"outcome": Outcome.PROTOCOL_ERROR}, "protocol_error", "component: protocol_error"),
    "stale": (
        {"as_of": NOW + timedelta(days=40)},
        "partial",
        "the newest feed on all products is of 2026-11-01, more than 30 days before; "
        "the newest list of exploited vulnerabilities is of 2026-11-20, more than 30 days before",
    ),
}


@pytest.mark.parametrize(("more", "outcome", "detail"), COVERAGE.values(), ids=COVERAGE)
def test_what_is_not_known_is_said(tmp_path: Path, more: dict[str, Any], outcome: str, detail: str | None) -> None:
    feeds(tmp_path, below("1.0", CVE))
    found = derived(tmp_path, {IMAGE: [component()]}, **more)
    assert {(row["table"], row["outcome"], row["detail"]) for row in found["coverage"]} == {
        ("vulnerability_match", outcome, detail), ("component_exposure", outcome, detail),
    }  # fmt: skip
    assert all(row["complete"] == (outcome == "ok") for row in found["component_exposure"])


def test_a_part_of_a_feed_lets_nothing_pass(tmp_path: Path) -> None:
    imported(tmp_path, {"a.json": below("1.0", CVE), "kev.json": kev("CVE-2000-1000")})
    found = derived(tmp_path, {IMAGE: [component()]})
    assert not any(row["complete"] for row in found["component_exposure"])
    assert all("no feed on all products is whole" in row["detail"] for row in found["coverage"])


@pytest.mark.parametrize(
    ("namespace", "outcome"), [("debian:12", Outcome.OK), ("debian", Outcome.PARTIAL), (None, Outcome.PARTIAL), ("wolfi", Outcome.OK)]
)
def test_a_package_whose_tracker_is_not_known_lets_nothing_pass(tmp_path: Path, namespace: str | None, outcome: Outcome) -> None:
    feeds(tmp_path, below("1.0", CVE))
    found = derived(tmp_path, {IMAGE: [component(manager="dpkg", scheme="deb", namespace=namespace)]})
    assert {row["outcome"] for row in found["coverage"]} == {outcome}
    assert whole(found["component_exposure"])["complete"] == (outcome is Outcome.OK)


def test_without_a_list_of_exploited_ones_nothing_is_known_of_that(tmp_path: Path) -> None:
    imported(tmp_path, {f"{number}.json": value for number, value in enumerate((below("3.0", CVE), *EARLIER))})
    found = derived(tmp_path, {IMAGE: [component()]})
    assert {(row["complete"], row["list_complete"], row["exploited"]) for row in found["component_exposure"]} == {(True, False, None)}
    assert {row["detail"] for row in found["coverage"]} == {"no list of exploited vulnerabilities (KEV) was imported"}


def test_a_date_in_the_future_does_not_make_a_feed_fresh(tmp_path: Path) -> None:
    feeds(tmp_path, below("1.0", CVE, updated="2199-01-01T00:00:00Z"))
    found = derived(tmp_path, {IMAGE: [component()]}, as_of=NOW + timedelta(days=40))
    assert {row["outcome"] for row in found["coverage"]} == {"partial"}


SUPPORT = """
[[product]]
vendor = "OpenSSL"
model = "OpenSSL"
identifiers = ["cpe:a:openssl:openssl"]
[[support]]
product = "openssl/openssl"
cycle = "3.0"
security_ends_at = 2026-09-07
"""


def test_a_component_has_the_support_of_its_branch(tmp_path: Path) -> None:
    catalogued(tmp_path, {"own.toml": SUPPORT})
    found = derived(tmp_path, {IMAGE: [component("openssl", "3.0.11"), component("openssl-like", "3.01")]})
    [row] = [row for row in found["component_support"] if row["component"]]
    assert (row["component"], row["cycle"], row["ends_at"]) == ("openssl", "3.0", datetime(2026, 9, 7, tzinfo=UTC))
    assert (whole(found["component_support"])["known"], whole(found["component_support"])["components"]) == (1, 2)


@pytest.mark.parametrize(("later", "ended"), [(timedelta(), False), (timedelta(days=31), None)], ids=["fresh", "stale"])
def test_that_support_goes_on_is_known_only_while_the_source_is_fresh(tmp_path: Path, later: timedelta, ended: bool | None) -> None:
    catalogued(tmp_path, {"own.toml": SUPPORT.replace("security_ends_at = 2026-09-07", "ended = false")}, now=NOW)
    found = derived(tmp_path, {IMAGE: [component("openssl", "3.0.11")]}, as_of=NOW + later)
    assert [row["ended"] for row in found["component_support"] if row["component"]] == [ended]


def verdicts(out: Path) -> dict[tuple[str, str], tuple[str, str | None]]:
    import pyarrow.parquet as pq

    rows = pq.read_table(out / "ledger.parquet").to_pylist()
    return {
        (row["check"].removeprefix("firmware.component_"), row["subject"]): (row["verdict"], row["reason"])
        for row in rows
        if row["check"].startswith("firmware.component_")
    }


def test_checks_judge_what_was_derived_alike_on_one_thread_and_two(tmp_path: Path) -> None:
    feeds(tmp_path, below("3.0", CVE), listed=(CVE,))
    held = bundle(tmp_path, {IMAGE: [component(), component("other", "1.0")]})
    done = [assess([held], tmp_path / f"out{n}", as_of=NOW, reference=tmp_path / "reference", threads=n) for n in (1, 2)]
    assert done[0].ledger_digest == done[1].ledger_digest
    assert verdicts(tmp_path / "out1") == {
        ("vulnerable", ""): ("pass", None),
        ("vulnerable", "component/httpd"): ("fail", None),
        ("exploited", ""): ("pass", None),
        ("exploited", "component/httpd"): ("fail", None),
        ("unsupported", ""): ("inconclusive", "not_attempted"),
    }


def test_findings_of_what_is_exploited_or_likely_to_be_weigh_more(tmp_path: Path) -> None:
    values = [cve5(product({"version": "0", "lessThan": "3.0", "status": "affected"}, vendor=name, name=name), cve=cve, **SCORED)
              for name, cve in (("one", CVE), ("two", SECOND), ("three", THIRD))]  # fmt: skip
    feeds(tmp_path, *values, listed=(CVE,), **{"epss.csv": epss(f"{SECOND},0.4,0.9", f"{THIRD},0.01,0.2")})
    held = bundle(tmp_path, {IMAGE: [component(name) for name in ("one", "two", "three")]})
    done = assess([held], tmp_path / "out", as_of=NOW, reference=tmp_path / "reference")
    risks = {one.subject: one.risk for one in done.findings if one.check == "firmware.component_vulnerable"}
    assert risks == {"component/one": 100, "component/two": 82, "component/three": 69}
    [check] = [one for one in done.checks if one.id == "firmware.component_vulnerable"]
    assert check.risk == 100


def test_without_feeds_checks_say_that_nothing_was_attempted(tmp_path: Path) -> None:
    held = bundle(tmp_path, {IMAGE: [component()]})
    assess([held], tmp_path / "out", as_of=NOW, reference=None)
    assert set(verdicts(tmp_path / "out").values()) == {("inconclusive", "not_attempted")}


def test_stale_feeds_still_fail_what_they_name_and_pass_nothing(tmp_path: Path) -> None:
    feeds(tmp_path, below("3.0", CVE), below("1.0", SECOND))
    held = bundle(tmp_path, {IMAGE: [component()], SYSTEM: [component("httpd", "5.0")]})
    assess([held], tmp_path / "out", as_of=NOW + timedelta(days=60), reference=tmp_path / "reference")
    found = verdicts(tmp_path / "out")
    assert found["vulnerable", "component/httpd"] == ("fail", None)
    assert not [key for key, (verdict, _) in found.items() if verdict == "pass"]

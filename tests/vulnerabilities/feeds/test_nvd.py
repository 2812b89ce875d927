"""NVD: CPE ranges, what a program must run on, overrides, rejected records, answers with a bad member."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.vulnerabilities.facts import Origin, State
from tests.vulnerabilities.making import CVE, affected, cpe, nvd, ranges, read

CASES: dict[str, tuple[Any, list[str]]] = {
    "below": (nvd({"criteria": cpe(), "versionEndExcluding": "2.0"}), ["known_affected <2.0"]),
    "from, without an end": (nvd({"criteria": cpe(), "versionStartIncluding": "1.0"}), ["known_affected >=1.0"]),
    "between, without the beginning": (
        nvd({"criteria": cpe(), "versionStartExcluding": "1.0", "versionEndIncluding": "2.0"}),
        ["known_affected >1.0|<=2.0"],
    ),
    "one version": (nvd({"criteria": cpe(version="1.0")}), ["known_affected 1.0"]),
    "one update of a version": (nvd({"criteria": cpe(version="4.2.8", rest="p10:*:*:*:*:*:*")}), ["known_affected 4.2.8-p10, 4.2.8p10"]),
    "every version": (nvd({"criteria": cpe()}), ["known_affected all versions"]),
    "no version": (nvd({"criteria": cpe(version="-")}), ["known_affected no version given (-)"]),
}


@pytest.mark.parametrize(("value", "expected"), CASES.values(), ids=CASES)
def test_ranges(value: Any, expected: list[str]) -> None:
    assert ranges(value) == expected


def test_what_it_must_run_on_is_no_statement_of_its_own() -> None:
    record = nvd({"criteria": cpe()})
    hardware = {"vulnerable": False, "criteria": cpe(name="box", part="h")}
    record["cve"]["configurations"][0] |= {"operator": "AND"}
    record["cve"]["configurations"][0]["nodes"].append({"operator": "OR", "cpeMatch": [hardware]})
    [one] = affected(record)
    assert (one.product, one.hardware) == ("httpd", (cpe(name="box", part="h"),))


def test_a_plug_in_is_not_the_program_of_its_name() -> None:
    [one] = affected(nvd({"criteria": cpe(rest="*:*:*:*:wordpress:*:*")}))
    assert one.hardware == ("target:wordpress",)


def test_a_negated_configuration_is_not_read() -> None:
    record = nvd({"criteria": cpe()})
    record["cve"]["configurations"][0]["negate"] = True
    assert [one.parsed for one in affected(record)] == [False]


def test_an_override_says_its_ranges_and_no_more() -> None:
    value = {**nvd({"criteria": cpe(), "fix": {"version": "2.1"}}), "_annotation": {"cve_id": CVE, "modified": "2026-11-01T00:00:00Z"}}
    [record], _ = read(value)
    assert (record.provider, record.vulnerabilities, record.affected[0].origin, record.affected[0].fixed_in) == (
        "overrides", (), Origin.OVERRIDE, "2.1",
    )  # fmt: skip


def test_a_rejected_record_affects_nobody() -> None:
    [record], _ = read(nvd({"criteria": cpe()}, vulnStatus="Rejected"))
    assert (record.affected, record.vulnerabilities[0].state) == ((), State.REJECTED)


def test_a_bad_member_of_an_answer_costs_itself() -> None:
    answer = {"format": "NVD_CVE", "vulnerabilities": [nvd(), {"cve": {"id": "no"}}, 7, nvd(cve="CVE-2026-2002")]}
    records, refused = read(answer)
    assert [record.key for record in records] == [CVE, "CVE-2026-2002"]
    assert refused == ["has no CVE id", "has no CVE id"]

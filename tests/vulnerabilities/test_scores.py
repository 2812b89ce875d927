"""Which of several scores counts, and what is no score; of which date a store is; YAML read as if it were JSON."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from plumbline.evidence.reference import Source
from plumbline.model.errors import ProtocolError
from plumbline.vulnerabilities.freshness import WHOLE_SINCE, doubt, doubt_of_exploited, is_stale, right_as_of
from plumbline.vulnerabilities.scores import Score, newest, score_of
from plumbline.vulnerabilities.yaml_text import parse_yaml
from tests.vulnerabilities.making import NOW, VECTOR

V2 = "AV:N/AC:L/Au:N/C:P/I:P/A:P"
V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"

SCORES: dict[str, tuple[object, object, Score | None]] = {
    "with its score": (VECTOR, 9.8, Score(VECTOR, 9.8)),
    "computed": (VECTOR, None, Score(VECTOR, 9.8)),
    "of version 2": (V2, None, Score(V2, 7.5)),
    "of version 4": (V4, None, Score(V4, 9.3)),
    "a score out of bounds is computed anew": (VECTOR, 99, Score(VECTOR, 9.8)),
    "a score without a vector": (None, 9.8, None),
    "a vector that lacks metrics": ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N", None, None),
    "no vector": ("high", 9.8, None),
}


@pytest.mark.parametrize(("vector", "base", "expected"), SCORES.values(), ids=SCORES)
def test_scores(vector: object, base: object, expected: Score | None) -> None:
    assert score_of(vector, base) == expected


def test_the_newest_version_of_the_standard_counts() -> None:
    assert newest([score_of(V2), None, score_of(VECTOR), score_of(V4)]) == Score(V4, 9.3)
    assert newest([None]) is None


def source(kind: str, age_days: int, *, dated: bool = True, **rows: int) -> Source:
    moment = NOW - timedelta(days=age_days)
    return Source(id=kind, kind=kind, title=kind, read_at=NOW if dated else moment, dated_at=moment if dated else None, rows=rows)


BROAD = {"affected": 1, "vulnerability": 1}
STORES: dict[str, tuple[list[Source], str | None]] = {
    "fresh": ([source("nvd", 30, **BROAD)], None),
    "one fresh, one stale": ([source("nvd", 100, **BROAD), source("cve5", 1, **BROAD)], None),
    "stale": ([source("nvd", 31, **BROAD)], "the newest feed on all products is of 2026-10-21, more than 30 days before"),
    "of no date, read long ago": ([source("cve5", 31, dated=False, **BROAD)], "the newest feed on all products is of 2026-10-21, more"),
    "a fresh advisory beside a stale feed": ([source("nvd", 31, **BROAD), source("csaf", 0, **BROAD)], "the newest feed on all products"),
    "a fresh tracker beside a stale feed": ([source("nvd", 31, **BROAD), source("osv", 0, **BROAD)], "the newest feed on all products"),
    "a tracker alone": ([source("osv", 0, **BROAD)], "none of the feeds on all products was imported: nvd, cve5"),
    "one vendor's advisories alone": ([source("csaf", 0, **BROAD)], "none of the feeds on all products was imported"),
    "corrections alone": ([source("nvd", 0, affected=1)], "none of the feeds on all products was imported"),
    "nothing": ([], "none of the feeds on all products was imported"),
}


ALL_YEARS = frozenset(range(WHOLE_SINCE, NOW.year))


@pytest.mark.parametrize(("sources", "words"), STORES.values(), ids=STORES)
def test_what_a_store_leaves_unknown(sources: list[Source], words: str | None) -> None:
    said = doubt(sources, {one.id: ALL_YEARS for one in sources}, NOW)
    assert said is None if words is None else said is not None and said.startswith(words)


def test_a_part_of_a_feed_is_no_feed() -> None:
    nvd, cves = source("nvd", 0, **BROAD), source("cve5", 0, **BROAD)
    said = doubt([nvd, cves], {"nvd": ALL_YEARS - {2014}, "cve5": frozenset({2026})}, NOW)
    assert said == (
        "no feed on all products is whole: cve5 has nothing of 24 of the years since 2002, such as 2025;"
        " nvd has nothing of 1 of the years since 2002, such as 2014"
    )
    assert doubt([nvd, cves], {"nvd": ALL_YEARS, "cve5": frozenset({2026})}, NOW) is None


def test_the_list_of_exploited_ones_has_a_date_of_its_own() -> None:
    assert doubt_of_exploited([source("kev", 3, exploited=1)], NOW) is None
    assert str(doubt_of_exploited([source("kev", 40, exploited=1)], NOW)).startswith("the newest list of exploited vulnerabilities")
    assert str(doubt_of_exploited([source("cve5", 0, exploited=1)], NOW)).startswith("no list")


def test_a_date_later_than_the_reading_is_not_believed() -> None:
    future = Source(id="x", kind="nvd", title="x", read_at=NOW, dated_at=datetime(2199, 1, 1, tzinfo=NOW.tzinfo))
    assert right_as_of(future) == NOW
    assert is_stale(future, NOW + timedelta(days=31))


YAML: dict[str, tuple[str, list[Any]]] = {
    "versions stay text": ("a: 1.10\nb: '2'\nc: true\nd: ~\n", [{"a": "1.10", "b": "2", "c": True, "d": None}]),
    "several documents": ("---\na: 1\n---\n- x\n", [{"a": "1"}, ["x"]]),
    "nothing": ("", []),
}


@pytest.mark.parametrize(("text", "values"), YAML.values(), ids=YAML)
def test_yaml(text: str, values: list[Any]) -> None:
    assert list(parse_yaml(text)) == values


BAD = {
    "aliases": "a: &x [1]\nb: *x\n",
    "tags": "a: !!python/object:os.system x\n",
    "a key that is no text": "[1]: 2\n",
    "nested too deeply": "[" * 200 + "]" * 200,
    "no YAML": "a: [\n",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_yaml_that_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        list(parse_yaml(text))

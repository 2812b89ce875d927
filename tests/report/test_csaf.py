"""CSAF VEX out: accepted by the official schema, what the profile asks is there, and read back as a feed it says the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.assess.run import assess
from plumbline.model.errors import InputError
from plumbline.report import csaf, registry
from plumbline.report.components import IDENTITY, Held
from plumbline.report.streaming import _pieces
from tests.report import schemas
from tests.report.ledgers import HOSTILE
from tests.report.matched import NAMES, SYSTEM
from tests.vulnerabilities.deriving import IMAGE, bundle, component
from tests.vulnerabilities.making import CVE, NOW, VECTOR, affected, read

STATUSES = {
    "affected": "under_investigation",
    "said": "known_affected",
    "mended": "fixed",
    "denied": "known_not_affected",
    "free": "fixed",
    "odd": "under_investigation",
}


@pytest.fixture(scope="module")
def advisory(matched_folder: Path) -> dict[str, Any]:
    [path] = registry.write("csaf", matched_folder / "out", matched_folder)
    first = path.read_bytes()
    registry.write("csaf", matched_folder / "out", matched_folder)
    assert path.read_bytes() == first
    found: dict[str, Any] = json.loads(first)
    return found


def products(advisory: Mapping[str, Any]) -> dict[str, str]:
    return {one["product_id"]: one["name"].split()[0] for one in advisory["product_tree"]["full_product_names"]}


def accepted(document: object) -> list[str]:
    return schemas.errors(schemas.validator(*schemas.CSAF), document)


def test_the_official_schema_accepts_it(advisory: dict[str, Any]) -> None:
    assert accepted(advisory) == []


def test_each_component_has_its_status_and_no_second_one(advisory: dict[str, Any]) -> None:
    [entry] = advisory["vulnerabilities"]
    names = products(advisory)
    assert entry["cve"] == CVE and set(names.values()) == set(NAMES)
    said = [(names[product], status) for status, members in entry["product_status"].items() for product in members]
    assert sorted(said) == sorted(STATUSES.items())


def test_the_profile_s_own_demands(advisory: dict[str, Any]) -> None:
    """4.5: an impact statement for what is not affected, an action statement for what is."""
    [entry] = advisory["vulnerabilities"]
    status = entry["product_status"]
    assert advisory["document"]["category"] == "csaf_vex"
    assert entry["notes"]
    explained = {one for flag in entry.get("flags", ()) for one in flag["product_ids"]}
    explained |= {one for threat in entry["threats"] if threat["category"] == "impact" for one in threat["product_ids"]}
    assert set(status["known_not_affected"]) <= explained
    assert set(status["known_affected"]) <= {one for remedy in entry["remediations"] for one in remedy["product_ids"]}
    assert [flag["label"] for flag in entry["flags"]] == ["component_not_present"]


def test_scores_are_those_of_their_vectors(advisory: dict[str, Any]) -> None:
    scores = [score["cvss_v3"] for score in advisory["vulnerabilities"][0]["scores"]]
    assert {(one["vectorString"], one["baseScore"], one["baseSeverity"]) for one in scores} == {(VECTOR, 9.8, "CRITICAL")}
    rated = [product for score in advisory["vulnerabilities"][0]["scores"] for product in score["products"]]
    assert len(set(rated)) == len(rated)


def test_it_can_be_read_back_as_a_feed(advisory: dict[str, Any]) -> None:
    assert {(one.cvss, one.score) for one in read(advisory)[0][0].vulnerabilities} == {(VECTOR, 9.8)}
    assert sorted({str(one.status) for one in affected(advisory)}) == sorted(set(STATUSES.values()))


def test_of_two_carriers_the_worse_counts() -> None:
    said: dict[str, Any] = {"origin": "vex", "justification": None}
    rows = [({**said, "status": "not_affected"}, ["a", "b"]), ({**said, "status": "affected"}, ["b"]), ({**said, "status": "fixed"}, ["c"])]
    statement = csaf._statement("CVE-2024-1", rows)
    assert [(row["status"], names) for row, names in statement.rows] == [("affected", ["b"]), ("fixed", ["c"]), ("not_affected", ["a"])]


def test_without_feeds_it_says_that_nothing_was_matched(tmp_path: Path) -> None:
    held = bundle(tmp_path / "out", {IMAGE: [component()], SYSTEM: [component()]})
    assess([held], tmp_path / "out", as_of=NOW)
    [path] = registry.write("csaf", tmp_path / "out", tmp_path)
    found = json.loads(path.read_text())
    assert found["document"]["category"] == "csaf_base" and "vulnerabilities" not in found
    assert "not_attempted" in found["document"]["notes"][0]["text"] or "not_supported" in found["document"]["notes"][0]["text"]
    assert accepted(found) == []


def test_hostile_words_stay_within_the_schema(hostile_out: Path, tmp_path: Path) -> None:
    [path] = registry.write("csaf", hostile_out, tmp_path)
    assert accepted(json.loads(path.read_text())) == []
    with pytest.raises(InputError):
        registry.write("csaf", tmp_path, tmp_path)


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(HOSTILE)
NAMED = st.none() | WORDS | st.sampled_from(["pkg:deb/debian/x@1?a=b", "pkg:x", "cpe:2.3:a:b:c:1:*:*:*:*:*:*:*", "cpe:/a:b", "cpe:2.3:a:b"])
ROWS = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["affected", "fixed", "not_affected", "under_investigation", "needs_context", "not_comparable"]),
        "origin": st.sampled_from([None, "vex", "nvd"]),
        "justification": st.none() | WORDS | st.sampled_from(sorted(csaf.FLAGS)),
        "cvss": st.none() | WORDS | st.sampled_from([VECTOR, "CVSS:3.1/AV:N", VECTOR.replace("3.1", "3.0")]),
        "exploited": st.sampled_from([None, False, True]),
        "confidence": st.sampled_from(["high", "low"]),
        **dict.fromkeys(("source", "record", "fixed_in", "remedy"), st.none() | WORDS),
        "reason": WORDS,
    }
)


@settings(max_examples=20)
@given(st.lists(st.tuples(ROWS, st.lists(st.sampled_from("abc"), min_size=1, unique=True)), min_size=1, max_size=5), WORDS, NAMED, NAMED)
def test_whatever_feeds_and_bills_say_the_document_is_valid(
    advisory: dict[str, Any], rows: list[tuple[dict[str, Any], list[str]]], name: str, purl: str | None, cpe: str | None
) -> None:
    held = Held(tuple({"name": name, "version": name, "purl": purl, "cpe": cpe}.get(column) for column in IDENTITY), None)
    document = {
        "document": advisory["document"],
        "product_tree": {"full_product_names": [csaf._product(key, held) for key in "abc"]},
        "vulnerabilities": [csaf._vulnerability(csaf._statement(name, rows))],
    }
    assert accepted(json.loads("".join(_pieces(document)))) == []
    statuses = document["vulnerabilities"][0]["product_status"]
    assert sorted(product for products in statuses.values() for product in products) == sorted(
        {product for _, products in rows for product in products}
    )


def test_without_its_bundle_it_does_not_say_that_nothing_is_known(matched_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(matched_folder / "out", tmp_path / "out", ignore=shutil.ignore_patterns("bundle"))
    [path] = registry.write("csaf", tmp_path / "out", tmp_path)
    document = json.loads(path.read_text())["document"]
    assert document["category"] == "csaf_base"
    assert document["notes"][0]["text"].endswith(": partial. Not at hand, so that nothing is said of what it holds: bundle.")
    [path] = registry.write("cyclonedx", tmp_path / "out", tmp_path)
    told = {one["name"]: one["value"] for one in json.loads(path.read_text())["properties"]}
    assert told == {"plumbline:missing-bundle": "bundle", "plumbline:vulnerabilities": "partial"}

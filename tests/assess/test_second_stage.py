"""Declarations held against what the other checks found: judged last, in one ledger, and the same however it is made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from plumbline.assess.assessment import Assessment
from plumbline.assess.run import assess
from plumbline.assess.second_stage import SecondStage
from plumbline.checks.registry import load_registry
from plumbline.model.words import Outcome
from tests.assess.making import COVERAGE, NOW, ROUTER, ROWS, Row, write_bundle

CAM, RIG = "declared:s/cam-1", "rig:/t"
CONTRADICTED = "rig.declaration_contradicted"
BROKER = load_registry().checks["gateway.broker_accepts_anonymous"]  # fails on the camera, passes on the router
REF = next(ref for ref in BROKER.provisions if ref.startswith("etsi"))
ANSWERED = {
    "answered_by": "J. Doe",
    "answered_at": NOW - timedelta(days=10),
    "documents": [],
    "document_names": [],
    "others": [],
    "path": "d.toml",
}


def answer(entity: str, met: str, ref: str = REF, **columns: Any) -> Row:
    return "declaration", entity, ref, {"provision": ref, "met": met, **ANSWERED, **columns}


def hand(entity: str, verdict: str, subject: str) -> Row:
    done = {"tester": "A. Smith", "method": "test", "performed_at": NOW - timedelta(days=10)}
    return "manual_result", entity, subject, {"verdict": verdict, **done}


def bundle(folder: Path, rows: Sequence[Row]) -> Path:
    tables = {table for table, *_ in rows}
    coverage = [(RIG, table, "file/a.toml", Outcome.OK, sum(row[0] == table for row in rows)) for table in sorted(tables)]
    return write_bundle(folder / "bundle", rows=[*ROWS, *rows], coverage=[*COVERAGE, *coverage])


def judged(folder: Path, rows: Sequence[Row]) -> tuple[Path, Assessment]:
    return folder / "out", assess([bundle(folder, rows)], folder / "out", threads=2)


def verdicts(out: Path, check: str = CONTRADICTED) -> dict[tuple[str, str], tuple[str, str | None]]:
    found = [row for row in pq.read_table(out / "ledger.parquet").to_pylist() if row["check"] == check]
    return {(row["asset"], row["subject"]): (row["verdict"], row["reason"]) for row in found}


def test_a_declaration_is_held_against_its_own_asset(tmp_path: Path) -> None:
    out, _ = judged(tmp_path, [answer(CAM, "yes")])
    assert verdicts(out) == {(CAM, REF): ("fail", None)}
    [row] = [one for one in pq.read_table(out / "ledger.parquet").to_pylist() if one["check"] == CONTRADICTED]
    assert row["basis"] == "declared"
    assert [one.partition("/")[0] for one in row["evidence"]] == ["declaration", *["provision_verdict"] * (len(row["evidence"]) - 1)]
    table = pq.read_table(out / "derived" / "tables" / "provision_verdict" / "derived.parquet").to_pylist()
    [of_broker] = [one for one in table if one["check_id"] == BROKER.id]
    assert (of_broker["entity"], of_broker["failed"], of_broker["passed"], of_broker["inconclusive"]) == (CAM, 1, 0, 0)
    assert of_broker["sources"][0].startswith("mqtt_broker/")


def test_one_for_the_rig_is_held_against_every_asset(tmp_path: Path) -> None:
    out, assessment = judged(tmp_path, [answer(RIG, "yes")])
    assert verdicts(out)[RIG, REF] == ("fail", None)
    [finding] = [one for one in assessment.findings if one.check == CONTRADICTED]
    assert BROKER.id in finding.message


def test_what_passed_and_did_not_fail_confirms(tmp_path: Path) -> None:
    out, _ = judged(tmp_path, [answer(ROUTER, "yes")])
    assert verdicts(out)[ROUTER, REF][0] in ("pass", "fail")
    failed = {
        row["check"] for row in pq.read_table(out / "ledger.parquet").to_pylist() if row["asset"] == ROUTER and row["verdict"] == "fail"
    }
    naming = {check.id for check in load_registry().naming(REF)}
    assert verdicts(out)[ROUTER, REF] == (("fail" if failed & naming else "pass"), None)


def test_what_nobody_judged_neither_confirms_nor_contradicts(tmp_path: Path) -> None:
    silent = "etsi-en-303-645/5.12-3"
    out, _ = judged(tmp_path, [answer(CAM, "yes", silent)])
    assert verdicts(out) == {(CAM, silent): ("inconclusive", "not_observed")}


@pytest.mark.parametrize(
    ("met", "expected"), [("no", "not_applicable"), ("not_applicable", "fail")], ids=["declared unmet", "declared not to apply"]
)
def test_other_answers(met: str, expected: str, tmp_path: Path) -> None:
    out, _ = judged(tmp_path, [answer(CAM, met, justification="x")])
    assert verdicts(out)[CAM, REF][0] == expected


def test_a_test_by_hand_contradicts_too(tmp_path: Path) -> None:
    silent = "etsi-en-303-645/5.12-3"
    out, _ = judged(tmp_path / "a", [answer(CAM, "yes", silent), hand(CAM, "fail", silent)])
    assert verdicts(out)[CAM, silent] == ("fail", None)
    out, _ = judged(tmp_path / "b", [answer(ROUTER, "yes"), hand(ROUTER, "fail", f"check/{BROKER.id}")])
    assert verdicts(out)[ROUTER, REF] == ("fail", None)
    out, _ = judged(tmp_path / "c", [answer(CAM, "yes", silent), hand(CAM, "pass", silent)])
    assert verdicts(out)[CAM, silent] == ("pass", None)


def test_two_answers_do_not_contradict_each_other(tmp_path: Path) -> None:
    silent = "etsi-en-303-645/5.12-3"
    out, _ = judged(tmp_path, [answer(CAM, "yes", silent), answer(CAM, "no", silent)])
    assert verdicts(out)[CAM, silent] == ("inconclusive", "not_observed")
    assert verdicts(out, "rig.provision_declared_unmet")[CAM, silent] == ("fail", None)


def test_the_ledger_is_one_and_the_same_however_it_is_made(tmp_path: Path) -> None:
    rows = [answer(CAM, "yes"), answer(RIG, "yes"), answer(CAM, "no"), hand(CAM, "fail", REF), hand(CAM, "pass", REF)]
    held = bundle(tmp_path, rows)
    digests = {assess([held], tmp_path / str(threads), threads=threads).ledger_digest for threads in (1, 2, 4)}
    assert len(digests) == 1
    keys = [(row["check"], row["asset"], row["subject"]) for row in pq.read_table(tmp_path / "1" / "ledger.parquet").to_pylist()]
    assert keys == sorted(set(keys))


def test_without_declarations_nothing_waits(tmp_path: Path) -> None:
    out, _ = judged(tmp_path, [hand(CAM, "fail", REF)])
    assert not (out / "derived").exists()
    assert verdicts(out, "rig.manual_test_failed")[CAM, REF] == ("fail", None)


def test_the_checks_that_wait_start_from_what_they_hold_verdicts_against() -> None:
    stage = SecondStage(load_registry())
    assert stage.checks == {CONTRADICTED}
    assert {load_registry().checks[name].subjects for name in stage.checks} == {"declaration"}

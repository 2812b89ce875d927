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
from plumbline.standards.loading import load_standards
from tests.assess.making import CAPTURE, COVERAGE, NOW, ROUTER, ROWS, Row, write_bundle

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


# Provisions that no check names, so that only people speak of them.
UNNAMED = [ref for ref in (one.ref for one in load_standards()["etsi-en-303-645"].provisions.values()) if not load_registry().naming(ref)]
SILENT, UNMET, FAILED, PASSED, DISPUTED = UNNAMED[:5]
OTHER = next(ref for ref in BROKER.provisions if ref != REF)  # the same check speaks of it
DECLARED = [
    *(answer(CAM, "yes"), answer(RIG, "yes"), answer(CAM, "not_applicable", OTHER, justification="no broker")),
    *(answer(CAM, "yes", SILENT), answer(CAM, "no", UNMET)),
    *(answer(CAM, "yes", FAILED), hand(CAM, "fail", FAILED), answer(CAM, "yes", PASSED), hand(CAM, "pass", PASSED)),
    *(answer(CAM, "yes", DISPUTED), answer(CAM, "no", DISPUTED)),
    *(answer(ROUTER, "yes"), hand(ROUTER, "fail", f"check/{BROKER.id}")),
]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle(tmp_path_factory.mktemp("held"), DECLARED)


@pytest.fixture(scope="module")
def done(held: Path) -> tuple[Path, Assessment]:
    return held.parent / "out", assess([held], held.parent / "out", threads=2)


CASES = {
    "a check failed on the same asset": (CAM, REF, "fail", None),
    "declared for the rig, and a check failed on an asset": (RIG, REF, "fail", None),
    "declared not to apply, and a check failed": (CAM, OTHER, "fail", None),
    "nothing speaks of it": (CAM, SILENT, "inconclusive", "not_observed"),
    "declared unmet": (CAM, UNMET, "not_applicable", None),
    "a test by hand failed": (CAM, FAILED, "fail", None),
    "a test by hand passed": (CAM, PASSED, "pass", None),
    "two answers, which do not speak against each other": (CAM, DISPUTED, "inconclusive", "not_observed"),
    "a test by hand of what the check asks failed": (ROUTER, REF, "fail", None),
}


@pytest.mark.parametrize("case", CASES)
def test_a_declaration_is_held_against_what_was_found(case: str, done: tuple[Path, Assessment]) -> None:
    asset, ref, verdict, reason = CASES[case]
    assert verdicts(done[0])[asset, ref] == (verdict, reason)


def test_it_is_judged_of_nothing_else(done: tuple[Path, Assessment]) -> None:
    assert verdicts(done[0]).keys() == {(asset, ref) for asset, ref, *_ in CASES.values()}


def test_two_answers_are_rolled_up(done: tuple[Path, Assessment]) -> None:
    assert verdicts(done[0], "rig.provision_declared_unmet")[CAM, DISPUTED] == ("fail", None)


def test_a_contradiction_cites_the_answer_and_through_the_table_what_was_found(done: tuple[Path, Assessment]) -> None:
    out, assessment = done
    ledger = pq.read_table(out / "ledger.parquet").to_pylist()
    [row] = [one for one in ledger if (one["check"], one["asset"], one["subject"]) == (CONTRADICTED, CAM, REF)]
    assert row["basis"] == "declared"
    assert [one.partition("/")[0] for one in row["evidence"]] == ["declaration", *["provision_verdict"] * (len(row["evidence"]) - 1)]
    table = pq.read_table(out / "derived" / "tables" / "provision_verdict" / "derived.parquet").to_pylist()
    [of_camera] = [one for one in table if (one["check_id"], one["entity"], one["provision"]) == (BROKER.id, CAM, REF)]
    assert [of_camera[name] for name in ("failed", "passed", "inconclusive", "failed_assets")] == [1, 0, 0, 1]
    assert of_camera["sources"][0].startswith("mqtt_broker/")
    [of_rig] = [one for one in table if (one["check_id"], one["entity"], one["provision"]) == (BROKER.id, RIG, REF)]
    assert [of_rig[name] for name in ("failed", "passed", "inconclusive", "failed_assets")] == [1, 1, 1, 1]
    [finding] = [one for one in assessment.findings if (one.check, one.asset) == (CONTRADICTED, RIG)]
    assert BROKER.id in finding.message


def test_one_that_speaks_of_it_and_could_not_be_judged_keeps_it_open(tmp_path: Path) -> None:
    out, _ = judged(tmp_path, [answer(ROUTER, "yes")])  # one of the router's two brokers did not answer in time
    found = {
        row["verdict"] for row in pq.read_table(out / "ledger.parquet").to_pylist() if (row["check"], row["asset"]) == (BROKER.id, ROUTER)
    }
    assert found == {"pass", "inconclusive"}
    assert verdicts(out)[ROUTER, REF] == ("inconclusive", "not_observed")


OLD_TLS = load_registry().checks["communication.client_offers_old_tls"]
SPOKEN_OF = next(ref for ref in OLD_TLS.provisions if ref.startswith("ms-edge"))


@pytest.mark.parametrize(("outcome", "expected"), [(Outcome.OK, "pass"), (Outcome.PARTIAL, "inconclusive")])
def test_the_rest_of_a_capture_may_tell_of_any_asset(tmp_path: Path, outcome: Outcome, expected: str) -> None:
    rows = [answer(CAM, "yes", SPOKEN_OF), ("tls_client", CAM, "tcp/10.0.0.9/443", {"lowest_highest_version": "tls1.2"})]
    coverage = [(CAPTURE, "tls_client", "", outcome, 1), (RIG, "declaration", "file/d.toml", Outcome.OK, 1)]
    assess([write_bundle(tmp_path / "bundle", rows=[*ROWS, *rows], coverage=[*COVERAGE, *coverage])], tmp_path / "out")
    assert verdicts(tmp_path / "out", OLD_TLS.id)[CAM, "tcp/10.0.0.9/443"] == ("pass", None)
    assert verdicts(tmp_path / "out")[CAM, SPOKEN_OF][0] == expected


@pytest.mark.full
def test_the_ledger_is_one_and_the_same_however_it_is_made(held: Path, done: tuple[Path, Assessment], tmp_path: Path) -> None:
    assert assess([held], tmp_path, threads=1).ledger_digest == done[1].ledger_digest
    keys = [(row["check"], row["asset"], row["subject"]) for row in pq.read_table(tmp_path / "ledger.parquet").to_pylist()]
    assert keys == sorted(set(keys))


def test_without_declarations_nothing_waits(tmp_path: Path) -> None:
    out, _ = judged(tmp_path, [hand(CAM, "fail", REF)])
    assert not (out / "derived").exists()
    assert verdicts(out, "rig.manual_test_failed")[CAM, REF] == ("fail", None)


def test_the_checks_that_wait_start_from_what_they_hold_verdicts_against() -> None:
    stage = SecondStage(load_registry())
    assert stage.checks == {CONTRADICTED}
    assert {load_registry().checks[name].subjects for name in stage.checks} == {"declaration"}

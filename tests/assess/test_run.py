"""A whole assessment: what it writes, that it is the same however it is made, and what it does with bundles that are odd."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.assess import ledger as ledger_module
from plumbline.assess import ordering as ordering_module
from plumbline.assess.assessment import SCHEMA, Assessment, read_json
from plumbline.assess.digest import ledger_digest
from plumbline.assess.run import assess
from plumbline.assess.schema import text as schema_text
from plumbline.evidence.bundle import Bundle
from plumbline.model.errors import EnvironmentFault, InputError
from plumbline.model.words import Criticality, Layer, Outcome, Severity, Verdict
from tests.assess.making import CAPTURE, COVERAGE, END, HUB, ROUTER, ROWS, write_bundle

BROKER = "gateway.broker_accepts_anonymous"
CAM = "declared:s/cam-1"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Assessment]:
    folder = tmp_path_factory.mktemp("rig")
    out = folder / "out"
    return out, assess([write_bundle(folder / "bundle")], out, threads=2)


def verdicts(out: Path, check: str) -> dict[tuple[str, str], tuple[str, str | None]]:
    found = [row for row in pq.read_table(out / "ledger.parquet").to_pylist() if row["check"] == check]
    return {(row["asset"], row["subject"]): (row["verdict"], row["reason"]) for row in found}


def test_verdicts_of_one_check(done: tuple[Path, Assessment]) -> None:
    assert verdicts(done[0], BROKER) == {
        (CAM, "tcp/1883"): ("fail", None),
        (ROUTER, "tcp/1883"): ("pass", None),
        (ROUTER, "tcp/8883"): ("inconclusive", "timeout"),
    }


def test_a_closed_port_and_a_port_that_was_not_asked(done: tuple[Path, Assessment]) -> None:
    assert verdicts(done[0], "device.shell_without_login") == {
        (CAM, "tcp/23"): ("not_applicable", "absent"),
        (ROUTER, ""): ("inconclusive", "not_attempted"),
    }


def test_the_ledger_has_its_columns_its_order_and_its_digest(done: tuple[Path, Assessment]) -> None:
    out, assessment = done
    table = pq.read_table(out / "ledger.parquet")
    assert table.column_names == ["check", "asset", "subject", "verdict", "reason", "cvss", "detail", "evidence", "basis"]
    keys = [(row["check"], row["asset"], row["subject"]) for row in table.to_pylist()]
    assert keys == sorted(keys)
    assert len(keys) == assessment.ledger_rows
    assert ledger_digest(out / "ledger.parquet") == assessment.ledger_digest


def test_nothing_else_is_left_in_out(done: tuple[Path, Assessment]) -> None:
    written = ["assessment.json", "conformance.parquet", "identity.parquet", "ledger.parquet", "looked.parquet"]
    assert sorted(path.name for path in done[0].iterdir()) == written


def test_a_finding_is_rendered_rated_and_weighed(done: tuple[Path, Assessment]) -> None:
    [finding] = [finding for finding in done[1].findings if finding.check == BROKER]
    assert finding.message == "tcp/1883 accepts clients without a user name"
    assert (finding.id, finding.asset_name) == (f"{BROKER}|{CAM}|tcp/1883", "dock camera")
    assert (finding.severity, finding.score, finding.risk) == (Severity.CRITICAL, 9.4, 100)
    assert finding.evidence[0].startswith("mqtt_broker/")


def test_a_shared_key_names_its_assets_and_its_rows(done: tuple[Path, Assessment]) -> None:
    found = [finding for finding in done[1].findings if finding.check == "rig.shared_host_key"]
    assert [finding.asset for finding in found] == [CAM, ROUTER]
    assert [(finding.detail["assets"], finding.evidence_rows) for finding in found] == [(2, 2), (2, 2)]


def test_the_camera_is_one_asset(done: tuple[Path, Assessment]) -> None:
    [camera] = [asset for asset in done[1].assets if asset.id == CAM]
    assert camera.kinds == ("declared", "host", "identity")
    assert (camera.name, camera.address, camera.criticality) == ("dock camera", "10.0.0.5", Criticality.HIGH)
    assert {member.entity: member.by_kind for member in camera.members} == {
        CAM: "",
        "host:s/10.0.0.5": "ip",
        "identity:northwind/cam-0001": "hub_device_id",
    }
    assert camera.layers[Layer.GATEWAY].fail == 1
    assert camera.severity is Severity.CRITICAL


def test_counts_agree_with_the_ledger(done: tuple[Path, Assessment]) -> None:
    out, assessment = done
    rows = pq.read_table(out / "ledger.parquet").to_pylist()
    for verdict, count in (
        (Verdict.FAIL, assessment.counts.fail),
        (Verdict.PASS, assessment.counts.passed),
        (Verdict.INCONCLUSIVE, assessment.counts.inconclusive),
        (Verdict.NOT_APPLICABLE, assessment.counts.not_applicable),
    ):
        assert count == sum(row["verdict"] == verdict for row in rows)
    assert sum(assessment.severities.values()) == assessment.counts.fail == len(assessment.findings)
    assert assessment.failed_assets == len({row["asset"] for row in rows if row["verdict"] == "fail"})
    assert sum((assessment.counts.reasons or {}).values()) == assessment.counts.inconclusive
    assert assessment.assets_count == len(assessment.assets) == 5
    assert {kind: assessment.kinds[kind] for kind in ("declared", "host", "identity")} == {"declared": 1, "host": 2, "identity": 1}
    for layer in assessment.layers:
        assert layer.tally.fail == sum(row["verdict"] == "fail" and row["check"].startswith(layer.layer) for row in rows)


def test_actions_stand_by_risk_and_name_what_they_mend(done: tuple[Path, Assessment]) -> None:
    actions = done[1].actions
    assert [action.risk for action in actions] == sorted((action.risk for action in actions), reverse=True)
    assert sum(action.findings for action in actions) == done[1].counts.fail
    assert "dock camera" in actions[0].names


def test_a_provision_whose_checks_judged_nothing_is_inconclusive(done: tuple[Path, Assessment]) -> None:
    found = {f"{item.standard}/{item.id}": item for item in done[1].provisions}
    assert found["etsi-en-303-645/5.5-5"].verdict is Verdict.FAIL
    assert all(
        item.verdict is Verdict.INCONCLUSIVE
        for item in found.values()
        if not sum((item.tally.fail, item.tally.passed, item.tally.not_applicable))
    )


def test_a_source_that_could_not_be_read_is_said(done: tuple[Path, Assessment]) -> None:
    assert [(item.entity, item.outcome, item.detail) for item in done[1].unjudged_sources] == [(CAPTURE, "protocol_error", "why")]
    assert not done[1].complete


def test_the_json_is_of_its_published_form(done: tuple[Path, Assessment]) -> None:
    data = read_json(done[0])
    jsonschema.validate(data, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert data == json.loads(json.dumps(done[1].to_json()))


def test_the_published_form_is_the_one_in_the_code() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), "run python -m plumbline.assess.schema"


def test_threads_memory_and_the_order_of_bundles_do_not_change_the_digest(tmp_path: Path) -> None:
    one = write_bundle(tmp_path / "one", ROWS[::2], COVERAGE[::2], parts=2)
    two = write_bundle(tmp_path / "two", ROWS[1::2], COVERAGE[1::2], parts=3)
    digests = {
        assess(bundles, tmp_path / "out", threads=threads, memory_limit=memory).ledger_digest
        for threads, bundles, memory in ((1, [one, two], "600MB"), (2, [two, one], "2GB"), (2, [one, two, one], "300MB"))
    }
    assert len(digests) == 1


def test_how_rows_are_spread_over_parts_changes_no_verdict(tmp_path: Path) -> None:
    found = []
    for parts in (1, 4):
        assess([write_bundle(tmp_path / f"b{parts}", parts=parts)], tmp_path / f"o{parts}")
        rows = pq.read_table(tmp_path / f"o{parts}" / "ledger.parquet").drop_columns(["evidence"]).to_pylist()
        found.append(rows)
    assert found[0] == found[1]


def test_judged_at_the_end_of_collection_unless_told_otherwise(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "b")
    assert assess([bundle], tmp_path / "o").as_of == END
    later = datetime(2030, 1, 1, tzinfo=UTC)
    assert assess([bundle], tmp_path / "o", as_of=later).as_of == later


def test_a_date_without_a_time_zone_is_no_date(tmp_path: Path) -> None:
    """It would be another moment on another machine, and the ledger another."""
    bundle = write_bundle(tmp_path / "b")
    with pytest.raises(InputError, match="as_of has no time zone"):
        assess([bundle], tmp_path / "o", as_of=datetime(2030, 1, 1))  # noqa: DTZ001 - what is refused


def test_nothing_is_written_into_a_bundle(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "b")
    before = sorted(bundle.rglob("*"))
    with pytest.raises(InputError, match="is the evidence itself"):
        assess([bundle], tmp_path / "x" / ".." / "b")
    with pytest.raises(InputError, match="lies in the evidence"):
        assess([bundle], bundle / "out")
    assert sorted(bundle.rglob("*")) == before


@pytest.mark.parametrize("place", ["derived", "derived/b", ".scratch"])
def test_a_bundle_is_not_lost_where_the_assessment_is_written(tmp_path: Path, place: str) -> None:
    bundle = write_bundle(tmp_path / "o" / place)
    with pytest.raises(InputError, match="lies where the assessment is written, and would be lost"):
        assess([bundle], tmp_path / "o")
    assert Bundle(bundle).manifest["sessions"]


def test_the_date_decides(tmp_path: Path) -> None:
    stale = "cloud.stale_device_enabled"
    bundle = write_bundle(tmp_path / "b")
    assess([bundle], tmp_path / "o")
    assert verdicts(tmp_path / "o", stale)[CAM, ""] == ("fail", None)
    assess([bundle], tmp_path / "o", as_of=END - timedelta(days=400))
    assert verdicts(tmp_path / "o", stale)[CAM, ""] == ("pass", None)


def test_parameters_come_from_the_rig_file_and_the_callers_go_before(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "b", rig_text='[rig]\nid = "t"\n[parameters]\nstale_after_days = 1000\n')
    assess([bundle], tmp_path / "o")
    assert verdicts(tmp_path / "o", "cloud.stale_device_enabled")[CAM, ""] == ("pass", None)
    assess([bundle], tmp_path / "o", parameters={"stale_after_days": 10})
    assert verdicts(tmp_path / "o", "cloud.stale_device_enabled")[CAM, ""] == ("fail", None)


def test_dual_stack_rows_roll_up_into_one_verdict(tmp_path: Path) -> None:
    mac = "24:a4:3c:10:00:01"
    rows: list[Any] = [
        ("host", entity, "", {"address": entity.partition("/")[2], "mac": mac, "network": "n"})
        for entity in ("host:s/10.0.0.5", "host:s/fe80::5")
    ]
    rows += [
        ("mqtt_broker", "host:s/10.0.0.5", "tcp/1883", {"anonymous_accepted": False}),
        ("mqtt_broker", "host:s/fe80::5", "tcp/1883", {"anonymous_accepted": True}),
    ]
    assessment = assess([write_bundle(tmp_path / "b", rows, [])], tmp_path / "o")
    assert verdicts(tmp_path / "o", BROKER) == {(f"mac:/{mac}", "tcp/1883"): ("fail", None)}
    assert ledger_digest(tmp_path / "o" / "ledger.parquet") == assessment.ledger_digest


def test_a_large_ledger_is_a_folder_and_has_the_same_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = write_bundle(tmp_path / "b")
    small = assess([bundle], tmp_path / "o").ledger_digest
    monkeypatch.setattr(ledger_module, "SINGLE_ROWS", 0)
    large = assess([bundle], tmp_path / "o")
    assert (tmp_path / "o" / "ledger.parquet").is_dir()
    assert large.ledger_digest == small == ledger_digest(tmp_path / "o" / "ledger.parquet")
    monkeypatch.undo()
    assert assess([bundle], tmp_path / "o").ledger_digest == small
    assert (tmp_path / "o" / "ledger.parquet").is_file()


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "in no order"])
def test_a_large_table_is_judged_as_it_comes_and_gives_the_same_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: int) -> None:
    bundle = write_bundle(tmp_path / "b", ROWS[::order])
    usual = assess([bundle], tmp_path / "o").ledger_digest
    monkeypatch.setattr(ordering_module, "LARGE_ROWS", 0)
    assert assess([bundle], tmp_path / "large", threads=2).ledger_digest == usual == ledger_digest(tmp_path / "large" / "ledger.parquet")


def test_a_bundle_of_nothing_gives_an_empty_ledger(tmp_path: Path) -> None:
    assessment = assess([write_bundle(tmp_path / "b", [], [])], tmp_path / "o")
    assert (assessment.ledger_rows, assessment.assets_count, assessment.findings) == (0, 0, ())
    assert all(item.verdict is Verdict.INCONCLUSIVE for item in assessment.provisions)


def test_a_table_that_an_old_bundle_lacks_was_not_attempted(tmp_path: Path) -> None:
    rows = [row for row in ROWS if row[0] != "mqtt_broker"]
    assess([write_bundle(tmp_path / "b", rows, [item for item in COVERAGE if item[1] != "mqtt_broker"])], tmp_path / "o")
    assert verdicts(tmp_path / "o", BROKER) == {
        (CAM, ""): ("inconclusive", "not_attempted"),
        (ROUTER, ""): ("inconclusive", "not_attempted"),
    }


def test_a_cut_export_proves_nothing_by_absence(tmp_path: Path) -> None:
    coverage = [
        (entity, table, subject, Outcome.PARTIAL if entity == HUB else outcome, rows) for entity, table, subject, outcome, rows in COVERAGE
    ]
    assess([write_bundle(tmp_path / "b", ROWS, coverage)], tmp_path / "o")
    assert verdicts(tmp_path / "o", "cloud.stale_device_enabled") == {(CAM, ""): ("fail", None), (HUB, ""): ("inconclusive", "partial")}


def test_hundreds_of_identities_are_counted_and_listed(tmp_path: Path) -> None:
    rows: list[Any] = [
        ("hub_identity", f"identity:northwind/{n:04d}", "", {"hub": "northwind", "device_id": f"{n:04d}", "status": "enabled"})
        for n in range(1500)
    ]
    assessment = assess([write_bundle(tmp_path / "b", rows, [(HUB, "hub_identity", "", Outcome.OK, 1500)])], tmp_path / "o")
    assert (assessment.assets_count, assessment.kinds) == (1501, {"hub": 1, "identity": 1500})
    assert len(assessment.assets) == 1001


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no bundle", "no bundle to judge"),
        ("not a bundle", "not a bundle"),
        ("two rigs", "bundles of different rigs"),
        ("a parameter", "no check has a parameter"),
    ],
)
def test_what_the_caller_did_wrong_is_said(tmp_path: Path, name: str, words: str) -> None:
    bundle = write_bundle(tmp_path / "b")
    given: dict[str, tuple[list[Path], dict[str, Any]]] = {
        "no bundle": ([], {}),
        "not a bundle": ([tmp_path], {}),
        "two rigs": ([bundle, write_bundle(tmp_path / "c", rig_id="other")], {}),
        "a parameter": ([bundle], {"stale_after_day": 1}),
    }
    bundles, parameters = given[name]
    with pytest.raises(InputError) as caught:
        assess(bundles, tmp_path / "o", parameters=parameters)
    assert words in str(caught.value)


def test_a_place_that_cannot_be_written_is_the_machines_fault(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "b")
    (tmp_path / "o").write_text("a file", encoding="utf-8")
    with pytest.raises(EnvironmentFault, match="cannot judge into"):
        assess([bundle], tmp_path / "o")


def test_an_older_ledger_is_replaced(tmp_path: Path) -> None:
    assess([write_bundle(tmp_path / "b")], tmp_path / "o")
    before = pq.read_table(tmp_path / "o" / "ledger.parquet").num_rows
    assess([write_bundle(tmp_path / "c", [], [])], tmp_path / "o")
    assert before
    assert pq.read_table(tmp_path / "o" / "ledger.parquet").num_rows == 0


def test_what_is_written_is_readable_by_the_owner_alone(done: tuple[Path, Assessment]) -> None:
    if os.name == "posix":
        assert {path.stat().st_mode & 0o777 for path in done[0].iterdir()} == {0o600}


@pytest.mark.parametrize("column", ["entity", "subject"])
def test_a_row_about_nothing_is_refused(tmp_path: Path, column: str) -> None:
    bundle = write_bundle(tmp_path / "b")
    [part] = (bundle / "tables" / "mqtt_broker").glob("*.parquet")
    table = pq.read_table(part)
    pq.write_table(table.set_column(table.schema.get_field_index(column), column, pa.nulls(len(table), pa.string())), part)
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"][str(part.relative_to(bundle))]["size_bytes"] = part.stat().st_size  # as whoever wrote such a row would
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="names no entity or no subject"):
        assess([bundle], tmp_path / "o")


def test_bundles_in_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    one, two = write_bundle(tmp_path / "may" / "bundle", ROWS[:2], []), write_bundle(tmp_path / "june" / "bundle", ROWS[2:3], [])
    assessment = assess([one, two, one], tmp_path / "o")
    assert list(assessment.bundles) == ["bundle", "june/bundle"]
    assert {session.bundle for session in assessment.sessions} == {"bundle", "june/bundle"}


@pytest.mark.parametrize("text", ["standards = 3", "[standards]\nassess = 1", "[standards]\nassess = [1]", "parameters = []"])
def test_a_rig_file_that_was_edited_in_its_bundle_is_refused(text: str, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", rig_text=f"{text}\n")
    with pytest.raises(InputError, match=r"rig\.toml"):
        assess([bundle], tmp_path / "out")

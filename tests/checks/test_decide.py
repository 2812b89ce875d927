"""The decision table of DESIGN section 6: every line of it, and which line goes before which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from plumbline.checks.examples import ExampleRunner
from plumbline.checks.linter import Linter
from plumbline.model.words import Outcome, Verdict, roll_up
from tests.checks.making import made_check, made_example

Rows = Sequence[Mapping[str, Any]]
BROKER = "select asset, subject, anonymous_accepted as failed, [row_id] as evidence from mqtt_broker"
APPLIES = "select asset, subject, tls as applies, anonymous_accepted as failed, [row_id] as evidence from mqtt_broker"
# Fails where a broker lets anyone in and no SSH server is known, passes where it does not: both lean on missing rows.
JOINED = """
select b.asset, b.subject, b.anonymous_accepted and s.n is null as failed, [b.row_id] as evidence
from mqtt_broker as b left join (select asset, count(*) as n from ssh_service group by asset) as s on s.asset = b.asset
"""
A = {"asset": "a", "subject": "tcp/1883"}


@pytest.fixture(scope="module")
def runner() -> ExampleRunner:
    return ExampleRunner()


@pytest.fixture(scope="module")
def linter() -> Linter:
    return Linter()


@pytest.fixture
def judge(runner: ExampleRunner, linter: Linter) -> Any:
    def judged(query: str, tables: Mapping[str, Rows], coverage: Rows = (), **changes: Any) -> list[tuple[Any, ...]]:
        check = made_check(query, **changes)
        rows = runner.run(check, linter.shape(check), made_example(tables, coverage))
        return [(row["asset"], row["subject"], row["verdict"], row["reason"]) for row in rows]

    return judged


def covered(table: str, outcome: str, asset: str = "a", subject: str = "") -> dict[str, Any]:
    return {"asset": asset, "table": table, "subject": subject, "outcome": outcome}


@pytest.mark.parametrize(
    ("name", "row", "expected"),
    [
        ("applies is false", {"tls": False, "anonymous_accepted": True}, ("not_applicable", None)),
        ("applies is false goes before failed is null", {"tls": False}, ("not_applicable", None)),
        ("applies is null", {"anonymous_accepted": True}, ("inconclusive", "not_observed")),
        ("failed is null", {"tls": True}, ("inconclusive", "not_observed")),
        ("failed", {"tls": True, "anonymous_accepted": True}, ("fail", None)),
        ("not failed", {"tls": True, "anonymous_accepted": False}, ("pass", None)),
    ],
)
def test_a_row_by_itself(judge: Any, name: str, row: dict[str, Any], expected: tuple[str, str | None]) -> None:
    assert judge(APPLIES, {"mqtt_broker": [{**A, **row}]}) == [("a", "tcp/1883", *expected)]


@pytest.mark.parametrize("outcome", [word for word in Outcome if word is not Outcome.OK])
def test_null_takes_the_outcome_of_its_subjects_coverage(judge: Any, outcome: Outcome) -> None:
    got = judge(BROKER, {"mqtt_broker": [A]}, [covered("mqtt_broker", outcome, subject="tcp/1883")])
    assert got == [("a", "tcp/1883", "inconclusive", outcome)]


def test_null_with_ok_coverage_is_not_observed(judge: Any) -> None:
    got = judge(BROKER, {"mqtt_broker": [A]}, [covered("mqtt_broker", "ok", subject="tcp/1883")])
    assert got == [("a", "tcp/1883", "inconclusive", "not_observed")]


def test_null_does_not_take_the_outcome_of_another_subject(judge: Any) -> None:
    coverage = [covered("mqtt_broker", "ok", subject="tcp/1883"), covered("mqtt_broker", "timeout", subject="tcp/8883")]
    got = judge(BROKER, {"mqtt_broker": [A]}, coverage)
    assert got == [("a", "tcp/1883", "inconclusive", "not_observed"), ("a", "tcp/8883", "inconclusive", "timeout")]


PASS_NEED: dict[str, Sequence[str]] = {"pass_needs": ["asset.ssh_service"]}
FAIL_NEED: dict[str, Sequence[str]] = {"fail_needs": ["asset.ssh_service"]}


@pytest.mark.parametrize(
    ("name", "accepted", "needs", "coverage", "expected"),
    [
        ("fail need ok", True, FAIL_NEED, [covered("ssh_service", "ok")], ("fail", None)),
        ("fail need not ok", True, FAIL_NEED, [covered("ssh_service", "timeout")], ("inconclusive", "timeout")),
        ("fail need without coverage", True, FAIL_NEED, [], ("inconclusive", "not_attempted")),
        ("a fail need says nothing of a pass", False, FAIL_NEED, [], ("pass", None)),
        ("pass need ok", False, PASS_NEED, [covered("ssh_service", "ok")], ("pass", None)),
        ("pass need not ok", False, PASS_NEED, [covered("ssh_service", "partial")], ("inconclusive", "partial")),
        ("pass need without coverage", False, PASS_NEED, [], ("inconclusive", "not_attempted")),
        ("a pass need says nothing of a fail", True, PASS_NEED, [], ("fail", None)),
        (
            "one subject of several not ok",
            False,
            PASS_NEED,
            [covered("ssh_service", "ok", subject="tcp/22"), covered("ssh_service", "refused", subject="tcp/2222")],
            ("inconclusive", "refused"),
        ),
        (
            "the worst of several",
            False,
            PASS_NEED,
            [covered("ssh_service", "partial", subject="tcp/22"), covered("ssh_service", "timeout", subject="tcp/2222")],
            ("inconclusive", "timeout"),
        ),
        ("another asset's coverage", False, PASS_NEED, [covered("ssh_service", "ok", asset="b")], ("inconclusive", "not_attempted")),
    ],
)
def test_needs_of_the_asset(judge: Any, name: str, accepted: bool, needs: Any, coverage: Rows, expected: tuple[str, str | None]) -> None:
    got = judge(JOINED, {"mqtt_broker": [{**A, "anonymous_accepted": accepted}]}, coverage, needs=needs)
    assert ("a", "tcp/1883", *expected) in got


@pytest.mark.parametrize(
    ("name", "coverage", "expected"),
    [
        ("all ok", [covered("ssh_service", "ok"), covered("ssh_service", "ok", asset="b")], ("pass", None)),
        (
            "another asset not ok",
            [covered("ssh_service", "ok"), covered("ssh_service", "unreachable", asset="b")],
            ("inconclusive", "unreachable"),
        ),
        ("none", [], ("inconclusive", "not_attempted")),
    ],
)
def test_needs_of_the_rig(judge: Any, name: str, coverage: Rows, expected: tuple[str, str | None]) -> None:
    needs = {"pass_needs": ["rig.ssh_service"]}
    got = judge(JOINED, {"mqtt_broker": [{**A, "anonymous_accepted": False}]}, coverage, needs=needs)
    assert ("a", "tcp/1883", *expected) in got


def test_of_several_needs_the_first_that_is_not_ok_speaks(judge: Any) -> None:
    query = JOINED.replace("as s on s.asset = b.asset", "as s on s.asset = b.asset left join host as h on h.asset = b.asset")
    needs = {"pass_needs": ["rig.host", "asset.ssh_service"]}
    coverage = [covered("ssh_service", "timeout"), covered("host", "partial", asset="n")]
    got = judge(query, {"mqtt_broker": [{**A, "anonymous_accepted": False}]}, coverage, needs=needs)
    assert ("a", "tcp/1883", "inconclusive", "partial") in got


def test_an_unknown_failed_goes_before_an_unmet_need(judge: Any) -> None:
    got = judge(JOINED, {"mqtt_broker": [A]}, [covered("ssh_service", "timeout")], needs={**PASS_NEED, **FAIL_NEED})
    assert got == [("a", "tcp/1883", "inconclusive", "not_observed")]


@pytest.mark.parametrize(
    ("name", "coverage", "expected"),
    [
        ("ok is absent", [covered("mqtt_broker", "ok", subject="tcp/1883")], [("a", "tcp/1883", "not_applicable", "absent")]),
        ("timeout", [covered("mqtt_broker", "timeout", subject="tcp/1883")], [("a", "tcp/1883", "inconclusive", "timeout")]),
        (
            "of two attempts the best",
            [covered("mqtt_broker", "timeout"), covered("mqtt_broker", "ok")],
            [("a", "", "not_applicable", "absent")],
        ),
        (
            "the best may still be bad",
            [covered("mqtt_broker", "internal_error"), covered("mqtt_broker", "refused")],
            [("a", "", "inconclusive", "refused")],
        ),
        (
            "coverage of another table only",
            [covered("host", "ok", asset="n"), covered("ssh_service", "ok")],
            [("a", "", "inconclusive", "not_attempted")],
        ),
    ],
)
def test_coverage_without_a_row(judge: Any, name: str, coverage: Rows, expected: list[tuple[Any, ...]]) -> None:
    assert judge(BROKER, {}, coverage) == expected


def test_an_asset_of_the_kind_with_neither_row_nor_coverage_was_not_attempted(judge: Any) -> None:
    assert judge(BROKER, {"host": [{"asset": "a"}]}) == [("a", "", "inconclusive", "not_attempted")]


def test_an_asset_of_another_kind_is_not_asked_for(judge: Any) -> None:
    assert judge(BROKER, {"image": [{"asset": "i"}], "declared_asset": [{"asset": "d"}]}) == []


CHAIN = "select asset, subject, key_bits < 2048 as failed, [row_id] as evidence from certificate"


@pytest.mark.parametrize(
    ("name", "outcome", "expected"),
    [
        ("ok: its parts are its rows", "ok", []),
        ("partial: something is missing", "partial", [("a", "tcp/443", "inconclusive", "partial")]),
    ],
)
def test_coverage_of_a_subject_whose_parts_have_rows(judge: Any, name: str, outcome: str, expected: list[tuple[Any, ...]]) -> None:
    rows = [{"asset": "a", "subject": "tcp/443/chain/1", "key_bits": 4096}]
    got = judge(CHAIN, {"certificate": rows}, [covered("certificate", outcome, subject="tcp/443")], subjects="certificate")
    assert got == [*expected, ("a", "tcp/443/chain/1", "pass", None)]


def test_a_subject_is_no_part_of_one_that_merely_begins_like_it(judge: Any) -> None:
    rows = [{"asset": "a", "subject": "tcp/4433", "key_bits": 4096}]
    got = judge(CHAIN, {"certificate": rows}, [covered("certificate", "ok", subject="tcp/443")], subjects="certificate")
    assert ("a", "tcp/443", "not_applicable", "absent") in got


TWINS = "select asset, subject, array_length(secrets) > 0 as failed, [row_id] as evidence from hub_twin"


@pytest.mark.parametrize(
    ("name", "rows", "outcome", "expected"),
    [
        ("whole", [{"asset": "d", "secrets": []}], "ok", [("d", "", "pass", None)]),
        (
            "cut: one row on the hub itself",
            [{"asset": "d", "secrets": []}],
            "partial",
            [("d", "", "pass", None), ("h", "", "inconclusive", "partial")],
        ),
        ("empty", [], "ok", [("h", "", "not_applicable", "absent")]),
        ("not readable", [], "protocol_error", [("h", "", "inconclusive", "protocol_error")]),
    ],
)
def test_a_source_whose_rows_are_about_others(judge: Any, name: str, rows: Rows, outcome: str, expected: list[tuple[Any, ...]]) -> None:
    assert judge(TWINS, {"hub_twin": rows}, [covered("hub_twin", outcome, asset="h")], subjects="hub_twin") == expected


def test_a_hub_without_twins_was_not_attempted(judge: Any) -> None:
    assert judge(TWINS, {"hub": [{"asset": "h"}]}, subjects="hub_twin") == [("h", "", "inconclusive", "not_attempted")]


def test_rows_of_one_subject_become_one_and_the_worst_speaks(runner: ExampleRunner, linter: Linter) -> None:
    check = made_check("select asset, subject, anonymous_accepted as failed, [row_id] as evidence, broker_version from mqtt_broker")
    rows = [
        {"entity": "host:s/10.0.0.1", "subject": "tcp/1883", "anonymous_accepted": accepted, "broker_version": version}
        for accepted, version in ((False, "3"), (True, "2"), (True, "1"), (None, "0"))
    ]
    [row] = runner.run(check, linter.shape(check), made_example({"mqtt_broker": rows}))
    assert (row["verdict"], row["detail"]) == ("fail", '{"broker_version":"1"}')
    assert row["evidence"] == ["mqtt_broker/example#1", "mqtt_broker/example#2"]


@pytest.mark.parametrize("seen", [(True, False), (True, None), (False, None), (False, False), (None, None), (True, True)])
def test_the_roll_up_in_sql_is_the_roll_up_of_the_vocabulary(judge: Any, seen: tuple[bool | None, ...]) -> None:
    words = {True: "fail", False: "pass", None: "inconclusive"}
    got = judge(BROKER, {"mqtt_broker": [{**A, "anonymous_accepted": accepted} for accepted in seen]})
    assert [row[2] for row in got] == [roll_up(Verdict(words[accepted]) for accepted in seen)]


def test_a_pass_by_its_own_row_needs_neither_evidence_nor_detail(runner: ExampleRunner, linter: Linter) -> None:
    check = made_check("select asset, subject, anonymous_accepted as failed, [row_id] as evidence, port from mqtt_broker")
    rows = [{**A, "anonymous_accepted": False, "port": 1883}, {"asset": "b", "subject": "tcp/1", "anonymous_accepted": True, "port": 1}]
    passed, failed = runner.run(check, linter.shape(check), made_example({"mqtt_broker": rows}))
    assert (passed["evidence"], passed["detail"]) == (None, None)
    assert (failed["evidence"], failed["detail"]) == (["mqtt_broker/example#1"], '{"port":1}')


def test_a_pass_by_other_rows_names_them(runner: ExampleRunner, linter: Linter) -> None:
    query = """
    select b.asset, b.subject, b.anonymous_accepted as failed, list_concat([b.row_id], coalesce(s.evidence, [])) as evidence
    from mqtt_broker as b
    left join (select asset, list_sort(list(row_id)) as evidence from ssh_service group by asset) as s on s.asset = b.asset
    """
    check = made_check(query, needs=PASS_NEED)
    tables: dict[str, Rows] = {"mqtt_broker": [{**A, "anonymous_accepted": False}], "ssh_service": [{"asset": "a", "subject": "tcp/22"}]}
    [row] = runner.run(check, linter.shape(check), made_example(tables, [covered("ssh_service", "ok", subject="tcp/22")]))
    assert row["evidence"] == ["mqtt_broker/example#0", "ssh_service/example#0"]


def test_a_verdict_by_coverage_cites_it(runner: ExampleRunner, linter: Linter) -> None:
    check = made_check(BROKER)
    [row] = runner.run(check, linter.shape(check), made_example({}, [covered("mqtt_broker", "timeout")]))
    assert row["evidence"] == ["coverage/example#0"]


def test_details_are_canonical_json(runner: ExampleRunner, linter: Linter) -> None:
    query = """
    select asset, subject, tls as failed, [row_id] as evidence, versions, broker_version, messages, client_certificate_needed, observed_at,
      port
    from mqtt_broker
    """
    check = made_check(query)
    row = {
        **A,
        "tls": True,
        "versions": ["3.1.1", None, 'a"b'],
        "broker_version": "x\\y\u001f\u20ac",
        "client_certificate_needed": False,
        "port": 1,
    }
    [got] = runner.run(check, linter.shape(check), made_example({"mqtt_broker": [row]}))
    assert got["detail"] == (
        '{"broker_version":"x\\\\y\\u001f\u20ac","client_certificate_needed":false,"observed_at":"2026-01-01T00:00:00Z","port":1,'
        '"versions":["3.1.1",null,"a\\"b"]}'
    )


def test_a_row_may_bring_its_own_vector(runner: ExampleRunner, linter: Linter) -> None:
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"
    check = made_check(f"select asset, subject, tls as failed, [row_id] as evidence, '{vector}' as cvss from mqtt_broker")
    rows = [{**A, "tls": True}, {"asset": "b", "subject": "x", "tls": False}]
    assert [row["cvss"] for row in runner.run(check, linter.shape(check), made_example({"mqtt_broker": rows}))] == [vector, None]


# An asset that the rig file names, and a hub that knows it or does not: which rows are cited depends on the row.
MIXED = """
select d.asset, d.subject, h.n is null as failed, coalesce(h.evidence, [d.row_id]) as evidence
from declared_asset as d
left join (select device_id, count(*) as n, list_sort(list(row_id)) as evidence from hub_identity group by device_id) as h
  on h.device_id = d.hub_device_id
"""


@pytest.mark.parametrize(
    ("name", "query", "subjects", "rows", "expected"),
    [
        ("a table of ours", BROKER, "mqtt_broker", {"mqtt_broker": [{**A, "anonymous_accepted": False}]}, ("pass", "observed")),
        ("a fail has one too", BROKER, "mqtt_broker", {"mqtt_broker": [{**A, "anonymous_accepted": True}]}, ("fail", "observed")),
        ("what was not judged rests on nothing", BROKER, "mqtt_broker", {"mqtt_broker": [A]}, ("inconclusive", None)),
        ("what does not apply neither", APPLIES, "mqtt_broker", {"mqtt_broker": [{**A, "tls": False}]}, ("not_applicable", None)),
        (
            "the owner's word",
            "select asset, subject, hub_device_id is null as failed, [row_id] as evidence from declared_asset",
            "declared_asset",
            {"declared_asset": [{"asset": "a", "id": "a", "hub_device_id": "x"}]},
            ("pass", "declared"),
        ),
        (
            "cited rows decide, not those that were read",
            MIXED,
            "declared_asset",
            {"declared_asset": [{"asset": "a", "id": "a", "hub_device_id": "x"}], "hub_identity": [{"asset": "h", "device_id": "x"}]},
            ("pass", "observed"),
        ),
        (
            "nothing cited: the subject's own row",
            MIXED.replace("[d.row_id]", "[]"),
            "declared_asset",
            {"declared_asset": [{"asset": "a", "id": "a", "hub_device_id": "x"}]},
            ("fail", "declared"),
        ),
        (
            "of several the weakest",
            MIXED.replace("coalesce(h.evidence, [d.row_id])", "list_concat([d.row_id], coalesce(h.evidence, []))"),
            "declared_asset",
            {"declared_asset": [{"asset": "a", "id": "a", "hub_device_id": "x"}], "hub_identity": [{"asset": "h", "device_id": "x"}]},
            ("pass", "declared"),
        ),
        (
            "a derived row",
            "select asset, subject, state <> 'current' as failed, [row_id] as evidence from currency",
            "currency",
            {"currency": [{"asset": "a", "state": "current"}]},
            ("pass", "inferred"),
        ),
        (
            "a derived row that names what it was made from",
            "select asset, subject, state <> 'current' as failed, sources as evidence from currency",
            "currency",
            {"currency": [{"asset": "a", "state": "current", "sources": ["host/p#1", "declared_asset/p#1"]}]},
            ("pass", "declared"),
        ),
        (
            "what is no row of ours is as weak as can be",
            "select asset, subject, state <> 'current' as failed, sources as evidence from currency",
            "currency",
            {"currency": [{"asset": "a", "state": "current", "sources": ["no_such_table/p#1", "host/p#1"]}]},
            ("pass", "declared"),
        ),
    ],
)
def test_the_basis_of_a_verdict(
    runner: ExampleRunner,
    linter: Linter,
    name: str,
    query: str,
    subjects: str,
    rows: dict[str, Rows],
    expected: tuple[str, str | None],
) -> None:
    needs = {"fail_needs": ["rig.hub_identity"]} if "hub_identity" in query else {}
    check = made_check(query, subjects=subjects, needs=needs)
    coverage = [covered("hub_identity", "ok", asset="h")] if needs else []
    got = runner.run(check, linter.shape(check), made_example(rows, coverage))
    assert [(row["verdict"], row["basis"]) for row in got if row["asset"] == "a"] == [expected]


def test_rows_rolled_up_have_the_weakest_basis_of_those_that_speak(runner: ExampleRunner, linter: Linter) -> None:
    query = "select asset, subject, state = 'behind' as failed, sources as evidence from currency"
    check = made_check(query, subjects="currency")
    rows = [
        {"asset": "a", "state": state, "sources": sources}
        for state, sources in (("current", ["declared_asset/p#1"]), ("behind", ["host/p#1"]), ("behind", ["sbom/p#1"]))
    ]
    [row] = runner.run(check, linter.shape(check), made_example({"currency": rows}))
    assert (row["verdict"], row["basis"], row["evidence"]) == ("fail", "imported", ["host/p#1", "sbom/p#1"])

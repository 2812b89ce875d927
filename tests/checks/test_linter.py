"""The linter: what a query may not say, and that the words for it are clear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from plumbline.checks.linter import Linter
from plumbline.checks.problems import CheckErrors
from tests.checks.making import days, made_check


@pytest.fixture(scope="module")
def linter() -> Linter:
    return Linter()


def row(failed: str, rest: str = "", source: str = "mqtt_broker") -> str:
    return f"select asset, subject, {failed} as failed, [row_id] as evidence{rest} from {source}"


def beside(join: str, failed: str = "true", evidence: str = "[t.row_id]") -> str:
    return f"select t.asset, t.subject, {failed} as failed, {evidence} as evidence from mqtt_broker t {join}"


SOUND: Sequence[tuple[str, str, dict[str, Any]]] = [
    ("plain", row("tls"), {}),
    ("through a subquery", row("bad", source="(select asset, subject, row_id, not tls as bad from mqtt_broker) as judged"), {}),
    ("a lambda", row("array_length(list_filter(versions, lambda v: v in ('3.1', '3.1.1'))) > 0"), {}),
    ("a parameter and the date", row("observed_at < $as_of - $days * interval 1 day"), {"parameters": {"days": days()}}),
    (
        "a need",
        beside("left join (select asset, count(*) as n from host group by asset) o on o.asset = t.asset", failed="o.n is null"),
        {"needs": {"fail_needs": ["asset.host"]}},
    ),
    (
        "not exists",
        beside("", failed="not exists (select 1 from host h where h.asset = t.asset)"),
        {"needs": {"fail_needs": ["rig.host"]}},
    ),
    ("a window with its need", row("count(*) over (partition by broker_version) > 1"), {"needs": {"pass_needs": ["rig.mqtt_broker"]}}),
    (
        "a named subquery",
        "with other as (select asset, count(*) as n from host group by asset) "
        + beside("left join other o on o.asset = t.asset", failed="o.n > 1"),
        {"needs": {"pass_needs": ["rig.host"]}},
    ),
    ("days between dates", row("date_diff('day', observed_at::date, $as_of::date) > 9"), {}),
    (
        "shared identifiers",
        beside("left join shared_identifier s on s.entity = t.entity and s.value = t.spki_sha256", failed="s.entities > 1").replace(
            "mqtt_broker", "ssh_host_key"
        ),
        {"subjects": "ssh_host_key", "needs": {"pass_needs": ["rig.ssh_host_key"]}},
    ),
]


@pytest.mark.parametrize(("name", "query", "changes"), SOUND, ids=[case[0] for case in SOUND])
def test_sound(linter: Linter, name: str, query: str, changes: dict[str, Any]) -> None:
    assert linter.shape(made_check(query, **changes)).tables


BAD: Sequence[tuple[str, str, str]] = [
    ("no SQL", "selec asset", "must be one SELECT"),
    ("broken SQL", "select (", "is not SQL"),
    ("two statements", row("tls") + "; " + row("tls"), "must be one SELECT"),
    ("no select", "drop table mqtt_broker", "must be one SELECT"),
    ("a union", row("tls") + " union all " + row("tls"), "must be one SELECT"),
    ("another table first", row("true", source="host"), "must start from mqtt_broker"),
    ("no table", "select 'a' as asset, '' as subject, true as failed, ['x'] as evidence", "must start from mqtt_broker"),
    ("where", row("tls") + " where tls", "may drop rows"),
    ("limit", row("tls") + " limit 1", "may drop rows"),
    ("distinct", row("tls").replace("select", "select distinct"), "may drop rows"),
    ("group by", "select asset, subject, true as failed, ['x'] as evidence from mqtt_broker group by asset, subject", "may drop rows"),
    ("order", row("tls") + " order by asset", "rows have no order"),
    ("where in the way", row("tls", source="(select * from mqtt_broker where tls) as t"), "may drop rows"),
    ("inner join", beside("join host h on h.asset = t.asset"), "only left joins"),
    ("comma join", "select t.asset, t.subject, true as failed, [t.row_id] as evidence from mqtt_broker t, host h", "only left joins"),
    ("right join", beside("right join host h on h.asset = t.asset"), "only left joins"),
    (
        "asset of another table",
        "select h.asset, t.subject, true as failed, [t.row_id] as evidence from mqtt_broker t left join host h on h.asset = t.asset",
        "be the asset of mqtt_broker",
    ),
    ("another asset", "select 'x' as asset, subject, true as failed, [row_id] as evidence from mqtt_broker", "be the asset of mqtt_broker"),
    (
        "another subject",
        "select asset, upper(subject) as subject, true as failed, [row_id] as evidence from mqtt_broker",
        "be the subject of mqtt_broker",
    ),
    (
        "an aggregate over the subjects",
        "select asset, subject, count(*) > 1 as failed, [row_id] as evidence from mqtt_broker",
        "would merge rows",
    ),
    ("a file", row("tls", source="read_parquet('/etc/passwd')"), "must start from"),
    ("a file by name", row("tls", source="'/etc/passwd'"), "must start from"),
    ("a catalogue", beside("left join information_schema.tables i on true"), "by its own name"),
    ("a table that checks may not read", beside("left join coverage c on true"), "no table that checks may read"),
    ("hiding a table", "with host as (select 1 as asset) " + row("tls"), "hides the table"),
    ("recursive", "with recursive x as (select 1 as n union all select n + 1 from x) " + row("tls"), "recursive"),
    ("star", "select *, true as failed, [row_id] as evidence from mqtt_broker", "name the columns"),
    ("the clock", row("observed_at < now()"), "use $as_of"),
    ("the day", row("observed_at::date < current_date"), "use $as_of"),
    ("random", row("random() < 0.5"), "it is random"),
    ("a setting", row("current_setting('threads') = '1'"), "not among the words"),
    ("a hash", row("hash(subject) = 1"), "not among the words"),
    ("an average", row("tls", source="(select asset, subject, row_id, tls, avg(port) over () as a from mqtt_broker) t"), "averages"),
    (
        "first",
        beside("left join (select asset, first(address) as x from host group by asset) h on h.asset = t.asset", failed="h.x is null"),
        "use min",
    ),
    (
        "any_value",
        beside("left join (select asset, any_value(address) as x from host group by asset) h on h.asset = t.asset", failed="h.x is null"),
        "use min",
    ),
    (
        "an unordered list",
        beside("left join (select asset, list(row_id) as x from host group by asset) h on h.asset = t.asset", evidence="h.x"),
        "list_sort",
    ),
    (
        "a list in its own order",
        beside(
            "left join (select asset, list_sort(list(row_id order by row_id)) as x from host group by asset) h on h.asset = t.asset",
            evidence="h.x",
        ),
        "no order",
    ),
    (
        "string_agg",
        beside("left join (select asset, string_agg(row_id, ',') as x from host group by asset) h on h.asset = t.asset", evidence="[h.x]"),
        "unordered",
    ),
    ("row_number", row("row_number() over (order by port) = 1"), "rows have no order"),
    ("bare list_contains", row("list_contains(versions, '3.1')"), "coalesce(list_contains(..), false)"),
    ("list_distinct", row("array_length(list_distinct(versions)) > 1"), "nulls"),
    ("list_concat of what may be null", row("array_length(list_concat(versions, topic_shapes)) > 1"), "differs on nulls"),
    ("an index", row("versions[1] = '3.1'"), "out of range"),
    (
        "not in a query",
        "select t.asset, t.subject, t.asset not in (select asset from host) as failed, [t.row_id] as evidence from mqtt_broker t",
        "use not exists",
    ),
    ("not in with null", row("port not in (1, null)"), "NOT IN with null"),
    ("regexp_replace once", row("regexp_replace(subject, 'a', 'b') = ''"), "without 'g'"),
    ("a cast to double", row("port::double > 1.5"), "only casts to"),
    ("division", row("port / 2 > 1"), "division"),
    ("hours between times", row("date_diff('hour', observed_at, $as_of) > 1"), "only date_diff('day'"),
    ("date minus date", row("observed_at::date - $as_of::date > 1"), "date minus date"),
    ("day of the week", row("dayofweek(observed_at) = 1"), "days of the week"),
    ("an unknown parameter", row("port > $limit"), "$limit is no parameter"),
    ("an unknown column", row("prot = 1"), "the engine refuses it"),
    ("failed is no boolean", row("port"), "failed is BIGINT, must be BOOLEAN"),
    (
        "evidence is no list",
        "select asset, subject, tls as failed, row_id as evidence from mqtt_broker",
        "evidence is VARCHAR, must be VARCHAR[]",
    ),
    ("no evidence", "select asset, subject, tls as failed from mqtt_broker", "gives no column evidence"),
    ("no failed", "select asset, subject, [row_id] as evidence from mqtt_broker", "gives no column failed"),
    ("a detail without a name", row("tls", ", port + 1"), "needs a lower-case name"),
    ("a detail with a name of the runner's", row("tls", ", port as reason"), "column reason would hide"),
    ("a detail that is no plain value", row("tls", ", [[port]] as ports"), "a detail is"),
    (
        "a left join without a need",
        beside("left join host h on h.asset = t.asset", failed="h.asset is null"),
        "relies on missing rows of host",
    ),
    (
        "an aggregate over its own table without a need",
        row("count(*) over (partition by broker_version) > 1"),
        "relies on missing rows of mqtt_broker",
    ),
    ("assets without a need", beside("left join asset a on a.asset = t.asset", failed="a.declared"), "behind asset"),
]


@pytest.mark.parametrize(("name", "query", "words"), BAD, ids=[case[0] for case in BAD])
def test_refused(linter: Linter, name: str, query: str, words: str) -> None:
    with pytest.raises(CheckErrors) as caught:
        linter.shape(made_check(query))
    assert words in str(caught.value)


def test_a_need_on_which_nothing_relies_is_refused(linter: Linter) -> None:
    with pytest.raises(CheckErrors, match="on whose missing rows nothing relies"):
        linter.shape(made_check(row("tls"), needs={"pass_needs": ["rig.host"]}))


def test_an_unused_parameter_is_refused(linter: Linter) -> None:
    with pytest.raises(CheckErrors, match="its parameter days is not used"):
        linter.shape(made_check(row("tls"), parameters={"days": days()}))


def test_verdicts_are_no_subjects(linter: Linter) -> None:
    with pytest.raises(CheckErrors, match="which are verdicts"):
        linter.shape(made_check(row("failed > 0", source="provision_verdict"), subjects="provision_verdict"))


@pytest.mark.parametrize(
    ("message", "words"), [("{port} is open", "names {port}"), ("{subject is open", "a brace"), ("{Subject}", "a brace")]
)
def test_a_message_names_only_what_the_query_gives(linter: Linter, message: str, words: str) -> None:
    with pytest.raises(CheckErrors) as caught:
        linter.shape(made_check(row("tls"), message=message))
    assert words in str(caught.value)


def test_everything_wrong_is_said_at_once(linter: Linter) -> None:
    with pytest.raises(CheckErrors) as caught:
        linter.shape(made_check(row("now() < observed_at and versions[1] = 'x'") + " where tls"))
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("name", "query", "own"),
    [
        ("its row", row("tls"), True),
        ("its row through a subquery", row("tls", source="(select asset, subject, row_id, tls from mqtt_broker) as t"), True),
        ("another text", row("tls").replace("row_id", "subject"), False),
        ("a made-up row id", row("tls", source="(select asset, subject, asset as row_id, tls from mqtt_broker) as t"), False),
        ("two rows", row("tls").replace("row_id", "row_id, row_id"), False),
    ],
)
def test_evidence_that_is_the_subjects_own_row(linter: Linter, name: str, query: str, own: bool) -> None:
    assert linter.shape(made_check(query)).own_evidence is own

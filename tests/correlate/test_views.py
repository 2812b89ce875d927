"""Evidence in the engine: identifiers out of rows, the views that checks see, parts of bundles in any order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from plumbline.correlate.merging import carried, correlate
from plumbline.correlate.sources import fill, use_bundles, use_nothing
from plumbline.correlate.views import add_asset_view, add_shared_identifiers, define_views, know
from plumbline.evidence.bundle import Bundle, BundleWriter
from plumbline.evidence.engine import Connection, connect
from plumbline.model.errors import InputError
from plumbline.model.words import Outcome

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
MAC = "24:a4:3c:10:00:01"
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def rig(tables: Rows, coverage: Sequence[Mapping[str, Any]] = ()) -> Connection:
    """An engine with these rows, correlated, with every view."""
    connection = connect(threads=1)
    use_nothing(connection)
    fill(connection, tables, coverage)
    correlation = correlate(connection, tables)
    know(connection, correlation.merges, tables)
    define_views(connection, {merge.entity.partition(":")[0] for merge in correlation.merges})
    add_asset_view(connection, tables)
    add_shared_identifiers(connection, tables)
    return connection


def rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return list(connection.execute(query).fetchall())


RIG: Rows = {
    "declared_asset": [
        {
            "entity": "declared:s/cam-1",
            "id": "cam-1",
            "name": "dock camera",
            "address": "10.0.0.5",
            "hub_device_id": "cam-0001",
            "class": "it",
            "criticality": "high",
            "safety": False,
        },
        {"entity": "declared:s/cam-9", "id": "cam-9", "class": "ot", "criticality": "low", "safety": True},
    ],
    "host": [{"entity": "host:s/10.0.0.5", "address": "10.0.0.5", "mac": MAC}, {"entity": "host:s/10.0.0.7", "address": "10.0.0.7"}],
    "station": [{"entity": "station:/192.168.9.9", "address": "192.168.9.9", "mac": MAC.upper(), "hostname": "cam"}],
    "hub_identity": [
        {"entity": "identity:hub/cam-0001", "hub": "hub", "device_id": "cam-0001"},
        {"entity": "identity:hub/x", "hub": "hub", "device_id": "x"},
    ],
    "image": [{"entity": "image:/a.bin"}],
}


def test_one_asset_seen_from_four_layers() -> None:
    got = rows(rig(RIG), "select asset, kinds, name, address, criticality, declared from asset order by asset")
    assert got == [
        ("declared:s/cam-1", ["declared", "host", "identity", "station"], "dock camera", "10.0.0.5", "high", True),
        ("declared:s/cam-9", ["declared"], "cam-9", None, "low", True),
        ("host:s/10.0.0.7", ["host"], "10.0.0.7", "10.0.0.7", None, False),
        ("identity:hub/x", ["identity"], "x", None, None, False),
        ("image:/a.bin", ["image"], "a.bin", None, None, False),
    ]


def test_rows_show_their_asset_their_entity_and_their_place() -> None:
    got = rows(rig(RIG), "select row_id, asset, entity from host order by entity")
    assert got == [
        ("host/example#0", "declared:s/cam-1", "host:s/10.0.0.5"),
        ("host/example#1", "host:s/10.0.0.7", "host:s/10.0.0.7"),
    ]


@pytest.mark.parametrize(
    ("name", "tables", "expected"),
    [
        (
            "a MAC in any case",
            {"station": [{"entity": "station:/1", "address": "1", "mac": "AA:BB:CC:00:00:01"}]},
            {("ip", "/1"), ("mac", "aa:bb:cc:00:00:01")},
        ),
        ("a MAC of zeros is none", {"host": [{"entity": "host:s/1", "address": "1", "mac": "00:00:00:00:00:00"}]}, {("ip", "s/1")}),
        (
            "a serial that says none is none",
            {"declared_asset": [{"entity": "declared:/a", "id": "a", "serial": "N/A"}]},
            {("declared_id", "a")},
        ),
        (
            "a leaf certificate identifies",
            {"certificate": [{"entity": "host:s/1", "position": 0, "sha1": "ab", "spki_sha256": "CD"}]},
            {("certificate_sha1", "AB"), ("public_key", "cd")},
        ),
        (
            "a certificate above it does not",
            {"certificate": [{"entity": "host:s/1", "position": 1, "sha1": "ab", "spki_sha256": "cd"}]},
            set(),
        ),
        ("a client id is a claim", {"mqtt_client": [{"entity": "station:/1", "client_id": "cam"}]}, {("mqtt_client_id", "cam")}),
        ("identities that nothing else knows are left out", {"hub_identity": [{"entity": "identity:h/x", "device_id": "x"}]}, set()),
    ],
)
def test_identifiers_out_of_rows(name: str, tables: Rows, expected: set[tuple[str, str]]) -> None:
    connection = connect(threads=1)
    use_nothing(connection)
    fill(connection, tables, [])
    assert {(fact.identifier, fact.value) for fact in carried(connection, tables)} == expected


def test_a_declared_device_that_stayed_silent_is_one_with_its_address() -> None:
    tables = {"declared_asset": [{"entity": "declared:s/cam-1", "id": "cam-1", "address": "10.0.0.5"}]}
    coverage = [{"entity": "host:s/10.0.0.5", "table": "telnet_service", "outcome": "timeout"}]
    assert rows(rig(tables, coverage), "select asset, kinds from asset") == [("declared:s/cam-1", ["declared", "host"])]


def test_shared_identifiers_name_each_carrier() -> None:
    keys = [{"entity": f"host:s/10.0.0.{n}", "subject": "tcp/22/ssh-rsa", "spki_sha256": "k" if n < 3 else "other"} for n in (1, 2, 3)]
    got = rows(rig({"ssh_host_key": keys}), "select identifier, value, entity, entities from shared_identifier order by entity")
    assert got == [("public_key", "k", "host:s/10.0.0.1", 2), ("public_key", "k", "host:s/10.0.0.2", 2)]


def test_of_several_attempts_the_best_counts() -> None:
    attempts = ["timeout", "partial", "internal_error"]
    coverage = [{"entity": "host:s/1", "table": "host", "outcome": outcome, "rows": n} for n, outcome in enumerate(attempts)]
    got = rows(rig({}, coverage), 'select entity, "table", outcome, rows, row_id from known.coverage')
    assert got == [("host:s/1", "host", "partial", 2, "coverage/example#1")]


def written(path: Path, entity: str = "host:s/10.0.0.5", mac: str | None = MAC) -> Bundle:
    writer = BundleWriter.create(path, rig_text="[rig]\n", header={"rig": {"id": "t"}}, now=NOW)
    with writer.batch() as batch:
        batch.row("host", entity, observed_at=NOW, address=entity.partition("/")[2], mac=mac, network="n")
        batch.coverage("network:s/n", "host", outcome=Outcome.OK, rows=1, started_at=NOW, ended_at=NOW)
    writer.finish(ended_at=NOW, complete=True)
    return Bundle(path)


def opened(bundles: Sequence[Bundle]) -> Connection:
    connection = connect(threads=1)
    filled = use_bundles(connection, bundles)
    know(connection, [], filled)
    define_views(connection, [])
    return connection


def test_bundles_are_united_in_any_order_and_a_copied_part_counts_once(tmp_path: Path) -> None:
    one, two = written(tmp_path / "a"), written(tmp_path / "b", "host:s/10.0.0.6")
    query = "select row_id, entity from host order by row_id"
    once = rows(opened([one, two]), query)
    assert len(once) == 2
    assert rows(opened([two, one, one]), query) == once


def test_two_different_parts_of_one_name_are_refused(tmp_path: Path) -> None:
    one, two = written(tmp_path / "a"), written(tmp_path / "b", mac=None)
    [part] = two.parts("host")
    [own] = one.parts("host")
    part.rename(part.with_name(own.name))
    for coverage in two.coverage_parts():
        coverage.rename(coverage.with_name(own.name))
    with pytest.raises(InputError, match="has the same name"):
        use_bundles(connect(threads=1), [one, two])


def test_a_column_that_an_old_bundle_lacks_is_null_and_one_that_we_do_not_know_is_left_out(tmp_path: Path) -> None:
    bundle = written(tmp_path / "a")
    [part] = bundle.parts("host")
    table = pq.read_table(part)
    pq.write_table(table.drop_columns(["mac"]).append_column("colour", [["red"]]), part)
    connection = opened([bundle])
    assert rows(connection, "select address, mac from host") == [("10.0.0.5", None)]
    assert "colour" not in [row[0] for row in rows(connection, "describe host")]


@pytest.mark.parametrize("breakage", ["type", "bytes"])
def test_a_part_that_is_none_of_ours_is_refused(tmp_path: Path, breakage: str) -> None:
    bundle = written(tmp_path / "a")
    [part] = bundle.parts("host")
    if breakage == "type":
        table = pq.read_table(part)
        pq.write_table(table.set_column(table.schema.get_field_index("mac"), "mac", [[1]]), part)
    else:
        part.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(InputError, match="host"):
        use_bundles(connect(threads=1), [bundle])


def test_an_unknown_outcome_is_refused(tmp_path: Path) -> None:
    bundle = written(tmp_path / "a")
    [part] = bundle.coverage_parts()
    table = pq.read_table(part)
    pq.write_table(table.set_column(table.schema.get_field_index("outcome"), "outcome", [["splendid"]]), part)
    with pytest.raises(InputError, match="splendid"):
        use_bundles(connect(threads=1), [bundle])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        'quote " back \\ slash',
        "\u0000\u0001\u000b\u001f\u007f",
        "\b\t\n\f\r",
        "a\\u000B",
        "caf\u00e9 \u20ac \U0001f600",
        "\u2028",
    ],
)
def test_text_as_canonical_json(text: str) -> None:
    [[got]] = connect(threads=1).execute("select json_text($t::varchar)", {"t": text}).fetchall()
    assert got == json.dumps(text, ensure_ascii=False)


def test_every_control_character_as_canonical_json() -> None:
    text = "".join(map(chr, range(0x20)))
    [[got]] = connect(threads=1).execute("select json_text($t::varchar)", {"t": text}).fetchall()
    assert got == json.dumps(text, ensure_ascii=False)


def test_a_folder_with_signs_of_a_pattern_is_that_folder_alone(tmp_path: Path) -> None:
    """The engine takes a path for a pattern: `audit*` is not `audit-2` too, and its evidence is not another's."""
    for number, name in enumerate(("audit*", "audit-2", "audit[1]", "audit1")):
        writer = BundleWriter.create(tmp_path / name, rig_text="", header={}, now=NOW)
        writer.session = "same"
        with writer.batch() as batch:
            batch.row("host", f"host:s/10.0.0.{number}", observed_at=NOW, address=f"10.0.0.{number}")
            batch.coverage(f"host:s/10.0.0.{number}", "host", outcome=Outcome.OK, started_at=NOW, ended_at=NOW)
        writer.finish(ended_at=NOW, complete=True)
    for number, name in ((0, "audit*"), (2, "audit[1]")):
        connection = connect(threads=1)
        use_bundles(connection, [Bundle(tmp_path / name)])
        assert rows(connection, "select address, part from base.host") == [(f"10.0.0.{number}", "same-00001")]
        assert rows(connection, "select count(*) from base.coverage") == [(1,)]

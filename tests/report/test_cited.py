"""Cited rows: found by their place, left out when they lead nowhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.evidence.bundle import Bundle, BundleWriter
from plumbline.evidence.derived import DerivedParts, DerivedWriter
from plumbline.evidence.engine import connect, literal
from plumbline.evidence.specs import load_tables
from plumbline.model.errors import InputError
from plumbline.report import cited
from tests.report import harbour


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return Bundle(harbour.collected(tmp_path_factory.mktemp("cited") / "bundle"))


def test_a_row_is_the_one_at_its_place(bundle: Bundle) -> None:
    [part] = bundle.parts("http_service")
    rows = pq.read_table(part).to_pylist()
    found = cited.fetch([f"http_service/{part.stem}#{n}" for n in (0, 3)], [bundle])
    assert [found[f"http_service/{part.stem}#{n}"].entity for n in (0, 3)] == [rows[n]["entity"] for n in (0, 3)]


def test_a_row_is_found_in_whichever_row_group_it_lies(bundle: Bundle, tmp_path: Path) -> None:
    [part] = bundle.parts("http_service")
    small = tmp_path / "small.parquet"
    pq.write_table(pq.read_table(part), small, row_group_size=2)
    assert [row["entity"] for row in cited._rows(small, {0, 5}).values()] == [harbour.host(14), harbour.host(77)]


@pytest.mark.parametrize(
    "row_id",
    [
        "",
        "nowhere",
        "http_service/other-part#0",
        "no_table/x#0",
        "http_service/../../manifest#0",
        "coverage/x#1",
        "http_service/{part}#999",
    ],
)
def test_a_citation_that_leads_nowhere_is_left_out(bundle: Bundle, row_id: str) -> None:
    [part] = bundle.parts("http_service")
    assert cited.fetch([row_id.replace("{part}", part.stem)], [bundle]) == {}


def test_columns_that_the_finding_names_come_first(bundle: Bundle) -> None:
    [part] = bundle.parts("http_service")
    row_id = f"http_service/{part.stem}#0"
    row = cited.telling(cited.fetch([row_id], [bundle])[row_id], ["cookies_without_flags"])
    assert row.columns[0].name == "cookies_without_flags"
    assert len(row.columns) <= cited.COLUMNS_MAX


def of_one_answer(tmp_path: Path, store: Callable[[BundleWriter], str]) -> tuple[Bundle, str, str]:
    """Make a bundle of one row; gives its id, and what it cites, which is what `store` gives."""
    writer = BundleWriter.create(tmp_path / "b", rig_text="", header={"rig": {"id": "t"}}, now=harbour.START)
    with writer.batch() as batch:
        raw = store(writer)
        batch.row("telnet_service", "host:h/10.0.0.9", "tcp/23", observed_at=harbour.START, raw=raw, port=23)
        batch.coverage(
            "host:h/10.0.0.9", "telnet_service", outcome=harbour.Outcome.OK, rows=1, started_at=harbour.START, ended_at=harbour.START
        )
    writer.finish(ended_at=harbour.START, complete=True)
    opened = Bundle(tmp_path / "b")
    [part] = opened.parts("telnet_service")
    return opened, f"telnet_service/{part.stem}#0", raw


@pytest.mark.parametrize("raw", ["raw/" + "0" * 64, "raw/../manifest.json", "file/xyz", "elsewhere"])
def test_bytes_that_are_not_there_are_named_and_not_read(tmp_path: Path, raw: str) -> None:
    opened, row_id, _ = of_one_answer(tmp_path, lambda _: raw)
    [row] = cited.fetch([row_id], [opened]).values()
    assert row.source.startswith(raw)
    assert row.excerpt == ()


def test_a_part_that_is_no_parquet_is_said(tmp_path: Path) -> None:
    opened = Bundle(harbour.collected(tmp_path / "bundle"))
    [part] = opened.parts("http_service")
    part.write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match="cannot be read"):
        cited.fetch([f"http_service/{part.stem}#0"], [opened])


@pytest.fixture(scope="module")
def sources(bundle: Bundle) -> list[str]:
    """Five rows, and the attempt that found the first."""
    [part] = bundle.parts("http_service")
    return [f"http_service/{part.stem}#{n}" for n in range(5)] + [f"coverage/{part.stem}#0"]


@pytest.fixture(scope="module")
def derived(sources: list[str], tmp_path_factory: pytest.TempPathFactory) -> DerivedParts:
    folder = tmp_path_factory.mktemp("out") / "derived"
    # One exposure, made from one match, which was made from all of the sources.
    with connect() as connection:
        write = DerivedWriter(connection, folder, harbour.START)
        place = "select 'image:/cam' as entity, 'component/tls' as subject"
        write.table("vulnerability_match", f"{place}, [{', '.join(map(literal, sources))}] as sources, 'CVE-2026-1' as vulnerability")
        write.table("component_exposure", f"{place}, ['vulnerability_match/derived#0'] as sources, 'tls' as component")
    return DerivedParts(folder)


def test_a_derived_row_leads_through_others_to_what_was_collected_and_its_bytes(bundle: Bundle, derived: DerivedParts) -> None:
    [row] = cited.fetch(["component_exposure/derived#0"], [bundle], derived).values()
    assert (row.derived, row.made_from_rows, row.observed_at) == (True, 1, harbour.START)
    [match] = row.made_from
    assert (match.table, match.derived, match.made_from_rows) == ("vulnerability_match", True, 6)
    assert [under.table for under in match.made_from] == ["http_service"] * cited.SOURCES_EACH
    assert match.made_from[0].excerpt[0] == "HTTP/1.1 200 OK"
    assert not any(under.derived or under.made_from for under in match.made_from)
    assert "sources" not in [column.name for column in row.columns]


def test_parts_of_a_large_table_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "tables" / "currency").mkdir(parents=True)
    for part, entity in (("derived", "host:/a"), ("derived+0001", "host:/b")):
        rows = pa.Table.from_pylist([{"entity": entity}], schema=load_tables()["currency"].schema())
        pq.write_table(rows, tmp_path / "tables" / "currency" / f"{part}.parquet")
    found = cited.fetch(["currency/derived+0001#0"], [], DerivedParts(tmp_path))
    assert [row.entity for row in found.values()] == ["host:/b"]


def test_an_attempt_to_look_is_shown_as_one(bundle: Bundle, sources: list[str]) -> None:
    [row] = cited.fetch(sources[-1:], [bundle]).values()
    assert row.table_title == "Attempts to look"
    assert ("outcome", "ok") in [(column.name, column.value) for column in row.columns]


def test_nothing_is_taken_for_derived_out_of_a_bundle(bundle: Bundle) -> None:
    assert cited.fetch(["component_exposure/derived#0"], [bundle]) == {}


def test_without_the_bundle_the_conclusion_stands_alone(derived: DerivedParts) -> None:
    [row] = cited.fetch(["vulnerability_match/derived#0"], [], derived).values()
    assert (row.made_from, row.made_from_rows) == ((), 6)


def test_rows_that_are_made_from_each_other_come_to_an_end(tmp_path: Path) -> None:
    with connect() as connection:
        itself = "select 'image:/cam' as entity, '' as subject, ['component_exposure/derived#0'] as sources"
        DerivedWriter(connection, tmp_path, harbour.START).table("component_exposure", itself)
    [row] = cited.fetch(["component_exposure/derived#0"], [], DerivedParts(tmp_path)).values()
    depth = 0
    while row.made_from:
        [row], depth = row.made_from, depth + 1
    assert depth == cited.DEPTH_MAX


def test_where_a_cited_row_lies_in_a_supplied_file(bundle: Bundle) -> None:
    """Coverage has no bytes, answers of devices lie in no file of the customer's, and what is no row lies nowhere."""
    [key], [coverage], [page] = bundle.parts("image_key"), bundle.coverage_parts(), bundle.parts("http_service")
    rows = [f"image_key/{key.stem}#0", f"coverage/{coverage.stem}#0", f"http_service/{page.stem}#0", "image/nowhere#0", "no row"]
    assert cited.places(rows, [bundle]) == {rows[0]: (cited.Place("5c" * 32, 90112),)}


def test_a_derived_row_lies_where_what_it_was_made_from_lies(tmp_path: Path, bundle: Bundle) -> None:
    [key] = bundle.parts("image_key")
    with connect() as connection:
        sources = f"['image_key/{key.stem}#0', 'image_key/{key.stem}#99']"
        place = "select 'image:/cam' as entity, 'component/tls' as subject"
        DerivedWriter(connection, tmp_path, harbour.START).table("component_exposure", f"{place}, {sources} as sources, 'tls' as component")
    row = "component_exposure/derived#0"
    assert cited.places([row], [bundle], DerivedParts(tmp_path)) == {row: (cited.Place("5c" * 32, 90112),)}


def test_bytes_that_were_changed_are_not_shown(tmp_path: Path) -> None:
    opened, row_id, raw = of_one_answer(tmp_path, lambda writer: writer.raw(b"login: "))
    assert cited.fetch([row_id], [opened])[row_id].excerpt == ("login: ",)
    (opened.path / raw).write_bytes(b"no login")
    row = cited.fetch([row_id], [opened])[row_id]
    assert (row.source, row.excerpt) == (f"{raw}, in the bundle, but not as it was stored", ())

"""Cited rows, fetched from their bundles and from OUT/derived: the columns that tell, the first lines of the raw answer behind them, and
under a row that was derived the rows that it was made from, down to what was collected.

Not a query engine: a row id is its place, so a row is read from the row group that holds it. Rules: a citation that leads nowhere (a
bundle that is not at hand, a row id that is none) is left out, never an error; files that a customer supplied are named, not opened; a
derived table is read from what was derived alone, whatever a bundle holds under its name.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from plumbline.evidence.bundle import Bundle
from plumbline.evidence.damage import Readable, named
from plumbline.evidence.derived import DerivedParts
from plumbline.evidence.specs import COMMON, load_tables
from plumbline.report.data import Column, Evidence
from plumbline.report.language import told
from plumbline.report.text import excerpt, joined, plural, size, when

COLUMNS_MAX = 10
VALUE_MAX = 400
RAW_READ = 4096
SOURCES_EACH = 3  # rows shown under a derived row, of those that it was made from
DEPTH_MAX = 4  # derived from derived; deeper is no chain that a deriver makes
COVERAGE = "coverage"
COVERAGE_COLUMNS = ("table", "outcome", "rows", "detail")
ROW_ID = re.compile(r"([a-z_0-9]+)/([A-Za-z0-9._+-]+)#(\d{1,12})")
RAW = re.compile(r"raw/([0-9a-f]{64})")
SUPPLIED = re.compile(r"file/([0-9a-f]{64})@(\d+)")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file that stays with its owner; `offset` is in bytes."""

    sha256: str
    offset: int


def fetch(row_ids: Iterable[str | None], bundles: Sequence[Bundle], derived: DerivedParts | None = None) -> dict[str, Evidence]:
    """Read the rows that can be found, by row id; raises InputError when a part cannot be read."""
    return _fetched(row_ids, bundles, derived, DEPTH_MAX)


def _fetched(row_ids: Iterable[str | None], bundles: Sequence[Bundle], derived: DerivedParts | None, depth: int) -> dict[str, Evidence]:
    wanted = _wanted(row_ids)
    parts = _parts({table for table, _ in wanted}, bundles, derived)
    rows: dict[str, tuple[str, Mapping[str, Any], Bundle | None]] = {}
    for (table, part), numbers in sorted(wanted.items()):
        if (table, part) in parts:
            path, bundle = parts[table, part]
            rows |= {f"{table}/{part}#{n}": (table, row, bundle) for n, row in _rows(path, numbers).items()}
    beneath = {source for table, row, _ in rows.values() if _is_derived(table) for source in _sources(row)[:SOURCES_EACH]}
    found = _fetched(beneath, bundles, derived, depth - 1) if beneath and depth else {}
    return {row_id: _evidence(row_id, table, row, bundle, found) for row_id, (table, row, bundle) in rows.items()}


def places(row_ids: Iterable[str], bundles: Sequence[Bundle], derived: DerivedParts | None = None) -> dict[str, tuple[Place, ...]]:
    """Find where rows lie in supplied files, derived ones by what they were made from; a row that lies in none is left out."""
    return _places(row_ids, bundles, derived, DEPTH_MAX)


def _places(row_ids: Iterable[str], bundles: Sequence[Bundle], derived: DerivedParts | None, depth: int) -> dict[str, tuple[Place, ...]]:
    wanted = _wanted(row_ids)
    parts = _parts({table for table, _ in wanted}, bundles, derived)
    found: dict[str, tuple[Place, ...]] = {}
    beneath: dict[str, list[str]] = {}
    for (table, part), numbers in wanted.items():
        if (table, part) not in parts:
            continue
        for number, row in _rows(parts[table, part][0], numbers, ("raw", "sources")).items():
            if _is_derived(table):
                beneath[f"{table}/{part}#{number}"] = _sources(row)[:SOURCES_EACH]
            elif place := SUPPLIED.fullmatch(row.get("raw") or ""):
                found[f"{table}/{part}#{number}"] = (Place(place[1], int(place[2])),)
    if beneath and depth:
        deeper = _places({source for sources in beneath.values() for source in sources}, bundles, derived, depth - 1)
        for row_id, sources in beneath.items():
            if lying := tuple(dict.fromkeys(place for source in sources for place in deeper.get(source, ()))):
                found[row_id] = lying
    return found


def _wanted(row_ids: Iterable[str | None]) -> dict[tuple[str, str], set[int]]:
    """Group row ids by table and part, and leave out what is none."""
    wanted: dict[tuple[str, str], set[int]] = defaultdict(set)
    for row_id in row_ids:
        if (place := ROW_ID.fullmatch(row_id or "")) and (place[1] in load_tables() or place[1] == COVERAGE):
            wanted[place[1], place[2]].add(int(place[3]))
    return wanted


def _parts(
    tables: Iterable[str], bundles: Sequence[Bundle], derived: DerivedParts | None
) -> dict[tuple[str, str], tuple[Path, Bundle | None]]:
    """Find the parts of tables by table and name, each with the bundle that holds it; None: it was derived."""
    found: dict[tuple[str, str], tuple[Path, Bundle | None]] = {}
    for table in tables:
        if not _is_derived(table):
            for bundle in bundles:
                paths = bundle.coverage_parts() if table == COVERAGE else bundle.parts(table)
                found.update({(table, path.stem): (path, bundle) for path in paths})
        elif derived is not None:
            found.update({(table, path.stem): (path, None) for path in derived.parts(table)})
    return found


def _is_derived(table: str) -> bool:
    return table != COVERAGE and load_tables()[table].derived is not None


def _sources(row: Mapping[str, Any]) -> list[str]:
    return [source for source in row.get("sources") or () if source]


def _rows(path: Path, numbers: set[int], columns: Sequence[str] | None = None) -> dict[int, Mapping[str, Any]]:
    """Read rows by their numbers, of all columns or of those among `columns` that are there."""
    found: dict[int, Mapping[str, Any]] = {}
    with named(lambda: [Readable(path, {})]), pq.ParquetFile(path) as file:
        start = 0
        there = None if columns is None else [name for name in columns if name in file.schema_arrow.names]
        if there == []:
            return found
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            here = sorted(n for n in numbers if start <= n < start + count)
            if here:
                rows = file.read_row_group(group, columns=there).take([n - start for n in here]).to_pylist()
                found.update(zip(here, rows, strict=True))
            start += count
    return found


def _evidence(row_id: str, table: str, row: Mapping[str, Any], bundle: Bundle | None, beneath: Mapping[str, Evidence]) -> Evidence:
    spec = load_tables().get(table)
    raw = row.get("raw")
    source, lines = _raw(raw, bundle) if bundle is not None else ("", ())
    sources = _sources(row) if bundle is None else []
    names = [name for name in spec.columns if name != "sources"] if spec is not None else COVERAGE_COLUMNS
    filled = [(name, row[name]) for name in names if row.get(name) is not None and row.get(name) != []]
    return Evidence(
        row_id=row_id,
        table=table,
        table_title=spec.title if spec is not None else "Attempts to look",
        entity=str(row.get("entity") or ""),
        subject=str(row.get("subject") or ""),
        observed_at=row.get("observed_at") or row.get("ended_at"),
        permit=row.get("permit"),
        raw=raw,
        source=source,
        columns=tuple(Column(name, _word(value)) for name, value in filled if name not in COMMON),
        excerpt=lines,
        derived=bundle is None,
        made_from=tuple(beneath[one] for one in sources[:SOURCES_EACH] if one in beneath),
        made_from_rows=len(sources),
    )


def telling(evidence: Evidence, first: Iterable[str]) -> Evidence:
    """Keep the columns that tell most: those named in `first`, then the table's own order, up to COLUMNS_MAX; beneath a row as well."""
    names = set(first)
    columns = sorted(evidence.columns, key=lambda column: column.name not in names)[:COLUMNS_MAX]
    return replace(evidence, columns=tuple(columns), made_from=tuple(telling(one, names) for one in evidence.made_from))


def _raw(raw: str | None, bundle: Bundle) -> tuple[str, tuple[str, ...]]:
    """Say where the bytes lie, and show their first lines where they are ours to show."""
    if raw is None:
        return "", ()
    if own := RAW.fullmatch(raw):
        path = bundle.path / "raw" / own[1]
        try:
            with path.open("rb") as file:
                data, length = file.read(RAW_READ), path.stat().st_size
                file.seek(0)
                kept = hashlib.file_digest(file, "sha256").hexdigest() == own[1]
        except OSError:
            return told("%(raw)s, not in the bundle", raw=raw), ()
        if not kept:
            return told("%(raw)s, in the bundle, but not as it was stored", raw=raw), ()
        where, name = f"raw/{own[1][:12]}…", bundle.path.name
        told_where = told("%(where)s in %(bundle)s, redacted, %(size)s", where=where, bundle=name, size=size(length))
        return told_where, excerpt(data, length)
    if place := SUPPLIED.fullmatch(raw):
        names = [str(entry.get("name")) for entry in bundle.manifest.get("supplied", []) if entry.get("sha256") == place[1]]
        what, digest, at = joined(names) or told("a supplied file"), f"{place[1][:12]}…", int(place[2])
        return told("%(file)s (sha256 %(digest)s) at byte %(at)s; it stays with its owner", file=what, digest=digest, at=at), ()
    return raw, ()


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return when(value)
    if isinstance(value, list):
        shown = ", ".join(str(item) for item in value[:20])
        return shown + (f", and {plural(len(value) - 20, 'more')}" if len(value) > 20 else "")
    return str(value)[: VALUE_MAX * 4]

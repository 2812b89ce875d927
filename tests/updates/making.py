"""Rigs and reference data made in a test: a device for each case, a catalogue, and advisories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.assess.deriving import derive
from plumbline.assess.run import assess
from plumbline.correlate.merging import correlate
from plumbline.correlate.sources import use_bundles
from plumbline.correlate.views import add_asset_view, define_views, know
from plumbline.evidence.bundle import Bundle
from plumbline.evidence.engine import connect
from plumbline.evidence.reference import Reference, ReferenceWriter, Source, load_reference_tables
from plumbline.evidence.specs import load_tables
from plumbline.model.words import Outcome
from tests.assess.making import Row, write_bundle
from tests.catalogue.making import imported

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)  # as the bundles of tests/assess
DAY = timedelta(days=1)
RIG = """[rig]
id = "t"
[authorisation]
valid_until = 2026-12-31T00:00:00Z
windows = [{ days = ["sat", "sun"], from = "01:00", to = "05:00", timezone = "UTC" }]
"""


def device(
    name: str, model: str | None = None, *, page: str | None = None, twin: str | None = None, page_model: str | None = None
) -> list[Row]:
    """Rows of one declared device: what its page says of version and model, and what its twin reports."""
    declared = {"id": name, "name": name, "model": model, "hub_device_id": name, "class": "it", "criticality": "medium", "safety": False}
    rows: list[Row] = [("declared_asset", f"declared:s/{name}", "", declared)]
    if page is not None or page_model is not None:
        shown = {"port": 80, "tls": False, "status": 200, "firmware_version": page, "model": page_model}
        rows.append(("http_service", f"declared:s/{name}", "tcp/80", shown))
    if twin is not None:
        reported = {"hub": "h", "device_id": name, "firmware_version": twin, "secrets": [], "drift": []}
        rows.append(("hub_twin", f"identity:h/{name}", "", reported))
    return rows


def catalogue(folder: Path, **files: str) -> Path:
    """Import catalogues in our own form, one source each; gives the store."""
    imported(folder, {f"{name}.toml": text for name, text in files.items()}, now=NOW)
    return folder / "reference"


def feed(
    store: Path, affected: Iterable[Mapping[str, Any]], *, read_at: datetime = NOW, exploited: Sequence[str] = (), source: str = "feed"
) -> None:
    """Put advisories into a store, as a feed would."""
    said = [
        {"record": one["vulnerability"], "origin": "csaf", "status": "known_affected", "rest": False, "parsed": True, **one}
        for one in affected
    ]
    named = sorted({one["vulnerability"] for one in said})
    scored = [{"id": name, "state": "published", "cvss": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "score": 9.8} for name in named]
    with ReferenceWriter(store).take(Source(source, "csaf", "a feed", read_at, dated_at=read_at)) as intake:
        for table, rows in (("affected", said), ("vulnerability", scored), ("exploited", [{"id": name} for name in exploited])):
            schema = load_reference_tables()[table].schema()
            own = pa.schema([schema.field(name) for name in schema.names if name not in ("source",)])
            if rows:
                intake.rows(table, pa.Table.from_pylist([{"read_at": read_at, "dated_at": read_at, **row} for row in rows], schema=own))


Covered = tuple[str, str, str, Outcome, int]


def bundle(folder: Path, rows: Sequence[Row], more: Sequence[Covered] = ()) -> Path:
    """Write a bundle of these rows into folder/bundle; every entity was looked at to the end, but for the coverage that is given."""
    named = {(entity, table) for table, entity, _, _ in rows}
    coverage = [(entity, table, "", Outcome.OK, 1) for entity, table in sorted(named) if not load_tables()[table].by_source]
    return write_bundle(folder / "bundle", rows, [*coverage, *more], rig_text=RIG)


def assessed(folder: Path, rows: Sequence[Row], reference: Path | None, *, as_of: datetime = NOW) -> Path:
    """Assess a bundle of these rows; gives OUT, with the bundle beside it."""
    assess([bundle(folder, rows)], folder / "out", reference=reference, threads=1, as_of=as_of)
    return folder / "out"


def judged(folder: Path, rows: Sequence[Row], reference: Path | None, *, as_of: datetime = NOW, more: Sequence[Covered] = ()) -> None:
    """Derive from a bundle of these rows into folder/out, as an assessment does before its checks."""
    written = Bundle(bundle(folder, rows, more))
    with connect(threads=1) as connection:
        filled = use_bundles(connection, [written])
        merges = correlate(connection, filled).merges
        kinds = {merge.entity.partition(":")[0] for merge in merges}
        know(connection, merges, filled)
        define_views(connection, kinds)
        add_asset_view(connection, filled)
        derive(connection, Reference(reference), as_of, folder / "out", kinds)


def derived(folder: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a derived table in folder/out; empty where it was not derived."""
    path = folder / "out" / "derived" / "tables" / table / "derived.parquet"
    return pq.read_table(path).to_pylist() if path.exists() else []


def covered(folder: Path, table: str) -> list[tuple[str, str, str | None]]:
    """Entity, outcome and detail of the derived coverage of a table."""
    rows = pq.read_table(folder / "out" / "derived" / "coverage" / "derived.parquet").to_pylist()
    return [(row["entity"], row["outcome"], row["detail"]) for row in rows if row["table"] == table]

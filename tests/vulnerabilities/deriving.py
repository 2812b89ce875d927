"""Carriers with components, and what is derived of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from plumbline.assess.deriving import derive
from plumbline.correlate.merging import correlate
from plumbline.correlate.sources import use_bundles
from plumbline.correlate.views import add_asset_view, define_views, know
from plumbline.evidence.bundle import Bundle
from plumbline.evidence.engine import connect
from plumbline.evidence.reference import Reference
from plumbline.model.words import Outcome
from tests.assess.making import write_bundle
from tests.vulnerabilities.making import NOW

IMAGE = "image:/cam.bin"
Rows = list[dict[str, Any]]


def component(name: str = "httpd", version: str | None = "2.0", **more: Any) -> dict[str, Any]:
    """A row of the table `component`."""
    return {"name": name, "version": version, "manager": "sbom", "confidence": "sbom", **more}


def bundle(folder: Path, carriers: Mapping[str, Iterable[Mapping[str, Any]]], outcome: Outcome = Outcome.OK) -> Path:
    """Write a bundle of carriers and their components; `outcome` is that of listing them."""
    rows = [("component", entity, f"component/{row['name']}", row) for entity, some in carriers.items() for row in some]
    coverage = [(entity, "component", "", outcome, len(list(some))) for entity, some in carriers.items()]
    return write_bundle(folder / "bundle", rows, coverage)


def derived(folder: Path, carriers: Mapping[str, Iterable[Mapping[str, Any]]], *, as_of: datetime = NOW, **more: Any) -> dict[str, Rows]:
    """Derive from carriers and folder/reference; gives the rows of each derived table, and of `coverage`."""
    opened = [Bundle(bundle(folder, carriers, **more))]
    with connect(threads=1) as connection:
        filled = use_bundles(connection, opened)
        correlation = correlate(connection, filled)
        know(connection, correlation.merges, filled)
        define_views(connection, set())
        add_asset_view(connection, filled)
        parts = derive(connection, Reference(folder / "reference"), as_of, folder / "out", set())
    tables = ("vulnerability_match", "component_exposure", "component_support")
    found = {name: [row for part in parts.parts(name) for row in pq.read_table(part).to_pylist()] for name in tables}
    wanted = [row for part in parts.coverage_parts() for row in pq.read_table(part).to_pylist() if row["table"] in tables]
    return {**found, "coverage": wanted}

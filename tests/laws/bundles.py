"""Reads what a bundle or an OUT holds, for the tests of the laws: rows as they lie on disk; fits a manifest to what a test wrote."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from plumbline.evidence.bundle import Bundle

Row = dict[str, Any]


def fit_manifest(bundle: Path) -> None:
    """Have the manifest name the parts that lie there now, which a test wrote itself: a bundle that lacks a part is not judged."""
    path = bundle / "manifest.json"
    said = json.loads(path.read_text())
    others = {name: one for name, one in said["files"].items() if not name.endswith(".parquet")}
    said["files"] = others | {part.relative_to(bundle).as_posix(): _entry(part) for part in bundle.rglob("*.parquet")}
    path.write_text(json.dumps(said))


def _entry(part: Path) -> dict[str, Any]:
    data = part.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}


def rows(bundle: Path, table: str) -> list[Row]:
    """The committed rows of a table."""
    return [row for part in Bundle(bundle).parts(table) for row in pq.read_table(part).to_pylist()]


def coverage(bundle: Path) -> list[Row]:
    """Every row of coverage, of all attempts."""
    return [row for part in Bundle(bundle).coverage_parts() for row in pq.read_table(part).to_pylist()]


def contacts(bundle: Path) -> list[Row]:
    """The contact log, session headers left out."""
    lines = [json.loads(line) for line in (bundle / "contacts.jsonl").read_text().splitlines()]
    return [line for line in lines if line["event"] != "session"]


def ledger(out: Path) -> list[Row]:
    """The ledger, in its own order."""
    found: list[Row] = pq.read_table(out / "ledger.parquet").to_pylist()
    return found


def verdicts(out: Path) -> dict[tuple[str, str, str], tuple[str, str | None]]:
    """Verdict and reason by check, asset and subject."""
    return {(row["check"], row["asset"], row["subject"]): (row["verdict"], row["reason"]) for row in ledger(out)}

"""Every capture of the rig, one after the other: walked once, then written as rows with their coverage.

Rules:
- A capture is one unit of work: all its rows and all its coverage, or, when the run is stopped within it, neither.
- A table is `ok` only when nothing that could have filled it was missed: a cut file, cut packets, fragments, connections joined in the
  middle and reached caps each make the tables that they touch partial, with the reason.
- What is no capture is `protocol_error`; a form or a link type that is not read is `not_supported`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from plumbline.collect.context import Context
from plumbline.collect.file_names import as_in_rig, entity_keys
from plumbline.collect.traffic.facts import Notes
from plumbline.collect.traffic.locality import Locality
from plumbline.collect.traffic.pcapfile import CaptureReader, NotSupportedCapture
from plumbline.collect.traffic.rows import Row, RowMaker, moment
from plumbline.collect.traffic.walk import Walk
from plumbline.evidence.bundle import Batch, SuppliedFile
from plumbline.evidence.parts import checked_row
from plumbline.evidence.specs import load_tables
from plumbline.model.entities import Entity
from plumbline.model.errors import InputError, ProtocolError
from plumbline.model.words import EntityKind, Outcome
from plumbline.rig.secrets import keyed_digest

TABLES = ("capture", "station", "flow", "clear_credential", "dns_query", "tls_client", "mqtt_client", "http_client")
_CONTENT = TABLES[3:]  # those that need what connections say, and not only that they are there
_BELOW = TABLES[1:]
ROWS_AT_ONCE = 4096  # a row as a dict is some two kilobytes; in Arrow it is a tenth


def collect(context: Context) -> None:
    """Read every capture of the rig; those that an earlier session read are not read again."""
    rig = context.rig
    keys = entity_keys((capture.path for capture in rig.captures), rig.path)
    sites = {network.site for network in rig.networks}
    site = sites.pop() if len(sites) == 1 else ""
    locality = Locality.of(rig)
    for path, key in keys.items():
        entity = Entity.of(EntityKind.CAPTURE, site, key)
        done = context.writer.outcomes.get((str(entity), "capture", ""))
        if done in (Outcome.OK, Outcome.PARTIAL):
            continue
        if context.stop():
            return
        _Attempt(context, entity, site, path, locality).run()


class _Attempt:
    """One capture: what was missed, and why."""

    def __init__(self, context: Context, entity: Entity, site: str, path: Path, locality: Locality) -> None:
        self.context = context
        self.entity = entity
        self.site = site
        self.path = path
        self.locality = locality
        self.started_at = context.now()
        self.missed: dict[str, list[tuple[Outcome, str]]] = defaultdict(list)

    def run(self) -> None:
        try:
            supplied = self.context.writer.supplied(self.path)
            with self.path.open("rb") as stream:
                reader = CaptureReader(stream)
                walk = self._walk(reader, supplied)
        except NotSupportedCapture as error:
            self._fail(Outcome.NOT_SUPPORTED, str(error))
        except (ProtocolError, InputError) as error:
            self._fail(Outcome.PROTOCOL_ERROR, str(error))
        except OSError as error:
            self._fail(Outcome.PROTOCOL_ERROR, f"cannot be read: {error.strerror}")
        else:
            if walk is not None:
                self._judge(reader, walk)
                self._write(reader, walk, supplied)

    def _walk(self, reader: CaptureReader, supplied: SuppliedFile) -> Walk | None:
        def poll() -> bool:
            self.context.progress(f"reading {self.path.name}", min(reader.position, supplied.size_bytes), supplied.size_bytes)
            return not self.context.stop()

        walk = Walk(Notes(lambda kind, secret: keyed_digest(self.context.key, kind, secret)), self.locality)
        return walk if walk.run(reader, poll) else None

    def _miss(self, tables: Iterable[str], detail: str, outcome: Outcome = Outcome.PARTIAL) -> None:
        for table in tables:
            self.missed[table].append((outcome, detail))

    def _judge(self, reader: CaptureReader, walk: Walk) -> None:
        """Say what the capture lacks, for the tables that it matters to."""
        if reader.problem:
            self._miss(TABLES, reader.problem)
        if reader.lost:
            self._miss(_BELOW, f"the capturing machine lost {reader.lost} packets")
        for name, count in sorted(walk.unread_links.items()):
            whole = count == walk.frames
            self._miss(_BELOW, f"{count} packets of {name} are not read", Outcome.NOT_SUPPORTED if whole else Outcome.PARTIAL)
        broken = walk.skipped - walk.unread_links.total()
        if broken:
            self._miss(_BELOW, f"{broken} of {walk.frames} packets could not be decoded")
        if walk.cut:
            self._miss(_CONTENT, f"{walk.cut} packets were captured in part (snap length)")
        if walk.fragments:
            self._miss(_CONTENT, f"{walk.fragments} IP fragments were not put together")
        notes, connections = walk.notes, walk.connections
        if notes.unread_connections:
            self._miss(_CONTENT, f"{notes.unread_connections} connections were not read whole (joined late, gaps, malformed)")
        if connections.forced:
            self._miss((*_CONTENT, "flow"), f"{connections.forced} connections were given up, as more were open than are held")
        for table, count in sorted(notes.dropped.items()):
            self._miss((table,), f"too many rows: {count} were left out")
        if not walk.frames:
            self._miss(_BELOW, "the capture holds no packet")
        elif not (notes.stations or notes.flows) and not walk.unread_links:
            self._miss(_BELOW, "no packet is from or to the rig's networks or a private address")

    def _write(self, reader: CaptureReader, walk: Walk, supplied: SuppliedFile) -> None:
        maker = RowMaker(walk.notes, self.locality, self.site, supplied.at)
        with self.context.writer.batch() as batch:
            counts = {table: _add(batch, table, rows) for table, rows in maker.all()}
            counts["capture"] = _add(batch, "capture", [self._capture(reader, walk, supplied, counts["station"])])
            for table in TABLES:
                said = self.missed[table]
                outcome = max((outcome for outcome, _ in said), key=lambda one: one.rank, default=Outcome.OK)
                self._cover(batch, table, outcome, counts[table], "; ".join(detail for _, detail in said) or None)

    def _capture(self, reader: CaptureReader, walk: Walk, supplied: SuppliedFile, stations: int) -> Row:
        return {
            "entity": str(self.entity),
            "subject": "",
            "raw": supplied.at(0),
            "observed_at": self.started_at,
            "path": as_in_rig(self.path, self.context.rig.path),
            "sha256": supplied.sha256,
            "format": reader.format,
            "packets": walk.frames,
            "packets_skipped": walk.skipped,
            "first_at": _moment(walk.first_ns),
            "last_at": _moment(walk.last_ns),
            "stations": stations,
        }

    def _fail(self, outcome: Outcome, detail: str) -> None:
        with self.context.writer.batch() as batch:
            for table in TABLES:
                self._cover(batch, table, outcome, 0, f"{self.path.name}: {detail}")

    def _cover(self, batch: Batch, table: str, outcome: Outcome, rows: int, detail: str | None) -> None:
        ended_at = self.context.now()
        batch.coverage(self.entity, table, outcome=outcome, rows=rows, detail=detail, started_at=self.started_at, ended_at=ended_at)


def _add(batch: Batch, table: str, rows: Iterable[Row]) -> int:
    """Add rows through Arrow, a few thousand at a time, so that memory does not follow their number."""
    spec = load_tables()[table]
    schema, count = spec.schema(), 0
    waiting: list[dict[str, Any]] = []

    def flush() -> None:
        if waiting:
            batch.rows(table, pa.Table.from_pylist(waiting, schema=schema))
            waiting.clear()

    for row in rows:
        waiting.append(checked_row(spec, row))
        count += 1
        if len(waiting) >= ROWS_AT_ONCE:
            flush()
    flush()
    return count


def _moment(time_ns: int | None) -> datetime | None:
    return None if time_ns is None else moment(time_ns)

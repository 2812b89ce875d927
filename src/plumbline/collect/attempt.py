"""One attempt to read supplied files, or to log in, about one entity: its rows, its coverage, and what kept it short.

Used by the collectors of files (firmware, edge, azure) and of systems (host); probes of the network write their coverage themselves.

Rules:
- An attempt is one unit of work, however many rows it has: a run that is killed or stopped within it leaves nothing of it, and a
  resumed one reads the file again. Rows wait on the disk, so that memory does not grow with the file.
- A table's outcome is the worst that was said of it; it is `ok` only when nothing was.
- Details name at most a handful of places, then how many more there were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from plumbline.collect.context import Context
from plumbline.collect.file_names import entity_keys
from plumbline.evidence.bundle import SuppliedFile
from plumbline.model.entities import Entity
from plumbline.model.errors import InputError
from plumbline.model.words import EntityKind, Outcome

SPILL_ROWS = 5_000
DETAILS_MAX = 5
DETAIL_LENGTH_MAX = 600


class Attempt:
    """Gather rows and shortfalls of `entity` for a fixed set of tables; `end` or `abandon` must be called once."""

    def __init__(self, context: Context, entity: Entity, tables: tuple[str, ...]) -> None:
        self.context = context
        self.entity = entity
        self.tables = tables
        self.started_at = context.now()
        self.permit: str | None = None  # under which it was collected; supplied files need none
        self.counts = dict.fromkeys(tables, 0)
        self._short: dict[str, _Shortfall] = {table: _Shortfall() for table in tables}
        self._batch = context.writer.batch()
        self._waiting = 0

    def supply(self, path: Path) -> SuppliedFile | None:
        """Digest and cite a supplied file; None (and every table short) when it cannot be read."""
        try:
            return self.context.writer.supplied(path)
        except InputError as error:
            self.short(Outcome.PROTOCOL_ERROR, f"{path.name}: {error.message}")
            return None

    def row(self, table: str, subject: str = "", *, entity: Entity | None = None, raw: str | None = None, **columns: Any) -> None:
        """Add one row, about this entity unless another is named; raises InternalError when it does not fit the table's spec."""
        self._batch.row(table, entity or self.entity, subject, observed_at=self.started_at, raw=raw, permit=self.permit, **columns)
        self.counts[table] += 1
        self._waiting += 1
        if self._waiting >= SPILL_ROWS:
            self.spill()

    def bulk(self, table: str, data: Any) -> None:
        """Add an Arrow table with all columns of the spec, the common ones included; after a large one, `spill`."""
        self._batch.rows(table, data)
        self.counts[table] += data.num_rows

    def short(self, outcome: Outcome, detail: str, *tables: str) -> None:
        """Say that the attempt fell short: for the named tables, or for all."""
        for table in tables or self.tables:
            self._short[table].add(outcome, detail[:DETAIL_LENGTH_MAX])

    def end(self) -> None:
        """Commit all rows, with the outcome of every table."""
        ended_at = self.context.now()
        for table in self.tables:
            said = self._short[table]
            outcome = said.outcome
            if self.counts[table] and outcome is not Outcome.OK:
                outcome = Outcome.PARTIAL  # rows exist: whatever went wrong, some of it was read
            self._batch.coverage(
                self.entity,
                table,
                outcome=outcome,
                rows=self.counts[table],
                permit=self.permit,
                started_at=self.started_at,
                ended_at=ended_at,
                detail=said.text(),
            )
        self.context.writer.commit(self._batch)

    def abandon(self) -> None:
        """Leave nothing of the attempt, as the run was stopped within it."""
        self._batch.discard()

    def spill(self) -> None:
        """Let what is gathered wait on the disk."""
        self._batch.spill()
        self._waiting = 0


def attempt_each(
    context: Context,
    kind: EntityKind,
    paths: Iterable[Path],
    tables: tuple[str, ...],
    read: Callable[[Attempt, SuppliedFile], None],
    *,
    doing: str,
) -> None:
    """Make an attempt of each file, which is an entity of its own, and let `read` take it; not of those that an earlier session read."""
    keys = entity_keys(paths, context.rig.path)
    for done, (path, key) in enumerate(keys.items()):
        if context.stop():
            return
        context.progress(doing, done, len(keys))
        entity = Entity.of(kind, "", key)
        if context.writer.attempted(entity, tables[0]):
            continue
        attempt = Attempt(context, entity, tables)
        file = attempt.supply(path)
        if file is not None:
            read(attempt, file)
        attempt.end()


class _Shortfall:
    """What was said against one table; a million bad lines take no more room than a handful."""

    def __init__(self) -> None:
        self.outcome = Outcome.OK
        self.details: list[str] = []
        self.more = 0

    def add(self, outcome: Outcome, detail: str) -> None:
        if outcome.rank > self.outcome.rank:
            self.outcome = outcome
        if detail in self.details:
            return
        if len(self.details) < DETAILS_MAX:
            self.details.append(detail)
        else:
            self.more += 1

    def text(self) -> str | None:
        said = "; ".join(self.details) + (f"; and {self.more} more" if self.more else "")
        return said or None

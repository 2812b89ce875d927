"""Records on their way into the store: gathered into tables, some thousand at a time, each source into its own intake.

Not the store (`evidence.reference`) and not the reading (`feeds`). Rules: what a record said before is forgotten when it comes again, also
where it now says less, unless what is known is newer; of a feed that is taken as a whole one file counts, the newest, and only when it
could be read to its end; no more than BATCH rows of a table are held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any

import pyarrow as pa

from plumbline.evidence.reference import Intake, Reference, ReferenceWriter, Source, load_reference_tables
from plumbline.model.errors import ProtocolError
from plumbline.vulnerabilities.facts import Affected, Exploited, Prediction, Record, Vulnerability
from plumbline.vulnerabilities.feed import Feed

BATCH = 20_000
PROVIDERS_MAX = 200  # of one feed; the records of further ones are kept under the feed's own name
_TYPES: Mapping[str, type] = {
    "vulnerability": Vulnerability,
    "affected": Affected,
    "exploited": Exploited,
    "exploit_prediction": Prediction,
}
TABLES = _TYPES.keys()
Row = tuple[Any, str, datetime | None]  # a fact, the key of its record, the date of its record


class Sink:
    """One source's records, on their way into its intake; `place` is the file from which the first of them came."""

    def __init__(self, intake: Intake, place: str) -> None:
        self.intake = intake
        self.place = place
        self.records = 0
        self._dates = intake.dates("vulnerability") | intake.dates("affected")
        self._rows: dict[str, list[Row]] = {table: [] for table in _TYPES}
        self._keys: list[str] = []

    def add(self, record: Record) -> str | None:
        """Take a record; gives why not when what is known of it is newer."""
        if record.dated_at is not None:
            if (known := self._dates.get(record.key)) is not None and known > record.dated_at:
                return f"older than what is known of it: of {record.dated_at:%Y-%m-%d}, known of {known:%Y-%m-%d}"
            self._dates[record.key] = record.dated_at
            self.intake.dated(record.dated_at)
        self.records += 1
        self._keys.append(record.key)
        given = (record.vulnerabilities, record.affected, record.exploited, record.predictions)
        for (table, rows), facts in zip(self._rows.items(), given, strict=True):
            rows += [(fact, record.key, record.dated_at) for fact in facts]
            if len(rows) >= BATCH:
                self._write(table)
        if len(self._keys) >= BATCH:
            self._forget()
        return None

    def flush(self) -> None:
        """Write what is held."""
        for table in self._rows:
            self._write(table)
        self._forget()

    def _forget(self) -> None:
        self.intake.replaces("affected", pa.array(self._keys, pa.string()))
        self._keys = []

    def _write(self, table: str) -> None:
        if rows := self._rows[table]:
            self._rows[table] = []
            self.intake.rows(table, _arrow(table, rows))


class Sinks:
    """The sources of one import, each opened when its first record comes."""

    def __init__(self, writer: ReferenceWriter, stack: ExitStack, now: datetime, *, replace: bool) -> None:
        self._writer = writer
        self._before = {} if replace else Reference(writer.path).sources
        self._stack = stack
        self._now = now
        self._replace = replace
        self._found: dict[str, Sink] = {}
        self.by_feed: dict[str, list[Sink]] = {}

    def of(self, feed: Feed, record: Record, place: str) -> Sink:
        """Give the sink for a feed's record, read from the file `place`; raises ProtocolError when none of that file may be taken."""
        provider = record.provider
        known = self.by_feed.setdefault(feed.id, [])
        name = feed.source_id(provider)
        if name not in self._found and len(known) >= PROVIDERS_MAX:
            name = feed.id
        if feed.whole:
            self._check_whole(name, record, place)
        if name not in self._found:
            title = f"{feed.title}: {' '.join(provider.split())[:80]}" if name != feed.id else feed.title
            source = Source(id=name, kind=feed.kind, title=title, read_at=self._now, licence=feed.licence)
            intake = self._stack.enter_context(self._writer.take(source, add=not (feed.whole or self._replace)))
            self._found[name] = Sink(intake, place)
            known.append(self._found[name])
        return self._found[name]

    def _check_whole(self, name: str, record: Record, place: str) -> None:
        taken, before = self._found.get(name), self._before.get(name)
        if taken is not None and taken.place != place:
            raise ProtocolError(f"a second file of a feed of which one counts, {taken.place} was taken: import the newest alone")
        if taken is None and before is not None and before.dated_at and record.dated_at and record.dated_at < before.dated_at:
            raise ProtocolError(f"older than what is known: of {record.dated_at:%Y-%m-%d}, known of {before.dated_at:%Y-%m-%d}")

    def all(self) -> list[Sink]:
        """Every sink that was opened."""
        return list(self._found.values())

    def stored(self) -> list[Source]:
        """The sources as they were made known, once the intakes have ended."""
        return [source for sink in self.all() if (source := sink.intake.stored) is not None]


def _arrow(table: str, rows: Sequence[Row]) -> pa.Table:
    schema = load_reference_tables()[table].schema()
    columns: dict[str, Callable[[Any], Any]] = {field.name: attrgetter(field.name) for field in fields(_TYPES[table])}
    arrays = []
    for field in schema:
        if field.name in columns:
            values: Iterable[Any] = map(columns[field.name], (fact for fact, _, _ in rows))
        elif field.name == "record":
            values = (key for _, key, _ in rows)
        elif field.name == "dated_at":
            values = (moment for _, _, moment in rows)
        else:
            continue  # source and read_at are the intake's to fill
        arrays.append((field, pa.array(list(values), field.type)))
    return pa.Table.from_arrays([array for _, array in arrays], schema=pa.schema([field for field, _ in arrays]))

"""Imports feeds: files in, sources in the reference store out.

Not the reading of one feed (`feeds`), and not fetching (`fetching`). Rules: what a file is, its content tells; a file that was taken
before, and has not changed, is passed over; what is older than what is known is not taken; what is not taken is counted and explained, by
reason, file and record; all sources of a run become known at its end, or none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from plumbline.evidence.reference import REFUSED_LISTED, Reference, ReferenceWriter, Refusal, Source
from plumbline.model.errors import ProtocolError
from plumbline.vulnerabilities.documents import is_table, read_lines, read_values
from plumbline.vulnerabilities.facts import Record
from plumbline.vulnerabilities.feed import Feed, Read, feed_of, load_feeds
from plumbline.vulnerabilities.opening import Stream, expand, open_streams
from plumbline.vulnerabilities.reading import storable
from plumbline.vulnerabilities.storing import TABLES, Sink, Sinks

FILES_NAMED = 1_000  # in a source, one by one; more than that are named by their folder, with one digest over all
LINE_MAX = 4_096  # of a table
REPORT_EVERY = 1_000
REASONS_MAX = 200  # told apart
PLACES_MAX = 5  # named for each reason
Progress = Callable[[str, int, int | None], None]


@dataclass(slots=True)
class Reason:
    """Why some records were not taken: how many, and the first of them."""

    count: int = 0
    first: list[Refusal] = field(default_factory=list)


@dataclass(slots=True)
class Imported:
    """What an import came to: the sources that it wrote, files passed over because they were taken before, and what was not taken."""

    sources: list[Source] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    records: int = 0
    refused: list[Refusal] = field(default_factory=list)  # the first REFUSED_LISTED
    refused_count: int = 0
    reasons: dict[str, Reason] = field(default_factory=dict)  # by what is said before the first colon

    def refuse(self, where: str, why: str) -> None:
        """Note what was not taken."""
        refusal = Refusal(storable(where[:300]), storable(why[:300]))
        self.refused_count += 1
        if len(self.refused) < REFUSED_LISTED:
            self.refused.append(refusal)
        words = refusal.why.partition(":")[0]
        reason = self.reasons.setdefault(words if words in self.reasons or len(self.reasons) < REASONS_MAX else "other reasons", Reason())
        reason.count += 1
        if len(reason.first) < PLACES_MAX:
            reason.first.append(refusal)


def import_paths(
    paths: Sequence[Path | str],
    store: Path,
    now: datetime,
    progress: Progress | None = None,
    *,
    again: bool = False,
    replace: bool = False,
) -> Imported:
    """Import the files, folders and patterns that `paths` name into the store.

    `again`: also files that have not changed. `replace`: a source that is imported takes the place of what was known of it, else it is
    added to, record by record. Raises InputError when a path names nothing or the store is none, EnvironmentFault when it cannot be
    written.
    """
    show = progress or (lambda _what, _done, _total: None)
    files = expand(paths)
    known = set() if again else {digest for source in feed_sources(Reference(store)) for digest in source.files.values()}
    writer = ReferenceWriter(store)
    done = Imported()
    with writer.together():
        with ExitStack() as stack:
            sinks = Sinks(writer, stack, now, replace=replace)
            files_read = 0
            for names, group in _groups(files, paths):
                digest = _digest(group)
                if digest in known:
                    done.unchanged.append(names)
                    continue
                touched: dict[int, Sink] = {}
                for path in group:
                    show("files", files_read, len(files))
                    touched |= {id(sink): sink for sink in _file(path, sinks, done, show)}
                    files_read += 1
                for sink in touched.values():
                    sink.intake.named({storable(names): digest})
            for sink in sinks.all():
                sink.flush()
        done.sources = sinks.stored()
    return done


def feed_sources(reference: Reference) -> list[Source]:
    """Give the sources of a store that feeds wrote, by their ids; those of the catalogue may come from the same files."""
    return [source for _, source in sorted(reference.sources.items()) if source.parts.keys() & TABLES]


def _groups(files: Sequence[Path], paths: Sequence[Path | str]) -> Iterable[tuple[str, list[Path]]]:
    """Group files by how a source names them: each by itself, or a whole folder where there are too many."""
    if len(files) <= FILES_NAMED:
        yield from ((str(path.absolute()), [path]) for path in files)
        return
    folders = [Path(path) for path in paths if Path(path).is_dir()]
    grouped: dict[str, list[Path]] = {}
    for path in files:
        above = next((folder for folder in folders if path.is_relative_to(folder)), path.parent)
        grouped.setdefault(str(above.absolute()), []).append(path)
    yield from grouped.items()


def _digest(paths: Sequence[Path]) -> str:
    whole = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            digest = f"unreadable: {error.errno}"
        if len(paths) == 1:
            return digest
        whole.update(f"{path.name} {digest}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def _file(path: Path, sinks: Sinks, done: Imported, show: Progress) -> list[Sink]:
    """Read one file into the sinks; gives those that took something from it."""
    touched: list[Sink] = []
    try:
        for stream in open_streams(path):
            reading = _Reading(stream, sinks, done, show)
            reading.read()
            touched += reading.touched
    except ProtocolError as error:
        done.refuse(str(path), str(error))
    return touched


class _Reading:
    """One stream on its way into the sinks; what cannot be read of it is refused, in the books of the source that takes the rest."""

    def __init__(self, stream: Stream, sinks: Sinks, done: Imported, show: Progress) -> None:
        self._stream, self._sinks, self._done, self._show = stream, sinks, done, show
        self._waiting: list[tuple[Feed | None, str, str]] = []  # refused before anything was taken
        self.touched: dict[Sink, Feed] = {}

    def read(self) -> None:
        """Read it to its end, or as far as it can be read."""
        try:
            if is_table(self._stream):
                table = next(feed for feed in load_feeds().values() if feed.lines is not None)
                assert table.lines is not None  # by the line before
                self._take(table, "", table.lines(read_lines(self._stream, LINE_MAX)))
            else:
                for where, value in read_values(self._stream):
                    self._value(where, value)
        except ProtocolError as error:
            self._refuse(None, "", str(error))
        for feed, place, why in self._waiting:
            self._book(feed, place, why)

    def _value(self, where: str, value: Any) -> None:
        """Hand a value to the feed that it is of; a list is its members."""
        if isinstance(value, ProtocolError):
            self._refuse(None, where, str(value))
            return
        feed = feed_of(value)
        if feed is not None:
            assert feed.values is not None  # it recognised one
            self._take(feed, where, feed.values(value))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for number, member in enumerate(value):
                if isinstance(member, list):
                    self._refuse(None, f"{where} {number}", "a list within a list")
                else:
                    self._value(f"{where} {number}".strip(), member)
        else:
            self._refuse(None, where, "is of no feed that is known")

    def _take(self, feed: Feed, where: str, items: Read) -> None:
        try:
            for item in items:
                if isinstance(item, Record):
                    self._record(feed, where, item)
                else:
                    self._refuse(feed, f"{where} {item.where}", item.why)
        except ProtocolError as error:
            self._refuse(feed, where, str(error))
            if feed.whole:  # what would follow is not known, so what was known before goes on
                for sink, owner in self.touched.items():
                    if owner is feed:
                        sink.intake.abandon()

    def _record(self, feed: Feed, where: str, record: Record) -> None:
        sink = self._sinks.of(feed, record, self._stream.name)
        self.touched[sink] = feed
        if (why := sink.add(record)) is not None:
            self._refuse(feed, f"{where} {record.key}", why)
            return
        self._done.records += 1
        if self._done.records % REPORT_EVERY == 0:
            self._show("records", self._done.records, None)

    def _refuse(self, feed: Feed | None, where: str, why: str) -> None:
        place = f"{self._stream.name} {where.strip()}".rstrip()
        self._done.refuse(place, why)
        if not self._book(feed, place, why) and len(self._waiting) < REFUSED_LISTED:
            self._waiting.append((feed, place, why))

    def _book(self, feed: Feed | None, place: str, why: str) -> bool:
        sink = next((sink for sink, owner in self.touched.items() if feed in (None, owner)), None)
        if sink is not None:
            sink.intake.refuse(storable(place), storable(why))
        return sink is not None

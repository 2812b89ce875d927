"""Imports feeds: files in, sources in the reference store out.

Not the reading of one feed (`feeds`), and not fetching (`fetching`). Rules: what a file is, its content tells; a file that was taken
before, and has not changed, is passed over; what is not taken is counted and explained, by file and record; all sources of a run become
known at its end, or none.
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
from plumbline.vulnerabilities.storing import Sink, Sinks

FILES_NAMED = 1_000  # in a source, one by one; more than that are named by their folder, with one digest over all
LINE_MAX = 4_096  # of a table
REPORT_EVERY = 1_000
Progress = Callable[[str, int, int | None], None]


@dataclass(slots=True)
class Imported:
    """What an import came to: the sources that it wrote, files passed over because they were taken before, and what was not taken."""

    sources: list[Source] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    records: int = 0
    refused: list[Refusal] = field(default_factory=list)  # the first REFUSED_LISTED
    refused_count: int = 0

    def refuse(self, where: str, why: str) -> None:
        """Note what was not taken."""
        self.refused_count += 1
        if len(self.refused) < REFUSED_LISTED:
            self.refused.append(Refusal(where[:300], why[:300]))


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
    known = set() if again else {digest for source in Reference(store).sources.values() for digest in source.files.values()}
    writer = ReferenceWriter(store)
    done = Imported()
    with writer.together():
        with ExitStack() as stack:
            sinks = Sinks(writer, stack, now, replace=replace)
            for names, group in _groups(files, paths):
                digest = _digest(group)
                if digest in known:
                    done.unchanged.append(names)
                    continue
                touched: dict[int, Sink] = {}
                for number, path in enumerate(group):
                    show("reading feeds", number, len(group))
                    touched |= {id(sink): sink for sink in _file(path, sinks, done, show)}
                for sink in touched.values():
                    sink.intake.named({names: digest})
            for sink in sinks.all():
                sink.flush()
        done.sources = sinks.stored()
    return done


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


def _file(path: Path, sinks: Sinks, done: Imported, show: Progress) -> set[Sink]:
    """Read one file into the sinks; gives those that took something from it."""
    touched: set[Sink] = set()
    try:
        for stream in open_streams(path):
            touched |= _stream(stream, sinks, done, show)
    except ProtocolError as error:
        done.refuse(str(path), str(error))
    return touched


def _stream(stream: Stream, sinks: Sinks, done: Imported, show: Progress) -> set[Sink]:
    """Read one stream; what cannot be read of it is refused, in the books of the source that took the rest of it."""
    touched: set[Sink] = set()
    refused: list[tuple[Feed | None, str, str]] = []

    def take(feed: Feed, where: str, items: Read) -> None:
        try:
            for item in items:
                if isinstance(item, Record):
                    sink = sinks.of(feed, item.provider)
                    sink.add(item)
                    touched.add(sink)
                    done.records += 1
                    if done.records % REPORT_EVERY == 0:
                        show("records", done.records, None)
                else:
                    refused.append((feed, " ".join(filter(None, (where, item.where))), item.why))
        except ProtocolError as error:
            refused.append((feed, where, str(error)))

    try:
        if is_table(stream):
            table = next(feed for feed in load_feeds().values() if feed.lines is not None)
            assert table.lines is not None  # by the line before
            take(table, "", table.lines(read_lines(stream, LINE_MAX)))
        else:
            for where, value in read_values(stream):
                _value(where, value, take, refused)
    except ProtocolError as error:
        refused.append((None, "", str(error)))
    for feed, where, why in refused:
        place = f"{stream.name} {where}".rstrip()
        done.refuse(place, why)
        for sink in [sink for sink in touched if feed is None or sink in sinks.by_feed.get(feed.id, ())][:1]:
            sink.intake.refuse(place, why)
    return touched


def _value(where: str, value: Any, take: Callable[[Feed, str, Read], None], refused: list[tuple[Feed | None, str, str]]) -> None:
    """Hand a value to the feed that it is of; a list is its members."""
    if isinstance(value, ProtocolError):
        refused.append((None, where, str(value)))
        return
    feed = feed_of(value)
    if feed is not None:
        assert feed.values is not None  # it recognised one
        take(feed, where, feed.values(value))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, member in enumerate(value):
            if isinstance(member, list):
                refused.append((None, f"{where} {number}".strip(), "a list within a list"))
            else:
                _value(f"{where} {number}".strip(), member, take, refused)
    else:
        refused.append((None, where, "is of no feed that is known"))

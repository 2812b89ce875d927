"""Takes files into the reference store: each document to the importer that knows its form, each source as a whole or not at all.

Rules: of one source a product is one row, whatever number of records describe it; of two records of one release or support period the
last counts, and that there were two is said; a product that is only named by its releases gets its row. What nobody takes is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from plumbline.catalogue.documents import Document, documents
from plumbline.catalogue.facts import TABLES, AsOf, Fact, Product, Release, Support, Unread
from plumbline.catalogue.importer import Importer, Read, importers
from plumbline.evidence.reference import ReferenceWriter, Source, load_reference_tables
from plumbline.evidence.specs import ARROW_TYPES
from plumbline.model.errors import InputError, ProtocolError

FACTS_MAX = 2_000_000  # of one source; the largest known has forty thousand
PASSED_OVER_LISTED = 20
_JOINED = ("aliases", "identifiers", "sensors", "verticals", "protocols", "hardware")
_NOT_STORED = {"source", "read_at"}


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to: the sources as they are stored, and documents that no importer knows, of which a few are named."""

    sources: tuple[Source, ...]
    passed_over: tuple[str, ...]
    passed_over_count: int


@dataclass
class _Gathered:
    """One source while its documents are read."""

    kind: str
    importer: type[Importer]
    title: str
    facts: dict[tuple[Any, ...], Fact] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    as_of: datetime | None = None

    def take(self, read: Read) -> None:
        """Add one thing that an importer gave."""
        if isinstance(read, Unread):
            self.unread.append(read)
        elif isinstance(read, AsOf):
            self.as_of = min(read.moment, self.as_of or read.moment)
        elif len(self.facts) >= FACTS_MAX:
            raise InputError(f"says more than {FACTS_MAX:,} things", where=self.title, remedy="import a part of it")
        else:
            fact = replace(read, record=read.record or f"{read.product}@{read.version}") if isinstance(read, Release) else read
            key = _key(fact)
            before = self.facts.get(key)
            if isinstance(fact, Product) and isinstance(before, Product):
                fact = _joined(before, fact)
            elif before is not None and before != fact:
                self.unread.append(Unread(" ".join(map(str, key[1:])), "is there twice; the last record counts"))
            self.facts[key] = fact

    def complete(self) -> None:
        """Give each product that is only named by its releases or support a row."""
        named = {fact.product for fact in self.facts.values() if isinstance(fact, Product)}
        for key in sorted({fact.product for fact in self.facts.values()} - named):
            vendor, slash, model = key.partition("/")
            self.take(Product(product=key, vendor=vendor if slash else None, model=model if slash else key))


def import_files(paths: Sequence[Path], store: Path, *, now: datetime, only: str | None = None, as_of: datetime | None = None) -> Imported:
    """Import files and folders into the store.

    `only` names the one importer that may take them, `as_of` the day for which they are right (None: what they say, else `now`).
    Raises InputError when a path is not there, no importer knows any of the files, every record is refused, or `only` is no importer; the
    store is then as it was.
    """
    known = importers()
    if only is not None and only not in known:
        raise InputError(f"no importer {only!r}", remedy=f"there are {', '.join(known)}")
    gathered, passed_over, unopened = _gather(paths, {name: kind for name, kind in known.items() if only in (None, name)})
    if not gathered:
        why = "; ".join(f"{one.where}: {one.why}" for one in unopened[:3]) or ", ".join(passed_over[:3])
        raise InputError(f"nothing here is of a form that can be imported: {why}", where=str(paths[0]), remedy=f"forms: {', '.join(known)}")
    refused = [one for source in gathered.values() for one in source.unread]
    if refused and not any(source.facts for source in gathered.values()):
        first = "; ".join(f"{one.where}: {one.why}" for one in refused[:3])
        raise InputError(f"no record could be taken: {first}", where=str(paths[0]), remedy="mend the file; what was known before is kept")
    writer = ReferenceWriter(store)
    stored = tuple(_store(writer, name, one, now, as_of) for name, one in sorted(gathered.items()))
    return Imported(stored, tuple(passed_over[:PASSED_OVER_LISTED]), len(passed_over) + len(unopened))


def _gather(paths: Sequence[Path], known: dict[str, type[Importer]]) -> tuple[dict[str, _Gathered], list[str], list[Unread]]:
    readers = {name: kind() for name, kind in known.items()}
    gathered: dict[str, _Gathered] = {}
    passed_over: list[str] = []
    unopened: list[Unread] = []
    for path in paths:
        for document in documents(path):
            if isinstance(document, Unread):
                unopened.append(document)
                continue
            name = next((name for name, reader in readers.items() if reader.takes(document)), None)
            if name is None:
                passed_over.append(document.name)
                continue
            own = readers[name].source_id(document)
            source = gathered.setdefault(_source_id(own or name), _Gathered(name, known[name], document.name if own else known[name].title))
            source.files[document.name] = hashlib.sha256(document.data).hexdigest()
            for read in _guarded(document, readers[name].read(document)):
                source.take(read)
    for name, reader in readers.items():
        for read in reader.rest():
            gathered[name].take(read)
    for source in gathered.values():
        source.unread += unopened
        source.complete()
    return gathered, [*passed_over, *(one.where for one in unopened)], unopened


def _guarded(document: Document, reading: Iterator[Read]) -> Iterator[Read]:
    try:
        yield from reading
    except ProtocolError as error:
        yield Unread(document.name, str(error))


def _store(writer: ReferenceWriter, name: str, gathered: _Gathered, now: datetime, as_of: datetime | None) -> Source:
    source = Source(
        name,
        gathered.kind,
        gathered.title,
        now,
        min(filter(None, (as_of or gathered.as_of, now))),
        gathered.importer.licence,
        gathered.files,
    )
    if as_of is None and gathered.as_of is None:
        source = replace(source, dated_at=None)
    with writer.take(source, add=not gathered.importer.whole) as intake:
        for one in gathered.unread:
            intake.refuse(one.where, one.why)
        for kind, table in TABLES.items():
            if rows := [fact for fact in gathered.facts.values() if isinstance(fact, kind)]:
                intake.rows(table, _arrow(table, kind, rows))
    assert intake.stored is not None  # the block ended well
    return intake.stored


def _arrow(table: str, kind: type[Fact], rows: Sequence[Fact]) -> pa.Table:
    types = load_reference_tables()[table].types()
    names = [one.name for one in fields(kind) if one.name not in _NOT_STORED]
    ordered = sorted(rows, key=_key)
    return pa.table({name: pa.array([_plain(getattr(row, name)) for row in ordered], ARROW_TYPES[types[name]]) for name in names})


def _plain(value: Any) -> Any:
    # JSON can spell half a character ("\ud800"), Parquet cannot.
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _key(fact: Fact) -> tuple[Any, ...]:
    if isinstance(fact, Release):
        return ("release", fact.record)
    return ("support", fact.product, fact.cycle or "") if isinstance(fact, Support) else ("product", fact.product)


def _joined(one: Product, other: Product) -> Product:
    """Put two descriptions of a product together: what the earlier says counts, lists grow."""
    values: dict[str, Any] = {}
    for spec in fields(Product):
        before, after = getattr(one, spec.name), getattr(other, spec.name)
        values[spec.name] = before if before is not None else after
        if spec.name in _JOINED and before and after:
            values[spec.name] = tuple(dict.fromkeys((*before, *after)))
    return Product(**values)


def _source_id(text: str) -> str:
    """Make a name that the store takes."""
    made = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in text.lower())
    return made[:64].strip("._-") or "own"

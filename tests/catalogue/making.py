"""Stores and documents made in a test."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plumbline.assess.deriving import define_reference
from plumbline.catalogue.documents import Document
from plumbline.catalogue.facts import AsOf, Fact, Unread
from plumbline.catalogue.importer import Importer, Read, importers
from plumbline.catalogue.intake import Imported, import_files
from plumbline.evidence.engine import Connection, connect
from plumbline.evidence.reference import Reference
from plumbline.model.errors import ProtocolError

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
REAL_DATA = Path(__file__).parents[2].parent / "shared" / "data"


def document(content: Any, name: str = "x.json") -> Document:
    """A document of a text, bytes, or a value that becomes JSON."""
    if not isinstance(content, bytes | str):
        content = json.dumps(content)
    return Document(name, content if isinstance(content, bytes) else content.encode())


def read(name: str, *documents: Document) -> list[Read]:
    """Everything that an importer gives for some documents that it takes."""
    reader: Importer = importers()[name]()
    found: list[Read] = []
    for one in documents:
        assert reader.takes(one), f"{name} does not take {one.name}"
        try:
            found += reader.read(one)
        except ProtocolError as error:
            found.append(Unread(one.name, str(error)))
    return [*found, *reader.rest()]


def facts(found: Iterable[Read]) -> list[Fact]:
    return [one for one in found if not isinstance(one, Unread | AsOf)]


def unread(found: Iterable[Read]) -> list[str]:
    return [one.why for one in found if isinstance(one, Unread)]


def imported(folder: Path, files: dict[str, Any], **options: Any) -> Imported:
    """Import files, written first, into folder/reference."""
    place = folder / "files"
    place.mkdir(exist_ok=True)
    for name, content in files.items():
        (place / name).write_bytes(document(content).data)
    return import_files([place / name for name in files], folder / "reference", **{"now": NOW, **options})


def opened(folder: Path) -> tuple[Connection, Reference]:
    """The store of folder/reference in an engine."""
    connection, reference = connect(threads=1), Reference(folder / "reference")
    define_reference(connection, reference)
    return connection, reference

"""Our own form, which an owner or a maker writes by hand: TOML with [[product]], [[release]] and [[support]].

    as_of = 2026-11-01              when all of it was right; left out: when it is imported

    [[product]]
    vendor = "Northwind"
    model = "Cam-3"
    identifiers = ["adu:northwind/cam-3", "cpe:o:northwind:cam-3_firmware"]
    sensors = ["image"]

    [[release]]
    product = "northwind/cam-3"
    version = "1.4.2"
    released_at = 2026-09-01
    fixes = ["CVE-2026-1234"]

    [[support]]
    product = "northwind/cam-3"
    security_ends_at = 2029-12-31

Keys are the columns of the reference tables (`columns`). Each file is a source of its own, `own-<file name>`: importing it again takes the
place of what it said before.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any, ClassVar

from plumbline.catalogue import values
from plumbline.catalogue.columns import facts
from plumbline.catalogue.documents import Document
from plumbline.catalogue.facts import AsOf, Unread
from plumbline.catalogue.importer import Importer, Read
from plumbline.model.errors import ProtocolError

SIZE_MAX = 16 << 20
_TABLES = ("product", "release", "support")


class Reader(Importer):
    """Reads one file as one source."""

    title: ClassVar[str] = "own catalogue"
    whole: ClassVar[bool] = True

    def takes(self, document: Document) -> bool:
        """A file called .toml that has one of the three tables."""
        name = document.name.lower()
        return name.endswith(".toml") and any(f"[[{table}]]".encode() in document.data for table in _TABLES)

    def source_id(self, document: Document) -> str:
        """Name it after the file."""
        return f"own-{document.stem}"

    def read(self, document: Document) -> Iterator[Read]:
        """The facts of all tables, in their order."""
        if len(document.data) > SIZE_MAX:
            raise ProtocolError(f"larger than {SIZE_MAX >> 20} MB")
        try:
            found = tomllib.loads(document.text)
        except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
            raise ProtocolError(f"not TOML: {str(error)[:200]}") from error
        if "as_of" in found:
            moment = values.moment(found["as_of"])
            yield AsOf(moment) if moment else Unread(document.name, f"as_of: {str(found['as_of'])[:60]!r} is no date like 2026-11-21")
        for name in sorted(found.keys() - {*_TABLES, "as_of"}):
            yield Unread(document.name, f"no table {name!r}; there are {', '.join(_TABLES)}")
        for table in _TABLES:
            for number, record in enumerate(values.items(found.get(table)), 1):
                yield from _record(f"{document.name}, {table} {number}", table, record)


def _record(where: str, table: str, record: Any) -> Iterator[Read]:
    if not isinstance(record, dict):
        yield Unread(where, "not a table")
        return
    try:
        read = list(facts(record))
    except ValueError as error:
        yield Unread(where, str(error))
        return
    kinds = {type(fact).__name__.lower() for fact in read}
    if others := sorted(kinds - {table, "product"}):
        yield Unread(where, f"belongs under [[{']] and [['.join(others)}]]")
    elif table not in kinds:
        yield Unread(where, f"has nothing that makes it a {table}")
    else:
        yield from read

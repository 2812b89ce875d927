"""A table of one's own products, releases and support dates, as a spreadsheet saves it.

    vendor,model,version,released_at,state,security_ends_at
    Northwind,Cam-3,1.4.2,2026-09-01,active,
    Northwind,Cam-3,,,,2029-12-31

The first line names columns (`columns`), the others are records. Cells are parted by comma, semicolon or tab, whichever the first line
holds most of; several values in one cell by |. Each file is a source of its own, `own-<file name>`: importing it again takes the place of
what it said before.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import ClassVar

from plumbline.catalogue.columns import facts, known
from plumbline.catalogue.documents import Document
from plumbline.catalogue.facts import Unread
from plumbline.catalogue.importer import Importer, Read
from plumbline.model.errors import ProtocolError

ROWS_MAX = 1_000_000
CELL_MAX = 65_536
_DELIMITERS = ",;\t"


class Reader(Importer):
    """Reads one file as one source."""

    title: ClassVar[str] = "own catalogue"
    whole: ClassVar[bool] = True

    def takes(self, document: Document) -> bool:
        """A file called .csv or .tsv whose first line names a product and another column of ours."""
        if not document.name.lower().endswith((".csv", ".tsv")):
            return False
        columns = set(_header(document.data[:CELL_MAX].decode("utf-8-sig", "replace")))
        return bool(columns & {"product", "model"}) and len(columns & known()) > 1

    def source_id(self, document: Document) -> str:
        """Name it after the file."""
        return f"own-{document.stem}"

    def read(self, document: Document) -> Iterator[Read]:
        """The facts of each line."""
        columns = _header(document.text[:CELL_MAX])
        for name in columns:
            if name not in known():
                yield Unread(f"{document.name}, line 1", f"no column {name[:60]!r}: it was not read")
        if len(set(columns)) < len(columns):
            raise ProtocolError("its first line names a column twice")
        rows = csv.reader(io.StringIO(document.text, newline=""), delimiter=_delimiter(document.text[:CELL_MAX]), strict=True)
        try:
            next(rows)
            for row in rows:
                if rows.line_num > ROWS_MAX:
                    yield Unread(document.name, f"more than {ROWS_MAX:,} lines; the rest was not read")
                    return
                if any(cell.strip() for cell in row):
                    yield from _record(f"{document.name}, line {rows.line_num}", columns, row)
        except csv.Error as error:
            raise ProtocolError(f"line {rows.line_num}: {error}") from error


def _record(where: str, columns: list[str], row: list[str]) -> Iterator[Read]:
    if len(row) > len(columns) and any(cell.strip() for cell in row[len(columns) :]):
        yield Unread(where, f"{len(row)} cells under {len(columns)} columns")
        return
    record = {name: cell.strip() for name, cell in zip(columns, row, strict=False) if name in known()}
    try:
        yield from list(facts(record))
    except ValueError as error:
        yield Unread(where, str(error))


def _delimiter(text: str) -> str:
    first = text.lstrip("\r\n").partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


def _header(text: str) -> list[str]:
    try:
        first = next(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)), [])
    except csv.Error:
        return []
    return [name.strip().lower().replace(" ", "_") for name in first]

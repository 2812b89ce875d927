"""The identity of a ledger: SHA-256 over its rows as canonical JSON lines, in the order of (check, asset, subject).

A line is one JSON object without spaces, its members in the order of their names and those that are null left out, text escaped as
RFC 8785 (3.2.2.2) says, UTF-8, ended by one line feed:

    {"asset":"host:h/10.0.0.9","basis":"observed","check":"device.telnet_service","subject":"tcp/23","verdict":"pass"}

`detail` stands as the object it is. So the digest does not depend on engine, threads, file layout or Python version, and any
language can compute it anew. The same pass proves the order: rows must rise strictly, which also means that none stands twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from plumbline.evidence.engine import Connection, connect, file_list
from plumbline.model.errors import InputError

BATCH_ROWS = 122_880  # DuckDB's own row group; larger batches gained nothing
LINE = """concat('{"asset":', json_text(asset), ',"basis":' || json_text(basis), ',"check":', json_text("check"),
  ',"cvss":' || json_text(cvss), ',"detail":' || detail, ',"evidence":' || json_texts(evidence), ',"reason":' || json_text(reason),
  ',"subject":', json_text(subject), ',"verdict":', json_text(verdict), '}\n')"""


class UnorderedError(ValueError):
    """Rows do not rise strictly by (asset, subject) within their check."""


class LedgerDigest:
    """Takes the parts of a ledger one after the other."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.rows = 0
        self._last: tuple[str, str, str] | None = None

    def copy(self) -> LedgerDigest:
        """Give a digest that goes on from the same point."""
        other = LedgerDigest()
        other._hash, other.rows, other._last = self._hash.copy(), self.rows, self._last
        return other

    def add(self, connection: Connection, files: Sequence[Path]) -> None:
        """Add the rows of ledger files.

        Raises UnorderedError when they do not follow on what came before, InputError when one lacks its asset or subject.
        """
        reader = connection.sql(f'select "check", asset, subject, {LINE} as line from read_parquet([{file_list(files)}])').to_arrow_reader(
            BATCH_ROWS
        )
        for batch in reader:
            if len(batch):
                self._follow(batch)
                self._hash.update(_bytes(batch.column("line")))
                self.rows += len(batch)

    def hexdigest(self) -> str:
        """Give the digest so far, hex."""
        return self._hash.hexdigest()

    def _follow(self, batch: Any) -> None:
        check, asset, subject = (batch.column(name) for name in ("check", "asset", "subject"))
        if asset.null_count or subject.null_count:
            remedy = "the bundle was not written by Plumbline, or was changed since"
            raise InputError(f"evidence for {check[0]} names no entity or no subject", remedy=remedy)
        first = (check[0].as_py(), asset[0].as_py(), subject[0].as_py())
        if self._last is not None and not _key(self._last) < _key(first):
            raise UnorderedError(f"{first} follows {self._last}")
        rising = pc.less(asset[:-1], asset[1:])
        if not pc.all(rising, min_count=0).as_py() or check[0] != check[-1]:
            within = pc.and_(pc.equal(asset[:-1], asset[1:]), pc.less(subject[:-1], subject[1:]))
            same_check = pc.and_(pc.equal(check[:-1], check[1:]), pc.or_(rising, within))
            if not pc.all(pc.or_(pc.less(check[:-1], check[1:]), same_check), min_count=0).as_py():
                raise UnorderedError(f"rows of {first[0]} stand twice or out of order")
        self._last = (check[-1].as_py(), asset[-1].as_py(), subject[-1].as_py())


def _key(row: tuple[str, str, str]) -> tuple[bytes, ...]:
    return tuple(part.encode() for part in row)  # both engines order text by its bytes


def _bytes(lines: Any) -> memoryview:
    # The lines of a batch lie one behind the other in memory already; joining them would copy every byte.
    _, offsets, data = lines.buffers()
    places = memoryview(offsets).cast("i" if lines.type == pa.string() else "q")
    return memoryview(data)[places[lines.offset] : places[lines.offset + len(lines)]]


def ledger_files(ledger: Path) -> list[Path]:
    """List the files of a ledger, one or a folder of them, in order; raises InputError when there is none."""
    files = sorted(ledger.glob("*.parquet")) if ledger.is_dir() else [ledger] if ledger.exists() else []
    if not files:
        raise InputError("holds no ledger", where=str(ledger), remedy="name the folder that `assess` wrote")
    return files


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what the engine says of a file that is damaged, or of another release, into an InputError that names it."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        why = " ".join(str(error).partition("\nLINE ")[0].split())[:200]
        raise InputError(f"cannot be read: {why}", where=str(path), remedy="assess its bundles again with this release") from error


def ledger_digest(ledger: Path, *, threads: int | None = None) -> str:
    """Compute the digest of a ledger.parquet, file or folder; raises InputError when it cannot be read, or its rows are out of order."""
    digest = LedgerDigest()
    try:
        with readable(ledger):
            digest.add(connect(threads=threads), ledger_files(ledger))
    except UnorderedError as error:
        raise InputError(f"not a ledger as written: {error}", where=str(ledger)) from error
    return digest.hexdigest()

"""Reference data: what the world knows of products, releases and vulnerabilities, imported from files beforehand (law 9).

    REFERENCE/
      reference.json                                 each source: what it is, of which date, its files by digest, what was refused
      tables/<table>/<source>-<digest>.parquet       specs in reference_tables/<table>.toml
      downloads/                                     files that `feeds sync` fetched, before they were imported

Not evidence of a rig, and not how a feed is read (`vulnerabilities`, `catalogue`). Rules: every row names its source; a source is
replaced or added to as a whole, and a run killed on the way leaves the old one; one run writes at a time; where nothing was imported,
nothing is known, which is said and never taken for "all is well".
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.evidence.parts import ROW_GROUP_ROWS, atomic
from plumbline.evidence.specs import ARROW_TYPES, TIMESTAMP, ColumnSpec, parse_columns
from plumbline.model.errors import EnvironmentFault, InputError, InternalError

FORMAT = 1
REFUSED_LISTED = 1_000  # of a source's refusals; all are counted
TABLES = Path(__file__).with_name("reference_tables")
COMMON: Mapping[str, str] = {"source": "text", "dated_at": "timestamp", "read_at": "timestamp"}
_SOURCE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class ReferenceSpec:
    """One reference table; besides its own columns each row has `source`, `dated_at` (by the source's word) and `read_at`."""

    name: str
    title: str
    about: str
    key: str  # the column by which a newer import takes an older one's place
    since: str
    columns: Mapping[str, ColumnSpec]

    def types(self) -> dict[str, str]:
        """Type words of all columns, the common ones last."""
        return {**{column.name: column.type for column in self.columns.values()}, **COMMON}

    def schema(self) -> pa.Schema:
        """Arrow schema of a part file."""
        return pa.schema([(name, ARROW_TYPES[word]) for name, word in self.types().items()])


@dataclass(frozen=True, slots=True)
class Refusal:
    """One record that was not taken: where it stands (file and record), and why."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Source:
    """One source as it lies in the store. Times are aware and UTC; `files` are digests by name, `rows` counts by table."""

    id: str
    kind: str  # nvd, cve5, csaf, osv, kev, epss, vex, endoflife, zigbee-ota, ... : which reader took it
    title: str
    read_at: datetime
    dated_at: datetime | None = None  # the newest date that the source itself gives
    licence: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)  # table -> file name
    refused: tuple[Refusal, ...] = ()
    refused_count: int = 0


@cache
def load_reference_tables() -> Mapping[str, ReferenceSpec]:
    """All reference specs by name; raises InternalError naming the file of a bad one."""
    found = {}
    for path in sorted(TABLES.glob("*.toml")):
        data, columns = parse_columns(path.stem, path.read_text(encoding="utf-8"))
        try:
            found[path.stem] = ReferenceSpec(name=path.stem, columns=columns, **data)
        except TypeError as error:
            raise InternalError(f"reference spec {path.name}: {error}") from error
        clash = sorted(COMMON.keys() & columns.keys())
        if clash or found[path.stem].key not in columns:
            raise InternalError(f"reference spec {path.name}: its key is no column, or {clash} are common columns already")
    return found


class Reference:
    """A store opened for reading; an absent folder is an empty store."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.sources: Mapping[str, Source] = {} if path is None or not path.exists() else _read(path)

    def parts(self, table: str) -> list[Path]:
        """The files of one table, ordered by their sources' names."""
        return [path for _, source in sorted(self.sources.items()) if (path := self.part(table, source)) is not None]

    def part(self, table: str, source: Source) -> Path | None:
        """The file of one table that a source fills; None when it fills none."""
        name = source.parts.get(table)
        return self.path / "tables" / table / name if self.path is not None and name else None

    def read_at(self, *kinds: str) -> datetime | None:
        """When the latest source of these kinds was read; None when there is none."""
        return max((source.read_at for source in self.sources.values() if source.kind in kinds), default=None)

    def digests(self) -> dict[str, str]:
        """One digest for each source, over its parts' own: what an assessment names as its reference."""
        return {
            name: hashlib.sha256(json.dumps(sorted(source.parts.items())).encode()).hexdigest()
            for name, source in sorted(self.sources.items())
        }


class ReferenceWriter:
    """Puts sources into a store; the folder is made when it is not there."""

    def __init__(self, path: Path) -> None:
        """Raises InputError for a folder that holds something else."""
        if path.exists() and not (path / "reference.json").exists() and _foreign(path):
            raise InputError("is not empty and holds no reference data", where=str(path), remedy="name another folder")
        self.path = path
        self._lock: int | None = None
        self._held: dict[str, Source] | None = None  # taken `together`, and not yet known

    def take(self, source: Source, *, add: bool = False) -> Intake:
        """Begin to take a source; `add` keeps of an older import what the new one does not name, by each table's key."""
        if not _SOURCE.fullmatch(source.id):
            raise InternalError(f"{source.id!r} cannot name a source")
        return Intake(self, source, add=add)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make all sources that are taken within the block known at its end, or none of them when it does not end well."""
        with self.locked():
            self._held = {}
            try:
                yield
                if self._held:
                    self._say({**Reference(self.path).sources, **self._held})
            finally:
                self._held = None

    def remove(self, source_id: str) -> None:
        """Forget a source; raises InputError when there is none of that name."""
        with self.locked():
            sources = dict(Reference(self.path).sources)
            if source_id not in sources:
                known = ", ".join(sorted(sources)) or "none"
                raise InputError(f"no source {source_id!r}", where=str(self.path), remedy=f"known: {known}")
            del sources[source_id]
            self._say(sources)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only writer within the block, which may stand in another such block; raises InputError while another process is."""
        if self._lock is not None:
            yield
            return
        try:
            import fcntl  # here, for what only reads runs where there is none
        except ImportError as error:
            raise EnvironmentFault("this system has no locks for files: import on Linux or macOS, and copy the folder") from error
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._unlock()
            raise InputError("another import writes there", where=str(self.path), remedy="wait until it has ended") from error
        except OSError as error:
            self._unlock()
            raise EnvironmentFault(f"cannot write {self.path}: {error.strerror or error}") from error
        try:
            yield
        finally:
            self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def know(self, source: Source) -> None:
        """Make a source known: now, or with the others that are taken together."""
        if self._held is not None:
            self._held[source.id] = source
        else:
            self._say({**Reference(self.path).sources, source.id: source})

    def _say(self, sources: Mapping[str, Source]) -> None:
        """Make these the sources, then drop the files that none of them names any more; dotted ones are being written."""
        document = {"format": FORMAT, "sources": {name: _plain(source) for name, source in sorted(sources.items())}}
        with atomic(self.path / "reference.json") as temporary:
            temporary.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        named = {(table, name) for source in sources.values() for table, name in source.parts.items()}
        for path in self.path.glob("tables/*/*"):
            if (path.parent.name, path.name) not in named and not path.name.startswith("."):
                with suppress(OSError):
                    path.unlink()


class Intake:
    """One source on its way into the store: it becomes known when the `with` block ends well, and not at all when it does not."""

    def __init__(self, writer: ReferenceWriter, source: Source, *, add: bool) -> None:
        self._writer = writer
        self._source = source
        self._add = add
        self._old: Source | None = None
        self._lock = writer.locked()
        self._files: dict[str, _PartFile] = {}
        self._refused: list[Refusal] = []
        self._refused_count = 0
        self._dated_at = source.dated_at
        self._abandoned = False
        self.stored: Source | None = None  # as it was made known, after the block

    def rows(self, table: str, data: pa.Table) -> None:
        """Add rows: every column of the spec but the common ones, which may be left out; `dated_at` is the record's own date."""
        self._file(table).write(data)

    def replaces(self, table: str, keys: pa.Array) -> None:
        """Say that what an older import holds under these keys goes, also where no new row has them."""
        if self._old is not None and table in self._old.parts:
            self._file(table).forget(keys)

    def refuse(self, where: str, why: str) -> None:
        """Note a record that was not taken."""
        self._refused_count += 1
        if len(self._refused) < REFUSED_LISTED:
            self._refused.append(Refusal(where[:300], why[:300]))

    def dates(self, table: str) -> dict[str, datetime]:
        """Give the newest date of what an older import holds, by key; what has no date is left out."""
        if self._old is None or table not in self._old.parts:
            return {}
        key = load_reference_tables()[table].key
        try:
            held = pq.read_table(self._writer.path / "tables" / table / self._old.parts[table], columns=[key, "dated_at"])
        except OSError as error:
            raise EnvironmentFault(f"cannot read {self._writer.path}: {error}; import anew into another folder") from error
        newest = held.group_by(key).aggregate([("dated_at", "max")])
        dates = zip(newest.column(key).to_pylist(), newest.column("dated_at_max").to_pylist(), strict=True)
        return {name: moment for name, moment in dates if moment is not None}

    def abandon(self) -> None:
        """Take nothing after all: what was known before stays."""
        self._abandoned = True

    def dated(self, moment: datetime) -> None:
        """Note a date that the source gives itself; the newest counts."""
        self._dated_at = max(moment, self._dated_at or moment)

    def named(self, files: Mapping[str, str]) -> None:
        """Note files that were read, by name, with their digests."""
        self._source = replace(self._source, files={**self._source.files, **files})

    def _file(self, table: str) -> _PartFile:
        if table not in self._files:
            kept = self._old.parts.get(table) if self._old is not None else None
            folder = self._writer.path / "tables" / table
            self._files[table] = _PartFile(load_reference_tables()[table], folder, self._source, folder / kept if kept else None)
        return self._files[table]

    def __enter__(self) -> Intake:
        self._lock.__enter__()
        if self._add:
            self._old = Reference(self._writer.path).sources.get(self._source.id)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if error is None and not self._abandoned:
                self._finish()
            else:
                for file in self._files.values():
                    file.drop()
        finally:
            self._lock.__exit__(None, None, None)

    def _finish(self) -> None:
        parts = {table: file.finish() for table, file in self._files.items()}
        rows = {table: file.rows for table, file in self._files.items()}
        dated_at = self._dated_at
        if self._old is not None:
            untouched = self._old.parts.keys() - parts.keys()
            parts |= {table: self._old.parts[table] for table in untouched}
            rows |= {table: self._old.rows[table] for table in untouched}
            dated_at = max((moment for moment in (dated_at, self._old.dated_at) if moment is not None), default=None)
        files = {**(self._old.files if self._old is not None else {}), **self._source.files}
        told: dict[str, Any] = {"files": files, "rows": rows, "parts": parts, "dated_at": dated_at}
        self.stored = replace(self._source, refused=tuple(self._refused), refused_count=self._refused_count, **told)
        self._writer.know(self.stored)


class _PartFile:
    """One table's file of one source, while it is written."""

    def __init__(self, spec: ReferenceSpec, folder: Path, source: Source, kept: Path | None) -> None:
        self._spec, self._folder, self._source, self._kept = spec, folder, source, kept
        self._keys: list[pa.Array] = []
        self.rows = 0
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path = folder / f".{source.id}.parquet"
            self._writer = pq.ParquetWriter(self._path, spec.schema(), compression="zstd")
        except OSError as error:
            raise EnvironmentFault(f"cannot write {folder}: {error.strerror or error}") from error

    def forget(self, keys: pa.Array) -> None:
        """Leave out what the older file holds under these keys."""
        if self._kept is not None:
            self._keys.append(pc.unique(keys).cast(pa.string()))

    def write(self, data: pa.Table) -> None:
        self.forget(data.column(self._spec.key))
        self._put(data.append_column("source", pa.repeat(self._source.id, len(data))))

    def finish(self) -> str:
        """Add what is kept of the older file, and give the new one its name."""
        if self._kept is not None:
            new = pa.concat_arrays(self._keys)
            with pq.ParquetFile(self._kept) as file:
                for batch in file.iter_batches(ROW_GROUP_ROWS):
                    old = pa.Table.from_batches([batch])
                    self._put(old.filter(pc.invert(pc.is_in(old.column(self._spec.key).cast(pa.string()), value_set=new))))
        try:
            self._writer.close()
            name = f"{self._source.id}-{_sha256(self._path)[:16]}.parquet"
            self._path.chmod(0o600)
            self._path.replace(self._folder / name)
        except OSError as error:
            raise EnvironmentFault(f"cannot write {self._folder}: {error.strerror or error}") from error
        return name

    def drop(self) -> None:
        self._writer.close()
        self._path.unlink(missing_ok=True)

    def _put(self, data: pa.Table) -> None:
        given = {"read_at": pa.array([self._source.read_at] * len(data), TIMESTAMP)}
        columns = [
            data.column(field.name).cast(field.type)
            if field.name in data.column_names
            else given.get(field.name, pa.nulls(len(data), field.type))
            for field in self._spec.schema()
        ]
        try:
            self._writer.write_table(pa.Table.from_arrays(columns, schema=self._spec.schema()), row_group_size=ROW_GROUP_ROWS)
        except OSError as error:
            raise EnvironmentFault(f"cannot write {self._folder}: {error.strerror or error}; free some space") from error
        self.rows += len(data)


def _plain(source: Source) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(source).items()}


def _read(path: Path) -> dict[str, Source]:
    file = path / "reference.json"
    remedy = "name the folder that `plumbline feeds import` wrote, or import anew into another"
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise InputError(f"is of format {document['format']}, not {FORMAT}", where=str(file), remedy="import anew with this release")
        return {name: _source(entry) for name, entry in document["sources"].items()}
    except FileNotFoundError as error:
        if not _foreign(path):
            return {}
        raise InputError("holds no reference data", where=str(path), remedy=remedy) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"cannot be read: {error}", where=str(file), remedy=remedy) from error


def _foreign(path: Path) -> bool:
    """Tell whether a folder holds anything that is not what a first import leaves when it is killed."""
    return any(not entry.name.startswith(".") and entry.name not in ("tables", "downloads") for entry in path.iterdir())


def _source(entry: Mapping[str, Any]) -> Source:
    times = {name: datetime.fromisoformat(entry[name]) if entry[name] else None for name in ("read_at", "dated_at")}
    for table, name in entry["parts"].items():
        if os.path.basename(name) != name or table not in load_reference_tables():  # noqa: PTH119 - a name from a file, not a path
            raise ValueError(f"no file {name!r} of a table {table!r} can be")
    return Source(**{**entry, **times, "refused": tuple(Refusal(**one) for one in entry["refused"])})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def user_store() -> Path:
    """Where a user's reference data lies unless another place is named: in their data folder (XDG Base Directory Specification)."""
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home and home.startswith("/") else Path.home() / ".local" / "share") / "plumbline" / "reference"

"""The bundle: a folder that holds one collection (DESIGN section 7).

    manifest.json               versions, rig, sessions, sha256 of every file
    rig.toml                    as used, secrets removed; rig-<sha256>.toml: the one before, where it was changed before a resume
    contacts.jsonl              every exchange that left the door (written by net)
    coverage/<part>.parquet     one row per attempt
    tables/<table>/<part>.parquet
    raw/<sha256>                answers of devices, redacted, stored once by content

A part is written once and never changed. A table part counts only when the coverage part of the same name exists: that
file is written last and commits them all, so a run killed at any moment leaves whole units of work or nothing of them.
A unit too large for memory is spilled beside the tables and takes its place there, as `<part>+<n>`, when it is committed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from plumbline import __version__
from plumbline.evidence.parts import atomic, checked_row, coverage_row, write_coverage, write_table
from plumbline.evidence.specs import load_tables
from plumbline.model.entities import Entity
from plumbline.model.errors import EnvironmentFault, InputError, InternalError
from plumbline.model.words import Outcome

FORMAT = 1
# A part per device would be thousands of tiny files; units of work are gathered until one of these is reached.
FLUSH_ROWS = 50_000
FLUSH_SECONDS = 2.0
CONTACTS = "contacts.jsonl"
SPILLED = ".spilled"
RESERVE = ".reserve"  # room set aside while a session runs, so that a full disk can still be told of in the manifest
RESERVE_BYTES = 256 << 10  # a manifest of a thousand files


@dataclass(frozen=True, slots=True)
class SuppliedFile:
    """A file of the customer's, cited by digest and offset and left where it is."""

    path: Path
    sha256: str
    size_bytes: int

    def at(self, offset: int) -> str:
        """Cite a place in it, for the `raw` column."""
        return f"file/{self.sha256}@{offset}"


@dataclass
class Batch:
    """One unit of work: its rows and coverage become visible together, or, when the block raises, not at all."""

    writer: BundleWriter
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    bulk: list[tuple[str, pa.Table]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    spilled: list[tuple[str, Path]] = field(default_factory=list)

    def row(
        self,
        table: str,
        entity: Entity | str,
        subject: str = "",
        *,
        observed_at: datetime,
        raw: str | None = None,
        permit: str | None = None,
        **columns: Any,
    ) -> None:
        """Add one row; raises InternalError when it does not fit the table's spec."""
        spec = load_tables().get(table)
        if spec is None:
            raise InternalError(f"no table {table}")
        common = {"entity": str(entity), "subject": subject, "raw": raw, "permit": permit, "observed_at": observed_at}
        self.tables[table].append(checked_row(spec, {**common, **columns}))

    def rows(self, table: str, data: pa.Table) -> None:
        """Add many rows at once: an Arrow table with the columns of the spec, the common ones included."""
        self.bulk.append((table, data.cast(load_tables()[table].schema())))

    def coverage(
        self,
        entity: Entity | str,
        table: str,
        subject: str = "",
        *,
        outcome: Outcome,
        started_at: datetime,
        ended_at: datetime,
        rows: int = 0,
        permit: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Add one row of coverage: what became of one attempt to fill `table` for `entity`."""
        if table not in load_tables():
            raise InternalError(f"coverage of an unknown table {table}")
        times = {"started_at": started_at, "ended_at": ended_at}
        self.attempts.append(coverage_row(entity, table, subject, outcome, rows=rows, permit=permit, detail=detail, **times))

    def spill(self) -> None:
        """Move the rows gathered so far from memory to the disk, where they count for nothing until the batch is committed."""
        for name, data in self.writer.gathered([self]):
            path = self.writer.path / "tables" / name / f"{secrets.token_hex(8)}{SPILLED}"
            write_table(path, data)
            self.spilled.append((name, path))
        self.tables.clear()
        self.bulk.clear()

    def discard(self) -> None:
        """Forget the batch; it must not have been committed."""
        for _, path in self.spilled:
            path.unlink(missing_ok=True)
        self.spilled.clear()

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self.writer.commit(self)


class BundleWriter:
    """Writes one session into a bundle; not safe to share between threads."""

    def __init__(self, path: Path, manifest: dict[str, Any], now: datetime) -> None:
        self.path = path
        self.session = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        self.outcomes: dict[tuple[str, str, str], Outcome] = {}
        self._attempted: set[tuple[str, str]] = set()
        self._manifest = manifest
        session: dict[str, Any] = {"id": self.session, "started_at": _iso(now), "ended_at": None, "complete": False, "notes": []}
        self._manifest["sessions"].append({**session, "rig_sha256": manifest.get("rig", {}).get("sha256")})
        self._waiting: list[Batch] = []
        self._waiting_rows = 0
        self._waiting_since: datetime | None = None
        self._parts = 0
        self._write_manifest()
        self._reserve()

    @classmethod
    def create(cls, path: Path, *, rig_text: str, header: Mapping[str, Any], now: datetime) -> BundleWriter:
        """Start a bundle in an absent or empty folder; raises InputError for any other, EnvironmentFault when it cannot be made."""
        if path.exists() and any(path.iterdir()):
            raise InputError("the folder is not empty", where=str(path), remedy="choose another, or go on with --resume")
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.chmod(0o700)
        except OSError as error:
            raise EnvironmentFault(f"cannot make the bundle {path}: {error.strerror}") from error
        with atomic(path / "rig.toml") as temporary:
            temporary.write_text(rig_text, encoding="utf-8")
        return cls(path, {"format": FORMAT, "plumbline": __version__, **header, "sessions": [], "supplied": [], "files": {}}, now)

    @classmethod
    def resume(cls, path: Path, *, rig_text: str | None = None, header: Mapping[str, Any] | None = None, now: datetime) -> BundleWriter:
        """Go on with a bundle: `outcomes` then holds the best outcome of every attempt made so far.

        Where the rig file was changed since, `rig_text` and `header` take the old ones' place, and the old file is kept beside it.
        """
        bundle = Bundle(path)
        before, after = (found.get("rig", {}).get("sha256") for found in (bundle.manifest, header or bundle.manifest))
        if rig_text is not None and before != after:
            digits = "".join(re.findall("[0-9a-f]", str(before)))  # a manifest may come from anywhere: no path is made of it
            with atomic(path / f"rig-{digits[:12]}.toml") as temporary:
                temporary.write_bytes((path / "rig.toml").read_bytes())
            with atomic(path / "rig.toml") as temporary:
                temporary.write_text(rig_text, encoding="utf-8")
        writer = cls(path, {**bundle.manifest, **(header or {})}, now)
        writer._drop_spilled()
        for part in bundle.coverage_parts():
            for row in pq.read_table(part, columns=["entity", "table", "subject", "outcome"]).to_pylist():
                writer._remember(row)
        return writer

    def attempted(self, entity: Entity | str, table: str) -> bool:
        """Say whether an earlier session, or this one, has covered `table` for `entity`."""
        return (str(entity), table) in self._attempted

    def raw(self, data: bytes) -> str:
        """Store a device's (redacted) answer by its content; returns the reference for the `raw` column."""
        digest = hashlib.sha256(data).hexdigest()
        target = self.path / "raw" / digest
        if not target.exists():
            with atomic(target) as temporary:
                temporary.write_bytes(data)
        return f"raw/{digest}"

    def supplied(self, path: Path) -> SuppliedFile:
        """Digest a file of the customer's and name it in the manifest; raises InputError when it cannot be read."""
        digest, size = _digest(path)
        entry = {"name": path.name, "sha256": digest, "size_bytes": size}
        if entry not in self._manifest["supplied"]:
            self._manifest["supplied"].append(entry)
        return SuppliedFile(path, digest, size)

    def batch(self) -> Batch:
        """Open a unit of work."""
        return Batch(self)

    def commit(self, batch: Batch) -> None:
        """Take a finished unit of work; it reaches the disk with the next part, at the latest two seconds later."""
        self._waiting.append(batch)
        self._waiting_rows += len(batch.attempts) + sum(map(len, batch.tables.values()))
        for row in batch.attempts:
            self._remember(row)
        last = max((row["ended_at"] for row in batch.attempts), default=None)
        self._waiting_since = self._waiting_since or last
        late = last is not None and self._waiting_since is not None and (last - self._waiting_since).total_seconds() >= FLUSH_SECONDS
        if batch.bulk or batch.spilled or late or self._waiting_rows >= FLUSH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting as one part: tables first, the coverage that commits them last."""
        if not self._waiting:
            return
        self._parts += 1
        part = f"{self.session}-{self._parts:05d}"
        for name, data in self.gathered(self._waiting):
            write_table(self.path / "tables" / name / f"{part}.parquet", data)
        for number, (_, spilled) in enumerate((one for batch in self._waiting for one in batch.spilled), 1):
            try:
                spilled.rename(spilled.with_name(f"{part}+{number}.parquet"))
            except OSError as error:
                raise EnvironmentFault(f"cannot write {spilled}: {error.strerror}; free some space and use --resume") from error
        write_coverage(self.path / "coverage" / f"{part}.parquet", [row for batch in self._waiting for row in batch.attempts])
        self._waiting, self._waiting_rows, self._waiting_since = [], 0, None

    @staticmethod
    def gathered(batches: Iterable[Batch]) -> Iterator[tuple[str, pa.Table]]:
        """Give each table's rows of some batches as one Arrow table, by the tables' names."""
        tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
        bulk: dict[str, list[pa.Table]] = defaultdict(list)
        for batch in batches:
            for name, rows in batch.tables.items():
                tables[name] += rows
            for name, data in batch.bulk:
                bulk[name].append(data)
        for name in sorted(tables.keys() | bulk.keys()):
            yield name, pa.concat_tables([pa.Table.from_pylist(tables[name], schema=load_tables()[name].schema()), *bulk[name]])

    def _drop_spilled(self) -> None:
        """Remove what a unit of work left behind that was never committed."""
        for path in self.path.glob(f"tables/*/*{SPILLED}"):
            path.unlink(missing_ok=True)

    def finish(self, *, ended_at: datetime, complete: bool, notes: Iterable[str] = ()) -> None:
        """End the session: flush, digest every file, write the manifest. `complete` false: the run was ended early, `notes` say why."""
        self.flush()
        self._drop_spilled()
        self._manifest["sessions"][-1].update(ended_at=_iso(ended_at), complete=complete, notes=list(notes))
        self._manifest["files"] = {str(path.relative_to(self.path)): _described(path) for path in _content(self.path)}
        self._write_manifest()
        (self.path / RESERVE).unlink(missing_ok=True)

    def abandon(self, *, ended_at: datetime, note: str) -> None:
        """End the session when the machine failed: nothing waiting is written; the manifest says why, if it still can be."""
        self._waiting.clear()
        (self.path / RESERVE).unlink(missing_ok=True)
        with suppress(EnvironmentFault):
            self.finish(ended_at=ended_at, complete=False, notes=[note])
            return
        self._manifest["files"] = {}  # too long a list for the room that is left
        with suppress(EnvironmentFault):
            self._write_manifest()

    def _reserve(self) -> None:
        try:
            handle = os.open(self.path / RESERVE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(handle, 0, RESERVE_BYTES)
            finally:
                os.close(handle)
        except OSError as error:
            raise EnvironmentFault(f"no room for a bundle at {self.path}: {error.strerror}") from error

    def _remember(self, row: Mapping[str, Any]) -> None:
        key, outcome = (row["entity"], row["table"], row["subject"]), Outcome(row["outcome"])
        self._attempted.add((row["entity"], row["table"]))
        if key not in self.outcomes or outcome.rank < self.outcomes[key].rank:
            self.outcomes[key] = outcome

    def _write_manifest(self) -> None:
        with atomic(self.path / "manifest.json") as temporary:
            temporary.write_text(json.dumps(self._manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


class Parts(Protocol):
    """What holds evidence for reading: a bundle, or the tables that were derived from some."""

    def coverage_parts(self) -> list[Path]:
        """Coverage parts, in name order."""
        ...

    def parts(self, table: str) -> list[Path]:
        """Committed parts of a table, in name order."""
        ...


class Bundle:
    """A bundle opened for reading."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.manifest: dict[str, Any] = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError) as error:
            remedy = "name the folder that `collect` wrote"
            raise InputError("not a bundle: it has no manifest.json", where=str(path), remedy=remedy) from error
        except (OSError, ValueError) as error:
            raise InputError(f"manifest.json cannot be read: {error}", where=str(path)) from error
        except RecursionError as error:
            raise InputError("manifest.json is nested too deeply", where=str(path)) from error
        if not isinstance(self.manifest, dict) or self.manifest.get("format") != FORMAT:
            raise InputError(f"not a bundle of format {FORMAT}", where=str(path), remedy="use the Plumbline release that wrote it")
        if wrong := _misshapen(self.manifest):
            raise InputError(f"manifest.json is damaged: {wrong} is not as written", where=str(path), remedy="copy the bundle anew")

    def check_whole(self) -> None:
        """Raise InputError where a part, or the log of contacts, is missing or cut short, as in a copy that broke off.

        A missing part would read as nothing found. By sizes alone: whether a byte was changed is for `attest` to say. The log goes on when
        a collection is resumed; raw answers are told of where they are cited.
        """
        for name, said in self.manifest.get("files", {}).items():
            if not name.startswith(("coverage/", "tables/")) and name != CONTACTS:
                continue
            path, size = self.path / name, said.get("size_bytes") if isinstance(said, dict) else None
            there = path.stat().st_size if path.is_file() else None
            if there is None or not isinstance(size, int):
                wrong = "is missing" if there is None else "has no size in the manifest"
            elif there == size or (name == CONTACTS and there > size):
                continue
            else:
                wrong = f"holds {there:,} bytes, where the manifest says {size:,}"
            raise InputError(f"{wrong}: the bundle is not whole", where=str(path), remedy="copy the bundle anew from where it was written")

    def coverage_parts(self) -> list[Path]:
        """Coverage parts, in name order."""
        return sorted((self.path / "coverage").glob("*.parquet"))

    def parts(self, table: str) -> list[Path]:
        """Committed parts of a table, in name order; empty when nothing was collected into it."""
        committed = {path.stem for path in self.coverage_parts()}
        parts = sorted((self.path / "tables" / table).glob("*.parquet"))
        return [path for path in parts if path.stem.partition("+")[0] in committed]


def _misshapen(manifest: Mapping[str, Any]) -> str | None:
    """Name what has not the form that readers rely on; a manifest may come from anywhere (law 7)."""
    for name, shape in {"sessions": list, "rig": dict, "authorisation": dict, "supplied": list, "files": dict}.items():
        if not isinstance(manifest.get(name, shape()), shape):
            return name
    for entry in [*manifest.get("sessions", ()), *manifest.get("supplied", ())]:
        if not isinstance(entry, dict):
            return "an entry of sessions or supplied"
    words: dict[str, type | tuple[type, ...]] = {
        "id": str,
        "started_at": str,
        "ended_at": (str, type(None)),
        "complete": bool,
        "notes": list,
    }
    for session in manifest.get("sessions", ()):
        for name, kind in words.items():
            if not isinstance(session.get(name), kind):
                return f"{name} of a session"
    return None if manifest.get("sessions") else "sessions"


def _content(root: Path) -> list[Path]:
    own = (root / "manifest.json", root / "manifest.dsse.json")  # neither it nor its seal, which is void once a collection goes on
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and path not in own]
    return [path for path in files if not any(part.startswith(".") for part in path.relative_to(root).parts)]


def _described(path: Path) -> dict[str, Any]:
    digest, size = _digest(path)
    return {"sha256": digest, "size_bytes": size}


def _digest(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    return digest.hexdigest(), size


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")

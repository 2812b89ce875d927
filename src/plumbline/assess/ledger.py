"""Writes the ledger: every verdict of every check, ordered by (check, asset, subject).

    ledger.parquet    check, asset, subject, verdict, reason, cvss, detail, evidence
                      one file, or above SINGLE_ROWS a folder of one file for each check, named so that their order is the ledger's

Rules: no row passes through Python. A check is written without roll-up first; the digest's pass sees when a subject stands twice,
and only then is that check written again, rolled up. While one check is hashed the next is written.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.assess.digest import LedgerDigest, UnorderedError
from plumbline.checks.check import Check
from plumbline.checks.decide import LEDGER_COLUMNS, Frame, decision_sql, rolled_up_sql
from plumbline.checks.registry import Registry
from plumbline.correlate.engine import Connection, identifier, literal

SINGLE_ROWS = 2_000_000
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Ledger:
    """A written ledger: where it lies, the files of its checks in order, its rows and its digest (hex)."""

    path: Path
    rows: int
    digest: str


class LedgerWriter:
    """Writes the verdicts of checks, in the order of their ids, over the views of one connection."""

    def __init__(self, connection: Connection, registry: Registry, frame: Frame, values: Mapping[str, Mapping[str, Any]]) -> None:
        self._connection = connection
        self._registry = registry
        self._frame = frame
        self._values = values

    def write(self, out: Path, progress: Progress) -> Ledger:
        """Write OUT/ledger.parquet, replacing an older one."""
        scratch = out / ".ledger"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        checks = list(self._registry.checks.values())
        files = []
        digest = LedgerDigest()
        waiting: tuple[Check, Path, Future[LedgerDigest]] | None = None
        with ThreadPoolExecutor(1, thread_name_prefix="digest") as pool:
            for number, check in enumerate(checks):
                progress("judging", number, len(checks))
                file = scratch / f"{number:04d}-{check.id}.parquet"
                self._copy(check, file, rolled_up=False)
                files.append(file)
                if waiting is not None:
                    digest = self._settled(*waiting, before=digest)
                waiting = (check, file, pool.submit(self._digested, digest.copy(), file))
            if waiting is not None:
                digest = self._settled(*waiting, before=digest)
        progress("judging", len(checks), len(checks))
        self._place(scratch, files, digest.rows, out / "ledger.parquet")
        return Ledger(out / "ledger.parquet", digest.rows, digest.hexdigest())

    def _settled(self, check: Check, file: Path, future: Future[LedgerDigest], *, before: LedgerDigest) -> LedgerDigest:
        try:
            return future.result()
        except UnorderedError:
            self._copy(check, file, rolled_up=True)
            return self._digested(before.copy(), file)

    def _digested(self, digest: LedgerDigest, file: Path) -> LedgerDigest:
        with self._connection.cursor() as cursor:
            digest.add(cursor, [file])
        return digest

    def _copy(self, check: Check, file: Path, *, rolled_up: bool) -> None:
        shape = self._registry.shapes[check.id]
        rows = decision_sql(check, shape, self._frame)
        if rolled_up:
            rows = rolled_up_sql(rows)
        columns = ", ".join(identifier(name) for name in LEDGER_COLUMNS[1:])
        values = {name: self._values[check.id][name] for name in shape.placeholders}
        self._connection.execute(
            f'copy (select {literal(check.id)} as "check", {columns} from ({rows}) order by asset, subject)'
            f" to {literal(str(file))} (format parquet, compression zstd)",
            values,
        )

    def _place(self, scratch: Path, files: list[Path], rows: int, target: Path) -> None:
        if target.is_dir():
            shutil.rmtree(target)
        if rows > SINGLE_ROWS or not files:
            scratch.rename(target)
            return
        whole = scratch / "ledger"
        names = ", ".join(literal(str(file)) for file in files)
        self._connection.execute(f"copy (from read_parquet([{names}])) to {literal(str(whole))} (format parquet, compression zstd)")
        whole.chmod(0o600)
        whole.replace(target)
        shutil.rmtree(scratch)

"""Writes the ledger: every verdict of every check, ordered by (check, asset, subject).

    ledger.parquet    check, asset, subject, verdict, reason, cvss, detail, evidence
                      one file, or above SINGLE_ROWS a folder of one file for each check, named so that their order is the ledger's

Rules: no row passes through Python. A check is written without roll-up first; the digest's pass sees when a subject stands twice,
and only then are that check and the small ones beside it written again, rolled up. While one is hashed the next is written.
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
from plumbline.checks.decide import LEDGER_COLUMNS, Frame, bound, decision_sql, rolled_up_sql
from plumbline.checks.registry import Registry
from plumbline.correlate.engine import Connection, identifier, literal

SINGLE_ROWS = 2_000_000
GROUP_BYTES = 1_000_000  # small checks are hashed together: a query for each would cost more than their rows
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
        digest = LedgerDigest()
        files: list[Path] = []
        group: list[tuple[Check, Path]] = []
        waiting: tuple[list[tuple[Check, Path]], Future[LedgerDigest]] | None = None
        with ThreadPoolExecutor(1, thread_name_prefix="digest") as pool:
            for number, check in enumerate(checks):
                progress("judging", number, len(checks))
                file = scratch / f"{number:04d}-{check.id}.parquet"
                self._copy(check, file, rolled_up=False)
                files.append(file)
                group.append((check, file))
                if sum(path.stat().st_size for _, path in group) < GROUP_BYTES and check is not checks[-1]:
                    continue
                if waiting is not None:
                    digest = self._settled(*waiting, before=digest)
                waiting = (group, pool.submit(self._digested, digest.copy(), group))
                group = []
            if waiting is not None:
                digest = self._settled(*waiting, before=digest)
        progress("judging", len(checks), len(checks))
        self._place(scratch, files, digest.rows, out / "ledger.parquet")
        return Ledger(out / "ledger.parquet", digest.rows, digest.hexdigest())

    def _settled(self, group: list[tuple[Check, Path]], future: Future[LedgerDigest], *, before: LedgerDigest) -> LedgerDigest:
        try:
            return future.result()
        except UnorderedError:
            for check, file in group:
                self._copy(check, file, rolled_up=True)
            return self._digested(before.copy(), group)

    def _digested(self, digest: LedgerDigest, group: list[tuple[Check, Path]]) -> LedgerDigest:
        with self._connection.cursor() as cursor:
            digest.add(cursor, [file for _, file in group])
        return digest

    def _copy(self, check: Check, file: Path, *, rolled_up: bool) -> None:
        shape = self._registry.shapes[check.id]
        rows = decision_sql(check, shape, self._frame)
        if rolled_up:
            rows = rolled_up_sql(rows)
        columns = ", ".join(identifier(name) for name in LEDGER_COLUMNS[1:])
        values = bound(check, shape, self._frame, self._values[check.id])
        self._connection.execute(
            f'copy (select {literal(check.id)} as "check", {columns} from ({rows}) order by asset, subject)'
            f" to {literal(str(file))} (format parquet, compression zstd)",
            values,
        )

    def _place(self, scratch: Path, files: list[Path], rows: int, target: Path) -> None:
        if target.is_dir():
            shutil.rmtree(target)
        target.unlink(missing_ok=True)
        if rows > SINGLE_ROWS or not files:
            scratch.rename(target)
            return
        whole = scratch / "ledger"
        names = ", ".join(literal(str(file)) for file in files)
        self._connection.execute(f"copy (from read_parquet([{names}])) to {literal(str(whole))} (format parquet, compression zstd)")
        whole.chmod(0o600)
        whole.replace(target)
        shutil.rmtree(scratch)

"""Writes the ledger: every verdict of every check, ordered by (check, asset, subject).

    ledger.parquet    check, asset, subject, verdict, reason, cvss, detail, evidence
                      one file, or above SINGLE_ROWS a folder of one file for each check, named so that their order is the ledger's

Rules: no row passes through Python. Each check is written the cheapest way that may do, and the digest's pass, which proves the
order, says when it did not: large tables as they come (exports often stand in the order of their ids already), else sorted, and
rolled up only when a subject stands twice. While one check is hashed the next is written.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from plumbline.assess.digest import LedgerDigest, UnorderedError
from plumbline.checks.check import Check
from plumbline.checks.decide import Frame, bound, decision_sql, judged_sql, rolled_up_sql, unseen_sql
from plumbline.checks.registry import Registry
from plumbline.correlate.engine import Connection, file_list, identifier, literal
from plumbline.model.errors import InternalError

SINGLE_ROWS = 2_000_000
LARGE_ROWS = 1_000_000
GROUP_BYTES = 1_000_000  # small checks are hashed together: a query for each would cost more than their rows
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Ledger:
    """A written ledger: where it lies, the files of its checks in order, its rows and its digest (hex)."""

    path: Path
    rows: int
    digest: str


class Effort(IntEnum):
    """What it takes to bring a check's rows into the ledger's order, cheapest first."""

    NONE = 0
    SORT = 1
    ROLL_UP = 2


@dataclass
class Part:
    """One check on its way into the ledger."""

    check: Check
    file: Path
    effort: Effort


class LedgerWriter:
    """Writes the verdicts of checks, in the order of their ids, over the views of one connection."""

    def __init__(self, connection: Connection, registry: Registry, frame: Frame, values: Mapping[str, Mapping[str, Any]]) -> None:
        self._connection = connection
        self._registry = registry
        self._frame = frame
        self._values = values
        self._large = {name for name in frame.filled if self._rows(name) >= LARGE_ROWS}  # and, as far as is known, in order

    def write(self, out: Path, progress: Progress) -> Ledger:
        """Write OUT/ledger.parquet, replacing an older one."""
        scratch = out / ".ledger"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        checks = list(self._registry.checks.values())
        digest = LedgerDigest()
        files: list[Path] = []
        group: list[Part] = []
        waiting: tuple[list[Part], Future[LedgerDigest]] | None = None
        with ThreadPoolExecutor(1, thread_name_prefix="digest") as pool:
            for number, check in enumerate(checks):
                progress("judging", number, len(checks))
                part = Part(check, scratch / f"{number:04d}-{check.id}.parquet", self._least_effort(check))
                self._copy(part)
                files.append(part.file)
                group.append(part)
                if sum(item.file.stat().st_size for item in group) < GROUP_BYTES and check is not checks[-1]:
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

    def _settled(self, group: list[Part], future: Future[LedgerDigest], *, before: LedgerDigest) -> LedgerDigest:
        try:
            return future.result()
        except UnorderedError:
            pass
        unsorted = [part for part in group if part.effort is Effort.NONE]
        self._large -= {part.check.subjects for part in unsorted}
        for effort, parts in ((Effort.SORT, unsorted), (Effort.ROLL_UP, group)):
            for part in parts:
                part.effort = effort
                self._copy(part)
            try:
                return self._digested(before.copy(), group)
            except UnorderedError:
                if effort is Effort.ROLL_UP:
                    raise
        raise InternalError("the roll-up left a subject twice")

    def _least_effort(self, check: Check) -> Effort:
        # Only a scan comes in its table's order: a join does not, not even with an empty table, nor do two selects put together.
        if check.subjects not in self._large or not self._registry.shapes[check.id].scan:
            return Effort.SORT
        [[unseen]] = self._connection.execute(f"select count(*) from ({unseen_sql(check, self._frame)})").fetchall()
        return Effort.SORT if unseen else Effort.NONE

    def _digested(self, digest: LedgerDigest, group: list[Part]) -> LedgerDigest:
        with self._connection.cursor() as cursor:
            digest.add(cursor, [part.file for part in group])
        return digest

    def _copy(self, part: Part) -> None:
        check, shape = part.check, self._registry.shapes[part.check.id]
        rows = judged_sql(check, shape, self._frame) if part.effort is Effort.NONE else decision_sql(check, shape, self._frame)
        if part.effort is Effort.ROLL_UP:
            rows = rolled_up_sql(rows)
        order = "" if part.effort is Effort.NONE else "order by asset, subject"
        # What is the same in each row stays out of the sort.
        cvss, own = ("cvss", "cvss,") if shape.cvss else ("null::varchar as cvss", "")
        self._connection.execute(
            f'copy (select {literal(check.id)} as "check", asset, subject, verdict, reason, {cvss}, detail, evidence'
            f" from (select asset, subject, verdict, reason, {own} detail, evidence from ({rows}) {order}))"
            f" to {literal(str(part.file))} (format parquet, compression zstd)",
            bound(check, shape, self._frame, self._values[check.id]),
        )

    def _rows(self, table: str) -> int:
        [[count]] = self._connection.execute(f"select count(*) from base.{identifier(table)}").fetchall()
        return int(count)

    def _place(self, scratch: Path, files: list[Path], rows: int, target: Path) -> None:
        if target.is_dir():
            shutil.rmtree(target)
        target.unlink(missing_ok=True)
        if rows > SINGLE_ROWS or not files:
            scratch.rename(target)
            return
        whole = scratch / "ledger"
        self._connection.execute(
            f"copy (from read_parquet([{file_list(files)}])) to {literal(str(whole))} (format parquet, compression zstd)"
        )
        whole.chmod(0o600)
        whole.replace(target)
        shutil.rmtree(scratch)

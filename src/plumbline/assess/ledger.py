"""Writes the ledger: every verdict of every check, ordered by (check, asset, subject).

    ledger.parquet    check, asset, subject, verdict, reason, cvss, detail, evidence, basis
                      one file, or above SINGLE_ROWS a folder of one file for each check, named so that their order is the ledger's

Rules: no row passes through Python. Checks are judged side by side, each by one thread: one thread gives rows in the order in which it
reads them, through joins as well, where several would have to sort. Each check is written the cheapest way that may do, and the
digest's pass, which proves the order, says when it did not: on tables that stand in order as they come, else sorted, and rolled up
only when a subject stands twice.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from plumbline.assess.digest import LedgerDigest, UnorderedError
from plumbline.checks.check import Check
from plumbline.checks.decide import (
    Frame,
    basis_sql,
    bound,
    decision_sql,
    has_subjects,
    judged_sql,
    only_basis,
    rolled_up_sql,
    unseen_sql,
)
from plumbline.checks.registry import Registry
from plumbline.evidence.engine import Connection, connect, file_list, literal
from plumbline.model.errors import InternalError

SINGLE_ROWS = 2_000_000
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


@dataclass(frozen=True, slots=True)
class Last:
    """Checks that wait for all others; `prepare` takes the files of those and gives the frame that holds from then on."""

    checks: Collection[str]
    prepare: Callable[[Mapping[str, Path]], Frame]


@dataclass
class Part:
    """One check on its way into the ledger."""

    check: Check
    file: Path
    effort: Effort = Effort.NONE


class LedgerWriter:
    """Writes the verdicts of checks, in the order of their ids, over the views of one connection; `ordered` are tables in order."""

    def __init__(
        self,
        connection: Connection,
        registry: Registry,
        frame: Frame,
        values: Mapping[str, Mapping[str, Any]],
        ordered: Collection[str] = (),
        last: Last | None = None,
    ) -> None:
        self._connection = connection
        self._registry = registry
        self._frame = frame
        self._values = values
        self._ordered = ordered
        self._last = last

    def write(self, out: Path, progress: Progress) -> Ledger:
        """Write OUT/ledger.parquet, replacing an older one."""
        scratch = out / ".ledger"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        every = [
            Part(check, scratch / f"{number:04d}-{name}.parquet") for number, (name, check) in enumerate(self._registry.checks.items())
        ]
        # Most checks ask for what a small rig has nothing of: a query and a file for each of them would be a good part of the work.
        parts = [part for part in every if has_subjects(part.check, self._frame)] or every[:1]
        digest = LedgerDigest()
        group: list[Part] = []
        size = 0
        [[threads]] = self._connection.execute("select current_setting('threads')").fetchall()
        with self._side_by_side(threads) as pool, connect(threads=threads) as reader:
            written = self._submitted(pool, parts)
            for number, part in enumerate(parts):
                progress("judging", number, len(parts))
                written[part.check.id].result()
                group.append(part)
                size += part.file.stat().st_size
                if size >= GROUP_BYTES or part is parts[-1]:
                    digest = self._digested(reader, digest, group)
                    group, size = [], 0
        progress("judging", len(parts), len(parts))
        if digest.rows > SINGLE_ROWS:
            for part in every:
                if not part.file.exists():
                    self._copy(part)
        self._place(scratch, [part.file for part in parts], digest.rows, out / "ledger.parquet")
        return Ledger(out / "ledger.parquet", digest.rows, digest.hexdigest())

    @contextmanager
    def _side_by_side(self, threads: int) -> Iterator[ThreadPoolExecutor]:
        """Give threads each of which runs its own queries alone, instead of all of them one query."""
        self._connection.execute("set threads = 1")
        pool = ThreadPoolExecutor(threads, thread_name_prefix="judging")
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)
            self._connection.execute(f"set threads = {threads}")

    def _submitted(self, pool: ThreadPoolExecutor, parts: list[Part]) -> dict[str, Future[None]]:
        """Let every part be written; those of the last checks when all others are there."""
        waiting = self._last.checks if self._last is not None else ()
        written = {part.check.id: pool.submit(self._copy, part) for part in parts if part.check.id not in waiting}
        if self._last is not None:
            for done in written.values():
                done.result()
            self._frame = self._last.prepare({part.check.id: part.file for part in parts if part.check.id in written})
            written |= {part.check.id: pool.submit(self._copy, part) for part in parts if part.check.id in waiting}
        return written

    def _digested(self, reader: Connection, before: LedgerDigest, group: list[Part]) -> LedgerDigest:
        """Take a group into the digest, with more effort where its rows are not in order."""
        while True:
            digest = before.copy()
            try:
                digest.add(reader, [part.file for part in group])
            except UnorderedError:
                self._try_harder(group)
            else:
                return digest

    def _try_harder(self, group: list[Part]) -> None:
        least = min(part.effort for part in group)
        if least is Effort.ROLL_UP:
            raise InternalError("the roll-up left a subject twice")
        for part in group:
            if part.effort is least:
                part.effort = Effort(least + 1)
                self._copy(part)

    def _copy(self, part: Part) -> None:
        with self._connection.cursor() as cursor:
            part.effort = max(part.effort, self._least_effort(part.check, cursor))
            cursor.execute(self._copy_sql(part), self._bound(part.check))

    def _least_effort(self, check: Check, connection: Connection) -> Effort:
        if check.subjects not in self._ordered:
            return Effort.SORT
        # Two selects put together do not come in one order.
        [[unseen]] = connection.execute(f"select count(*) from ({unseen_sql(check, self._frame)})").fetchall()
        return Effort.SORT if unseen else Effort.NONE

    def _copy_sql(self, part: Part) -> str:
        check, shape = part.check, self._registry.shapes[part.check.id]
        rows = judged_sql(check, shape, self._frame) if part.effort is Effort.NONE else decision_sql(check, shape, self._frame)
        if part.effort is Effort.ROLL_UP:
            rows = rolled_up_sql(rows)
        order = "" if part.effort is Effort.NONE else "order by asset, subject"
        # What is the same in each row stays out of the sort.
        cvss, own = ("cvss", "cvss,") if shape.cvss else ("null::varchar as cvss", "")
        same_basis = basis_sql(only_basis(check, shape))
        basis, own_basis = ("basis", ", basis") if same_basis is None else (f"{same_basis} as basis", "")
        return (
            f'copy (select {literal(check.id)} as "check", asset, subject, verdict, reason, {cvss}, detail, evidence, {basis}'
            f" from (select asset, subject, verdict, reason, {own} detail, evidence{own_basis} from ({rows}) {order}))"
            f" to {literal(str(part.file))} (format parquet, compression zstd)"
        )

    def _bound(self, check: Check) -> dict[str, Any]:
        return bound(check, self._registry.shapes[check.id], self._frame, self._values[check.id])

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

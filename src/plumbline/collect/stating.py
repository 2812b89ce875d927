"""Rows of files that people write (`by_hand`): one for each entry and asset that it is about, with the files that it names by digest.

    coverage of the rig, subject    file/walk.toml             what became of the file
                                    file/walk.toml/result/3    why its entry result[3] does not count

Rules: all files of a kind are one unit of work; an entry that does not count has coverage of its own, so that the ledger names it; a
row says what others state of the same subject where they state something else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from plumbline.collect.attempt import DETAIL_LENGTH_MAX, SPILL_ROWS
from plumbline.collect.by_hand import Form, S, Statement, read_sheet
from plumbline.collect.context import Context
from plumbline.collect.declared import site_of
from plumbline.collect.file_names import as_in_rig, entity_keys
from plumbline.evidence.bundle import Batch, SuppliedFile
from plumbline.model.entities import Entity
from plumbline.model.errors import InputError, ProtocolError
from plumbline.model.words import EntityKind, Outcome

ROWS_MAX = 200_000  # of all files: an entry about a model gives a row for each asset of it
REFUSED_MAX = 10_000  # entries of all files that are named one by one; each file says how many of its own there are
OTHERS_MAX = 5


@dataclass(frozen=True, slots=True)
class _Counted:
    """One entry that counts: its file, where in it, and the files that it names, all digested."""

    said: Statement
    path: str
    raw: str
    files: tuple[SuppliedFile, ...]


def collect_stated(context: Context, paths: Sequence[Path], form: Form[S], verdict: str) -> None:
    """Read all files of a form into its table; `verdict` is the column in which two entries may disagree."""
    rig = Entity.of(EntityKind.RIG, "", context.rig.id)
    if not paths or context.writer.attempted(rig, form.table):
        return
    unit = _Unit(context, form.table, rig, context.now(), context.writer.batch())
    counted: list[_Counted] = []
    for done, (path, key) in enumerate(entity_keys(paths, context.rig.path).items()):
        if context.stop():
            return
        context.progress(f"reading {form.table.replace('_', ' ')}s", done, len(paths))
        counted += _read(unit, path, f"file/{key}", form)
    _write(unit, counted, form.files, verdict)
    context.writer.commit(unit.batch)


@dataclass
class _Unit:
    """What is being written: all files of one kind together."""

    context: Context
    table: str
    rig: Entity
    at: datetime
    batch: Batch
    rows: int = 0
    refused: int = 0
    supplied: dict[Path, SuppliedFile] = field(default_factory=dict)

    def supply(self, path: Path) -> SuppliedFile:
        """Digest a file that an entry names, once; raises InputError when it cannot be read."""
        if path not in self.supplied:
            self.supplied[path] = self.context.writer.supplied(path)
        return self.supplied[path]

    def cover(self, subject: str, outcome: Outcome, rows: int, detail: str | None) -> None:
        """Say what became of a file, or of an entry that does not count."""
        said = detail[:DETAIL_LENGTH_MAX] if detail else None
        ended_at = self.context.now()
        self.batch.coverage(self.rig, self.table, subject, outcome=outcome, rows=rows, detail=said, started_at=self.at, ended_at=ended_at)


def _read(unit: _Unit, path: Path, subject: str, form: Form[S]) -> list[_Counted]:
    """Read one file; gives the entries that count, and says of the others why they do not."""
    context = unit.context
    try:
        file = context.writer.supplied(path)
        sheet = read_sheet(path, form, context.rig, unit.at)
    except (InputError, ProtocolError) as error:
        unit.cover(subject, Outcome.PROTOCOL_ERROR, 0, f"{path.name}: {error.message}" if isinstance(error, InputError) else str(error))
        return []
    counted: list[_Counted] = []
    refused, before = dict(sheet.refused), unit.rows
    for said in sheet.statements:
        rows = len(said.assets) or 1
        try:
            if unit.rows + rows > ROWS_MAX:
                raise InputError(f"all files together give more than {ROWS_MAX} rows", remedy="name the model instead of each asset")
            files = tuple(unit.supply(one) for one in said.files)
        except InputError as error:
            refused[said.number] = f"{said.place}: {error}"
            continue
        counted.append(_Counted(said, as_in_rig(path, context.rig.path), file.at(said.offset), files))
        unit.rows += rows
    for number, why in sorted(refused.items())[: REFUSED_MAX - unit.refused]:
        unit.cover(f"{subject}/{form.entry}/{number}", Outcome.PROTOCOL_ERROR, 0, why)
    unit.refused = min(REFUSED_MAX, unit.refused + len(refused))
    problems = [*sheet.problems, *([f"{len(refused)} of its entries do not count"] if refused else [])]
    outcome = Outcome.PARTIAL if problems else Outcome.OK
    if sheet.unanswered:
        problems.append(f"{sheet.unanswered} of its entries are not filled in")
    unit.cover(subject, outcome, unit.rows - before, "; ".join(problems) or None)
    return counted


def _write(unit: _Unit, counted: Sequence[_Counted], files: str, verdict: str) -> None:
    about: dict[tuple[Entity, str], list[_Counted]] = defaultdict(list)
    for one in counted:
        for entity in _entities(unit, one.said):
            about[entity, one.said.subject].append(one)
    for number, ((entity, subject), those) in enumerate(about.items(), 1):
        first: dict[str, list[_Counted]] = defaultdict(list)  # of each verdict those that are named
        for one in those:
            named = first[one.said.columns[verdict]]
            if len(named) < OTHERS_MAX:
                named.append(one)
        for one in those:
            others = [_said(other, word) for word, some in first.items() if word != one.said.columns[verdict] for other in some]
            columns: dict[str, Any] = {
                **one.said.columns,
                "path": one.path,
                files: [file.at(0) for file in one.files],
                f"{files.removesuffix('s')}_names": [as_in_rig(file.path, unit.context.rig.path) for file in one.files],
                "others": others[:OTHERS_MAX] or None,
            }
            unit.batch.row(unit.table, entity, subject, observed_at=unit.at, raw=one.raw, **columns)
        if number % SPILL_ROWS == 0:
            unit.batch.spill()


def _entities(unit: _Unit, said: Statement) -> list[Entity]:
    rig = unit.context.rig
    return [Entity.of(EntityKind.DECLARED, site_of(rig, one), one.id) for one in said.assets] or [unit.rig]


def _said(other: _Counted, verdict: str) -> str:
    return f"{verdict}, {other.said.place} ({other.raw})"

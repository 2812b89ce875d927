"""Runs the derivers, after correlation and before the checks: what they make lies in OUT/derived and is evidence like the rest."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

from plumbline.assess import second_stage
from plumbline.assess.second_stage import SecondStage
from plumbline.correlate.views import define_views
from plumbline.evidence.derived import DerivedParts, DerivedWriter, Deriver
from plumbline.evidence.engine import Connection, define_files, identifier
from plumbline.evidence.reference import Reference, load_reference_tables
from plumbline.evidence.specs import load_tables
from plumbline.model.errors import InternalError


def derivers() -> Mapping[str, Deriver]:
    """Find the derivers that the specs of derived tables name, in the order in which they build on each other."""
    names = {spec.derived for spec in load_tables().values() if spec.derived is not None}
    found = {name: cast(Deriver, importlib.import_module(f"plumbline.{name}.derive")) for name in _ORDER if name in names}
    made = {table for deriver in found.values() for table in deriver.TABLES}
    wanted = {name for name, spec in load_tables().items() if spec.derived not in (None, second_stage.PACKAGE)}
    if made != wanted:
        raise InternalError(f"derived tables without a deriver, or the other way round: {sorted(made ^ wanted)}")
    return found


_ORDER: Sequence[str] = ("vulnerabilities", "updates")


def define_reference(connection: Connection, reference: Reference) -> None:
    """Define `reference.<table>` for every reference table; empty where nothing was imported."""
    for name, spec in load_reference_tables().items():
        define_files(connection, f"reference.{identifier(name)}", spec.types(), reference.parts(name))


def derive(connection: Connection, reference: Reference, as_of: datetime, out: Path, merged_kinds: Collection[str]) -> DerivedParts:
    """Derive every table into OUT/derived, replacing what an older assessment left there, and define its relations.

    A deriver sees what those before it made. Coverage is for the caller to define anew, once all have run.
    """
    folder = out / "derived"
    shutil.rmtree(folder, ignore_errors=True)
    define_reference(connection, reference)
    write, parts = DerivedWriter(connection, folder, as_of), DerivedParts(folder)
    for deriver in derivers().values():
        deriver.derive(connection, reference, as_of, write)
        _define(connection, parts, deriver.TABLES, merged_kinds)
    second_stage.cover(connection, write)
    write.finish()
    return parts


def derived_before(connection: Connection, folder: Path, out: Path, merged_kinds: Collection[str]) -> DerivedParts:
    """Take into OUT/derived what an earlier assessment derived, where the reference data of then is not at hand, and define its relations.

    What it derived from its verdicts is left out: that is done anew.
    """
    shutil.rmtree(out / "derived", ignore_errors=True)
    shutil.copytree(folder, out / "derived", ignore=shutil.ignore_patterns(second_stage.TABLE))
    define_reference(connection, Reference(None))
    parts = DerivedParts(out / "derived")
    for deriver in derivers().values():
        _define(connection, parts, deriver.TABLES, merged_kinds)
    return parts


def derive_last(
    connection: Connection, stage: SecondStage, files: Mapping[str, Path], as_of: datetime, out: Path, merged_kinds: Collection[str]
) -> None:
    """Derive what the second stage reads, from the parts of the ledger that the first one wrote, and define its relation."""
    folder = out / "derived"
    stage.derive(connection, files, DerivedWriter(connection, folder, as_of))
    _define(connection, DerivedParts(folder), (second_stage.TABLE,), merged_kinds)


def _define(connection: Connection, parts: DerivedParts, tables: Sequence[str], merged_kinds: Collection[str]) -> None:
    for name in tables:
        relation = f"base.{identifier(name)}"
        if files := parts.parts(name):
            connection.execute(f"drop table {relation}")
            define_files(connection, relation, load_tables()[name].types(), files, place=True)
    define_views(connection, merged_kinds, tables)

"""Whether the files of an assessment are those that assessment.json speaks of; and which of them is damaged, where reading failed.

Not a seal (`attest`): told by counts and sizes, not by digests. Rules: what is missing is never read as nothing found; an error names the
file and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plumbline.assess.assessment import read_json
from plumbline.assess.conforming import FILE as CONFORMANCE
from plumbline.assess.digest import ledger_files
from plumbline.assess.misfit import misfit
from plumbline.assess.tallies import by_check, define_ledger
from plumbline.evidence.bundle import Bundle, Parts
from plumbline.evidence.damage import FAULTS, Readable, named
from plumbline.evidence.derived import DerivedParts
from plumbline.evidence.engine import connect, define_files
from plumbline.evidence.specs import COVERAGE, load_tables
from plumbline.model.errors import InputError
from plumbline.model.words import Outcome

REMEDY = "assess its bundles again"
_LEDGER: Mapping[str, str] = {
    **dict.fromkeys(("check", "asset", "subject", "verdict", "reason", "cvss", "detail", "basis"), "text"),
    "evidence": "list<text>",
}
_CONFORMANCE: Mapping[str, str] = {
    **dict.fromkeys(("provision", "asset", "verdict", "reason", "basis"), "text"),
    "checks": "list<text>",
}


@contextmanager
def reading(out: Path, bundles: Callable[[], Collection[Bundle]]) -> Iterator[None]:
    """Read what lies in `out` and in its bundles: where that fails because a file is damaged, InputError names it, and what is wrong."""
    with named(lambda: _files(out, bundles())):
        try:
            yield
        except FAULTS as error:
            if (wrong := misfit(read_json(out))) is None:
                raise
            where, remedy = str(out / "assessment.json"), "assess the bundle again with this release"
            raise InputError(f"not of the form that this release reads: {wrong}", where=where, remedy=remedy) from error


def check_ledger(ledger: Sequence[Path], said: Mapping[str, Any]) -> None:
    """Raise InputError where the ledger has not the verdicts that the assessment counts, as after an assessment that broke off."""
    with connect() as connection:
        define_ledger(connection, ledger)
        counted = {check: [getattr(tally, name) for name in _COUNTS.values()] for check, tally in by_check(connection).items()}
    for entry in said["checks"]:
        expected = [entry["tally"][word] for word in _COUNTS]
        found = counted.pop(entry["id"], [0] * len(_COUNTS))
        if found != expected:
            raise _of_another(ledger, f"of {entry['id']} it has {sum(found):,} verdicts")
    if counted:
        raise _of_another(ledger, f"it has verdicts of {min(map(str, counted))}")


_COUNTS: Mapping[str, str] = {"fail": "fail", "inconclusive": "inconclusive", "pass": "passed", "not_applicable": "not_applicable"}


def _of_another(ledger: Sequence[Path], seen: str) -> InputError:
    where = ledger[0] if len(ledger) == 1 else ledger[0].parent
    return InputError(f"not the ledger that assessment.json counts: {seen}", where=str(where), remedy=REMEDY)


def check_derived(out: Path, derived: DerivedParts) -> None:
    """Raise InputError where a table that was derived is missing."""
    with connect() as connection:
        define_files(connection, "base.coverage", COVERAGE, derived.coverage_parts())
        made = f"outcome in ('{Outcome.OK}', '{Outcome.PARTIAL}')"
        rows = connection.execute(f'select distinct "table" from base.coverage where {made} order by all').fetchall()
    for (table,) in rows:
        if table in load_tables() and not derived.parts(table):
            where = str(out / "derived" / "tables" / table)
            raise InputError("is missing, though it was derived", where=where, remedy=REMEDY)


def _files(out: Path, bundles: Collection[Bundle]) -> Iterator[Readable]:
    """List every file that a report may read rows from, with what it should hold."""
    for path in ledger_files(out / "ledger.parquet"):
        yield Readable(path, _LEDGER, ("check", "asset", "subject", "verdict"), REMEDY)
    if (out / CONFORMANCE).exists():
        yield Readable(out / CONFORMANCE, _CONFORMANCE, tuple(_CONFORMANCE), REMEDY)
    sources: list[Parts] = [DerivedParts(out / "derived"), *bundles]
    for source in sources:
        for path in source.coverage_parts():
            yield Readable(path, COVERAGE, ("entity", "table", "subject", "outcome"))
        for name, spec in load_tables().items():
            for path in source.parts(name):
                yield Readable(path, spec.types(), ("entity", "subject"))

"""Judges the evidence of a sealed assessment once more, and compares: does what is sealed follow from the evidence?

Rules: the same evidence, checks, parameters, reference data and date give the same ledger (law 3), so a difference is one of the ledger's.
Where one of them is not at hand, nothing is said to follow, and why is said; without the reference data, what was derived with it is taken
as it was sealed. Waivers and reviews are what people say, and are taken as assessment.json tells them. Reports are written from the
assessment, in words that change between releases: nobody derives them anew.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from plumbline import __version__
from plumbline.assess.assessment import read_json
from plumbline.assess.digest import ledger_digest
from plumbline.assess.overlay import Overlay, overlay_of, read_summaries
from plumbline.assess.run import assess
from plumbline.attest import differences
from plumbline.attest.at_hand import AtHand
from plumbline.attest.content import entries
from plumbline.attest.plain_files import is_plain
from plumbline.attest.statement import Facts
from plumbline.checks.registry import load_registry
from plumbline.evidence.reference import Reference
from plumbline.model.errors import EnvironmentFault, InputError

# What of assessment.json is not compared: where bundles lay, and the release, whose difference is said otherwise.
PLACES = ("bundles", "plumbline", "sessions[].bundle")


@dataclass(frozen=True, slots=True)
class Derived:
    """Whether one file follows from the evidence: True, False with where it differs, or None with why nobody can tell."""

    name: str
    follows: bool | None
    why: str = ""


class Rederivation:
    """A sealed assessment judged once more, into a folder of its own."""

    def __init__(self, folder: Path, facts: Facts, found: AtHand, scratch: Path) -> None:
        self._folder = folder
        self._facts = facts
        self._found = found
        self._scratch = scratch
        self.reference_missing = False  # then what was derived is taken as it lies in OUT, and the rest follows from it or does not

    def run(self, reference: Path | None, checks: Path | None, touched: Collection[str]) -> str | None:
        """Judge; `touched` are files of OUT that are not as they were sealed. Gives why it could not be done, None when it was."""
        facts = self._facts
        if self._found.missing:
            return f"evidence is not at hand: {', '.join(self._found.missing)} (name it with --bundle)"
        try:
            if load_registry(checks).digest != facts.checks_digest:
                return f"the checks at hand are not those that judged (Plumbline {facts.plumbline} then, {__version__} now)"
            # What was not there then must not be there now, or more would be known than was.
            self.reference_missing = bool(facts.reference) and Reference(reference).digests() != dict(facts.reference or {})
            derived = self._folder / "derived"
            if self.reference_missing and (not derived.is_dir() or any(name.startswith("derived/") for name in touched)):
                return "reference data is not at hand as it was (name it with --reference), and what was derived with it has changed"
            again = assess(
                [bundle.path for bundle in self._found.bundles.values()],
                self._scratch,
                as_of=datetime.fromisoformat(facts.as_of or ""),
                checks_dir=checks,
                parameters=facts.parameters,
                laid=self._laid(),
                reference=reference if facts.reference and not self.reference_missing else None,
                derived=derived if self.reference_missing else None,
            )
        except (InputError, EnvironmentFault, duckdb.Error, ValueError, RecursionError) as error:
            return f"it cannot be judged: {str(error)[:300]}"
        if again.parameters_digest != facts.parameters_digest:
            return "the parameters that the seal names are not those that judged"
        self.digest = again.ledger_digest
        return None

    def _laid(self) -> Overlay | None:
        """Read what people laid over the findings, as assessment.json tells it; None where it tells it in another form."""
        try:
            moment = datetime.fromisoformat(self._facts.as_of or "")
            return overlay_of(moment, *read_summaries(read_json(self._folder))) if self._is_plain("assessment.json") else None
        except (InputError, KeyError, TypeError, ValueError, AttributeError, RecursionError):
            return None

    def compared(self) -> Iterator[Derived]:
        """Compare what is sealed with what follows from the evidence, file by file."""
        yield self._ledger()
        yield self._derived()
        yield from (self._table(name) for name in self._names(""))
        yield self._summary()

    def _names(self, inside: str) -> list[str]:
        """Name the tables, sealed or judged anew, that lie in OUT itself or anywhere below one of its folders; not the ledger's."""
        found = set[str]()
        for root in (self._folder, self._scratch):
            if not inside:
                found |= {path.name for path in root.glob("*.parquet")}
            elif (root / inside).is_dir():
                found |= {f"{inside}/{entry.name}" for entry in entries(root / inside) if entry.name.endswith(".parquet")}
        return sorted(found - {"ledger.parquet"})

    def _derived(self) -> Derived:
        """Compare all derived tables; the first that differs is named."""
        if self.reference_missing:
            return Derived("derived", None, "the reference data of then is not at hand (name it with --reference)")
        for name in self._names("derived"):
            one = self._table(name)
            if one.follows is not True:
                return Derived("derived", one.follows, f"{name}: {one.why}")
        return Derived("derived", True)

    def _ledger(self) -> Derived:
        """Compare the ledgers by their digests, and by their rows where those differ."""
        name = "ledger.parquet"
        if not self._is_plain(name) and not (self._folder / name).is_dir():
            return Derived(name, False, "is no plain file")
        try:
            mine = ledger_digest(self._folder / name)
        except InputError as error:
            return Derived(name, False, str(error)[:300])
        if mine == self.digest == self._facts.ledger_digest:
            return Derived(name, True)
        return Derived(name, False, self.where(name) or "the ledger that follows is not the one that was sealed")

    def _table(self, name: str) -> Derived:
        if not (self._scratch / name).is_file():
            return Derived(name, None, "this release makes no such file")
        if not self._is_plain(name):
            return Derived(name, None, "is not there, and the seal names none")
        where = differences.in_table(self._folder / name, self._scratch / name)
        return Derived(name, where is None, where or "")

    def _is_plain(self, name: str) -> bool:
        """Tell whether a name in OUT is a plain file: a pipe would be waited for without end."""
        return is_plain(self._folder / name)

    def _summary(self) -> Derived:
        if not self._is_plain("assessment.json"):
            return Derived("assessment.json", False, "is no plain file")
        try:
            said, due = read_json(self._folder), read_json(self._scratch)
        except (InputError, RecursionError) as error:
            return Derived("assessment.json", False, str(error)[:300])
        if said.get("bundles") != dict(self._facts.bundles):
            return Derived("assessment.json", False, "bundles are not those that the seal names")
        but = (*PLACES, *(("reference",) if self.reference_missing else ()))
        where = differences.in_json(said, due, but)
        if where is not None and self._facts.plumbline != __version__:
            why = f"{where}; by its seal Plumbline {self._facts.plumbline} wrote it, whose words may be others than those of {__version__}"
            return Derived("assessment.json", None, why)
        return Derived("assessment.json", where is None, where or "")

    def where(self, name: str) -> str | None:
        """Say where a file of OUT, a table or assessment.json, differs from what follows; None: nowhere, or nobody can tell."""
        found, due = self._folder / name, self._scratch / name
        if not self._is_plain(name) or not due.is_file():
            return self._in_folder(name) if found.is_dir() or due.is_dir() else None
        if name.endswith(".parquet"):
            return differences.in_table(found, due)
        if name != "assessment.json":
            return None
        try:
            return differences.in_json(json.loads(found.read_bytes()), read_json(self._scratch), PLACES)
        except (ValueError, RecursionError) as error:
            return f"no JSON: {error}"[:200]

    def _in_folder(self, name: str) -> str | None:
        """Say where a large ledger, a folder of one file for each check, differs."""
        names = {path.relative_to(root).as_posix() for root in (self._folder, self._scratch) for path in root.glob(f"{name}/*.parquet")}
        for part in sorted(names):
            if not (self._folder / part).is_file():
                return f"{part} is missing"
            if not (self._scratch / part).is_file():
                return f"{part} is one too many"
            if (where := self.where(part)) is not None:
                return f"{part}: {where}"
        return None

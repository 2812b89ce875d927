"""The lab's truth as callers want it, and how a ledger differs from it.

Not the deriving itself (`decision` and what it stands on). Rules: every row counts: a missing one, one too many, another verdict, another
reason. Only verdict and reason are compared; what a finding says of itself is the business of the check's own examples.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from plumbline.lab.fleet import Fleet
from plumbline.lab.truth.decision import ledger
from plumbline.model.words import Verdict

Key = tuple[str, str, str]
"""Check, asset, subject: what a row of a ledger is about."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a ledger must say, or says, about one key; `reason` as in the ledger, None for a plain verdict."""

    verdict: Verdict
    reason: str | None = None

    def __str__(self) -> str:
        return self.verdict.value + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not as it should be; `expected` is None for a row too many, `found` for a missing one."""

    check: str
    asset: str
    subject: str
    expected: Expected | None
    found: Expected | None

    def __str__(self) -> str:
        about = " ".join(part for part in (self.check, self.asset, self.subject) if part)
        if self.expected is None:
            return f"{about}: unexpected, {self.found}"
        if self.found is None:
            return f"{about}: missing, should be {self.expected}"
        return f"{about}: {self.found}, should be {self.expected}"


def truth(fleet: Fleet, subset: Collection[str] | None = None) -> Mapping[Key, Expected]:
    """Say what a right audit of a lab gives: every row of its ledger.

    `subset` names the devices whose addresses the rig's networks hold (as given to `rigfile.write`), None for all.
    """
    return {(row.check, row.asset, row.subject): Expected(row.verdict, row.reason) for row in ledger(fleet, subset)}


def read(ledger_parquet: Path) -> Mapping[Key, Expected]:
    """Read the rows of a ledger file; raises OSError where there is none."""
    rows = pq.read_table(ledger_parquet, columns=["check", "asset", "subject", "verdict", "reason"]).to_pylist()  # type: ignore[no-untyped-call]
    return {(row["check"], row["asset"], row["subject"]): Expected(Verdict(row["verdict"]), row["reason"]) for row in rows}


def compare(expected: Mapping[Key, Expected], found: Mapping[Key, Expected]) -> list[Difference]:
    """Give the rows in which two ledgers differ, in order of check, asset and subject; empty when they are the same."""
    keys = sorted(expected.keys() | found.keys())
    return [Difference(*key, expected.get(key), found.get(key)) for key in keys if expected.get(key) != found.get(key)]


def differences(expected: Mapping[Key, Expected], ledger_parquet: Path) -> list[Difference]:
    """Hold a ledger file against the truth, as `compare` does; raises OSError where there is no such file."""
    return compare(expected, read(ledger_parquet))

"""Holds a ledger against the truth: what is missing, what is wrong, what is too much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from plumbline.lab.truth.world import Expected, Key
from plumbline.model.words import Verdict


@dataclass(frozen=True, slots=True)
class Difference:
    """One row on which truth and ledger differ; None: that side has no such row."""

    key: Key
    expected: Expected | None
    given: Expected | None

    def __str__(self) -> str:
        check, asset, subject = self.key
        place = f"{check} of {asset}" + (f", {subject}" if subject else "")
        return f"{place}: {self.given or 'no row'}, the truth is {self.expected or 'no row'}"


def differences(expected: Mapping[Key, Expected], ledger: Path) -> list[Difference]:
    """Compare with a ledger.parquet, a file or a folder of parts; empty when every row is as it must be."""
    return compare(expected, read(ledger))


def read(ledger: Path) -> dict[Key, Expected]:
    """Read the verdicts of a ledger.parquet."""
    table = pq.read_table(ledger, columns=["check", "asset", "subject", "verdict", "reason"])
    return {
        (row["check"], row["asset"], row["subject"]): Expected(Verdict(row["verdict"]), row["reason"])
        for batch in table.to_batches()
        for row in batch.to_pylist()
    }


def compare(expected: Mapping[Key, Expected], given: Mapping[Key, Expected]) -> list[Difference]:
    """Compare two ledgers, in order of check, asset and subject."""
    pairs = ((key, expected.get(key), given.get(key)) for key in sorted(expected.keys() | given.keys()))
    return [Difference(*pair) for pair in pairs if pair[1] != pair[2]]

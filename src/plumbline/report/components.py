"""Components of a rig, and who carries them: what bills of materials and statements about vulnerabilities are made of.

Not a format. Rules: a component is what IDENTITY and its changelog's fixes say, and stands once, however many carry it; a carrier whose
components could not be listed is a carrier all the same, with the outcome of the best attempt.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow.parquet as pq
from packageurl import PackageURL

from plumbline.evidence.bundle import Bundle
from plumbline.model.words import EntityKind, Outcome

IDENTITY = ("name", "version", "manager", "confidence", "architecture", "source", "source_version", "namespace", "purl", "cpe", "supplier")
ROWS_SHOWN = 5
CARRIERS = frozenset({EntityKind.IMAGE.value, EntityKind.SYSTEM.value, EntityKind.SBOM.value})
# Well-formed names of CPE 2.3 and 2.2 (NISTIR 7695, 6.1.3 and 6.2.3): what a bill or a banner says may be anything.
_PART = r"(?:(?:\?*|\*?)(?:[A-Za-z0-9._-]|\\[\\*?!\"#$%&'()+,/:;<=>@\[\]^`{|}~])+(?:\?*|\*?)|[*-])"
_LANGUAGE = r"(?:[A-Za-z]{2,3}(?:-(?:[A-Za-z]{2}|[0-9]{3}))?|[*-])"
CPE = re.compile(rf"cpe:2\.3:[aho*-](?::{_PART}){{5}}:{_LANGUAGE}(?::{_PART}){{4}}|cpe:/[aho]?(?::[A-Za-z0-9._~%-]*){{0,6}}")
_NAMESPACE = uuid.UUID("5f0c1d52-0b43-5e4e-9f2a-8f6f0c0f5a10")  # any fixed one


@dataclass
class Held:
    """One component, by the columns of IDENTITY, with the rows that say so and who carries it."""

    identity: tuple[str | None, ...]
    fixes: tuple[str, ...] | None
    rows: list[str] = field(default_factory=list)  # at most ROWS_SHOWN
    carriers: dict[str, None] = field(default_factory=dict)

    def __getitem__(self, column: str) -> str | None:
        return self.identity[IDENTITY.index(column)]

    @property
    def cpe(self) -> str | None:
        """Its CPE name, when it is well formed."""
        said = self["cpe"]
        return said if said and CPE.fullmatch(said) else None

    @property
    def purl(self) -> PackageURL | None:
        """Its package URL, when it is well formed."""
        try:
            return PackageURL.from_string(self["purl"]) if self["purl"] else None
        except ValueError:
            return None


@dataclass
class Carrier:
    """One entity that holds components, and how well those could be listed; `version` is its own, where something tells it."""

    entity: str
    outcome: Outcome | None = None
    name: str | None = None
    version: str | None = None
    sha256: str | None = None


def reference_of(held: Held) -> str:
    """Name a component within the bill, whoever carries it."""
    return f"component/{uuid.uuid5(_NAMESPACE, repr((held.identity, held.fixes)))}"


def held_in(bundles: Sequence[Bundle]) -> list[Held]:
    """Read the components of all bundles, each once."""
    found: dict[tuple[Any, ...], Held] = {}
    for row in _rows(bundles, "component", ("entity", "fixes", *IDENTITY)):
        fixes = None if row["fixes"] is None else tuple(row["fixes"])
        identity = tuple(row[column] for column in IDENTITY)
        held = found.setdefault((identity, fixes), Held(identity, fixes))
        held.carriers.setdefault(row["entity"])
        if len(held.rows) < ROWS_SHOWN:
            held.rows.append(row["row_id"])
    return list(found.values())


def carriers_of(bundles: Sequence[Bundle]) -> dict[str, Carrier]:
    """Read who holds components, or should, by entity: of several attempts the best counts."""
    found: dict[str, Carrier] = {}
    for bundle in bundles:
        for part in bundle.coverage_parts():
            for row in pq.read_table(part, columns=["entity", "table", "outcome"]).to_pylist():
                if row["table"] == "component" and row["entity"].partition(":")[0] in CARRIERS:
                    carrier = found.setdefault(row["entity"], Carrier(row["entity"]))
                    outcome = Outcome(row["outcome"])
                    if carrier.outcome is None or outcome.rank < carrier.outcome.rank:
                        carrier.outcome = outcome
    for row in _rows(bundles, "image", ("entity", "path", "os_version", "sha256")):
        _known(found, row["entity"], name=row["path"], version=row["os_version"], sha256=row["sha256"])
    for row in _rows(bundles, "sbom", ("entity", "name", "version", "sha256")):
        _known(found, row["entity"], name=row["name"], version=row["version"], sha256=row["sha256"])
    return found


def _known(found: Mapping[str, Carrier], entity: str, **facts: str | None) -> None:
    carrier = found.get(entity)
    for name, value in facts.items():
        if carrier is not None and value:
            setattr(carrier, name, value)


def _rows(bundles: Sequence[Bundle], table: str, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Read some columns of a table, and the rows' ids; a column that an older bundle lacks is null."""
    for bundle in bundles:
        for part in bundle.parts(table):
            number = 0
            with pq.ParquetFile(part) as file:
                there = [column for column in columns if column in file.schema_arrow.names]
                for batch in file.iter_batches(batch_size=20_000, columns=there):
                    for row in batch.to_pylist():
                        yield {**dict.fromkeys(columns), **row, "row_id": f"{table}/{part.stem}#{number}"}
                        number += 1

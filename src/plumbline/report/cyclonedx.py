"""A bill of materials of the whole rig in CycloneDX 1.6: what every image, system and supplied bill consists of, and who says so.

    metadata.component          the rig
    components                  one for each carrier (an image, a system, a bill), and one for each component, however many carry it
    dependencies                the rig on its carriers, a carrier on its components
    vulnerabilities             what was matched, with its analysis (`exploitability`); `plumbline:vulnerabilities` says how well that went

Not the ledger: nothing is judged here. Rules: a carrier whose components could not all be listed says so (`plumbline:components`, the
outcome of collecting them), one with none too; what a changelog mended stands as a backport in the pedigree; serial number and time are
those of the assessment, so that the same assessment gives the same bill. Source: CycloneDX 1.6 JSON schema (ECMA-424).
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType, Patch, PatchClassification, Pedigree
from cyclonedx.model.component_evidence import AnalysisTechnique, ComponentEvidence, Identity, IdentityField, Method
from cyclonedx.model.contact import OrganizationalEntity
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.issue import IssueClassification, IssueType
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from plumbline.evidence.bundle import Bundle
from plumbline.evidence.derived import DerivedParts
from plumbline.model.words import EntityKind, Outcome
from plumbline.report.data import Report
from plumbline.report.exploitability import attempted, vulnerabilities_of
from plumbline.report.format import Format
from plumbline.report.loading import bundles_of
from plumbline.report.text import visible

IDENTITY = ("name", "version", "manager", "confidence", "architecture", "source", "source_version", "namespace", "purl", "cpe", "supplier")
ROWS_SHOWN = 5
_NAMESPACE = uuid.UUID("5f0c1d52-0b43-5e4e-9f2a-8f6f0c0f5a10")  # any fixed one: it makes serial numbers of ledger digests
_KINDS: Mapping[str, ComponentType] = {
    EntityKind.IMAGE.value: ComponentType.FIRMWARE,
    EntityKind.SYSTEM.value: ComponentType.DEVICE,
    EntityKind.SBOM.value: ComponentType.FIRMWARE,
}
# How sure each way is that a component is what it is called, and by which technique it was found.
_WAYS: Mapping[str, tuple[str, AnalysisTechnique]] = {
    "database": ("0.95", AnalysisTechnique.MANIFEST_ANALYSIS),
    "sbom": ("0.9", AnalysisTechnique.MANIFEST_ANALYSIS),
    "banner": ("0.8", AnalysisTechnique.BINARY_ANALYSIS),
    "manifest": ("0.6", AnalysisTechnique.SOURCE_CODE_ANALYSIS),
    "string": ("0.5", AnalysisTechnique.BINARY_ANALYSIS),
}


@dataclass
class Held:
    """One component, by the columns of IDENTITY, with the rows that say so and who carries it."""

    identity: tuple[str | None, ...]
    fixes: tuple[str, ...] | None
    rows: list[str] = field(default_factory=list)  # at most ROWS_SHOWN
    carriers: dict[str, None] = field(default_factory=dict)

    def __getitem__(self, column: str) -> str | None:
        return self.identity[IDENTITY.index(column)]


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


def write(report: Report, out: Path, to: Path) -> list[Path]:
    """Write sbom.cdx.json into `to`, with the vulnerabilities that were matched."""
    bundles, derived = bundles_of(out), DerivedParts(out / "derived")
    bom = bom_of(report, carriers_of(bundles), held_in(bundles))
    bom.vulnerabilities = vulnerabilities_of(derived, bundles, IDENTITY, lambda values, fixes: reference_of(Held(values, fixes)))
    outcome = attempted(derived)
    bom.properties.add(Property(name="plumbline:vulnerabilities", value=outcome.value if outcome else "not_attempted"))
    path = to / "sbom.cdx.json"
    path.touch(mode=0o600)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that leaves depend on nothing is meant
        path.write_text(JsonV1Dot6(bom).output_as_string(indent=1) + "\n", encoding="utf-8")
    return [path]


FORMAT = Format("a bill of materials in CycloneDX, for tools that follow components", ("sbom.cdx.json",), write)


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
                if row["table"] == "component" and row["entity"].partition(":")[0] in _KINDS:
                    carrier = found.setdefault(row["entity"], Carrier(row["entity"]))
                    outcome = Outcome(row["outcome"])
                    if carrier.outcome is None or outcome.rank < carrier.outcome.rank:
                        carrier.outcome = outcome
    for row in _rows(bundles, "image", ("entity", "path", "os_version", "sha256")):
        _known(found, row["entity"], name=row["path"], version=row["os_version"], sha256=row["sha256"])
    for row in _rows(bundles, "sbom", ("entity", "name", "version", "sha256")):
        _known(found, row["entity"], name=row["name"], version=row["version"], sha256=row["sha256"])
    return found


def bom_of(report: Report, carriers: Mapping[str, Carrier], components: Iterable[Held]) -> Bom:
    """Build the bill; a component's `bom_ref` is its `reference_of`, a carrier's its entity."""
    everything = {**carriers}
    listed: dict[str, Component] = {}
    held_by: dict[str, list[Component]] = {}
    for held in components:
        made = _component(held)
        listed[reference_of(held)] = made
        for entity in held.carriers:
            everything.setdefault(entity, Carrier(entity))
            held_by.setdefault(entity, []).append(made)
    names = {merge.entity: asset.name for asset in report.assets for merge in asset.merges} | {one.id: one.name for one in report.assets}
    rig = Component(name=_shown(report.head.rig_name), type=ComponentType.PLATFORM, bom_ref=f"rig/{report.head.rig_id}")
    bearers = [_bearer(carrier, names.get(carrier.entity)) for _, carrier in sorted(everything.items())]
    dependencies = [Dependency(rig.bom_ref, [Dependency(bearer.bom_ref) for bearer in bearers])]
    dependencies += [
        Dependency(bearer.bom_ref, [Dependency(one.bom_ref) for one in held_by.get(bearer.bom_ref.value or "", ())]) for bearer in bearers
    ]
    dependencies += [Dependency(one.bom_ref) for one in listed.values()]
    tool = Component(name="plumbline", version=report.head.version, type=ComponentType.APPLICATION)
    missing = [Property(name="plumbline:missing-bundle", value=_shown(name)) for name in report.missing_bundles]
    return Bom(
        serial_number=uuid.uuid5(_NAMESPACE, report.head.ledger_digest),
        metadata=BomMetaData(component=rig, timestamp=report.head.as_of, tools=ToolRepository(components=[tool])),
        components=[*bearers, *listed.values()],
        dependencies=dependencies,
        properties=missing,
    )


def _component(held: Held) -> Component:
    kind = ComponentType.OPERATING_SYSTEM if held["manager"] == "kernel" else ComponentType.LIBRARY
    supplier = held["supplier"]
    purl = _purl(held["purl"])
    confidence, technique = _WAYS.get(held["confidence"] or "", ("0.3", AnalysisTechnique.OTHER))
    identity = Identity(
        field=IdentityField.PURL if purl else IdentityField.CPE if held["cpe"] else IdentityField.NAME,
        confidence=Decimal(confidence),
        methods=[Method(technique=technique, confidence=Decimal(confidence))],
    )
    told = {"manager": held["manager"], "source": held["source"], "source-version": held["source_version"], "namespace": held["namespace"]}
    properties = [Property(name=f"plumbline:{name}", value=_shown(value)) for name, value in told.items() if value]
    properties += [Property(name="plumbline:row", value=row) for row in held.rows]
    return Component(
        name=_shown(held["name"] or "unnamed"),
        version=_shown(held["version"]) if held["version"] else None,
        type=kind,
        bom_ref=reference_of(held),
        purl=purl,
        cpe=held["cpe"],
        supplier=OrganizationalEntity(name=_shown(supplier)) if supplier else None,
        pedigree=_pedigree(held.fixes) if held.fixes else None,
        evidence=ComponentEvidence(identity=[identity]),
        properties=properties,
    )


def _pedigree(fixes: Iterable[str]) -> Pedigree:
    resolved = [IssueType(type=IssueClassification.SECURITY, id=name) for name in fixes]
    return Pedigree(patches=[Patch(type=PatchClassification.BACKPORT, resolves=resolved)])


def _bearer(carrier: Carrier, name: str | None) -> Component:
    kind, _, key = carrier.entity.partition(":")
    return Component(
        name=_shown(name or carrier.name or key.lstrip("/") or carrier.entity),
        version=_shown(carrier.version) if carrier.version else None,
        type=_KINDS.get(kind, ComponentType.DEVICE),
        bom_ref=carrier.entity,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=carrier.sha256)] if carrier.sha256 else None,
        properties=[Property(name="plumbline:components", value=carrier.outcome.value if carrier.outcome else "not_attempted")],
    )


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


def _purl(text: str | None) -> PackageURL | None:
    try:
        return PackageURL.from_string(text) if text else None
    except ValueError:
        return None


def _shown(text: str) -> str:
    return visible(text)

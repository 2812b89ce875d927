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

import re
import uuid
import warnings
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType, Patch, PatchClassification, Pedigree
from cyclonedx.model.component_evidence import AnalysisTechnique, ComponentEvidence, Identity, IdentityField, Method
from cyclonedx.model.contact import OrganizationalEntity
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.issue import IssueClassification, IssueType
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6

from plumbline.evidence.derived import DerivedParts
from plumbline.model.words import EntityKind
from plumbline.report.components import Carrier, Held, carriers_of, held_in, reference_of
from plumbline.report.data import Report
from plumbline.report.exploitability import attempted, vulnerabilities_of
from plumbline.report.format import Format
from plumbline.report.loading import bundles_of
from plumbline.report.text import visible

_NAMESPACE = uuid.UUID("5f0c1d52-0b43-5e4e-9f2a-8f6f0c0f5a10")  # any fixed one: it makes serial numbers of ledger digests
SHA256 = re.compile("[0-9a-f]{64}")
VERSION_MAX = 1024  # characters, by the schema
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


def write(report: Report, out: Path, to: Path) -> list[Path]:
    """Write sbom.cdx.json into `to`, with the vulnerabilities that were matched."""
    bundles, derived = bundles_of(out), DerivedParts(out / "derived")
    bom = bom_of(report, carriers_of(bundles), held_in(bundles))
    bom.vulnerabilities = vulnerabilities_of(derived, bundles)
    outcome = attempted(derived, whole=not report.missing_bundles)
    bom.properties.add(Property(name="plumbline:vulnerabilities", value=outcome.value if outcome else "not_attempted"))
    path = to / "sbom.cdx.json"
    path.touch(mode=0o600)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that leaves depend on nothing is meant
        path.write_text(JsonV1Dot6(bom).output_as_string(indent=1) + "\n", encoding="utf-8", newline="\n")
    return [path]


FORMAT = Format("a bill of materials in CycloneDX, for tools that follow components", ("sbom.cdx.json",), write)


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
    rig = Component(name=visible(report.head.rig_name), type=ComponentType.PLATFORM, bom_ref=f"rig/{report.head.rig_id}")
    bearers = [_bearer(carrier, names.get(carrier.entity)) for _, carrier in sorted(everything.items())]
    dependencies = [Dependency(rig.bom_ref, [Dependency(bearer.bom_ref) for bearer in bearers])]
    dependencies += [
        Dependency(bearer.bom_ref, [Dependency(one.bom_ref) for one in held_by.get(bearer.bom_ref.value or "", ())]) for bearer in bearers
    ]
    dependencies += [Dependency(one.bom_ref) for one in listed.values()]
    tool = Component(name="plumbline", version=report.head.version, type=ComponentType.APPLICATION)
    missing = [Property(name="plumbline:missing-bundle", value=visible(name)) for name in report.missing_bundles]
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
    purl = held.purl
    confidence, technique = _WAYS.get(held["confidence"] or "", ("0.3", AnalysisTechnique.OTHER))
    identity = Identity(
        field=IdentityField.PURL if purl else IdentityField.CPE if held.cpe else IdentityField.NAME,
        confidence=Decimal(confidence),
        methods=[Method(technique=technique, confidence=Decimal(confidence))],
    )
    told = {"manager": held["manager"], "source": held["source"], "source-version": held["source_version"], "namespace": held["namespace"]}
    properties = [Property(name=f"plumbline:{name}", value=visible(value)) for name, value in told.items() if value]
    properties += [Property(name="plumbline:row", value=row) for row in held.rows]
    return Component(
        name=visible(held["name"] or "unnamed"),
        version=_version(held["version"]),
        type=kind,
        bom_ref=reference_of(held),
        purl=purl,
        cpe=held.cpe,
        supplier=OrganizationalEntity(name=visible(supplier)) if supplier else None,
        pedigree=_pedigree(held.fixes) if held.fixes else None,
        evidence=ComponentEvidence(identity=[identity]),
        properties=properties,
    )


def _pedigree(fixes: Iterable[str]) -> Pedigree:
    resolved = [IssueType(type=IssueClassification.SECURITY, id=name) for name in fixes]
    return Pedigree(patches=[Patch(type=PatchClassification.BACKPORT, resolves=resolved)])


def _bearer(carrier: Carrier, name: str | None) -> Component:
    kind, _, key = carrier.entity.partition(":")
    digest = carrier.sha256 or ""
    return Component(
        name=visible(name or carrier.name or key.lstrip("/") or carrier.entity),
        version=_version(carrier.version),
        type=_KINDS.get(kind, ComponentType.DEVICE),
        bom_ref=carrier.entity,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)] if SHA256.fullmatch(digest) else None,
        properties=[Property(name="plumbline:components", value=carrier.outcome.value if carrier.outcome else "not_attempted")],
    )


def _version(text: str | None) -> str | None:
    return visible(text)[:VERSION_MAX] if text else None

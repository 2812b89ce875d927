"""Collects the bills of materials that the rig file lists: what a firmware consists of, in its maker's words.

A bill is an equal of what an image's own database says: its components are matched alike. Rules: a form that is not read is told by name; a
bill that says of itself that it is incomplete makes its components partial.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from plumbline.collect.attempt import Attempt, attempt_each
from plumbline.collect.context import Context
from plumbline.collect.file_names import as_in_rig
from plumbline.collect.json_text import parse
from plumbline.collect.sbom.cyclonedx import TABLES, Bill, read_bill
from plumbline.evidence.bundle import SuppliedFile
from plumbline.model.errors import ProtocolError
from plumbline.model.words import EntityKind, Outcome
from plumbline.rig.models import Sbom

SIZE_MAX = 48 << 20
_OTHERS: Mapping[bytes, str] = {b"<": "XML", b"SPDXVersion:": "SPDX", b"PK": "a compressed file", b"\x1f\x8b": "a compressed file"}


def collect(context: Context) -> None:
    """Read every bill of materials of the rig file."""
    by_path: dict[Path, list[Sbom]] = {}
    for sbom in context.rig.sboms:
        by_path.setdefault(sbom.path, []).append(sbom)

    def read(attempt: Attempt, file: SuppliedFile) -> None:
        _read(attempt, file, by_path[file.path])

    attempt_each(context, EntityKind.SBOM, by_path, TABLES, read, doing="bills of materials")


def _read(attempt: Attempt, file: SuppliedFile, about: list[Sbom]) -> None:
    name = file.path.name
    with file.path.open("rb") as stream:
        data = stream.read(SIZE_MAX + 1)
    other = next((word for start, word in _OTHERS.items() if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(start)), None)
    try:
        if len(data) > SIZE_MAX:
            raise ProtocolError(f"larger than {SIZE_MAX >> 20} MB, which no bill of materials is")
        document = parse(data) if other is None else None
        if isinstance(document, dict) and "spdxVersion" in document:
            other = "SPDX"
        if other is not None:
            attempt.short(Outcome.NOT_SUPPORTED, f"{name}: {other} is not read; give CycloneDX in JSON")
            return
        _write(attempt, file, about, read_bill(document))
    except ProtocolError as error:
        attempt.short(Outcome.PROTOCOL_ERROR, f"{name}: {error}")


def _write(attempt: Attempt, file: SuppliedFile, about: list[Sbom], bill: Bill) -> None:
    raw, path = file.at(0), as_in_rig(file.path, attempt.context.rig.path)
    for sbom in about:
        attempt.row(
            "sbom",
            raw=raw,
            path=path,
            sha256=file.sha256,
            format="CycloneDX",
            spec_version=bill.spec_version,
            serial_number=bill.serial_number,
            model=sbom.model,
            declared_id=sbom.asset,
            name=bill.name,
            version=bill.version,
            supplier=bill.supplier,
            created_at=bill.created_at,
            complete=bill.complete,
            components=len(bill.components),
            identified=sum(one.purl is not None or one.cpe is not None for one in bill.components),
        )
    for one in bill.components:
        attempt.row(
            "component",
            f"component/{one.name}",
            raw=raw,
            name=one.name,
            version=one.version,
            scheme=one.scheme,
            architecture=one.architecture,
            manager="sbom",
            confidence="sbom",
            source=one.source,
            source_version=one.source_version,
            namespace=one.namespace,
            purl=one.purl,
            cpe=one.cpe,
            supplier=one.supplier,
            fixes=None if one.fixes is None else list(one.fixes),
            path=path,
        )
    for problem in bill.problems:
        attempt.short(Outcome.PARTIAL, f"{file.path.name}: {problem}", "component")

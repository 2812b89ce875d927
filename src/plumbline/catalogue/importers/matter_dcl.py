"""Answers of the Distributed Compliance Ledger of Matter (REST API): models, their software versions, certificates of compliance.

    model               vid, pid, deviceTypeId, productName, productLabel, productUrl
    modelVersion        vid, pid, softwareVersion (an integer that must grow), softwareVersionString, softwareVersionValid, otaUrl,
                        otaFileSize, otaChecksum with otaChecksumType 1 (SHA-256), minApplicableSoftwareVersion,
                        maxApplicableSoftwareVersion, releaseNotesUrl
    complianceInfo      vid, pid, softwareVersion, certificationType, softwareVersionCertificationStatus (1 provisional, 2 certified,
                        3 revoked), date, cDCertificateId
    vendorInfo          vendorID, vendorName

Each is an object or a list; one file may hold several, and a file of JSON lines one a line. Source: zigbee-alliance/distributed-compliance-
ledger, and the Matter specification 11.23.

Rules: a version that is not valid is retracted; one whose certificate was revoked is revoked. The ledger dates no release. The bounds from
which an image may be installed are numbers there: the nearest known versions within them stand here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from plumbline.catalogue import values
from plumbline.catalogue.documents import Document
from plumbline.catalogue.facts import Product, Release, ReleaseState, Unread
from plumbline.catalogue.importer import Importer, Read
from plumbline.catalogue.names import product_key
from plumbline.model.errors import ProtocolError

SHA256_TYPE = 1
CERTIFIED, REVOKED = 2, 3
_STATUS = {1: "provisional", CERTIFIED: "certified", REVOKED: "revoked"}
_MEMBERS = ("model", "modelVersion", "complianceInfo", "vendorInfo")
# Matter Device Library, device type ids: what a device of each is, and what it senses.
_TYPES: Mapping[int, tuple[str, tuple[str, ...] | None]] = {
    0x000A: ("lock", None),
    0x000E: ("bridge", None),
    0x0015: ("sensor", ("contact",)),
    0x002C: ("sensor", ("air quality",)),
    0x0043: ("sensor", ("water leak",)),
    0x0076: ("alarm", ("smoke", "carbon monoxide")),
    0x0100: ("light", None),
    0x0101: ("light", None),
    0x010A: ("plug", None),
    0x010B: ("plug", None),
    0x010C: ("light", None),
    0x010D: ("light", None),
    0x0106: ("sensor", ("illuminance",)),
    0x0107: ("sensor", ("occupancy",)),
    0x0202: ("cover", None),
    0x0301: ("thermostat", ("temperature",)),
    0x0302: ("sensor", ("temperature",)),
    0x0305: ("sensor", ("pressure",)),
    0x0306: ("sensor", ("flow",)),
    0x0307: ("sensor", ("humidity",)),
}
_Device = tuple[int, int]  # vendor id, product id


@dataclass
class _Known:
    """What the documents have said of one product."""

    model: Mapping[str, Any] = field(default_factory=dict)
    versions: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    compliance: dict[int, list[Mapping[str, Any]]] = field(default_factory=dict)


class Reader(Importer):
    """Gathers all answers, then gives products and releases."""

    title: ClassVar[str] = "Matter Distributed Compliance Ledger"

    def __init__(self) -> None:
        self._vendors: dict[int, str] = {}
        self._known: dict[_Device, _Known] = {}

    def takes(self, document: Document) -> bool:
        """A JSON object, or lines of them, with one of the members and a vid."""
        head = document.data[:65_536]
        named = any(f'"{member}"'.encode() in head for member in (*_MEMBERS, "modelVersions"))
        return document.looks_like_json and named and (b'"vid"' in head or b'"vendorID"' in head)

    def read(self, document: Document) -> Iterator[Read]:
        """Take what a document says; facts come at the end, when vendors, models and versions are known together."""
        try:
            answers: list[tuple[str, Any]] = [(document.name, document.json)]
        except ProtocolError:
            answers = list(document.json_lines())
        for where, answer in answers:
            if isinstance(answer, ProtocolError):
                yield Unread(where, str(answer))
                continue
            found = values.obj(answer)
            if "modelVersions" in found and not any(member in found for member in _MEMBERS):
                yield Unread(where, "lists numbers of versions alone; add the answer for each version")
            for member in _MEMBERS:
                entries = found.get(member)
                for number, entry in enumerate(entries if isinstance(entries, list) else [entries] if entries else [], 1):
                    if not self._take(member, values.obj(entry)):
                        yield Unread(f"{where}, {member} {number}", "without its vendor, product or version number")

    def rest(self) -> Iterator[Read]:
        """Give products and releases, by vendor and product id."""
        used: dict[str, _Device] = {}
        for (vid, pid), known in sorted(self._known.items()):
            vendor = self._vendors.get(vid) or f"vendor {vid}"
            name = values.text(known.model.get("productName")) or values.text(known.model.get("productLabel")) or f"product {pid}"
            key = product_key(vendor, name)
            if used.setdefault(key, (vid, pid)) != (vid, pid):
                key = product_key(vendor, f"{name} ({pid})")
            kind, sensors = _TYPES.get(values.integer(known.model.get("deviceTypeId")) or 0, (None, None))
            yield Product(
                product=key,
                vendor=vendor,
                model=name,
                title=values.text(known.model.get("productLabel")),
                identifiers=(f"matter:{vid}/{pid}",),
                device_class=kind,
                sensors=sensors,
                protocols=("matter",),
                hardware=None,
                url=values.text(known.model.get("productUrl"), 2_000),
            )
            for number in sorted(known.versions.keys() | known.compliance.keys()):
                yield _release(key, number, known)

    def _take(self, member: str, entry: Mapping[str, Any]) -> bool:
        if member == "vendorInfo":
            vid, name = values.integer(entry.get("vendorID")), values.text(entry.get("vendorName"))
            if vid is not None and name is not None:
                self._vendors[vid] = name
            return vid is not None
        vid, pid = values.integer(entry.get("vid")), values.integer(entry.get("pid"))
        number = values.integer(entry.get("softwareVersion"))
        if vid is None or pid is None or (member != "model" and number is None):
            return False
        known = self._known.setdefault((vid, pid), _Known())
        if number is None:
            known.model = entry
        elif member == "modelVersion":
            known.versions[number] = entry
        elif member == "complianceInfo":
            known.compliance.setdefault(number, []).append(entry)
        return True


def _release(key: str, number: int, known: _Known) -> Release:
    entry, papers = known.versions.get(number, {}), known.compliance.get(number, [])
    version = (
        values.text(entry.get("softwareVersionString")) or values.text(next(iter(papers), {}).get("softwareVersionString")) or str(number)
    )
    statuses = {values.integer(paper.get("softwareVersionCertificationStatus")) for paper in papers}
    state = ReleaseState.ACTIVE
    if REVOKED in statuses and CERTIFIED not in statuses:
        state = ReleaseState.REVOKED
    elif entry.get("softwareVersionValid") is False:
        state = ReleaseState.RETRACTED
    low, high = values.integer(entry.get("minApplicableSoftwareVersion")), values.integer(entry.get("maxApplicableSoftwareVersion"))
    below = [other for other in sorted(known.versions) if (low or 0) <= other <= (number if high is None else high)]
    return Release(
        product=key,
        version=version,
        record=f"{key}@{version} {number}",
        sequence=number,
        state=state,
        sha256=values.digest("sha256", entry.get("otaChecksum")) if entry.get("otaChecksumType") == SHA256_TYPE else None,
        size_bytes=values.integer(entry.get("otaFileSize")) or None,
        url=values.text(entry.get("otaUrl"), 2_000),
        min_from=_named(known, below[0]) if low and below else None,
        max_from=_named(known, below[-1]) if high is not None and below else None,
        notes="; ".join(filter(None, (_paper_words(paper) for paper in papers))) or values.text(entry.get("releaseNotesUrl"), 2_000),
    )


def _named(known: _Known, number: int) -> str:
    return values.text(known.versions[number].get("softwareVersionString")) or str(number)


def _paper_words(paper: Mapping[str, Any]) -> str | None:
    kind, status = (
        values.text(paper.get("certificationType")),
        _STATUS.get(values.integer(paper.get("softwareVersionCertificationStatus")) or 0),
    )
    if kind is None or status is None:
        return None
    return " ".join(filter(None, (kind, status, values.text(paper.get("date")), values.text(paper.get("cDCertificateId")))))

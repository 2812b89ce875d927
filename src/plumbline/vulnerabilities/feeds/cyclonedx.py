"""CycloneDX VEX: the `vulnerabilities` of a bill of materials, with what their analysis came to.

    {"bomFormat": "CycloneDX", "serialNumber", "metadata": {"timestamp", "supplier"}, "components": [{"bom-ref", "purl", "cpe", "name"}],
     "vulnerabilities": [{"id", "ratings": [{"score", "vector"}], "cwes", "recommendation", "affects": [
         {"ref", "versions": [{"version" | "range", "status"}]}], "analysis": {"state", "justification", "detail"}}]}

Source: CycloneDX 1.6 JSON schema. Rules: a `ref` is a bom-ref of this document, a BOM-Link whose part behind `#` is one, or a package URL.

| analysis.state | meant |
|---|---|
| exploitable | known_affected |
| resolved, resolved_with_pedigree | fixed |
| not_affected, false_positive | known_not_affected |
| in_triage, or no analysis: a scanner's list is nobody's judgement | under_investigation |

A version's own `status` (affected, unaffected) goes before the state for that version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from plumbline.model.errors import ProtocolError
from plumbline.vulnerabilities.cpe import NONE, parse_cpe
from plumbline.vulnerabilities.facts import Affected, Origin, Record, Status, Unread, Vulnerability
from plumbline.vulnerabilities.feed import Feed, Read
from plumbline.vulnerabilities.namespaces import namespace_of_purl
from plumbline.vulnerabilities.ranges import EVERY, Range, of_text
from plumbline.vulnerabilities.reading import ROWS_MAX, bare, cwes_of, list_of, moment_of, name_of, object_of, objects_of, purl_of, text_of
from plumbline.vulnerabilities.scores import newest, score_of

DEPTH_MAX = 32
COMPONENTS_MAX = 200_000
_STATES = {
    "exploitable": Status.AFFECTED,
    "resolved": Status.FIXED,
    "resolved_with_pedigree": Status.FIXED,
    "not_affected": Status.NOT_AFFECTED,
    "false_positive": Status.NOT_AFFECTED,
    "in_triage": Status.INVESTIGATED,
}
_PREFIXES = {"CVSSv3": "CVSS:3.0/", "CVSSv31": "CVSS:3.1/", "CVSSv4": "CVSS:4.0/"}
_VERSION_STATES = {"affected": Status.AFFECTED, "unaffected": Status.NOT_AFFECTED}


def _is_vex(value: Any) -> bool:
    return isinstance(value, dict) and value.get("bomFormat") == "CycloneDX"


def _read(value: Any) -> Read:
    if not list_of(value.get("vulnerabilities")):
        raise ProtocolError("is a bill of materials without vulnerabilities: name it in the rig file with [[sbom]]")
    metadata = object_of(value.get("metadata"))
    components = _components(value)
    key = name_of(value.get("serialNumber")) or name_of(object_of(metadata.get("component")).get("name")) or "bom"
    vulnerabilities, affected = [], list[Affected]()
    for number, entry in enumerate(objects_of(value.get("vulnerabilities"))):
        name = name_of(entry.get("id"))
        if name is None:
            yield Unread(f"vulnerabilities {number}", "has no id")
            continue
        vulnerabilities.append(_vulnerability(name, entry))
        for item in _statements(name, entry, components):
            if isinstance(item, Unread):
                yield item
            else:
                affected.append(item)
        if len(affected) > ROWS_MAX:
            raise ProtocolError(f"makes more than {ROWS_MAX} statements")
    yield Record(
        key=key,
        dated_at=moment_of(metadata.get("timestamp")),
        provider=name_of(object_of(metadata.get("supplier")).get("name")) or "",
        vulnerabilities=tuple(vulnerabilities),
        affected=tuple(dict.fromkeys(affected)),
    )


def _components(value: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    main = object_of(value.get("metadata")).get("component")
    waiting = [(item, 0) for item in (main, *list_of(value.get("components")), *list_of(value.get("services"))) if isinstance(item, dict)]
    while waiting:
        component, depth = waiting.pop()
        reference = name_of(component.get("bom-ref"))
        if reference is not None:
            found[reference] = component
        if depth > DEPTH_MAX or len(waiting) + len(found) > COMPONENTS_MAX:
            raise ProtocolError("holds more components than any product")
        waiting += [(item, depth + 1) for item in objects_of(component.get("components"))]
    return found


def _statements(name: str, entry: dict[str, Any], components: Mapping[str, dict[str, Any]]) -> Iterator[Affected | Unread]:
    analysis = object_of(entry.get("analysis"))
    status = _STATES.get(str(analysis.get("state")), Status.INVESTIGATED)
    reason = name_of(analysis.get("justification")) or text_of(analysis.get("detail"))
    remedy = text_of(entry.get("recommendation")) or text_of(analysis.get("detail"))
    for target in objects_of(entry.get("affects")):
        named = _named(name_of(target.get("ref")) or "", components)
        if named is None:
            yield Unread(name, "affects a reference to no component that can be compared")
            continue
        for state, meant in _versions(target, status, named.pop("version")):
            yield Affected(
                vulnerability=name,
                origin=Origin.VEX,
                status=state,
                remedy=remedy,
                justification=reason if state is Status.NOT_AFFECTED else None,
                **named,
                **meant.columns(),
            )


def _versions(target: dict[str, Any], status: Status, version: str | None) -> Iterator[tuple[Status, Range]]:
    entries = list(objects_of(target.get("versions")))
    if not entries:
        yield status, Range(versions=(version,)) if version else EVERY
    for entry in entries:
        text = name_of(entry.get("version"))
        state = _VERSION_STATES.get(str(entry.get("status")), status)
        for meant in [Range(versions=(text,))] if text else of_text(name_of(entry.get("range")) or ""):
            yield state, meant


def _named(reference: str, components: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
    """Give the columns that name the component of a reference, and its version; None when it can be compared with nothing."""
    component = components.get(reference) or components.get(unquote(reference.partition("#")[2])) or {}
    purl = purl_of(component.get("purl")) or purl_of(reference)
    version = name_of(component.get("version"))
    if purl is not None:
        named = {"product": purl.name.lower(), "purl": bare(purl), "namespace": namespace_of_purl(purl)}
        return {**named, "version": version or purl.version}
    try:
        cpe = parse_cpe(name_of(component.get("cpe")) or "")
        named = {"vendor": cpe.vendor, "product": cpe.product, "cpe": cpe.key}
        return {**named, "version": version or (cpe.version if cpe.version != NONE else None)}
    except ProtocolError:
        product = name_of(component.get("name"))
        return None if product is None else {"product": product.lower(), "version": version}


def _vector(rating: dict[str, Any]) -> str | None:
    """Give a rating's vector with the version of CVSS in front, which many writers leave to `method`."""
    vector = name_of(rating.get("vector"))
    prefix = _PREFIXES.get(str(rating.get("method")), "")
    return vector if vector is None or vector.startswith("CVSS:") else prefix + vector


def _vulnerability(name: str, entry: dict[str, Any]) -> Vulnerability:
    best = newest(score_of(_vector(rating), rating.get("score")) for rating in objects_of(entry.get("ratings")))
    return Vulnerability(
        id=name,
        title=text_of(entry.get("description")),
        published_at=moment_of(entry.get("published")),
        modified_at=moment_of(entry.get("updated")),
        cvss=best.vector if best else None,
        score=best.score if best else None,
        scored_by="vendor" if best else None,
        cwes=cwes_of(f"CWE-{number}" for number in list_of(entry.get("cwes"))),
    )


FEED = Feed("cyclonedx", "vex", "CycloneDX VEX", recognises=_is_vex, values=_read)

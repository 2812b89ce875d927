"""OpenVEX: somebody's statements on which of their products a vulnerability concerns.

    {"@context": "https://openvex.dev/ns/v0.2.0", "@id", "author", "timestamp", "version", "statements": [
        {"vulnerability": {"name", "aliases"}, "timestamp", "status", "justification", "impact_statement", "action_statement",
         "products": [{"@id", "identifiers": {"purl", "cpe23", ...}, "hashes", "subcomponents": [{"@id", "identifiers"}]}]}]}

Source: OpenVEX specification 0.2.0 (and 0.0.x, where vulnerability and products are plain texts). Rules: of two statements on one product
and vulnerability the later counts; with subcomponents the statement is about those, within the product; an identifier without a version
means every version.

| status | meant |
|---|---|
| affected, fixed, not_affected, under_investigation | known_affected, fixed, known_not_affected, under_investigation |
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from plumbline.model.errors import ProtocolError
from plumbline.vulnerabilities.cpe import NONE, parse_cpe
from plumbline.vulnerabilities.facts import Affected, Origin, Record, Status, Unread, Vulnerability
from plumbline.vulnerabilities.feed import Feed, Read
from plumbline.vulnerabilities.namespaces import namespace_of_purl
from plumbline.vulnerabilities.ranges import EVERY, Range
from plumbline.vulnerabilities.reading import (
    ROWS_MAX,
    bare,
    list_of,
    moment_of,
    name_of,
    names_of,
    needed,
    object_of,
    objects_of,
    purl_of,
    text_of,
)

_STATUSES = {
    "affected": Status.AFFECTED,
    "fixed": Status.FIXED,
    "not_affected": Status.NOT_AFFECTED,
    "under_investigation": Status.INVESTIGATED,
}


def _is_openvex(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    context = value.get("@context")
    return any(isinstance(word, str) and "openvex" in word for word in (context if isinstance(context, list) else [context]))


def _read(value: Any) -> Read:
    key = needed(name_of(value.get("@id")), "@id")
    author, dated_at = name_of(value.get("author")) or "", moment_of(value.get("timestamp"))
    latest: dict[tuple[Any, ...], tuple[datetime | None, Affected]] = {}
    vulnerabilities: dict[str, Vulnerability] = {}
    for number, statement in enumerate(objects_of(value.get("statements"))):
        vulnerability = _vulnerability(statement.get("vulnerability"))
        status = _STATUSES.get(str(statement.get("status")))
        if vulnerability is None or status is None:
            yield Unread(f"{key} statements {number}", "names no vulnerability, or has no status of OpenVEX")
            continue
        said_at = moment_of(statement.get("timestamp")) or dated_at
        vulnerabilities[vulnerability.id] = vulnerability
        for item in _statements(statement, vulnerability.id, status):
            if isinstance(item, Unread):
                yield Unread(f"{key} statements {number}", item.why)
                continue
            about = (item.vulnerability, item.product, item.purl, item.cpe, item.versions, item.hardware)
            before = latest.get(about)
            if before is None or before[0] is None or (said_at is not None and said_at >= before[0]):
                latest[about] = (said_at, item)
        if len(latest) > ROWS_MAX:
            raise ProtocolError(f"makes more than {ROWS_MAX} statements")
    updated = moment_of(value.get("last_updated")) or dated_at
    affected = tuple(item for _, item in latest.values())
    yield Record(key=key, dated_at=updated, provider=author, vulnerabilities=tuple(vulnerabilities.values()), affected=affected)


def _vulnerability(value: Any) -> Vulnerability | None:
    known = object_of(value)
    name = name_of(value) or name_of(known.get("name")) or name_of(known.get("@id"))
    if name is None:
        return None
    return Vulnerability(
        id=name.rpartition("/")[2] or name, aliases=names_of(known.get("aliases")) or None, title=text_of(known.get("description"))
    )


def _statements(statement: dict[str, Any], vulnerability: str, status: Status) -> Iterator[Affected | Unread]:
    reason = name_of(statement.get("justification")) or text_of(statement.get("impact_statement"))
    common: dict[str, Any] = {
        "vulnerability": vulnerability,
        "origin": Origin.VEX,
        "status": status,
        "remedy": text_of(statement.get("action_statement")),
        "justification": reason if status is Status.NOT_AFFECTED else None,
    }
    products = list_of(statement.get("products"))
    if not products:
        yield Unread("", "names no product")
    for product in products:
        within = object_of(product)
        parts = list_of(within.get("subcomponents")) or list_of(statement.get("subcomponents"))
        context = name_of(product) or name_of(within.get("@id")) if parts else None
        for part in parts or [product]:
            named = _named(part)
            if named is None:
                yield Unread("", "names a product by nothing that can be compared")
                continue
            yield Affected(**common, **named, hardware=(context,) if context else None)


def _named(value: Any) -> dict[str, Any] | None:
    """Give the columns that name a product: by package URL, else by CPE, else by its @id."""
    known = object_of(value)
    identifiers = object_of(known.get("identifiers"))
    identity = name_of(value) or name_of(known.get("@id"))
    purl = purl_of(identifiers.get("purl")) or purl_of(identity)
    if purl is not None:
        meant = Range(versions=(purl.version,)) if purl.version else EVERY
        named = {"product": purl.name.lower(), "purl": bare(purl), "namespace": namespace_of_purl(purl)}
        return {**named, **meant.columns()}
    try:
        cpe = parse_cpe(name_of(identifiers.get("cpe23")) or name_of(identifiers.get("cpe22")) or identity or "")
    except ProtocolError:
        return None if identity is None else {"product": identity.lower()}
    meant = EVERY if cpe.version in (None, NONE) else Range(versions=(str(cpe.version),))
    return {"vendor": cpe.vendor, "product": cpe.product, "cpe": cpe.key, **meant.columns()}


FEED = Feed("openvex", "vex", "OpenVEX statements", recognises=_is_openvex, values=_read)

"""OSV: trackers of distributions and ecosystems, as JSON, as YAML, or as lines that hold the YAML (`{"path", "yaml"}`).

    {"id", "modified", "published", "withdrawn", "aliases", "upstream", "related", "summary", "details", "severity", "affected": [
        {"package": {"ecosystem", "name", "purl"}, "ranges": [{"type": SEMVER | ECOSYSTEM | GIT, "events"}], "versions", "severity"}]}

Source: OSV schema 1.7. Rules:

| given | meant |
|---|---|
| events `introduced`, then `fixed` / `last_affected` / `limit` | from (`0`: the first version) below / up to / below |
| `versions` | these, besides the ranges |
| neither | every version |
| ranges of type GIT | commits: kept, and never compared with versions |
| aliases, or `upstream` of a distribution's record, that are CVE ids | the vulnerabilities that it is about; without any, its own id |
| `withdrawn` | it says nothing any more |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plumbline.model.errors import ProtocolError
from plumbline.versions import scheme_for
from plumbline.vulnerabilities.facts import Affected, Origin, Record, State, Status, Unread, Vulnerability
from plumbline.vulnerabilities.feed import Feed, Read
from plumbline.vulnerabilities.namespaces import is_distribution, namespace_of_ecosystem
from plumbline.vulnerabilities.ranges import EVERY, GIT, Range, between, listed, unread
from plumbline.vulnerabilities.reading import (
    ROWS_MAX,
    bare,
    cve_of,
    cwes_of,
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
from plumbline.vulnerabilities.scores import newest, score_of
from plumbline.vulnerabilities.yaml_text import parse_yaml

_ENDS = {"fixed": False, "last_affected": True, "limit": False}  # whether the end belongs to the range
_YAML_MAX = 4 << 20


def _is_osv(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return isinstance(value.get("yaml"), str) or (
        "id" in value and "modified" in value and ("affected" in value or "schema_version" in value)
    )


def _read(value: Any) -> Read:
    if not isinstance(value.get("yaml"), str):
        yield from _record(value)
        return
    if len(value["yaml"]) > _YAML_MAX:
        raise ProtocolError("YAML that is longer than any record")
    for document in parse_yaml(value["yaml"]):
        yield from _record(object_of(document))


def _record(value: dict[str, Any]) -> Read:
    key = needed(name_of(value.get("id")), "id")
    withdrawn = value.get("withdrawn") is not None
    names = _about(key, value)
    said = [] if withdrawn else [item for entry in objects_of(value.get("affected")) for item in _affected(entry, names, value)]
    if len(said) > ROWS_MAX:
        raise ProtocolError(f"makes {len(said)} statements, more than any record")
    yield from (item for item in said if isinstance(item, Unread))
    yield Record(
        key=key,
        dated_at=moment_of(value.get("modified")),
        provider=key.partition("-")[0],
        # A tracker that takes its own record back says nothing of the CVE.
        vulnerabilities=tuple(_vulnerability(name, key, value, withdrawn=withdrawn) for name in ([key] if withdrawn else names)),
        affected=tuple(dict.fromkeys(item for item in said if isinstance(item, Affected))),
    )


def _about(key: str, value: dict[str, Any]) -> list[str]:
    """Name the vulnerabilities that a record is about."""
    if cve_of(key):
        return [key]
    for field in ("aliases", "upstream", "related") if _is_distributions(value) else ("aliases", "upstream"):
        cves = [name for name in names_of(value.get(field)) if cve_of(name)]
        if cves:
            return cves
    return [key]


def _is_distributions(value: dict[str, Any]) -> bool:
    """Tell a distribution's advisory, whose `related` are the CVE ids that it mends; elsewhere they are other vulnerabilities."""
    ecosystems = (name_of(object_of(entry.get("package")).get("ecosystem")) or "" for entry in objects_of(value.get("affected")))
    return all(is_distribution(namespace_of_ecosystem(ecosystem)) for ecosystem in ecosystems)


def _affected(entry: dict[str, Any], names: list[str], value: dict[str, Any]) -> Iterator[Affected | Unread]:
    package = object_of(entry.get("package"))
    ecosystem, product = name_of(package.get("ecosystem")) or "", name_of(package.get("name"))
    purl = purl_of(package.get("purl"))
    if product is None:
        repositories = {name_of(part.get("repo")) for part in objects_of(entry.get("ranges"))} - {None}
        if not repositories:
            yield Unread(names[0], "affects a package without a name")
            return
        product = str(sorted(map(str, repositories))[0]).rstrip("/").removesuffix(".git").rpartition("/")[2]
    common: dict[str, Any] = {
        "origin": Origin.OSV,
        "status": Status.AFFECTED,
        "product": product.lower(),
        "purl": bare(purl) if purl else None,
        "namespace": namespace_of_ecosystem(ecosystem),
        "remedy": _advisory(value),
    }
    for meant, scheme in _ranges(entry, ecosystem):
        mended = meant.upper if meant.upper_closed is False and scheme != GIT else None
        for name in names:
            yield Affected(vulnerability=name, scheme=scheme, fixed_in=mended, **meant.columns(), **common)


def _advisory(value: dict[str, Any]) -> str | None:
    links = (text_of(link.get("url")) for link in objects_of(value.get("references")) if link.get("type") == "ADVISORY")
    return next((link for link in links if link is not None), None)


def _ranges(entry: dict[str, Any], ecosystem: str) -> Iterator[tuple[Range, str | None]]:
    own = scheme_for(ecosystem)
    scheme = own.value if own else None
    ranges, versions = list(objects_of(entry.get("ranges"))), names_of(entry.get("versions"))
    if not ranges and not versions:
        yield EVERY, scheme
    for part in ranges:
        kind = str(part.get("type"))
        if kind not in ("GIT", "SEMVER", "ECOSYSTEM"):
            yield unread(f"a range of type {kind[:40]}"), None
            continue
        for meant in _spans(part.get("events")):
            yield meant, {"GIT": GIT, "SEMVER": "semver"}.get(kind, scheme)
    for meant in listed(versions):
        yield meant, scheme


def _spans(events: object) -> Iterator[Range]:
    if not _alternate(events):
        yield unread("events that do not stand in the order of their versions")
        return
    start: str | None = None
    open_at_start = False
    for event in objects_of(events):
        introduced = name_of(event.get("introduced"))
        if introduced is not None:
            start, open_at_start = introduced, True
        for word, closed in _ENDS.items():
            end = name_of(event.get(word))
            if end is not None and open_at_start:
                yield between(start, end, upper_closed=closed)
                open_at_start = False
    if open_at_start:
        yield between(start, None)


def _alternate(events: object) -> bool:
    """Tell whether no span begins within another, nor ends before any has begun: the schema lets events stand in any order."""
    within: bool | None = None
    for event in objects_of(events):
        begins, ends = "introduced" in event, any(word in event for word in _ENDS)
        if (begins and within) or (ends and not begins and within is None):
            return False
        within = (begins or bool(within)) and not ends
    return True


def _vulnerability(name: str, key: str, value: dict[str, Any], *, withdrawn: bool) -> Vulnerability:
    within = (item for entry in objects_of(value.get("affected")) for item in objects_of(entry.get("severity")))
    severities = [*objects_of(value.get("severity")), *within]
    best = newest(score_of(item.get("score")) for item in severities)
    names = dict.fromkeys([key, *names_of(value.get("aliases"))])
    return Vulnerability(
        id=name,
        aliases=tuple(other for other in names if other != name) or None,
        title=text_of(value.get("summary")) or text_of(value.get("details")),
        state=State.WITHDRAWN if withdrawn else State.PUBLISHED,
        published_at=moment_of(value.get("published")),
        modified_at=moment_of(value.get("modified")),
        cvss=best.vector if best else None,
        score=best.score if best else None,
        scored_by="osv" if best else None,
        cwes=cwes_of(list_of(object_of(value.get("database_specific")).get("cwe_ids"))),
    )


FEED = Feed("osv", "osv", "OSV", recognises=_is_osv, values=_read)

"""CVE records, JSON 5: what the numbering authority (CNA) says, and what others add to it (ADP).

    {"dataType": "CVE_RECORD", "cveMetadata": {"cveId", "state", "datePublished", "dateUpdated"},
     "containers": {"cna": CONTAINER, "adp": [CONTAINER]}}
    CONTAINER: title, descriptions, affected, cpeApplicability, metrics, problemTypes, solutions, tags, providerMetadata

Source: CVE Record Format 5.1, `affected` (product status) above all. Rules:

| given | meant |
|---|---|
| version alone | that version; authors write ranges into it all the same, so it is read as text |
| version, lessThan or lessThanOrEqual | from version up to the end; `*` is no end, `5.15.*` is all of 5.15 |
| changes | the status changes at a version within the range |
| versionType `git` | commits: kept, and never compared with versions |
| defaultStatus | all versions that are not named; `unknown`, which is its default, says nothing of them |
| vendor and product `n/a` | nothing; the record is kept for its words |

SSVC and KEV, which CISA adds, are read from its container's metrics.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from plumbline.model.errors import ProtocolError
from plumbline.versions import scheme_for
from plumbline.vulnerabilities.configurations import statements
from plumbline.vulnerabilities.cpe import parse_cpe
from plumbline.vulnerabilities.facts import Affected, Exploited, Origin, Record, State, Status, Unread, Vulnerability
from plumbline.vulnerabilities.feed import Feed, Read
from plumbline.vulnerabilities.ranges import GIT, Range, between, of_text, unread
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
    plain_of,
    purl_of,
    text_of,
)
from plumbline.vulnerabilities.scores import Score, newest, score_in

_METRICS = ("cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV2_0")
_STATUSES = {"affected": Status.AFFECTED, "unaffected": Status.NOT_AFFECTED}
_QUOTED = re.compile(r"\\([^A-Za-z0-9])")
_CPES_MAX = 50  # of one product; longer lists name its editions
Piece = tuple[Status, Range, str | None]  # versions and what is said of them; the scheme, where it is given


def _is_cve5(value: Any) -> bool:
    return isinstance(value, dict) and value.get("dataType") == "CVE_RECORD"


def _read(value: Any) -> Read:
    metadata, containers = object_of(value.get("cveMetadata")), object_of(value.get("containers"))
    cve = needed(cve_of(metadata.get("cveId")), "CVE id")
    cna, adps = object_of(containers.get("cna")), list(objects_of(containers.get("adp")))
    state = _state(metadata, cna)
    said: list[Affected | Unread] = []
    if not state.void:
        said += _container(cna, cve, Origin.CNA)
        for adp in adps:
            said += _container(adp, cve, Origin.ADP)
    if len(said) > ROWS_MAX:
        raise ProtocolError(f"has {len(said)} ranges, more than any record")
    yield from (item for item in said if isinstance(item, Unread))
    yield Record(
        key=cve,
        dated_at=moment_of(metadata.get("dateUpdated")) or moment_of(metadata.get("datePublished")),
        vulnerabilities=(_vulnerability(cve, state, metadata, cna, adps),),
        affected=tuple(dict.fromkeys(item for item in said if isinstance(item, Affected))),
        exploited=tuple(_exploited(cve, adps)),
    )


def _state(metadata: dict[str, Any], cna: dict[str, Any]) -> State:
    if metadata.get("state") == "REJECTED":
        return State.REJECTED
    return State.DISPUTED if "disputed" in list_of(cna.get("tags")) else State.PUBLISHED


def _container(container: dict[str, Any], cve: str, origin: Origin) -> Iterator[Affected | Unread]:
    remedy = text_of(_english(container.get("solutions"))) or text_of(_english(container.get("workarounds")))
    for entry in objects_of(container.get("affected")):
        yield from _product(entry, cve, origin, remedy)
    yield from statements(container.get("cpeApplicability"), cve, origin)


def _product(entry: dict[str, Any], cve: str, origin: Origin, remedy: str | None) -> Iterator[Affected | Unread]:
    purl = purl_of(entry.get("packageURL"))
    vendor, product = _name(entry.get("vendor")), _name(entry.get("product")) or _name(entry.get("packageName"))
    keys, bad = _cpes(entry, cve)
    cpes: list[str | None] = [*keys] or [None]
    yield from bad
    if product is None and purl is None and not keys:
        return
    common: dict[str, Any] = {
        "vulnerability": cve,
        "origin": origin,
        "vendor": vendor,
        "product": product or (purl.name.lower() if purl else keys[0].split(":")[-1]),
        "purl": bare(purl) if purl else None,
        "hardware": names_of(entry.get("platforms")) or None,
        "remedy": remedy,
    }
    for status, meant, scheme in _pieces(entry):
        mended = meant.upper if status is Status.AFFECTED and meant.upper_closed is False else None
        for cpe in cpes:
            yield Affected(**common, **meant.columns(), status=status, scheme=scheme, cpe=cpe, fixed_in=mended)
    default = _STATUSES.get(str(entry.get("defaultStatus")))
    if default is not None:
        for cpe in cpes:
            yield Affected(**common, status=default, rest=True, cpe=cpe)


def _pieces(entry: dict[str, Any]) -> Iterator[Piece]:
    versions = list(objects_of(entry.get("versions")))
    if not versions and entry.get("defaultStatus") != "affected":
        yield Status.AFFECTED, unread("none given"), None
    for version in versions:
        status = _STATUSES.get(str(version.get("status")))
        if status is None:
            continue  # "unknown" says nothing
        kind = name_of(version.get("versionType")) or ""
        scheme = GIT if kind == GIT and not _looks_numbered(version) else str(scheme_for(kind) or "") or None
        for state, meant in _spans(version, status):
            yield state, meant, scheme


def _spans(version: dict[str, Any], status: Status) -> Iterator[tuple[Status, Range]]:
    start, below, upto = (_version(version.get(key)) for key in ("version", "lessThan", "lessThanOrEqual"))
    if below is None and upto is None:
        for meant in of_text(start or ""):
            yield status, meant
        return
    now: Status | None = status
    for change in objects_of(version.get("changes")):
        at, changed = _version(change.get("at")), _STATUSES.get(str(change.get("status")))
        if at is None or changed is now:
            continue
        if now is not None:
            yield now, between(start, at)
        start, now = at, changed
    if now is not None:
        yield now, between(start, below or upto, upper_closed=below is None)


def _looks_numbered(version: dict[str, Any]) -> bool:
    """Tell releases from commits: some authors call releases `git` because they come from there."""
    ends = [name_of(version.get(key)) or "" for key in ("version", "lessThan", "lessThanOrEqual")]
    return any("." in end for end in ends)


def _cpes(entry: dict[str, Any], cve: str) -> tuple[list[str], list[Unread]]:
    keys: dict[str, None] = {}
    bad = []
    for text in list_of(entry.get("cpes"))[:_CPES_MAX]:
        try:
            keys[parse_cpe(name_of(text) or "").key] = None
        except ProtocolError as error:
            bad.append(Unread(cve, str(error)))
    return list(keys), bad


def _name(value: object) -> str | None:
    name = plain_of(value)
    return None if name in ("n/a", "unknown", "unspecified", "-") else name


def _version(value: object) -> str | None:
    """Give a version; ADPs copy them out of CPE names, with the backslashes."""
    name = name_of(value)
    return _QUOTED.sub(r"\1", name) if name is not None else None


def _vulnerability(cve: str, state: State, metadata: dict[str, Any], cna: dict[str, Any], adps: list[dict[str, Any]]) -> Vulnerability:
    best, by = newest(_scores(cna)), "cna"
    if best is None:
        best, by = newest(score for adp in adps for score in _scores(adp)), "adp"
    exploitation, automatable = _ssvc(adps)
    return Vulnerability(
        id=cve,
        title=text_of(cna.get("title")) or text_of(_english(cna.get("descriptions"))) or text_of(_english(cna.get("rejectedReasons"))),
        state=state,
        published_at=moment_of(metadata.get("datePublished")),
        modified_at=moment_of(metadata.get("dateUpdated")),
        cvss=best.vector if best else None,
        score=best.score if best else None,
        scored_by=by if best else None,
        cwes=cwes_of(
            entry.get("cweId")
            for container in (cna, *adps)
            for problem in objects_of(container.get("problemTypes"))
            for entry in objects_of(problem.get("descriptions"))
        ),
        exploitation=exploitation,
        automatable=automatable,
    )


def _scores(container: dict[str, Any]) -> Iterator[Score | None]:
    return (score_in(metric.get(name)) for metric in objects_of(container.get("metrics")) for name in _METRICS)


def _others(adps: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    for adp in adps:
        for metric in objects_of(adp.get("metrics")):
            other = object_of(metric.get("other"))
            if other.get("type") == kind:
                yield object_of(other.get("content"))


def _ssvc(adps: list[dict[str, Any]]) -> tuple[str | None, bool | None]:
    options: dict[str, Any] = {}
    for content in _others(adps, "ssvc"):
        for option in objects_of(content.get("options")):
            options |= option
    exploitation = str(options.get("Exploitation", "")).lower()
    return (exploitation if exploitation in ("none", "poc", "active") else None), {"yes": True, "no": False}.get(
        str(options.get("Automatable"))
    )


def _exploited(cve: str, adps: list[dict[str, Any]]) -> Iterator[Exploited]:
    for content in _others(adps, "kev"):
        yield Exploited(id=cve, added_at=moment_of(content.get("dateAdded")))


def _english(texts: object) -> object:
    return next((entry.get("value") for entry in objects_of(texts) if str(entry.get("lang")).startswith("en")), None)


FEED = Feed("cve5", "cve5", "CVE records", "CVE terms of use", recognises=_is_cve5, values=_read)

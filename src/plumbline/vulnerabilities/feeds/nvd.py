"""NVD 2.0: answers of its API, yearly files, single records, and corrections of them in the same form.

    {"format": "NVD_CVE", "timestamp", "vulnerabilities": [{"cve": {...}}]}        an answer, or a file
    {"cve": {"id", "vulnStatus", "published", "lastModified", "descriptions", "metrics", "weaknesses", "configurations"}}
    {"id", "sourceIdentifier", "configurations", ...}                               the record alone
    {"_annotation": {"cve_id", ...}, "cve": {"configurations"}}                     a correction (anchore/nvd-data-overrides)

Source: NVD CVE API 2.0 schema. Rules: a correction says what its configurations say and no more; it goes before NVD's own.

| vulnStatus | state |
|---|---|
| Rejected | rejected |
| any, with the tag `disputed` | disputed |
| others | published |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plumbline.model.errors import ProtocolError
from plumbline.vulnerabilities.configurations import statements
from plumbline.vulnerabilities.facts import Affected, Origin, Record, State, Unread, Vulnerability
from plumbline.vulnerabilities.feed import Feed, Read
from plumbline.vulnerabilities.reading import ROWS_MAX, cve_of, cwes_of, list_of, moment_of, needed, object_of, objects_of, text_of
from plumbline.vulnerabilities.scores import Score, newest, score_in

_METRICS = ("cvssMetricV40", "cvssMetricV31", "cvssMetricV30", "cvssMetricV2")
_NVD = "nvd@nist.gov"
OVERRIDES = "overrides"


def _is_nvd(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if value.get("format") == "NVD_CVE" or ("resultsPerPage" in value and "vulnerabilities" in value):
        return True
    return isinstance(value.get("cve"), dict) or ("sourceIdentifier" in value and cve_of(value.get("id")) is not None)


def _read(value: Any) -> Read:
    if "vulnerabilities" not in value:
        yield from _record(value)
        return
    for number, item in enumerate(list_of(value["vulnerabilities"])):
        try:
            yield from _record(object_of(item))
        except ProtocolError as error:
            yield Unread(f"vulnerabilities {number}", str(error))


def _record(value: dict[str, Any]) -> Read:
    data = object_of(value.get("cve")) or value
    annotation = object_of(value.get("_annotation"))
    cve = needed(cve_of(data.get("id")) or cve_of(annotation.get("cve_id")), "CVE id")
    state = _state(data)
    origin = Origin.OVERRIDE if annotation else Origin.NVD
    said = [] if state.void else list(statements(data.get("configurations"), cve, origin))
    if len(said) > ROWS_MAX:
        raise ProtocolError(f"has {len(said)} ranges, more than any record")
    yield from (item for item in said if isinstance(item, Unread))
    yield Record(
        key=cve,
        dated_at=moment_of(data.get("lastModified")) or moment_of(annotation.get("modified")),
        provider=OVERRIDES if annotation else "",
        vulnerabilities=() if annotation else (_vulnerability(cve, state, data),),
        affected=tuple(dict.fromkeys(item for item in said if isinstance(item, Affected))),
    )


def _state(data: dict[str, Any]) -> State:
    if str(data.get("vulnStatus")).lower() == "rejected":
        return State.REJECTED
    tags = {tag for entry in objects_of(data.get("cveTags")) for tag in list_of(entry.get("tags")) if isinstance(tag, str)}
    return State.DISPUTED if "disputed" in tags else State.PUBLISHED


def _vulnerability(cve: str, state: State, data: dict[str, Any]) -> Vulnerability:
    scores = list(_scores(object_of(data.get("metrics"))))
    best = newest(score for score, _ in scores)
    return Vulnerability(
        id=cve,
        title=text_of(next(_english(data.get("descriptions")), None)),
        state=state,
        published_at=moment_of(data.get("published")),
        modified_at=moment_of(data.get("lastModified")),
        cvss=best.vector if best else None,
        score=best.score if best else None,
        scored_by=next((by for score, by in scores if score is best), None) if best else None,
        cwes=cwes_of(text for weakness in objects_of(data.get("weaknesses")) for text in _english(weakness.get("description"))),
    )


def _scores(metrics: dict[str, Any]) -> Iterator[tuple[Score | None, str]]:
    for name in _METRICS:
        entries = sorted(objects_of(metrics.get(name)), key=lambda entry: entry.get("type") != "Primary")
        for entry in entries:
            yield score_in(entry.get("cvssData")), "nvd" if entry.get("source") == _NVD else "cna"


def _english(texts: object) -> Iterator[object]:
    return (entry.get("value") for entry in objects_of(texts) if str(entry.get("lang")).startswith("en"))


FEED = Feed("nvd", "nvd", "National Vulnerability Database", "public domain", recognises=_is_nvd, values=_read)

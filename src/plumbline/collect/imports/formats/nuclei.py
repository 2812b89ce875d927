"""nuclei's results, as JSON lines (`-jsonl`) or as one array (`-json-export`): each template that matched.

    {"template-id", "matcher-name", "matcher-status", "host", "ip", "port", "url", "matched-at", "timestamp",
     "info": {"name", "severity", "description", "classification": {"cve-id", "cvss-metrics", "cvss-score"}}}

Source: nuclei, output.ResultEvent, version 3. Rules: the address is `ip`, else that of `host`; info is level none, unknown is no level; a
template that did not match (`-matcher-status`) says nothing of the device. Not kept: requests, responses, commands, extracted results, and
of an address of the web its query.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from plumbline.collect.imports.results import (
    WEB_PORTS,
    Read,
    Reported,
    address_of,
    cves_of,
    moment_of,
    name_of,
    port_of,
    score_of,
    vector_of,
    words_of,
)
from plumbline.collect.imports.source import Source
from plumbline.collect.json_text import list_of, object_of
from plumbline.model.errors import ProtocolError
from plumbline.model.words import Severity, Transport, Verdict

TOOL = "nuclei"
REFUSED_MAX = 100_000
_LEVELS: Mapping[str | None, Severity] = {"info": Severity.NONE, **{level.value: level for level in Severity if level is not Severity.NONE}}


def read(source: Source) -> Iterator[Read]:
    """Give each result; raises ProtocolError when nothing in the file is one."""
    taken = refused = 0
    first = ""
    for value in list_of(source.json()) if source.starts_with() == "[" else source.json_lines():
        entry = object_of(value)
        rule = name_of(entry.get("template-id"))
        if rule is not None:
            taken += 1
            yield _result(entry, rule)
        else:
            refused += 1
            if refused > REFUSED_MAX:
                raise ProtocolError(f"more than {REFUSED_MAX:,} entries that are none of nuclei's: the rest was not read")
            first = first or (str(value) if isinstance(value, ProtocolError) else "an entry without a template-id")
    if refused and not taken:
        raise ProtocolError(f"not the results of nuclei: {first}")
    if refused:
        yield f"{refused} entries that are none of nuclei's, the first: {first}"


def _result(entry: Mapping[str, object], rule: str) -> Reported:
    info = object_of(entry.get("info"))
    rated = object_of(info.get("classification"))
    severity = name_of(info.get("severity"))
    word = severity.lower() if severity else None
    matched = _split(entry.get("matched-at") or entry.get("url"))
    host = _split(entry.get("host"))
    matcher = name_of(entry.get("matcher-name"))
    port = port_of(entry.get("port")) or _port(matched) or _port(host)
    cves = rated.get("cve-id")
    return Reported(
        tool=TOOL,
        rule=f"{rule}:{matcher}" if matcher else rule,
        title=name_of(info.get("name")),
        result=Verdict.NOT_APPLICABLE if entry.get("matcher-status") is False else Verdict.FAIL,
        severity=severity,
        level=_LEVELS.get(word),
        cvss_vector=vector_of(rated.get("cvss-metrics")),
        cvss_score=score_of(rated.get("cvss-score")),
        cves=cves_of(cves if isinstance(cves, list) else [cves]),
        address=address_of(entry.get("ip")) or address_of(host.host) or address_of(matched.host),
        transport=Transport.TCP if port is not None else None,
        port=port,
        place=words_of(matched.path),
        message=words_of(info.get("description")),
        seen_at=moment_of(entry.get("timestamp")),
    )


class _Place(NamedTuple):
    """Where a template looked, as far as it is told."""

    scheme: str = ""
    host: str = ""
    port: int | None = None
    path: str = ""


def _split(value: object) -> _Place:
    """Take `https://10.0.0.1:8443/path`, `10.0.0.1:443` or a host alone apart."""
    text = value if isinstance(value, str) and len(value) < 4_000 else ""
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        return _Place(parts.scheme, parts.hostname or "", parts.port, parts.path)
    except ValueError:
        return _Place()


def _port(place: _Place) -> int | None:
    return port_of(place.port) or WEB_PORTS.get(place.scheme)

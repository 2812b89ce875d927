"""The XML report of OpenVAS (Greenbone): each result, with how sure the scanner is of it.

| element | of it |
|---|---|
| results/result/host | address |
| port: `443/tcp`, `general/tcp` | port, transport |
| nvt: oid; nvt/name, name | rule; title |
| threat; severity | severity; level and cvss_score; below 0 the scanner rates nothing (false positive, error) |
| nvt/severities/severity/value, nvt/tags cvss_base_vector | cvss_vector |
| nvt/refs/ref: type="cve", id; nvt/cve | cves |
| nvt/tags summary | message |
| qod/value | certainty_percent |
| modification_time, creation_time | seen_at |
| scan_run_status; result_count/full, filtered | a scan that did not end, and results that a filter left out, are told |

Source: Greenbone Management Protocol, report. Not kept: description, which holds what the device answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from plumbline.collect.imports.results import (
    Read,
    Reported,
    address_of,
    cves_of,
    level_of_score,
    moment_of,
    name_of,
    port_of,
    score_of,
    transport_of,
    vector_of,
    words_of,
)
from plumbline.collect.imports.source import Source
from plumbline.model.errors import ProtocolError
from plumbline.model.words import Verdict
from plumbline.protocols.strict_xml import Element, elements

TOOL = "openvas"
ROOTS = frozenset({"report", "get_reports_response", "get_results_response"})
FALSE_POSITIVE = "False Positive"
_PORT = re.compile(r"(\d{1,5})/(tcp|udp)\b", re.ASCII)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)


def read(source: Source) -> Iterator[Read]:
    """Give each result; raises ProtocolError when the file is no such report."""
    report: Element | None = None
    found, any_of_it = _Report(), False
    for element in elements(source.chunks(), {"result", "scan_run_status", "result_count"}, ROOTS):
        any_of_it = True
        if element.above("report") is not report:  # a file may hold several, each with a status and a count of its own
            yield from found.shortfalls()
            report, found = element.above("report"), _Report()
        if element.tag == "scan_run_status":
            found.status = element.text
        elif element.tag == "result_count":
            found.listed = element
        else:
            found.results += 1
            yield _result(element)
    yield from found.shortfalls()
    if not any_of_it:
        raise ProtocolError("not a report of OpenVAS: neither results nor a status")


@dataclass
class _Report:
    """What one report says of itself, and how many results were in it."""

    results: int = 0
    listed: Element | None = None
    status: str | None = None

    def shortfalls(self) -> Iterator[str]:
        """Say what a filter, or a page, kept out of the report, and that the scan did not end."""
        listed = self.listed
        texts = (listed.text_at("full"), listed.text_at("filtered"), listed.text) if listed is not None else ()
        most = max((int(text) for text in texts if text and _COUNT.fullmatch(text)), default=0)
        if most > self.results:
            yield f"{self.results} of {most} results: a filter or a page left the others out"
        if self.status is not None and self.status != "Done":
            yield f"the scan had not come to its end: {name_of(self.status) or 'no status'}"


def _result(result: Element) -> Read:
    nvt = result.first("nvt")
    rule = name_of(nvt.get("oid")) if nvt is not None else None
    host = result.first("host")
    address = address_of(host.text) if host is not None else None
    if nvt is None or rule is None:
        return "a result without the number of its test"
    if address is None:
        return f"a result about {name_of(host.text if host is not None else None) or 'no host'}, of which it tells no address"
    tags = _tags(nvt.text_at("tags") or "")
    threat = name_of(result.text_at("threat"))
    score = score_of(result.text_at("severity"))
    port = _PORT.search(result.text_at("port") or "")
    certainty = result.text_at("qod/value") or ""
    return Reported(
        tool=TOOL,
        rule=rule,
        title=name_of(nvt.text_at("name")) or name_of(result.text_at("name")),
        result=Verdict.INCONCLUSIVE if score is None else Verdict.FAIL,
        suppressed=True if threat == FALSE_POSITIVE else None,
        severity=threat,
        level=level_of_score(score),
        cvss_vector=vector_of(*(one.text for one in nvt.all("severities/severity/value")), tags.get("cvss_base_vector")),
        cvss_score=score,
        certainty_percent=int(certainty) if _COUNT.fullmatch(certainty) and int(certainty) <= 100 else None,
        cves=cves_of([*(one.get("id") for one in nvt.all("refs/ref") if one.get("type") == "cve"), nvt.text_at("cve")]),
        address=address,
        transport=transport_of(port[2]) if port is not None else None,
        port=port_of(port[1]) if port is not None else None,
        message=words_of(tags.get("summary")),
        seen_at=moment_of(result.text_at("modification_time")) or moment_of(result.text_at("creation_time")),
    )


def _tags(text: str) -> Mapping[str, str]:
    """Read `name=value|name=value`."""
    return {name: value for name, equals, value in (one.partition("=") for one in text.split("|")) if equals}

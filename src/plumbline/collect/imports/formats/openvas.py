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
    count, listed, status = 0, None, None
    for element in elements(source.chunks(), {"result", "scan_run_status", "result_count"}, ROOTS):
        if element.tag == "scan_run_status":
            status = element.text
        elif element.tag == "result_count":
            listed = element
        else:
            count += 1
            yield _result(element)
    yield from _left_out(count, listed)
    if status is not None and status != "Done":
        yield f"the scan had not come to its end: {name_of(status) or 'no status'}"
    if status is None and listed is None and count == 0:
        raise ProtocolError("not a report of OpenVAS: neither results nor a status")


def _left_out(count: int, listed: Element | None) -> Iterator[str]:
    """Say what a filter, or a page, kept out of the report."""
    if listed is None:
        return
    told = [text for text in (listed.text_at("full"), listed.text_at("filtered"), listed.text) if text and _COUNT.fullmatch(text)]
    most = max((int(text) for text in told), default=0)
    if most > count:
        yield f"{count} of {most} results: a filter or a page left the others out"


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

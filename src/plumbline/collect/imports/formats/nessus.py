"""Nessus' own export (`.nessus`, version 2): what each plugin found on each host, and the ports at which it found anything.

| element | of it |
|---|---|
| ReportHost: name | address, where it is one and HostProperties tell none |
| HostProperties/tag: name="host-ip", "HOST_END_TIMESTAMP" | address, seen_at |
| ReportItem: pluginID, pluginName | rule, title |
| ReportItem: port, protocol, svc_name | port, transport; a port above 0 is a service that the scanner saw open |
| ReportItem: severity 0 to 4; risk_factor | level none to critical; severity |
| cvss4_vector, cvss3_vector; cvss3_base_score, cvss_base_score | cvss_vector, cvss_score |
| cve; synopsis | cves; message |
| compliance-result PASSED, FAILED, other; compliance-check-name | result of an audit of settings; part of the rule |

Source: Tenable, "Nessus File Format". Not kept: plugin_output, which may hold what a login showed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plumbline.collect.imports.results import (
    Read,
    Reported,
    Seen,
    address_of,
    cves_of,
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
from plumbline.model.words import Severity, Transport, Verdict
from plumbline.protocols.strict_xml import Element, elements
from plumbline.rig.addresses import Address

TOOL = "nessus"
_LEVELS: Mapping[str | None, Severity] = {str(level.rank): level for level in Severity}
_WORDS: Mapping[str | None, str] = {"0": "Info", "1": "Low", "2": "Medium", "3": "High", "4": "Critical"}  # as its pages call them
_AUDITED: Mapping[str, Verdict] = {"PASSED": Verdict.PASS, "FAILED": Verdict.FAIL}


def read(source: Source) -> Iterator[Read]:
    """Give each finding and each service; raises ProtocolError when the file is no such export."""
    host: Element | None = None
    properties: Mapping[str, str] = {}
    ports: set[tuple[Transport, int]] = set()
    for element in elements(source.chunks(), {"HostProperties", "ReportItem"}, {"NessusClientData_v2"}):
        around = element.above("ReportHost")
        if around is None:
            raise ProtocolError("not an export of Nessus: results without a ReportHost around them")
        if around is not host:
            host, properties, ports = around, {}, set()
        if element.tag == "HostProperties":
            properties = {name: tag.text for tag in element.all("tag") if (name := tag.get("name"))}
            continue
        address = address_of(properties.get("host-ip")) or address_of(around.get("name"))
        if address is None:
            yield f"results about {name_of(around.get('name')) or 'a host without a name'}, of which it tells no address"
        else:
            yield from _item(element, address, properties, ports)
    if host is None:
        yield "it names no host"


def _item(item: Element, address: Address, properties: Mapping[str, str], ports: set[tuple[Transport, int]]) -> Iterator[Read]:
    rule = name_of(item.get("pluginID"))
    transport, port = transport_of(item.get("protocol")), port_of(item.get("port"))
    seen_at = moment_of(properties.get("HOST_END_TIMESTAMP"))
    if transport is not None and port is not None and (transport, port) not in ports:
        ports.add((transport, port))
        name = name_of((item.get("svc_name") or "").removesuffix("?"))
        yield Seen(tool=TOOL, address=address, transport=transport, port=port, state="open", name=name, seen_at=seen_at)
    if rule is None:
        yield f"a result about {address} without a pluginID"
        return
    audited = item.text_at("compliance-result")
    check = name_of(item.text_at("compliance-check-name")) if audited else None
    yield Reported(
        tool=TOOL,
        rule=f"{rule}:{check}" if check else rule,
        title=name_of(item.get("pluginName")),
        result=_AUDITED.get(audited, Verdict.INCONCLUSIVE) if audited else Verdict.FAIL,
        severity=name_of(item.text_at("risk_factor")) or _WORDS.get(item.get("severity")),
        level=_LEVELS.get(item.get("severity")),
        cvss_vector=vector_of(item.text_at("cvss4_vector"), item.text_at("cvss3_vector")),
        cvss_score=score_of(item.text_at("cvss3_base_score") or item.text_at("cvss_base_score")),
        cves=cves_of(one.text for one in item.all("cve")),
        address=address,
        transport=transport if port is not None else None,
        port=port,
        message=words_of(item.text_at("synopsis")),
        seen_at=seen_at,
    )

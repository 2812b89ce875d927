"""nmap's XML (`-oX`): the ports of each host, with what answered where nmap asked.

| element | of it |
|---|---|
| nmaprun: version, scanner | tool_version; another scanner is refused |
| host: starttime, endtime, timedout | seen_at; a host on which nmap gave up is told |
| host/status: state | a host that is not up is passed over: nmap saw nothing of it |
| host/address: addr, addrtype ipv4 or ipv6 | address |
| host/ports/port: protocol, portid; state: state | transport, port, state |
| service: name, product, version; cpe | name, product, version, cpe; not those of method="table", which are guessed from the port |
| runstats/finished: exit | a scan that did not come to its end is told |

Source: nmap.dtd, version 1.05 of the output. Not read: results of scripts, which have no common form, and guesses of operating systems.
"""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.collect.imports.results import Read, Seen, address_of, cpes_of, moment_of, name_of, port_of, transport_of
from plumbline.collect.imports.source import Source
from plumbline.model.errors import ProtocolError
from plumbline.protocols.strict_xml import Element, elements
from plumbline.rig.addresses import Address

TOOL = "nmap"


def read(source: Source) -> Iterator[Read]:
    """Give each port that the file lists; raises ProtocolError when it is not nmap's."""
    ended = None
    for element in elements(source.chunks(), {"host", "finished"}, {"nmaprun"}):
        run = element.above("nmaprun")
        if run is None or run.get("scanner") != TOOL:
            raise ProtocolError("not the XML of nmap: its nmaprun names another scanner")
        if element.tag == "finished":
            ended = element.get("exit")
        else:
            yield from _host(element, name_of(run.get("version")))
    if ended is None:
        yield "it does not say that the scan came to its end"
    elif ended != "success":
        yield "the scan did not come to its end"


def _host(host: Element, version: str | None) -> Iterator[Read]:
    addresses = [one.get("addr") for one in host.all("address") if one.get("addrtype") in ("ipv4", "ipv6")]
    address = next((found for one in addresses if (found := address_of(one)) is not None), None)
    status = host.first("status")
    if status is not None and status.get("state") == "down":
        return
    if address is None:
        yield "a host without an address"
        return
    if host.get("timedout") == "true":
        yield f"the scan of {address} was cut short by nmap's own limit"
    for port in host.all("ports/port"):
        seen = _port(port, address, host, version)
        stateless = "without a state" if port.first("state") is None else "that is none of TCP or UDP"
        yield seen if seen is not None else f"a port of {address} {stateless}"


def _port(port: Element, address: Address, host: Element, version: str | None) -> Seen | None:
    transport, number, state = transport_of(port.get("protocol")), port_of(port.get("portid")), port.first("state")
    if transport is None or number is None or state is None:
        return None
    service = port.first("service")
    probed = service if service is not None and service.get("method") == "probed" else None
    return Seen(
        tool=TOOL,
        tool_version=version,
        address=address,
        transport=transport,
        port=number,
        state=name_of(state.get("state")) or "unknown",
        name=name_of(probed.get("name")) if probed is not None else None,
        product=name_of(probed.get("product")) if probed is not None else None,
        version=name_of(probed.get("version")) if probed is not None else None,
        cpe=cpes_of(one.text for one in probed.all("cpe")) if probed is not None else None,
        seen_at=moment_of(host.get("endtime") or host.get("starttime")),
    )

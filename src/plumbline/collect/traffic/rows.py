"""Facts as rows: what `facts` gathered of one capture, in the words of the tables.

It decides no outcome (`collector` does) and reads no packet. Rows come in a fixed order, so the same capture gives the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from plumbline.collect.traffic.facts import Ends, FlowFacts, Notes
from plumbline.collect.traffic.locality import Locality
from plumbline.model.entities import Entity
from plumbline.model.words import EntityKind
from plumbline.protocols.dns import RecordType
from plumbline.protocols.tls_hello import version_word
from plumbline.protocols.tls_suites import suite_name

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES = {
    10: "NULL", 13: "HINFO", 15: "MX", 35: "NAPTR", 43: "DS", 44: "SSHFP", 46: "RRSIG", 48: "DNSKEY", 52: "TLSA", 64: "SVCB", 99: "SPF",
    250: "TSIG", 251: "IXFR", 252: "AXFR", 257: "CAA",
}  # fmt: skip

Row = dict[str, Any]
"""Columns of one row, the common ones included."""


def moment(time_ns: int) -> datetime:
    """Nanoseconds since 1970 as a time, to the microsecond."""
    return _EPOCH + timedelta(microseconds=time_ns // 1000)


def text(address: bytes) -> str:
    """A packed address in canonical form."""
    return str(ip_address(address))


@dataclass(frozen=True, slots=True)
class RowMaker:
    """Makes the rows of one capture; `at` cites a place in its file."""

    notes: Notes
    locality: Locality
    site: str
    at: Callable[[int], str]

    def all(self) -> Iterator[tuple[str, Iterator[Row]]]:
        """Every table below `capture` with its rows."""
        yield "station", self._stations()
        yield "flow", self._flows()
        yield "clear_credential", self._credentials()
        yield "dns_query", self._queries()
        yield "tls_client", self._tls()
        yield "mqtt_client", self._mqtt()
        yield "http_client", self._http()

    def stations(self) -> list[bytes]:
        """The stations: local addresses that sent anything, or that a flow is about."""
        return sorted({*self.notes.stations, *(ends.station for ends in self.notes.flows)}, key=_order)

    def _common(self, station: bytes, subject: str, last_ns: int, offset: int = 0) -> Row:
        entity = str(Entity.of(EntityKind.STATION, self.site, text(station)))
        return {"entity": entity, "subject": subject, "raw": self.at(offset), "observed_at": moment(last_ns)}

    def _stations(self) -> Iterator[Row]:
        names, macs = self.notes.names, self.notes.macs(self.locality.is_local)
        for address in self.stations():
            totals = [one for one in (self.notes.stations.get(address), self.notes.received.get(address)) if one is not None]
            named_mac = names.mac_by_address.get(address) or macs.get(address)
            mac = macs.get(address)
            yield {
                **self._common(address, "", max((one.last_ns for one in totals), default=0)),
                "address": text(address),
                "mac": mac.hex(":") if mac is not None else None,
                "hostname": names.host_by_mac.get(named_mac or b"") or names.host_by_address.get(address),
                "vendor_class": names.class_by_mac.get(named_mac or b""),
                "packets": sum(one.packets for one in totals),
                "bytes": sum(one.wire_bytes for one in totals),
            }

    def _flows(self) -> Iterator[Row]:
        for ends, facts in sorted(self.notes.flows.items(), key=lambda item: _ends_order(item[0])):
            yield {
                **self._common(ends.station, f"*->{ends.transport}/{text(ends.server)}/{ends.port}", facts.last_ns),
                "server": text(ends.server),
                "server_port": ends.port,
                "transport": str(ends.transport),
                "protocol": max(sorted(facts.protocols), key=lambda name: facts.protocols[name], default=None),
                "encrypted": False if facts.clear else True if facts.encrypted else None,
                "external": facts.external,
                "connections": facts.connections,
                "packets": facts.packets,
                "bytes_out": facts.bytes_out,
                "bytes_in": facts.bytes_in,
                "first_at": moment(facts.first_ns),
                "last_at": moment(facts.last_ns),
                "clear_credentials": _credential_kinds(facts),
                "gaps": facts.gaps,
            }

    def _credentials(self) -> Iterator[Row]:
        found = sorted(self.notes.credentials.items(), key=lambda item: (item[1].place.frame, item[0][1:2], item[0][3]))
        for (ends, kind, user_digest, digest), facts in found:
            if not self.locality.is_local(ends.station):
                continue
            place = facts.place
            yield {
                **self._common(ends.station, f"frame/{place.frame}", place.time_ns, place.offset),
                "credential": kind,
                "protocol": facts.protocol,
                "server": text(ends.server),
                "server_port": ends.port,
                "user_digest": user_digest,
                "digest": digest,
                "frame": place.frame,
                "offset": place.offset,
            }

    def _queries(self) -> Iterator[Row]:
        for (station, name, number), facts in sorted(self.notes.dns.items(), key=lambda item: (_order(item[0][0]), *item[0][1:])):
            kind = type_word(number)
            yield {
                **self._common(station, f"name/{name}/{kind}", facts.last_ns),
                "name": name,
                "type": kind,
                "resolver": text(facts.resolver),
                "count": facts.count,
                "answered": facts.answered,
            }

    def _tls(self) -> Iterator[Row]:
        for ends, facts in sorted(self.notes.tls.items(), key=lambda item: _ends_order(item[0])):
            if not facts.offered:
                continue  # a ServerHello without the ClientHello: the columns that may not be null are unknown
            chosen = min(facts.chosen, default=None)
            yield {
                **self._common(ends.station, _server(ends), facts.last_ns),
                "server": text(ends.server),
                "server_port": ends.port,
                "sni": max(sorted(facts.names), key=lambda name: facts.names[name], default=None),
                "highest_version": version_word(max(facts.offered)),
                "lowest_highest_version": version_word(min(facts.offered)),
                "weak_suites": sorted(facts.weak),
                "negotiated_version": version_word(chosen[0]) if chosen else None,
                "negotiated_suite": suite_name(chosen[1]) if chosen else None,
                "server_certificate_sha256": facts.certificate_sha256,
                "hellos": facts.hellos,
            }

    def _mqtt(self) -> Iterator[Row]:
        seen: dict[str, int] = {}
        ordered = sorted(self.notes.mqtt.items(), key=lambda item: (_ends_order(item[0][0]), item[0][1:]))
        for (ends, client_id, version, user, password), facts in ordered:
            subject = f"{_server(ends)}/{client_id}"
            number = seen[subject] = seen.get(subject, 0) + 1
            yield {
                **self._common(ends.station, subject if number == 1 else f"{subject}#{number}", facts.last_ns),
                "server": text(ends.server),
                "server_port": ends.port,
                "client_id": client_id or None,
                "version": version,
                "user_present": user,
                "password_present": password,
                "publishes": facts.publishes,
                "topic_shapes": sorted(facts.topics) or None,
                "accepted": facts.accepted,
            }

    def _http(self) -> Iterator[Row]:
        numbers: dict[Ends, int] = {}
        ordered = sorted(self.notes.http.items(), key=lambda item: (_ends_order(item[0][0]), item[0][2:], item[0][1]))
        for (ends, method, host, path), facts in ordered:
            number = numbers[ends] = numbers.get(ends, 0) + 1
            yield {
                **self._common(ends.station, f"{_server(ends)}/{number}", facts.last_ns),
                "server": text(ends.server),
                "server_port": ends.port,
                "host": host or None,
                "path_shape": path,
                "method": method,
                "user_agent": facts.user_agent,
                "firmware_download": facts.firmware_download,
                "requests": facts.requests,
            }


def _credential_kinds(facts: FlowFacts) -> list[str] | None:
    """Kinds seen; none at all only where all content was read, for otherwise nobody knows."""
    if facts.credentials:
        return sorted(facts.credentials)
    return [] if facts.protocols and not facts.unread else None


def type_word(number: int) -> str:
    """Name a DNS type, as RFC 3597 5 does where nobody else has."""
    if number in frozenset(RecordType):
        return RecordType(number).name
    return _TYPES.get(number, f"TYPE{number}")


def _server(ends: Ends) -> str:
    return f"{ends.transport}/{text(ends.server)}/{ends.port}"


def _order(address: bytes) -> tuple[int, bytes]:
    return len(address), address


def _ends_order(ends: Ends) -> tuple[tuple[int, bytes], tuple[int, bytes], int, str, bool]:
    return _order(ends.station), _order(ends.server), ends.port, ends.transport, ends.inbound

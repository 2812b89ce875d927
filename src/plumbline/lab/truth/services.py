"""What an audit sees on the lab's network, and what it does not see: services, silence, and devices that it must leave alone.

| device | what is attempted (law 5) |
|---|---|
| untouchable | nothing: not permitted |
| speaks an industrial protocol | that protocol's identification; everything else not permitted |
| silent | every port times out, so every table does |
| any other | each usual port of each protocol, and whatever else is found open |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.lab.certificates import AUTHORITY_KIND, Certificate
from plumbline.lab.fleet import Device
from plumbline.lab.rigfile import NETWORKS
from plumbline.lab.servers.ssdp import TARGETS
from plumbline.lab.services import Coap, Ftp, Habit, Mdns, Modbus, Mqtt, Odd, OpcUa, Rtsp, Service, Snmp, Ssdp, Ssh, Telnet, Tls, Web
from plumbline.lab.truth.world import World
from plumbline.model.words import Outcome

TCP_TABLES = (
    *("certificate", "ftp_service", "http_service", "mqtt_broker", "rtsp_service"),
    *("ssh_host_key", "ssh_service", "telnet_service", "tls_endpoint"),
)
UDP_TABLES = (("announcement", 1900), ("announcement", 5353), ("coap_service", 5683), ("snmp_agent", 1161))
INDUSTRIAL_TABLES = ("modbus_device", "opcua_endpoint")
_USUAL = {8080: ("http_service",), 8443: ("http_service", "tls_endpoint", "certificate")}  # of the ports where the lab speaks no protocol
_ODD = {
    Habit.MUTE: Outcome.TIMEOUT,
    Habit.PRINTS: Outcome.NOT_PERMITTED,
    Habit.SILENT: Outcome.TIMEOUT,
    Habit.HANGS_UP: Outcome.REFUSED,
    Habit.GARBAGE: Outcome.PROTOCOL_ERROR,
    Habit.TARPIT: Outcome.PROTOCOL_ERROR,
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate as an endpoint sends it; position 0 is the leaf."""

    certificate: Certificate
    position: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One OPC UA endpoint."""

    unsecured: bool


@dataclass(frozen=True, slots=True)
class Announced:
    """One thing announced; SSDP alone tells of gateways, and of the unit only in a description, which no audit fetches."""

    gateway_control: bool | None = None
    leaks: bool | None = None


def see(world: World) -> None:
    """Note everything about the network."""
    for number, (name, *_) in NETWORKS.items():
        devices = [device for device in world.within if device.address.startswith(f"{world.fleet.base}.{number}.")]
        if devices:
            world.attempt("host", f"network:/{name}")
        for device in devices:
            _see_device(world, device, f"network:/{name}")


def _see_device(world: World, device: Device, network: str) -> None:
    asset = world.asset_of(device)
    everything = (*TCP_TABLES, *{table for table, _ in UDP_TABLES}, *INDUSTRIAL_TABLES, "service")
    if device.untouchable or device.silent:
        for table in everything:
            world.attempt(table, asset, outcome=Outcome.NOT_PERMITTED if device.untouchable else Outcome.TIMEOUT)
        return
    world.see("host", asset, "", device, source=network)
    industrial = any(isinstance(service, Modbus | OpcUa) for service in device.services)
    for service in device.services:
        if not industrial or isinstance(service, Modbus | OpcUa):
            _see_service(world, asset, service)
    if industrial:
        for table in (*TCP_TABLES, *{table for table, _ in UDP_TABLES}, "service"):
            world.attempt(table, asset, outcome=Outcome.NOT_PERMITTED)
        tried: tuple[str, ...] = INDUSTRIAL_TABLES
    else:
        tried = (*TCP_TABLES, *INDUSTRIAL_TABLES)
        for table, port in UDP_TABLES:
            world.attempt(table, asset, f"udp/{port}")
    for table in tried:
        if not any(attempt.asset == asset for attempt in world.attempts[table]):
            world.attempt(table, asset)


def _see_service(world: World, asset: str, service: Service) -> None:
    subject = f"{service.transport.value}/{service.port}"
    if isinstance(service, Odd):
        outcome = _ODD[service.habit]
        if service.habit is not Habit.SILENT:
            world.see("service", asset, subject, service)
        for table in ("service", *_USUAL.get(service.port, ())):
            world.attempt(table, asset, subject, outcome)
        return
    world.see("service", asset, subject, service)
    world.attempt("service", asset, subject)
    for table, part, thing in _rows(service):
        world.see(table, asset, subject + part, thing)
    for table in {table for table, _, _ in _rows(service)}:
        world.attempt(table, asset, subject)


def _rows(service: Service) -> Iterator[tuple[str, str, object]]:
    """Give table, rest of the subject, and thing of each row about a service."""
    match service:
        case Web():
            yield "http_service", "", service
        case Telnet():
            yield "telnet_service", "", service
        case Rtsp():
            yield "rtsp_service", "", service
        case Ftp():
            yield "ftp_service", "", service
        case Snmp():
            yield "snmp_agent", "", service
        case Mqtt():
            yield "mqtt_broker", "", service
        case Coap():
            yield "coap_service", "", service
        case Modbus():
            yield "modbus_device", "", service
        case Ssh():
            yield "ssh_service", "", service
            yield "ssh_host_key", "/ssh-ed25519" if service.host_key.kind == "ed25519" else "/ssh-rsa", service.host_key
        case OpcUa():
            for number, unsecured in enumerate((False, True) if service.unsecured else (False,)):
                yield "opcua_endpoint", f"/{number}", Endpoint(unsecured)
        case Ssdp():
            for number, target in enumerate(sorted(TARGETS)):
                yield "announcement", f"/{number}", Announced(gateway_control="WANIPConnection" in target)
        case Mdns():
            yield "announcement", "/0", Announced(leaks=service.leaks)
        case Odd():
            return
    if isinstance(service, Web | Mqtt) and service.tls is not None:
        yield from _tls_rows(service.tls)


def _tls_rows(tls: Tls) -> Iterator[tuple[str, str, object]]:
    yield "tls_endpoint", "", tls
    yield "certificate", "", Shown(tls.certificate, 0)
    leaf = tls.certificate
    if tls.sends_authority and leaf.authority is not None:
        issuer = Certificate(leaf.authority, leaf.authority, AUTHORITY_KIND, leaf.not_before, leaf.not_after)
        yield "certificate", "/chain/1", Shown(issuer, 1)


def wire_keys(world: World) -> set[tuple[str, str]]:
    """Give kind and name of every key that the network shows of devices that may be asked."""
    found: set[tuple[str, str]] = set()
    for device in world.within:
        if device.untouchable or any(isinstance(service, Modbus | OpcUa) for service in device.services):
            continue
        for service in device.services:
            if isinstance(service, Ssh):
                found.add((service.host_key.kind, service.host_key.name))
            elif isinstance(service, Web | Mqtt) and service.tls is not None:
                found.add((service.tls.certificate.key_kind, service.tls.certificate.key))
    return found

"""The lab's devices as values: which there are, at which addresses, and what each serves, from the positions of the switches.

Not the servers (`servers`) and not the customer's view (`rigfile`). Every kind stands twice: a weak device that the switches move, and its
hardened twin for which every switch reads safe. A third network holds hidden things: filters, tarpits, services on odd ports.

| address | who |
|---|---|
| base.1.n | weak twins |
| base.2.n | hardened twins, the same n |
| base.3.n | hidden things, and one device that nobody may touch |
| base.4.n | a device that is declared and silent |
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from plumbline.lab.certificates import Certificate
from plumbline.lab.services import (
    Coap,
    Cookie,
    Ftp,
    Habit,
    HostKey,
    Mdns,
    Modbus,
    Mqtt,
    Odd,
    OpcUa,
    Page,
    Rtsp,
    Service,
    Snmp,
    Ssdp,
    Ssh,
    Telnet,
    Tls,
    Web,
)
from plumbline.lab.switches import Switches
from plumbline.model.words import DeviceClass, Transport

BASE = "127.20"
TCP_PORTS = (
    *(1883, 2121, 2222, 2323, 4840, 5000, 5020, 5555, 7070, 8000, 8080, 8081, 8443, 8554, 8883, 9100, 9999, 10022, 21883),
    *(8888, 44818),  # nothing listens there: closed ports belong to every audit
)
UDP_PORTS = (1161, 1900, 5353, 5683)
ABSENT_PORTS = (8080, 8443)  # few, because waiting for each of them takes its whole deadline

AUTHORITY = "Northwind Device CA"
OLD_RELEASES = {  # what a kind runs where its switch stands at weak; see `catalogue`
    "controller": ("controller.firmware_unsupported", "1.2.0"),
    "sensor": ("sensor.firmware_vulnerable", "1.3.0"),
    "gateway": ("gateway.firmware_behind", "1.4.0"),
    "printer": ("printer.firmware_retracted", "1.4.1"),
}
_DAY = timedelta(days=1)

Weak = Callable[[str], bool]
"""Says of a switch whether it stands at weak; for hardened twins never."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device of the lab. `kind` is shared by twins; `switched` is the one of them that the switches move."""

    name: str
    kind: str
    switched: bool
    address: str
    mac: str
    model: str
    serial: str
    firmware_version: str
    services: tuple[Service, ...]
    device_class: DeviceClass = DeviceClass.IT
    hub_device_id: str | None = None
    declared: bool = True
    untouchable: bool = False  # a safety function: no packet may reach it

    @property
    def silent(self) -> bool:
        """Nothing at its address ever answers."""
        return bool(self.services) and all(isinstance(s, Odd) and s.habit is Habit.SILENT for s in self.services)

    def serves(self, transport: Transport, port: int) -> Service | None:
        """Give the service on a port, or None where it is closed."""
        return next((s for s in self.services if s.transport is transport and s.port == port), None)


@dataclass(frozen=True)
class Fleet:
    """All devices, for one position of the switches, one base address and one day."""

    switches: Switches
    base: str
    at: datetime
    devices: tuple[Device, ...]

    @cached_property
    def by_name(self) -> dict[str, Device]:
        """Devices by their names."""
        return {device.name: device for device in self.devices}

    def twin(self, kind: str, *, switched: bool) -> Device:
        """Give the weak or the hardened device of a kind; raises KeyError for an unknown one."""
        return self.by_name[kind if switched else f"{kind}-hardened"]

    def weak(self, *, switched: bool) -> Weak:
        """Give the positions as the weak side of the lab sees them, or as its hardened side does."""
        return self.switches.__getitem__ if switched else _never


def fleet(switches: Switches, at: datetime, base: str = BASE) -> Fleet:
    """Describe the lab.

    `at` is the instant that certificates and activity times are relative to (aware); `base` the first two octets of every address.
    Raises ValueError for a base outside 127.0.0.0/8 or a naive instant.
    """
    if not re.fullmatch(r"127\.(25[0-5]|2[0-4]\d|1?\d?\d)", base):
        raise ValueError(f"{base!r} is no base: want two octets of 127.0.0.0/8, for example 127.20")
    if at.tzinfo is None:
        raise ValueError("the lab wants an aware instant")
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    devices: list[Device] = []
    for switched in (True, False):
        maker = _Maker(base, day, switches.__getitem__ if switched else _never, switched=switched)
        devices += maker.devices()
    devices += _hidden(base, switches.__getitem__)
    return Fleet(switches, base, day, tuple(devices))


def _never(_name: str) -> bool:
    return False


def _mac(address: str) -> str:
    """Make a locally administered MAC (IEEE 802, 8.4: second bit of the first octet) from the last two octets of an address."""
    network, number = address.split(".")[2:]
    return f"02:50:4c:00:{int(network):02x}:{int(number):02x}"


@dataclass(frozen=True)
class _Maker:
    """Makes one side of the lab."""

    base: str
    at: datetime
    weak: Weak
    switched: bool

    def devices(self) -> list[Device]:
        return [
            self._device("camera", 10, "cam", self._camera(), hub_device_id=True),
            self._device("router", 20, "rtr", self._router()),
            self._device("plc", 30, "plc", self._plc(), device_class=DeviceClass.OT),
            self._device("controller", 40, "bms", self._controller(), hub_device_id=True),
            self._device("broker", 50, "mqb", self._broker()),
            self._device("sensor", 60, "sensor", self._sensor(), hub_device_id=True),
            self._device("gateway", 70, "edge-gw", self._gateway(), hub_device_id=True),
            self._device("printer", 80, "printer", self._printer(), hub_device_id=True),
        ]

    def _device(
        self,
        kind: str,
        number: int,
        stem: str,
        services: list[Service],
        *,
        device_class: DeviceClass = DeviceClass.IT,
        hub_device_id: bool = False,
    ) -> Device:
        return Device(
            name=kind if self.switched else f"{kind}-hardened",
            kind=kind,
            switched=self.switched,
            address=self._address(number),
            mac=_mac(self._address(number)),
            model=f"northwind/{stem}-{3 if self.switched else 4}",
            serial=self._serial(stem),
            firmware_version=self._version(kind),
            services=tuple(services),
            device_class=device_class,
            hub_device_id=f"{stem}-{self._unit:04}" if hub_device_id else None,
        )

    @property
    def _unit(self) -> int:
        return 1 if self.switched else 2

    def _serial(self, stem: str) -> str:
        return f"NW-{stem.upper()}-{self._unit:04}"

    def _version(self, kind: str) -> str:
        """Say which release a kind runs: the newest of its model, but for what a switch holds back."""
        switch, old = OLD_RELEASES.get(kind, ("", ""))
        if switch and self.weak(switch):
            return old
        return "1.4.2" if self.switched else "2.0.1"

    def _address(self, number: int) -> str:
        return f"{self.base}.{1 if self.switched else 2}.{number}"

    def _key(self, kind: str, use: str) -> str:
        return f"{kind} {use} {'weak' if self.switched else 'hardened'}"

    def _certificate(
        self, kind: str, number: int, *, key: str | None = None, key_kind: str = "ec", ends: timedelta = 3650 * _DAY, sha1: bool = False
    ) -> Certificate:
        name = f"{kind}-{'1' if self.switched else '2'}.harbour.example"
        return Certificate(
            name=name,
            key=key or self._key(kind, "tls"),
            key_kind="rsa-2048" if sha1 else key_kind,
            not_before=self.at - 400 * _DAY,
            not_after=self.at + ends,
            addresses=(self._address(number),),
            authority=None if sha1 or self.switched else AUTHORITY,
            signature_hash="sha1" if sha1 else "sha256",
        )

    def _camera(self) -> list[Service]:
        weak = self.weak
        server = f"CamHttpd/{self._version('camera')}" if weak("camera.banner_shows_version") else "CamHttpd"
        key = firmware_key(switched=self.switched) if weak("camera.image_key_on_wire") else None
        ends = -40 * _DAY if weak("camera.certificate_expired") else 3650 * _DAY
        tls = Tls(self._certificate("camera", 10, key=key, ends=ends), sends_authority=not self.switched)
        stated = f"northwind/cam-{3 if self.switched else 4}", (self._version("camera") if self.switched else None)
        clear = Page.LOGIN if weak("camera.http_login_in_clear") else Page.REDIRECT
        cookie = Cookie.BARE if weak("camera.cookie_without_flags") else Cookie.FLAGGED
        services: list[Service] = [
            Web(8080, clear, server, "Camera"),
            Web(8443, Page.LOGIN, server, "Camera", tls=tls, cookie=cookie, model=stated[0], firmware_version=stated[1]),
            Rtsp(8554, server, login=not weak("camera.rtsp_stream_without_login")),
            Ssh(2222, "NorthwindSSH", self._host_key("gateway" if weak("camera.shared_host_key") else "camera")),
        ]
        if weak("camera.telnet_open"):
            services.append(Telnet(2323, shell=weak("camera.shell_without_login"), banner="Northwind camera"))
        if weak("camera.debug_port_open"):
            services.append(Odd(5555, Habit.MUTE))
        if weak("camera.undeclared_open_port"):
            services.append(Web(7070, Page.PLAIN, "CamHttpd", "Camera events"))
        return services

    def _router(self) -> list[Service]:
        weak = self.weak
        tls = Tls(
            self._certificate("router", 20, key_kind="rsa-1024" if weak("router.certificate_weak_key") else "ec"),
            oldest="tls1.0" if weak("router.tls_old_version_accepted") else "tls1.2",
            null_suite=weak("router.tls_weak_suite_accepted"),
        )
        services: list[Service] = [
            Web(8080, Page.BASIC if weak("router.basic_auth_in_clear") else Page.REDIRECT, "lantern", "Router"),
            Web(8443, Page.BASIC, "lantern", "Router", tls=tls),
            Ssh(
                2222,
                "NorthwindSSH",
                HostKey("rsa-1024", self._key("router", "ssh")) if weak("router.ssh_weak_host_key") else self._host_key("router"),
                weak_algorithms=weak("router.ssh_weak_algorithms"),
                protocol_version="1.99" if weak("router.ssh_protocol_1") else "2.0",
            ),
            Snmp(1161, weak("router.snmp_public_community"), "Northwind router", self._engine_id(20)),
            Ftp(
                2121,
                "FTP ready.",
                anonymous=weak("router.ftp_anonymous"),
                auth_tls=None if weak("router.ftp_without_tls") else Tls(self._certificate("router", 20)),
            ),
        ]
        if weak("router.telnet_open"):
            services.append(Telnet(2323, shell=False, banner="Northwind router"))
        if weak("router.upnp_gateway_control"):
            services += [Ssdp(1900, 5000, "Linux UPnP/1.0 lantern"), Web(5000, Page.UPNP, "lantern", "Router")]
        return services

    def _plc(self) -> list[Service]:
        return [self._modbus("plc", "MER-PLC-200", strict=True)]

    def _controller(self) -> list[Service]:
        """It speaks industrial protocols, so an audit may not touch its web page (law 5): nothing there is worth a switch."""
        weak = self.weak
        return [
            Web(8443, Page.LOGIN, "meridian", "Building controller", tls=Tls(self._certificate("controller", 40))),
            self._modbus("controller", "MER-BMS-1", strict=False),
            OpcUa(
                *(4840, "urn:meridian:bms", "Building controller"),
                unsecured=weak("controller.opcua_endpoint_without_security"),
                certificate=self._certificate("controller", 40, key="opcua", key_kind="rsa-2048"),
            ),
        ]

    def _broker(self) -> list[Service]:
        weak = self.weak
        anonymous, wildcard, sys = weak("broker.accepts_anonymous"), weak("broker.grants_wildcard"), weak("broker.shows_sys")
        topics = ("harbour/cold-room-1/temperature", "harbour/cold-room-2/temperature")
        sha1 = weak("broker.certificate_weak_signature")
        inside = Mqtt(8883, anonymous, wildcard, sys, tls=Tls(self._certificate("broker", 50, sha1=sha1)), topics=topics)
        if weak("broker.mqtt_without_tls"):
            return [Mqtt(1883, anonymous, wildcard, sys, topics=topics), inside]
        return [inside]

    def _sensor(self) -> list[Service]:
        resources = ("/sensors/temperature", "/sensors/humidity", "/device/info")
        return [Coap(5683, self.weak("sensor.coap_resource_readable"), resources)]

    def _gateway(self) -> list[Service]:
        tls = self._gateway_tls()
        return [
            Ssh(2222, "NorthwindSSH", self._host_key("gateway")),
            Web(8443, Page.LOGIN, "edge", "Edge gateway", tls=tls, cors_any_origin=self.weak("gateway.cors_any_origin")),
            Mqtt(8883, anonymous=False, wildcard=False, sys=False, tls=tls),
        ]

    def _gateway_tls(self) -> Tls:
        ends = 10 * _DAY if self.weak("gateway.certificate_expiring") else 3650 * _DAY
        return Tls(self._certificate("gateway", 70, ends=ends), sends_authority=not self.switched)

    def _printer(self) -> list[Service]:
        weak = self.weak
        open_admin = weak("printer.admin_page_without_login")
        return [
            Web(8000, Page.ADMINISTRATION if open_admin else Page.REDIRECT, "quill", "Label printer"),
            Web(8081, Page.LISTING if weak("printer.directory_listing") else Page.PLAIN, "quill", "Spool"),
            Web(
                *(8443, Page.LOGIN, "quill", "Label printer"),
                tls=self._gateway_tls() if weak("printer.shared_certificate") else Tls(self._certificate("printer", 80)),
                firmware_version=self._version("printer"),
            ),
            Odd(9100, Habit.PRINTS),
            Snmp(1161, weak("printer.snmp_public_community"), "Northwind label printer", self._engine_id(80)),
            Mdns(5353, "Label printer", self._serial("printer"), leaks=weak("printer.announcement_leaks_data")),
        ]

    def _modbus(self, kind: str, product_code: str, *, strict: bool) -> Modbus:
        open_to_all = self.weak(f"{kind}.modbus_identification_open")
        return Modbus(5020, open_to_all, "Meridian", product_code, f"V{self._version(kind)}", strict=strict)

    def _host_key(self, kind: str) -> HostKey:
        return HostKey("ed25519", self._key(kind, "ssh"))

    def _engine_id(self, number: int) -> bytes:
        return engine_id(_mac(self._address(number)))


def firmware_key(*, switched: bool) -> str:
    """Name the TLS key that the camera's firmware image may hold."""
    return f"camera firmware {'weak' if switched else 'hardened'}"


def engine_id(mac: str) -> bytes:
    """Make an SNMP engine id of form 3, a MAC, under the enterprise number of documentation (RFC 3411, 5; RFC 5612)."""
    return (0x80000000 | 32473).to_bytes(4) + b"\x03" + bytes.fromhex(mac.replace(":", ""))


def _hidden(base: str, weak: Weak) -> list[Device]:
    stranger = HostKey("ed25519", "stranger ssh")
    relay = Modbus(5020, True, "Meridian", "MER-RELAY-9", "V3", strict=True)
    stranger_services = (
        Ssh(10022, "StrangerSSH", stranger),
        Mqtt(21883, anonymous=False, wildcard=False, sys=False),
        Web(7070, Page.PLAIN, "stranger", "It works"),
    )
    found = [
        _odd_device(base, "filtered", 10, Web(8080, Page.DIGEST, "quill", "Scale"), Odd(8443, Habit.SILENT)),
        _odd_device(base, "hangup", 20, Odd(8080, Habit.HANGS_UP)),
        _odd_device(base, "garbage", 30, Odd(9999, Habit.GARBAGE)),
        _odd_device(base, "tarpit", 40, Odd(8080, Habit.TARPIT)),
        _odd_device(base, "stranger", 50, *stranger_services, declared=not weak("rig.undeclared_device")),
        _odd_device(base, "relay", 70, relay, device_class=DeviceClass.OT, untouchable=True),
    ]
    if weak("rig.declared_device_not_seen"):
        found.append(_odd_device(base, "absent", 10, *(Odd(port, Habit.SILENT) for port in ABSENT_PORTS), network=4))
    return found


def _odd_device(
    base: str,
    name: str,
    number: int,
    *services: Service,
    declared: bool = True,
    device_class: DeviceClass = DeviceClass.IT,
    untouchable: bool = False,
    network: int = 3,
) -> Device:
    address = f"{base}.{network}.{number}"
    return Device(
        name=name,
        kind=name,
        switched=True,
        address=address,
        mac=_mac(address),
        model=f"unknown/{name}",
        serial=f"NW-{name.upper()}-0001",
        firmware_version="0",
        services=services,
        device_class=device_class,
        declared=declared,
        untouchable=untouchable,
    )

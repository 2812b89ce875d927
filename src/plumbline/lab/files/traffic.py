"""What the lab's devices say to each other and outside, as one capture for the weak side and one for the hardened side.

Each conversation is its own function and follows one switch, so that a flow is wrong in one way only. Servers outside have addresses of
documentation ranges (RFC 5737): nobody has them.
"""

from __future__ import annotations

import base64
import struct
from datetime import timedelta

from plumbline.lab.certificates import Certificate, der
from plumbline.lab.files import hellos
from plumbline.lab.files.frames import Say, Station, Wire
from plumbline.lab.fleet import Fleet

CLOUD = "203.0.113.10"
TELEMETRY = "203.0.113.20"
STATIONS = ("router", "camera", "controller", "sensor", "gateway", "broker", "plc")
USER, WORD = "service", "harbour-1962"


def capture(fleet: Fleet, *, switched: bool) -> bytes:
    """Write the capture of one side, taken the day before."""
    return _Side(fleet, switched=switched).capture()


class _Side:
    """One side's stations and their conversations."""

    def __init__(self, fleet: Fleet, *, switched: bool) -> None:
        self._fleet, self._switched = fleet, switched
        self._weak = fleet.weak(switched=switched)
        self._wire = Wire(fleet.at - timedelta(days=1))
        self._router = self._station("router")

    def capture(self) -> bytes:
        for kind in STATIONS[1:]:
            self._wire.arp(self._station(kind), self._router)
        self._resolve()
        self._report()
        self._control()
        self._log_in()
        self._send_outside()
        self._call_cloud()
        self._update()
        return self._wire.pcap()

    def _station(self, kind: str) -> Station:
        device = self._fleet.twin(kind, switched=self._switched)
        return Station(device.address, device.mac)

    def _outside(self, address: str) -> Station:
        """A server outside: its packets bear the router's MAC."""
        return Station(address, self._router.mac)

    def _tls(self, kind: str, server: Station, port: int, name: str) -> None:
        self._wire.tcp(self._station(kind), server, port, hellos.connection(name))

    def _resolve(self) -> None:
        """The camera asks the router for a name (RFC 1035, 4)."""
        name = b"".join(bytes((len(label),)) + label for label in (b"telemetry", b"northwind", b"example")) + b"\0"
        question = name + struct.pack(">HH", 1, 1)
        answer = struct.pack(">HHHIH", 0xC00C, 1, 1, 300, 4) + self._outside(TELEMETRY).packed
        query = struct.pack(">HHHHHH", 0x1D2E, 0x0100, 1, 0, 0, 0) + question
        self._wire.udp(
            self._station("camera"), self._router, 53, query, struct.pack(">HHHHHH", 0x1D2E, 0x8180, 1, 1, 0, 0) + question + answer
        )

    def _report(self) -> None:
        """The sensor, an X.509 identity of the hub, reports to the broker (MQTT 3.1.1, 3)."""
        broker = self._station("broker")
        if not self._weak("capture.plain_mqtt_from_x509_device"):
            return self._tls("sensor", broker, 8883, "broker.harbour.example")
        return self._publish("sensor", b"harbour/cold-room-1/temperature", b"3.8")

    def _publish(self, kind: str, topic: bytes, payload: bytes, *login: str) -> None:
        """A device publishes to the broker in clear, under its id at the hub; `login` is a user name and a password."""
        words = (self._fleet.twin(kind, switched=self._switched).hub_device_id or "", *login)
        fields = b"".join(struct.pack(">H", len(word)) + word.encode() for word in words)
        connect = b"\x00\x04MQTT\x04" + (b"\xc2" if login else b"\x02") + b"\x00\x3c" + fields
        publish = struct.pack(">H", len(topic)) + topic + payload
        said = [
            Say(True, bytes((0x10, len(connect))) + connect),
            Say(False, b"\x20\x02\x00\x00"),
            Say(True, bytes((0x30, len(publish))) + publish),
            Say(True, b"\xe0\x00"),
        ]
        self._wire.tcp(self._station(kind), self._station("broker"), 1883, said)

    def _control(self) -> None:
        """The gateway reads two registers of the PLC (Modbus Application Protocol 1.1b3, 6.3), and the sensor (RFC 7252, 5.8.1)."""
        request = struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 0, 2)
        answer = struct.pack(">HHHBBBHH", 1, 0, 7, 1, 3, 4, 38, 61)
        gateway = self._station("gateway")
        self._wire.tcp(gateway, self._station("plc"), 5020, [Say(True, request), Say(False, answer)])
        path = b"\xb7sensors\x0btemperature"
        self._wire.udp(gateway, self._station("sensor"), 5683, b"\x41\x01\x00\x07\x55" + path, b"\x61\x45\x00\x07\x55\xc0\xff3.8")

    def _log_in(self) -> None:
        """The controller and the gateway log in to the router, and the controller to the broker."""
        if not self._weak("capture.credential_in_clear"):
            for kind in ("controller", "gateway"):
                self._tls(kind, self._router, 8443, "router.harbour.example")
            self._tls("controller", self._station("broker"), 8883, "broker.harbour.example")
            return
        login = base64.b64encode(f"{USER}:{WORD}".encode()).decode()
        page = _response(b"<html><body>Ready.</body></html>", "text/html")
        fields = f"Host: {self._router.address}:8080\r\nAuthorization: Basic {login}\r\n"
        self._wire.tcp(self._station("controller"), self._router, 8080, [_request("GET", "/status", fields), page])
        ftp = [
            Say(False, b"220 FTP ready.\r\n"),
            Say(True, f"USER {USER}\r\n".encode()),
            Say(False, b"331 Password needed.\r\n"),
            Say(True, f"PASS {WORD}\r\n".encode()),
            Say(False, b"230 Logged in.\r\n"),
            Say(True, b"QUIT\r\n"),
            Say(False, b"221 Bye.\r\n"),
        ]
        self._wire.tcp(self._station("gateway"), self._router, 2121, ftp)
        self._publish("controller", b"harbour/building/state", b"on", USER, WORD)

    def _send_outside(self) -> None:
        """The camera sends telemetry outside."""
        server = self._outside(TELEMETRY)
        if not self._weak("capture.clear_flow_to_outside"):
            return self._tls("camera", server, 443, "telemetry.northwind.example")
        body = b'{"frames": 1024}'
        fields = f"Host: telemetry.northwind.example\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        said = [_request("POST", "/v1/frames", fields, body), _response(b"{}", "application/json")]
        return self._wire.tcp(self._station("camera"), server, 80, said)

    def _call_cloud(self) -> None:
        """The sensor and the controller call the cloud."""
        cloud, name = self._outside(CLOUD), "hub.northwind.example"
        certificate = der(Certificate(name, "cloud", "ec", self._fleet.at - timedelta(days=90), self._fleet.at + timedelta(days=400)))
        old = hellos.connection(name, version=hellos.TLS_1_0, suites=hellos.OLD, certificate=certificate)
        self._wire.tcp(
            *(self._station("sensor"), cloud, 8883), old if self._weak("capture.client_offers_old_tls") else hellos.connection(name)
        )
        mixed = (*hellos.CURRENT_12, *hellos.OLD, *hellos.WEAK)
        weak = hellos.connection(name, version=hellos.TLS_1_2, suites=mixed, certificate=certificate)
        self._wire.tcp(
            *(self._station("controller"), cloud, 443), weak if self._weak("capture.client_offers_weak_suites") else hellos.connection(name)
        )

    def _update(self) -> None:
        """The camera fetches firmware from the gateway's mirror."""
        gateway = self._station("gateway")
        if not self._weak("capture.firmware_fetched_in_clear"):
            return self._tls("camera", gateway, 8443, "gateway.harbour.example")
        fields = f"Host: {gateway.address}:8081\r\nUser-Agent: cam-updater\r\n"
        said = [_request("GET", "/cam-3/cam-3-1.5.0.bin", fields), _response(bytes(range(256)) * 16, "application/octet-stream")]
        return self._wire.tcp(self._station("camera"), gateway, 8081, said)


def _request(method: str, path: str, fields: str, body: bytes = b"") -> Say:
    return Say(True, f"{method} {path} HTTP/1.1\r\n{fields}\r\n".encode() + body)


def _response(body: bytes, kind: str) -> Say:
    return Say(False, f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

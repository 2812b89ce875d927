"""What an audit reads in the lab's captures, conversation by conversation, as `files.traffic` has them."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.lab.files import traffic
from plumbline.lab.files.hub import by_key
from plumbline.lab.rigfile import SIDES
from plumbline.lab.truth.world import World

TABLES = ("clear_credential", "dns_query", "flow", "http_client", "mqtt_client", "station", "tls_client")


@dataclass(frozen=True, slots=True)
class Flow:
    """All connections of a station to one port of a server."""

    protocol: str
    external: bool = False
    encrypted: bool = False
    credentials: bool = False


@dataclass(frozen=True, slots=True)
class Hello:
    """What a TLS client offers."""

    old: bool = False
    weak_suites: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One kind of HTTP request in clear."""

    firmware: bool = False


@dataclass(frozen=True, slots=True)
class MqttClient:
    """An MQTT client in clear, and whether its identity at the hub is a symmetric key; else it is a certificate."""

    by_key: bool


def see(world: World) -> None:
    """Note everything about both captures."""
    for switched, side in SIDES.items():
        capture = f"capture:/{side}.pcap"
        for table in ("capture", *TABLES):
            world.attempt(table, capture)
        world.see("capture", capture, "", side)
        _Side(world, capture, switched=switched).see()


class _Side:
    def __init__(self, world: World, capture: str, *, switched: bool) -> None:
        self._world, self._capture, self._switched = world, capture, switched
        self._weak = world.fleet.weak(switched=switched)
        self._router = self._address("router")

    def _address(self, kind: str) -> str:
        return self._world.fleet.twin(kind, switched=self._switched).address

    def _see(self, table: str, kind: str, subject: str, thing: object) -> None:
        station = self._world.asset_of(self._world.fleet.twin(kind, switched=self._switched))
        self._world.see(table, station, subject, thing, source=self._capture)

    def see(self) -> None:
        weak, flow = self._weak, self._flow
        for kind in traffic.STATIONS:
            self._see("station", kind, "", kind)
        flow("camera", "udp", self._router, 53, Flow("dns"))
        if weak("capture.plain_mqtt_from_x509_device"):
            self._mqtt("sensor", Flow("mqtt"))
        else:
            self._tls("sensor", self._address("broker"), 8883)
        flow("gateway", "tcp", self._address("plc"), 5020, Flow("modbus"))
        flow("gateway", "udp", self._address("sensor"), 5683, Flow("coap"))
        if weak("capture.credential_in_clear"):
            self._http("controller", self._router, 8080, Flow("http", credentials=True))
            flow("gateway", "tcp", self._router, 2121, Flow("ftp", credentials=True))
            self._mqtt("controller", Flow("mqtt", credentials=True))
        else:
            self._tls("controller", self._address("broker"), 8883)
            self._tls("controller", self._router, 8443)
            self._tls("gateway", self._router, 8443)
        if weak("capture.clear_flow_to_outside"):
            self._http("camera", traffic.TELEMETRY, 80, Flow("http", external=True))
        else:
            self._tls("camera", traffic.TELEMETRY, 443)
        self._tls("sensor", traffic.CLOUD, 8883, Hello(old=weak("capture.client_offers_old_tls")))
        self._tls("controller", traffic.CLOUD, 443, Hello(weak_suites=weak("capture.client_offers_weak_suites")))
        if weak("capture.firmware_fetched_in_clear"):
            self._http("camera", self._address("gateway"), 8081, Flow("http"), Request(firmware=True))
        else:
            self._tls("camera", self._address("gateway"), 8443)

    def _flow(self, kind: str, transport: str, server: str, port: int, flow: Flow) -> None:
        self._see("flow", kind, f"*->{transport}/{server}/{port}", flow)

    def _tls(self, kind: str, server: str, port: int, hello: Hello | None = None) -> None:
        external = server in (traffic.CLOUD, traffic.TELEMETRY)
        self._flow(kind, "tcp", server, port, Flow("tls", external=external, encrypted=True))
        self._see("tls_client", kind, f"tcp/{server}/{port}", hello or Hello())

    def _mqtt(self, kind: str, flow: Flow) -> None:
        broker, device_id = self._address("broker"), self._world.fleet.twin(kind, switched=self._switched).hub_device_id
        self._flow(kind, "tcp", broker, 1883, flow)
        self._see("mqtt_client", kind, f"tcp/{broker}/1883/{device_id}", MqttClient(by_key(kind, self._weak)))

    def _http(self, kind: str, server: str, port: int, flow: Flow, request: Request | None = None) -> None:
        self._flow(kind, "tcp", server, port, flow)
        self._see("http_client", kind, f"tcp/{server}/{port}/1", request or Request())

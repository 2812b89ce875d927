"""Codecs against servers of the operating system, on loopback: mosquitto and net-snmp; and against captures, as tshark cuts them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plumbline.protocols import dns, modbus, mqtt, opcua, snmp

pytestmark = pytest.mark.system

WAIT_S = 20.0
CAPTURES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "captures"


def program(name: str) -> str:
    """Find an installed program, or skip the test."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(arguments: Sequence[str], ready: str, **environment: str) -> Iterator[None]:
    """Run a server until the block ends; its output says when it is ready."""
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment})
    try:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if re.search(ready, line):
                break
        else:
            pytest.fail(f"{arguments[0]} did not start: {''.join(said)}")
        yield
    finally:
        process.terminate()
        process.wait(WAIT_S)


class Line:
    """A TCP connection that speaks through a decoder."""

    def __init__(self, port: int, decoder: Any) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT_S)
        self.decoder = decoder
        self.events: list[Any] = []

    def ask(self, request: bytes, count: int = 1) -> list[Any]:
        """Send a request and take the next `count` events."""
        self.socket.sendall(request)
        for _ in range(1000):
            if len(self.events) >= count:
                taken, self.events = self.events[:count], self.events[count:]
                return taken
            data = self.socket.recv(7)  # few bytes at a time, so that packets come in parts
            assert data, "the server closed"
            self.events += self.decoder.feed(data)
        raise AssertionError("no event")


@contextmanager
def broker(folder: Path, *lines: str) -> Iterator[int]:
    port = free_port(socket.SOCK_STREAM)
    configuration = folder / "mosquitto.conf"
    configuration.write_text("\n".join([f"listener {port} 127.0.0.1", *lines, ""]))
    with running([program("mosquitto"), "-v", "-c", str(configuration)], "mosquitto version .* running"):
        yield port


@pytest.mark.parametrize("version", [3, 4, 5])
def test_mosquitto_lets_us_in(tmp_path: Path, version: int) -> None:
    with broker(tmp_path, "allow_anonymous true", "sys_interval 1") as port:
        line = Line(port, mqtt.MqttDecoder(mqtt.Side.SERVER, version))
        [connack] = line.ask(mqtt.encode_connect("plumbline", version=version))
        assert isinstance(connack, mqtt.Connack)
        assert connack.accepted
        [pong] = line.ask(mqtt.encode_pingreq())
        assert pong == mqtt.Ping(answer=True)
        subscribe = mqtt.encode_subscribe(1, [mqtt.Subscription("$SYS/broker/version", 0)], version=version)
        suback, published = line.ask(subscribe, 2)
        assert suback == mqtt.Suback(1, (0,))
        assert isinstance(published, mqtt.Publish)
        assert (published.topic, published.retain) == ("$SYS/broker/version", True)
        assert published.payload_bytes > len("mosquitto version ")
        line.socket.sendall(mqtt.encode_disconnect())
        assert line.socket.recv(100) == b""
        line.socket.close()


@pytest.mark.parametrize(("version", "code", "reason"), [(4, 5, "not_authorized"), (5, 0x87, "not_authorized")])
def test_mosquitto_turns_us_away(tmp_path: Path, version: int, code: int, reason: str) -> None:
    with broker(tmp_path, "allow_anonymous false") as port:
        line = Line(port, mqtt.MqttDecoder(mqtt.Side.SERVER, version))
        [connack] = line.ask(mqtt.encode_connect("plumbline", version=version))
        assert isinstance(connack, mqtt.Connack)
        assert (connack.code, connack.reason) == (code, reason)
        line.socket.close()


def test_snmpd(tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    configuration = tmp_path / "snmpd.conf"
    configuration.write_text("rocommunity plumb\nsysdescr Northwind PLC\nsysobjectid 1.3.6.1.4.1.8072.3.2.10\n")
    arguments = [program("snmpd"), "-f", "-Lo", "-C", "-c", str(configuration), "-I", "-smux", f"udp:127.0.0.1:{port}"]
    with (
        running(arguments, "NET-SNMP version", SNMP_PERSISTENT_DIR=str(tmp_path)),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line,
    ):
        line.settimeout(WAIT_S)
        line.connect(("127.0.0.1", port))
        for version in (snmp.Version.V1, snmp.Version.V2C):
            line.send(snmp.encode_get(version, b"plumb", 4711, ["1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0"]))
            answer = snmp.decode(line.recv(65_535))
            assert isinstance(answer, snmp.CommunityMessage)
            assert (answer.version, answer.pdu.kind, answer.pdu.request_id) == (version, snmp.PduKind.RESPONSE, 4711)
            assert [one.value for one in answer.pdu.bindings] == [b"Northwind PLC", "1.3.6.1.4.1.8072.3.2.10"]
        line.send(snmp.encode_discovery(1, 2))
        report = snmp.decode(line.recv(65_535))
        assert isinstance(report, snmp.UsmMessage)
        assert report.pdu is not None
        assert report.pdu.usm_report == "unknown_engine_ids"
        assert snmp.read_engine_id(report.engine_id).enterprise == 8072
        assert report.engine_boots >= 1


def fields(capture: str, display_filter: str, *names: str) -> list[list[str]]:
    """Have tshark read a capture; one list of fields for each packet."""
    path = CAPTURES / capture
    if not path.exists():
        pytest.skip(f"the data folder beside the repository has no {capture}")
    options = [option for name in names for option in ("-e", name)]
    command = [program("tshark"), "-n", "-r", str(path), "-Y", display_filter, "-T", "fields", *options]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return [line.split("\t") for line in out.splitlines()]


DATAGRAMS = [
    ("ipfixprobe__dns.pcap", 16),
    ("ipfixprobe__dnssd.pcap", 17),
    ("ipfixprobe__mixed.pcap", 23),
    ("testrun__dns__dns_non_dhcp_server__dns.pcap", 16),
    ("zeek__dns__mdns-no-assoc.pcap", 6),
]


@pytest.mark.parametrize(("capture", "count"), DATAGRAMS, ids=[case[0] for case in DATAGRAMS])
def test_captured_dns(capture: str, count: int) -> None:
    rows = fields(capture, "(dns || mdns) && udp", "udp.payload", "dns.count.queries", "dns.count.answers", "dns.flags.response")
    assert len(rows) == count
    for payload, queries, answers, response in rows:
        message = dns.decode(bytes.fromhex(payload))
        assert (len(message.questions), len(message.answers)) == (int(queries), int(answers))
        assert message.response is (response in ("1", "True"))


Pair = Callable[[], tuple[Any, Any]]
STREAMS: list[tuple[str, str, Pair, dict[str, int]]] = [
    (
        "zeek__mqtt.pcap",
        "1883",
        lambda: (mqtt.MqttDecoder(mqtt.Side.CLIENT), mqtt.MqttDecoder(mqtt.Side.SERVER)),
        {"Connect": 2, "Connack": 2, "Subscribe": 1, "Suback": 1, "Publish": 3, "Ping": 10, "Disconnect": 1},
    ),
    (
        "zeek__modbus__4SICS-GeekLounge-151022-min.pcap",
        "502",
        lambda: (modbus.ModbusDecoder(modbus.Side.CLIENT), modbus.ModbusDecoder(modbus.Side.SERVER)),
        {"Call": 1, "ExceptionAnswer": 1},
    ),
    (
        "icsnpp__opcua-binary__open62541_client-server_mainloop.pcap",
        "4840",
        lambda: (opcua.OpcUaDecoder(), opcua.OpcUaDecoder()),
        {"Hello": 2, "Acknowledge": 2, "ChannelOpened": 2, "Endpoints": 2, "Other": 60},
    ),
]


@pytest.mark.parametrize(("capture", "port", "decoders", "expected"), STREAMS, ids=[case[0] for case in STREAMS])
def test_captured_streams(capture: str, port: str, decoders: Pair, expected: dict[str, int]) -> None:
    rows = fields(capture, f"tcp.port == {port} && tcp.len > 0 && !tcp.analysis.retransmission", "tcp.stream", "tcp.dstport", "tcp.payload")
    assert rows
    pairs: dict[str, tuple[Any, Any]] = {}
    seen: Counter[str] = Counter()
    for stream, destination, payload in rows:
        decoder = pairs.setdefault(stream, decoders())[0 if destination == port else 1]
        seen.update(type(event).__name__ for event in decoder.feed(bytes.fromhex(payload)))
    assert seen == expected


def test_a_captured_endpoint() -> None:
    rows = fields(STREAMS[2][0], "tcp.srcport == 4840 && tcp.len > 0 && tcp.stream == 1", "tcp.payload")
    decoder = opcua.OpcUaDecoder()
    events = [event for [payload] in rows for event in decoder.feed(bytes.fromhex(payload))]
    [listed] = [event for event in events if isinstance(event, opcua.Endpoints)]
    [one] = listed.endpoints
    assert (one.url, one.application_uri) == ("opc.tcp://localhost:4840", "urn:open62541.server.application")
    assert (one.security_mode.word, one.policy) == ("None", "None")
    certificate = one.server_certificate
    assert one.server_certificate_sha256 == (hashlib.sha256(certificate).hexdigest() if certificate else None)

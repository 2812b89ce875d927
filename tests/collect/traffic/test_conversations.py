"""Each protocol as a device speaks it, packet by packet: what becomes of it in the tables, and that no secret is kept."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from pathlib import Path
from typing import Any

import pytest

from plumbline.protocols import dns, mqtt, snmp, tls_hello
from tests.collect.traffic.capturing import collect_frames, digest, shown
from tests.collect.traffic.packets import DEVICE, DEVICE_MAC, OUTSIDE, SERVER, SERVER_MAC, Talk, datagram, mac_bytes

STATION = f"station:harbour/{DEVICE}"
USER, SECRET = "service", "correct-horse-1962"
LOGIN = base64.b64encode(f"{USER}:{SECRET}".encode())
PLAIN = base64.b64encode(f"\0{USER}\0{SECRET}".encode())


def split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def ok(body: bytes = b"", *fields: bytes) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 200 OK", *fields, b"Content-Length: %d" % len(body), b"", body])


def telnet_typed(text: str) -> list[bytes]:
    """One character a packet, with a slip of the finger that is erased, as a person types."""
    return [b"x", b"\x7f", *(character.encode() for character in text), b"\r\0"]


FORM = f"username={USER}&password={SECRET}&go=1".encode()
CREDENTIALS = {
    "FTP": (
        Talk(port=21)
        .open()
        .hear(b"220 Welcome\r\n")
        .say(b"USER service\r\n")
        .hear(b"331 Password\r\n")
        .say(b"PASS correct-", b"horse-1962\r\n")
        .hear(b"230 In\r\n"),
        ("ftp", "ftp", USER),
    ),
    "HTTP Basic on a port of its own": (
        Talk(port=8099).open().say(*split(b"GET / HTTP/1.1\r\nHost: cam\r\nAuthorization: Basic " + LOGIN + b"\r\n\r\n", 7)).hear(ok()),
        ("http_basic", "http", USER),
    ),
    "HTTP form": (
        Talk()
        .open()
        .say(
            b"POST /login HTTP/1.1\r\nHost: cam\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
            % len(FORM),
            FORM,
        )
        .hear(ok()),
        ("http_form", "http", USER),
    ),
    "HTTP query": (
        Talk().open().say(f"GET /cgi?user={USER}&pwd={SECRET} HTTP/1.1\r\nHost: cam\r\n\r\n".encode()),
        ("http_query", "http", USER),
    ),
    "RTSP Basic": (
        Talk(port=554).open().say(b"DESCRIBE rtsp://cam/1 RTSP/1.0\r\nCSeq: 2\r\nAuthorization: Basic " + LOGIN + b"\r\n\r\n"),
        ("rtsp_basic", "rtsp", USER),
    ),
    "MQTT": (
        Talk(port=1883)
        .open()
        .say(*split(mqtt.encode_connect("cam-0001", user_name=USER, password=SECRET.encode()), 5))
        .hear(b"\x20\2\0\0"),
        ("mqtt", "mqtt", USER),
    ),
    "MQTT over IPv6": (
        Talk(client="fd00::14", server="fd00::9", port=1883)
        .open()
        .say(mqtt.encode_connect("cam-0001", version=5, user_name=USER, password=SECRET.encode())),
        ("mqtt", "mqtt", USER),
    ),
    "Telnet, typed": (
        Talk(port=23)
        .open()
        .hear(b"\xff\xfd\x18\xff\xfb\x01")
        .say(b"\xff\xfc\x18")
        .hear(b"cam login: ")
        .say(*telnet_typed(USER))
        .hear(b"service\r\nPassword: ")
        .say(*telnet_typed(SECRET))
        .hear(b"\r\n$ "),
        ("telnet", "telnet", USER),
    ),
    "Telnet without negotiation": (
        Talk(port=2323).open().hear(b"login: ").say(b"service\r\n").hear(b"Password: ").say(SECRET.encode() + b"\r\n"),
        ("telnet", "telnet", USER),
    ),
    "POP3": (
        Talk(port=110).open().hear(b"+OK ready\r\n").say(b"USER service\r\n").hear(b"+OK\r\n").say(f"PASS {SECRET}\r\n".encode()),
        ("pop3", "pop3", USER),
    ),
    "IMAP": (Talk(port=143).open().hear(b"* OK ready\r\n").say(f'a1 LOGIN {USER} "{SECRET}"\r\n'.encode()), ("imap", "imap", USER)),
    "SMTP, AUTH PLAIN": (
        Talk(port=25)
        .open()
        .hear(b"220 mail ESMTP\r\n")
        .say(b"EHLO cam\r\n")
        .hear(b"250 AUTH PLAIN\r\n")
        .say(b"AUTH PLAIN " + PLAIN + b"\r\n"),
        ("smtp", "smtp", USER),
    ),
    "SMTP, AUTH LOGIN": (
        Talk(port=587)
        .open()
        .hear(b"220 mail ESMTP\r\n")
        .say(b"EHLO cam\r\n")
        .hear(b"250 AUTH LOGIN\r\n")
        .say(b"AUTH LOGIN\r\n")
        .hear(b"334 VXNlcm5hbWU6\r\n")
        .say(base64.b64encode(USER.encode()) + b"\r\n")
        .hear(b"334 UGFzc3dvcmQ6\r\n")
        .say(base64.b64encode(SECRET.encode()) + b"\r\n"),
        ("smtp", "smtp", USER),
    ),
}


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_login_in_clear(name: str, tmp_path: Path) -> None:
    talk, (kind, protocol, user) = CREDENTIALS[name]
    collected = collect_frames(tmp_path, talk.close().frames)
    assert shown(collected, "clear_credential", "credential", "protocol", "server_port", "user_digest", "digest") == [
        {
            "credential": kind,
            "protocol": protocol,
            "server_port": talk.port,
            "user_digest": digest("user", user),
            "digest": digest("password", SECRET),
        }
    ]
    [flow] = collected.rows("flow")
    assert (flow["protocol"], flow["encrypted"], flow["clear_credentials"], flow["gaps"]) == (protocol, False, [kind], False)
    assert (flow["connections"], flow["packets"]) == (1, len(talk.frames))
    assert set(collected.outcomes().values()) == {"ok"}
    everything = collected.everything()
    assert SECRET not in everything
    assert LOGIN.decode() not in everything


TOKENS = {
    "bearer": (b"Authorization: Bearer abc.def.ghi", "http_bearer", "abc.def.ghi"),
    "an API key": (b"X-API-Key: 0123456789abcdef", "http_api_key", "0123456789abcdef"),
    "a shared access signature": (
        b"Authorization: SharedAccessSignature sr=hub&sig=abcd",
        "sas_token",
        "SharedAccessSignature sr=hub&sig=abcd",
    ),
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_in_clear(name: str, tmp_path: Path) -> None:
    field, kind, token = TOKENS[name]
    talk = Talk().open().say(b"GET /v1 HTTP/1.1\r\nHost: api\r\n" + field + b"\r\n\r\n").hear(ok())
    collected = collect_frames(tmp_path, talk.frames)
    assert shown(collected, "clear_credential", "credential", "user_digest", "digest") == [
        {"credential": kind, "user_digest": None, "digest": digest("token", token)}
    ]
    assert token not in collected.everything()


def test_a_credential_is_cited_where_it_stands(tmp_path: Path) -> None:
    talk = (
        Talk(port=21)
        .open()
        .hear(b"220 FTP\r\n")
        .say(b"USER a\r\n")
        .hear(b"331 ?\r\n")
        .say(b"PASS one\r\n")
        .hear(b"530 No\r\n")
        .say(b"PASS one\r\n")
    )
    collected = collect_frames(tmp_path, talk.frames)
    [row] = collected.rows("clear_credential")  # the same one twice is one
    number = next(number for number, frame in enumerate(talk.frames, 1) if frame.endswith(b"PASS one\r\n"))
    assert (row["entity"], row["subject"], row["frame"]) == (STATION, f"frame/{number}", number)
    assert row["raw"] == f"file/{collected.rows('capture')[0]['sha256']}@{row['offset']}"
    data = (tmp_path / "day.pcap").read_bytes()
    assert data[row["offset"] + 16 :].startswith(talk.frames[number - 1])


NO_CREDENTIALS: dict[str, tuple[Talk, str, bool]] = {
    "FTP that turns to TLS": (
        Talk(port=21)
        .open()
        .hear(b"220 FTP\r\n")
        .say(b"AUTH TLS\r\n")
        .hear(b"234 Go\r\n")
        .say(b"\x16\x03\x01\0\x05USER ")
        .hear(b"\x16\x03\x03"),
        "ftp",
        True,
    ),
    "SMTP that turns to TLS": (
        Talk(port=25)
        .open()
        .hear(b"220 mail\r\n")
        .say(b"EHLO cam\r\n")
        .hear(b"250 STARTTLS\r\n")
        .say(b"STARTTLS\r\n")
        .hear(b"220 Go\r\n")
        .say(b"\x16\3"),
        "smtp",
        True,
    ),
    "HTTP Digest": (
        Talk().open().say(b'GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Digest username="u", response="00"\r\n\r\n'),
        "http",
        False,
    ),
    "SSH": (Talk(port=22).open().hear(b"SSH-2.0-dropbear\r\n").say(b"SSH-2.0-x\r\n"), "ssh", True),
}


@pytest.mark.parametrize("name", NO_CREDENTIALS)
def test_no_credential_in_clear(name: str, tmp_path: Path) -> None:
    talk, protocol, encrypted = NO_CREDENTIALS[name]
    collected = collect_frames(tmp_path, talk.frames)
    assert collected.rows("clear_credential") == []
    assert shown(collected, "flow", "protocol", "encrypted", "clear_credentials") == [
        {"protocol": protocol, "encrypted": encrypted, "clear_credentials": []}
    ]


def test_mqtt_clients(tmp_path: Path) -> None:
    def publish(topic: bytes) -> bytes:
        return bytes((0x30, len(topic) + 9)) + len(topic).to_bytes(2, "big") + topic + b"payload"

    first = (
        Talk(port=1883)
        .open()
        .say(mqtt.encode_connect("cam-0001"))
        .hear(b"\x20\2\0\0")
        .say(publish(b"devices/cam-0001/up"), publish(b"devices/cam-2/up"))
    )
    second = (
        Talk(port=1883, client_port=40_001).open().say(mqtt.encode_connect("cam-0001", user_name="u", password=b"p")).hear(b"\x20\2\0\5")
    )
    collected = collect_frames(tmp_path, first.frames, second.frames)
    wanted = ("subject", "version", "user_present", "password_present", "publishes", "topic_shapes", "accepted")
    assert shown(collected, "mqtt_client", *wanted) == [
        dict(zip(wanted, (f"tcp/{SERVER}/1883/cam-0001", "3.1.1", False, False, 2, ["devices/+/up"], True), strict=True)),
        dict(zip(wanted, (f"tcp/{SERVER}/1883/cam-0001#2", "3.1.1", True, True, 0, None, False), strict=True)),
    ]
    assert "payload" not in collected.everything()


def test_http_requests_and_firmware(tmp_path: Path) -> None:
    talk = Talk().open()
    for request, response in (
        (b"GET /fw/cam-1.5.0.bin?t=1 HTTP/1.1\r\nHost: up\r\nUser-Agent: updater\r\n\r\n", ok(b"\x7fELF")),
        (b"HEAD /status HTTP/1.1\r\nHost: up\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"),
        (b"GET /get/17 HTTP/1.1\r\nHost: up\r\n\r\n", ok(b"x", b'Content-Disposition: attachment; filename="image.swu"')),
        (b"GET /get/18 HTTP/1.1\r\nHost: up\r\n\r\n", ok(b"x", b"Content-Type: text/plain")),
        (b"GET /page HTTP/1.1\r\nHost: up\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    ):
        talk.say(request).hear(*split(response, 9))
    collected = collect_frames(tmp_path, talk.frames)
    wanted = ("subject", "method", "path_shape", "user_agent", "firmware_download", "requests")
    assert shown(collected, "http_client", *wanted) == [
        dict(zip(wanted, (f"tcp/{SERVER}/80/1", "GET", "/fw/cam-+.+.+.bin", "updater", True, 1), strict=True)),
        dict(zip(wanted, (f"tcp/{SERVER}/80/2", "GET", "/get/+", None, True, 2), strict=True)),
        dict(zip(wanted, (f"tcp/{SERVER}/80/3", "GET", "/page", None, False, 1), strict=True)),
        dict(zip(wanted, (f"tcp/{SERVER}/80/4", "HEAD", "/status", None, False, 1), strict=True)),
    ]


def server_hello(version: int, suite: int, *following: bytes) -> bytes:
    body = version.to_bytes(2, "big") + bytes(32) + b"\0" + suite.to_bytes(2, "big") + b"\0"
    messages = b"\x02" + len(body).to_bytes(3, "big") + body + b"".join(following)
    return b"\x16\x03\x03" + len(messages).to_bytes(2, "big") + messages


def test_tls_clients(tmp_path: Path) -> None:
    tls12 = [tls_hello.TlsVersion.TLS1_2]
    weak = tls_hello.encode_client_hello(tls12, [0xC02F, 0x0005], random=bytes(32), server_name="hub.example")
    old = tls_hello.encode_client_hello([tls_hello.TlsVersion.TLS1_0], [0x002F], random=bytes(32), server_name="hub.example")
    leaf = b"0\x03\x02\x01\x07"
    chain = b"\0\0\x08\0\0\x05" + leaf
    certificate = b"\x0b" + len(chain).to_bytes(3, "big") + chain
    sealed = b"\x14\x03\x03\0\x01\x01\x16\x03\x03\0\x10" + bytes(16)
    first = (
        Talk(server=OUTSIDE, port=8883).open().say(*split(weak, 50)).hear(server_hello(0x0303, 0xC02F, certificate) + sealed).say(sealed)
    )
    second = Talk(server=OUTSIDE, port=8883, client_port=40_001).open().say(old).hear(server_hello(0x0301, 0x002F))
    [row] = collect_frames(tmp_path, first.frames, second.frames).rows("tls_client")
    assert {name: row[name] for name in list(row) if name not in ("raw", "permit", "observed_at")} == {
        "entity": STATION,
        "subject": f"tcp/{OUTSIDE}/8883",
        "server": OUTSIDE,
        "server_port": 8883,
        "sni": "hub.example",
        "highest_version": "tls1.2",
        "lowest_highest_version": "tls1.0",
        "weak_suites": ["TLS_RSA_WITH_RC4_128_SHA"],
        "negotiated_version": "tls1.0",
        "negotiated_suite": "TLS_RSA_WITH_AES_128_CBC_SHA",
        "server_certificate_sha256": hashlib.sha256(leaf).hexdigest(),
        "hellos": 2,
    }


def test_tls_joined_in_the_middle_is_encrypted(tmp_path: Path) -> None:
    talk = Talk(port=8883).say(b"\x17\x03\x03\0\x20" + bytes(32)).hear(b"\x17\x03\x03\0\x08" + bytes(8))
    collected = collect_frames(tmp_path, talk.frames)
    assert shown(collected, "flow", "protocol", "encrypted", "clear_credentials", "gaps") == [
        {"protocol": "tls", "encrypted": True, "clear_credentials": [], "gaps": True}
    ]
    assert set(collected.outcomes().values()) == {"ok"}  # what was missed is encrypted too


def question(name: str, kind: int, *, id_: int = 7) -> bytes:
    return dns.encode_query(id_, [dns.Question(name, kind)], recursion_desired=True)


def answer(query: bytes) -> bytes:
    return query[:2] + b"\x81\x80" + query[4:6] + b"\0\x01" + query[8:] + b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x0a\x14\x01\x09"


def test_dns_queries(tmp_path: Path) -> None:
    time, other = question("Time.Example", 1), question("other.example", 28)
    long_name = question("over-tcp.example", 16)
    frames = [
        datagram(DEVICE, 5000, SERVER, 53, time),
        datagram(SERVER, 53, DEVICE, 5000, answer(time), mac=SERVER_MAC),
        datagram(DEVICE, 5001, OUTSIDE, 5300, time),
        datagram(DEVICE, 5002, SERVER, 53, other),
    ]
    talk = Talk(port=53).open().say(*split(len(long_name).to_bytes(2, "big") + long_name, 20))
    collected = collect_frames(tmp_path, frames, talk.frames)
    wanted = ("subject", "name", "type", "resolver", "count", "answered")
    assert shown(collected, "dns_query", *wanted) == [
        dict(zip(wanted, ("name/other.example/AAAA", "other.example", "AAAA", SERVER, 1, False), strict=True)),
        dict(zip(wanted, ("name/over-tcp.example/TXT", "over-tcp.example", "TXT", SERVER, 1, False), strict=True)),
        dict(zip(wanted, ("name/time.example/A", "time.example", "A", SERVER, 2, True), strict=True)),
    ]
    assert {flow["subject"]: flow["protocol"] for flow in collected.rows("flow")} == {
        f"*->udp/{SERVER}/53": "dns",
        f"*->udp/{OUTSIDE}/5300": "dns",
        f"*->tcp/{SERVER}/53": "dns",
    }


def test_snmp_communities(tmp_path: Path) -> None:
    get = [snmp.encode_get(snmp.Version.V2C, community, 1, ["1.3.6.1.2.1.1.1.0"]) for community in (b"public", b"harbour-rw", b"public")]
    frames = [datagram(SERVER, 4000, DEVICE, 161, message, mac=SERVER_MAC) for message in get]
    collected = collect_frames(tmp_path, frames)
    assert shown(collected, "clear_credential", "credential", "server", "digest") == [
        {"credential": "snmp_community", "server": DEVICE, "digest": digest("snmp_community", community)}
        for community in ("public", "harbour-rw")
    ]
    assert "harbour-rw" not in collected.everything()


def test_snmp_discovery_holds_no_credential(tmp_path: Path) -> None:
    collected = collect_frames(tmp_path, [datagram(SERVER, 4000, DEVICE, 161, snmp.encode_discovery(1, 2))])
    assert shown(collected, "flow", "protocol", "encrypted", "clear_credentials") == [
        {"protocol": "snmp", "encrypted": False, "clear_credentials": []}
    ]


def dhcp_message(op: int, kind: int, *, mac: str, your: str = "0.0.0.0", options: bytes = b"") -> bytes:
    head = bytes((op, 1, 6, 0)) + b"\x12\x34\x56\x78" + bytes(8) + ipaddress.ip_address(your).packed + bytes(8)
    return head + mac_bytes(mac) + bytes(10 + 192) + b"\x63\x82\x53\x63" + bytes((53, 1, kind)) + options + b"\xff"


def test_dhcp_and_mdns_names(tmp_path: Path) -> None:
    names = b"\x0c\x05cam-1" + b"\x3c\x07vendorX"
    announced = b"\0\0\x84\0\0\0\0\x01\0\0\0\0\x04plc7\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04" + ipaddress.ip_address(SERVER).packed
    frames = [
        datagram("0.0.0.0", 68, "255.255.255.255", 67, dhcp_message(1, 3, mac=DEVICE_MAC, options=names)),
        datagram(SERVER, 67, "255.255.255.255", 68, dhcp_message(2, 5, mac=DEVICE_MAC, your=DEVICE), mac=SERVER_MAC),
        datagram(SERVER, 5353, "224.0.0.251", 5353, announced, mac=SERVER_MAC),
        datagram(DEVICE, 9, SERVER, 9, b""),
    ]
    collected = collect_frames(tmp_path, frames)
    assert shown(collected, "station", "address", "mac", "hostname", "vendor_class") == [
        {"address": SERVER, "mac": SERVER_MAC, "hostname": "plc7.local", "vendor_class": None},
        {"address": DEVICE, "mac": DEVICE_MAC, "hostname": "cam-1", "vendor_class": "vendorX"},
    ]


def industrial(name: str) -> Any:
    return {
        "modbus": Talk(port=5020).open().say(b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x02").hear(b"\0\x01\0\0\0\x07\x01\x03\x04\0\0\0\0"),
        "dnp3": Talk(port=20000).open().say(b"\x05\x64\x05\xc9\x01\0\x02\0\xaa\xbb"),
        "opcua": Talk(port=4840).open().say(b"HELF\x20\0\0\0" + bytes(24)),
        "iec104": Talk(port=2404).open().say(b"\x68\x04\x07\0\0\0").hear(b"\x68\x04\x0b\0\0\0"),
        "s7": Talk(port=102).open().say(b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc0\x01\x0a\xc1\x02\x01\0\xc2\x02\x01\x02"),
        "enip": Talk(port=44818).open().say(b"\x65\0\x04\0" + bytes(20) + b"\x01\0\0\0"),
    }[name]


@pytest.mark.parametrize("name", ["modbus", "dnp3", "opcua", "iec104", "s7", "enip"])
def test_industrial_protocols_are_named(name: str, tmp_path: Path) -> None:
    [flow] = collect_frames(tmp_path, industrial(name).frames).rows("flow")
    assert flow["protocol"] == name


DATAGRAMS = {
    "ntp": (123, b"\x23" + bytes(47), False),
    "coap": (5683, b"\x41\x01\0\x07\x55\xb7sensors", False),
    "bacnet": (47808, b"\x81\x0b\0\x08\x01\x20\xff\xff", False),
    "ssdp": (1900, b"M-SEARCH * HTTP/1.1\r\nST: ssdp:all\r\n\r\n", False),
    "tftp": (69, b"\0\x01fw.bin\0octet\0", False),
    "syslog": (514, b"<134>Oct 11 cam: up", False),
    "sip": (5060, b"REGISTER sip:pbx SIP/2.0\r\n\r\n", False),
    "dtls": (5684, b"\x16\xfe\xfd" + bytes(8) + b"\0\x04abcd", True),
    "quic": (443, b"\xc3\0\0\0\x01\x08" + bytes(30), True),
    "wireguard": (51820, b"\x01\0\0\0" + bytes(144), True),
    "stun": (3478, b"\0\x01\0\0\x21\x12\xa4\x42" + bytes(12), False),
    None: (9999, b"nothing that anybody knows", None),
}


@pytest.mark.parametrize("name", DATAGRAMS)
def test_datagrams_are_named(name: str | None, tmp_path: Path) -> None:
    port, data, encrypted = DATAGRAMS[name]
    [flow] = collect_frames(tmp_path, [datagram(DEVICE, 40_000, SERVER, port, data)]).rows("flow")
    assert (flow["protocol"], flow["encrypted"]) == (name, encrypted)

"""Devices and files that leak: every secret in them is a word of its own, so that whoever keeps one can be named.

`secret(place)` makes the word; `PLANTED` lists all that were made. What is planted here stands where a device or an export says by its form
that it is secret: a header, a field, a login, a key. Prose that happens to hold a password cannot be told from prose.
"""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from plumbline.lab.files.frames import Say, Station, Wire
from tests.collect.network.datagrams import responder
from tests.net.rigs import lure

PLANTED: dict[str, str] = {}


def secret(place: str, form: str = "word") -> str:
    """A secret for one place: a word, or the base64 text of 32 or (`pem`) 96 bytes."""
    digest = sha256(f"planted {place}".encode())
    forms = {"word": f"Xq{digest.hexdigest()[:14]}Zw", "key": base64.b64encode(digest.digest()).decode(), "pem": _body(place)}
    PLANTED[place] = forms[form]
    return forms[form]


def _body(place: str) -> str:
    return base64.b64encode(b"".join(sha256(f"{place} {n}".encode()).digest() for n in range(3))).decode()


def pem(place: str, kind: str = "RSA PRIVATE KEY") -> str:
    return f"-----BEGIN {kind}-----\n{secret(place, 'pem')}\n-----END {kind}-----\n"


def page() -> bytes:
    """A page that shows everything that pages of real devices were seen to show."""
    settings = {"wifi_password": secret("JSON of a page"), "apiKey": secret("API key in JSON"), "psk": secret("pre-shared key")}
    body = f"""<html><head><title>Camera</title></head><body><form action="/save?token={secret("token in a URL")}">
<input type="password" name="pw" value="{secret("password field")}"><input type="hidden" name="csrf_token" value="{secret("hidden field")}">
<script>var s = {json.dumps(settings)};</script><password>{secret("XML element")}</password>
<a href="rtsp://admin:{secret("password in a URL")}@10.0.0.1/live">live</a>
HostName=hub.example;DeviceId=cam;SharedAccessKey={secret("connection string", "key")}
SharedAccessSignature sr=hub.example&amp;sig={secret("SAS token", "key")}&amp;se=1
<pre>{pem("PEM in a page")}</pre></body></html>"""
    head = f"""HTTP/1.1 200 OK
Set-Cookie: session={secret("session cookie")}; Path=/
Set-Cookie: id={secret("second cookie")}
X-Auth-Token: {secret("token header")}
Authorization: Bearer {secret("bearer header")}
Content-Type: text/html
Content-Length: {len(body.encode())}
Connection: close

"""
    return head.replace("\n", "\r\n").encode() + body.encode()


def stream(request: bytes) -> bytes:
    """RTSP with a session, and a control URL with a login."""
    number = next((line for line in request.decode().split("\r\n") if line.lower().startswith("cseq")), "CSeq: 1")
    body = (
        f"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=control:rtsp://u:{secret('RTSP URL')}@10.0.0.1/1\r\n"
    )
    head = f"RTSP/1.0 200 OK\r\n{number}\r\nPublic: DESCRIBE\r\nSession: {secret('RTSP session')};timeout=60\r\n"
    return f"{head}Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def broker(packet: bytes) -> bytes:
    """An MQTT 3.1.1 broker that lets anyone in and sends what others said, in topic and payload."""
    if packet[0] >> 4 == 1:
        return b"\x20\x02\x00\x00" if b"MQTT\x04" in packet else b"\x20\x02\x00\x01"
    if packet[0] >> 4 != 8:
        return b""
    number = packet[2:4]
    topic = f"devices/{secret('device in a topic')}/set".encode()
    body = len(topic).to_bytes(2, "big") + topic + json.dumps({"door": secret("payload of others")}).encode()
    return b"\x90\x04" + number + b"\x00\x00" + bytes([0x30, len(body)]) + body


def resources(data: bytes) -> list[bytes]:
    """CoAP: a list whose link holds a token."""
    token = data[4 : 4 + (data[0] & 0x0F)]
    links = f'</config?token={secret("token in a link")}>;rt="config"'.encode()
    return [bytes([0x60 | len(token), 0x45]) + data[2:4] + token + b"\xc1\x28\xff" + links]


async def serve(stack: AsyncExitStack, address: str) -> None:
    """Start all of these at one address: tcp/80, 1883, 8554 and udp/5683."""

    async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _answer(reader, writer, lambda _request: page(), b"\r\n\r\n")

    async def rtsp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _answer(reader, writer, stream, b"\r\n\r\n")

    async def mqtt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _answer(reader, writer, broker, None)

    for port, server in ((80, http), (8554, rtsp), (1883, mqtt)):
        await stack.enter_async_context(lure(server, address, port))
    await stack.enter_async_context(responder(resources, address, 5683))


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: object, end: bytes | None) -> None:
    try:
        while request := await (reader.readuntil(end) if end else reader.read(4096)):
            writer.write(answer(request))  # type: ignore[operator]
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()


def capture(path: Path) -> None:
    """Logins in clear, of every protocol that knows some."""
    wire = Wire(datetime.now(UTC))
    client, server = Station("10.9.0.2", "02:00:00:00:00:02"), Station("10.9.0.3", "02:00:00:00:00:03")

    def say(port: int, *lines: str | bytes, first: bool = True) -> None:
        turns = [line if isinstance(line, bytes) else line.replace("\n", "\r\n").encode() for line in lines]
        wire.tcp(client, server, port, [Say((n % 2 == 0) == first, turn) for n, turn in enumerate(turns)])

    ok = "HTTP/1.1 200 OK\nContent-Length: 0\n\n"
    basic = base64.b64encode(f"admin:{secret('HTTP Basic')}".encode()).decode()
    form = f"user=admin&password={secret('POST form')}"
    say(80, f"GET /a?api_key={secret('query of a URL')} HTTP/1.1\nHost: x\nAuthorization: Basic {basic}\n\n", ok)
    say(80, f"GET /b HTTP/1.1\nHost: x\nAuthorization: Bearer {secret('bearer token')}\nCookie: sid={secret('cookie')}\n\n", ok)
    kind = "application/x-www-form-urlencoded"
    say(80, f"POST /login HTTP/1.1\nHost: x\nContent-Type: {kind}\nContent-Length: {len(form)}\n\n{form}", ok)
    say(21, "220 ready\n", "USER admin\n", "331 password\n", f"PASS {secret('FTP')}\n", "230 in\n", first=False)
    plain = base64.b64encode(f"\0admin\0{secret('SMTP AUTH PLAIN')}".encode()).decode()
    say(25, "220 mail\n", "EHLO x\n", "250 AUTH PLAIN\n", f"AUTH PLAIN {plain}\n", "235 in\n", first=False)
    say(110, "+OK\n", "USER admin\n", "+OK\n", f"PASS {secret('POP3')}\n", "+OK\n", first=False)
    say(23, "login: ", "admin\n", "Password: ", f"{secret('Telnet')}\n", "$ ", first=False)
    fields = b"".join(len(w).to_bytes(2, "big") + w.encode() for w in ("cam-1", "hub/cam-1", f"SharedAccessSignature sig={secret('MQTT')}"))
    connect = b"\x00\x04MQTT\x04\xc2\x00\x3c" + fields
    note = secret("MQTT payload").encode()
    say(1883, bytes([0x10, len(connect)]) + connect, b"\x20\x02\x00\x00", b"\x30" + bytes([len(note) + 3]) + b"\x00\x01t" + note)
    community = secret("SNMP community").encode()[:18]
    PLANTED["SNMP community"] = community.decode()
    pdu = bytes.fromhex("a019020101020100020100300e300c06082b060102010101000500")
    message = b"\x02\x01\x01\x04" + bytes([len(community)]) + community + pdu
    wire.udp(client, server, 161, b"\x30" + bytes([len(message)]) + message, b"\x30\x00")
    path.write_bytes(wire.pcap())


def of_lab_files(folder: Path) -> dict[str, str]:
    """The secrets of the lab's files, by where they stand: hub keys, connection strings, the password that its people use everywhere."""
    found = {"the password of the lab's people": "harbour-1962"}
    for path in sorted((folder / "hub").glob("harbour.*")):
        for n, word in enumerate(_strings(path.read_text())):
            if "SharedAccessKey=" in word:
                found[f"{path.name} {n}"] = word.partition("SharedAccessKey=")[2].partition(";")[0]
            elif len(word) == 44 and word.endswith("="):
                found[f"{path.name} {n}"] = word
    return found


def _strings(text: str) -> list[str]:
    documents = [json.loads(text)] if text.lstrip().startswith("{\n") else [json.loads(line) for line in text.splitlines()]
    found: list[str] = []
    while documents:
        one = documents.pop()
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, dict | list):
            documents += one.values() if isinstance(one, dict) else one
    return found

"""What the simulated services say: the bytes of well-known embedded servers, up to where a login would begin.

They must be true to life for both scanners: an answer that no real server gives would be held against the one that knows real servers.
"""

from __future__ import annotations

import asyncio
import struct
from email.utils import formatdate

from benchmarks.simulated.site import Host
from benchmarks.simulated.streams import Writer

SERVERS = {
    "camera": ("HTTP/1.0", "GoAhead-Webs"),
    "gateway": ("HTTP/1.1", "nginx/1.18.0"),
    "router": ("HTTP/1.1", "lighttpd/1.4.59"),
    "recorder": ("HTTP/1.0", "Boa/0.94.14rc21"),
    "printer": ("HTTP/1.1", "Virata-EmWeb/R6_2_1"),
    "sensor hub": ("HTTP/1.1", "lighttpd/1.4.53"),
    "controller": ("HTTP/1.0", "GoAhead-Webs"),
}
GREETINGS = {
    "recorder": "220 (vsFTPd 3.0.3)",
    "printer": "220 FTP print service:V-1.13/Use the network password for the ID if updating.",
    "controller": "220 VxWorks FTP server (VxWorks 5.4.2) ready.",
}
LOGIN = '<form action="/login" method="post"><input name="user"><input type="password" name="password"><input type="submit"></form>'
ADMINISTRATION = '<ul><li><a href="/firmware">Firmware update</a><li><a href="/reboot">Reboot</a></ul>'
COOKIES = ("", "Set-Cookie: session=5f1d7c0e9b3a4d62\r\n", "Set-Cookie: id=5f1d7c0e; Secure; HttpOnly; SameSite=Strict\r\n")
TELNET_OFFERS = bytes((255, 253, 1, 255, 253, 31, 255, 251, 1, 255, 251, 3))  # BusyBox 1.14 and later (RFC 854, 857, 858, 1073)
PROMPTS = {"camera": "\r\r\n(none) login: ", "recorder": "\r\r\n(none) login: ", "router": "Login: "}  # the others show a host name
LOGIN_STARTS_S = 0.05  # telnetd negotiates, then starts login(1), which prints the prompt
READING = b"3.8"
READING_EVERY_S = 2.0
CONNECT, PUBLISH, SUBSCRIBE, PINGREQ = 1, 3, 8, 12  # MQTT 3.1.1, 2.2.1


async def http(host: Host, reader: asyncio.StreamReader, writer: Writer) -> None:
    """One request, one page, and the end of the connection."""
    head = await reader.readuntil(b"\n")
    words = head.decode("latin-1").split()
    whole = len(words) == 3 and words[2].startswith("HTTP/") and words[1].startswith(("/", "*"))
    while whole and (await reader.readuntil(b"\n")).strip():
        pass
    if not whole:
        return await _page(host, writer, "400 Bad Request", "<p>Your browser sent a request that this server could not understand.</p>")
    if words[0] not in ("GET", "HEAD"):
        return await _page(host, writer, "501 Not Implemented", "<p>The requested method is not supported.</p>")
    if words[1].partition("?")[0] != "/":
        return await _page(host, writer, "404 Not Found", "<p>The requested URL was not found.</p>")
    if host.number % 5 == 3:
        extra = f'WWW-Authenticate: Basic realm="{host.kind}"\r\n'
        return await _page(host, writer, "401 Unauthorized", "<p>Authorization required.</p>", extra)
    return await _page(host, writer, "200 OK", LOGIN if host.number % 2 else ADMINISTRATION, COOKIES[host.number % 3])


async def _page(host: Host, writer: Writer, status: str, body: str, extra: str = "") -> None:
    version, server = SERVERS[host.kind]
    title = f"{host.kind} {host.number}" if status.startswith("200") else status
    text = f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>\r\n"
    fields = f"Date: {formatdate(usegmt=True)}\r\nServer: {server}\r\n"
    if server == "GoAhead-Webs":
        fields = f"Server: {server}\r\nDate: {formatdate(usegmt=True)}\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n"
    rest = f"Content-Type: text/html\r\nContent-Length: {len(text)}\r\nConnection: close\r\n{extra}"
    await writer.send(f"{version} {status}\r\n{fields}{rest}\r\n{text}".encode())


async def ftp(host: Host, reader: asyncio.StreamReader, writer: Writer) -> None:
    """RFC 959 and 2389 as far as one gets without a login."""
    answers = {
        b"USER": "331 Please specify the password.",
        b"PASS": "530 Login incorrect.",
        b"FEAT": "211-Features:\r\n EPSV\r\n MDTM\r\n SIZE\r\n UTF8\r\n211 End",
        b"HELP": "530 Please login with USER and PASS.",
        b"QUIT": "221 Goodbye.",
    }
    await writer.send(f"{GREETINGS[host.kind]}\r\n".encode())
    while line := await reader.readline():
        word = line[:4].strip().upper()
        await writer.send((answers.get(word, "530 Please login with USER and PASS.") + "\r\n").encode())
        if word == b"QUIT":
            return


async def telnet(host: Host, reader: asyncio.StreamReader, writer: Writer) -> None:
    """Negotiation, then a login prompt that lets nobody in."""
    await writer.send(TELNET_OFFERS)
    await asyncio.sleep(LOGIN_STARTS_S)
    await writer.send(PROMPTS.get(host.kind, f"\r\r\n\r\n\r{host.kind}-{host.number} login: ").encode())
    while line := await reader.readline():
        if not line.strip():
            continue
        await writer.send(b"\r\nPassword: ")
        await reader.readline()
        await writer.send(b"\r\nLogin incorrect\r\nlogin: ")


async def rtsp(host: Host, reader: asyncio.StreamReader, writer: Writer) -> None:
    """OPTIONS and DESCRIBE of RTSP 1.0 (RFC 2326)."""
    while head := await reader.readuntil(b"\r\n\r\n"):
        lines = head.decode("latin-1").strip().split("\r\n")
        sequence = next((line.partition(":")[2].strip() for line in lines[1:] if line.lower().startswith("cseq:")), "")
        begin = f"CSeq: {sequence}\r\nServer: Hipcam RealServer/V1.0\r\n"
        if not lines[0].endswith("RTSP/1.0"):
            await writer.send(f"RTSP/1.0 400 Bad Request\r\n{begin}\r\n".encode())
            return
        match lines[0].split()[0]:
            case "OPTIONS":
                answer = f"200 OK\r\n{begin}Public: OPTIONS, DESCRIBE, SETUP, TEARDOWN, PLAY\r\n\r\n"
            case "DESCRIBE" if host.number % 2:
                answer = f'401 Unauthorized\r\n{begin}WWW-Authenticate: Digest realm="Hipcam", nonce="b3c0ffee5a1e"\r\n\r\n'
            case "DESCRIBE":
                sdp = f"v=0\r\no=- 1 1 IN IP4 {host.address}\r\ns=Session\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
                answer = f"200 OK\r\n{begin}Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"
            case _:
                answer = f"405 Method Not Allowed\r\n{begin}\r\n"
        await writer.send(f"RTSP/1.0 {answer}".encode())


async def modbus(host: Host, reader: asyncio.StreamReader, writer: Writer) -> None:
    """Modbus/TCP: device identification (function 43/14); every other function is illegal (Application Protocol 1.1b3, 6.21 and 7)."""
    objects = [b"Northwind", b"NW-PLC", b"2.%d" % host.number]
    while True:
        transaction, protocol, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
        if protocol or not 2 <= length <= 254:
            return
        body = await reader.readexactly(length - 1)
        if body[:2] == b"\x2b\x0e" and len(body) == 4:
            wanted = [(n, value) for n, value in enumerate(objects) if body[2] != 4 or n == body[3]]
            listed = b"".join(bytes((n, len(value))) + value for n, value in wanted)
            answer = body[:3] + bytes((0x81, 0, 0, len(wanted))) + listed
        else:
            answer = bytes((body[0] | 0x80, 1))
        await writer.send(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer)


async def mqtt(host: Host, reader: asyncio.StreamReader, writer: Writer) -> None:
    """A broker's side of CONNECT and SUBSCRIBE (MQTT 3.1.1 and 5.0, section 3); every second host's lets anonymous clients in."""
    version, publishing = 0, None
    try:
        while True:
            head = (await reader.readexactly(1))[0]
            kind, body = head >> 4, await reader.readexactly(await _remaining(reader, first=not version, head=head))
            if kind == CONNECT and body[2:6] == b"MQTT" and not version:
                version = body[6]
                code = 0 if host.number // 6 % 2 else 0x87 if version == 5 else 5
                await writer.send(bytes((0x20, 3, 0, code, 0) if version == 5 else (0x20, 2, 0, code)))
                if code:
                    return
            elif kind == SUBSCRIBE and version:
                middle = b"\x00" if version == 5 else b""
                granted = bytes(_filters(body, version))
                await writer.send(bytes((0x90, 2 + len(middle) + len(granted))) + body[:2] + middle + granted)
                publishing = publishing or asyncio.create_task(_publish(host, version, writer))
            elif kind == PINGREQ and version:
                await writer.send(b"\xd0\x00")
            else:
                return
    finally:
        if publishing is not None:
            publishing.cancel()


async def _remaining(reader: asyncio.StreamReader, *, first: bool, head: int) -> int:
    """The remaining length (MQTT 3.1.1, 2.2.3); raises ConnectionError for a first packet that is no CONNECT, as brokers hang up on it."""
    if first and head != CONNECT << 4:
        raise ConnectionError("not MQTT")
    value = 0
    for place in range(4):
        digit = (await reader.readexactly(1))[0]
        value |= (digit & 0x7F) << 7 * place
        if digit < 0x80:
            return value
    raise ConnectionError("not MQTT")


def _filters(body: bytes, version: int) -> list[int]:
    """QoS 0 for each topic filter asked for."""
    at = 2 + (1 + body[2] if version == 5 else 0)
    granted = []
    while at + 2 < len(body):
        at += 3 + int.from_bytes(body[at : at + 2])
        granted.append(0)
    return granted


async def _publish(host: Host, version: int, writer: Writer) -> None:
    topic = f"site/{host.number}/temperature".encode()
    body = len(topic).to_bytes(2) + topic + (b"\x00" if version == 5 else b"") + READING
    while True:
        await writer.send(bytes((PUBLISH << 4, len(body))) + body)
        await asyncio.sleep(READING_EVERY_S)

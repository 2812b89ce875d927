"""Devices that lure an auditor away: every answer of theirs points to an address or a name outside of the rig, at which somebody waits.

They are written byte by byte, so that nothing of what is tested helps to make them. `SITE` are the site's addresses for `netns.world`.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.collect.network import dns_answers as dns
from tests.collect.network.datagrams import Responder

OUTSIDE, OUTSIDE6, NEIGHBOUR, FORBIDDEN, BEYOND = "10.88.0.1", "fd88::1", "10.77.0.12", "10.77.0.13", "10.77.0.200"
RESOLVER, HUB = "10.77.0.53", "hub.azure-devices.example"
BAIT = "http://evil.example/x"
HTTP = {
    "10.77.0.10": f"Location: http://{OUTSIDE}/",
    "10.77.0.11": f"Location: //{NEIGHBOUR}/",
    "10.77.0.14": f"Location: {BAIT}",
    "10.77.0.15": f"Location: http://[::ffff:{OUTSIDE}]/",
    "10.77.0.16": f"Location: https://{HUB}:8443/",
    "10.77.0.17": f"Location: http://{FORBIDDEN}:80/",
    "10.77.0.18": f"Refresh: 0; url=http://{OUTSIDE}/",
    "fd77::10": f"Location: http://[{OUTSIDE6}]/",
}
STATUS = {"10.77.0.10": 301, "10.77.0.11": 302, "10.77.0.14": 307, "10.77.0.18": 200}
PAGE, VIDEO, FILES, HUB_AT = "10.77.0.19", "10.77.0.20", "10.77.0.21", "10.77.0.22"
ANNOUNCER = "10.77.1.10"  # on the second network, where a multicast is allowed
DEVICES = (*HTTP, PAGE, VIDEO, FILES, HUB_AT, RESOLVER, ANNOUNCER)
WAITING = (OUTSIDE, OUTSIDE6, NEIGHBOUR, FORBIDDEN, BEYOND, "fd77::12")
SITE = [f"{a}/64" if ":" in a else f"{a}/23" if a.startswith("10.77.") else f"{a}/24" for a in (*DEVICES, *WAITING)]
TCP, UDP = (21, 80, 8554), (1900, 5683)


@dataclass
class Counts:
    """What the devices saw: connections and requests, by address and port."""

    connections: Counter[tuple[str, int]] = field(default_factory=Counter)
    requests: Counter[tuple[str, int]] = field(default_factory=Counter)


def page(address: str, _request: bytes) -> bytes:
    body = f'<html><head><meta http-equiv="refresh" content="0;url=http://{OUTSIDE}/"></head><frameset><frame src="{BAIT}"></html>'
    head = f"HTTP/1.1 {STATUS.get(address, 302)} Moved\r\n{HTTP.get(address, 'Server: lure')}\r\n"
    return f"{head}Content-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


def stream(_address: str, request: bytes) -> bytes:
    number = next((line for line in request.decode().split("\r\n") if line.lower().startswith("cseq")), "CSeq: 1")
    if request.startswith(b"OPTIONS"):
        return f"RTSP/1.0 200 OK\r\n{number}\r\nPublic: DESCRIBE, REDIRECT\r\n\r\n".encode()
    body = (
        f"v=0\r\no=- 1 1 IN IP4 {OUTSIDE}\r\ns=x\r\nc=IN IP4 {OUTSIDE}\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=control:rtsp://{OUTSIDE}/1\r\n"
    )
    head = f"RTSP/1.0 200 OK\r\n{number}\r\nContent-Base: rtsp://{OUTSIDE}/\r\nLocation: rtsp://{OUTSIDE}/\r\n"
    return f"{head}Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def ftp(_address: str, _command: bytes) -> bytes:
    return f"227 Entering Passive Mode ({OUTSIDE.replace('.', ',')},0,80)\r\n".encode()


def ssdp(_data: bytes) -> list[bytes]:
    head = f"HTTP/1.1 200 OK\r\nLOCATION: http://{OUTSIDE}/root.xml\r\nAL: <{BAIT}>\r\n"
    return [f"{head}ST: upnp:rootdevice\r\nUSN: uuid:1::upnp:rootdevice\r\n\r\n".encode()]


def coap(data: bytes) -> list[bytes]:
    links = f'<coap://{OUTSIDE}/s>,<//{OUTSIDE}/t>;anchor="{BAIT}"'.encode()
    return [bytes([0x60 | data[0] & 0x0F, 0x45]) + data[2 : 4 + (data[0] & 0x0F)] + b"\xc1\x28\xff" + links]


def names() -> Callable[[bytes], list[bytes]]:
    """A resolver whose answers change from one look-up to the next: first a device of the rig, then others."""
    looked: Counter[int] = Counter()

    def answer(query: bytes) -> list[bytes]:
        [wanted], kind = dns.asked(query)
        looked[kind] += 1
        v4 = [HUB_AT, OUTSIDE] if looked[kind] == 1 else [OUTSIDE]
        found = v4 if kind == dns.A else [OUTSIDE6, f"::ffff:{OUTSIDE}", "fd77::12"]
        return [dns.reply(query, [dns.address(wanted, each) for each in found])]

    return answer


async def site(counts: Counts) -> object:
    """Start every lure, and a listener at every port that anyone could try where nobody may go."""

    servers = [await _serve(counts, address, 80, page) for address in (*HTTP, PAGE)]
    servers.append(await _serve(counts, VIDEO, 8554, stream))
    servers.append(await _serve(counts, FILES, 21, ftp, greeting=b"220 FTP server ready\r\n", end=b"\r\n"))
    servers.append(await _serve(counts, HUB_AT, 443, page))
    servers += [await _serve(counts, address, port, page) for address in WAITING for port in (21, 80, 443, 554, 8443, 8554)]
    lines = [await _listen(*each) for each in ((PAGE, 1900, ssdp), (PAGE, 5683, coap), (RESOLVER, 53, names()))]
    lines += [await _listen(address, port, lambda data: [data]) for address in WAITING for port in (53, 1900, 5353, 5683)]
    return servers, lines, await _group([ANNOUNCER, BEYOND, OUTSIDE])


async def _serve(
    counts: Counts, address: str, port: int, answer: Callable[[str, bytes], bytes], *, greeting: bytes = b"", end: bytes = b"\r\n\r\n"
) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counts.connections[address, port] += 1
        try:
            writer.write(greeting)
            while True:
                first = await reader.readexactly(1)
                if first == b"\x16":  # a ClientHello; nobody here speaks TLS
                    break
                request = first + await reader.readuntil(end)
                counts.requests[address, port] += 1
                writer.write(answer(address, request))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(serve, address, port)


async def _listen(address: str, port: int, answer: Callable[[bytes], list[bytes]]) -> object:
    return await asyncio.get_running_loop().create_datagram_endpoint(lambda: Responder(answer), local_addr=(address, port))


async def _group(addresses: Sequence[str]) -> object:
    """Members of the mDNS group on the second network and from beyond, all of whom answer."""
    heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    heard.bind(("224.0.0.251", 5353))
    heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.0.0.251") + socket.inet_aton(ANNOUNCER))
    lines = []
    for address in addresses:
        line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind((address, 0))
        lines.append(line)

    class Group(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            for line in lines:
                for name in dns.asked(data)[0]:
                    line.sendto(dns.reply(data, [dns.pointer(name, f"x.{name}")], flags=0x8400), addr)

    return await asyncio.get_running_loop().create_datagram_endpoint(Group, sock=heard), lines

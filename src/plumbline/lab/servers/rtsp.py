"""RTSP 1.0 (RFC 2326) as far as cameras show it before PLAY: OPTIONS and DESCRIBE. SETUP and PLAY are refused, and noted as harm."""

from __future__ import annotations

import asyncio
from functools import partial

from plumbline.lab.fleet import Device
from plumbline.lab.servers.streams import Stop, serve
from plumbline.lab.services import Rtsp
from plumbline.lab.watch import Watch

_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"


async def start(device: Device, service: Rtsp, watch: Watch) -> Stop:
    """Serve the stream's description."""
    return await serve(device.address, service.port, partial(_talk, device, service, watch))


async def _talk(device: Device, service: Rtsp, watch: Watch, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        start_line, *lines = head.strip().split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, _, rest = start_line.partition(" ")
        url = rest.partition(" ")[0]
        if not start_line.endswith("RTSP/1.0"):
            writer.write(f"RTSP/1.0 400 Bad Request\r\nServer: {service.server}\r\n\r\n".encode())
            await writer.drain()
            return
        writer.write(_answer(device, service, watch, method, url, fields).encode())
        await writer.drain()


def _answer(device: Device, service: Rtsp, watch: Watch, method: str, url: str, fields: dict[str, str]) -> str:
    if "authorization" in fields:
        watch.login(device.name, "rtsp")
    extra, body = [], ""
    match method:
        case "OPTIONS":
            status, extra = "200 OK", [f"Public: {_METHODS}"]
        case "DESCRIBE" if service.login:
            status, extra = "401 Unauthorized", ['WWW-Authenticate: Digest realm="camera", nonce="b3c0ffee5a1e"']
        case "DESCRIBE":
            status, body = "200 OK", _description(device)
            extra = [f"Content-Base: {url}", "Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        case "SETUP" | "PLAY" | "RECORD" | "ANNOUNCE" | "SET_PARAMETER":
            watch.harm(device.name, f"{method} on tcp/{service.port}")
            status = "403 Forbidden"
        case _:
            status = "501 Not Implemented"
    sequence = [f"CSeq: {fields['cseq']}"] if "cseq" in fields else []
    return "\r\n".join([f"RTSP/1.0 {status}", *sequence, f"Server: {service.server}", *extra, "", body])


def _description(device: Device) -> str:
    """Describe one video stream (RFC 8866)."""
    lines = ["v=0", f"o=- 1 1 IN IP4 {device.address}", "s=Camera", f"c=IN IP4 {device.address}", "t=0 0"]
    return "\r\n".join([*lines, "m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=control:track1", ""])

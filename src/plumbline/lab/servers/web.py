"""HTTP/1.1 with h11 over asyncio streams: one page, the fields around it, and nothing that changes anything.

Any method but GET, HEAD and OPTIONS is a write as far as an auditor is concerned, and is noted as harm.
"""

from __future__ import annotations

import asyncio
from functools import partial

import h11

from plumbline.lab.fleet import Device
from plumbline.lab.servers import pages
from plumbline.lab.servers.streams import Stop, serve
from plumbline.lab.services import Cookie, Page, Web
from plumbline.lab.watch import Watch

SESSION = "5f1d7c0e9b3a4d62"
_COOKIES = {Cookie.BARE: f"session={SESSION}", Cookie.FLAGGED: f"session={SESSION}; Path=/; Secure; HttpOnly; SameSite=Strict"}
_CHALLENGES = {
    Page.BASIC: 'Basic realm="{}"',
    Page.DIGEST: 'Digest realm="{}", qop="auth", algorithm=SHA-256, nonce="6f1ed002ab5595859014ebf0951522d9"',  # RFC 7616, 3.3
}

Fields = list[tuple[str, str]]


async def start(device: Device, service: Web, watch: Watch) -> Stop:
    """Serve the page."""
    return await serve(device.address, service.port, partial(_serve, device, service, watch), service.tls)


async def _serve(device: Device, service: Web, watch: Watch, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connection = h11.Connection(h11.SERVER)
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                _send(connection, writer, error.error_status_hint, service, [], b"")
                await writer.drain()
            return
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(4096))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.EndOfMessage):
            _answer(device, service, watch, connection, writer, request)
            await writer.drain()
            if connection.our_state is not h11.DONE:
                return
            connection.start_next_cycle()
        elif isinstance(event, h11.ConnectionClosed):
            return


def _answer(
    device: Device, service: Web, watch: Watch, connection: h11.Connection, writer: asyncio.StreamWriter, request: h11.Request
) -> None:
    fields = {name.decode(): value.decode("latin-1") for name, value in request.headers}
    if request.method not in (b"GET", b"HEAD", b"OPTIONS"):
        watch.harm(device.name, f"{request.method.decode()} on tcp/{service.port}")
        return _send(connection, writer, 405, service, [("allow", "GET, HEAD")], b"")
    if "authorization" in fields:
        watch.login(device.name, "http")
    path = request.target.decode("latin-1").partition("?")[0]
    extra: Fields = []
    if service.cors_any_origin and "origin" in fields:
        extra += [("access-control-allow-origin", fields["origin"]), ("access-control-allow-credentials", "true")]
    if service.page is Page.REDIRECT:
        return _send(connection, writer, 301, service, [("location", f"https://{device.address}:{service.redirect_port}{path}")], b"")
    if service.page in _CHALLENGES:
        challenge = ("www-authenticate", _CHALLENGES[service.page].format(service.title))
        return _send(connection, writer, 401, service, [*extra, challenge], b"<html><body>Sign in.</body></html>")
    if service.page is Page.UPNP and path == "/rootDesc.xml":
        return _send(connection, writer, 200, service, extra, pages.upnp_description(device).encode(), "text/xml; charset=utf-8")
    if path != "/":
        return _send(connection, writer, 404, service, extra, b"<html><body>Nothing here.</body></html>")
    if service.cookie is not Cookie.NONE:
        extra.append(("set-cookie", _COOKIES[service.cookie]))
    return _send(connection, writer, 200, service, extra, pages.html(service).encode(), head=request.method == b"HEAD")


def _send(
    connection: h11.Connection,
    writer: asyncio.StreamWriter,
    status: int,
    service: Web,
    extra: Fields,
    body: bytes,
    kind: str = "text/html; charset=utf-8",
    *,
    head: bool = False,
) -> None:
    fields = [("server", service.server), ("content-type", kind), ("content-length", str(len(body))), *extra]
    if service.tls is not None:
        fields.append(("strict-transport-security", "max-age=31536000"))
    writer.write(connection.send(h11.Response(status_code=status, headers=fields)) or b"")
    if not head:
        writer.write(connection.send(h11.Data(body)) or b"")
    writer.write(connection.send(h11.EndOfMessage()) or b"")

"""Find out what speaks on an open port, in as few exchanges as will do.

Order, each step on a connection of its own: what the usual protocol of that port would say; the greeting that the service sends by
itself; its answer to an HTTP GET (which betrays RTSP and TLS as well); MQTT CONNECT; a TLS handshake, and the same inside; RTSP.
A service that hangs up before we said anything, or that answers in bytes that nobody speaks, is not pressed further.
The connection on which the protocol showed is left open for its probe (`Visit.opening`), with what was asked and heard on it.
Industrial ports are never asked by these steps: their own probes know them (law 5). A raw printing port is sent nothing at all.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace

from plumbline.collect.network.pages import page_request
from plumbline.collect.network.probe import Opening, TlsRefusedError, Visit, outcome_of
from plumbline.model.errors import DeviceError, HungUpError, RefusedError, SilentError
from plumbline.model.words import Outcome
from plumbline.net.connection import Connection
from plumbline.protocols import banner as banners
from plumbline.protocols import mqtt, rtsp

GREETING_S = 1.0  # OpenSSH, vsftpd and BusyBox telnetd greet within 0.1 s on a LAN; embedded ones were seen to take 0.7 s
GREETING_INSIDE_S = (
    0.3  # after a TLS handshake whatever had to start has started; a later greeting is heard as the answer to a page's question
)
ANSWER_S = 2.0  # to a question of which an answer needs no thought
REST_S = 1.0  # for the rest of an answer that came in pieces too small to tell
HEARD_BYTES = 512
PRINTING = range(9100, 9108)  # AppSocket: whatever comes is put on paper; nmap's version scan leaves these ports out for that reason
SERVER_FIRST = frozenset({"ssh", "ftp", "telnet", "smtp"})
ASKED_FOR_PAGES = frozenset({"http"})  # others answer a page's question as best they can, and may be at odds with us afterwards
_FTP_REPLY = re.compile(rb"(?:120|220|421|530)[ -]")  # RFC 959 5.4: what a server may say first


@dataclass(frozen=True, slots=True)
class Identity:
    """What an open port turned out to be; `outcome` says why not, where `protocol` is None."""

    protocol: str | None
    tls: bool | None
    outcome: Outcome = Outcome.OK
    greeting: bytes = b""  # what it said by itself
    product: str | None = None
    version: str | None = None
    detail: str | None = None
    may_wait: bool = False  # it said nothing, or hung up at our question: it may be waiting for another one


async def identify(visit: Visit, hints: tuple[str, ...], *, tls_hint: bool) -> Identity:
    """Identify one service. `hints` are the protocols whose usual port this is; `tls_hint` that they come inside TLS there.

    The caller drops the visit's opening, or gives it to the visit of the protocol's probe.

    Raises NotPermittedError, StoppedError and EnvironmentFault; what the device does is told by the outcome.
    """
    if visit.port in PRINTING:
        return Identity(
            None, None, Outcome.NOT_PERMITTED, detail="a raw printing port: it prints whatever it is sent, so it is sent nothing"
        )
    if tls_hint:
        inside = await _inside_tls(visit, hints)
        if inside.tls:
            return inside
    if "mqtt" in hints and await _speaks_mqtt(visit):
        return Identity("mqtt", tls=False)
    if "rtsp" in hints and (stream := await _speaks_rtsp(visit)) is not None:
        return stream
    first = await _greeting_or_get(visit, hints, wait_s=ANSWER_S if SERVER_FIRST & set(hints) else 0.0 if hints else GREETING_S)
    if first.tls and not tls_hint:
        inside = await _inside_tls(visit, hints)
        return inside if inside.tls else first
    if not first.may_wait:
        return first
    if "mqtt" not in hints and await _speaks_mqtt(visit):
        return Identity("mqtt", tls=False)
    if not tls_hint:
        inside = await _inside_tls(visit, hints)
        if inside.tls:
            return inside
    if "rtsp" not in hints and (stream := await _speaks_rtsp(visit)) is not None:
        return stream
    return first


async def _greeting_or_get(visit: Visit, hints: tuple[str, ...], wait_s: float) -> Identity:
    """One connection: listen for a greeting, then ask for / and look at the answer."""
    try:
        connection = await visit.connect()
    except DeviceError as error:
        return Identity(None, True if isinstance(error, TlsRefusedError) else None, outcome_of(error), detail=str(error))
    unknown = Identity(None, True if visit.tls else None)
    asked = b""
    try:
        heard = await _listen(connection, wait_s) if wait_s else None
        if heard is None:
            asked = page_request(visit, "/")
            await connection.request(asked)
            heard = await _listen(connection, ANSWER_S)
        if heard:
            found = _name(unknown, heard[:HEARD_BYTES], hints, asked=bool(asked))
            if found.protocol in (ASKED_FOR_PAGES if asked else SERVER_FIRST):
                visit.opening = Opening(connection, asked, heard)
            return found
    except (HungUpError, RefusedError) as error:
        detail = f"closed the connection when asked for a page: {error}" if asked else str(error)
        return replace(unknown, outcome=Outcome.REFUSED, detail=detail, may_wait=bool(asked))
    except DeviceError as error:
        return replace(unknown, outcome=outcome_of(error), detail=str(error))
    finally:
        if visit.opening is None:
            await connection.close()
    if heard is None:
        detail = "sent nothing by itself, and nothing when asked for a page"
        return replace(unknown, outcome=Outcome.TIMEOUT, detail=detail, may_wait=True)
    when = "when asked for a page" if asked else "before anything was asked"
    return replace(unknown, outcome=Outcome.REFUSED, detail=f"closed the connection {when}", may_wait=bool(asked))


def _name(unknown: Identity, heard: bytes, hints: tuple[str, ...], *, asked: bool) -> Identity:
    """Name the protocol of what was heard."""
    answer = banners.identify_answer(heard)
    if answer == "tls" and not unknown.tls:
        return Identity(None, tls=True, outcome=Outcome.PROTOCOL_ERROR, detail="answers in TLS")
    found = banners.identify(heard)
    protocol = found.protocol or answer
    if protocol is None and "ftp" in hints and _FTP_REPLY.match(heard):
        protocol = "ftp"  # "220 ready" may be FTP or SMTP; the port decides
    greeting = b"" if asked else heard
    if protocol is None:
        return replace(unknown, outcome=Outcome.PROTOCOL_ERROR, greeting=greeting, detail="answers in no protocol that we know")
    return Identity(protocol, bool(unknown.tls), greeting=greeting, product=found.product, version=found.version)


async def _listen(connection: Connection, timeout_s: float) -> bytes | None:
    """Receive until the protocol shows or nothing more comes; None when nothing came in time, b"" when the other side closed."""
    loop = asyncio.get_running_loop()
    heard, deadline = b"", loop.time() + timeout_s
    while len(heard) < HEARD_BYTES and (left := deadline - loop.time()) > 0:
        try:
            data = await connection.receive(timeout_s=left)
        except SilentError:
            break
        except HungUpError:
            if heard:
                break
            raise
        if not data:
            return heard
        deadline = deadline if heard else loop.time() + REST_S
        heard += data
        if banners.identify(heard).protocol:
            break
    return heard or None


async def _speaks_mqtt(visit: Visit) -> bool:
    try:
        connection = await visit.connect()
    except DeviceError:
        return False
    try:
        asked = mqtt.encode_connect(visit.client_name)
        await connection.request(asked)
        answer = await connection.receive(timeout_s=ANSWER_S)
        if any(isinstance(event, mqtt.Connack) for event in mqtt.MqttDecoder(mqtt.Side.SERVER).feed(answer)):
            visit.opening = Opening(connection, asked, answer)
        return visit.opening is not None
    except DeviceError:
        return False
    finally:
        if visit.opening is None:
            await connection.close()


async def _speaks_rtsp(visit: Visit) -> Identity | None:
    try:
        connection = await visit.connect()
    except DeviceError:
        return None
    try:
        asked = rtsp.encode_options(f"rtsp://{visit.host}:{visit.port}/", cseq=1)
        await connection.request(asked)
        answer = await connection.receive(timeout_s=ANSWER_S)
        if not answer.startswith(b"RTSP/"):
            return None
        visit.opening = Opening(connection, asked, answer)
        found = banners.identify(answer)
        return Identity("rtsp", tls=False, product=found.product, version=found.version)
    except DeviceError:
        return None
    finally:
        if visit.opening is None:
            await connection.close()


async def _inside_tls(visit: Visit, hints: tuple[str, ...]) -> Identity:
    """Shake hands, then look for the protocol inside; `tls` is true once a handshake has succeeded."""
    inside = replace(visit, tls=True)
    try:
        if "mqtt" in hints:
            if await _speaks_mqtt(inside):
                return Identity("mqtt", tls=True)
            hints = tuple(hint for hint in hints if hint != "mqtt")
        first = await _greeting_or_get(inside, hints, wait_s=0.0 if hints else GREETING_INSIDE_S)
        if first.protocol is None and first.tls and first.may_wait and await _speaks_mqtt(inside):
            return Identity("mqtt", tls=True)
        return first
    finally:
        visit.permit, visit.opening, visit.session = inside.permit, inside.opening, inside.session

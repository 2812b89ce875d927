"""Find out what speaks on an open port, in as few exchanges as will do.

Order, each step on a connection of its own: what the usual protocol of that port would say; the greeting that the service sends by
itself; its answer to an HTTP GET (which betrays RTSP and TLS as well); MQTT CONNECT; a TLS handshake, and the same inside; RTSP.
A service that hangs up before we said anything, or that answers in bytes that nobody speaks, is not pressed further.
Industrial ports are never asked by these steps: their own probes know them (law 5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from plumbline.collect.network.probe import Visit, outcome_of
from plumbline.model.errors import DeviceError, HungUpError, SilentError
from plumbline.model.words import Outcome
from plumbline.net.connection import Connection
from plumbline.protocols import banner as banners
from plumbline.protocols import http, mqtt, rtsp

GREETING_S = 1.0  # OpenSSH, vsftpd and BusyBox telnetd greet within 0.1 s on a LAN; embedded ones were seen to take 0.7 s
ANSWER_S = 3.0
SERVER_FIRST = frozenset({"ssh", "ftp", "telnet", "smtp"})


@dataclass(frozen=True, slots=True)
class Identity:
    """What an open port turned out to be; `outcome` says why not, where `protocol` is None."""

    protocol: str | None
    tls: bool | None
    outcome: Outcome = Outcome.OK
    greeting: bytes = b""
    product: str | None = None
    version: str | None = None
    detail: str | None = None


async def identify(visit: Visit, hints: tuple[str, ...], *, tls_hint: bool) -> Identity:
    """Identify one service. `hints` are the protocols whose usual port this is; `tls_hint` that they come inside TLS there."""
    if tls_hint:
        inside = await _inside_tls(visit, hints)
        if inside.tls:
            return inside
    if "mqtt" in hints and await _speaks_mqtt(visit):
        return Identity("mqtt", tls=False)
    first = await _greeting_or_get(visit, wait_s=ANSWER_S if SERVER_FIRST & set(hints) else 0.0 if hints else GREETING_S)
    if first.tls and not tls_hint:
        inside = await _inside_tls(visit, hints)
        return inside if inside.tls else first
    if first.protocol is not None or first.outcome in (Outcome.PROTOCOL_ERROR, Outcome.REFUSED, Outcome.UNREACHABLE):
        return first
    if "mqtt" not in hints and await _speaks_mqtt(visit):
        return Identity("mqtt", tls=False)
    if not tls_hint:
        inside = await _inside_tls(visit, hints)
        if inside.tls:
            return inside
    if await _speaks_rtsp(visit):
        return Identity("rtsp", tls=False)
    return first


async def _greeting_or_get(visit: Visit, wait_s: float) -> Identity:
    """One connection: listen for a greeting, then ask for / and look at the answer."""
    try:
        connection = await visit.connect()
    except DeviceError as error:
        return Identity(None, None, outcome_of(error), detail=str(error))
    try:
        heard = await _listen(connection, wait_s) if wait_s else None
        if heard == b"":
            return Identity(None, None, Outcome.REFUSED, detail="closed the connection before anything was asked")
        if heard is None:
            await connection.request(http.encode_get(visit.address, "/"))
            heard = await _listen(connection, ANSWER_S)
    except HungUpError as error:
        return Identity(None, None, Outcome.TIMEOUT, detail=f"closed the connection when asked for a page: {error}")
    except DeviceError as error:
        return Identity(None, None, outcome_of(error), detail=str(error))
    finally:
        await connection.close()
    if not heard:
        return Identity(None, None, Outcome.TIMEOUT, detail="sent nothing by itself, and nothing when asked for a page")
    answer = banners.identify_answer(heard)
    if answer == "tls":
        return Identity(None, tls=True, outcome=Outcome.PROTOCOL_ERROR, detail="answers in TLS")
    found = banners.identify(heard)
    protocol = found.protocol or answer
    if protocol is None:
        return Identity(None, None, Outcome.PROTOCOL_ERROR, heard[:512], detail="answers in no protocol that we know")
    return Identity(protocol, visit.tls, greeting=heard[:512], product=found.product, version=found.version)


async def _listen(connection: Connection, timeout_s: float) -> bytes | None:
    """Receive once; None when nothing came in time, b"" when the other side closed."""
    try:
        return await connection.receive(timeout_s=timeout_s)
    except SilentError:
        return None


async def _speaks_mqtt(visit: Visit) -> bool:
    try:
        connection = await visit.connect()
    except DeviceError:
        return False
    try:
        await connection.request(mqtt.encode_connect("plumbline"))
        answer = await connection.receive(timeout_s=ANSWER_S)
        return any(isinstance(event, mqtt.Connack) for event in mqtt.MqttDecoder(mqtt.Side.SERVER).feed(answer))
    except DeviceError:
        return False
    finally:
        await connection.close()


async def _speaks_rtsp(visit: Visit) -> bool:
    try:
        connection = await visit.connect()
    except DeviceError:
        return False
    try:
        await connection.request(rtsp.encode_options(f"rtsp://{visit.address}:{visit.port}/", cseq=1))
        return (await connection.receive(timeout_s=ANSWER_S)).startswith(b"RTSP/")
    except DeviceError:
        return False
    finally:
        await connection.close()


async def _inside_tls(visit: Visit, hints: tuple[str, ...]) -> Identity:
    """Shake hands, then look for the protocol inside."""
    inside = replace(visit, tls=True)
    if "mqtt" in hints:
        if await _speaks_mqtt(inside):
            return Identity("mqtt", tls=True)
        hints = tuple(hint for hint in hints if hint != "mqtt")
    first = await _greeting_or_get(inside, wait_s=0.0 if hints else GREETING_S)
    visit.permit = inside.permit
    if first.protocol is not None:
        return replace(first, tls=True)
    if first.outcome is Outcome.TIMEOUT and await _speaks_mqtt(inside):
        return Identity("mqtt", tls=True)
    return first

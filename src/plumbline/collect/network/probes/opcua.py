"""OPC UA binary: open a channel without security and ask for the endpoints, as every client does before it chooses one.

Exchanges: a connection, Hello, OpenSecureChannel, GetEndpoints; no session is made (OPC UA Part 4, 5.4.4).
"""

from __future__ import annotations

from contextlib import suppress

from plumbline.collect.network.exchange import Reading, receive_event
from plumbline.collect.network.probe import Probe, Visit
from plumbline.model.errors import DeviceError, RefusedError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.connection import Connection
from plumbline.protocols.opcua import (
    Acknowledge,
    ChannelOpened,
    Endpoints,
    Failure,
    OpcUaDecoder,
    encode_close_channel,
    encode_get_endpoints,
    encode_hello,
    encode_open_channel,
)

ENDPOINTS_MAX = 64

Answer = Acknowledge | ChannelOpened | Endpoints


async def run(visit: Visit) -> None:
    """Ask for the endpoints and write one row for each."""
    url = f"opc.tcp://{visit.host}:{visit.port}"
    kept, reading = bytearray(), Reading(OpcUaDecoder())
    connection = await visit.connect()
    try:
        await _ask(connection, reading, encode_hello(url), Acknowledge, kept)
        visit.recognised = True
        channel = await _ask(connection, reading, encode_open_channel(), ChannelOpened, kept)
        assert isinstance(channel, ChannelOpened)
        listed = await _ask(connection, reading, encode_get_endpoints(channel, url), Endpoints, kept)
        with suppress(DeviceError):  # it has said all that we wanted to know
            await connection.send(encode_close_channel(channel))
    finally:
        await connection.close()
    assert isinstance(listed, Endpoints)
    raw = visit.keep(bytes(kept))
    if len(listed.endpoints) > ENDPOINTS_MAX:
        visit.partial("opcua_endpoint", f"{len(listed.endpoints)} endpoints; the first {ENDPOINTS_MAX} are recorded")
    for number, endpoint in enumerate(listed.endpoints[:ENDPOINTS_MAX]):
        visit.row(
            "opcua_endpoint",
            f"{visit.subject}/{number}",
            raw=raw,
            port=visit.port,
            url=endpoint.url or "",
            application_uri=endpoint.application_uri,
            application_name=endpoint.application_name,
            security_mode=endpoint.security_mode.word,
            security_policy=endpoint.policy or "",
            token_types=[token.token_type.word for token in endpoint.user_tokens],
        )


async def _ask(connection: Connection, reading: Reading, request: bytes, wanted: type[Answer], kept: bytearray) -> Answer:
    def pick(event: object) -> Answer | None:
        if isinstance(event, Failure):
            raise RefusedError(f"OPC UA status 0x{event.status:08X}: {event.reason or 'no reason given'}")
        return event if isinstance(event, wanted) else None

    await connection.request(request)
    return await receive_event(connection, reading, pick, kept=kept)


PROBE = Probe(
    protocol="opcua",
    tables=("opcua_endpoint",),
    transport=Transport.TCP,
    ports=frozenset({4840}),
    intrusion=Intrusion.QUERY,
    exchanges=4,
    run=run,
    industrial=True,
)

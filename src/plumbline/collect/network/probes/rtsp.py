"""RTSP: OPTIONS, then DESCRIBE of the root URL without a login. No stream is set up or played.

Exchanges: a connection and 2 requests. A 404 for the root says neither that streams are open nor that they are not.
"""

from __future__ import annotations

from plumbline.collect.network.exchange import Reading, of_type, receive_event
from plumbline.collect.network.probe import Probe, Visit
from plumbline.model.errors import DeviceError
from plumbline.model.words import Intrusion, Transport
from plumbline.protocols.rtsp import Response, ResponseDecoder, encode_describe, encode_options


async def run(visit: Visit) -> None:
    """Ask for methods and for a description; write one row."""
    url = f"{'rtsps' if visit.tls else 'rtsp'}://{visit.host}:{visit.port}/"
    kept, reading = bytearray(), Reading(ResponseDecoder())
    described: Response | None = None
    connection = await visit.connect()
    try:
        if not visit.asked:  # this was asked when the service was identified
            await connection.request(encode_options(url, cseq=1))
        options = await receive_event(connection, reading, of_type(Response), kept=kept)
        try:
            await connection.request(encode_describe(url, cseq=2))
            described = await receive_event(connection, reading, of_type(Response), kept=kept)
        except DeviceError as error:
            visit.partial("rtsp_service", f"DESCRIBE: {error}")
    finally:
        await connection.close()
    challenges = described.challenges if described else ()
    visit.row(
        "rtsp_service",
        raw=visit.keep(bytes(kept)),
        port=visit.port,
        server=options.server or (described.server if described else None),
        methods=list(options.public) if options.public is not None else None,
        describe_status=described.status if described else None,
        stream_open=_open(described),
        auth_scheme=challenges[0].scheme.lower() if challenges else None,
        media=len(described.media) if described and described.media is not None else None,
    )


def _open(described: Response | None) -> bool | None:
    if described is None:
        return None
    if described.status == 200 and described.media is not None:
        return True
    return False if described.status in (401, 403) else None


PROBE = Probe(
    protocol="rtsp",
    tables=("rtsp_service",),
    transport=Transport.TCP,
    ports=frozenset({554, 8554}),
    intrusion=Intrusion.QUERY,
    exchanges=3,
    run=run,
)

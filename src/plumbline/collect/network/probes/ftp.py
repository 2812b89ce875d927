"""FTP: the greeting and FEAT; under intrusion `credential`, whether USER anonymous is let in (budgeted, law 6). No file is listed.

Exchanges: a connection, FEAT, QUIT; with anonymous also USER and PASS, so 5. A refusal that asks for TLS says nothing of anonymous.
"""

from __future__ import annotations

import re

from plumbline.collect.network.exchange import Reading, of_type, receive_event
from plumbline.collect.network.probe import Probe, Visit
from plumbline.model.errors import DeviceError, NotPermittedError, RefusedError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.budget import LoginResult
from plumbline.net.connection import Connection
from plumbline.protocols import banner as banners
from plumbline.protocols.ftp import Reply, ReplyDecoder, encode_feat, encode_pass, encode_quit, encode_user, parse_features

MAIL = "audit@plumbline.invalid"  # RFC 1635: by custom the password of anonymous is a mail address
TEXT_CHARACTERS = 256
_WANTS_TLS = re.compile(r"encrypt|\b(?:TLS|SSL|AUTH)\b", re.IGNORECASE)  # the 5xx of vsftpd, ProFTPD and pyftpdlib where TLS is required


async def run(visit: Visit) -> None:
    """Greet, ask for features, and write one row."""
    kept, reading = bytearray(), Reading(ReplyDecoder())
    connection = await visit.connect(Intrusion.CREDENTIAL if visit.allows(Intrusion.CREDENTIAL) else Intrusion.QUERY)
    try:
        greeting = await receive_event(connection, reading, of_type(Reply), kept=kept)
        if greeting.code != 220:  # RFC 959 5.4: 120 comes later, 421 closes
            raise RefusedError(f"greeted with {greeting.code}")
        features = parse_features(await _ask(connection, reading, encode_feat(), kept))
        anonymous = await _anonymous(visit, connection, reading, kept)
        await _leave(connection, reading, kept)
    finally:
        await connection.close()
    named = banners.identify(bytes(kept[:512]))
    visit.row(
        "ftp_service",
        raw=visit.keep(bytes(kept)),
        port=visit.port,
        banner=visit.redacted(greeting.text)[:TEXT_CHARACTERS],
        auth_tls=None if features is None or visit.tls else any(kind.upper() in ("TLS", "TLS-C", "SSL") for kind in features.auth),
        anonymous_accepted=anonymous,
        product=named.product,
        version=named.version,
    )


async def _ask(connection: Connection, reading: Reading, command: bytes, kept: bytearray) -> Reply:
    await connection.request(command)
    return await receive_event(connection, reading, of_type(Reply), kept=kept)


async def _anonymous(visit: Visit, connection: Connection, reading: Reading, kept: bytearray) -> bool | None:
    """Say whether anonymous is let in; None where it may not be tried or the answer says neither."""
    if not visit.allows(Intrusion.CREDENTIAL):
        return None
    try:
        ticket = await visit.door.ask_login(visit.address, visit.port, visit.transport, account="anonymous", protocol="ftp", why=visit.why)
    except NotPermittedError as refusal:
        visit.partial("ftp_service", str(refusal))
        return None
    try:
        reply = await _ask(connection, reading, encode_user("anonymous"), kept)
        if reply.code == 331:
            reply = await _ask(connection, reading, encode_pass(MAIL), kept)
    except DeviceError as error:  # the try stays counted as failed
        visit.partial("ftp_service", f"USER anonymous: {error}")
        return None
    accepted = {2: True, 5: False}.get(reply.code // 100)
    if accepted is False and _WANTS_TLS.search(reply.text):
        accepted = None
    if reply.code == 421:  # RFC 959 5.4: the service closes; too many tries look like this
        visit.door.report_login(ticket, LoginResult.LOCKED_OUT)
    else:
        visit.door.report_login(ticket, LoginResult.OK if accepted else LoginResult.FAILED)
    if accepted is None:
        visit.partial("ftp_service", f"USER anonymous was answered with {reply.code}")
    return accepted


async def _leave(connection: Connection, reading: Reading, kept: bytearray) -> None:
    try:
        await _ask(connection, reading, encode_quit(), kept)
    except DeviceError:
        return  # it has said all that we wanted to know


PROBE = Probe(
    protocol="ftp",
    tables=("ftp_service",),
    transport=Transport.TCP,
    ports=frozenset({21, 2121}),
    intrusion=Intrusion.QUERY,
    exchanges=5,
    run=run,
)

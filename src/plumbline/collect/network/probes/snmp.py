"""SNMP: version 3 engine discovery; under intrusion `credential`, whether the community `public` may read (budgeted, law 6).

An agent says nothing to a wrong community, and silence proves nothing. So `public` counts as refused only when the agent answered
version 3 discovery before and after. Exchanges: 2 datagrams at `query`; at `credential` one for each of v1 and v2c and 2 more.
Late and foreign answers are passed over, as are those to another request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from plumbline.collect.network.probe import Probe, Visit
from plumbline.model.errors import NotPermittedError, SilentError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.budget import LoginResult
from plumbline.net.datagram import DatagramLine
from plumbline.protocols.snmp import (
    CommunityMessage,
    Message,
    Pdu,
    PduKind,
    UsmMessage,
    Version,
    decode,
    encode_discovery,
    encode_get,
    read_engine_id,
)

ANSWER_S = 1.5
ANSWERS_MAX = 4
ANSWERING = {PduKind.RESPONSE, PduKind.REPORT}
NO_ACCESS = {6, 16}  # RFC 3416 3: noAccess, authorizationError; some agents refuse aloud
DESCRIPTION, OBJECT_ID = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0"
TEXT_CHARACTERS = 256


async def run(visit: Visit) -> None:
    """Discover the engine, try the community where permitted, and write one row when anything answered."""
    kept = bytearray()
    line = await visit.datagrams(Intrusion.CREDENTIAL if visit.allows(Intrusion.CREDENTIAL) else Intrusion.QUERY)
    try:
        engine = await _discover(line, kept, 1)
        tried = await _communities(visit, line, kept) if visit.allows(Intrusion.CREDENTIAL) else {}
        if engine and tried and not all(tried.values()) and await _discover(line, kept, 9) is None:
            tried = {version: found for version, found in tried.items() if found}  # it fell silent: a refusal cannot be told from that
    finally:
        await line.close()
    answered = {version: message for version, message in tried.items() if message}
    if engine is None and not answered:
        raise SilentError("no answer to version 3 discovery" + (" or to the community public" if tried else ""))
    named = read_engine_id(engine.engine_id) if engine and engine.engine_id else None
    read = {binding.oid: binding.value for message in answered.values() for binding in message.pdu.bindings}
    description, object_id = read.get(DESCRIPTION), read.get(OBJECT_ID)
    visit.row(
        "snmp_agent",
        raw=visit.keep(bytes(kept)),
        port=visit.port,
        v3=True if engine else None,
        engine_id=engine.engine_id.hex() if engine else None,
        enterprise=named.enterprise if named else None,
        public_v1=_verdict(tried, Version.V1, alive=engine is not None),
        public_v2c=_verdict(tried, Version.V2C, alive=engine is not None),
        description=visit.redacted(description.decode("utf-8", "replace"))[:TEXT_CHARACTERS] if isinstance(description, bytes) else None,
        object_id=object_id if isinstance(object_id, str) else None,
        boots=engine.engine_boots if engine else None,
    )


def _verdict(tried: dict[Version, CommunityMessage | None], version: Version, *, alive: bool) -> bool | None:
    if version not in tried:
        return None
    return True if tried[version] else (False if alive else None)


async def _discover(line: DatagramLine, kept: bytearray, number: int) -> UsmMessage | None:
    for attempt in range(2):
        await line.request(encode_discovery(number + attempt, number + attempt))
        message = await _answer(line, kept, _is_report)
        if isinstance(message, UsmMessage):
            return message
    return None


async def _answer(line: DatagramLine, kept: bytearray, wanted: Callable[[Message], bool]) -> Message | None:
    """The answer that is wanted; None when it did not come. Raises ProtocolError when what came was no SNMP."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + ANSWER_S
    for _ in range(ANSWERS_MAX):
        try:
            data = await line.receive(timeout_s=max(deadline - loop.time(), 0.0))
        except SilentError:
            return None
        kept += data
        message = decode(data)
        if wanted(message):
            return message
    return None


async def _communities(visit: Visit, line: DatagramLine, kept: bytearray) -> dict[Version, CommunityMessage | None]:
    """Ask with `public` over each version; None where nothing came, absent where it might not be tried."""
    tried: dict[Version, CommunityMessage | None] = {}
    for version in (Version.V1, Version.V2C):
        try:
            ticket = await visit.door.ask_login(
                visit.address, visit.port, visit.transport, account="public", protocol=f"snmp-{version.name.lower()}", why=visit.why
            )
        except NotPermittedError as refusal:
            visit.partial("snmp_agent", str(refusal))
            break
        tried[version] = await _ask(line, kept, version)
        visit.door.report_login(ticket, LoginResult.OK if tried[version] else LoginResult.FAILED)
    return tried


async def _ask(line: DatagramLine, kept: bytearray, version: Version) -> CommunityMessage | None:
    request = 100 + version
    await line.request(encode_get(version, b"public", request, (DESCRIPTION, OBJECT_ID)))
    message = await _answer(line, kept, lambda heard: isinstance(heard, CommunityMessage) and _answers(heard.pdu, request))
    return message if isinstance(message, CommunityMessage) and message.pdu.error_status not in NO_ACCESS else None


def _is_report(heard: Message) -> bool:
    return isinstance(heard, UsmMessage) and (heard.pdu is None or heard.pdu.kind in ANSWERING)


def _answers(pdu: Pdu, request: int) -> bool:
    return pdu.kind in ANSWERING and pdu.request_id == request


PROBE = Probe(
    protocol="snmp",
    tables=("snmp_agent",),
    transport=Transport.UDP,
    ports=frozenset({161, 1161}),
    intrusion=Intrusion.QUERY,
    exchanges=6,
    run=run,
)

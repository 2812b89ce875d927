"""CoAP without security: GET /.well-known/core; under `session`, a GET of the first five resources that it lists.

GET is safe by definition (RFC 7252 5.8.1). Exchanges: a datagram for each block of the list, at most 16, and one for each resource; a
lost one is asked for once more, and an answer that comes by itself is acknowledged. So 26 at most, and 47 where every second is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from plumbline.collect.network.probe import Probe, Visit
from plumbline.model.errors import DeviceError, ProtocolError, SilentError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.datagram import DatagramLine
from plumbline.protocols import link_format
from plumbline.protocols.coap import EMPTY, Block, BlockwiseBody, CodeClass, Message, Type, decode, encode_ack, encode_get

ANSWER_S = 2.0  # RFC 7252 4.8: ACK_TIMEOUT
SEPARATE_S = 6.0  # for an answer that was promised by an empty acknowledgement; libcoap's example of a slow one takes 5 s
SILENCES_MAX = 2  # among the resources, before the rest is left alone
BLOCKS_MAX = 16  # 1 KiB of a list from a node with blocks of 64 bytes, 16 KiB from one with the largest
TRIED_MAX = 5
LISTED_MAX = 100
PATH_CHARACTERS = 255
TOKEN = b"\x50\x4c"


async def run(visit: Visit) -> None:
    """Discover, then try what is listed; write one row."""
    line = await visit.datagrams()
    try:
        kept = bytearray()
        asking = _Asking(line, kept)
        body, last = await _discover(visit, asking)
    finally:
        await line.close()
    listed = last.code_class is CodeClass.SUCCESS
    try:
        links = link_format.decode(body) if listed else ()
    except ProtocolError as error:
        visit.partial("coap_service", str(error))
        listed, links = False, ()
    resources = [link.target for link in links][:LISTED_MAX]
    readable, tried = await _try(visit, resources) if listed and visit.allows(Intrusion.SESSION) else (None, None)
    visit.row(
        "coap_service",
        raw=visit.keep(bytes(kept)),
        port=visit.port,
        code=last.code_text,
        resources=_stored(visit, resources) if listed else None,
        resource_types=sorted({kind for link in links for kind in (link.get("rt") or "").split()}) if listed else None,
        readable=_stored(visit, readable) if readable is not None else None,
        tried=tried,
    )


class _Asking:
    """Request and answer over one line, with message ids of its own."""

    def __init__(self, line: DatagramLine, kept: bytearray | None = None, first_id: int = 0x504C) -> None:
        self.line, self.kept, self.next_id = line, kept, first_id

    async def get(self, path: Sequence[str], block: Block | None = None) -> Message:
        """GET one resource; one more try when nothing came. Raises SilentError, RefusedError, ProtocolError."""
        self.next_id += 1
        wanted = encode_get(self.next_id, TOKEN, path, block=block)
        for last in (False, True):
            await self.line.request(wanted)
            try:
                return await self._answer()
            except SilentError:
                if last:
                    raise
        raise AssertionError("the loop returns or raises")

    async def _answer(self) -> Message:
        """The response, piggybacked or separate (RFC 7252 5.2)."""
        wait_s = ANSWER_S
        for _ in range(3):
            data = await self.line.receive(timeout_s=wait_s)
            if self.kept is not None:
                self.kept += data
            message = decode(data)
            if message.type is Type.RST:
                raise ProtocolError("the request was reset")
            if message.type is Type.ACK and message.code == EMPTY:
                wait_s = SEPARATE_S
            if message.code_class is CodeClass.REQUEST or message.token != TOKEN:
                continue  # an empty acknowledgement: the answer follows; a late answer to something else; or our own words sent back
            if message.type is Type.CON:
                await self.line.request(encode_ack(message.message_id))
            return message
        raise ProtocolError("acknowledged, and never answered")


async def _discover(visit: Visit, asking: _Asking) -> tuple[bytes, Message]:
    """The list of resources as far as it was read, and the last answer."""
    body, block = BlockwiseBody(), None
    message: Message
    for _ in range(BLOCKS_MAX):
        message = await asking.get((".well-known", "core"), block)
        if message.code_class is not CodeClass.SUCCESS:
            return b"", message
        block = body.add(message)
        if block is None:
            return body.data, message
    visit.partial("coap_service", f"the list of resources is longer than {BLOCKS_MAX} blocks")
    return body.data.rpartition(b",<")[0], message


def _stored(visit: Visit, paths: list[str]) -> list[str]:
    """The paths as they may be kept: a link may hold a token (law 8)."""
    return [visit.redacted(path)[:PATH_CHARACTERS] for path in paths]


def _worth_trying(resources: list[str]) -> list[str]:
    plain = [path for path in resources if path.startswith("/") and "?" not in path and len(path) <= PATH_CHARACTERS]
    return [path for path in plain if not path.startswith("/.well-known")][:TRIED_MAX]


async def _try(visit: Visit, resources: list[str]) -> tuple[list[str] | None, int]:
    """Read what is listed: which resources can be read, None where none was and not all answered; and how many were tried."""
    readable, tried, silent = list[str](), 0, 0
    line = await visit.datagrams(Intrusion.SESSION)
    try:
        asking = _Asking(line, first_id=0x6000)
        for path in _worth_trying(resources):
            tried += 1
            try:
                message = await asking.get([unquote(part) for part in path.split("/") if part])
            except SilentError:
                silent += 1
                if silent < SILENCES_MAX:
                    continue
                raise
            if message.code_class is CodeClass.SUCCESS:
                readable.append(path)
    except DeviceError as error:
        visit.partial("coap_service", f"{tried} of {len(_worth_trying(resources))} resources: {error}")
        return readable or None, tried
    finally:
        await line.close()
    if silent:
        visit.partial("coap_service", f"{silent} of {tried} resources gave no answer")
    return readable if readable or not silent else None, tried


PROBE = Probe(
    protocol="coap",
    tables=("coap_service",),
    transport=Transport.UDP,
    ports=frozenset({5683}),
    intrusion=Intrusion.QUERY,
    exchanges=47,
    run=run,
)

"""SSDP, asked of one device: a unicast M-SEARCH for everything (UPnP Device Architecture 1.1, 1.3.2). Descriptions are not fetched.

Exchanges: one datagram, and one more when nothing came.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from plumbline.collect.network.announcements import distinct, of_ssdp
from plumbline.collect.network.probe import Probe, Visit
from plumbline.model.errors import ProtocolError, SilentError
from plumbline.model.words import Intrusion, Transport
from plumbline.protocols.ssdp import Kind, Message, decode, encode_search

WAIT_S = 2.0  # MX 1: a device spreads its answers over one second
ANSWERS_MAX = 32


async def run(visit: Visit) -> None:
    """Search and write one row for each thing announced."""
    answers: list[bytes] = []
    line = await visit.datagrams()
    try:
        for _ in range(2):
            await line.request(encode_search(host=f"{visit.host}:{visit.port}"))
            deadline = asyncio.get_running_loop().time() + WAIT_S
            while len(answers) < ANSWERS_MAX and (left := deadline - asyncio.get_running_loop().time()) > 0:
                try:
                    answers.append(await line.receive(timeout_s=left))
                except SilentError:
                    break
            if answers:
                break
    finally:
        await line.close()
    if not answers:
        raise SilentError("no answer to M-SEARCH")
    raw = visit.keep(b"\r\n".join(answers))
    for number, one in enumerate(distinct(of_ssdp(message) for message in _read(visit, answers))):
        visit.row("announcement", f"{visit.subject}/{number}", raw=raw, **asdict(one))


def _read(visit: Visit, answers: list[bytes]) -> list[Message]:
    """Decode what can be; raises ProtocolError when nothing can."""
    found: list[Message] = []
    wrong: ProtocolError | None = None
    for data in answers:
        try:
            message = decode(data)
            if message.kind is not Kind.RESPONSE or message.status != 200:
                raise ProtocolError("not an answer to a search")
            found.append(message)
        except ProtocolError as error:
            wrong = error
    if wrong is not None:
        if not found:
            raise wrong
        visit.partial("announcement", f"{len(answers) - len(found)} of {len(answers)} answers: {wrong}")
    return found


PROBE = Probe(
    protocol="ssdp",
    tables=("announcement",),
    transport=Transport.UDP,
    ports=frozenset({1900}),
    intrusion=Intrusion.QUERY,
    exchanges=2,
    run=run,
)

"""Host names, asked of the rig's own resolvers only and through the door; the system's resolver is never used.

`net` knows no DNS: the caller hands in the codec. Every answer is judged before it is given out, for the port that it is wanted for,
and judged again at the connect.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

from plumbline.model.errors import DeviceError, NotPermittedError, ProtocolError, SilentError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.datagram import DatagramLine
from plumbline.net.dial import Address
from plumbline.net.gate import Errand, Gate
from plumbline.rig.permits import RESOLVER_PORT, Contact, Refusal, judge, judge_resolution

MAX_ANSWERS = 32  # per name; a cloud endpoint gives one to eight
STRAYS = 4  # datagrams that may be wrong before a resolver counts as not answering properly


@dataclass(frozen=True, slots=True)
class NameCodec:
    """How to ask and how to read: `encode(query_id, name, record)` with record A or AAAA, and `decode(data, query_id, name, record)`.

    `decode` gives the addresses of the answer as text (none for a name without that record) and raises ProtocolError for anything that is
    not the answer to this question.
    """

    encode: Callable[[int, str, str], bytes]
    decode: Callable[[bytes, int, str, str], Sequence[str]]


async def addresses(
    gate: Gate, line: Callable[[Errand], Awaitable[DatagramLine]], name: str, *, why: str, codec: NameCodec, port: int
) -> list[Address]:
    """Ask each resolver in turn until one answers; gives the permitted addresses, IPv4 first. See `Door.resolve` for what it raises."""
    resolvers = gate.rig.authorisation.resolvers
    failed: DeviceError = SilentError(f"no resolver answered for {name!r}")
    if not resolvers:
        refusal = NotPermittedError(
            f"{name!r}: authorisation.resolvers is empty, so names are not resolved (list the rig's DNS servers)",
            reason=Refusal.NO_RESOLVER,
        )
        gate.turn_away(name, RESOLVER_PORT, Transport.UDP, Intrusion.QUERY, why, refusal)
        raise refusal
    for resolver in resolvers:
        contact = Contact(resolver, RESOLVER_PORT, Transport.UDP, Intrusion.QUERY, f"{why}: resolve {name}")
        errand = Errand(contact, gate.caps.device(str(resolver)), partial(judge_resolution, gate.rig, name, resolver))
        try:
            async with await line(errand) as asked:
                found = [each for record in ("A", "AAAA") for each in await _ask(asked, name, record, codec, gate.limits.resolve_s)]
        except DeviceError as error:
            failed = error
            continue
        return _permitted(gate, name, found, why, port)
    raise failed


async def _ask(line: DatagramLine, name: str, record: str, codec: NameCodec, wait_s: float) -> list[Address]:
    query_id = secrets.randbelow(1 << 16)
    await line.request(codec.encode(query_id, name, record))
    for left in range(STRAYS, -1, -1):
        data = await line.receive(wait_s)
        try:
            return [ip_address(text) for text in codec.decode(data, query_id, name, record)[:MAX_ANSWERS]]
        except ProtocolError:
            if not left:
                raise
        except ValueError as cause:
            raise ProtocolError(f"the answer for {name!r} holds something that is not an address") from cause
    raise ProtocolError(f"no proper answer for {name!r}")


def _permitted(gate: Gate, name: str, found: list[Address], why: str, port: int) -> list[Address]:
    kept = []
    last: NotPermittedError | None = None
    for address in dict.fromkeys(found):
        contact = Contact(address, port, Transport.TCP, Intrusion.QUERY, why, name)
        try:
            permit = judge(gate.rig, contact, gate.clock.now())
        except NotPermittedError as refusal:
            gate.refuse(Errand(contact, gate.caps.device(str(address)), partial(judge, gate.rig, contact)), refusal)
            last = refusal
            continue
        gate.note("resolve", Errand(contact, gate.caps.device(str(address)), partial(judge, gate.rig, contact)), permit, detail=name)
        kept.append(address)
    if last is not None and not kept:
        raise last
    return kept

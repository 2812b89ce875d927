"""mDNS, asked of one device: its service types, then the instances of the first five (RFC 6762 5.5, RFC 6763 9).

Exchanges: one datagram for the types and one for each type, so 6; one more when nothing came.
"""

from __future__ import annotations

from dataclasses import asdict

from plumbline.collect.network.announcements import distinct, of_mdns
from plumbline.collect.network.probe import Probe, Visit
from plumbline.model.errors import ProtocolError, SilentError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.datagram import DatagramLine
from plumbline.protocols.dns import Message, Question, RecordType, Target, decode, encode_query

ANSWER_S = 2.0
TYPES_MAX = 5
TYPES = "_services._dns-sd._udp.local"


async def run(visit: Visit) -> None:
    """Browse and write one row for each instance."""
    kept = bytearray()
    line = await visit.datagrams()
    try:
        listed = await _ask(line, kept, TYPES, tries=2)
        types = sorted({record.data.name for record in listed.answers if isinstance(record.data, Target)})
        found = []
        for number, name in enumerate(types[:TYPES_MAX]):
            try:
                found += of_mdns(await _ask(line, kept, name, tries=1))
            except (SilentError, ProtocolError) as error:
                visit.partial("announcement", f"{number} of {len(types)} service types; {name}: {error}")
        if len(types) > TYPES_MAX:
            visit.partial("announcement", f"{len(types)} service types; the first {TYPES_MAX} were asked for")
    finally:
        await line.close()
    raw = visit.keep(bytes(kept))
    for number, one in enumerate(distinct(found)):
        visit.row("announcement", f"{visit.subject}/{number}", raw=raw, **asdict(one))


async def _ask(line: DatagramLine, kept: bytearray, name: str, *, tries: int) -> Message:
    for last in (tries == 1, True):
        await line.request(encode_query(0, [Question(name, RecordType.PTR, unicast=True)], recursion_desired=False))
        try:
            data = await line.receive(timeout_s=ANSWER_S)
        except SilentError:
            if last:
                raise
            continue
        kept += data
        message = decode(data)
        if not message.response:
            raise ProtocolError("a question instead of an answer")
        return message
    raise AssertionError("the loop returns or raises")


PROBE = Probe(
    protocol="mdns",
    tables=("announcement",),
    transport=Transport.UDP,
    ports=frozenset({5353}),
    intrusion=Intrusion.QUERY,
    exchanges=7,
    run=run,
)

"""Who announces itself to a multicast group (`authorisation.discovery`): one question to each group on each network's segment, TTL 1.

Not the probes `mdns` and `ssdp`, which ask one device at a time: a device that has answered there says nothing new here.

| group | asked | read |
|---|---|---|
| mdns | service types, then the instances of the first five, in one question (RFC 6762 5.3, RFC 6763 9) | RFC 6762 18 |
| ssdp | M-SEARCH for everything, MX 1 (UPnP Device Architecture 1.1, 1.3.2) | 1.3.3 |
| others | nothing: covered as not_supported | |

Rules: a segment with a device of class `ot` is not asked, as the question would reach it too (law 5). What an answer points to, such
as SSDP's LOCATION, is not fetched. A group's coverage stands on the network; each device that answered has its own beside it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict
from ipaddress import ip_address

from plumbline.collect.context import Context
from plumbline.collect.network.announcements import Announcement, distinct, of_mdns, of_ssdp
from plumbline.collect.network.probe import outcome_of
from plumbline.collect.network.registry import load_probes
from plumbline.evidence.bundle import Batch
from plumbline.model.entities import Entity, port_subject
from plumbline.model.errors import DeviceError, NotPermittedError, ProtocolError
from plumbline.model.words import DeviceClass, EntityKind, Outcome, Transport
from plumbline.net.discovery import Answer
from plumbline.net.door import Door
from plumbline.net.redaction import redact
from plumbline.protocols import dns, ssdp
from plumbline.rig.discovery import GROUPS
from plumbline.rig.models import Network

WAIT_S = 2.0  # MX 1 spreads answers over one second; mDNS over half of one (RFC 6762, 6)
TYPES = "_services._dns-sd._udp.local"
TYPES_MAX = 5
ANNOUNCED_MAX = 32  # kept of one device
TABLE = "announcement"
WHY = "discovery"


async def discover(context: Context, door: Door, network: Network, *, wait_s: float = WAIT_S) -> None:
    """Ask every listed group on one network's segment; raises StoppedError and EnvironmentFault."""
    for group in context.rig.authorisation.discovery:
        entity = Entity.of(EntityKind.NETWORK, network.site, network.name)
        subject = port_subject(Transport.UDP.value, GROUPS[group].port)
        if (str(entity), TABLE, subject) in context.writer.outcomes:
            continue  # asked by an earlier session
        started = context.now()
        with context.writer.batch() as batch:
            outcome, detail = await _group(context, door, network, group, batch, wait_s)
            batch.coverage(entity, TABLE, subject, outcome=outcome, started_at=started, ended_at=context.now(), detail=detail)


async def _group(context: Context, door: Door, network: Network, group: str, batch: Batch, wait_s: float) -> tuple[Outcome, str | None]:
    """Ask one group and write what each device said; gives what became of it, and why."""
    if group not in _ASK:
        return Outcome.NOT_SUPPORTED, f"answers of the group {group} are not read"
    if (held := _industrial(context, network)) is not None:
        return Outcome.NOT_PERMITTED, f"{held} is of class ot, and a question to the group would reach it"
    try:
        answers = await _ASK[group](door, network, wait_s)
    except (DeviceError, NotPermittedError) as error:
        return outcome_of(error), str(error)
    heard = _by_address(answers)
    wrong = sum(_device(context, network, group, batch, address, heard[address]) for address in sorted(heard))
    if wrong:
        return Outcome.PARTIAL, f"{wrong} of {len(answers)} answers could not be read"
    return Outcome.OK, f"{len(heard)} devices answered"


def _device(context: Context, network: Network, group: str, batch: Batch, address: str, said: list[bytes]) -> int:
    """Write what one device said, unless its probe has; gives how many of its answers could not be read."""
    entity = Entity.of(EntityKind.HOST, network.site, address)
    subject = port_subject(Transport.UDP.value, GROUPS[group].port)
    found, wrong = _read(group, said)
    if (str(entity), "service", subject) in context.writer.outcomes:
        return wrong  # it has answered when it was asked alone
    at = context.now()
    raw = context.writer.raw(redact(group, b"\r\n".join(said), context.key))
    for number, one in enumerate(found):
        batch.row(TABLE, entity, f"{subject}/{number}", raw=raw, observed_at=at, **asdict(one))
    outcome = Outcome.OK if not wrong else Outcome.PARTIAL if found else Outcome.PROTOCOL_ERROR
    detail = f"{wrong} of {len(said)} answers could not be read" if wrong else None
    batch.coverage(entity, TABLE, subject, outcome=outcome, rows=len(found), started_at=at, ended_at=at, detail=detail)
    return wrong


def _industrial(context: Context, network: Network) -> str | None:
    """Name a device of class `ot` on the network: declared, or with an open port at which an industrial protocol is usual."""
    for asset in context.rig.assets:
        if asset.device_class is DeviceClass.OT and any(address in network.addresses for address in asset.addresses):
            return asset.id
    tables = {table for probe in load_probes().values() if probe.industrial for table in probe.tables}
    for (entity, table, subject), outcome in context.writer.outcomes.items():
        if table in tables and subject and outcome.rank <= Outcome.PROTOCOL_ERROR.rank:
            host = Entity.parse(entity)
            if host.site == network.site and ip_address(host.key) in network.addresses:
                return host.key
    return None


def _by_address(answers: Iterable[Answer]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for answer in answers:
        found.setdefault(answer.address, []).append(answer.data)
    return found


def _read(group: str, said: Iterable[bytes]) -> tuple[list[Announcement], int]:
    """Read what one device said; gives its announcements, and how many answers were none."""
    found, wrong = list[Announcement](), 0
    for data in said:
        try:
            found += [of_ssdp(ssdp.decode(data))] if group == "ssdp" else of_mdns(dns.decode(data))
        except ProtocolError:
            wrong += 1
    return distinct(found)[:ANNOUNCED_MAX], wrong


async def _ask_ssdp(door: Door, network: Network, wait_s: float) -> list[Answer]:
    known = GROUPS["ssdp"]
    host = f"[{known.address6}]" if network.ranges[0].version == 6 else str(known.address)
    return await door.discover("ssdp", ssdp.encode_search(host=f"{host}:{known.port}"), network=network, why=WHY, wait_s=wait_s)


async def _ask_mdns(door: Door, network: Network, wait_s: float) -> list[Answer]:
    types: set[str] = set()
    unread: list[Answer] = []
    for answer in await door.discover("mdns", _question([TYPES]), network=network, why=WHY, wait_s=wait_s):
        try:
            records = dns.decode(answer.data).answers
        except ProtocolError:
            unread.append(answer)  # told with the rest
            continue
        types |= {r.data.name for r in records if r.name.lower() == TYPES and isinstance(r.data, dns.Target)}
    if not types:
        return unread
    return unread + await door.discover("mdns", _question(sorted(types)[:TYPES_MAX]), network=network, why=WHY, wait_s=wait_s)


def _question(names: Iterable[str]) -> bytes:
    return dns.encode_query(0, [dns.Question(name, dns.RecordType.PTR, unicast=True) for name in names], recursion_desired=False)


_ASK: Mapping[str, Callable[[Door, Network, float], Awaitable[list[Answer]]]] = {"mdns": _ask_mdns, "ssdp": _ask_ssdp}

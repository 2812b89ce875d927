"""What an audit of a rig would touch, said before it touches anything: for `plumbline rig check`.

Not a promise about devices: how many answer, and on which ports, nobody knows yet. So two figures stand side by side: the sweep, which is
exact, and the ceiling, as if every address answered on every port. Rules: pure but for the sizes of supplied files; no packet; what the
plan refuses the judge refuses too, in the same words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from plumbline.model.errors import NotPermittedError
from plumbline.model.words import DeviceClass, Intrusion, Transport
from plumbline.rig import windows
from plumbline.rig.addresses import Address, AddressSet
from plumbline.rig.models import Authorisation, Network, Rig
from plumbline.rig.permits import Contact, Refusal, judge, judge_discovery
from plumbline.rig.targets import count_targets, is_swept, range_targets

# The most exchanges that one open port is asked for at each intrusion, the sweep's own apart. At `session` a TLS endpoint alone may take
# twenty handshakes, each with its connection (law 5), and as many requests again.
SERVICE_EXCHANGES_MAX: Mapping[Intrusion, int] = {
    Intrusion.PASSIVE: 0,
    Intrusion.QUERY: 8,
    Intrusion.SESSION: 64,
    Intrusion.CREDENTIAL: 72,
}
_UNTIMELY = (Refusal.NOT_YET_VALID, Refusal.EXPIRED, Refusal.OUTSIDE_WINDOW)
DEVICE_PER_SECOND = {DeviceClass.IT: 40, DeviceClass.OT: 5}  # law 5


@dataclass(frozen=True, slots=True)
class PlannedRange:
    """One range: how many addresses it holds, how many would be gone to, and whether all of them or only declared assets."""

    range: str
    addresses: int
    contacted: int
    swept: bool


@dataclass(frozen=True, slots=True)
class PlannedNetwork:
    """One network; exchanges and seconds are at the caps."""

    name: str
    site: str
    ranges: tuple[PlannedRange, ...]
    tcp_ports: tuple[int, ...]
    udp_ports: tuple[int, ...]
    contacted: int
    exchanges_sweep: int
    exchanges_per_device_max: int
    exchanges_max: int
    discovery: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One supplied file that would be read."""

    kind: str
    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PlannedLogin:
    """One login that the customer gave, and the assets on which it would be used, in that order."""

    kind: str
    user: str
    port: int
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedRefusal:
    """Something the file names that would not be contacted, and why."""

    what: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be touched, when, how hard and for how long; times are ISO 8601 in UTC."""

    rig: str
    name: str
    owner: str
    reference: str
    granted_by: str
    as_of: str
    valid_from: str
    valid_until: str
    windows: tuple[str, ...]
    open_now: bool
    next_opening: str | None
    intrusion: str
    exchanges_per_second: int
    source: str | None
    anchors: tuple[str, ...]
    resolvers: tuple[str, ...]
    hosts: tuple[str, ...]
    networks: tuple[PlannedNetwork, ...]
    logins: tuple[PlannedLogin, ...]
    files: tuple[PlannedFile, ...]
    contacted: int
    exchanges_sweep: int
    exchanges_per_device_max: int
    exchanges_max: int
    duration_s_sweep: int
    duration_s_max: int
    refusals: tuple[PlannedRefusal, ...]
    signature: str | None
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Give the plan as JSON's own types."""
        return asdict(self)


def plan(rig: Rig, now: datetime) -> Plan:
    """Plan an audit of a rig as of `now` (aware)."""
    allowed = rig.authorisation
    active = allowed.intrusion > Intrusion.PASSIVE
    networks = tuple(_network(rig, network, now) for network in rig.networks) if active else ()
    sweep = sum(network.exchanges_sweep for network in networks)
    ceiling = sum(network.exchanges_max for network in networks)
    per_device = max((network.exchanges_per_device_max for network in networks), default=0)
    opens = _next_opening(allowed, now)
    return Plan(
        rig=rig.id,
        name=rig.name,
        owner=rig.owner,
        reference=allowed.reference,
        granted_by=allowed.granted_by,
        as_of=now.isoformat(),
        valid_from=allowed.valid_from.isoformat(),
        valid_until=allowed.valid_until.isoformat(),
        windows=tuple(window.text() for window in allowed.windows),
        open_now=_is_open(allowed, now),
        next_opening=opens.isoformat() if opens is not None else None,
        intrusion=allowed.intrusion.word,
        exchanges_per_second=allowed.exchanges_per_second,
        source=allowed.source,
        anchors=tuple(f"{anchor.address} {anchor.mac}" for anchor in allowed.anchors),
        resolvers=tuple(str(resolver) for resolver in allowed.resolvers),
        hosts=tuple(sorted(allowed.hosts)),
        networks=networks,
        logins=tuple(PlannedLogin(login.kind, login.user, login.port, login.assets) for login in rig.logins),
        files=tuple(_files(rig)),
        contacted=sum(network.contacted for network in networks),
        exchanges_sweep=sweep,
        exchanges_per_device_max=per_device,
        exchanges_max=ceiling,
        duration_s_sweep=math.ceil(sweep / allowed.exchanges_per_second),
        duration_s_max=_duration_max(rig, ceiling, per_device),
        refusals=tuple(_refusals(rig, now)),
        signature=f"{rig.signature.fingerprint} {rig.signature.signer}" if rig.signature else None,
        sha256=rig.sha256,
    )


def _network(rig: Rig, network: Network, now: datetime) -> PlannedNetwork:
    ranges = tuple(PlannedRange(str(r), r.num_addresses, count_targets(rig, network, r), is_swept(r)) for r in network.ranges)
    contacted = sum(planned.contacted for planned in ranges)
    ports = len(network.ports) + len(network.udp_ports)
    per_device = ports * (1 + SERVICE_EXCHANGES_MAX[rig.authorisation.intrusion])
    return PlannedNetwork(
        name=network.name,
        site=network.site,
        ranges=ranges,
        tcp_ports=network.ports,
        udp_ports=network.udp_ports,
        contacted=contacted,
        exchanges_sweep=contacted * ports,
        exchanges_per_device_max=per_device,
        exchanges_max=contacted * per_device,
        discovery=tuple(group for group in rig.authorisation.discovery if _discovery_refusal(rig, group, network, now) is None),
    )


def _is_open(allowed: Authorisation, at: datetime) -> bool:
    in_time = allowed.valid_from <= at < allowed.valid_until
    return in_time and (not allowed.windows or windows.closing(allowed.windows, at) is not None)


def _next_opening(allowed: Authorisation, now: datetime) -> datetime | None:
    """Give the next instant at which an audit may start; None when it may start now, or never."""
    if _is_open(allowed, now):
        return None
    if now < allowed.valid_from and _is_open(allowed, allowed.valid_from):
        return allowed.valid_from
    opens = windows.next_opening(allowed.windows, max(now, allowed.valid_from))
    return opens if opens is not None and opens < allowed.valid_until else None


def _duration_max(rig: Rig, exchanges: int, per_device: int) -> int:
    """Bound the seconds below by both caps: the whole audit's, and that of the slowest single device."""
    has_ot = any(asset.device_class is DeviceClass.OT for asset in rig.assets)
    slowest = DEVICE_PER_SECOND[DeviceClass.OT if has_ot else DeviceClass.IT]
    return math.ceil(max(exchanges / rig.authorisation.exchanges_per_second, per_device / slowest))


def _files(rig: Rig) -> Iterator[PlannedFile]:
    named = [("capture", capture.path) for capture in rig.captures]
    named += [("firmware", image.path) for image in rig.firmware]
    named += [("edge", edge.manifest) for edge in rig.edges]
    named += [("sbom", sbom.path) for sbom in rig.sboms] + [("hostkit", kit.path) for kit in rig.hostkits]
    named += [("update service", service.path) for service in rig.update_services]
    named += [("import", one.path) for one in rig.imports]
    named += [("manual", one.path) for one in rig.manuals] + [("declaration", one.path) for one in rig.declarations]
    named += [("custom", path) for custom in rig.customs for path in (*custom.firmware, *([custom.code] if custom.code else []))]
    named += [("hub", path) for hub in rig.hubs for path in (hub.resource, hub.devices) if path is not None]
    return (PlannedFile(kind, str(path), path.stat().st_size) for kind, path in named)


def _refusals(rig: Rig, now: datetime) -> Iterator[PlannedRefusal]:
    """Give everything that the file names and that would not be contacted now."""
    allowed = rig.authorisation
    for excluded in allowed.exclude:
        yield PlannedRefusal(str(excluded), Refusal.EXCLUDED, "authorisation.exclude holds it")
    for kept in allowed.never_touch:
        yield PlannedRefusal(str(kept), Refusal.NEVER_TOUCH, "authorisation.never_touch holds it")
    for mac in sorted(allowed.never_touch_macs):
        yield PlannedRefusal(mac, Refusal.NEVER_TOUCH, "authorisation.never_touch holds it")
    if allowed.intrusion is Intrusion.PASSIVE:
        yield PlannedRefusal("every network", Refusal.INTRUSION, "intrusion is passive: supplied files only")
        return
    for network in rig.networks:
        refusal = _network_refusal(rig, network, now)
        if refusal is not None:
            yield refusal
        for group in allowed.discovery:
            refused = _discovery_refusal(rig, group, network, now)
            if refused is not None:
                yield refused
    listed = AddressSet(swept for network in rig.networks for swept in network.ranges)
    for asset in rig.assets:
        for address in asset.addresses:
            # A listed address that is merely untimely was said above, once for its network.
            if asset.untouchable or address not in listed:
                refused = _refusal_of(
                    rig, f"asset {asset.id} ({address})", Contact(address, None, Transport.TCP, Intrusion.QUERY, "plan"), now
                )
                if refused is not None:
                    yield refused
    yield from _login_refusals(rig, now)
    if allowed.hosts and not allowed.resolvers:
        message = "authorisation.resolvers is empty, so names are not resolved"
        yield from (PlannedRefusal(host, Refusal.NO_RESOLVER, message) for host in sorted(allowed.hosts))


def _login_refusals(rig: Rig, now: datetime) -> Iterator[PlannedRefusal]:
    """Say on which assets a login would not be used: no address, class `ot`, or a port that no network lists."""
    by_id = {asset.id: asset for asset in rig.assets}
    for login in rig.logins:
        transport = Transport.UDP if login.kind == "snmp" else Transport.TCP
        for asset in (by_id[name] for name in login.assets):
            what = f"login {login.kind} on asset {asset.id}"
            if not asset.addresses:
                yield PlannedRefusal(what, Refusal.OUTSIDE_NETWORKS, "the rig file names no address of it")
            elif asset.device_class is DeviceClass.OT:
                yield PlannedRefusal(what, Refusal.NEVER_TOUCH, "nobody logs into a device of class ot (law 5)")
            else:
                contact = Contact(asset.addresses[0], login.port, transport, Intrusion.SESSION, "plan")
                refused = _refusal_of(rig, f"{what} ({asset.addresses[0]})", contact, now)
                if refused is not None and refused.reason not in _UNTIMELY:  # that was said once, for its network
                    yield refused


def _network_refusal(rig: Rig, network: Network, now: datetime) -> PlannedRefusal | None:
    first: Address | None = next((address for swept in network.ranges for address in range_targets(rig, network, swept)), None)
    if first is None:
        return PlannedRefusal(f"network {network.name!r}", Refusal.EXCLUDED, "nothing is left of it")
    return _refusal_of(rig, f"network {network.name!r}", Contact(first, None, Transport.TCP, rig.authorisation.intrusion, "plan"), now)


def _discovery_refusal(rig: Rig, group: str, network: Network, now: datetime) -> PlannedRefusal | None:
    try:
        judge_discovery(rig, group, network, now)
    except NotPermittedError as error:
        return PlannedRefusal(f"discovery {group} on {network.name!r}", error.reason, str(error))
    return None


def _refusal_of(rig: Rig, what: str, contact: Contact, now: datetime) -> PlannedRefusal | None:
    try:
        judge(rig, contact, now)
    except NotPermittedError as error:
        return PlannedRefusal(what, error.reason, str(error))
    return None

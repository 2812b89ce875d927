"""The judge: says whether the authorisation covers one contact, at one instant.

Not the door: it opens nothing, keeps no count and reads no clock, so the same rig, contact and instant always get the same answer. The
door asks again at every connect, resolution, redirect and request, and raises the reasons that need its own eyes (`wrong_anchor`,
`stopped`, `budget`) with the same error.

Rules, in the order in which they are tried; the first that refuses gives the reason:

1. `never_touch` (address, asset, MAC; `safety = true`) overrides everything; then `exclude`.
2. Nothing outside `networks`, ever: `hosts` and `resolvers` name what may be looked up and asked, they do not widen the scope.
3. An IPv6 address that carries an IPv4 address needs both to be permitted. A link-local one needs `source`, and its scope must agree.
4. Public addresses need `public = true`, at most 256 of them, and a signature; default logins need a signature and never go there.
5. Valid dates, open window, authorised intrusion. `passive` permits no contact at all.
6. A name must be one of `hosts`. A port must be listed by a network whose ranges hold the address. Beyond that, only: an anchor on
   udp/9, to learn its MAC; a listed host on the ports of clouds; a resolver on port 53, for `judge_resolution`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from plumbline.model.errors import NotPermittedError
from plumbline.model.words import Intrusion, Transport
from plumbline.rig import windows
from plumbline.rig.addresses import Address, carried, hides_ipv4, is_public, is_unicast, scope_of, unscoped
from plumbline.rig.discovery import GROUPS
from plumbline.rig.models import Network, Rig

ANCHOR_PORT = 9  # discard, RFC 863: a datagram there asks nothing of the device, but fills the neighbour table
RESOLVER_PORT = 53
CLOUD_PORTS = frozenset({443, 5671, 8883})  # HTTPS, AMQP and MQTT over TLS: what Azure IoT Hub documents for devices and services
PUBLIC_ADDRESSES_MAX = 256


class Refusal(StrEnum):
    """Why a contact may not happen."""

    OUTSIDE_NETWORKS = "outside_networks"
    EXCLUDED = "excluded"
    NEVER_TOUCH = "never_touch"
    PUBLIC_RANGE = "public_range"
    INTRUSION = "intrusion"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    OUTSIDE_WINDOW = "outside_window"
    PORT_NOT_LISTED = "port_not_listed"
    NAME_NOT_LISTED = "name_not_listed"
    NO_RESOLVER = "no_resolver"
    DISCOVERY = "discovery"
    WRONG_ANCHOR = "wrong_anchor"
    NOT_SIGNED = "not_signed"
    STOPPED = "stopped"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Contact:
    """One thing that a collector wants to do; `port` None means the address as such.

    `name` is the host name that the address was resolved from; `mac` is the neighbour's, lower case with colons, where it is known.
    """

    address: Address
    port: int | None
    transport: Transport
    intrusion: Intrusion
    why: str
    name: str | None = None
    mac: str | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave for one kind of contact; `not_after` is the latest instant, in UTC, at which it can still hold.

    `id` is `<reference>/<network name>/<transport>`; where no network is concerned, the rule stands in its name's place.
    """

    id: str
    rule: str
    site: str
    network: str
    address: str
    port: int | None
    transport: Transport
    intrusion: Intrusion
    not_after: datetime


def judge(rig: Rig, contact: Contact, now: datetime) -> Permit:
    """Permit one contact at `now` (aware), or raise NotPermittedError with its Refusal as `reason`."""
    permit = _judge_address(rig, contact, now)
    inner = carried(contact.address)
    if inner is not None:
        _judge_address(rig, replace(contact, address=inner), now)
    return permit


def judge_resolution(rig: Rig, name: str, resolver: Address, now: datetime) -> Permit:
    """Permit asking one resolver for one name; raises NotPermittedError."""
    what = f"{name!r} at {resolver}"
    if not rig.authorisation.resolvers:
        raise _refusal(Refusal.NO_RESOLVER, what, "authorisation.resolvers is empty: names are not resolved", "list the DNS servers")
    if unscoped(resolver) not in rig.authorisation.resolvers:
        raise _refusal(Refusal.NO_RESOLVER, what, "this server is not in authorisation.resolvers", "ask only the servers listed there")
    _judge_name(rig, name, what)
    contact = Contact(resolver, RESOLVER_PORT, Transport.UDP, Intrusion.QUERY, "resolve")
    not_after = _judge_scope(rig, contact, now, what)
    inner = carried(resolver)
    if inner is not None:
        _judge_scope(rig, replace(contact, address=inner), now, what)
    return _permit(rig, contact, "resolvers", None, not_after)


def judge_discovery(rig: Rig, group: str, network: Network | str, now: datetime) -> Permit:
    """Permit asking one multicast group on one network's segment; raises NotPermittedError.

    A datagram to a group reaches everyone on the segment, so it is refused where an excluded or untouchable device stands in the
    network's ranges, or might stand: one that is known only by MAC or name could be anywhere.
    """
    name = network if isinstance(network, str) else network.name
    what = f"{group} on {name!r}"
    found = next((known for known in rig.networks if known.name == name), None)
    if found is None:
        raise _refusal(Refusal.OUTSIDE_NETWORKS, what, "the rig file has no such network", "name one of its [[network]] tables")
    if group not in rig.authorisation.discovery or group not in GROUPS:
        raise _refusal(Refusal.DISCOVERY, what, "authorisation.discovery does not list this group", "add it there if its owner agrees")
    held = discovery_obstacle(rig, found)
    if held is not None:
        raise _refusal(Refusal.DISCOVERY, what, held, "leave discovery off here, or give the device its own network")
    not_after = _judge_time(rig, now, what)
    _judge_intrusion(rig, Intrusion.QUERY, what)
    address: Address = GROUPS[group].address if found.ranges[0].version == 4 else GROUPS[group].address6
    contact = Contact(address, GROUPS[group].port, Transport.UDP, Intrusion.QUERY, "discover")
    return _permit(rig, contact, "discovery", found, not_after)


def discovery_obstacle(rig: Rig, network: Network) -> str | None:
    """Say what forbids multicast on a network's segment, or None when nothing does."""
    for held in network.ranges:
        if rig.authorisation.excluded.overlaps(held):
            return f"{held} holds an excluded address"
        if rig.untouchable.overlaps(held):
            return f"{held} holds an address under never_touch"
    placed = {asset.mac for asset in rig.assets if asset.addresses}
    lost = sorted(rig.untouchable_macs - placed)
    if lost:
        return f"{lost[0]} is under never_touch and no asset says at which address it stands"
    nowhere = [asset.id for asset in rig.assets if asset.untouchable and not asset.addresses]
    return f"asset {nowhere[0]} is under never_touch and has no address, so it may stand here" if nowhere else None


def _judge_address(rig: Rig, contact: Contact, now: datetime) -> Permit:
    what = _what(contact)
    not_after = _judge_scope(rig, contact, now, what)
    if contact.name is not None:
        _judge_name(rig, contact.name, what)
    allowed = rig.authorisation
    address, port = unscoped(contact.address), contact.port
    if contact.transport is Transport.UDP and port == ANCHOR_PORT and any(anchor.address == address for anchor in allowed.anchors):
        return _permit(rig, contact, "anchors", None, not_after)
    holding = [network for network in rig.networks_of(address) if address not in network.ends]
    for network in holding:
        if port is None or network.lists(contact.transport, port):
            return _permit(rig, contact, "networks", network, not_after)
    if contact.name is not None and contact.transport is Transport.TCP and port in CLOUD_PORTS:
        return _permit(rig, contact, "hosts", None, not_after)
    if holding:
        listing = ", ".join(repr(network.name) for network in holding)
        raise _refusal(Refusal.PORT_NOT_LISTED, what, f"network {listing} does not list this port", "add it to the network's ports")
    raise _refusal(Refusal.OUTSIDE_NETWORKS, what, "no [[network]] has this address as a device's", "add its range to a [[network]]")


def _judge_scope(rig: Rig, contact: Contact, now: datetime, what: str) -> datetime:
    """Try every rule but names and ports; gives the latest instant at which the contact may still happen."""
    allowed, address = rig.authorisation, contact.address
    if address in rig.untouchable or (contact.mac is not None and contact.mac in rig.untouchable_macs):
        raise _refusal(Refusal.NEVER_TOUCH, what, "never_touch or safety forbids this device", "leave it alone")
    if address in allowed.excluded:
        raise _refusal(Refusal.EXCLUDED, what, "authorisation.exclude holds this address", "leave it alone")
    if address not in allowed.authorised or not is_unicast(address) or hides_ipv4(address):
        raise _refusal(Refusal.OUTSIDE_NETWORKS, what, "authorisation.networks does not hold this address", "only its owner can widen it")
    _judge_link(rig, address, what)
    if is_public(address):
        _judge_public(rig, contact, what)
    if contact.intrusion >= Intrusion.CREDENTIAL and rig.signature is None:
        raise _refusal(Refusal.NOT_SIGNED, what, "default logins need a signature and the rig file has none", "have its owner sign it")
    not_after = _judge_time(rig, now, what)
    _judge_intrusion(rig, contact.intrusion, what)
    return not_after


def _judge_link(rig: Rig, address: Address, what: str) -> None:
    """Refuse an address whose interface is unknown or another than the authorised one (RFC 4007, section 6)."""
    scope, source = scope_of(address), rig.authorisation.source
    if scope is not None and scope != source:
        seen = f"authorisation.source is {source or 'not set'}, not {scope}"
        raise _refusal(Refusal.OUTSIDE_NETWORKS, what, seen, "set source to the interface meant")
    if address.version == 6 and address.is_link_local and source is None:
        raise _refusal(Refusal.OUTSIDE_NETWORKS, what, "a link-local address exists on every interface", "set authorisation.source")


def _judge_public(rig: Rig, contact: Contact, what: str) -> None:
    allowed = rig.authorisation
    if not allowed.public:
        raise _refusal(Refusal.PUBLIC_RANGE, what, "the address is public", "set authorisation.public = true if its owner agrees, and sign")
    if sum(network.num_addresses for network in allowed.public_networks) > PUBLIC_ADDRESSES_MAX:
        raise _refusal(Refusal.PUBLIC_RANGE, what, f"more than {PUBLIC_ADDRESSES_MAX} public addresses are listed", "list fewer")
    if rig.signature is None:
        raise _refusal(Refusal.NOT_SIGNED, what, "public addresses need a signature and the rig file has none", "have its owner sign it")
    if contact.intrusion >= Intrusion.CREDENTIAL:
        raise _refusal(Refusal.PUBLIC_RANGE, what, "default logins are never tried on public addresses", "examine it on its own network")


def _judge_time(rig: Rig, now: datetime, what: str) -> datetime:
    if now.tzinfo is None:
        raise ValueError("now must be aware")
    allowed = rig.authorisation
    if now < allowed.valid_from:
        raise _refusal(Refusal.NOT_YET_VALID, what, f"the authorisation starts at {allowed.valid_from.isoformat()}", "wait until then")
    if now >= allowed.valid_until:
        raise _refusal(Refusal.EXPIRED, what, f"the authorisation ended at {allowed.valid_until.isoformat()}", "ask its owner to renew it")
    if not allowed.windows:
        return allowed.valid_until
    closes = windows.closing(allowed.windows, now)
    if closes is None:
        opens = windows.next_opening(allowed.windows, now)
        remedy = f"the next opens at {opens.isoformat()}" if opens else "no window opens within nine days"
        raise _refusal(Refusal.OUTSIDE_WINDOW, what, "no window is open", remedy)
    return min(closes, allowed.valid_until)


def _judge_intrusion(rig: Rig, wanted: Intrusion, what: str) -> None:
    level = rig.authorisation.intrusion
    if level is Intrusion.PASSIVE or wanted > level:
        seen = f"wants {wanted.word}, and {level.word} is authorised"
        raise _refusal(Refusal.INTRUSION, what, seen, "its owner can raise authorisation.intrusion")


def _judge_name(rig: Rig, name: str, what: str) -> None:
    if name.rstrip(".").lower() not in rig.authorisation.hosts:
        raise _refusal(Refusal.NAME_NOT_LISTED, what, f"authorisation.hosts does not list {name!r}", "add it if its owner agrees")


def _permit(rig: Rig, contact: Contact, rule: str, network: Network | None, not_after: datetime) -> Permit:
    name, site = (network.name, network.site) if network else ("", "")
    return Permit(
        id=f"{rig.authorisation.reference}/{name or rule}/{contact.transport}",
        rule=f"authorisation.{rule}" if network is None or rule == "discovery" else f"network {name!r}",
        site=site,
        network=name,
        address=str(contact.address),
        port=contact.port,
        transport=contact.transport,
        intrusion=contact.intrusion,
        not_after=not_after,
    )


def _what(contact: Contact) -> str:
    place = str(contact.address) if contact.name is None else f"{contact.name} ({contact.address})"
    return place if contact.port is None else f"{place} {contact.transport}/{contact.port}"


def _refusal(reason: Refusal, what: str, rule: str, remedy: str) -> NotPermittedError:
    return NotPermittedError(f"{what}: {rule} ({remedy})", reason=reason)

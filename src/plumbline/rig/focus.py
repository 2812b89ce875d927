"""A rig file narrowed to some of its devices, for looking again at what was found there. It only ever takes away.

Rules: sites, ports, caps and hours stay; ranges become the single addresses that are asked again, endpoints and logins those of the named
devices; nobody is asked by multicast. What is not left is neither contacted nor covered, so it stays unjudged.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from plumbline.rig.addresses import Address
from plumbline.rig.models import Asset, Network, Rig


@dataclass(frozen=True, slots=True)
class Place:
    """An address at a site (text, canonical), or an endpoint by its name, at no site."""

    site: str
    key: str


def focused(rig: Rig, places: Collection[Place], assets: Collection[str]) -> Rig:
    """Narrow a rig to some places, and to the addresses where it declares some assets, by their ids."""
    declared = [asset for asset in rig.assets if asset.id in assets]
    narrowed = (_narrowed(network, places, declared) for network in rig.networks)
    names = {place.key for place in places if not place.site}
    authorisation = replace(rig.authorisation, discovery=(), hosts=rig.authorisation.hosts & names)
    logins = tuple(replace(login, assets=left) for login in rig.logins if (left := tuple(name for name in login.assets if name in assets)))
    networks = tuple(network for network in narrowed if network is not None)
    return replace(rig, authorisation=authorisation, networks=networks, logins=logins)


def _narrowed(network: Network, places: Collection[Place], declared: Collection[Asset]) -> Network | None:
    wanted: set[Address] = {address for place in places if place.site == network.site and (address := _address(place.key)) is not None}
    wanted |= {address for asset in declared if asset.site in (None, network.site) for address in asset.addresses}
    left = (address for address in wanted if address in network.addresses and address not in network.ends)
    inside = sorted(left, key=lambda address: (address.version, int(address)))
    return replace(network, ranges=tuple(ip_network(address) for address in inside)) if inside else None


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None

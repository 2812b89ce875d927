"""Where in the rig a result of another tool belongs: the host at its address, on the right site, or an asset that the customer declares.

Not how a host and an asset become one (`correlate`). Rules: an address that lies in no network of the rig and at no declared asset is not
taken, nor one that lies on several sites while the rig file names none; what is not taken is said.
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.collect.declared import site_of
from plumbline.collect.imports.results import Reported, Seen
from plumbline.model.entities import Entity
from plumbline.model.words import EntityKind, Transport
from plumbline.rig.addresses import Address
from plumbline.rig.models import Asset, Import, Rig


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A result that belongs nowhere, and why; `about` is what it is about, or ''."""

    why: str
    about: str


class Places:
    """The places of one rig, for the results of one file."""

    def __init__(self, rig: Rig, named: Import) -> None:
        self._rig = rig
        self._named = named
        self._at: dict[Address, Entity | NotTaken] = {}
        self._by_mac = {asset.mac: asset for asset in reversed(rig.assets) if asset.mac is not None}
        self._about = next((asset for asset in rig.assets if asset.id == named.asset), None)
        self._declared_at: dict[Address, set[str]] = {}
        for asset in rig.assets:
            for address in asset.addresses:
                self._declared_at.setdefault(address, set()).add(site_of(rig, asset))

    def of(self, result: Seen | Reported) -> Entity | NotTaken:
        """Give the entity that a result is about."""
        if result.address is not None:
            return self._host(result.address)
        if result.mac is not None:
            found = self._by_mac.get(result.mac, self._about)
            if found is None:
                return NotTaken("no asset of the rig has the MAC address", result.mac)
            if found.mac not in (None, result.mac):
                return NotTaken(f"of another MAC address than {found.id}", result.mac)
            return self._declared(found)
        if self._about is None:
            return NotTaken("it names no address: name asset in [[import]]", "")
        return self._declared(self._about)

    def listed(self, address: Address, transport: Transport, port: int) -> bool:
        """Say whether the rig file lists a port at an address, so that a sweep of ours asks it."""
        return any(network.lists(transport, port) for network in self._rig.networks_of(address) if self._named.site in (None, network.site))

    def _host(self, address: Address) -> Entity | NotTaken:
        if address not in self._at:
            self._at[address] = self._find(address)
        return self._at[address]

    def _find(self, address: Address) -> Entity | NotTaken:
        sites = {network.site for network in self._rig.networks_of(address)} or set(self._declared_at.get(address, ()))
        if self._named.site is not None:
            sites &= {self._named.site}
        if len(sites) > 1:
            return NotTaken("addresses of several sites: name site in [[import]]", str(address))
        if not sites:
            return NotTaken("addresses in no network of the rig", str(address))
        return Entity.of(EntityKind.HOST, sites.pop(), str(address))

    def _declared(self, asset: Asset) -> Entity:
        return Entity.of(EntityKind.DECLARED, site_of(self._rig, asset), asset.id)

"""Which addresses belong to the rig: those of its networks and assets, and every private address.

Not the judge of contacts (`rig.permits`): nothing is ever sent to what is found here. Documentation ranges are no private ones, so
that an example's outside stays outside.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from plumbline.rig.addresses import NOT_UNICAST, Address, AddressSet
from plumbline.rig.models import Rig

_PRIVATE = (
    "10.0.0.0/8",  # RFC 1918
    "172.16.0.0/12",  # RFC 1918
    "192.168.0.0/16",  # RFC 1918
    "100.64.0.0/10",  # RFC 6598
    "127.0.0.0/8",  # RFC 1122
    "169.254.0.0/16",  # RFC 3927
    "::1/128",  # RFC 4291
    "fc00::/7",  # RFC 4193
    "fe80::/10",  # RFC 4291
)
_MAX_KNOWN = 200_000  # answers remembered; a scan's addresses must not fill the memory


class Locality:
    """Answers for packed addresses, from memory where it can: it is asked for every connection."""

    def __init__(self, own: AddressSet) -> None:
        self._own = own | AddressSet(map(ip_network, _PRIVATE))
        self._known: dict[bytes, tuple[bool, bool]] = {}

    @classmethod
    def of(cls, rig: Rig) -> Locality:
        """Take the rig's authorised networks, its ranges and its declared addresses."""
        ranges = AddressSet([*rig.authorisation.networks, *(one for network in rig.networks for one in network.ranges)])
        return cls(ranges | AddressSet.of(address for asset in rig.assets for address in asset.addresses))

    def is_local(self, address: bytes) -> bool:
        """Say whether it is one device's, of the rig or private."""
        return self._of(address)[0]

    def is_outside(self, address: bytes) -> bool:
        """Say whether it is one device's and not local; multicast, broadcast and unspecified addresses are neither."""
        return self._of(address)[1]

    def _of(self, address: bytes) -> tuple[bool, bool]:
        known = self._known.get(address)
        if known is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            known = self._known[address] = self._judge(ip_address(address))
        return known

    def _judge(self, address: Address) -> tuple[bool, bool]:
        unicast = address not in NOT_UNICAST
        local = unicast and address in self._own
        return local, unicast and not local

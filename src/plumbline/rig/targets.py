"""Which addresses a network's sweep goes to, in order.

Not permission: the door asks the judge for each of them again. Rules: ascending within each range, ranges in the file's order; what is
excluded, untouchable, or names a subnet or its broadcast is left out; a range of more than 65,536 addresses (an IPv6 subnet) is not
swept, and only the assets declared in it are gone to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from plumbline.rig.addresses import Address, AddressSet, IPNetwork
from plumbline.rig.models import Network, Rig

SWEPT_ADDRESSES_MAX = 65_536


def is_swept(swept: IPNetwork) -> bool:
    """Say whether every address of a range is gone to, or only those of declared assets."""
    return swept.num_addresses <= SWEPT_ADDRESSES_MAX


def targets(rig: Rig, network: Network) -> Iterator[Address]:
    """Give the addresses that a sweep of one network goes to."""
    for swept in network.ranges:
        yield from range_targets(rig, network, swept)


def range_targets(rig: Rig, network: Network, swept: IPNetwork) -> Iterator[Address]:
    """Give the addresses that a sweep of one range of a network goes to."""
    barred = _barred(rig, network)
    if is_swept(swept):
        every: Iterable[Address] = (swept.network_address + offset for offset in range(swept.num_addresses))
    else:
        declared = {a for asset in rig.assets if asset.site in (None, network.site) for a in asset.addresses}
        every = (a for a in sorted((a for a in declared if a.version == swept.version), key=int) if a in swept)
    return (address for address in every if address not in barred)


def count_targets(rig: Rig, network: Network, swept: IPNetwork) -> int:
    """Count what `range_targets` gives."""
    if is_swept(swept):
        return swept.num_addresses - _barred(rig, network).count_in(swept)
    return sum(1 for _ in range_targets(rig, network, swept))


def _barred(rig: Rig, network: Network) -> AddressSet:
    return rig.authorisation.excluded | rig.untouchable | network.ends

"""Addresses and sets of them, as the judge sees them.

Not a resolver and not a scanner: it does arithmetic on addresses that somebody already has.

Rules:
- An `AddressSet` holds closed, disjoint, sorted integer intervals per IP version, so membership costs one bisection:
  a sweep asks millions of times.
- What is public is decided by the table below, not by `ipaddress.is_private`, whose answer changed between Python releases.
- An IPv6 address that carries an IPv4 address is judged as both (`carried`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

# Not routed on the public internet. Everything else that is a unicast address is public.
_PRIVATE_V4 = (
    "10.0.0.0/8",  # RFC 1918
    "172.16.0.0/12",  # RFC 1918
    "192.168.0.0/16",  # RFC 1918
    "100.64.0.0/10",  # RFC 6598, carriers' shared space
    "127.0.0.0/8",  # RFC 1122, loopback
    "169.254.0.0/16",  # RFC 3927, link-local
    "192.0.2.0/24",  # RFC 5737, documentation
    "198.18.0.0/15",  # RFC 2544, benchmarks
    "198.51.100.0/24",  # RFC 5737
    "203.0.113.0/24",  # RFC 5737
)
_PRIVATE_V6 = (
    "::1/128",  # RFC 4291, loopback
    "fc00::/7",  # RFC 4193, unique local
    "fe80::/10",  # RFC 4291, link-local
    "2001:db8::/32",  # RFC 3849, documentation
)
# No single device answers here: "this network", multicast, reserved and broadcast, unspecified.
_NOT_UNICAST = ("0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "::/128", "ff00::/8")


class AddressSet:
    """An immutable set of IPv4 and IPv6 addresses; scope ids (`%eth1`) are ignored."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, networks: Iterable[IPNetwork] = ()) -> None:
        spans: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        for network in networks:
            spans[network.version].append((int(network.network_address), int(network.broadcast_address)))
        self._starts: dict[int, list[int]] = {4: [], 6: []}
        self._ends: dict[int, list[int]] = {4: [], 6: []}
        for version, found in spans.items():
            self._fill(version, found)

    @classmethod
    def of(cls, addresses: Iterable[Address]) -> AddressSet:
        """Build one from single addresses."""
        return cls(host_network(address) for address in addresses)

    def __contains__(self, address: Address) -> bool:
        value = int(address)
        at = bisect_right(self._starts[address.version], value) - 1
        return at >= 0 and value <= self._ends[address.version][at]

    def __bool__(self) -> bool:
        return bool(self._starts[4] or self._starts[6])

    def __or__(self, other: AddressSet) -> AddressSet:
        union = AddressSet()
        for version in (4, 6):
            union._fill(version, [*self._spans(version), *other._spans(version)])
        return union

    def _fill(self, version: int, spans: list[tuple[int, int]]) -> None:
        starts, ends = self._starts[version], self._ends[version]
        for start, end in sorted(spans):
            if ends and start <= ends[-1] + 1:
                ends[-1] = max(ends[-1], end)
            else:
                starts.append(start)
                ends.append(end)

    def count(self) -> int:
        """Count the addresses; not `len`, which cannot say how many fc00::/7 holds."""
        return sum(end - start + 1 for version in (4, 6) for start, end in self._spans(version))

    def _spans(self, version: int) -> list[tuple[int, int]]:
        return list(zip(self._starts[version], self._ends[version], strict=True))

    def covers(self, network: IPNetwork) -> bool:
        """Say whether every address of `network` is in the set."""
        return self.count_in(network) == network.num_addresses

    def overlaps(self, network: IPNetwork) -> bool:
        """Say whether any address of `network` is in the set."""
        return self.count_in(network) > 0

    def count_in(self, network: IPNetwork) -> int:
        """Count the addresses of `network` that are in the set."""
        low, high = int(network.network_address), int(network.broadcast_address)
        return sum(max(0, min(end, high) - max(start, low) + 1) for start, end in self._spans(network.version))


PRIVATE = AddressSet(ip_network(text) for text in (*_PRIVATE_V4, *_PRIVATE_V6))
NOT_UNICAST = AddressSet(ip_network(text) for text in _NOT_UNICAST)

_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052, section 2.1
_NAT64_LOCAL = ip_network("64:ff9b:1::/48")  # RFC 8215: where the IPv4 address stands depends on a prefix length that we cannot see
_COMPATIBLE = ip_network("::/96")  # RFC 4291, section 2.5.5.1 (deprecated)
_ISATAP = (0x00005EFE, 0x02005EFE)  # RFC 5214, section 6.1: the upper half of the interface identifier


def host_network(address: Address) -> IPNetwork:
    """Give the network that holds this one address; a scope id is dropped."""
    if isinstance(address, IPv4Address):
        return IPv4Network(int(address))
    return IPv6Network(int(address))


def is_public(address: Address) -> bool:
    """Say whether an address belongs to the public internet, so that a stranger may own it."""
    return address not in PRIVATE


def is_public_range(network: IPNetwork) -> bool:
    """Say whether any address of a network is public."""
    return not PRIVATE.covers(network)


def is_unicast(address: Address) -> bool:
    """Say whether an address can belong to one device: not multicast, broadcast, reserved or unspecified."""
    return address not in NOT_UNICAST


def carried(address: Address) -> IPv4Address | None:
    """Give the IPv4 address that an IPv6 address carries, or None.

    Mapped and compatible (RFC 4291, 2.5.5), 6to4 (RFC 3056), NAT64 (RFC 6052), Teredo clients (RFC 4380) and ISATAP (RFC 5214).
    """
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    value = int(address)
    low = IPv4Address(value & 0xFFFFFFFF)
    if value > 1 and address in _COMPATIBLE:
        return low
    if address in _NAT64:
        return low
    if (value >> 32) & 0xFFFFFFFF in _ISATAP:
        return low
    return None


def hides_ipv4(address: Address) -> bool:
    """Say whether an address carries an IPv4 address in a place that cannot be told (RFC 8215)."""
    return address in _NAT64_LOCAL


def scope_of(address: Address) -> str | None:
    """Give the scope id of `fe80::1%eth1`, or None."""
    return address.scope_id if isinstance(address, IPv6Address) else None


def unscoped(address: Address) -> Address:
    """Give the address without its scope id."""
    return IPv6Address(int(address)) if isinstance(address, IPv6Address) else address

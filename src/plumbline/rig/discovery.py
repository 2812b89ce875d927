"""The multicast groups by which devices announce themselves, by the names that a rig file uses.

Not a sender: the door joins and asks. Rules: TTL 1 always; a group is used only where the judge permits it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Group:
    """One group: its IPv4 and link-local IPv6 address and its UDP port."""

    name: str
    address: IPv4Address
    address6: IPv6Address
    port: int


GROUPS: Mapping[str, Group] = MappingProxyType(
    {
        group.name: group
        for group in (
            Group("mdns", IPv4Address("224.0.0.251"), IPv6Address("ff02::fb"), 5353),  # RFC 6762, section 3
            Group("ssdp", IPv4Address("239.255.255.250"), IPv6Address("ff02::c"), 1900),  # UPnP Device Architecture 2.0, section 1
            Group("ws-discovery", IPv4Address("239.255.255.250"), IPv6Address("ff02::c"), 3702),  # WS-Discovery 1.1, section 2.4
            Group("coap", IPv4Address("224.0.1.187"), IPv6Address("ff02::fd"), 5683),  # RFC 7252, section 12.8
        )
    }
)

"""What the kernel knows of the way to an address: the route and the neighbour's MAC. It asks the kernel only; no packet leaves.

Message layout (rtnetlink(7); native byte order):

| offset | size | field |
|---|---|---|
| 0 | 16 | nlmsghdr: length u32, type u16, flags u16, sequence u32, port u32 |
| 16 | 12 | ndmsg: family u8, pad 3, ifindex i32, state u16, flags u8, type u8 |
| 16 | 12 | or rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type u8 each, flags u32 |
| 28 | | attributes: length u16 (with this header), type u16, value, padded to 4 |
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from plumbline.model.errors import EnvironmentFault

Address = IPv4Address | IPv6Address

_NETLINK_ROUTE = 0
_RTM_NEWROUTE, _RTM_GETROUTE, _RTM_NEWNEIGH, _RTM_GETNEIGH = 24, 26, 28, 30
_NLM_F_REQUEST, _NLM_F_DUMP = 0x1, 0x300
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NDA_DST, _NDA_LLADDR = 1, 2
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PREFSRC, _RTA_VIA = 1, 4, 5, 7, 18

_RTN_LOCAL = 2  # route type

REACHABLE, PERMANENT = 0x02, 0x80
_KNOWN = REACHABLE | 0x04 | 0x08 | 0x10 | PERMANENT  # stale, delay, probe: an address was learnt
FAILED = 0x20


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One entry of the neighbour table; `mac` is lower case with colons, None while it is being asked for."""

    address: Address
    interface: int
    mac: str | None
    state: int

    @property
    def confirmed(self) -> bool:
        """The neighbour answered a moment ago, or the machine's owner entered it by hand."""
        return bool(self.state & (REACHABLE | PERMANENT)) and self.mac is not None


@dataclass(frozen=True, slots=True)
class Route:
    """The way to an address: the interface, the next router (None: on the same link) and the address we would leave by."""

    interface: int
    gateway: Address | None
    source: Address | None
    local: bool  # the address is this machine's own


def neighbours() -> list[Neighbour]:
    """Read the neighbour tables of IPv4 and IPv6; raises EnvironmentFault."""
    found = []
    for family in (socket.AF_INET, socket.AF_INET6):
        for kind, body in _talk(_RTM_GETNEIGH, _NLM_F_DUMP, struct.pack("=BxxxiHBB", family, 0, 0, 0, 0)):
            if kind != _RTM_NEWNEIGH or len(body) < 12 or body[0] != family:
                continue
            _, interface, state, _, _ = struct.unpack_from("=BxxxiHBB", body)
            values = _attributes(body[12:])
            address = _address(values.get(_NDA_DST, b""))
            mac = values.get(_NDA_LLADDR, b"")
            if address is not None:
                told = mac.hex(":") if len(mac) == 6 and state & _KNOWN else None
                found.append(Neighbour(address, interface, told, state))
    return found


def route(address: Address, interface: int = 0) -> Route | None:
    """Ask which way an address is reached, by `interface` where it is not 0; None when there is no way."""
    v4 = isinstance(address, IPv4Address)
    packed = address.packed
    body = struct.pack("=BBBBBBBBI", socket.AF_INET if v4 else socket.AF_INET6, len(packed) * 8, 0, 0, 0, 0, 0, 0, 0)
    body += struct.pack("=HH", 4 + len(packed), _RTA_DST) + packed
    if interface:
        body += struct.pack("=HHi", 8, _RTA_OIF, interface)
    for kind, answer in _talk(_RTM_GETROUTE, 0, body):
        if kind != _RTM_NEWROUTE or len(answer) < 12:
            continue
        values = _attributes(answer[12:])
        oif = values.get(_RTA_OIF, b"")
        if len(oif) == 4:
            gateway = _address(values.get(_RTA_GATEWAY, b"")) or _address(values.get(_RTA_VIA, b"")[2:])
            return Route(struct.unpack("=i", oif)[0], gateway, _address(values.get(_RTA_PREFSRC, b"")), answer[7] == _RTN_LOCAL)
    return None


def _talk(kind: int, flags: int, body: bytes) -> Iterator[tuple[int, bytes]]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as line:
        line.settimeout(2.0)
        try:
            line.bind((0, 0))
            line.send(struct.pack("=IHHII", 16 + len(body), kind, flags | _NLM_F_REQUEST, 1, 0) + body)
            while True:
                data = line.recv(1 << 17)
                while len(data) >= 16:
                    size, answer, _, _, _ = struct.unpack_from("=IHHII", data)
                    if size < 16 or size > len(data) or answer in (_NLMSG_ERROR, _NLMSG_DONE):
                        return
                    yield answer, data[16:size]
                    data = data[-(-size // 4) * 4 :]
                if not flags & _NLM_F_DUMP:
                    return
        except OSError as cause:
            raise EnvironmentFault(f"the kernel's neighbour and route tables cannot be read: {cause.strerror or cause}") from cause


def _attributes(data: bytes) -> dict[int, bytes]:
    values: dict[int, bytes] = {}
    while len(data) >= 4:
        size, kind = struct.unpack_from("=HH", data)
        if size < 4 or size > len(data):
            break
        values[kind & 0x3FFF] = data[4:size]
        data = data[-(-size // 4) * 4 :]
    return values


def _address(data: bytes) -> Address | None:
    if len(data) == 4:
        return IPv4Address(data)
    return IPv6Address(data) if len(data) == 16 else None

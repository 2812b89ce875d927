"""Sockets: made, bound to the authorised interface, connected, and their errors told in the project's words. Not judged here.

Addresses only: a name never reaches the system's resolver, because nothing here calls it; `connect` gets a literal address.
An IPv4 address inside an IPv6 one (`::ffff:10.0.0.1`) is dialled as the IPv4 address that it is.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from ipaddress import IPv4Address, IPv6Address

from plumbline.model.errors import DeviceError, EnvironmentFault, RefusedError, SilentError, UnreachableError

Address = IPv4Address | IPv6Address

_AWAY = {
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.ENETDOWN,
    errno.ENONET,
    errno.ENOPROTOOPT,  # ICMP protocol unreachable (RFC 792): a node that has no TCP, as many sensors have none
    errno.EOPNOTSUPP,  # ICMP source route failed
    errno.EPROTO,  # ICMPv6 parameter problem (RFC 4443 3.4)
    errno.EINVAL,  # no way from here to there: a link-local address without its interface
    errno.EACCES,  # a broadcast address by our own netmask, or a local policy against this one address
    errno.EPERM,  # a local firewall rule against it: no reason to end the run for all the others
}
_REFUSED = {errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE}
_OURS = {
    errno.EMFILE: "too many open files; raise the limit (`ulimit -n`)",
    errno.ENFILE: "the machine has too many open files",
    errno.ENOBUFS: "the kernel has no buffers left",
    errno.ENOMEM: "no memory",
    errno.EADDRNOTAVAIL: "no local port or address left to leave from",
    errno.EAFNOSUPPORT: "this machine has no IPv6",
    errno.ENODEV: "the interface is gone",
}


def open_socket(address: Address, kind: socket.SocketKind, source: str | None) -> socket.socket:
    """Make a non-blocking socket for an address, leaving by the interface `source` only; raises EnvironmentFault."""
    v6 = isinstance(target(address), IPv6Address)
    try:
        made = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, kind)
    except OSError as cause:
        raise fault(cause, str(address)) from cause
    try:
        made.setblocking(False)
        if v6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if source is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, source.encode() + b"\0")
    except OSError as cause:
        made.close()
        raise EnvironmentFault(f"cannot leave by interface {source!r}: {cause.strerror} (check authorisation.source)") from cause
    return made


def target(address: Address) -> Address:
    """The address that is dialled: the IPv4 one where an IPv6 address maps it."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def plain_text(address: str) -> str:
    """One text for an address however it is written: `fe80::1%eth0` is fe80::1 (we leave by one interface only), a mapped one its IPv4."""
    if ":" not in address:
        return address
    return str(target(IPv6Address(address.partition("%")[0])))


def sockaddr(address: Address, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    """The kernel's form of an endpoint; a scope id becomes its interface's index. Raises EnvironmentFault for an unknown interface."""
    to = target(address)
    if isinstance(to, IPv4Address):
        return str(to), port
    scope = to.scope_id
    try:
        index = 0 if scope is None else int(scope) if scope.isdigit() else socket.if_nametoindex(scope)
    except OSError as cause:
        raise EnvironmentFault(f"{address}: this machine has no interface {scope!r}") from cause
    return str(IPv6Address(int(to))), port, 0, index


async def dial(made: socket.socket, address: Address, port: int, timeout_s: float) -> None:
    """Connect a non-blocking socket; raises RefusedError, SilentError, UnreachableError or EnvironmentFault."""
    code = made.connect_ex(sockaddr(address, port))
    if code == errno.EINPROGRESS:
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def writable() -> None:
            if not done.done():
                done.set_result(None)

        loop.add_writer(made.fileno(), writable)
        try:
            await asyncio.wait_for(done, timeout_s)
        except TimeoutError as late:
            raise SilentError(f"{address} port {port}: no answer within {timeout_s:g} s") from late
        finally:
            loop.remove_writer(made.fileno())
        code = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        cause = OSError(code, os.strerror(code))
        raise fault(cause, f"{address} port {port}") from cause


def fault(cause: OSError, where: str) -> DeviceError | EnvironmentFault:
    """Translate what the kernel says into whose fault it is."""
    said = cause.strerror or str(cause)
    if cause.errno in _REFUSED:
        return RefusedError(f"{where}: {said}")
    if cause.errno in _AWAY:
        return UnreachableError(f"{where}: {said}")
    if isinstance(cause, TimeoutError):
        return SilentError(f"{where}: {said}")
    return EnvironmentFault(f"{where}: {_OURS.get(cause.errno or 0, said)}")


def drop(made: socket.socket) -> None:
    """Close with a reset (SO_LINGER on, 0 s): only where nothing was exchanged, so that the device keeps no half-closed connection."""
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    made.close()

"""Where a device points us next, judged like any other contact. The door follows nothing: the probe decides, and connects anew.

A location is a URL (HTTP RFC 9110 10.2.2, RTSP RFC 7826 18.46) or a path on the same device. A name in it counts only when
`Door.resolve` has already given its addresses; an unresolved one is refused rather than looked up in passing.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_address
from urllib.parse import urlsplit

from plumbline.model.errors import NotPermittedError
from plumbline.net.door import Door
from plumbline.rig.permits import Contact, Refusal

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "rtsp": 554, "rtsps": 322, "rtspu": 554}
MAX_LOCATION = 4096


def next_hop(door: Door, current: Contact, location: str) -> Contact | Refusal:
    """Judge where a redirect leads; gives the contact to make, or why it may not be made (logged).

    A location that cannot be read, or of a scheme that nobody here speaks, is `outside_networks`: it names no device of the rig.
    """
    why = f"redirected by {current.address} port {current.port}: {current.why}"
    try:
        contact = _read(door, current, location, why)
        door.judge(contact)
    except NotPermittedError as refusal:
        door.refuse(replace(current, port=None, why=why), refusal)
        return Refusal(refusal.reason)
    return contact


def _read(door: Door, current: Contact, location: str, why: str) -> Contact:
    try:
        if len(location) > MAX_LOCATION:
            raise ValueError("too long")
        url = urlsplit(location.strip())
        host, port = url.hostname, url.port
    except ValueError as cause:
        raise NotPermittedError(f"{location[:200]!r} is not a URL: {cause}", reason=Refusal.OUTSIDE_NETWORKS) from cause
    if not host:
        if url.scheme:
            raise NotPermittedError(f"{location[:200]!r} names no device", reason=Refusal.OUTSIDE_NETWORKS)
        return replace(current, why=why)
    if not url.scheme:
        port = port or current.port
    elif url.scheme not in PORTS:
        raise NotPermittedError(f"{location[:200]!r}: nobody here speaks {url.scheme[:20]}", reason=Refusal.OUTSIDE_NETWORKS)
    port = port or PORTS[url.scheme]
    try:
        return replace(current, address=ip_address(host), port=port, why=why, name=None, mac=None)
    except ValueError:
        pass
    known = door.known(host)
    if not known:
        raise NotPermittedError(f"{location[:200]!r}: {host!r} was not resolved through the door", reason=Refusal.NAME_NOT_LISTED)
    first = min((ip_address(each) for each in known), key=lambda each: (not isinstance(each, IPv4Address), int(each)))
    return replace(current, address=first, port=port, why=why, name=host, mac=None)

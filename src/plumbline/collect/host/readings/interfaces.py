"""Network interfaces. The MAC address of one that is no hardware names nothing: engines of containers give the same to every system."""

from __future__ import annotations

import re
from collections import defaultdict
from ipaddress import ip_interface

from plumbline.collect.host.outputs import Report
from plumbline.collect.host.reading import Reading

_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")


def read(report: Report) -> None:
    """Write a row for each interface."""
    links: dict[str, list[str]] = {}
    addresses: dict[str, list[str]] = defaultdict(list)
    for line in report.lines("interfaces"):
        word, *fields = line.split()
        if word == "link" and len(fields) in (3, 4):  # a tunnel may have no address
            links[fields[0]] = fields[1:]
        elif word == "addr" and len(fields) == 2 and _is_address(fields[1]):
            addresses[fields[0].partition("@")[0]].append(fields[1])
        else:
            report.unread("interfaces", line)
    for name, (hardware, state, *mac) in links.items():
        real = hardware == "yes"
        report.row(
            "system_interface",
            f"interface/{name}",
            "interfaces",
            name=name,
            mac=mac[0] if real and mac and _MAC.fullmatch(mac[0]) else None,
            hardware=real,
            up=state == "up" if state in ("up", "down") else None,
            addresses=sorted(addresses[name]) if addresses else None,
        )


def _is_address(text: str) -> bool:
    try:
        ip_interface(text)
    except ValueError:
        return False
    return True


READING = Reading(("system_interface",), read)

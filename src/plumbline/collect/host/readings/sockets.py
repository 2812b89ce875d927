"""Listening sockets, from /proc/net (proc_net(5)), and the processes that hold them.

    /proc/net/tcp   sl, local_address, rem_address, st (0A: listening), ..., uid, timeout, inode
    /proc/net/udp   the same; st 07: not connected
    address         hex; IPv4 as one, IPv6 as four 32-bit words in the byte order of the machine; a colon; the port in hex

The byte order is that of a program's header (EI_DATA of ELF). Where it is not told, addresses of the loopback interface cannot be known
as such, and nothing is written.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

from plumbline.collect.host.outputs import Report
from plumbline.collect.host.processes import processes, user_names
from plumbline.collect.host.reading import Reading
from plumbline.model.words import Outcome

_LOCAL = re.compile(r"(?:[0-9A-F]{8}|[0-9A-F]{32}):[0-9A-F]{4}")
SOCKETS_MAX = 10_000


def read(report: Report) -> None:
    """Write a row for each listening socket; several of one address and port, as of a forking server, are one."""
    order = next((line.split()[-1] for line in report.lines("sockets") if line.startswith("order ")), None)
    if order not in ("l", "b"):
        if report.text("sockets") is not None:
            report.short(Outcome.NOT_SUPPORTED, "sockets: the order of bytes is not told", "system_socket")
        return
    running, users = processes(report), user_names(report)
    holders = _holders(report)
    done: set[str] = set()
    for line in report.lines("sockets"):
        fields = line.split()
        if fields[0] in ("holds", "order"):
            continue
        if len(fields) != 5 or not fields[1].startswith(("tcp", "udp")) or not _LOCAL.fullmatch(fields[2]) or not fields[3].isdecimal():
            report.unread("sockets", line)
            continue
        transport = fields[1][:3]
        address, port = _address(fields[2].partition(":")[0], order), int(fields[2].partition(":")[2], 16)
        subject = f"{transport}/{port}/{address}"
        if subject in done:
            continue
        if len(done) >= SOCKETS_MAX:
            report.short(Outcome.PARTIAL, f"more than {SOCKETS_MAX} sockets", "system_socket")
            break
        done.add(subject)
        holder = (running or {}).get(holders.get(fields[4], -1))
        report.row(
            "system_socket",
            subject,
            "sockets",
            transport=transport,
            address=str(address),
            port=port,
            local_only=is_local(address),
            opened_by=users.get(int(fields[3]), fields[3]),
            process=holder.name if holder else None,
            process_user=users.get(holder.uid, str(holder.uid)) if holder else None,
        )


def is_local(address: IPv4Address | IPv6Address) -> bool:
    """Say whether only the system itself reaches a socket at this address."""
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (inner or address).is_loopback


def _holders(report: Report) -> dict[str, int]:
    """Give the process that holds each inode; of a server's several processes the first."""
    found: dict[str, int] = {}
    for line in report.lines("sockets"):
        fields = line.split()
        if fields[0] == "holds" and len(fields) == 3 and re.fullmatch(r"\d{1,10}", fields[1]):
            found[fields[2]] = min(int(fields[1]), found.get(fields[2], 1 << 40))
    return found


def _address(text: str, order: str) -> IPv4Address | IPv6Address:
    words = [bytes.fromhex(text[at : at + 8]) for at in range(0, len(text), 8)]
    data = b"".join(word[::-1] if order == "l" else word for word in words)
    address = IPv4Address(data) if len(data) == 4 else IPv6Address(data)
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


READING = Reading(("system_socket",), read)

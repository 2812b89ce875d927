"""What an agent showed over SNMP, as rows of the tables of systems: as much of them as these objects can tell, and not more.

| table | from | not told |
|---|---|---|
| system | SNMPv2-MIB system, HOST-RESOURCES-MIB hrSystemUptime | release, hardware, clock |
| component | hrSWInstalledName: `name_version_architecture` of dpkg, `name-version-release` of rpm | source, distribution, changelogs |
| system_interface | IF-MIB ifTable, IP-MIB ipAddressTable | whether it is hardware |
| system_socket | TCP-MIB tcpListenerTable, UDP-MIB udpEndpointTable | users |
| system_service | hrSWRunTable, without threads of the kernel | what starts with the system, users |

A name has at most 64 bytes there (RFC 2790, hrSWInstalledName): of one that long nobody knows whether it is whole. A MAC address that its
maker assigned names the system, whichever interface shows it; one that software made up names nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

from plumbline.collect.attempt import Attempt
from plumbline.collect.host.outputs import TEXT_MAX
from plumbline.collect.host.readings.sockets import is_local
from plumbline.collect.host.snmp_session import Shown, Value, Walk
from plumbline.model.words import Outcome
from plumbline.versions import scheme_for

NAME_BYTES = 64
_LINUX = re.compile(r"Linux (\S+) (\S+) (#.*) (\S+)")
_DPKG = re.compile(r"([a-z0-9][a-z0-9+.-]+)_([^_\s]+)_([a-z0-9-]+)")
_RPM = re.compile(r"(\S+)-([^-\s]+-[^-\s]*(?:\.(?:el|fc|amzn|mga|oe|lp)\d+\S*|\.(?:x86_64|aarch64|armv7hl|noarch|i686)))")
_TEN_YEARS = timedelta(days=3660)
_UNICAST, _UP, _DOWN, _KERNEL = 1, 1, 2, 2  # ipAddressType, ifOperStatus, hrSWRunType: operatingSystem
_BASES = {
    "component": ("hrSWInstalledName",),
    "system_interface": ("ifDescr", "ifPhysAddress", "ifOperStatus", "ipAddressIfIndex", "ipAddressType", "ipAddressPrefix"),
    "system_socket": ("tcpListenerProcess", "udpEndpointProcess", "hrSWRunName"),
    "system_service": ("hrSWRunName", "hrSWRunType"),
}
Address = IPv4Address | IPv6Address


def write_shown(attempt: Attempt, shown: Shown, *, declared_id: str, seen_at: datetime, raw: Mapping[str, str]) -> None:
    """Write the rows, and say what falls short; `raw` tells where the scalars ('') and each column are kept."""
    _system(attempt, shown.scalars, declared_id, seen_at, raw.get(""))
    _components(attempt, shown.columns["hrSWInstalledName"], raw.get("hrSWInstalledName"))
    _interfaces(attempt, shown.columns, raw.get("ifDescr"))
    _sockets(attempt, shown.columns, raw)
    _services(attempt, shown.columns, raw.get("hrSWRunName"))
    for table in attempt.tables:
        for name in _BASES.get(table, ()):
            problem = shown.columns[name].problem
            if problem is not None:
                attempt.short(Outcome.PARTIAL, f"{name}: {problem}", table)
        if table != "system" and not any(shown.columns[name].values for name in _BASES.get(table, ())):
            attempt.short(Outcome.NOT_SUPPORTED, "the agent shows nothing of it", table)


def _system(attempt: Attempt, scalars: Mapping[str, Value], declared_id: str, seen_at: datetime, raw: str | None) -> None:
    description, ticks = _text(scalars.get("sysDescr")), scalars.get("hrSystemUptime")
    linux = _LINUX.fullmatch(description or "")
    running = timedelta(milliseconds=10 * ticks) if isinstance(ticks, int) and 0 <= ticks < 1 << 32 else None
    attempt.row(
        "system",
        "",
        raw=raw,
        source="snmp",
        seen_at=seen_at,
        declared_id=declared_id,
        hostname=_text(scalars.get("sysName")),
        os_name=description,
        kernel_release=linux[2] if linux else None,
        kernel_build=linux[3] if linux else None,
        architecture=linux[4] if linux else None,
        boot_at=seen_at - running if running is not None and running < _TEN_YEARS else None,
    )


def _components(attempt: Attempt, walk: Walk, raw: str | None) -> None:
    cut = 0
    for value in walk.values.values():
        text = _text(value)
        if not text:
            continue
        cut += isinstance(value, bytes) and len(value) >= NAME_BYTES
        dpkg, rpm = _DPKG.fullmatch(text), _RPM.fullmatch(text)
        found, manager = (dpkg, "dpkg") if dpkg else (rpm, "rpm")
        whole = found is not None and not (isinstance(value, bytes) and len(value) >= NAME_BYTES)
        name = found[1] if found is not None else text
        attempt.row(
            "component",
            f"component/{name}",
            raw=raw,
            name=name,
            version=found[2] if found is not None and whole else None,
            scheme=scheme_for(manager) if whole else None,
            architecture=dpkg[3] if dpkg and whole else None,
            manager=manager if found is not None else "snmp",
            confidence="database",
        )
    if cut:
        attempt.short(Outcome.PARTIAL, f"{cut} names may be cut: they have {NAME_BYTES} bytes", "component")


def _interfaces(attempt: Attempt, columns: Mapping[str, Walk], raw: str | None) -> None:
    addresses: dict[str, list[str]] = {}
    for index, interface in columns["ipAddressIfIndex"].values.items():
        address = _address([int(number) for number in index.split(".")])
        prefix = str(columns["ipAddressPrefix"].values.get(index, "")).rpartition(".")[2]
        if address is not None and prefix.isdecimal() and columns["ipAddressType"].values.get(index) == _UNICAST:
            addresses.setdefault(str(interface), []).append(f"{address[0]}/{prefix}")
    seen = bool(columns["ipAddressIfIndex"].values)
    for index, value in columns["ifDescr"].values.items():
        name, mac, state = _text(value), columns["ifPhysAddress"].values.get(index), columns["ifOperStatus"].values.get(index)
        if name:
            attempt.row(
                "system_interface",
                f"interface/{name}",
                raw=raw,
                name=name,
                mac=mac.hex(":") if isinstance(mac, bytes) and len(mac) == 6 and any(mac) and not mac[0] & 3 else None,
                up={_UP: True, _DOWN: False}.get(state) if isinstance(state, int) else None,
                addresses=sorted(addresses.get(index, ())) if seen else None,
            )


def _sockets(attempt: Attempt, columns: Mapping[str, Walk], raw: Mapping[str, str]) -> None:
    done: set[str] = set()
    for transport, column in (("tcp", "tcpListenerProcess"), ("udp", "udpEndpointProcess")):
        for address, port, pid in _listening(columns[column], remote=transport == "udp"):
            subject = f"{transport}/{port}/{address}"
            if subject in done:
                continue
            done.add(subject)
            attempt.row(
                "system_socket",
                subject,
                raw=raw.get(column),
                transport=transport,
                address=str(address),
                port=port,
                local_only=is_local(address),
                process=_text(columns["hrSWRunName"].values.get(str(pid))) if pid else None,
            )


def _listening(walk: Walk, *, remote: bool) -> Iterator[tuple[Address, int, Value]]:
    """Read indexes: address and port; of UDP also the other end, which is nobody where the socket takes from anyone."""
    for index, pid in walk.values.items():
        numbers = [int(number) for number in index.split(".")]
        local = _address(numbers)
        if local is None or len(local[1]) < 1 or not 0 < local[1][0] <= 65535:
            continue
        address, (port, *rest) = local
        if remote:
            other = _address(rest)
            if other is None or not other[0].is_unspecified or other[1][:1] != [0]:
                continue
        yield address, port, pid


def _services(attempt: Attempt, columns: Mapping[str, Walk], raw: str | None) -> None:
    kinds = columns["hrSWRunType"].values
    names = {_text(value) for index, value in columns["hrSWRunName"].values.items() if kinds.get(index) != _KERNEL}
    for name in sorted(filter(None, names)):
        attempt.row("system_service", f"service/{name}", raw=raw, name=name, manager="snmp", running=True)


def _address(numbers: list[int]) -> tuple[Address, list[int]] | None:
    """Read InetAddressType, a length and the address (RFC 4001); gives it and what follows. An address of any family is `::`."""
    if len(numbers) < 2 or len(numbers) < 2 + numbers[1]:
        return None
    size, rest = numbers[1], numbers[2 + numbers[1] :]
    octets = numbers[2 : 2 + size]
    if any(number > 255 for number in octets):
        return None
    match numbers[0], size:
        case 1, 4:
            return IPv4Address(bytes(octets)), rest
        case 2, 16:
            return IPv6Address(bytes(octets)), rest
        case 0, 0:
            return IPv6Address(0), rest
        case _:
            return None


def _text(value: Value | None) -> str | None:
    if not isinstance(value, bytes):
        return None
    return " ".join(value.decode("utf-8", "replace").replace("\0", " ").split())[:TEXT_MAX] or None

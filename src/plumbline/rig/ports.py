"""Ports of a network: named sets and lists, as a rig file writes them.

Not a guess at what listens there. Rules: a named set is a table of `ports.toml`; in a list an entry is a TCP port (`8080`), a range
(`"8000-8010"`), or either with its transport (`"udp/5683"`, `"tcp/8000-8010"`).
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

PORT_MAX = 65_535
PORTS_MAX = 2_000  # of one network; a sweep of every port is not how an audit finds services
_ENTRY = re.compile(r"(?:(tcp|udp)/)?([0-9]{1,5})(?:-([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class PortSet:
    """TCP and UDP ports, each ascending and without repeats."""

    tcp: tuple[int, ...]
    udp: tuple[int, ...]
    about: str = ""


@cache
def named_sets() -> Mapping[str, PortSet]:
    """Give the named sets that ship with Plumbline."""
    raw = tomllib.loads(resources.files("plumbline.rig").joinpath("ports.toml").read_text(encoding="utf-8"))
    return MappingProxyType({name: PortSet(_tidy(table["tcp"]), _tidy(table["udp"]), table["about"]) for name, table in raw.items()})


def read_ports(value: str | list[int | str]) -> PortSet:
    """Read the value of `ports`; raises ValueError saying what is wrong with it."""
    if isinstance(value, str):
        known = named_sets()
        if value not in known:
            near = difflib.get_close_matches(value, known, n=1)
            hint = f"; {near[0]!r} is near" if near else ""
            raise ValueError(f"no set of ports is called {value!r}; known: {', '.join(known)}{hint}")
        return known[value]
    found: dict[str, set[int]] = {"tcp": set(), "udp": set()}
    for entry in value:
        transport, ports = _entry(entry)
        found[transport].update(ports)
    if len(found["tcp"]) + len(found["udp"]) > PORTS_MAX:
        raise ValueError(f"more than {PORTS_MAX} ports for one network")
    return PortSet(_tidy(found["tcp"]), _tidy(found["udp"]))


def _entry(entry: int | str) -> tuple[str, range]:
    match = _ENTRY.fullmatch(str(entry))
    if match is None:
        raise ValueError(f"{entry!r} is not a port, a range like '8000-8010', or either after 'tcp/' or 'udp/'")
    first = int(match[2])
    last = int(match[3] or first)
    if not 1 <= first <= last <= PORT_MAX:
        raise ValueError(f"{entry!r} is not within 1 to {PORT_MAX}, lowest first")
    return match[1] or "tcp", range(first, last + 1)


def _tidy(ports: set[int] | list[int]) -> tuple[int, ...]:
    return tuple(sorted(set(ports)))

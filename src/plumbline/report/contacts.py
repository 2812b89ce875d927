"""What was sent to each device, summed from the contact logs of the bundles. Not the log itself, which stays in its bundle.

Rules: counts and bytes are exact, over every line; lines that say the same of the same device (event, reason, transport, outcome,
permit) are one kind of exchange with a count and its ports; a line that is none of ours is left out, and the chain's check says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from plumbline.net.contacts import MAX_LINE, verify
from plumbline.report.data import Contact, Contacts, Exchange
from plumbline.report.language import counted, told
from plumbline.report.text import ranges

DEVICES_MAX = 10_000
EXCHANGES = ("connect", "handshake", "request", "datagram", "discover")  # what law 5 counts; the other events accompany these
_Kind = tuple[str, str, str, str, str]  # event, why, transport, outcome, permit


@dataclass
class _Sum:
    count: int = 0
    sent: int = 0
    received: int = 0
    ports: set[int] = field(default_factory=set)


@dataclass
class Device:
    """Everything toward one device, while it is being summed."""

    entity: str
    address: str
    kinds: dict[_Kind, _Sum] = field(default_factory=dict)
    first_at: str = ""
    last_at: str = ""

    def add(self, line: Mapping[str, Any]) -> None:
        """Take one line of the log."""
        kind = (line["event"], line["why"], line["transport"], line["outcome"], line["permit"])
        total = self.kinds.setdefault(kind, _Sum())
        total.count += 1
        total.sent += line["sent_bytes"]
        total.received += line["received_bytes"]
        if line["port"] is not None:
            total.ports.add(line["port"])
        self.first_at = min(self.first_at or line["at"], line["at"])
        self.last_at = max(self.last_at, line["at"])

    def count(self, *events: str) -> int:
        """Count the lines of some events."""
        return sum(total.count for kind, total in self.kinds.items() if kind[0] in events)

    @property
    def sent(self) -> int:
        """Bytes sent."""
        return sum(total.sent for total in self.kinds.values())

    @property
    def received(self) -> int:
        """Bytes received."""
        return sum(total.received for total in self.kinds.values())

    def exchanges(self) -> Iterator[Exchange]:
        """Every kind of exchange, in the order in which it first happened."""
        for (event, why, transport, outcome, permit), total in self.kinds.items():
            ports = f"{transport}/{ranges(total.ports)}" if total.ports else transport
            yield Exchange(event, why, ports, outcome, permit, total.count, total.sent, total.received)


def logs(bundles: Iterable[Path]) -> list[Path]:
    """List the contact logs that there are; a bundle of files only has none."""
    return [path for bundle in bundles if (path := bundle / "contacts.jsonl").exists()]


def devices(paths: Sequence[Path]) -> list[Device]:
    """Sum the logs by device, the busiest first."""
    found: dict[str, Device] = {}
    for path in paths:
        with path.open("rb") as file:
            while raw := file.readline(MAX_LINE):
                if (line := _ours(raw)) is not None:
                    found.setdefault(line["entity"], Device(line["entity"], line["address"])).add(line)
    _fold(found)
    return sorted(found.values(), key=lambda device: (-device.count(*EXCHANGES), device.entity))


def summary(bundles: Sequence[Path], names: Mapping[str, str]) -> Contacts:
    """Sum all logs; `names` gives the name of an entity's asset."""
    paths = logs(bundles)
    found = devices(paths)
    return Contacts(
        exchanges=sum(device.count(*EXCHANGES) for device in found),
        refused=sum(device.count("refused") for device in found),
        sent_bytes=sum(device.sent for device in found),
        received_bytes=sum(device.received for device in found),
        chain=_chain(paths),
        devices=tuple(_contact(device, names) for device in found[:DEVICES_MAX]),
        devices_count=len(found),
    )


def _contact(device: Device, names: Mapping[str, str]) -> Contact:
    return Contact(
        entity=device.entity,
        address=device.address,
        asset_name=names.get(device.entity, device.address),
        connections=device.count("connect"),
        handshakes=device.count("handshake"),
        requests=device.count("request"),
        datagrams=device.count("datagram", "discover"),
        refused=device.count("refused"),
        sent_bytes=device.sent,
        received_bytes=device.received,
        first_at=datetime.fromisoformat(device.first_at),
        last_at=datetime.fromisoformat(device.last_at),
        exchanges=tuple(device.exchanges()),
    )


def _ours(raw: bytes) -> Mapping[str, Any] | None:
    try:
        line = json.loads(raw)
        aware = datetime.fromisoformat(line["at"]).tzinfo is not None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    texts = ("event", "entity", "address", "transport", "why", "outcome", "permit", "at")
    if not aware or line.get("event") == "session" or not all(isinstance(line.get(name), str) for name in texts):
        return None
    if not all(isinstance(line.get(name), int) for name in ("sent_bytes", "received_bytes")):
        return None
    return line if isinstance(line.setdefault("port", None), int | None) else None


def _fold(found: dict[str, Device]) -> None:
    """Give refusals, which know no site, to the one device of their address."""
    by_address: dict[str, list[Device]] = {}
    for device in found.values():
        if not device.entity.startswith("host:/"):
            by_address.setdefault(device.address, []).append(device)
    for entity in [entity for entity in found if entity.startswith("host:/")]:
        homes = by_address.get(found[entity].address, [])
        if len(homes) == 1:
            lost, [home] = found.pop(entity), homes
            for kind, total in lost.kinds.items():
                mine = home.kinds.setdefault(kind, _Sum())
                mine.count, mine.sent, mine.received = mine.count + total.count, mine.sent + total.sent, mine.received + total.received
                mine.ports |= total.ports
            home.first_at, home.last_at = min(home.first_at, lost.first_at), max(home.last_at, lost.last_at)


def _chain(paths: Sequence[Path]) -> str:
    if not paths:
        return ""
    broken = [(path, check) for path in paths if (check := verify(path)).broken_line is not None]
    if broken:
        path, check = broken[0]
        log, line = f"{path.parent.name}/{path.name}", check.broken_line
        return told(
            "The hash chain of %(log)s breaks at line %(line)s: %(reason)s. Do not rely on it.", log=log, line=line, reason=check.reason
        )
    return counted("The hash chain of %(num)s contact log holds.", "The hash chain of %(num)s contact logs holds.", len(paths))

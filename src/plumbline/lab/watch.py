"""What the lab's devices notice of their visitors: harm done, and logins tried.

A device in the field could not say that it was hurt; these can, so an audit of the lab proves law 5 as well as its own findings.

Rules: a harm is anything that a read-only audit never does: a second connection or request to a strict device, a foreign protocol on it,
a write, a command typed into a shell, a byte to a printing port, any packet to an untouchable device.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Harm:
    """One thing that should not have been done to a device."""

    device: str
    what: str


@dataclass
class Watch:
    """Shared by all servers of one lab."""

    harms: list[Harm] = field(default_factory=list)
    logins: Counter[tuple[str, str]] = field(default_factory=Counter)  # by device and protocol

    def harm(self, device: str, what: str) -> None:
        """Note a harm."""
        self.harms.append(Harm(device, what))

    def login(self, device: str, protocol: str) -> None:
        """Note that a login was tried."""
        self.logins[device, protocol] += 1

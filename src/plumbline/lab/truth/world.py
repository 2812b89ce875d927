"""What is there to be seen in one lab: sights, which become rows of tables, and attempts, which become coverage.

Not the tables' columns: a sight holds the lab's own description of the thing, for the rules to look at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from plumbline.lab.fleet import Device, Fleet
from plumbline.lab.keys import private_key, public_digest
from plumbline.lab.services import Ssh
from plumbline.model.words import Outcome, Verdict

Weak = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Sight:
    """One thing of one asset that fills one row; `thing` is what the lab knows of it, `source` the asset that told of it, if another."""

    asset: str
    subject: str
    thing: object
    source: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to fill a table, on an asset of the table's kind."""

    asset: str
    subject: str
    outcome: Outcome


Key = tuple[str, str, str]
"""Check, asset, subject."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the ledger must say of one key."""

    verdict: Verdict
    reason: str | None = None

    def __str__(self) -> str:
        return f"{self.verdict.value} ({self.reason})" if self.reason else self.verdict.value


@dataclass
class World:
    """All sights and attempts of one lab, by table.

    `subset` names the devices that the rig's networks hold, None for all; `catalogue` says that the lab's reference data is at hand.
    """

    fleet: Fleet
    subset: frozenset[str] | None = None
    catalogue: bool = True
    sights: dict[str, list[Sight]] = field(default_factory=lambda: defaultdict(list))
    attempts: dict[str, list[Attempt]] = field(default_factory=lambda: defaultdict(list))
    verdicts: dict[Key, Expected] = field(default_factory=dict)  # of all checks but those that are judged last

    def see(self, table: str, asset: str, subject: str, thing: object, *, source: str | None = None) -> None:
        """Note a sight."""
        self.sights[table].append(Sight(asset, subject, thing, source or asset))

    def attempt(self, table: str, asset: str, subject: str = "", outcome: Outcome = Outcome.OK) -> None:
        """Note an attempt."""
        self.attempts[table].append(Attempt(asset, subject, outcome))

    @cached_property
    def within(self) -> list[Device]:
        """The devices at addresses that the rig's networks hold."""
        return [device for device in self.fleet.devices if self.subset is None or device.name in self.subset]

    def things(self, table: str) -> list[tuple[str, object]]:
        """Give asset and thing of each sight of a table."""
        return [(sight.asset, sight.thing) for sight in self.sights[table]]

    def is_there(self, device: Device) -> bool:
        """Say whether the network, a capture, a deployment or another tool shows the device itself."""
        asset = self.asset_of(device)
        told = {sight.asset for table in ("host", "station", "edge_deployment", "imported_finding") for sight in self.sights[table]}
        return asset in told or any(attempt.asset == asset for attempt in self.attempts["service"])

    def asset_of(self, device: Device) -> str:
        """Name a device's asset: as declared, else by its SSH host key, else by its address."""
        if device.declared:
            return f"declared:/{device.name}"
        keys = [public_digest(private_key(s.host_key.kind, s.host_key.name)) for s in device.services if isinstance(s, Ssh)]
        return f"key:/{min(keys)}" if keys else f"host:/{device.address}"

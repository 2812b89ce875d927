"""The view-model of the chapter "Up to date?": how current each device's firmware is, typed, frozen and bounded, as in `data`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from plumbline.updates.judging import State


@dataclass(frozen=True, slots=True)
class Device:
    """One device that something has to be done about, or nothing.

    Fields are columns of the table `currency`, and mean what those mean; None as well. `todo` is what its owner
    does about it, in a sentence.
    """

    asset: str
    name: str
    criticality: str | None
    state: State
    product: str | None
    installed: str | None
    believed_by: str | None
    latest: str | None
    latest_at: datetime | None
    releases_behind: int | None
    days_behind: int | None
    retracted: bool | None
    unsupported: bool | None
    support_ends_at: datetime | None
    vulnerable: bool | None
    advisories: tuple[str, ...]
    exploited: tuple[str, ...]
    unsure: tuple[str, ...]
    fixed_in: str | None
    todo: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do on all devices that need the same; `devices` is a sample of `devices_count` names."""

    state: State
    todo: str
    product: str | None
    installed: str | None
    exploited: tuple[str, ...]
    devices: tuple[str, ...]
    devices_count: int


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim about a device's version: who says it, how they came to know, when."""

    says: str
    method: str
    version: str
    claimed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One device whose claims name different versions; `believed` is the version that it was judged by, `words` who says what."""

    asset: str
    name: str
    state: State
    words: str
    believed: str | None
    believed_by: str | None
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why some devices' state cannot be told; `devices` is a sample of `devices_count` names."""

    reason: str
    devices: tuple[str, ...]
    devices_count: int


@dataclass(frozen=True, slots=True)
class Patch:
    """How far one release that mends something has come in a hub's fleet, by the devices' word; None: not all of its twins are known."""

    hub: str
    model: str
    version: str
    released_at: datetime | None
    mends: tuple[str, ...]
    exploited: bool
    devices: int | None
    running: int | None
    lacking: int | None
    unknown: int | None


@dataclass(frozen=True, slots=True)
class Currency:
    """The whole chapter. `derived` false: there was no catalogue, so nothing could be told of any device.

    `states` counts all devices by state. `steps` and `devices` are the worst first: of `steps_count`, and of the `devices_count` about
    which something has to be done. `bounds` say what samples tell of their populations; `fleet` counts by state the identities that only a
    hub knows, and `patches` are the first of `patches_count`, those that most devices lack.
    """

    derived: bool
    states: Mapping[State, int]
    steps: tuple[Step, ...]
    steps_count: int
    devices: tuple[Device, ...]
    devices_count: int
    current: tuple[str, ...]
    contradictions: tuple[Contradiction, ...]
    contradictions_count: int
    unknown: tuple[Unknown, ...]
    bounds: tuple[str, ...]
    fleet: Mapping[State, int]
    patches: tuple[Patch, ...]
    patches_count: int
    catalogue_as_of: datetime | None

    @property
    def asked(self) -> int:
        """Devices over all states."""
        return sum(self.states.values())

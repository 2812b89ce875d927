"""Waivers: findings that the owner knows of and bears for a while, as they stand in `waivers.toml`.

    [[waiver]]
    id = "w-12"                                 # how reports and people call it
    check = "gateway.broker_accepts_anonymous"  # a pattern; `asset` and `subject` too, "*" where they are not said
    asset = "dock-cam-*"
    owner = "Head of operations"                # who bears it
    reason = "The broker is replaced in spring; until then the port is closed at the switch."
    from = 2026-11-01                           # a day, or a time with an offset
    until = 2027-03-31                          # the day itself still counts

A waiver changes no verdict and no ledger: what it covers is shown as such and does not count for `--fail-on`. Rules: one without an owner,
a reason or an end is refused, and so is one that means every finding of the rig, in whatever words; it ends by itself, and one that would
last longer than DAYS_MAX is refused rather than warned of, for a warning is read once and the waiver would outlive it. Renew it with a new
entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from plumbline.assess.scope import Scope

DAYS_MAX = 400  # a year, and a month to renew it in


@dataclass(frozen=True, slots=True)
class Waiver:
    """One waiver; `begins` and `until` are aware, UTC, `until` its last second."""

    id: str
    scope: Scope
    owner: str
    reason: str
    begins: datetime
    until: datetime

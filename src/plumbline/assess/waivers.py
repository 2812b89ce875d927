"""Waivers: findings that the owner knows of and bears for a while, read from `waivers.toml`.

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
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from plumbline.assess.scope import ANY, Begin, End, Pattern, Scope, SubjectPattern, Words, means_all, read_entries, refuse
from plumbline.rig.schema import Identifier, Text

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


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Identifier
    check: Pattern
    asset: Pattern = ANY
    subject: SubjectPattern = ANY
    owner: Text
    reason: Words
    begins: Begin = Field(alias="from")
    until: End


def load_waivers(path: Path) -> tuple[Waiver, ...]:
    """Read a file of waivers, in its order; raises RigErrors, an InputError, with everything that is wrong with it."""
    tables, problems = read_entries(path, "waiver", _Table)
    seen: set[str] = set()
    for index, table in tables:
        key = ("waiver", index)
        if table.id in seen:
            problems.add((*key, "id"), f"{table.id!r} stands twice", "give each waiver its own id")
        seen.add(table.id)
        if means_all(table.check) and means_all(table.asset) and not table.subject.strip(ANY) and table.subject:
            problems.add((*key, "check"), "means every finding of the rig", "name the check, or the asset")
        if table.until < table.begins:
            problems.add((*key, "until"), "ends before it begins", "correct one of the two")
        elif (table.until - table.begins).days > DAYS_MAX:
            problems.add((*key, "until"), f"lasts longer than {DAYS_MAX} days", "end it within a year, and decide anew then")
    refuse(problems)
    return tuple(Waiver(t.id, Scope(t.check, t.asset, t.subject), t.owner, t.reason, t.begins, t.until) for _, t in tables)

"""Reviews: what a person who looked at findings says of them, as it stands in `review.toml`.

    [[review]]
    finding = "device.telnet_service|host:s/10.0.0.9|tcp/23"   # its id; or check, asset and subject, as patterns
    action = "false_positive"                                  # or confirm, or rate, with a severity
    severity = "low"
    who = "A. Smith"
    why = "The port is a honeypot of ours; its banner is made up."
    until = 2027-05-31                                         # the day itself still counts

A review lies over the ledger and never edits it. A false positive does not count for `--fail-on`, and leaves the provisions that it failed
inconclusive, never passed: that a check erred shows nothing good. A rating replaces the severity for `--fail-on`. Rules: who and why are
always said; what takes weight from a finding has an end, at most DAYS_MAX after the moment that is judged; of several reviews of one
finding the first that is active counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from plumbline.assess.scope import Scope
from plumbline.model.words import Severity

DAYS_MAX = 1_100  # for a year, on evidence that may be two years old


class Action(StrEnum):
    """What a reviewer does with a finding."""

    CONFIRM = "confirm"
    FALSE_POSITIVE = "false_positive"
    RATE = "rate"


@dataclass(frozen=True, slots=True)
class Review:
    """One review, numbered from 1 in its file; `severity` is None unless it rates, `until` None where it does not end."""

    number: int
    scope: Scope
    action: Action
    severity: Severity | None
    who: str
    why: str
    until: datetime | None

"""Reviews: what a person who looked at findings says of them, read from `review.toml`.

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
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, PlainValidator

from plumbline.assess.scope import ANY, End, FindingId, Pattern, Scope, SubjectPattern, Words, means_all, read_entries, refuse
from plumbline.model.words import Severity
from plumbline.rig.schema import Text
from plumbline.rig.values import WrongValueError

DAYS_MAX = 1_100  # for a year, on evidence that may be two years old
Word = TypeVar("Word", bound=StrEnum)


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


def _word(value: object, words: type[Word]) -> Word:
    if not isinstance(value, str) or value not in set(words):
        raise WrongValueError(f"{value!r:.60} is no {words.__name__.lower()}", f"choose from {', '.join(words)}")
    return words(value)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    finding: FindingId | None = None
    check: Pattern | None = None
    asset: Pattern = ANY
    subject: SubjectPattern = ANY
    action: Annotated[Action, PlainValidator(lambda value: _word(value, Action))]
    severity: Annotated[Severity, PlainValidator(lambda value: _word(value, Severity))] | None = None
    who: Text
    why: Words
    until: End | None = None


def load_reviews(path: Path, as_of: datetime | None = None) -> tuple[Review, ...]:
    """Read a file of reviews, in its order; raises RigErrors, an InputError, with everything that is wrong with it.

    `as_of` is the moment that is judged; None: it is not known yet, and no end is too far.
    """
    tables, problems = read_entries(path, "review", _Table)
    for index, table in tables:
        key = ("review", index)
        by_pattern = table.check is not None or table.asset != ANY or table.subject != ANY
        if (table.finding is not None) == by_pattern:
            problems.add((*key, "finding"), "wants either a finding's id or patterns", "give finding, or check, asset and subject")
        elif table.finding is None and means_all(table.check or ANY):
            problems.add((*key, "check"), "wants a check", "a review is of what one check, or checks alike, found")
        elif table.finding is not None and table.finding.count("|") < 2:
            problems.add((*key, "finding"), "is no finding's id", "copy it from assessment.json: <check>|<asset>|<subject>")
        if (table.action == Action.RATE) != (table.severity is not None):
            problems.add((*key, "severity"), "belongs to the action 'rate', and to no other", "give both, or neither")
        if table.action != Action.CONFIRM and table.until is None:
            problems.add((*key, "until"), "is missing", "say when it is to be looked at again")
        if table.action != Action.CONFIRM and table.until is not None and as_of is not None and (table.until - as_of).days > DAYS_MAX:
            problems.add((*key, "until"), f"is more than {DAYS_MAX} days after what is judged", "end it within a year, and look anew then")
    refuse(problems)
    return tuple(
        Review(
            number=index + 1,
            scope=Scope(t.check or ANY, t.asset, t.subject, t.finding),
            action=t.action,
            severity=t.severity,
            who=t.who,
            why=t.why,
            until=t.until,
        )
        for index, t in tables
    )

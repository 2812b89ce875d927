"""How the files of waivers and reviews are read: what their tables hold, and what is refused.

Not what they mean (`waivers`, `reviews`) nor whom (`scope`). A module of its own, for it brings all of the rig file's schema with it: what
judges or reports loads it where such a file is named. A day that ends something is still part of it, in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from plumbline.assess.reviews import DAYS_MAX as REVIEW_DAYS_MAX
from plumbline.assess.reviews import Action, Review
from plumbline.assess.scope import ANY, Scope, means_all
from plumbline.assess.waivers import DAYS_MAX as WAIVER_DAYS_MAX
from plumbline.assess.waivers import Waiver
from plumbline.model.words import Severity
from plumbline.rig.problems import ProblemList, errors_of, unreadable
from plumbline.rig.schema import Identifier, Text
from plumbline.rig.tables import list_of_tables, read_table
from plumbline.rig.toml_text import NotTomlError, parse
from plumbline.rig.values import WrongValueError, instant

SIZE_MAX = 1_000_000  # bytes, as of a rig file
ENTRIES_MAX = 1_000  # of one file: each is asked of each finding
PATTERN_MAX = 400  # characters
WORDS_MAX = 1_000  # characters of a reason
YEARS = range(2000, 2200)  # as of an instant in a rig file
T = TypeVar("T", bound=BaseModel)
Word = TypeVar("Word", bound=StrEnum)


def _text(value: object, least: int, most: int, beside: str = "") -> str:
    fits = isinstance(value, str) and least <= len(value.strip()) <= most and all(one.isprintable() or one in beside for one in value)
    if not fits or not isinstance(value, str):
        raise WrongValueError(f"wants {least} to {most} printable characters", "write it as text, in quotes")
    return value.strip() if beside else value


def _moment(value: object, last: bool) -> datetime:
    if isinstance(value, date) and not isinstance(value, datetime) and value.year in YEARS:
        return datetime.combine(value, time(23, 59, 59) if last else time(0), UTC)
    try:
        return instant(value).astimezone(UTC)
    except WrongValueError as error:
        raise WrongValueError(error.message, "write a day, 2026-11-01, or a time with an offset, without quotes") from error


def _word(value: object, words: type[Word]) -> Word:
    if not isinstance(value, str) or value not in set(words):
        raise WrongValueError(f"{value!r:.60} is no {words.__name__.lower()}", f"choose from {', '.join(words)}")
    return words(value)


Pattern = Annotated[str, PlainValidator(lambda value: _text(value, 1, PATTERN_MAX))]
SubjectPattern = Annotated[str, PlainValidator(lambda value: _text(value, 0, PATTERN_MAX))]  # '' is the whole asset
FindingId = Annotated[str, PlainValidator(lambda value: _text(value, 3, 4_000))]
Words = Annotated[str, PlainValidator(lambda value: _text(value, 1, WORDS_MAX, "\n\t"))]
Begin = Annotated[datetime, PlainValidator(lambda value: _moment(value, last=False))]
End = Annotated[datetime, PlainValidator(lambda value: _moment(value, last=True))]


class _WaiverTable(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Identifier
    check: Pattern
    asset: Pattern = ANY
    subject: SubjectPattern = ANY
    owner: Text
    reason: Words
    begins: Begin = Field(alias="from")
    until: End


class _ReviewTable(BaseModel):
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


def load_waivers(path: Path) -> tuple[Waiver, ...]:
    """Read a file of waivers, in its order; raises RigErrors, an InputError, with everything that is wrong with it."""
    tables, problems = _read_entries(path, "waiver", _WaiverTable)
    seen: set[str] = set()
    for index, table in tables:
        key = ("waiver", index)
        if table.id in seen:
            problems.add((*key, "id"), f"{table.id!r} stands twice", "give each waiver its own id")
        seen.add(table.id)
        if _means_every_check(table.check) and means_all(table.asset) and not table.subject.strip(ANY) and table.subject:
            problems.add((*key, "check"), "means every finding of the rig", "name the check, or the asset")
        if table.until < table.begins:
            problems.add((*key, "until"), "ends before it begins", "correct one of the two")
        elif (table.until - table.begins).days > WAIVER_DAYS_MAX:
            problems.add((*key, "until"), f"lasts longer than {WAIVER_DAYS_MAX} days", "end it within a year, and decide anew then")
    _refuse(problems)
    return tuple(Waiver(t.id, Scope(t.check, t.asset, t.subject), t.owner, t.reason, t.begins, t.until) for _, t in tables)


def load_reviews(path: Path, as_of: datetime | None = None) -> tuple[Review, ...]:
    """Read a file of reviews, in its order; raises RigErrors, an InputError, with everything that is wrong with it.

    `as_of` is the moment that is judged; None: it is not known yet, and no end is too far.
    """
    tables, problems = _read_entries(path, "review", _ReviewTable)
    for index, table in tables:
        key = ("review", index)
        by_pattern = table.check is not None or table.asset != ANY or table.subject != ANY
        if (table.finding is not None) == by_pattern:
            problems.add((*key, "finding"), "wants either a finding's id or patterns", "give finding, or check, asset and subject")
        elif table.finding is None and _means_every_check(table.check or ANY):
            problems.add((*key, "check"), "wants a check", "a review is of what one check, or checks alike, found")
        elif table.finding is not None and table.finding.count("|") < 2:
            problems.add((*key, "finding"), "is no finding's id", "copy it from assessment.json: <check>|<asset>|<subject>")
        if (table.action == Action.RATE) != (table.severity is not None):
            problems.add((*key, "severity"), "belongs to the action 'rate', and to no other", "give both, or neither")
        if table.action != Action.CONFIRM and table.until is None:
            problems.add((*key, "until"), "is missing", "say when it is to be looked at again")
        if (
            table.action != Action.CONFIRM
            and table.until is not None
            and as_of is not None
            and (table.until - as_of).days > REVIEW_DAYS_MAX
        ):
            message = f"is more than {REVIEW_DAYS_MAX} days after what is judged"
            problems.add((*key, "until"), message, "end it within a year, and look anew then")
    _refuse(problems)
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


def _means_every_check(pattern: str) -> bool:
    """Say whether a pattern means checks of every layer: by what it leaves out, or by a letter that all of them have."""
    if means_all(pattern):
        return True
    first, star, _ = pattern.partition(ANY)
    if not star or "." in first:
        return False
    from plumbline.checks.registry import load_registry  # here: it reads every check, and few patterns make it necessary

    checks = load_registry().checks
    return {check.layer for name, check in checks.items() if Scope(pattern).has_check(name)} == {check.layer for check in checks.values()}


def _read_entries(path: Path, entry: str, shape: type[T]) -> tuple[list[tuple[int, T]], ProblemList]:
    """Read the [[entry]] tables of a file, by their place; problems are noted. Raises RigErrors when it cannot be read at all."""
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_MAX + 1)
    except OSError as error:
        raise unreadable(path, None, f"cannot be read: {error.strerror}", "check the path") from error
    if len(data) > SIZE_MAX:
        raise unreadable(path, None, f"is larger than {SIZE_MAX} bytes", "say more with patterns")
    try:
        document, layout = parse(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise unreadable(path, data.count(b"\n", 0, error.start) + 1, f"byte {error.start} is not UTF-8", "save it as UTF-8") from error
    except NotTomlError as error:
        raise unreadable(path, error.line, error.message, error.remedy) from error
    problems = ProblemList(path.name, layout.lines)
    for key in document.keys() - {entry}:
        problems.add((key,), "unknown key", f"a file of this kind holds [[{entry}]]")
    tables = _tables(document, entry, problems)
    read = ((index, read_table(shape, table, (entry, index), problems)) for index, table in enumerate(tables))
    return [(index, table) for index, table in read if table is not None], problems


def _tables(document: Mapping[str, Any], entry: str, problems: ProblemList) -> Sequence[Mapping[str, Any]]:
    tables = list_of_tables(document, entry, problems)
    if len(tables) > ENTRIES_MAX:
        problems.add((entry,), f"has {len(tables)} entries; at most {ENTRIES_MAX}", "say more with patterns")
    return tables[:ENTRIES_MAX]


def _refuse(problems: ProblemList) -> None:
    """Raise RigErrors with all that was noted, if anything was."""
    if problems.found:
        raise errors_of(problems.found)

"""What waivers and reviews have in common: which findings they are about, from when until when, and how their files are read.

Not what they say (`waivers`, `reviews`) nor what comes of it (`overlay`). In a pattern `*` stands for any text and everything else for
itself. An asset matches by its id or by what follows the first slash of it: the declared id, the address, the device id at the hub; never
by a name that a device gives itself. A day that ends something is still part of it, in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, PlainValidator

from plumbline.evidence.engine import literal
from plumbline.rig.problems import ProblemList, errors_of, unreadable
from plumbline.rig.tables import list_of_tables, read_table
from plumbline.rig.toml_text import NotTomlError, parse
from plumbline.rig.values import WrongValueError, instant

SIZE_MAX = 1_000_000  # bytes, as of a rig file
ENTRIES_MAX = 1_000  # of one file: each is asked of each finding
PATTERN_MAX = 400  # characters
WORDS_MAX = 1_000  # characters of a reason
YEARS = range(2000, 2200)  # as of an instant in a rig file
ANY = "*"
T = TypeVar("T", bound=BaseModel)


class State(StrEnum):
    """What has become of a waiver or a review at the moment that an assessment is about."""

    ACTIVE = "active"
    ENDED = "ended"
    NOT_YET = "not_yet"
    UNUSED = "unused"  # it would count, and no finding is meant


@dataclass(frozen=True, slots=True)
class Scope:
    """The findings that are meant: by patterns, or one by its id, `<check>|<asset>|<subject>`."""

    check: str = ANY
    asset: str = ANY
    subject: str = ANY
    finding: str | None = None

    def has_check(self, check: str) -> bool:
        """Whether findings of a check may be meant."""
        if self.finding is not None:
            return self.finding.startswith(f"{check}|")
        return _matches(self.check, check)

    def has(self, check: str, asset: str, subject: str) -> bool:
        """Whether a finding is meant."""
        if self.finding is not None:
            return self.finding == f"{check}|{asset}|{subject}"
        of_asset = _matches(self.asset, asset) or _matches(self.asset, asset.partition("/")[2])
        return self.has_check(check) and of_asset and _matches(self.subject, subject)

    def sql(self, check: str) -> str:
        """Give an expression that tells of a row of a check, which `has_check`, whether it is meant."""
        if self.finding is not None:
            return f"asset || '|' || subject = {literal(self.finding[len(check) + 1 :])}"
        parts = []
        if self.asset != ANY:
            regex = literal(f"(?s){_regex(self.asset)}")
            parts.append(f"(regexp_full_match(asset, {regex}) or regexp_full_match(substr(asset, strpos(asset, '/') + 1), {regex}))")
        if self.subject != ANY:
            parts.append(f"regexp_full_match(subject, {literal(f'(?s){_regex(self.subject)}')})")
        return f"({' and '.join(parts) or 'true'})"


def means_all(pattern: str) -> bool:
    """Say whether a pattern means every check or every asset: each id has the points, colons and slashes that may stand in it."""
    return not pattern.strip(f"{ANY}.:/")


def _matches(pattern: str, text: str) -> bool:
    first, *others = pattern.split(ANY)  # not as a regular expression: Python's may take years over many stars
    if not others:
        return text == pattern
    *middle, last = others
    place = len(first)
    if not text.startswith(first) or len(text) < place + len(last) or not text.endswith(last):
        return False
    for part in middle:
        found = text.find(part, place, len(text) - len(last))
        if found < 0:
            return False
        place = found + len(part)
    return True


def _regex(pattern: str) -> str:
    return ".*".join(re.escape(part) for part in pattern.split(ANY))


def state_at(as_of: datetime, begins: datetime | None, until: datetime | None) -> State:
    """Tell the state at a moment; None of `begins` and `until` bounds nothing."""
    if begins is not None and as_of < begins:
        return State.NOT_YET
    if until is not None and as_of >= until + timedelta(seconds=1):
        return State.ENDED
    return State.ACTIVE


def read_entries(path: Path, entry: str, shape: type[T]) -> tuple[list[tuple[int, T]], ProblemList]:
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


def refuse(problems: ProblemList) -> None:
    """Raise RigErrors with all that was noted, if anything was."""
    if problems.found:
        raise errors_of(problems.found)


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


Pattern = Annotated[str, PlainValidator(lambda value: _text(value, 1, PATTERN_MAX))]
SubjectPattern = Annotated[str, PlainValidator(lambda value: _text(value, 0, PATTERN_MAX))]  # '' is the whole asset
FindingId = Annotated[str, PlainValidator(lambda value: _text(value, 3, 4_000))]
Words = Annotated[str, PlainValidator(lambda value: _text(value, 1, WORDS_MAX, "\n\t"))]
Begin = Annotated[datetime, PlainValidator(lambda value: _moment(value, last=False))]
End = Annotated[datetime, PlainValidator(lambda value: _moment(value, last=True))]

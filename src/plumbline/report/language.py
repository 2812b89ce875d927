"""The languages of reports: texts of ours said again in another one; numbers, dates and lists as it writes them.

Not the words themselves: English ones stand where they are used, others in `languages/`, by the English. Rules: English is what a text is
known by, so that a changed one is missing in other languages rather than wrong; what is missing is said in English, and the report tells
how much of it; a placeholder is `%(name)s`, and a percent sign is written twice.

    languages/<code>.toml          how the language writes numbers and dates, and what templates and Python code of reports say
    languages/<code>.checks.toml   what checks say: titles, recommendations and the like
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from plumbline.model.errors import InputError, InternalError
from plumbline.report import text
from plumbline.report.message import filled

FOLDER = Path(__file__).with_name("languages")
FALLBACK = "en"
Forms = tuple[str, ...]


class Said(str):
    """A text of ours, in English, that remembers how it was made: `Language.say` says it in another language.

    It is a plain `str` to everybody else, so that a view may hold it and programs read English.
    """

    __slots__ = ("many", "number", "one", "values")
    one: str
    many: str
    number: int | None
    values: Mapping[str, Any]


def told(one: str, /, **values: Any) -> Said:
    """Say a text of ours, with its placeholders filled."""
    return _said(one, "", None, values)


def counted(one: str, many: str, count: int, /, **values: Any) -> Said:
    """Say a text of ours about a number of things, which is `%(num)s` in it."""
    return _said(one, many, count, {"num": count, **values})


def worded(template: str, values: Mapping[str, Any]) -> Said:
    """Say a check's message from its template, which other languages have among what checks say."""
    said = Said(filled(template, values))
    said.one, said.many, said.number, said.values = template, "", None, values
    return said


def reworded(finding: Mapping[str, Any], template: str | None) -> str:
    """Give the message of an assessment's finding, so that other languages can say it where the template is the one that made it."""
    message: str = finding["message"].strip()
    if template is None:
        return message
    again = worded(template, {**finding["detail"], "asset": finding["asset"], "subject": finding["subject"]})
    return again if again == message else message


def _said(one: str, many: str, count: int | None, values: Mapping[str, Any]) -> Said:
    said = Said(english().fill(one if count is None or count == 1 else many, values))
    said.one, said.many, said.number, said.values = one, many, count, values
    return said


@dataclass(frozen=True, slots=True)
class Language:
    """One language: `texts` gives by the English of one thing the forms for one and for several; `checks` what checks say.

    `day` and `moment` are patterns over day, month, year and time; `months` are whole, `months_short` for tables.
    """

    code: str
    name: str
    thousands: str
    decimal: str
    conjunction: str
    day_pattern: str
    moment_pattern: str
    months: tuple[str, ...]
    months_short: tuple[str, ...]
    texts: Mapping[str, Forms]
    checks: Mapping[str, str]

    def gettext(self, one: str, /, **values: Any) -> str:
        """Say a text with its placeholders filled."""
        return self.fill(self._form(one, one, None), values)

    def ngettext(self, one: str, many: str, count: int, /, **values: Any) -> str:
        """Say a text about a number of things, which is `%(num)s` in it."""
        return self.fill(self._form(one, many, count), {"num": count, **values})

    def markup(self, one: str, many: str, count: int | None, /, **values: Any) -> Markup:
        """Say a text of a template, which may hold tags; what is filled in is made visible and escaped."""
        filled = {"num": count, **values}
        # The texts are ours, out of templates and catalogues; only the values come from elsewhere.
        return Markup(self._form(one, many, count)) % {name: self._visible(value) for name, value in filled.items()}

    def say(self, value: str) -> str:
        """Say a text that remembers how it was made; any other stays as it is."""
        if isinstance(value, Said) and value.one in self.checks:
            return filled(self.checks[value.one], value.values)
        if isinstance(value, Said) and value.one in self.texts:
            return self.fill(self._form(value.one, value.many, value.number), value.values)
        return str(value)

    def has(self, value: str) -> bool:
        """Tell whether a text can be said in this language."""
        return isinstance(value, Said) and (value.one in self.checks or value.one in self.texts)

    def fill(self, form: str, values: Mapping[str, Any]) -> str:
        """Fill placeholders: numbers, times and lists as this language writes them."""
        return form % {name: self.shown(value) for name, value in values.items()}

    def shown(self, value: Any) -> str:
        """Write one value."""
        if isinstance(value, bool):
            return self.gettext("yes") if value else self.gettext("no")
        if isinstance(value, int):
            return self.number(value)
        if isinstance(value, datetime):
            return self.when(value)
        if isinstance(value, list | tuple):
            return self.joined([self.shown(item) for item in value])
        return self.say(str(value) if not isinstance(value, str) else value)

    def number(self, value: int) -> str:
        """Write 12345 as 12,345 or as the language does."""
        return self._digits(text.number(value))

    def size(self, count: int) -> str:
        """Write a count of bytes."""
        return self.ngettext("%(num)s byte", "%(num)s bytes", count) if count < 1000 else self._digits(text.size(count))

    def decimals(self, value: float) -> str:
        """Write a number with one decimal."""
        return self._digits(f"{value:.1f}")

    def when(self, moment: datetime | None) -> str:
        """Write a time in UTC to the minute."""
        return self._moment(self.moment_pattern, self.months_short, moment)

    def day(self, moment: datetime | None) -> str:
        """Write a date in UTC."""
        return self._moment(self.day_pattern, self.months, moment)

    def joined(self, words: list[str]) -> str:
        """Write a list as prose: `a, b and c`."""
        return f"{', '.join(words[:-1])} {self.conjunction} {words[-1]}" if len(words) > 1 else "".join(words)

    def clip(self, words: str, limit: int = text.CLIP) -> str:
        """Cut a long text and say how much is left out."""
        whole = self.say(words)
        rest = len(whole) - limit
        if rest <= 0:
            return whole
        return f"{whole[:limit]}… " + self.ngettext("(%(num)s more character)", "(%(num)s more characters)", rest)

    def lasted(self, start: datetime, end: datetime) -> str:
        """Write how long something took."""
        seconds = max(0, round((end - start).total_seconds()))
        if seconds < 60:
            return self.ngettext("%(num)s second", "%(num)s seconds", seconds) if seconds else self.gettext("less than a second")
        minutes = seconds // 60
        if minutes < 120:
            return self.ngettext("%(num)s minute", "%(num)s minutes", minutes)
        return self.gettext("%(hours)s h %(minutes)s min", hours=minutes // 60, minutes=minutes % 60)

    def _form(self, one: str, many: str, count: int | None) -> str:
        forms = self.texts.get(one, (one, many))
        # Both languages that there are have one form for 1 and one for all else; a language with more brings its rule here.
        return forms[0] if count is None or count == 1 else forms[-1]

    def _visible(self, value: Any) -> Any:
        return value if isinstance(value, Markup) else text.visible(self.shown(value))

    def _digits(self, english_digits: str) -> str:
        return english_digits.translate({ord(","): self.thousands, ord("."): self.decimal})

    def _moment(self, pattern: str, months: tuple[str, ...], moment: datetime | None) -> str:
        if moment is None:
            return self.gettext("not known")
        at = moment.astimezone(UTC)
        return pattern.format(day=at.day, month=months[at.month - 1], year=at.year, time=f"{at:%H:%M}")


@cache
def english() -> Language:
    """English: what every text is written in."""
    return _read(FALLBACK)


@cache
def language(code: str) -> Language:
    """Give a language by its code; raises InputError for one that there is not."""
    if code not in codes():
        raise InputError(f"reports are not written in {code!r}", where="--language", remedy=f"choose from {', '.join(codes())}")
    return english() if code == FALLBACK else _read(code)


@cache
def codes() -> tuple[str, ...]:
    """The codes of all languages, English first."""
    found = sorted(path.stem for path in FOLDER.glob("*.toml") if "." not in path.stem)
    return (FALLBACK, *(code for code in found if code != FALLBACK))


def _read(code: str) -> Language:
    """Read a language of ours; raises InternalError when it is not well formed."""
    path = FOLDER / f"{code}.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        beside = path.with_suffix(".checks.toml")
        checks = tomllib.loads(beside.read_text(encoding="utf-8")) if beside.exists() else {}
        about = data["language"]
        return Language(
            code=code,
            name=about["name"],
            thousands=about["thousands"],
            decimal=about["decimal"],
            conjunction=about["conjunction"],
            day_pattern=about["day"],
            moment_pattern=about["moment"],
            months=tuple(about["months"]),
            months_short=tuple(about["months_short"]),
            texts={one: (said,) if isinstance(said, str) else tuple(said) for one, said in data.get("texts", {}).items()},
            checks=checks.get("texts", {}),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InternalError(f"{path}: not a language: {error!r}") from error

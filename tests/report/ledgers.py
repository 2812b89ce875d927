"""Assessments that never were: evidence of every table, made by chance, of hostile words and every kind of value, and judged for real.

So every check has its say, with all verdicts, reasons and bases, and OUT is what `assess` writes. `cases` is a Hypothesis strategy; a case
is small to print and is written anew by `write`, whose result depends on nothing else.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from plumbline.assess.run import assess
from plumbline.evidence.bundle import Batch, BundleWriter, SuppliedFile
from plumbline.evidence.specs import ColumnSpec, TableSpec, load_tables
from plumbline.model.words import EntityKind, Outcome

NOW = datetime(2026, 11, 21, 2, 58, tzinfo=UTC)
FILE_NAME = "=cam <b>\u202e [1].bin"  # what a customer may call a file
HOSTILE = (
    "",
    " ",
    "=cmd|' /C calc'!A0",
    "+1-2@SUM(A1)",
    "\t=1\r\n",
    "<script>alert(1)</script>\"'>&amp;]]><!--",
    "\u202egnp.exe\u2066\u200b",
    "\x1b[31m\x07\x08\x0b\x7f\x9b",
    "{{7*7}}{0}${x}%s%n{% raw %}",
    "[press](javascript:alert(1)) ![](http://203.0.113.9/x)",
    "café ünï \U0001f4f7\U0001f468\u200d\U0001f469 العربية 日本語",
    "line one\nline two\u2028three\u2029",
    "a|b||c\\|d;e,f",
    "Z\u0301\u0302\u0303\u0304\u0305\u0306\u0307",
    "\ufeff\ufffe\uffff",
    "x" * 10_000,
)
# What people wrote of findings, in words that are as hostile as their files allow.
WAIVERS = """
[[waiver]]
id = "w-1"
check = "device.*"
subject = "*1883*"
owner = "=1+1 <b>{0}"
reason = "]]> [x](y)\\n=2"
from = 2026-01-01
until = 2027-01-01
[[waiver]]
id = "w-2"
check = "*"
asset = "*10.20.1.1*"
owner = "Ended"
reason = "Ended"
from = 2025-01-01
until = 2025-12-31
"""
REVIEWS = """
[[review]]
check = "gateway.*"
action = "false_positive"
who = "@SUM(A1)"
why = "-1\\n<script>"
until = 2027-01-01
[[review]]
check = "cloud.*"
action = "rate"
severity = "low"
who = "A. Smith"
why = "Seen."
until = 2027-01-01
"""


@dataclass(frozen=True)
class Case:
    """What an assessment is made of: chance, how many assets of each kind, rows of a table for each, and the words that things say."""

    seed: int
    assets: int = 3
    rows: int = 1
    words: tuple[str, ...] = HOSTILE
    complete: bool = True

    def write(self, out: Path) -> Path:
        """Collect into OUT/bundle and judge into OUT."""
        collected(self, out / "bundle")
        waivers, reviews = out / "waivers.toml", out / "review.toml"
        waivers.write_text(WAIVERS, encoding="utf-8")
        reviews.write_text(REVIEWS, encoding="utf-8")
        assess([out / "bundle"], out, waivers=waivers, reviews=reviews)
        return out


def cases() -> st.SearchStrategy[Case]:
    """Give cases of few assets, whose words are hostile or any text at all."""
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
    words = st.lists(text | st.sampled_from(HOSTILE), min_size=1, max_size=12).map(tuple)
    return st.builds(
        Case,
        seed=st.integers(0, 2**32),
        assets=st.integers(0, 4),
        rows=st.integers(0, 3),
        words=words | st.just(HOSTILE),
        complete=st.booleans(),
    )


def collected(case: Case, path: Path) -> Path:
    """Write the bundle of a case."""
    chance = random.Random(case.seed)
    word = _Words(chance, case.words)
    rig = {"id": "by-chance", "name": word.any(), "owner": word.any(), "sha256": "ab" * 32}
    allowed = {"reference": word.any(), "granted_by": word.any(), "valid_from": None, "valid_until": None, "intrusion": "session"}
    header = {"rig": rig, "authorisation": {**allowed, "networks": ["10.20.0.0/16"], "signed_by": None}, "parameters": {}}
    writer = BundleWriter.create(path, rig_text="[rig]\n", header=header, now=NOW)
    file = path.parent / FILE_NAME
    file.write_bytes(b"firmware")
    supplied = writer.supplied(file)
    for name, spec in load_tables().items():
        if spec.derived is None:
            with writer.batch() as batch:
                _fill(batch, name, spec, case, word, supplied)
    notes = [] if case.complete else [word.any()]
    writer.finish(ended_at=NOW + timedelta(minutes=42), complete=case.complete, notes=notes)
    return path


@dataclass
class _Words:
    """Values by chance."""

    chance: random.Random
    words: tuple[str, ...]

    def any(self) -> str:
        return self.chance.choice(self.words)

    def time(self) -> datetime:
        return NOW + timedelta(days=self.chance.randint(-2000, 2000))

    def entity(self, kind: EntityKind, number: int) -> str:
        own = f"10.20.1.{number + 1}" if kind in (EntityKind.HOST, EntityKind.STATION) else f"{kind.value}-{number}"
        return f"{kind.value}:by-chance/{own}" if kind is not EntityKind.RIG else "rig:/by-chance"

    def value(self, column: ColumnSpec) -> Any:
        chance = self.chance
        if chance.random() < 0.25 and column.null != "never null":
            return None
        if column.identifies == "address":
            return f"10.20.1.{chance.randint(1, 9)}"
        values = {
            "text": self.any,
            "int": lambda: chance.choice((0, 1, 22, 1883, 2**31, -1)),
            "boolean": lambda: chance.random() < 0.5,
            "float": lambda: chance.choice((0.0, 0.5, 9.8)),
            "timestamp": self.time,
            "list<text>": lambda: [self.any() for _ in range(chance.randint(0, 3))],
        }
        return values[column.type]()


def _fill(batch: Batch, name: str, spec: TableSpec, case: Case, word: _Words, supplied: SuppliedFile) -> None:
    """Write rows of one table, and attempts that came to anything at all; some assets were not looked at."""
    for number in range(case.assets):
        entity = word.entity(word.chance.choice(spec.row_kinds), number)
        for subject in _subjects(case, word):
            raw = word.chance.choice((None, supplied.at(word.chance.randint(0, 9999))))
            columns = {column.name: word.value(column) for column in spec.columns.values()}
            batch.row(name, entity, subject, observed_at=word.time(), raw=raw, permit=None, **columns)
            _cover(batch, word.entity(word.chance.choice(spec.kinds), number), name, subject, word)


def _subjects(case: Case, word: _Words) -> Iterator[str]:
    yield from dict.fromkeys(word.chance.choice(("", "tcp/1883", word.any())) for _ in range(case.rows))


def _cover(batch: Batch, entity: str, table: str, subject: str, word: _Words) -> None:
    if word.chance.random() < 0.8:
        outcome = word.chance.choice((Outcome.OK, Outcome.OK, Outcome.OK, *Outcome))
        detail = word.chance.choice((None, word.any()))
        batch.coverage(entity, table, subject, outcome=outcome, rows=1, started_at=NOW, ended_at=NOW, detail=detail)

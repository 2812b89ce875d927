"""How the findings of one rig went over many audits: what came, what was closed, how long it stayed open.

Each audit is compared with the one before it (`changes`); a finding's age counts from the audit that saw it first, and goes on while it is
open, moved, unreachable or not judged, for none of these closes it. Nor does it help to ask twice with other parameters: what waits is
closed by the question that found it. Days are those between the times as of which the audits were judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from plumbline.assess.assessment import read_json
from plumbline.assess.changes import CLOSED, STILL_WRONG, Became, Side, check_pair, collected, side_of
from plumbline.assess.changing import Asked, Key, asked_in, define_changes
from plumbline.assess.digest import ledger_files, readable
from plumbline.assess.identity import Known, read_identity
from plumbline.checks.registry import load_registry
from plumbline.evidence.engine import connect, file_list
from plumbline.model.errors import InputError
from plumbline.model.words import Severity


@dataclass(frozen=True, slots=True)
class Point:
    """One audit in the row: what it found, and what became of what the one before it found (None for the first).

    `waiting` are findings of earlier audits that this one could not judge; `open_days` is the median age of what is open or waiting,
    `closed_days` that of what was closed here; None where there is none.
    """

    out: Path
    as_of: datetime
    findings: int
    severities: Mapping[Severity, int]
    inconclusive: int
    counts: Mapping[Became, int] | None
    waiting: int
    open_days: float | None
    closed_days: float | None

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {name: getattr(self, name) for name in self.__slots__} | {"out": str(self.out), "as_of": self.as_of.isoformat()}


def trend(outs: Sequence[Path]) -> tuple[Point, ...]:
    """Follow the findings of one rig through its audits, given in any order.

    Raises InputError as `compare` does, for fewer than two, or for one that is named twice.
    """
    if len(outs) < 2:
        raise InputError("a trend needs at least two audits", where="OUT", remedy="name the folders that `assess` wrote")
    places = set[Path]()
    for out in outs:
        if (place := out.resolve()) in places:
            raise InputError("is named twice", where=str(out), remedy="name each audit once")
        places.add(place)
    audits = sorted((_read(out) for out in outs), key=lambda audit: (audit.side.as_of, collected(audit.said)))
    life = _first(audits[0])
    points = [_point(audits[0], None, life, [])]
    for old, new in pairwise(audits):
        check_pair(old.said, new.said, old.out, new.out)
        counts, life, closed = _step(old, new, life)
        points.append(_point(new, counts, life, closed))
    return tuple(points)


@dataclass(frozen=True, slots=True)
class _Audit:
    out: Path
    said: Mapping[str, Any]
    side: Side


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A finding that could not be judged since it was found: when it was first seen, and with which parameters it was found last."""

    first: datetime
    asked: Asked


@dataclass(frozen=True, slots=True)
class _Life:
    """Findings that are not closed, those that fail with the time when each was first seen, and what is known of all their assets."""

    failing: Mapping[Key, datetime]
    waiting: Mapping[Key, _Waiting]
    known: Known


def _read(out: Path) -> _Audit:
    said = read_json(out)
    return _Audit(out, said, side_of(said, out))


def _first(audit: _Audit) -> _Life:
    with connect() as connection, readable(audit.out / "ledger.parquet"):
        files = file_list(ledger_files(audit.out / "ledger.parquet"))
        rows = connection.execute(f"select \"check\", asset, subject from read_parquet([{files}]) where verdict = 'fail'").fetchall()
    aliases = load_registry().aliases
    seen = {(aliases.get(check, check), asset, subject): audit.side.as_of for check, asset, subject in rows}
    return _Life(seen, {}, read_identity(audit.out))


def _step(old: _Audit, new: _Audit, life: _Life) -> tuple[Mapping[Became, int], _Life, list[float]]:
    """Go from one audit to the next: the counts of words, what is not closed now, and the ages in days of what was closed."""
    since = {**{key: one.first for key, one in life.waiting.items()}, **life.failing}
    before, known = asked_in(old.said), dict(read_identity(new.out))
    with connect() as connection:
        define_changes(connection, old.out, new.out, old.said, new.said, {key: one.asked for key, one in life.waiting.items()}, life.known)
        rows = connection.execute('select "check", asset, subject, new_asset, new_subject, word from change').fetchall()
    counts: dict[Became, int] = dict.fromkeys(Became, 0)
    failing: dict[Key, datetime] = {}
    waiting: dict[Key, _Waiting] = {}
    closed: list[float] = []
    unseen: dict[str, str] = {}
    for check, asset, subject, new_asset, new_subject, name in rows:
        word = Became(name)
        counts[word] += 1
        first = since.get((check, asset, subject), new.side.as_of)
        if word in CLOSED:
            closed.append(_days(first, new.side.as_of))
        elif word in STILL_WRONG:
            key = check, new_asset or asset, new_subject or subject
            failing[key] = min(first, failing.get(key, first))
        else:
            # Of an asset that was not seen the name may be another's by now.
            here = new_asset or unseen.setdefault(asset, f"{asset} until {old.side.as_of.isoformat()}" if asset in known else asset)
            waited = life.waiting.get((check, asset, subject))
            waiting[check, here, new_subject or subject] = _Waiting(first, waited.asked if waited is not None else before.get(check))
    known |= {here: life.known[asset] for asset, here in unseen.items() if asset in life.known}
    return counts, _Life(failing, waiting, known), closed


def _point(audit: _Audit, counts: Mapping[Became, int] | None, life: _Life, closed: Sequence[float]) -> Point:
    firsts = (*life.failing.values(), *(one.first for one in life.waiting.values()))
    ages = [_days(first, audit.side.as_of) for first in firsts]
    return Point(
        out=audit.out,
        as_of=audit.side.as_of,
        findings=len(life.failing),
        severities={Severity(word): int(count) for word, count in audit.said["severities"].items()},
        inconclusive=int(audit.said["counts"]["inconclusive"]),
        counts=counts,
        waiting=len(life.waiting),
        open_days=median(ages) if ages else None,
        closed_days=median(closed) if closed else None,
    )


def _days(first: datetime, last: datetime) -> float:
    return (last - first).total_seconds() / 86_400

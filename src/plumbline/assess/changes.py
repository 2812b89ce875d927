"""What became of findings between two audits of one rig.

Not how an asset is found again (`identity`), nor the SQL (`changing`), nor how it is told (reports).

    was                     is now                                                        word
    fail                    pass, by the same check on the same subject                   fixed
    fail                    fail                                                          open
    fail                    fail, under another asset id or at another subject            moved
    fail                    shown not to be there: closed port, does not apply,
                            identity deleted, another device in its place                 gone
    fail                    timeout or unreachable, or an asset that answered nothing     unreachable
    fail, pass              inconclusive for another reason, or nobody looked, or it      not_judged
                            cannot be told which device it is now
    pass                    fail                                                          regressed
    inconclusive, no row    fail; of an asset that was known, or a check that is new      newly_judged
    not there               fail                                                          new

Rules: silence fixes nothing: only a pass by the same check (or the one that took its id over), with the same parameters, on the same
subject of the same asset is `fixed`. `gone` needs evidence of absence as well: coverage that is ok (`looked`; for a port also that it is
closed, or that something else speaks there), or hardware identifiers of another device. What moved to another subject is told only where
one finding of a check left an asset and one came to it, and the old place was seen empty. Counts are exact; listed are the first
CHANGES_LISTED, worst first.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from plumbline.assess.assessment import read_json
from plumbline.assess.changing import count_lost_and_gained, define_changes
from plumbline.checks.registry import load_registry
from plumbline.checks.severity import base_score
from plumbline.evidence.engine import Connection, connect, literal
from plumbline.evidence.parts import atomic
from plumbline.model.entities import Entity
from plumbline.model.errors import InputError
from plumbline.model.words import EntityKind, Severity

CHANGES_LISTED = 5_000
FILE = "changes.json"
FORMAT = 1


class Became(StrEnum):
    """What became of a finding; the table above says when."""

    REGRESSED = "regressed"
    NEW = "new"
    NEWLY_JUDGED = "newly_judged"
    OPEN = "open"
    MOVED = "moved"
    UNREACHABLE = "unreachable"
    NOT_JUDGED = "not_judged"
    GONE = "gone"
    FIXED = "fixed"


CAME = (Became.REGRESSED, Became.NEW, Became.NEWLY_JUDGED)  # findings that the earlier audit had not
STILL_WRONG = (*CAME, Became.OPEN, Became.MOVED)
CLOSED = (Became.FIXED, Became.GONE)


@dataclass(frozen=True, slots=True)
class Change:
    """One finding of either audit. `finding` is its id in the earlier one, or in the later where it was none before.

    `new_asset` and `new_subject` are what it is about now, None where there is nothing; `why` is the reason of a verdict, or a word of
    ours: absent, does_not_apply, replaced, no_answer, not_looked_at, check_unknown, other_parameters, unclear. `by` is the identifier by
    which an asset of another id was found again.
    """

    finding: str
    check: str
    title: str
    asset: str
    asset_name: str
    subject: str
    severity: Severity
    word: Became
    old_verdict: str | None
    new_verdict: str | None
    why: str | None
    new_asset: str | None
    new_subject: str | None
    by: str | None


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two audits."""

    as_of: datetime
    ledger_digest: str
    rig_name: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of the findings: exact counts, and the first of them, worst first.

    `lost` counts passes that are inconclusive or unseen now, `gained` what was inconclusive and passes now.
    """

    rig: str
    old: Side
    new: Side
    counts: Mapping[Became, int]
    severities: Mapping[Became, Mapping[Severity, int]]
    lost: int
    gained: int
    changes: tuple[Change, ...]

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values, the form of changes.json."""
        return {
            "format": FORMAT,
            "rig": self.rig,
            **{
                name: {"as_of": _iso(side.as_of), "ledger_digest": side.ledger_digest, "rig_name": side.rig_name}
                for name, side in self._sides()
            },
            "counts": dict(self.counts),
            "severities": {word: dict(counts) for word, counts in self.severities.items()},
            "lost": self.lost,
            "gained": self.gained,
            "changes": [{name: getattr(change, name) for name in Change.__slots__} for change in self.changes],
        }

    def _sides(self) -> Sequence[tuple[str, Side]]:
        return ("old", self.old), ("new", self.new)

    def at_least(self, severity: Severity, words: Collection[Became]) -> int:
        """Count the findings of some words, at or above a severity."""
        return sum(count for word in words for rated, count in self.severities.get(word, {}).items() if rated.rank >= severity.rank)

    def write(self, out: Path) -> Path:
        """Write OUT/changes.json, whole or not at all."""
        path = out / FILE
        with atomic(path) as temporary:
            temporary.write_text(json.dumps(self.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
        return path


def read_changes(out: Path) -> Changes | None:
    """Read OUT/changes.json; None when there is none. Raises InputError when it is none of ours."""
    path = out / FILE
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path), remedy="compare the two audits again") from error
    try:
        sides = {
            name: Side(datetime.fromisoformat(said[name]["as_of"]), said[name]["ledger_digest"], said[name]["rig_name"])
            for name in ("old", "new")
        }
        return Changes(
            said["rig"],
            sides["old"],
            sides["new"],
            {Became(word): int(count) for word, count in said["counts"].items()},
            {Became(word): {Severity(name): int(count) for name, count in counts.items()} for word, counts in said["severities"].items()},
            int(said["lost"]),
            int(said["gained"]),
            tuple(Change(**{**entry, "severity": Severity(entry["severity"]), "word": Became(entry["word"])}) for entry in said["changes"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"not of the form that this release reads ({error!r})", where=str(path), remedy="compare the two audits again"
        ) from error


def compare(old: Path, new: Path) -> Changes:
    """Compare two assessments of one rig, the earlier first.

    Raises InputError when either is none of ours, they are of different rigs, or the second was collected or judged as of an earlier time.
    """
    before, after = read_json(old), read_json(new)
    sides = side_of(before, old), side_of(after, new)
    check_pair(before, after, old, new)
    with connect() as connection:
        define_changes(connection, old, new, before, after)
        return _told(connection, before, after, sides)


_SCORED = '(select c.*, s.score from change c join score s on s."check" = c."check" and s.cvss is not distinct from c.cvss)'


def _told(connection: Connection, before: Mapping[str, Any], after: Mapping[str, Any], sides: tuple[Side, Side]) -> Changes:
    checks = {check["id"]: check for said in (before, after) for check in said["checks"]}
    aliases = load_registry().aliases
    checks |= {aliases[name]: check for name, check in checks.items() if name in aliases}
    scores = connection.execute('select distinct "check", cvss from change').fetchall()
    _define_scores(connection, [(check, cvss, base_score(cvss or checks[check]["cvss"])) for check, cvss in scores])
    counts: dict[Became, int] = dict.fromkeys(Became, 0)
    severities: dict[Became, dict[Severity, int]] = {}
    for word, score, count in connection.execute(f"select word, score, count(*) from {_SCORED} group by all").fetchall():
        became, severity = Became(word), Severity.of_score(score)
        counts[became] += count
        of_word = severities.setdefault(became, {})
        of_word[severity] = of_word.get(severity, 0) + count
    names = {asset["id"]: asset["name"] for said in (before, after) for asset in said["assets"]}
    order = " ".join(f"when {literal(word)} then {number}" for number, word in enumerate(Became))
    rows = connection.execute(
        'select "check", asset, subject, score, word, old_verdict, new_verdict, why, new_asset, new_subject, through'
        f' from {_SCORED} order by case word {order} end, score desc, "check", asset, subject limit {CHANGES_LISTED}'
    ).fetchall()
    lost, gained = count_lost_and_gained(connection)
    return Changes(
        rig=str(before["rig"].get("id", "")),
        old=sides[0],
        new=sides[1],
        counts=counts,
        severities={word: dict(sorted(found.items(), key=lambda item: -item[0].rank)) for word, found in sorted(severities.items())},
        lost=lost,
        gained=gained,
        changes=tuple(_change(row, checks, names) for row in rows),
    )


def _define_scores(connection: Connection, rows: Sequence[tuple[str, str | None, float]]) -> None:
    connection.execute('create or replace temp table score ("check" varchar, cvss varchar, score double)')
    if rows:
        connection.execute("insert into score select unnest(?), unnest(?), unnest(?)", [list(column) for column in zip(*rows, strict=True)])


def _change(row: Sequence[Any], checks: Mapping[str, Any], names: Mapping[str, str]) -> Change:
    check, asset, subject, score, word, old_verdict, new_verdict, why, new_asset, new_subject, by = row
    name = names.get(asset) or asset.partition("/")[2] or asset
    return Change(
        finding=f"{check}|{asset}|{subject}",
        check=check,
        title=checks[check]["title"],
        asset=asset,
        asset_name=name,
        subject=subject,
        severity=Severity.of_score(score),
        word=Became(word),
        old_verdict=old_verdict,
        new_verdict=new_verdict,
        why=why,
        new_asset=new_asset,
        new_subject=new_subject,
        by=by,
    )


_EARLIER_FIRST = "name the earlier audit first"


def check_pair(before: Mapping[str, Any], after: Mapping[str, Any], old: Path, new: Path) -> None:
    """Raise InputError where two assessments, read as JSON, are of different rigs, or the second tells of an earlier time."""
    if before["rig"].get("id") != after["rig"].get("id"):
        raise InputError(
            f"is of the rig {after['rig'].get('id')!r}, and {old} of {before['rig'].get('id')!r}",
            where=str(new),
            remedy="compare audits of one rig",
        )
    ours, theirs = side_of(before, old).as_of, side_of(after, new).as_of
    was, now = collected(before), collected(after)
    if theirs < ours:
        again = f"assess its bundles, which are the later ones, again as of {ours.isoformat()} or later"
        raise InputError(f"was judged as of an earlier time than {old}", where=str(new), remedy=again if now > was else _EARLIER_FIRST)
    if now < was:  # whatever it was judged as of: what was seen before shows nothing to be mended since
        again = f"assess the bundles of {old}, which are the later ones, again as of {theirs.isoformat()} or later, and name it second"
        raise InputError(f"was collected at an earlier time than {old}", where=str(new), remedy=again if theirs > ours else _EARLIER_FIRST)


def collected(said: Mapping[str, Any]) -> datetime:
    """Say when the last of its evidence was collected."""
    return max(datetime.fromisoformat(session["ended_at"] or session["started_at"]) for session in said["sessions"])


def side_of(said: Mapping[str, Any], out: Path) -> Side:
    """Say which audit an assessment is; raises InputError when it is none of ours."""
    try:
        side = Side(datetime.fromisoformat(said["as_of"]), said["ledger_digest"], str(said["rig"].get("name") or said["rig"].get("id", "")))
        _check_form(said, side)
        return side
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"not of the form that this release reads ({error!r})", where=str(out), remedy="assess its bundles again"
        ) from error


def _check_form(said: Mapping[str, Any], side: Side) -> None:
    """Raise ValueError, KeyError or TypeError where an assessment lacks something that a comparison reads."""
    if side.as_of.utcoffset() is None:
        raise ValueError(f"{said['as_of']} has no time zone")
    if collected(said).utcoffset() is None:
        raise ValueError("a session has no time zone")
    for name, members in _READ.items():
        for entry in said[name]:
            for member in members:
                entry[member]
    for asset in said["assets"]:
        if EntityKind.NETWORK.value in asset["kinds"]:
            Entity.parse(asset["id"])


_READ = {"checks": ("id", "title", "cvss", "subjects"), "assets": ("id", "name", "kinds"), "unjudged_sources": ("entity",)}


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")

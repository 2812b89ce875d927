"""Whether the parts that the customer had made were done right: what was judged of each, gathered from the verdicts on it.

A part is found in the evidence by what the rig file says that it is: an image by its path, an edge module by its name on every gateway
that runs it. Not a judgement of its own. Rules: a part of which nothing was judged says so; lists are samples beside exact counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from plumbline.evidence.engine import Connection, file_list
from plumbline.model.words import Severity, Verdict
from plumbline.report.data import CheckResult, CustomFinding, CustomPart, CustomUnjudged
from plumbline.report.language import reworded
from plumbline.report.tally import Tally

PARTS_MAX = 60
LISTED = 12
_TARGETS = pa.schema([("name", pa.string()), ("asset", pa.string()), ("subject", pa.string())])

Verdicts = Mapping[tuple[str, str, str], Mapping[str, Any]]
"""Findings as the assessment words them, by check, asset and subject."""


def customs(
    connection: Connection,
    ledger: Sequence[Path],
    checks: Sequence[CheckResult],
    said: Mapping[str, Any],
    whose: Mapping[str, str],
    templates: Mapping[str, str],
) -> tuple[tuple[CustomPart, ...], int]:
    """Gather the custom parts, in the order of their names, the first PARTS_MAX, and their number.

    `whose` gives the asset of an entity, `templates` the messages of checks for another language; none for English.
    """
    parts = _parts(connection)
    shown = dict(list(parts.items())[:PARTS_MAX])
    names = {entry["id"]: entry["name"] for entry in said["assets"]}
    targets = [
        {"name": name, "asset": whose.get(entity, entity), "subject": subject}
        for name, entity, subject in _found(connection)
        if name in shown
    ]
    connection.register("target", pa.Table.from_pylist(targets, schema=_TARGETS))
    by_part: dict[str, list[tuple[Any, ...]]] = {name: [] for name in shown}
    for name, *row in _verdicts(connection, ledger):
        by_part[name].append(tuple(row))
    words = {(one["check"], one["asset"], one["subject"]): one for one in said["findings"]}
    of = {check.id: check for check in checks}
    places = {name: sorted({names.get(t["asset"], t["asset"]) for t in targets if t["name"] == name}) for name in shown}
    found = (_part(name, what, places[name], _Words(of, words, names, templates), by_part[name]) for name, what in shown.items())
    return tuple(found), len(parts)


def _parts(connection: Connection) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Give kind and pieces of each part by its name."""
    rows = connection.execute(
        "select name, min(kind), list(distinct coalesce(path, module) order by coalesce(path, module)) from base.custom_part"
        " group by name order by name"
    ).fetchall()
    return {name: (kind, tuple(pieces)) for name, kind, pieces in rows}


def _found(connection: Connection) -> list[tuple[str, str, str]]:
    """Give name, entity and subject under which each part was seen, or looked for."""
    rows = connection.execute(
        """
        select p.name, i.entity, '' from base.custom_part p join base.image i on i.path = p.path
        union select p.name, c.entity, '' from base.custom_part p
          join base.coverage c on c."table" = 'image' and c.entity in ('image:/' || p.path, 'image:/' || regexp_extract(p.path, '[^/]*$'))
        union select p.name, m.entity, m.subject from base.custom_part p join base.edge_module m on m.name = p.module
        order by all
        """
    ).fetchall()
    return [(name, entity, subject) for name, entity, subject in rows]


def _verdicts(connection: Connection, ledger: Sequence[Path]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = connection.execute(
        f"""
        select distinct t.name, l."check", l.asset, l.subject, l.verdict, l.reason
        from target t join read_parquet([{file_list(ledger)}]) l
          on l.asset = t.asset and (t.subject = '' or l.subject = t.subject or starts_with(l.subject, t.subject || '/'))
        order by all
        """
    ).fetchall()
    return found


@dataclass(frozen=True, slots=True)
class _Words:
    """What verdicts are told with."""

    checks: Mapping[str, CheckResult]
    findings: Verdicts
    names: Mapping[str, str]
    templates: Mapping[str, str]


def _part(
    name: str, what: tuple[str, tuple[str, ...]], places: Sequence[str], words: _Words, verdicts: Sequence[tuple[Any, ...]]
) -> CustomPart:
    """Put together what was judged of one part; what is wrong, or was not judged, on one of several gateways is not proven."""
    of = {verdict: [row for row in verdicts if row[3] == verdict.value] for verdict in Verdict}
    wrong = {check for check, *_ in of[Verdict.FAIL]}
    passed = sorted({check for check, *_ in of[Verdict.PASS]} - wrong - {check for check, *_ in of[Verdict.INCONCLUSIVE]})
    unsure = sorted({(reason or "", check) for check, _, _, _, reason in of[Verdict.INCONCLUSIVE]})
    findings = [_finding(check, asset, subject, words) for check, asset, subject, *_ in of[Verdict.FAIL]]
    order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE)
    return CustomPart(
        name=name,
        kind=what[0],
        pieces=what[1][:LISTED],
        pieces_count=len(what[1]),
        places=tuple(places[:LISTED]),
        places_count=len(places),
        tally=Tally(*(len(of[verdict]) for verdict in order)),
        findings=tuple(sorted(findings, key=lambda one: (-one.severity.rank, one.check, one.asset_name, one.subject))[:LISTED]),
        proven=tuple(words.checks[check].pass_proves for check in passed[:LISTED]),
        proven_count=len(passed),
        unjudged=tuple(CustomUnjudged(words.checks[check].title, reason) for reason, check in unsure[:LISTED]),
        unjudged_count=len(unsure),
    )


def _finding(check: str, asset: str, subject: str, words: _Words) -> CustomFinding:
    about, told = words.checks[check], words.findings.get((check, asset, subject))
    return CustomFinding(
        check=check,
        title=about.title,
        severity=Severity(told["severity"]) if told is not None else about.severity,
        asset_name=words.names.get(asset, asset),
        subject=subject,
        message=reworded(told, words.templates.get(check)) if told is not None else about.title,
    )

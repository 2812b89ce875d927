"""What an assessment finds beyond a baseline, an earlier assessment of the same rig: only that counts where a baseline is named.

Not what became of each finding (`changes`), by whose words it is told: what is new, regressed or newly judged the baseline has not; what is
open, or has moved, it has, unless its severity is higher now, for a component that had a vulnerability may have a worse one by now. Rules:
a finding is found again by the identity of its asset, whatever its id or address is now; a baseline of another rig is refused; what is
waived, or a false positive, counts no more than without a baseline. A finding that the baseline has does not count when its waiver ends:
name another baseline then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from plumbline.assess.assessment import Assessment, read_json
from plumbline.assess.changes import CAME, STILL_WRONG, side_of
from plumbline.assess.changing import define_changes
from plumbline.assess.identity import read_identity
from plumbline.assess.overlay import Overlay, overlay_of
from plumbline.checks.severity import base_score
from plumbline.evidence.engine import Connection, connect, literal
from plumbline.model.errors import InputError
from plumbline.model.words import Severity


@dataclass(frozen=True, slots=True)
class Beyond:
    """The findings that a baseline has not, or not as severe: `standing` counts those that count for `--fail-on`; `known` the others."""

    baseline_as_of: datetime
    baseline_digest: str
    added: int
    standing: Mapping[Severity, int]
    known: int

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "as_of": self.baseline_as_of.isoformat().replace("+00:00", "Z"),
            "ledger_digest": self.baseline_digest,
            "added": self.added,
            "standing": {severity.value: count for severity, count in self.standing.items()},
            "known": self.known,
        }


def check_baseline(baseline: Path, out: Path, rig: str | None) -> None:
    """Raise InputError where a folder cannot be the baseline of an assessment of a rig that will be written into `out`."""
    if baseline.resolve() == out.resolve():
        raise InputError("is the folder that is written", where=str(baseline), remedy="keep the baseline in a folder of its own")
    said = read_json(baseline)
    side_of(said, baseline)
    of = said["rig"].get("id")
    if of != rig:
        raise InputError(f"is of the rig {of!r}, and this is {rig!r}", where=str(baseline), remedy="name an assessment of the same rig")
    read_identity(baseline)


def beyond(baseline: Path, out: Path, assessment: Assessment) -> Beyond:
    """Compare the assessment that was written into `out` with a baseline; raises InputError when that is none of the same rig."""
    check_baseline(baseline, out, assessment.rig.get("id"))
    before, after = read_json(baseline), assessment.to_json()
    overlay = overlay_of(assessment.as_of, assessment.waivers, assessment.reviews)
    standing: Counter[Severity] = Counter()
    with connect() as connection:
        define_changes(connection, baseline, out, before, after)
        _define_wrong(connection, {check.id: check.cvss for check in assessment.checks})
        [[added, known]] = connection.execute("select count(*) filter (added), count(*) filter (not added) from wrong").fetchall()
        for check in assessment.checks:
            if check.tally.fail:
                standing += _standing(connection, check.id, check.cvss, overlay)
    side = side_of(before, baseline)
    return Beyond(
        baseline_as_of=side.as_of,
        baseline_digest=side.ledger_digest,
        added=added,
        standing={severity: standing[severity] for severity in reversed(Severity) if standing[severity]},
        known=known,
    )


def _define_wrong(connection: Connection, vectors: Mapping[str, str]) -> None:
    """Make the table `wrong`: the findings, each with whether the baseline has it not, or with a lower severity."""
    rows = connection.execute('select distinct "check", old_cvss, cvss from change where old_cvss is distinct from cvss').fetchall()
    connection.execute('create or replace temp table worse ("check" varchar, old_cvss varchar, cvss varchar)')
    for check, old, new in rows:
        if _severity(new or vectors[check]).rank > _severity(old or vectors[check]).rank:
            connection.execute("insert into worse values (?, ?, ?)", [check, old, new])
    came, wrong = (", ".join(literal(word.value) for word in words) for words in (CAME, STILL_WRONG))
    connection.execute(
        f"""
        create or replace temp table wrong as
        select c."check", c.new_asset as asset, c.new_subject as subject, c.cvss, c.word in ({came}) or w."check" is not null as added
        from change c left join worse w
          on w."check" = c."check" and w.old_cvss is not distinct from c.old_cvss and w.cvss is not distinct from c.cvss
        where c.word in ({wrong})
        """
    )


def _severity(vector: str) -> Severity:
    return Severity.of_score(base_score(vector))


def _standing(connection: Connection, check: str, vector: str, overlay: Overlay) -> Counter[Severity]:
    found = f'select asset, subject, cvss from wrong where added and "check" = {literal(check)}'
    rows = connection.execute(
        f"select coalesce(cvss, {literal(vector)}), {overlay.waiver_sql(check)}, {overlay.review_sql(check)}, count(*)"
        f" from ({found}) group by all"
    ).fetchall()
    standing: Counter[Severity] = Counter()
    for cvss, waiver, review, count in rows:
        stands = overlay.stands(waiver, review, _severity(cvss))
        standing.update({stands: count} if stands is not None else {})
    return standing

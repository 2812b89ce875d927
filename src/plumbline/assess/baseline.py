"""What an assessment finds beyond a baseline, an earlier assessment of the same rig: only that counts where a baseline is named.

Not what became of each finding (`changes`), by whose words it is told: what is new, regressed or newly judged the baseline has not; what is
open, or has moved, it has. Rules: a finding is found again by the identity of its asset, whatever its id or address is now; a baseline of
another rig is refused; what is waived, or a false positive, counts no more than without a baseline. A finding that the baseline has does
not count when its waiver ends: name another baseline then.
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
    """The findings that a baseline has not: `standing` counts those that count for `--fail-on`; `known` is how many it has."""

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
        counts = dict(connection.execute("select word, count(*) from change group by word").fetchall())
        for check in assessment.checks:
            if check.tally.fail:
                standing += _standing(connection, check.id, check.cvss, overlay)
    side = side_of(before, baseline)
    return Beyond(
        baseline_as_of=side.as_of,
        baseline_digest=side.ledger_digest,
        added=sum(counts.get(word.value, 0) for word in CAME),
        standing={severity: standing[severity] for severity in reversed(Severity) if standing[severity]},
        known=sum(counts.get(word.value, 0) for word in STILL_WRONG if word not in CAME),
    )


def _standing(connection: Connection, check: str, vector: str, overlay: Overlay) -> Counter[Severity]:
    words = ", ".join(literal(word.value) for word in CAME)
    found = f'select new_asset as asset, new_subject as subject, cvss from change where "check" = {literal(check)} and word in ({words})'
    rows = connection.execute(
        f"select coalesce(cvss, {literal(vector)}), {overlay.waiver_sql(check)}, {overlay.review_sql(check)}, count(*)"
        f" from ({found}) group by all"
    ).fetchall()
    standing: Counter[Severity] = Counter()
    for cvss, waiver, review, count in rows:
        stands = overlay.stands(waiver, review, Severity.of_score(base_score(cvss)))
        standing.update({stands: count} if stands is not None else {})
    return standing

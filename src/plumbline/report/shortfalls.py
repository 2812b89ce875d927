"""Why verdicts are missing: reasons out of the ledger, and the attempts to collect that did not come out whole.

Rules: counts are exact; samples are the first in order; of very large ledgers no sample is drawn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plumbline.evidence.engine import Connection, connect, file_list
from plumbline.evidence.specs import load_tables
from plumbline.model.words import Layer
from plumbline.report.data import Gap, Reason, ReasonCheck
from plumbline.report.text import clip

SAMPLE = 5
SAMPLED_ROWS = 5_000_000  # above, drawing samples would group the whole ledger
GAPS_MAX = 60


@dataclass(frozen=True, slots=True)
class Gaps:
    """Attempts that fell short, the most frequent first: the first of `count` kinds, of `attempts` in all."""

    listed: tuple[Gap, ...]
    count: int
    attempts: int


def reasons(ledger: Sequence[Path], rows: int, titles: Mapping[str, str], names: Mapping[str, str]) -> tuple[Reason, ...]:
    """Count the inconclusive verdicts by reason and check, the most frequent first; `names` are those of assets."""
    with connect() as connection:
        connection.execute(f"create view ledger as select * from read_parquet([{file_list(ledger)}]) where verdict = 'inconclusive'")
        counts = connection.execute('select reason, "check", count(*) from ledger group by all').fetchall()
        samples = _samples(connection) if rows <= SAMPLED_ROWS else {}
    groups: dict[str, list[ReasonCheck]] = defaultdict(list)
    for word, check, count in counts:
        assets, total = samples.get((word, check), ([], 0))
        shown = tuple(names.get(asset, asset) for asset in assets)
        groups[word or "not_observed"].append(ReasonCheck(check, titles.get(check, check), count, shown, total))
    found = [
        Reason(word, sum(entry.count for entry in entries), tuple(sorted(entries, key=lambda entry: (-entry.count, entry.check))))
        for word, entries in groups.items()
    ]
    return tuple(sorted(found, key=lambda reason: (-reason.count, reason.word)))


def _samples(connection: Connection) -> dict[tuple[str, str], tuple[list[str], int]]:
    rows = connection.execute(
        f"""
        select reason, "check", min(asset, {SAMPLE}), count(*) from (select distinct reason, "check", asset from ledger) group by all
        """
    ).fetchall()
    return {(reason, check): (list(assets), count) for reason, check, assets, count in rows}


def gaps(connection: Connection) -> Gaps:
    """Group the best attempt at each subject, also to derive something of it, that is not ok by table, outcome and detail."""
    connection.execute(
        """
        create view best as
        select entity, "table", subject, min(struct_pack(outcome := outcome::outcome, detail := coalesce(detail, ''))) as best
        from base.coverage group by all
        """
    )
    [[attempts]] = connection.execute("select count(*) from best").fetchall()
    rows = connection.execute(
        f"""
        select "table", best.outcome::varchar, best.detail, count(*), min(entity, {SAMPLE * 4}), count(distinct entity),
          count(*) over ()
        from best where best.outcome <> 'ok' group by "table", best.outcome, best.detail
        order by 4 desc, 1, 2, 3 limit {GAPS_MAX}
        """
    ).fetchall()
    listed = tuple(_gap(*row[:6]) for row in rows)
    return Gaps(listed, rows[0][6] if rows else 0, attempts)


def _gap(table: str, outcome: str, detail: str, count: int, entities: Sequence[str], total: int) -> Gap:
    spec = load_tables().get(table)
    shown = tuple(dict.fromkeys(entities))[:SAMPLE]
    layer = spec.layer if spec else Layer.RIG
    return Gap(table, spec.title if spec else table, layer, outcome, clip(detail), count, shown, total)

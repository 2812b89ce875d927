"""Counts over the written ledger: by check, by layer, by listed asset. Exact, in SQL, bounded in what they bring into Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from plumbline.assess.assessment import LayerSummary, Tally
from plumbline.evidence.engine import Connection, file_list, literal
from plumbline.model.words import Layer, Verdict

COUNTED_ROWS = 5_000_000  # above, assets are not counted by their worst verdict: that groups the whole ledger


@dataclass
class Counter:
    """A tally in the making."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    reasons: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, verdict: str, reason: str | None, count: int) -> None:
        """Count some verdicts of one kind."""
        self.counts[verdict] += count
        if verdict == Verdict.INCONCLUSIVE and reason is not None:
            self.reasons[reason] += count

    def tally(self) -> Tally:
        """The counts as a value, reasons in their order."""
        return Tally(
            fail=self.counts.get(Verdict.FAIL, 0),
            inconclusive=self.counts.get(Verdict.INCONCLUSIVE, 0),
            passed=self.counts.get(Verdict.PASS, 0),
            not_applicable=self.counts.get(Verdict.NOT_APPLICABLE, 0),
            reasons=dict(sorted(self.reasons.items())),
        )


def define_ledger(connection: Connection, files: Sequence[Path]) -> None:
    """Define the view `ledger` over the files of a ledger."""
    connection.execute(f"create or replace view ledger as from read_parquet([{file_list(files)}])")


def by_check(connection: Connection) -> dict[str, Tally]:
    """Count the verdicts of each check."""
    found: dict[str, Counter] = defaultdict(Counter)
    for check, verdict, reason, count in connection.execute(
        'select "check", verdict, reason, count(*) from ledger group by all'
    ).fetchall():
        found[check].add(verdict, reason, count)
    return {check: counter.tally() for check, counter in sorted(found.items())}


def tallied(verdicts: Iterable[tuple[str, str | None, int]]) -> Tally:
    """Count verdicts, each given with its reason and how often it is there."""
    total = Counter()
    for verdict, reason, count in verdicts:
        total.add(verdict, reason, count)
    return total.tally()


def summed(tallies: Iterable[Tally]) -> Tally:
    """Add tallies up."""
    total = Counter()
    for tally in tallies:
        for verdict, count in zip(Verdict, (tally.passed, tally.fail, tally.inconclusive, tally.not_applicable), strict=True):
            total.counts[verdict] += count
        for reason, count in (tally.reasons or {}).items():
            total.reasons[reason] += count
    return total.tally()


def assets_of(connection: Connection, check: str, verdict: Verdict) -> int:
    """Count the assets of a check that have some row of a verdict."""
    where = f'"check" = {literal(check)} and verdict = {literal(verdict)}'
    [[rows, most]] = connection.execute(f"select count(*), max(subject) from ledger where {where}").fetchall()
    if rows and most != "":  # where '' is the only subject, each row is an asset of its own
        [[rows]] = connection.execute(f"select count(distinct asset) from ledger where {where}").fetchall()
    return int(rows)


def by_layer(connection: Connection, tallies: Mapping[str, Tally], rows: int) -> tuple[LayerSummary, ...]:
    """Count the verdicts of each layer and, for ledgers of up to COUNTED_ROWS, its assets by their worst verdict."""
    assets: dict[str, Counter] = defaultdict(Counter)
    if rows <= COUNTED_ROWS:
        worst = _worst_sql("select split_part(\"check\", '.', 1) as layer, asset, verdict from ledger", "layer, asset")
        for layer, verdict, count in connection.execute(f"select layer, verdict, count(*) from ({worst}) group by all").fetchall():
            assets[layer].add(verdict, None, count)
    found = []
    for layer in Layer:
        of_layer = [tally for check, tally in tallies.items() if check.partition(".")[0] == layer]
        found.append(LayerSummary(layer, summed(of_layer), assets[layer].tally() if rows <= COUNTED_ROWS else None))
    return tuple(found)


def _worst_sql(rows: str, key: str) -> str:
    order = f"case verdict when '{Verdict.FAIL}' then 0 when '{Verdict.INCONCLUSIVE}' then 1 when '{Verdict.PASS}' then 2 else 3 end"
    words = f"['{Verdict.FAIL}', '{Verdict.INCONCLUSIVE}', '{Verdict.PASS}', '{Verdict.NOT_APPLICABLE}']"
    return f"select {key}, {words}[min({order}) + 1] as verdict from ({rows}) group by {key}"


def by_asset(connection: Connection) -> dict[str, dict[Layer, Tally]]:
    """Count the verdicts of each asset in the table `listed`, by layer."""
    found: dict[str, dict[str, Counter]] = defaultdict(lambda: defaultdict(Counter))
    # A ledger's files stand in the order of assets, and of the millions in a hub only the first are listed: a range that says so
    # lets the engine leave out nearly all row groups unread.
    [[last]] = connection.execute(
        "select coalesce(max(asset), 'identity:') from listed where asset between 'identity:' and 'identity;'"
    ).fetchall()
    ranges = ("asset < 'identity:'", "asset between 'identity:' and $last", "asset > 'identity;'")
    rows = " union all ".join(f'select asset, "check", verdict, reason from ledger where {text}' for text in ranges)
    query = f"""
      select asset, split_part("check", '.', 1) as layer, verdict, reason, count(*) from ({rows})
      where asset in (select asset from listed) group by all
    """
    for asset, layer, verdict, reason, count in connection.execute(query, {"last": last}).fetchall():
        found[asset][layer].add(verdict, reason, count)
    return {asset: {layer: layers[layer].tally() for layer in Layer if layer in layers} for asset, layers in found.items()}

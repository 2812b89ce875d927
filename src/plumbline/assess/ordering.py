"""Puts large tables into the ledger's order once, so that no check on them has to sort.

Exports often stand in the order of their ids already; then nothing is written. Otherwise a sorted copy of the table, in the scratch
folder, takes the place of its parts. Rows keep their place, so row ids stay what they were.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from plumbline.evidence.engine import Connection, file_list, identifier, literal

LARGE_ROWS = 1_000_000


def put_in_order(connection: Connection, filled: Collection[str], scratch: Path) -> frozenset[str]:
    """Order the base tables of at least LARGE_ROWS rows by asset and subject, and give their names; views and merges must be known."""
    large = frozenset(name for name in filled if _count(connection, f"base.{identifier(name)}") >= LARGE_ROWS)
    for name in sorted(large):
        if _count(connection, _misplaced_sql(name)):
            _sort(connection, name, scratch / f"{name}.parquet")
    return large


def _misplaced_sql(name: str) -> str:
    # `over ()` takes rows as they come, which is what is asked here.
    before = "lag(asset) over () as asset_before, lag(subject) over () as subject_before"
    rows = f"select asset, subject, {before} from main.{identifier(name)}"
    return f"({rows}) where asset_before > asset or asset_before = asset and subject_before > subject"


def _sort(connection: Connection, name: str, file: Path) -> None:
    table = f"base.{identifier(name)}"
    connection.execute(
        f"copy (select t.* from {table} t left join known.merge m on m.entity = t.entity"
        f" order by coalesce(m.asset, t.entity), t.subject) to {literal(str(file))} (format parquet, compression zstd)"
    )
    connection.execute(f"create or replace view {table} as from read_parquet([{file_list([file])}])")


def _count(connection: Connection, rows: str) -> int:
    [[count]] = connection.execute(f"select count(*) from {rows}").fetchall()
    return int(count)

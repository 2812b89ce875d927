"""Where two files differ that should say the same: which row of a table and which of its columns, which member of a JSON document."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

BATCH_ROWS = 65_536
VALUE_MAX = 80
_INDEX = re.compile(r"\[\d+\]")
# What tells a row from the others, in the order in which it is said; the first of these that a table has.
KEYS = (("check", "asset", "subject"), ("provision", "asset"), ("entity", "table", "subject"), ("entity", "subject"))


def in_table(found: Path, due: Path) -> str | None:
    """Name the first row in which a Parquet file differs from what was due; None: their rows are the same, in the same order."""
    try:
        with pq.ParquetFile(found) as one, pq.ParquetFile(due) as other:
            if one.schema_arrow.names != other.schema_arrow.names:
                return f"columns {', '.join(one.schema_arrow.names)} instead of {', '.join(other.schema_arrow.names)}"
            at = 0
            for mine, theirs in _pairs(one, other):
                if not mine.equals(theirs):
                    return _in_rows(mine.to_pylist(), theirs.to_pylist(), at)
                at += len(mine)
    except (pa.ArrowException, OSError, ValueError) as error:
        return f"no table that can be read: {str(error)[:200]}"
    return None


def _pairs(one: Any, other: Any) -> Iterator[tuple[Any, Any]]:
    """Pair the batches of two files; where one has fewer rows, its last batches are empty."""
    batches = (file.iter_batches(BATCH_ROWS) for file in (one, other))
    mine, theirs = ((pa.Table.from_batches([batch]) for batch in each) for each in batches)
    empty = one.schema_arrow.empty_table(), other.schema_arrow.empty_table()
    while True:
        pair = next(mine, empty[0]), next(theirs, empty[1])
        if not len(pair[0]) and not len(pair[1]):
            return
        yield pair


def _in_rows(mine: list[dict[str, Any]], theirs: list[dict[str, Any]], at: int) -> str | None:
    for number, (row, due) in enumerate(zip(mine, theirs, strict=False), at + 1):
        columns = [name for name in row if repr(row[name]) != repr(due[name])]
        if columns:
            said = "; ".join(f"{name} is {_word(row[name])}, due is {_word(due[name])}" for name in columns)
            return f"row {number} ({_named(due)}): {said}"
    number = at + min(len(mine), len(theirs)) + 1
    if len(mine) > len(theirs):
        return f"row {number} ({_named(mine[len(theirs)])}) is one too many"
    return f"row {number} ({_named(theirs[len(mine)])}) is missing" if len(mine) < len(theirs) else None


def _named(row: dict[str, Any]) -> str:
    for names in KEYS:
        if all(name in row for name in names):
            return ", ".join(f"{name} {_word(row[name])}" for name in names)
    return "no key"


def in_json(found: Any, due: Any, but: Collection[str] = (), at: str = "") -> str | None:
    """Name the first member in which a JSON value differs from what was due; `but` are places that nobody compares: `a.b`, `a[].b`."""
    if isinstance(found, dict) and isinstance(due, dict):
        for name in sorted(found.keys() | due.keys()):
            place = f"{at}.{name}" if at else name
            if _INDEX.sub("[]", place) in but:
                continue
            if name not in found or name not in due:
                return f"{place} {'is missing' if name in due else 'is one too many'}"
            if (inside := in_json(found[name], due[name], but, place)) is not None:
                return inside
        return None
    if isinstance(found, list) and isinstance(due, list):
        for number, (one, other) in enumerate(zip(found, due, strict=False)):
            if (inside := in_json(one, other, but, f"{at}[{number}]")) is not None:
                return inside
        return None if len(found) == len(due) else f"{at} has {len(found)} entries, due are {len(due)}"
    same = type(found) is type(due) and found == due  # to Python true is 1, and 1 is 1.0
    return None if same else f"{at} is {_word(found)}, due is {_word(due)}"


def _word(value: Any) -> str:
    text = str(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= VALUE_MAX else text[:VALUE_MAX] + "…"

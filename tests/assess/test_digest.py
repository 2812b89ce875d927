"""The ledger's digest: computed anew here in plain Python, from the words of its docstring."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.assess.digest import LedgerDigest, UnorderedError, ledger_digest
from plumbline.evidence.engine import connect
from plumbline.model.errors import InputError

NAMES = ("check", "asset", "subject", "verdict", "reason", "cvss", "detail", "evidence", "basis")
SCHEMA = pa.schema([(name, pa.list_(pa.string()) if name == "evidence" else pa.string()) for name in NAMES])


def row(check: str = "a.b", asset: str = "x", subject: str = "", **more: Any) -> dict[str, Any]:
    return {"check": check, "asset": asset, "subject": subject, "verdict": "pass", **more}


def written(path: Path, rows: list[dict[str, Any]], **options: Any) -> Path:
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path, **options)
    return path


def in_plain_python(rows: list[dict[str, Any]]) -> str:
    total = hashlib.sha256()
    for item in rows:
        present = {name: value for name, value in item.items() if value is not None}
        if "detail" in present:
            present["detail"] = json.loads(present["detail"])
        total.update(json.dumps(present, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return total.hexdigest()


ROWS = [
    row(asset="host:s/10.0.0.5", subject="tcp/23", basis="observed"),
    row(asset="identity:h/caf\u00e9 \U0001f600", verdict="inconclusive", reason="timeout", evidence=["t/p#0"]),
    row(asset='quote"\\back\u0001', verdict="fail", cvss="CVSS:3.1/AV:N", detail='{"a":"\\u000b","n":1}', evidence=["t/p#1", "t/p#2"]),
    row("a.c", verdict="not_applicable", reason="absent", evidence=[]),
]


def test_as_in_plain_python(tmp_path: Path) -> None:
    assert ledger_digest(written(tmp_path / "l.parquet", ROWS)) == in_plain_python(ROWS)


def test_an_empty_ledger(tmp_path: Path) -> None:
    assert ledger_digest(written(tmp_path / "l.parquet", [])) == hashlib.sha256().hexdigest()


def test_files_row_groups_and_threads_do_not_matter(tmp_path: Path) -> None:
    rows = [row(asset=f"identity:h/{number:06d}") for number in range(3000)]
    whole = ledger_digest(written(tmp_path / "l.parquet", rows), threads=1)
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(3):
        written(folder / f"{number}.parquet", rows[number * 1000 : (number + 1) * 1000], row_group_size=64)
    assert ledger_digest(folder, threads=2) == whole == in_plain_python(rows)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("checks out of order", [row("a.c"), row("a.b")]),
        ("assets out of order", [row(asset="y"), row(asset="x")]),
        ("subjects out of order", [row(subject="2"), row(subject="1")]),
        ("a row twice", [row(), row()]),
        ("by bytes, not by letters", [row(asset="b"), row(asset="B")]),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_disorder_is_seen(tmp_path: Path, name: str, rows: list[dict[str, Any]], apart: bool) -> None:
    files = (
        [written(tmp_path / f"{n}.parquet", [item]) for n, item in enumerate(rows)] if apart else [written(tmp_path / "l.parquet", rows)]
    )
    with pytest.raises(UnorderedError):
        LedgerDigest().add(connect(threads=1), files)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("the asset decides before the subject", [row(asset="x", subject="9"), row(asset="y", subject="1")]),
        ("the check before the asset", [row("a.b", asset="z"), row("a.c", asset="a")]),
        ("a text before its continuation", [row(asset="x"), row(asset="x", subject="1"), row(asset="x1")]),
        ("capitals first", [row(asset="B"), row(asset="b")]),
    ],
)
def test_order_is_by_bytes_of_check_asset_subject(tmp_path: Path, name: str, rows: list[dict[str, Any]]) -> None:
    assert ledger_digest(written(tmp_path / "l.parquet", rows)) == in_plain_python(rows)


def test_a_copy_goes_on_by_itself(tmp_path: Path) -> None:
    first, second = written(tmp_path / "1.parquet", [row(asset="a")]), written(tmp_path / "2.parquet", [row(asset="b")])
    connection = connect(threads=1)
    one = LedgerDigest()
    one.add(connection, [first])
    two = one.copy()
    two.add(connection, [second])
    assert (one.rows, two.rows) == (1, 2)
    assert one.hexdigest() == in_plain_python([row(asset="a")])


def test_no_ledger_is_the_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no ledger"):
        ledger_digest(tmp_path / "ledger.parquet")
    with pytest.raises(InputError, match="not a ledger as written"):
        ledger_digest(written(tmp_path / "l.parquet", [row(), row()]))

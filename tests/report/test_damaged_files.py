"""A damaged or missing file of an assessment is named in every format, with what to do; nothing is told as if it had said so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.model.errors import InputError
from plumbline.report import registry
from plumbline.report.data import Report
from plumbline.report.loading import load

REMEDIES = ("assess", "copy")


def write(path: Path, table: pa.Table) -> None:
    pq.write_table(table, path)


def pages(path: Path) -> None:
    """Spoil what lies before the footer: the file opens, and breaks as its rows are read."""
    data = bytearray(path.read_bytes())
    footer = int.from_bytes(data[-8:-4], "little") + 8
    data[4:-footer] = bytes(byte ^ 0x5A for byte in data[4:-footer])
    path.write_bytes(data)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


WAYS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "spoilt within": pages,
    "of another form": lambda path: write(path, pa.table({"x": [1]})),
    "a folder in its place": folder,
    "missing": Path.unlink,
}
JSON = ("empty", "cut short", "a folder in its place", "missing")
PRESENT = tuple(way for way in WAYS if way != "missing")
FILES = {
    "assessment.json": JSON,
    "ledger.parquet": tuple(WAYS),
    "derived/coverage/*.parquet": PRESENT,
    "derived/tables/vulnerability_match/*.parquet": tuple(WAYS),
    "bundle/coverage/*.parquet": tuple(WAYS),
    "bundle/tables/component/*.parquet": tuple(WAYS),
}


def said_of(out: Path, to: Path) -> str:
    """Write what reads most, as the command line does; give the one error in which all end that need the file."""
    found = set()
    try:
        report = load(out)
    except InputError as error:
        return str(error)
    for word in ("sarif", "csaf", "cyclonedx"):
        try:
            registry.write(word, out, to, report=report)
        except InputError as error:
            found.add(str(error))
    [one] = found
    return one


QUICK = ("cut short", "spoilt within", "missing")  # the ways that differ most


@pytest.mark.parametrize(
    ("pattern", "way"),
    [pytest.param(pattern, way, marks=() if way in QUICK else pytest.mark.full) for pattern, ways in FILES.items() for way in ways],
)
def test_a_damaged_file_is_named_whatever_is_written(matched_folder: Path, tmp_path: Path, pattern: str, way: str) -> None:
    out = tmp_path / "out"
    shutil.copytree(matched_folder / "out", out)
    [path] = out.glob(pattern)
    WAYS[way](path)
    said = said_of(out, tmp_path / "to")
    assert str(path.parent if way == "missing" and path.parent.parent.name in ("tables", tmp_path.name) else path) in said
    assert any(word in said for word in REMEDIES)


def test_conformance_of_other_provisions_is_refused(out: Path, report: Report, tmp_path: Path) -> None:
    copied = tmp_path / "out"
    shutil.copytree(out, copied, ignore=shutil.ignore_patterns("bundle"))
    table = pq.read_table(copied / "conformance.parquet")
    write(copied / "conformance.parquet", table.slice(1))
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "conformance.csv").write_text("of an earlier one")
    with pytest.raises(InputError, match=rf"{copied}/conformance.parquet: does not say what .* came to .*assess"):
        registry.write("csv", copied, tmp_path / "to", report=report)
    [left] = (tmp_path / "to").iterdir()
    assert left.read_text() == "of an earlier one", "no report that broke off stands there as if it were whole"


@pytest.mark.parametrize("way", WAYS)
def test_damaged_conformance_is_named(out: Path, report: Report, tmp_path: Path, way: str) -> None:
    copied = tmp_path / "out"
    shutil.copytree(out, copied, ignore=shutil.ignore_patterns("bundle"))
    WAYS[way](copied / "conformance.parquet")
    with pytest.raises(InputError, match=rf"{copied}/conformance.parquet: .*assess"):
        registry.write("csv", copied, tmp_path / "to", report=report)


def test_a_ledger_of_another_assessment_is_refused(out: Path, tmp_path: Path) -> None:
    """As after an assessment that broke off between the two files: its counts would be of one, its findings of the other."""
    shutil.copy(out / "assessment.json", tmp_path)
    table = pq.read_table(out / "ledger.parquet")
    rows = [{**row, "verdict": "pass"} for row in table.to_pylist()]
    write(tmp_path / "ledger.parquet", pa.Table.from_pylist(rows, schema=table.schema))
    with pytest.raises(InputError, match=rf"{tmp_path}/ledger.parquet: not the ledger that assessment.json counts: .*assess"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("member", "inner", "value", "said"),
    [
        ("counts", "fail", {}, "counts.fail is no integer"),
        ("rig", "owner", 5, ".*5 is no text"),
        ("checks", "score", [], r"checks\[0\].score is no number"),
        ("findings", "severity", "dire", r"findings\[0\].severity is none of none, low"),
        ("findings", "review", 5, r"findings\[0\].review is no object"),
    ],
)
def test_a_member_of_another_form_is_named(out: Path, tmp_path: Path, member: str, inner: str, value: object, said: str) -> None:
    assessment = json.loads((out / "assessment.json").read_text())
    entry = assessment[member][0] if isinstance(assessment[member], list) else assessment[member]
    entry[inner] = value
    copied = tmp_path / "out"
    shutil.copytree(out, copied, ignore=shutil.ignore_patterns("bundle"))
    (copied / "assessment.json").write_text(json.dumps(assessment))
    with pytest.raises(InputError, match=rf"{copied}/assessment.json: not of the form that this release reads.{{1,2}}{said}.*assess"):
        for word in ("html", "sarif", "cyclonedx_attestation"):
            registry.write(word, copied, tmp_path / "to")


@pytest.mark.parametrize("way", JSON)
def test_a_log_of_contacts_that_is_not_whole_is_refused(out: Path, tmp_path: Path, way: str) -> None:
    """What was sent would be told from what is left of it."""
    copied = tmp_path / "out"
    shutil.copytree(out, copied)
    log = copied / "bundle" / "contacts.jsonl"
    WAYS[way](log)
    with pytest.raises(InputError, match=rf"{log}: .*not whole.*copy the bundle anew"):
        load(copied)


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{}", None], ids=["empty", "nested without end", "of another form", "a folder"])
def test_a_damaged_comparison_is_named(out: Path, report: Report, tmp_path: Path, text: str | None) -> None:
    copied = tmp_path / "out"
    shutil.copytree(out, copied)
    changes = copied / "changes.json"
    changes.mkdir() if text is None else changes.write_text(text)
    with pytest.raises(InputError, match=rf"{changes}: .*compare the two audits again"):
        registry.write("sarif", copied, tmp_path / "to", report=report)

"""All formats over assessments by chance: none breaks, each can be read again, and each that lists findings lists all of them."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pyarrow.parquet as pq
import pypdf
import pytest
from hypothesis import HealthCheck, given, settings

from plumbline.report import registry
from plumbline.report.loading import load
from tests.report.ledgers import Case, cases


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def parsed(path: Path) -> None:
    """Read a file by what its name says that it is; raises whatever its reader raises."""
    match path.suffix:
        case ".json" | ".sarif":
            json.loads(path.read_text(encoding="utf-8"))
        case ".csv":
            assert len({len(row) for row in rows_of(path)}) == 1
        case ".html":
            HTMLParser().feed(path.read_text(encoding="utf-8"))
        case ".xml":
            ElementTree.parse(path)
        case ".xlsx":
            openpyxl.load_workbook(path, read_only=True).close()
        case ".pdf":
            assert pypdf.PdfReader(path).pages
        case other:
            pytest.fail(f"no reader for {other}: give it one here")


def sarif_fails(files: Mapping[str, Path]) -> int:
    [run] = json.loads(files["plumbline.sarif"].read_text())["runs"]
    return sum(result["kind"] == "fail" for result in run["results"])


# How many failed verdicts a format tells of; those without an entry tell of other things, or of samples.
COUNTED: Mapping[str, Callable[[Mapping[str, Path]], int]] = {
    "csv": lambda files: len(rows_of(files["findings.csv"])) - 1,
    "json": lambda files: json.loads(files["report.json"].read_text())["tally"]["failed"],
    "sarif": sarif_fails,
}


def hold(case: Case) -> None:
    with tempfile.TemporaryDirectory() as name:
        out = case.write(Path(name) / "out")
        failed = sum(row["verdict"] == "fail" for row in pq.read_table(out / "ledger.parquet", columns=["verdict"]).to_pylist())
        view = load(out)
        assert view.tally.failed == failed
        for word, unit in registry.formats().items():
            files = {path.name: path for path in registry.write(word, out, Path(name) / word, report=view)}
            assert tuple(files) == unit.files
            for path in files.values():
                parsed(path)
            if word in COUNTED:
                assert (word, COUNTED[word](files)) == (word, failed)


@pytest.mark.parametrize("case", [Case(seed=1), Case(seed=2, assets=0, complete=False)], ids=["hostile", "empty"])
def test_every_format_holds(case: Case) -> None:
    hold(case)


@pytest.mark.full
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(cases())
def test_every_format_holds_whatever_was_found(case: Case) -> None:
    hold(case)

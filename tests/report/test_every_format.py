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
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import Phase, given, settings
from sarif.loader import load_sarif_file

from plumbline.lab.switches import Switches
from plumbline.report import registry
from plumbline.report.loading import load
from tests.lab.auditing import audit
from tests.lab.conftest import free_base
from tests.report import schemas
from tests.report.ledgers import Case, cases
from tests.report.test_oscal import FILES as OSCAL


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


def oscal_fails(files: Mapping[str, Path]) -> int:
    [result] = json.loads(files["oscal-assessment-results.json"].read_text())["assessment-results"]["results"]
    return sum(observation["types"] == ["finding"] for observation in result.get("observations", ()))


def attested_fails(files: Mapping[str, Path]) -> int:
    told = json.loads(files["attestation.cdx.json"].read_text())["metadata"]["properties"]
    return int(next(one["value"] for one in told if one["name"] == "plumbline:fail"))


def junit_fails(files: Mapping[str, Path]) -> int:
    """Failures, and what is skipped as it is waived or no finding."""
    cases = [case[0] for case in ElementTree.parse(files["junit.xml"]).iter("testcase") if len(case)]
    return sum(one.tag == "failure" or (one.get("message") or "").startswith(("waived until", "a false positive")) for one in cases)


def workbook_fails(files: Mapping[str, Path]) -> int:
    book = openpyxl.load_workbook(files["plumbline.xlsx"], read_only=True)
    count = sum(1 for _ in book["Findings"].iter_rows()) - 1
    book.close()
    return count


def sarif_fails(files: Mapping[str, Path]) -> int:
    [run] = json.loads(files["plumbline.sarif"].read_text())["runs"]
    return sum(result["kind"] == "fail" for result in run["results"])


# How many failed verdicts a format tells of; those without an entry tell of other things, or of samples.
COUNTED: Mapping[str, Callable[[Mapping[str, Path]], int]] = {
    "csv": lambda files: len(rows_of(files["findings.csv"])) - 1,
    "json": lambda files: json.loads(files["report.json"].read_text())["tally"]["failed"],
    "oscal": oscal_fails,
    "cyclonedx_attestation": attested_fails,
    "sarif": sarif_fails,
    "junit": junit_fails,
    "tickets": lambda files: sum(int(row[8]) + int(row[10]) for row in rows_of(files["tickets.csv"])[1:]),
    "xlsx": workbook_fails,
}
SLOW = frozenset({"pdf"})


def accepted(format: str, files: Mapping[str, Path]) -> None:
    """Hold what was written to the official schema, and have it read by somebody else's reader."""
    for path in files.values():
        text = path.read_text(encoding="utf-8") if path.suffix in (".json", ".sarif") else ""
        match format:
            case "sarif":
                assert schemas.errors(schemas.validator(*schemas.SARIF), json.loads(text)) == []
                assert load_sarif_file(str(path)).get_result_count() == len(json.loads(text)["runs"][0]["results"])
            case "csaf":
                assert schemas.errors(schemas.validator(*schemas.CSAF), json.loads(text)) == []
            case "oscal":
                kind, model = OSCAL[path.name]
                assert schemas.errors(schemas.validator(*schemas.OSCAL[kind]), json.loads(text)) == []
                assert model.oscal_read(path) is not None
            case "cyclonedx" | "cyclonedx_attestation":
                assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def hold(out: Path, to: Path, *, thoroughly: bool) -> None:
    """Write every format, and read it; `thoroughly`: those that take long too, and by official schemas where there are any."""
    failed = sum(row["verdict"] == "fail" for row in pq.read_table(out / "ledger.parquet", columns=["verdict"]).to_pylist())
    view = load(out)
    assert view.tally.failed == failed
    for word, unit in registry.formats().items():
        if word in SLOW and not thoroughly:
            continue
        files = {path.name: path for path in registry.write(word, out, to / word, report=view)}
        assert tuple(files) == unit.files
        for path in files.values():
            parsed(path)
        if word in COUNTED:
            assert (word, COUNTED[word](files)) == (word, failed)
        if thoroughly:
            accepted(word, files)


@pytest.mark.full
def test_every_format_holds(tmp_path: Path) -> None:
    hold(Case(seed=1, assets=2).write(tmp_path / "out"), tmp_path, thoroughly=False)


@pytest.mark.full
@pytest.mark.timeout(600)
def test_every_format_holds_where_nothing_was_found(tmp_path: Path) -> None:
    hold(Case(seed=2, assets=0, complete=False).write(tmp_path / "out"), tmp_path, thoroughly=True)


@pytest.mark.full
@pytest.mark.timeout(600)
def test_every_format_holds_for_the_lab(tmp_path: Path) -> None:
    audit(Switches(), tmp_path, free_base())
    hold(tmp_path / "out", tmp_path, thoroughly=True)


@pytest.mark.full
@pytest.mark.timeout(1800)
@settings(max_examples=12, derandomize=True, phases=[Phase.explicit, Phase.generate])
@given(cases())
def test_every_format_holds_whatever_was_found(case: Case) -> None:
    with tempfile.TemporaryDirectory() as name:
        hold(case.write(Path(name) / "out"), Path(name), thoroughly=True)

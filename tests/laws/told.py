"""What each report format tells of provisions: its files, read back as a reader would, into verdicts by ref.

A format that tells nothing of them is named in SILENT, and why; one that is in neither list has not been thought of, and fails the test.
"""

from __future__ import annotations

import csv
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import openpyxl
from pypdf import PdfReader

from plumbline.report.oscal_terms import control
from plumbline.standards.loading import load_standards

Told = Sequence[tuple[str, str]]  # ref or what stands for it, verdict
SILENT: Mapping[str, str] = {
    "csaf": "of vulnerabilities",
    "cyclonedx": "of components",
    "junit": "of findings",
    "sarif": "of findings: a provision is a taxon, to which checks are relevant",
    "tickets": "of what is to be done",
    "pdf": "on paper only those that are wrong are listed, and all are counted: `counted_on_paper`",
}
_SIGNED = re.compile(r"([✕?✓]) ?([0-9,]+)")
_COUNTED = re.compile(r"(?P<counts>(?:[✕?✓] ?[0-9,]+ )+)[0-9,]+ provisions?\b")
_ROW = re.compile(r'<tr><th scope="row">([^<]*)<br>.*?</th>\s*<td><span class="v (\w+)">', re.DOTALL)


def of_json(folder: Path) -> Told:
    """The view as it is."""
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))["provisions"]
    return [(f"{one['standard']}/{one['id']}", one["verdict"]) for one in found]


def of_csv(folder: Path) -> Told:
    """A row a provision; and conformance.csv holds the rig under the asset ''."""
    with (folder / "provisions.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [(f"{row['standard']}/{row['provision']}", row["verdict"]) for row in csv.DictReader(file)]
    with (folder / "conformance.csv").open(encoding="utf-8-sig", newline="") as file:
        whole = {(row["provision"], row["verdict"]) for row in csv.DictReader(file) if row["asset"] == ""}
    assert whole == set(rows)
    return rows


def of_xlsx(folder: Path) -> Told:
    """The sheet of provisions."""
    book = openpyxl.load_workbook(folder / "plumbline.xlsx", read_only=True)
    head, *rows = book["Provisions"].iter_rows(values_only=True)
    at = {name: head.index(name) for name in ("standard", "provision", "verdict")}
    found = [(f"{row[at['standard']]}/{row[at['provision']]}", str(row[at["verdict"]])) for row in rows]
    book.close()
    return found


def of_html(folder: Path) -> Told:
    """The tables of the section, a standard after the other; the page names standards by title."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    section = page.partition('<section id="provisions"')[2].partition("</section>")[0]
    titles = {html.escape(one.title, quote=False): name for name, one in load_standards().items()}
    found = []
    for part in section.split('<details class="card">')[1:]:
        named = [name for title, name in titles.items() if title[:100] in part.partition("</summary>")[0]]
        assert len(named) == 1, named
        found += [(f"{named[0]}/{html.unescape(row[1])}", row[2]) for row in _ROW.finditer(part.partition("</details>")[0])]
    return found


def counted_on_paper(folder: Path) -> Sequence[Mapping[str, int]]:
    """How many provisions of each standard fail, pass or were not judged, a standard after the other, as the text of report.pdf says."""
    pages = PdfReader(folder / "report.pdf").pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    signs = {"✕": "fail", "?": "inconclusive", "✓": "pass"}
    return [
        {signs[sign]: int(count.replace(",", "")) for sign, count in _SIGNED.findall(found["counts"])}
        for found in _COUNTED.finditer(text.partition("It is no certificate")[2])
    ]


def of_attestation(folder: Path) -> Told:
    """An entry of its standard's map; only a pass has the whole score."""
    document = json.loads((folder / "attestation.cdx.json").read_text(encoding="utf-8"))
    found = []
    for attestation in document["declarations"]["attestations"]:
        for entry in attestation["map"]:
            verdict = entry["conformance"]["rationale"].partition(":")[0]
            assert (entry["conformance"].get("score") == 1) is (verdict == "pass")
            found.append((entry["requirement"].removeprefix("standard/"), verdict))
    return found


def of_oscal(folder: Path) -> Told:
    """An observation a provision; one that passes is a finding that is satisfied, and no other is."""
    document = json.loads((folder / "oscal-assessment-results.json").read_text(encoding="utf-8"))
    refs = {control(name, one.id): one.ref for name, standard in load_standards().items() for one in standard.provisions.values()}
    [result] = document["assessment-results"]["results"]
    found = [(refs[of["control"]], of["verdict"]) for of in _props(result["observations"]) if of.keys() >= {"control", "verdict"}]
    states = {(refs[one["target"]["target-id"]], one["target"]["status"]["state"]) for one in result.get("findings", ())}
    words = {"pass": "satisfied", "fail": "not-satisfied"}
    assert states == {(ref, words[verdict]) for ref, verdict in found if verdict in words}
    return found


def _props(observations: Sequence[Mapping[str, object]]) -> Iterator[Mapping[str, str]]:
    for one in observations:
        props = one.get("props", ())
        assert isinstance(props, list | tuple)
        yield {prop["name"]: prop["value"] for prop in props}


TELLS: Mapping[str, Callable[[Path], Told]] = {
    "csv": of_csv,
    "cyclonedx_attestation": of_attestation,
    "html": of_html,
    "json": of_json,
    "oscal": of_oscal,
    "xlsx": of_xlsx,
}

"""Reports of 10,000 findings on 1,000 assets in every format, and a page of a ledger of a million rows.

The peers do less: sarif-tools reads the SARIF that we wrote and writes it again, trestle reads and writes our OSCAL; ours makes both from
the ledger, the assessment and the evidence that they cite. The page is measured beside no peer: that it opens at once is a matter of its
size, which a ledger a hundred times as long must not change.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.benchmark import Benchmark, Figure, Result
from benchmarks.measured.process import Ran, run
from plumbline.assess.assessment import read_json

ASSETS = 1_000
ROWS = 1_000_000
CHECKS_OF_A_TWIN = 7
ALL_MAX_S = 20
PEAK_MAX_BYTES = 10**9
PAGE_MAX_S = 20
PAGE_MAX_BYTES = 5 * 10**6
MEMORY = "600MB"

_PEER_SARIF = """
import sys
from sarif import loader
from sarif.operations import copy_op
copy_op.generate_sarif(loader.load_sarif_files(sys.argv[1] + "/plumbline.sarif"), sys.argv[1] + "/again.sarif", False, "", "")
"""
_PEER_OSCAL = """
import sys
from pathlib import Path
from trestle.oscal.assessment_plan import AssessmentPlan
from trestle.oscal.assessment_results import AssessmentResults
from trestle.oscal.poam import PlanOfActionAndMilestones
for model, name in ((AssessmentPlan, "assessment-plan"), (AssessmentResults, "assessment-results"), (PlanOfActionAndMilestones, "poam")):
    model.oscal_read(Path(sys.argv[1]) / f"oscal-{name}.json").oscal_write(Path(sys.argv[1]) / f"again-{name}.json")
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """How many of each; small numbers are for testing the benchmark itself."""
    parser.add_argument("--assets", type=int, default=ASSETS, help="with about ten findings each")
    parser.add_argument("--rows", type=int, default=ROWS, help="of the long ledger")


def measure(options: argparse.Namespace) -> Result:
    """Make both assessments; write every format of the one, the page of the other."""
    with TemporaryDirectory(prefix="plumbline-bench-") as folder:
        work = Path(folder)
        weak, fleet = work / "weak", work / "fleet"
        _made("from benchmarks.simulated.weak_site import write_site as make", weak, options.assets)
        _made("from benchmarks.ten_million_twins import make_bundle as make", fleet, options.rows // CHECKS_OF_A_TWIN)
        formats = _formats()
        together = _written(weak, work / "all", formats)
        spent = json.loads((work / "all.log").read_text().splitlines()[-1])
        alone = {word: _written(weak, work / word, [word]) for word in formats}
        sarif, oscal = (_peer(program, work / "all") for program in (_PEER_SARIF, _PEER_OSCAL))
        page = _written(fleet, work / "page", ["html"])
        page_bytes = (work / "page" / "report.html").stat().st_size
        findings, rows = read_json(weak)["counts"]["fail"], read_json(fleet)["ledger_rows"]
    full = options.assets >= ASSETS and options.rows >= ROWS
    figures = (
        _timed("all formats, wall time", together, ALL_MAX_S if full else None),
        Figure("all formats, processor time", together.cpu_s, None, "s"),
        _peak("all formats, peak memory", together),
        *(Figure(f"{word}, wall time with loading", one.wall_s, None, "s") for word, one in alone.items()),
        *(_peak(f"{word}, peak memory", one) for word, one in alone.items()),
        Figure("sarif against sarif-tools", alone["sarif"].wall_s, sarif.wall_s, "s", alone["sarif"].wall_s / sarif.wall_s),
        Figure("oscal against trestle", alone["oscal"].wall_s, oscal.wall_s, "s", alone["oscal"].wall_s / oscal.wall_s),
        _timed("page of the long ledger, wall time", page, PAGE_MAX_S if full else None),
        _peak("page of the long ledger, peak memory", page),
        Figure("page of the long ledger, size", page_bytes / 1e6, None, "MB", None, "under 5 MB", page_bytes < PAGE_MAX_BYTES),
    )
    sizes = {"assets": options.assets, "findings": findings, "rows of the long ledger": rows, "seconds within one process": spent}
    return Result("reports of many findings", figures, sizes)


def _formats() -> list[str]:
    from plumbline.report.registry import formats

    return list(formats())


def _made(source: str, out: Path, count: int) -> None:
    # In a process of its own: what this one holds in memory counts into the peaks of those that it starts.
    out.mkdir()
    making = f"import sys; from pathlib import Path; {source}; make(Path(sys.argv[1]), {count})"
    _good(run([sys.executable, "-c", making, out / "bundle"], log=out / "making.log"))
    _good(run([sys.executable, "-m", "benchmarks.measured.assess", out / "bundle", out, MEMORY], log=out / "judging.log"))


def _written(out: Path, to: Path, formats: list[str]) -> Ran:
    return _good(run([sys.executable, "-m", "benchmarks.measured.writing", out, to, *formats], log=to.with_suffix(".log")))


def _peer(program: str, to: Path) -> Ran:
    return _good(run([sys.executable, "-c", program, to], log=to / "peer.log"))


def _timed(name: str, ran: Ran, seconds_max: int | None) -> Figure:
    goal, reached = (f"under {seconds_max} s", ran.wall_s < seconds_max) if seconds_max is not None else ("", None)
    return Figure(name, ran.wall_s, None, "s", None, goal, reached)


def _peak(name: str, ran: Ran) -> Figure:
    return Figure(name, ran.peak_bytes / 1e6, None, "MB", None, "under 1 GB", ran.peak_bytes < PEAK_MAX_BYTES)


def _good(ran: Ran) -> Ran:
    if ran.code:
        raise RuntimeError(f"ended with {ran.code}: {ran.errors}")
    return ran


BENCHMARK = Benchmark("every format of 10,000 findings on 1,000 assets, and a page of a million verdicts", arguments, measure)

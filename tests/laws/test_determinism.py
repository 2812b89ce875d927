"""Law 3 on a whole bundle of the lab: the ledger does not depend on threads, on how its Parquet is laid out, or on the Python it runs on.

And old evidence is judged by new checks: what it lacks is inconclusive, or not applicable where the check says so, never a pass.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.assess.run import assess
from plumbline.collect.run import collect
from plumbline.evidence.bundle import Bundle
from plumbline.rig.loading import load
from tests.laws.bundles import Row, fit_manifest, ledger, rows, verdicts
from tests.laws.labs import lab_rig

ROOT = Path(__file__).parents[2]
OTHER = ROOT / ".venv-3.13" / "bin" / "python"
BARE = "http_service"  # the table whose newest column an old bundle lacks, below
GONE = "hub_twin"  # the table that it lacks


@dataclass(frozen=True)
class Judged:
    """A bundle, where it was judged, and the digest of its ledger."""

    bundle: Path
    out: Path
    digest: str


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """Two devices and all files of the lab."""
    folder = tmp_path_factory.mktemp("judged")
    with lab_rig(folder, subset=["printer", "gateway"]) as (_lab, rig):
        bundle = folder / "bundle"
        collect(load(rig), bundle, state=folder / "state", progress=lambda *_: None, now=lambda: datetime.now(UTC))
    found = assess([bundle], folder / "out", threads=2)
    assert found.ledger_rows > 500
    return Judged(bundle, folder / "out", found.ledger_digest)


def without_evidence(out: Path) -> list[Row]:
    return [{name: value for name, value in row.items() if name != "evidence"} for row in ledger(out)]


def test_one_thread_and_parts_written_anew_in_two_bundles(tmp_path: Path, judged: Judged) -> None:
    """The same rows in the same parts: other row groups, another compression, half of the parts in one folder and half in the other."""
    halves = [tmp_path / "one", tmp_path / "two"]
    for half in halves:
        shutil.copytree(judged.bundle, half, ignore=shutil.ignore_patterns("*.parquet"))
    for number, part in enumerate(sorted(judged.bundle.rglob("*.parquet"))):
        table = pq.read_table(part)
        # A table's part needs its coverage beside it, so that lies in both.
        for half in halves if part.parent.name == "coverage" else [halves[number % 2]]:
            place = half / part.relative_to(judged.bundle)
            place.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, place, compression="snappy", row_group_size=3)
    for half in halves:
        fit_manifest(half)
    assert assess(halves[::-1], tmp_path / "out", threads=1).ledger_digest == judged.digest


def test_rows_spread_over_other_parts(tmp_path: Path, judged: Judged) -> None:
    """Every row in a part of its own order and name: row ids change, and nothing else."""
    bundle = tmp_path / "bundle"
    shutil.copytree(judged.bundle, bundle)
    for folder in [bundle / "coverage", *sorted((bundle / "tables").iterdir())]:
        parts = sorted(folder.glob("*.parquet"))
        table = pa.concat_tables([pq.read_table(part) for part in parts])
        for part in parts:
            part.unlink()
        backwards = table.take(pa.array(range(len(table) - 1, -1, -1), pa.int64()))
        for number in range(3):
            pq.write_table(backwards.take(pa.array(range(number, len(table), 3), pa.int64())), folder / f"z{9 - number}.parquet")
    fit_manifest(bundle)
    assess([bundle], tmp_path / "out")
    assert without_evidence(tmp_path / "out") == without_evidence(judged.out)


def test_another_python(tmp_path: Path, judged: Judged) -> None:
    if not OTHER.exists():
        pytest.skip("no .venv-3.13: make it with `PYTHON=python3.13 sh scripts/venv.sh .venv-3.13 requirements/all.txt`")
    command = [str(OTHER), "-m", "tests.laws.rejudge", "1", str(tmp_path / "out"), str(judged.bundle)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.stdout.split() == ["3.13", judged.digest], said.stderr


NEW_CHECK = '''
title = "A page without a title"
cvss = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"
subjects = "http_service"
provisions = ["owasp-iot-top10-2018/I9"]
proves = "the first page has no title"
pass_proves = "the first page has a title"
message = "{subject} shows a page without a title"
recommendation = "Give the page a title."
verify = "Look at the page."
compensate = "None."
effort = "hours"
query = """
select asset, subject, title is null as failed, [row_id] as evidence
from http_service
"""

[[example]]
name = "it has none"
http_service = [{ asset = "a", subject = "tcp/80" }]
expect = [{ asset = "a", subject = "tcp/80", verdict = "fail" }]

[[example]]
name = "it has one"
http_service = [{ asset = "a", subject = "tcp/80", title = "x" }]
expect = [{ asset = "a", subject = "tcp/80", verdict = "pass" }]

[[example]]
name = "nothing was seen"
coverage = [{ asset = "a", table = "http_service", subject = "tcp/80", outcome = "timeout" }]
expect = [{ asset = "a", subject = "tcp/80", verdict = "inconclusive", reason = "timeout" }]
'''


def test_an_old_bundle(tmp_path: Path, judged: Judged) -> None:
    """A check that is newer than the bundle judges it; a table and a column that it lacks make nothing pass."""
    bundle = tmp_path / "bundle"
    shutil.copytree(judged.bundle, bundle)
    shutil.rmtree(bundle / "tables" / GONE)
    for part in [*(bundle / "coverage").glob("*.parquet"), *(bundle / "tables" / BARE).glob("*.parquet")]:
        table = pq.read_table(part)
        kept = (
            table.filter(pa.compute.not_equal(table["table"], GONE)) if part.parent.name == "coverage" else table.drop_columns("open_admin")
        )
        pq.write_table(kept, part)
    fit_manifest(bundle)
    checks = tmp_path / "checks" / "device"
    checks.mkdir(parents=True)
    (checks / "page_without_title.toml").write_text(NEW_CHECK)
    assess([bundle], tmp_path / "out", checks_dir=tmp_path / "checks")
    found, before = verdicts(tmp_path / "out"), verdicts(judged.out)

    by_new_check = {verdict for (check, _, _), (verdict, _) in found.items() if check == "device.page_without_title"}
    assert by_new_check & {"pass", "fail"}
    changed = {key: (before[key], found.get(key)) for key in before if before[key] != found.get(key)}
    assert {check for check, _, _ in changed} >= {"device.admin_page_without_login", "cloud.secret_in_twin"}
    assert not [key for key, verdict in found.items() if verdict[0] in ("pass", "fail") and before.get(key, verdict)[0] != verdict[0]]
    pages = {now for (check, _, subject), (_, now) in changed.items() if check == "device.admin_page_without_login" and subject}
    assert pages == {("inconclusive", "not_observed")}
    assert {now[1] for (check, _, _), (_, now) in changed.items() if check == "cloud.secret_in_twin" and now} <= {"not_attempted"}
    assert rows(bundle, BARE) and not Bundle(bundle).parts(GONE)

"""A list of CVEs imported, and the components of a fleet matched with it, each against plain DuckDB SQL that does only that.

The peers know the shape of this list and of these versions (`simulated.feeds`) and nothing else: importing is `read_json` into a Parquet
file of the ranges, nothing checked, nothing replaced; matching joins every component of every device with every range of its product, and
writes which hold it. Ours reads any feed and any version, in the order of trust, and writes reasons, scores and what each device comes to;
that is what the ratio pays for. Ours is measured a second time at half the size, to show that it is linear.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from benchmarks.benchmark import Benchmark, Figure, Result
from benchmarks.measured.process import Ran, run

RECORDS = 250_000
DEVICES = 100_000
COMPONENTS = 200
IMPORT_MAX_S = 120
MATCH_MAX_S = 60
PEAK_MAX_BYTES = 2 * 10**9
LINEAR_MAX = 2.5  # twice as much takes at most so many times as long
MEMORY = "600MB"
NOW = datetime(2026, 11, 21, tzinfo=UTC)

_CONNECT = """
import sys, duckdb
connection = duckdb.connect(config={"memory_limit": "600MB", "temp_directory": sys.argv[1] + "/scratch"})
"""
_PEER_IMPORT = (
    _CONNECT
    + """
connection.execute('''copy (
  with r as (select cveMetadata.cveId as id, unnest(containers.cna.affected) as a from read_json(?, format = 'newline_delimited')),
    v as (select id, a.product as product, unnest(a.versions) as v from r)
  select id, product, v.version as lower, v.lessThan as upper from v
) to '%s/ranges.parquet' (format parquet, compression zstd)''' % sys.argv[1], [sys.argv[2]])
"""
)
_PEER_MATCH = (
    _CONNECT
    + """
connection.execute('''copy (
  with c as (select entity, name, version, split_part(version, '.', 2)::int as n from read_parquet(?)),
    r as (select id, product, split_part(lower, '.', 2)::int as first, split_part(upper, '.', 2)::int as last
      from '%s/ranges.parquet')
  select c.entity, c.name, c.version, r.id from c join r on r.product = c.name and c.n >= r.first and c.n < r.last order by all
) to '%s/matches.parquet' (format parquet, compression zstd)''' % (sys.argv[1], sys.argv[1]), [sys.argv[2] + '/tables/component/*.parquet'])
"""
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """How many of each; small numbers are for testing the benchmark itself."""
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--devices", type=int, default=DEVICES)
    parser.add_argument("--components", type=int, default=COMPONENTS)


def measure(options: argparse.Namespace) -> Result:
    """Make the list and the fleet, whole and by half; import and match both, and let the peers do the whole."""
    with TemporaryDirectory(prefix="plumbline-bench-") as folder:
        whole, half = Path(folder) / "whole", Path(folder) / "half"
        _make(whole, options.records, options.devices, options.components)
        _make(half, options.records // 2, options.devices // 2, options.components)
        imported, imported_half = (_ours("importing", place, place / "cves.jsonl", place / "store") for place in (whole, half))
        (half / "store").rename(half / "small")
        (half / "store").symlink_to(whole / "store")  # half of the devices, against the whole list
        matched, matched_half = (
            _ours("deriving", place, place / "bundle", place / "store", place / "out", MEMORY) for place in (whole, half)
        )
        peer_imported = _program(_PEER_IMPORT, whole, whole / "cves.jsonl")
        peer_matched = _program(_PEER_MATCH, whole, whole / "bundle")
        same = _matches(whole / "out" / "tables" / "vulnerability_match") == _matches(whole)
    full = (options.records, options.devices, options.components) == (RECORDS, DEVICES, COMPONENTS)
    figures = (
        *_timed("import", imported, peer_imported, imported_half, IMPORT_MAX_S if full else None),
        *_timed("match", matched, peer_matched, matched_half, MATCH_MAX_S if full else None),
        Figure("same matches", float(same), 1.0, "", None, "equal", same),
    )
    sizes = {"records": options.records, "devices": options.devices, "components of each": options.components}
    return Result("feeds and matching against plain SQL", figures, sizes)


def _make(place: Path, records: int, devices: int, components: int) -> None:
    # In a process of its own: what this one holds in memory counts into the peaks of those that it starts.
    making = (
        "import sys; from pathlib import Path; from benchmarks.simulated.feeds import write_feed, write_fleet; "
        "from benchmarks.vulnerabilities import NOW; place = Path(sys.argv[1]); "
        f"write_feed(place / 'cves.jsonl', {records}); write_fleet(place / 'bundle', {devices}, {components}, NOW)"
    )
    place.mkdir()
    _good(run([sys.executable, "-c", making, place], log=place / "making.log"))


def _ours(module: str, place: Path, *words: object) -> Ran:
    return _good(run([sys.executable, "-m", f"benchmarks.measured.{module}", *words], log=place / f"{module}.log"))


def _program(text: str, *words: Path) -> Ran:
    return _good(run([sys.executable, "-c", text, *words], log=words[0] / "peer.log"))


def _timed(name: str, ours: Ran, peer: Ran, half: Ran, seconds_max: int | None) -> tuple[Figure, ...]:
    full = seconds_max is not None
    growth = ours.cpu_s / half.cpu_s
    goal, in_time = (f"under {seconds_max} s", ours.wall_s < (seconds_max or 0)) if full else ("", None)
    wanted, linear = (f"{LINEAR_MAX} times at most", growth <= LINEAR_MAX) if full else ("", None)
    small = ours.peak_bytes < PEAK_MAX_BYTES
    return (
        Figure(f"{name}, wall time", ours.wall_s, peer.wall_s, "s", ours.wall_s / peer.wall_s, goal, in_time),
        Figure(f"{name}, processor time", ours.cpu_s, peer.cpu_s, "s", ours.cpu_s / peer.cpu_s),
        Figure(f"{name}, processor time, beside half the size", ours.cpu_s, half.cpu_s, "s", growth, wanted, linear),
        Figure(f"{name}, peak memory", ours.peak_bytes / 1e6, peer.peak_bytes / 1e6, "MB", None, "under 2 GB", small),
    )


def _matches(folder: Path) -> tuple[int, int]:
    """Count matches, and sum up a hash of each: two sets that are equal are so whatever their order."""
    ours = folder.name == "vulnerability_match"
    columns, files = ("component, version, vulnerability", "*.parquet") if ours else ("name, version, id", "matches.parquet")
    query = f"select count(*), coalesce(sum(hash(entity, {columns})::hugeint), 0) from read_parquet($files)"
    [[count, digest]] = duckdb.connect().execute(query, {"files": str(folder / files)}).fetchall()
    return count, digest


def _good(ran: Ran) -> Ran:
    if ran.code:
        raise RuntimeError(f"ended with {ran.code}: {ran.errors}")
    return ran


BENCHMARK = Benchmark("250,000 CVE records imported, 100,000 devices matched with them, against plain DuckDB SQL", arguments, measure)

"""Ten million hub twins and identities through every check that judges them, against plain DuckDB SQL that writes the same verdicts.

The peer is one hand-written SELECT for each check, with the ledger's columns in the ledger's order, over the same Parquet files, with the
same threads and the same memory limit. It knows nothing of coverage, merges, needs or roll-up, and computes no digest: that is what
the ratio pays for. Our side is `plumbline assess` as it ships, to the last line of assessment.json. The dozen verdicts about the hub
itself are left out of the peer. Rows stand in the order of their ids, as exports often do; `--shuffled` takes that away.
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
from plumbline.evidence.bundle import BundleWriter
from plumbline.model.words import Outcome

TWINS = 10_000_000
CHUNK = 1_000_000
RATIO_MAX = 1.5
PEAK_MAX_BYTES = 2 * 10**9
MEMORY = "600MB"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
HUB = "hub:/fleet"

_ROWS = """select 'identity:fleet/dev-' || lpad(i::varchar, 8, '0') as entity, '' as subject, 'file/0@' || (i * 400) as raw,
  null::varchar as permit, timestamptz '2026-11-21 00:00:00+00' as observed_at, 'fleet' as hub,
  'dev-' || lpad(i::varchar, 8, '0') as device_id"""
_IDENTITIES = (
    _ROWS
    + """, null::varchar as module_id, 'enabled' as status, case when i % 3 = 0 then 'selfSigned' else 'sas' end as auth_type,
  case when i % 3 = 0 then upper(md5(i::varchar)) end as primary_thumbprint, null::varchar as secondary_thumbprint,
  case when i % 3 <> 0 then 'k1:' || md5((case when i % 1000 = 1 then 7 else i end)::varchar) end as primary_key_digest,
  case when i % 3 <> 0 then 'k1:' || md5((case when i % 500 = 2 then i else -i end)::varchar) end as secondary_key_digest,
  false as keys_excluded, false as edge,
  timestamptz '2026-11-21 00:00:00+00' - (i % 100) * interval 1 day as last_activity_at, false as never_connected
from range($first, $last) as r(i)"""
)
_TWINS = (
    _ROWS
    + """, 'enabled' as status, 'sas' as auth_type, 'Connected' as connection_state,
  timestamptz '2026-11-20 00:00:00+00' as last_activity_at, false as never_connected, 'acme/cam-3' as model,
  '1.4.' || (i % 7) as firmware_version,
  null::varchar as serial, null::varchar as mac,
  case when i % 100 = 0 then ['tags.wifiPassword'] else []::varchar[] end as secrets,
  case when i % 30 = 0 then ['interval'] else []::varchar[] end as drift, 3 as desired_version, 5 as reported_version
from range($first, $last) as r(i)"""
)

# One SELECT a check: (id, table, further FROM, applies, failed, columns of the detail).
_PEER = (
    (
        "cloud.primary_equals_secondary",
        "hub_identity",
        "",
        "auth_type not in ('certificateAuthority', 'none')",
        "case when primary_key_digest is not null then coalesce(primary_key_digest = secondary_key_digest, false)"
        " when primary_thumbprint is not null then coalesce(primary_thumbprint = secondary_thumbprint, false) end",
        ("device_id",),
    ),
    ("cloud.secret_in_twin", "hub_twin", "", "true", "len(secrets) > 0", ("device_id", "secrets")),
    (
        "cloud.shared_credential",
        "hub_identity",
        "left join (select coalesce(primary_key_digest, primary_thumbprint) as shared from t group by all having count(*) > 1) s"
        " on s.shared = coalesce(primary_key_digest, primary_thumbprint)",
        "true",
        "case when coalesce(primary_key_digest, primary_thumbprint) is not null then s.shared is not null end",
        ("device_id",),
    ),
    (
        "cloud.stale_device_enabled",
        "hub_identity",
        "",
        "status = 'enabled'",
        "last_activity_at < timestamptz '2026-11-21 00:00:00+00' - interval 90 day",
        ("device_id", "last_activity_at"),
    ),
    ("cloud.twin_drift", "hub_twin", "", "true", "len(drift) > 0", ("device_id", "drift")),
    ("rig.identity_without_device", "hub_identity", "", "status = 'enabled'", "true", ("device_id",)),
    ("rig.version_mismatch", "hub_twin", "", "firmware_version is not null", "null::boolean", ("device_id",)),
)
_PEER_PROGRAM = """
import sys, duckdb
connection = duckdb.connect(config={{"memory_limit": "{memory}", "temp_directory": sys.argv[2], "autoinstall_known_extensions": "false"}})
connection.execute("SET TimeZone='UTC'")
for number, sql in enumerate({statements!r}):
    connection.execute(sql.replace("$BUNDLE", sys.argv[1]).replace("$OUT", f"{{sys.argv[2]}}/{{number:02d}}.parquet"))
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """How many twins; small numbers are for testing the benchmark itself."""
    parser.add_argument("--twins", type=int, default=TWINS)
    parser.add_argument("--shuffled", action="store_true", help="rows in no order")


def measure(options: argparse.Namespace) -> Result:
    """Make the fleet, judge it with both, compare time, memory and the number of verdicts."""
    with TemporaryDirectory(prefix="plumbline-bench-") as folder:
        work = Path(folder)
        # In a process of its own: what this one holds in memory counts into the peaks of those that it starts.
        making = "import sys; from pathlib import Path; from benchmarks.ten_million_twins import make_bundle as make"
        making += f"; make(Path(sys.argv[1]), {options.twins}, shuffled={options.shuffled})"
        _good(run([sys.executable, "-c", making, work / "bundle"], log=work / "making.log"))
        (work / "peer").mkdir()
        program = _PEER_PROGRAM.format(memory=MEMORY, statements=[_statement(*check) for check in _PEER])
        peer = _good(run([sys.executable, "-c", program, work / "bundle", work / "peer"], log=work / "peer.log"))
        command = [sys.executable, "-m", "benchmarks.measured.assess", work / "bundle", work / "out", MEMORY]
        ours = _good(run(command, log=work / "ours.log"))
        rows, peer_rows = _counts(work / "out" / "ledger.parquet"), _counts(work / "peer")
    names = {check[0] for check in _PEER}
    same = {key: count for key, count in rows.items() if key[0] in names} == peer_rows
    ratio = ours.wall_s / peer.wall_s
    whole = options.twins >= TWINS
    figures = (
        Figure(
            "assess, wall time",
            ours.wall_s,
            peer.wall_s,
            "s",
            ratio,
            f"within {RATIO_MAX} times" if whole else "",
            ratio <= RATIO_MAX if whole else None,
        ),
        Figure("assess, processor time", ours.cpu_s, peer.cpu_s, "s", ours.cpu_s / peer.cpu_s),
        Figure(
            "assess, peak memory", ours.peak_bytes / 1e6, peer.peak_bytes / 1e6, "MB", None, "under 2 GB", ours.peak_bytes < PEAK_MAX_BYTES
        ),
        Figure("same verdicts, counted by check", float(same), 1.0, "", None, "equal", same),
    )
    return Result(
        "hub twins against plain SQL", figures, {"twins": options.twins, "shuffled": options.shuffled, "verdicts": sum(peer_rows.values())}
    )


def make_bundle(path: Path, twins: int, *, shuffled: bool = False) -> None:
    """Write a bundle of one hub with `twins` identities and twins, ordered by id or in no order, a million to a part."""
    sql_order = " order by hash(i)" if shuffled else ""
    writer = BundleWriter.create(path, rig_text="", header={"rig": {"id": "fleet", "name": "Fleet", "owner": "Benchmark"}}, now=NOW)
    connection = duckdb.connect()
    connection.execute("SET TimeZone='UTC'")
    for first in range(0, twins, CHUNK):
        last = min(first + CHUNK, twins)
        for table, sql in (("hub_identity", _IDENTITIES), ("hub_twin", _TWINS)):
            rows = connection.sql(sql + sql_order, params={"first": first, "last": last}).to_arrow_table()
            with writer.batch() as batch:
                batch.rows(table, rows)
                outcome = Outcome.OK if last == twins else Outcome.PARTIAL
                batch.coverage(HUB, table, outcome=outcome, rows=last, started_at=NOW, ended_at=NOW)
    with writer.batch() as batch:
        batch.row(
            "hub", HUB, observed_at=NOW, name="fleet", public_network_access="Disabled", disable_local_auth=True, min_tls_version="1.2"
        )
        batch.coverage(HUB, "hub", outcome=Outcome.OK, rows=1, started_at=NOW, ended_at=NOW)
        batch.coverage("network:/none", "host", outcome=Outcome.OK, started_at=NOW, ended_at=NOW)
    writer.finish(ended_at=NOW, complete=True)


def _statement(name: str, table: str, more: str, applies: str, failed: str, detail: tuple[str, ...]) -> str:
    members = ", ".join(f"{column} := {column}" for column in detail)
    return f"""copy (
  with t as (
    select *, '{table}/' || parse_filename(filename, true) || '#' || file_row_number as row_id
    from read_parquet('$BUNDLE/tables/{table}/*.parquet', filename = true, file_row_number = true)
  ), q as (select t.*, {applies} as applies, {failed} as failed from t {more}), v as (
    select *, case when not applies then 'not_applicable' when applies is null or failed is null then 'inconclusive'
      when failed then 'fail' else 'pass' end as verdict from q)
  select '{name}' as "check", entity as asset, subject, verdict, case when verdict = 'inconclusive' then 'not_observed' end as reason,
    null::varchar as cvss, case when verdict in ('fail', 'inconclusive') then to_json(struct_pack({members}))::varchar end as detail,
    case when verdict in ('fail', 'inconclusive') then [row_id] end as evidence
  from v order by asset, subject
) to '$OUT' (format parquet, compression zstd)"""


def _counts(path: Path) -> dict[tuple[str, str], int]:
    files = f"{path}/*.parquet" if path.is_dir() else str(path)
    rows = duckdb.connect().execute('select "check", verdict, count(*) from read_parquet($f) group by all', {"f": files}).fetchall()
    return {(check, verdict): count for check, verdict, count in rows}


def _good(ran: Ran) -> Ran:
    if ran.code:
        raise RuntimeError(f"ended with {ran.code}: {ran.errors}")
    return ran


BENCHMARK = Benchmark("10 million hub twins through the checks, against plain DuckDB SQL", arguments, measure)

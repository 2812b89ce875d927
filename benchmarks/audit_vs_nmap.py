"""A whole audit, from the first packet to the report, against `nmap -sV` alone, over the same simulated hosts in the same run.

Both scan twenty ports of each host, over the same cable, with what they ship as defaults: nmap 40 services at a time, Plumbline 500
exchanges a second over all and 40 to one device. Right is a port whose protocol is named as what really speaks there, and as inside TLS
where it is. nmap is given the right also where it only repeats what its list of port numbers says.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from benchmarks.benchmark import Benchmark, Figure, Result, Unmeasurable
from benchmarks.measured.process import Ran, run
from benchmarks.simulated.place import BASE, Place, simulated_site
from benchmarks.simulated.site import PORTS, Speaks, hosts, truth
from plumbline.evidence.bundle import Bundle

TIMES = 20.0
INTRUSIONS = ("query", "session")  # the first is the headline: what `plumbline rig init` writes, and as deep as nmap -sV looks
NMAP_NAMES = {"https": ("http", True), "secure-mqtt": ("mqtt", True), "mbap": ("modbus", False), "http-proxy": ("http", False)}
NMAP_NAMES |= {"https-alt": ("http", True), "http-alt": ("http", False), "rtsp-alt": ("rtsp", False)}
PLUMBLINE = (sys.executable, "-c", "from plumbline.cli.main import run; run()")
JUDGED = (0, 1, 3)  # exit codes of a run that came to its end: findings are expected

_RIG = """[rig]
id = "simulated-site"
name = "Simulated site"
owner = "Benchmark"

[authorisation]
reference = "BENCHMARK"
granted_by = "whoever runs it"
emergency_contact = "end the process"
valid_from = {valid_from:%Y-%m-%dT%H:%M:%SZ}
valid_until = {valid_until:%Y-%m-%dT%H:%M:%SZ}
networks = ["{base}.0.0/16"]
intrusion = "{intrusion}"

[[network]]
name = "site"
site = "site"
ranges = [{ranges}]
ports = [{ports}]
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The size of the site; small ones are for testing the benchmark itself."""
    parser.add_argument("--hosts", type=int, default=64)
    parser.add_argument("--intrusions", nargs="+", choices=INTRUSIONS, default=INTRUSIONS)
    parser.add_argument("--without-nmap", action="store_true", help="measure only our side, for profiling")


def measure(options: argparse.Namespace) -> Result:
    """Run both over one site; raises Unmeasurable without nmap or network namespaces."""
    if shutil.which("nmap") is None and not options.without_nmap:
        raise Unmeasurable("nmap is not installed")
    right = truth(BASE, options.hosts)
    with TemporaryDirectory(prefix="plumbline-bench-") as folder, simulated_site(options.hosts) as place:
        work = Path(folder)
        nmap = None if options.without_nmap else _nmap(place, options.hosts, work)
        audits = {intrusion: _audit(place, options.hosts, intrusion, work) for intrusion in options.intrusions}
        named = {intrusion: named_by_us(work / intrusion / "out" / "bundle") for intrusion in options.intrusions}
        by_nmap = {} if nmap is None else named_by_nmap(work / "nmap.xml")
        version = "" if nmap is None else ET.parse(work / "nmap.xml").getroot().get("version", "")
    figures = []
    for intrusion, ran in audits.items():
        headline = intrusion == INTRUSIONS[0]
        figures += [
            _time(intrusion, ran, nmap, headline=headline),
            _accuracy(intrusion, named[intrusion], by_nmap, right, headline=headline),
        ]
    about = {
        "hosts": options.hosts,
        "ports": len(PORTS),
        "open ports": len(right),
        "nmap": version,
        "peak memory of the audit, MB": round(audits[options.intrusions[0]].peak_bytes / 1e6),
        "not named by us": _misses(named[options.intrusions[0]], right),
        "not named by nmap": _misses(by_nmap, right) if nmap else None,
    }
    return Result("whole audit against nmap -sV", tuple(figures), about)


def _nmap(place: Place, count: int, work: Path) -> Ran:
    ports = ",".join(map(str, PORTS))
    targets = [host.address for host in hosts(place.base, count)]
    ran = run([*place.prefix, "nmap", "-sV", "-p", ports, "-n", "-Pn", "-oX", work / "nmap.xml", *targets], log=work / "nmap.log")
    if ran.code:
        raise Unmeasurable(f"nmap ended with {ran.code}: {ran.errors}")
    return ran


def _audit(place: Place, count: int, intrusion: str, work: Path) -> Ran:
    folder = work / intrusion
    folder.mkdir()
    now = datetime.now(UTC)
    text = _RIG.format(
        valid_from=now - timedelta(days=1),
        valid_until=now + timedelta(days=1),
        base=place.base,
        intrusion=intrusion,
        ranges=", ".join(f'"{host.address}/32"' for host in hosts(place.base, count)),
        ports=", ".join(map(str, PORTS)),
    )
    (folder / "rig.toml").write_text(text, encoding="utf-8")
    command = [*place.prefix, *PLUMBLINE, "audit", folder / "rig.toml", "-o", folder / "out"]
    ran = run(command, log=folder / "log", environment={"XDG_STATE_HOME": str(folder / "state")})
    if ran.code not in JUDGED or not (folder / "out" / "report.html").exists():
        raise RuntimeError(f"the audit ended with {ran.code}: {ran.errors}")
    return ran


def named_by_us(bundle: Path) -> dict[tuple[str, int], Speaks]:
    """What the table `service` of a bundle says, by address and port."""
    rows = [row for part in Bundle(bundle).parts("service") for row in pq.read_table(part).to_pylist()]
    return {(row["entity"].rpartition("/")[2], row["port"]): Speaks(row["protocol"], bool(row["tls"])) for row in rows if row["protocol"]}


def named_by_nmap(path: Path) -> dict[tuple[str, int], Speaks]:
    """What nmap's XML says of the ports that it found open, probed or looked up."""
    found = {}
    for host in ET.parse(path).getroot().iter("host"):
        address = next(each.get("addr", "") for each in host.iter("address") if each.get("addrtype") == "ipv4")
        for port in host.iter("port"):
            state, service = port.find("state"), port.find("service")
            if state is not None and state.get("state") == "open" and service is not None:
                name = service.get("name", "")
                protocol, tls = NMAP_NAMES.get(name, (name, False))
                found[address, int(port.get("portid", "0"))] = Speaks(protocol, tls or service.get("tunnel") == "ssl")
    return found


def _time(intrusion: str, ran: Ran, nmap: Ran | None, *, headline: bool) -> Figure:
    ratio = nmap.wall_s / ran.wall_s if nmap else None
    goal = f"at least {TIMES:g} times faster" if headline and nmap else ""
    reached = ratio >= TIMES if goal and ratio is not None else None
    return Figure(f"audit at {intrusion}, wall time", ran.wall_s, nmap.wall_s if nmap else None, "s", ratio, goal, reached)


def _accuracy(
    intrusion: str,
    ours: dict[tuple[str, int], Speaks],
    nmap: dict[tuple[str, int], Speaks],
    right: dict[tuple[str, int], Speaks],
    *,
    headline: bool,
) -> Figure:
    share, peer = _share(ours, right), _share(nmap, right) if nmap else None
    goal = "at least as accurate" if headline and nmap else ""
    reached = None if peer is None or not headline else share >= peer
    return Figure(f"audit at {intrusion}, protocols named rightly", share, peer, "", share / peer if peer else None, goal, reached)


def _share(named: dict[tuple[str, int], Speaks], right: dict[tuple[str, int], Speaks]) -> float:
    return sum(named.get(place) == speaks for place, speaks in right.items()) / len(right)


def _misses(named: dict[tuple[str, int], Speaks], right: dict[tuple[str, int], Speaks]) -> dict[str, int]:
    """What was not named rightly, by protocol and port."""
    found: dict[str, int] = {}
    for place, speaks in right.items():
        if named.get(place) != speaks:
            word = f"{speaks.protocol}{' in TLS' if speaks.tls else ''} on {place[1]}"
            found[word] = found.get(word, 0) + 1
    return dict(sorted(found.items()))


BENCHMARK = Benchmark("a whole audit against nmap -sV over a simulated site", arguments, measure)

"""The benchmarks run, and measure what they say, at a size that takes seconds. How fast anything is decides no test."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import audit_vs_nmap, firmware, ten_million_twins
from benchmarks.benchmark import Result, Unmeasurable, load
from benchmarks.simulated.site import KINDS, ODD_PORTS, OPEN_PORTS, PORTS, Speaks, hosts, truth

NMAP = """<?xml version="1.0"?>
<nmaprun version="7.93"><host><address addr="10.20.1.10" addrtype="ipv4"/><address addr="02:00:00:00:00:01" addrtype="mac"/><ports>
<port protocol="tcp" portid="22"><state state="open"/><service name="ssh" method="probed"/></port>
<port protocol="tcp" portid="443"><state state="open"/><service name="http" tunnel="ssl" method="probed"/></port>
<port protocol="tcp" portid="8443"><state state="open"/><service name="https-alt" method="table"/></port>
<port protocol="tcp" portid="502"><state state="open"/><service name="mbap" method="table"/></port>
<port protocol="tcp" portid="80"><state state="closed"/><service name="http" method="table"/></port>
<port protocol="tcp" portid="21883"><state state="open"/></port>
</ports></host></nmaprun>
"""


def measured(name: str, *words: str) -> Result:
    """Run one benchmark with the options of its command line."""
    benchmark, parser = load()[name], argparse.ArgumentParser()
    benchmark.arguments(parser)
    return benchmark.measure(parser.parse_args(words))


def test_every_benchmark_is_found_and_says_what_it_is_about() -> None:
    assert {"audit_vs_nmap", "firmware", "ten_million_twins", "vulnerabilities"} <= load().keys()
    assert all(benchmark.about for benchmark in load().values())


@pytest.mark.full
@pytest.mark.system
def test_a_whole_audit_of_a_small_site() -> None:
    try:
        result = measured("audit_vs_nmap", "--hosts", "4", "--without-nmap", "--intrusions", "query")
    except Unmeasurable as why:
        pytest.skip(str(why))
    figures = {figure.name: figure for figure in result.figures}
    assert figures["audit at query, protocols named rightly"].ours == 1.0, result.about["not named by us"]
    assert result.about["open ports"] == 4 * OPEN_PORTS


def test_the_site_is_as_described() -> None:
    assert len(PORTS) == len(set(PORTS)) == 20
    for kind, services in KINDS.items():
        assert len(services) == OPEN_PORTS, kind
        assert len(services.keys() & set(ODD_PORTS)) == OPEN_PORTS // 3, kind
        assert services.keys() <= set(PORTS), kind
    site = hosts("10.20", 64)
    assert len({host.address for host in site}) == 64
    assert {host.kind for host in site} == KINDS.keys()
    assert len(truth("10.20", 64)) == 384


def test_what_nmap_names(tmp_path: Path) -> None:
    path = tmp_path / "nmap.xml"
    path.write_text(NMAP, encoding="utf-8")
    assert audit_vs_nmap.named_by_nmap(path) == {
        ("10.20.1.10", 22): Speaks("ssh", tls=False),
        ("10.20.1.10", 443): Speaks("http", tls=True),
        ("10.20.1.10", 8443): Speaks("http", tls=True),
        ("10.20.1.10", 502): Speaks("modbus", tls=False),
    }


def test_a_small_fleet_is_judged_as_plain_sql_judges_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = command.main(["--out", str(tmp_path), "ten_million_twins", "--twins", "10000"])
    document = json.loads((tmp_path / "ten_million_twins.json").read_text(encoding="utf-8"))
    figures = {figure["name"]: figure for figure in document["figures"]}
    assert (code, figures["same verdicts, counted by check"]["reached"]) == (0, True)
    assert document["about"]["twins"] == 10_000
    assert "same verdicts" in capsys.readouterr().out
    assert ten_million_twins.TWINS == 10_000_000, "what `make bench` measures"


@pytest.mark.full
def test_a_small_fleet_has_the_vulnerabilities_that_plain_sql_finds() -> None:
    figures = {figure.name: figure for figure in measured("vulnerabilities", "--records", "20000", "--devices", "20").figures}
    assert figures["same matches"].reached


def test_images_are_not_measured_without_the_peer() -> None:
    with pytest.raises(Unmeasurable, match="cve-bin-tool is not installed"):
        measured("firmware", "--peer", "")


def test_products_of_the_peer_are_held_against_packages() -> None:
    packages = [firmware.Truth("busybox-udeb", "1:1.35.0-4", "busybox"), firmware.Truth("libssl3", "3.0.15-1", "openssl")]
    found = [("busybox", "1.35.0"), ("openssl", "3.0.15"), ("openssl", "1.0.2k"), ("readline", "8.2")]
    assert firmware.held_against(found, packages) == (2, ["openssl 1.0.2k", "readline 8.2"])


@pytest.mark.full
def test_formats_of_a_few_findings_are_measured() -> None:
    result = measured("formats", "--assets", "5", "--rows", "7000")
    assert result.about["findings"] >= 50
    assert result.about["rows of the long ledger"] >= 7000
    assert all(figure.reached for figure in result.figures if figure.goal)

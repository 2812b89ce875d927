"""nmap: the ports that it lists, with what answered where it asked."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest

from plumbline.model.errors import ProtocolError
from tests.collect.collecting import REAL_DATA
from tests.collect.imports.formats.reading import read, said, services
from tests.collect.imports.samples import NMAP


def test_ports_of_a_host(tmp_path: Path) -> None:
    found = read("nmap", tmp_path, NMAP.encode())
    ssh, mqtt, https = services(found)
    assert (ssh.tool, ssh.tool_version, ssh.address, ssh.transport.value, ssh.port) == ("nmap", "7.93", ip_address("10.0.0.1"), "tcp", 22)
    assert (ssh.state, ssh.name, ssh.product, ssh.version) == ("open", "ssh", "Dropbear sshd", "2022.83")
    assert ssh.cpe == ("cpe:/a:matt_johnston:dropbear_ssh_server:2022.83",)
    assert ssh.seen_at == datetime.fromtimestamp(1764320100, UTC)
    assert (mqtt.port, mqtt.state, mqtt.name) == (1883, "open", None), "a name from the port's number is a guess"
    assert (https.port, https.state) == (443, "filtered")
    assert said(found) == ["a port of 10.0.0.1 that is none of TCP or UDP"]


CUT = {
    "ended by somebody": (NMAP.replace('exit="success"', 'exit="error"'), "the scan did not come to its end"),
    "without an end": (
        NMAP[: NMAP.index("<runstats>")] + "</nmaprun>",
        "it does not say that the scan came to its end",
    ),
    "a host given up": (
        NMAP.replace("<host starttime", '<host timedout="true" starttime'),
        "the scan of 10.0.0.1 was cut short by nmap's own limit",
    ),
    "a port without a state": (NMAP.replace("<state ", "<x ", 1), "a port of 10.0.0.1 without a state"),
    "a host without an address": (NMAP.replace('addr="10.0.0.1" addrtype="ipv4"', 'addr="x" addrtype="ipv4"'), "a host without an address"),
}


@pytest.mark.parametrize(("text", "words"), CUT.values(), ids=CUT)
def test_what_falls_short_is_said(text: str, words: str, tmp_path: Path) -> None:
    assert words in said(read("nmap", tmp_path, text.encode()))


def test_another_scanner_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="not the XML of nmap"):
        read("nmap", tmp_path, NMAP.replace('scanner="nmap"', 'scanner="masscan"').encode())


def test_real_files_of_another_project(tmp_path: Path) -> None:
    files = sorted((REAL_DATA / "configs").glob("nmap-xml__*.xml"))
    if not files:
        pytest.skip("../shared/data/configs is not beside the project")
    ports = {file.name.rpartition("__")[2]: read("nmap", tmp_path, file.read_bytes()) for file in files}
    assert {name: [one.port for one in services(found)] for name, found in ports.items()} == {
        "1_host_ping.xml": [],
        "1_hosts.xml": [22, 25, 111, 631, 3306],
        "1_hosts_banner.xml": [22, 25, 111, 631, 3306],
    }
    banner = {one.port: (one.name, one.product, one.version) for one in services(ports["1_hosts_banner.xml"])}
    assert banner[22] == ("ssh", "OpenSSH", "5.3")
    assert banner[3306] == ("mysql", "MySQL", "5.1.61")
    assert {one.name for one in services(ports["1_hosts.xml"])} == {None}
    assert all(said(found) == [] for found in ports.values())

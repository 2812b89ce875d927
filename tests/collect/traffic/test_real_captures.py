"""Captures of real devices, by other people: each is read whole, and its facts agree with what was seen by hand and with tshark."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from plumbline.collect import traffic
from plumbline.collect.traffic.locality import Locality
from plumbline.collect.traffic.rows import type_word
from plumbline.protocols.tls_suites import suite_name
from plumbline.rig.addresses import AddressSet
from plumbline.rig.models import Capture
from tests.collect.collecting import REAL_DATA, Collected, run
from tests.collect.traffic.capturing import digest, rig_with, shown

FOLDER = REAL_DATA / "captures"
CAPTURES = sorted(path.name for path in FOLDER.glob("*.pcap*"))
pytestmark = pytest.mark.skipif(not CAPTURES, reason="the shared data folder is not beside this repository")
LOCALITY = Locality(AddressSet([ip_network("10.20.0.0/16")]))


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    rig = rig_with(tmp_path_factory.mktemp("real"), *(FOLDER / name for name in CAPTURES))
    assert rig.captures == tuple(Capture(FOLDER / name) for name in CAPTURES)
    return run(traffic.collect, rig)


def of(collected: Collected, table: str, name: str) -> list[dict[str, Any]]:
    """Rows of one capture, by the digest that they cite."""
    [capture] = [row for row in collected.rows("capture") if row["path"] == name]
    return [row for row in collected.rows(table) if row["raw"].startswith(f"file/{capture['sha256']}@")]


def test_each_is_read_to_its_end(collected: Collected) -> None:
    assert sorted(row["path"] for row in collected.rows("capture")) == CAPTURES
    listed = dict(line.split("\t")[::4][:2] for line in (FOLDER / "MANIFEST.tsv").read_text().splitlines()[1:])
    assert {row["path"]: str(row["packets"]) for row in collected.rows("capture")} == listed
    assert {row["packets_skipped"] for row in collected.rows("capture")} == {0}
    assert {row["outcome"] for row in collected.attempts() if row["table"] == "capture"} == {"ok"}


FLOWS = {
    "ipfixprobe__ntp.pcap": {"*->udp/80.74.64.2/123": ("ntp", False, [], True)},
    "ipfixprobe__mixed.pcap": {"*->udp/10.5.5.1/67": ("dhcp", False, [], False), "*->udp/ff02::1:2/547": ("dhcpv6", False, [], False)},
    "zeek__ftp__bruteforce.pcap": {"*->tcp/192.168.56.101/21": ("ftp", False, ["ftp"], False)},
    "suricata__bug-5713-01.pcap": {"*->tcp/91.254.215.167/443": ("tls", True, [], True)},
    "suricata__dnp3__dnp3-eve.pcap": {"*->tcp/127.0.0.1/20000": ("dnp3", False, [], False)},
    "suricata__enip-alert.pcap": {"*->tcp/172.25.23.2/44818": ("enip", False, [], False)},
    "suricata__modbus.pcap": {"*->tcp/10.0.0.3/502": ("modbus", False, [], False)},
    "suricata__ikev1-duplicate-proposals.pcap": {"*->udp/192.168.12.2/500": ("ike", True, [], False)},
    "icsnpp__bacnet__bacnet_error_reject_abort.pcap": {"*->udp/192.168.3.100/47808": ("bacnet", False, [], False)},
    "icsnpp__opcua-binary__opcua_with-gap.pcap": {"*->tcp/192.168.11.34/4840": ("opcua", None, None, False)},
    "zeek__mqtt.pcap": {"*->tcp/198.41.30.241/1883": ("mqtt", False, [], True)},
    "ipfixprobe__mqtt.pcap": {"*->tcp/91.121.93.94/1883": ("mqtt", False, ["mqtt"], True)},
}


@pytest.mark.parametrize("name", FLOWS)
def test_flows_seen_by_hand(name: str, collected: Collected) -> None:
    found = {
        row["subject"]: (row["protocol"], row["encrypted"], row["clear_credentials"], row["external"])
        for row in of(collected, "flow", name)
    }
    assert {subject: found.get(subject) for subject in FLOWS[name]} == FLOWS[name]


def test_an_mqtt_login_refused(collected: Collected) -> None:
    clients = of(collected, "mqtt_client", "ipfixprobe__mqtt.pcap")
    assert [(row["client_id"], row["user_present"], row["publishes"], row["accepted"]) for row in clients] == [
        (None, False, 3, True),
        (None, True, 0, False),
        ("xxx^666^xxx", False, 1, True),
    ]
    [credential] = of(collected, "clear_credential", "ipfixprobe__mqtt.pcap")
    assert (credential["frame"], credential["offset"]) == (23, 2804)


def test_a_tls_server_that_chose_1_2(collected: Collected) -> None:
    [row] = of(collected, "tls_client", "testrun__tls__tls_ext.pcap")
    assert (row["highest_version"], row["lowest_highest_version"], row["hellos"]) == ("tls1.3", "tls1.2", 3)
    assert (row["negotiated_version"], row["negotiated_suite"]) == ("tls1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
    assert row["server_certificate_sha256"].startswith("84f43633")


def test_names_of_stations(collected: Collected) -> None:
    found = {row["address"]: (row["hostname"], row["vendor_class"]) for row in of(collected, "station", "testrun__conn__startup.pcap")}
    assert found["10.10.10.15"] == ("density-H3GBB123", '"Density Device"')
    assert found["10.10.10.14"] == (None, None)
    [device] = [row for row in of(collected, "station", "ipfixprobe__mixed.pcap") if row["address"] == "10.5.5.26"]
    assert device["vendor_class"] == "udhcp 1.23.2"


def test_credentials_stay_out_of_the_bundle(collected: Collected) -> None:
    guessed = b"PASS "
    data = (FOLDER / "zeek__ftp__bruteforce.pcap").read_bytes()
    passwords = {part.split(b"\r\n", 1)[0] for part in data.split(guessed)[1:]}
    assert len(passwords) > 20
    rows = of(collected, "clear_credential", "zeek__ftp__bruteforce.pcap")
    assert {row["digest"] for row in rows} == {digest("password", one.decode()) for one in passwords}
    columns = ("user_digest", "digest", "credential", "protocol", "subject", "server")
    written = repr(shown(collected, "clear_credential", *columns)) + repr(collected.attempts())
    assert not [one for one in passwords if len(one) > 5 and one.decode() in written]


# --- tshark's word for the same files ---------------------------------------------------------------------------------


@cache
def tshark(name: str, *fields: str, only: str = "frame", options: tuple[str, ...] = ()) -> list[list[str]]:
    """Fields of every frame that `only` selects; several values of one field stand behind commas."""
    wanted = [word for field in fields for word in ("-e", field)]
    command = ["tshark", "-n", "-r", str(FOLDER / name), "-Y", only, "-T", "fields", "-E", "separator=/t", *options, *wanted]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def is_local(address: str) -> bool:
    return LOCALITY.is_local(ip_address(address).packed)


@needs_tshark
@pytest.mark.system
@pytest.mark.parametrize("name", CAPTURES)
def test_payload_between_any_two_as_tshark_counts_it(name: str, collected: Collected) -> None:
    fields = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.len", "udp.length", "tcp.flags.reset")
    expected: Counter[frozenset[str]] = Counter()
    for row in tshark(name, *fields, only="(tcp or udp) and not icmp and not icmpv6"):
        source, target = row[0] or row[2], row[1] or row[3]
        if is_local(source) or is_local(target):
            size = int(row[4]) if row[4] else int(row[5]) - 8
            expected[frozenset((source, target))] += 0 if row[6] in ("1", "True") else size
    found: Counter[frozenset[str]] = Counter()
    broadcast: set[frozenset[str]] = set()
    for flow in of(collected, "flow", name):
        station = flow["entity"].partition("/")[2]
        if station == flow["server"] and not flow["external"]:
            found[frozenset((station,))] += flow["bytes_out"] + flow["bytes_in"]
        elif station != flow["server"]:
            found[frozenset((station, flow["server"]))] += flow["bytes_out"] + flow["bytes_in"]
        else:  # somebody outside came to it: the row does not say who
            broadcast.add(frozenset((station,)))
    inbound = {pair for pair in expected if any(frozenset((one,)) in broadcast for one in pair)}
    to_all = {pair for pair in expected if any(not ip_address(one).is_multicast and one in ("255.255.255.255", "0.0.0.0") for one in pair)}
    assert {pair: size for pair, size in (+expected).items() if pair not in inbound | to_all} == {
        pair: size for pair, size in (+found).items() if pair not in inbound
    }


@needs_tshark
@pytest.mark.system
@pytest.mark.parametrize("name", [name for name in CAPTURES if "dns" in name or "mixed" in name or "mainloop.pcap" in name])
def test_dns_questions_as_tshark_reads_them(name: str, collected: Collected) -> None:
    fields = ("ip.src", "ipv6.src", "dns.qry.name", "dns.qry.type")
    expected = {
        (row[0] or row[1], row[2].lower().replace("<root>", "."), int(row[3]))
        for row in tshark(name, *fields, only="dns and not mdns and not llmnr and not nbns and dns.flags.response == 0 and not icmp")
        if is_local(row[0] or row[1])
    }
    found = {(row["entity"].partition("/")[2], row["name"], row["type"]) for row in of(collected, "dns_query", name)}
    assert found == {(station, query, type_word(kind)) for station, query, kind in expected}


@needs_tshark
@pytest.mark.system
@pytest.mark.parametrize("name", [name for name in CAPTURES if "mqtt" in name])
def test_mqtt_clients_as_tshark_reads_them(name: str, collected: Collected) -> None:
    fields = ("mqtt.clientid", "mqtt.conflag.uname", "mqtt.conflag.passwd")
    expected = {
        (row[0] or None, row[1] in ("1", "True"), row[2] in ("1", "True")) for row in tshark(name, *fields, only="mqtt.msgtype == 1")
    }
    clients = of(collected, "mqtt_client", name)
    assert {(row["client_id"], row["user_present"], row["password_present"]) for row in clients} == expected
    topics = tshark(name, "mqtt.topic", "tcp.srcport", only="mqtt.msgtype == 3 and tcp.dstport == 1883")
    assert sum(row["publishes"] for row in clients) == sum(len(row[0].split(",")) for row in topics)


@needs_tshark
@pytest.mark.system
def test_http_requests_as_tshark_reads_them(collected: Collected) -> None:
    name = "ipfixprobe__http.pcap"
    fields = ("ip.dst", "http.request.method", "http.host", "http.user_agent")
    expected = Counter(tuple(row) for row in tshark(name, *fields, only="http.request"))
    found: Counter[tuple[str, ...]] = Counter()
    for row in of(collected, "http_client", name):
        found[(row["server"], row["method"], row["host"], row["user_agent"])] += row["requests"]
    assert found == expected


@needs_tshark
@pytest.mark.system
@pytest.mark.parametrize("name", ["testrun__tls__tls_ext.pcap", "suricata__bug-5713-01.pcap"])
def test_tls_hellos_as_tshark_reads_them(name: str, collected: Collected) -> None:
    hellos = tshark(name, "tls.handshake.extensions_server_name", only="tls.handshake.type == 1")
    chosen = tshark(name, "tls.handshake.ciphersuite", only="tls.handshake.type == 2")
    [row] = of(collected, "tls_client", name)
    assert row["hellos"] == len(hellos)
    assert (row["sni"] or "") in {hello[0] for hello in hellos}
    assert (row["negotiated_suite"] is None) == (not chosen)
    if chosen:
        assert row["negotiated_suite"] in {suite_name(int(one[0], 16)) for one in chosen}


@needs_tshark
@pytest.mark.system
def test_ftp_passwords_as_tshark_reads_them(collected: Collected) -> None:
    name = "zeek__ftp__bruteforce.pcap"
    said = tshark(name, "frame.number", "ftp.request.arg", only='ftp.request.command == "PASS"')
    first: dict[str, int] = {}
    for number, password in said:
        first.setdefault(digest("password", password), int(number))
    assert {row["digest"]: row["frame"] for row in of(collected, "clear_credential", name)} == first

"""From capture files to a bundle: stations and flows, and coverage that says exactly what was missed."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from plumbline.collect import traffic
from plumbline.collect.context import Context
from plumbline.evidence.bundle import BundleWriter
from plumbline.evidence.specs import load_tables
from plumbline.model.words import EntityKind
from tests.collect.collecting import KEY, NOW, Collected, run
from tests.collect.traffic.capturing import collect_bytes, collect_frames, rig_with, shown
from tests.collect.traffic.packets import (
    DEVICE,
    DEVICE_MAC,
    OUTSIDE,
    ROUTER_MAC,
    SERVER,
    SERVER_MAC,
    Talk,
    arp,
    block,
    datagram,
    enhanced,
    ethernet,
    interface,
    ipv4,
    pcap,
    section,
    tcp,
)

CONTENT = ("clear_credential", "dns_query", "tls_client", "mqtt_client", "http_client")
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def only(tables: tuple[str, ...], outcome: str) -> dict[str, str]:
    return {table: outcome if table in tables else "ok" for table in traffic.TABLES}


def test_tables_are_those_whose_coverage_a_capture_decides() -> None:
    assert set(traffic.TABLES) == {name for name, spec in load_tables().items() if spec.kinds == (EntityKind.CAPTURE,)}


def test_a_capture_row(tmp_path: Path) -> None:
    talk = Talk().open().say(GET).close()
    collected = collect_frames(tmp_path, talk.frames, [ethernet(b"\x45")])
    [row] = collected.rows("capture")
    assert row["entity"] == "capture:harbour/day.pcap"
    assert (row["path"], row["format"], row["packets"], row["packets_skipped"], row["stations"]) == (
        "day.pcap",
        "pcap",
        len(talk.frames) + 1,
        1,
        2,
    )
    assert row["first_at"].isoformat() == "2023-11-14T22:13:20+00:00"
    assert row["last_at"].isoformat() == "2023-11-14T22:13:20.008000+00:00"


def test_stations_and_their_macs(tmp_path: Path) -> None:
    inside = Talk().open().say(GET)
    outside = Talk(server=OUTSIDE, macs=(DEVICE_MAC, ROUTER_MAC), client_port=40_001).open().say(GET)
    behind = [datagram(f"10.20.7.{host}", 5000, DEVICE, 5001, b"x", mac=ROUTER_MAC) for host in (7, 8)]
    collected = collect_frames(tmp_path, inside.frames, outside.frames, behind, [arp(ROUTER_MAC, "10.20.1.1")])
    assert {row["address"]: row["mac"] for row in collected.rows("station")} == {
        DEVICE: DEVICE_MAC,
        SERVER: SERVER_MAC,
        "10.20.1.1": ROUTER_MAC,  # ARP says so, though the same MAC forwards for others
        "10.20.7.7": None,
        "10.20.7.8": None,
    }
    [station] = [row for row in collected.rows("station") if row["address"] == SERVER]
    assert (station["packets"], station["bytes"]) == (len(inside.frames), sum(map(len, inside.frames)))


def test_an_address_with_two_macs_has_none(tmp_path: Path) -> None:
    collected = collect_frames(tmp_path, [arp(DEVICE_MAC, DEVICE), arp(SERVER_MAC, DEVICE)])
    assert shown(collected, "station", "address", "mac") == [{"address": DEVICE, "mac": None}]


def test_a_scan_makes_no_stations(tmp_path: Path) -> None:
    probes = [ethernet(ipv4(DEVICE, f"10.20.9.{host}", 6, tcp(50_000, 80, 1, 0, 2))) for host in range(1, 100)]
    collected = collect_frames(tmp_path, probes)
    assert [row["address"] for row in collected.rows("station")] == [DEVICE]
    assert len(collected.rows("flow")) == 99


FLOWS = {
    "to a neighbour": (Talk(), f"station:harbour/{DEVICE}", SERVER, False),
    "to the outside": (Talk(server=OUTSIDE), f"station:harbour/{DEVICE}", OUTSIDE, True),
    "from the outside": (Talk(client=OUTSIDE, server=DEVICE), f"station:harbour/{DEVICE}", DEVICE, True),
    "to a private address that the rig does not list": (Talk(server="192.168.7.7"), f"station:harbour/{DEVICE}", "192.168.7.7", False),
    "over IPv6, link-local": (Talk(client="fe80::14", server="fe80::9"), "station:harbour/fe80::14", "fe80::9", False),
}


@pytest.mark.parametrize("name", FLOWS)
def test_flows(name: str, tmp_path: Path) -> None:
    talk, entity, server, external = FLOWS[name]
    talk.open().say(GET).hear(b"HTTP/1.1 204 No\r\n\r\n").close()
    [row] = collect_frames(tmp_path, talk.frames).rows("flow")
    sizes = (len(GET), 19)
    assert (row["entity"], row["server"], row["external"]) == (entity, server, external)
    assert row["subject"] == f"*->tcp/{server}/80"
    assert (row["bytes_out"], row["bytes_in"]) == (sizes[::-1] if talk.client == OUTSIDE else sizes)
    assert (row["connections"], row["packets"], row["gaps"]) == (1, len(talk.frames), False)


def test_connections_of_one_flow_are_one_row(tmp_path: Path) -> None:
    talks = [Talk(client_port=port).open().say(GET).close().frames for port in (40_000, 40_001)]
    again = Talk(seq=77_777_777).open().say(GET).frames  # the same ports, a new connection
    asked = [datagram(*ends) for ends in 3 * [(DEVICE, 5000, SERVER, 7000, b"?"), (SERVER, 7000, DEVICE, 5000, b"!")]]
    collected = collect_frames(tmp_path, *talks, again, asked)
    assert {row["subject"]: row["connections"] for row in collected.rows("flow")} == {f"*->tcp/{SERVER}/80": 3, f"*->udp/{SERVER}/7000": 3}


def test_multicast_is_not_outside(tmp_path: Path) -> None:
    collected = collect_frames(tmp_path, [datagram(DEVICE, 5000, "239.255.255.250", 1900, b"M-SEARCH * HTTP/1.1\r\n\r\n")])
    assert shown(collected, "flow", "server", "external") == [{"server": "239.255.255.250", "external": False}]


def test_strangers_are_counted_and_not_looked_into(tmp_path: Path) -> None:
    talk = Talk(client="198.51.100.1", server=OUTSIDE, port=21).open().hear(b"220 FTP\r\n").say(b"USER a\r\n", b"PASS b\r\n")
    collected = collect_frames(tmp_path, talk.frames)
    assert collected.rows("capture")[0]["packets"] == len(talk.frames)
    assert collected.rows("flow") == collected.rows("clear_credential") == []
    assert collected.outcomes() == only(traffic.TABLES[1:], "partial")
    assert "no packet is from or to the rig's networks" in collected.details()["flow"]


def test_the_site_is_named_where_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "day.pcap"
    path.write_bytes(pcap(Talk().open().frames))
    two = run(traffic.collect, rig_with(tmp_path, path, sites=("harbour", "mill")))
    assert two.rows("capture")[0]["entity"] == "capture:/day.pcap"
    assert two.rows("station")[0]["entity"].startswith("station:/10.20.")


def gap() -> list[bytes]:
    talk = Talk().open().say(GET, b"GET /lost HTTP/1.1\r\nHost: a\r\n\r\n", GET)
    del talk.frames[4]
    return talk.frames


def one_sided() -> list[bytes]:
    talk = Talk().open().say(GET).hear(b"HTTP/1.1 204 No\r\n\r\n")
    return [frame for frame in talk.frames if frame[6:12] == bytes.fromhex(DEVICE_MAC.replace(":", ""))]


MISSED = {
    "a segment": (pcap(gap()), CONTENT, "not read whole"),
    "a whole side": (pcap(one_sided()), CONTENT, "not read whole"),
    "the start": (pcap(Talk().say(GET).frames), CONTENT, "not read whole"),
    "the end, which the other side acknowledged": (
        pcap(Talk().open().say(GET, GET).frames[:4] + Talk().open().say(GET, GET).frames[5:]),
        CONTENT,
        "whole",
    ),
    "the end of packets": (pcap(Talk().open().say(GET).frames, snap=60), CONTENT, "captured in part"),
    "fragments": (pcap([ethernet(ipv4(DEVICE, SERVER, 17, bytes(100), fragment=0x2000))]), CONTENT, "1 IP fragments"),
    "the end of the file": (pcap(Talk().open().say(GET).frames)[:-5], traffic.TABLES, "the file is cut"),
    "packets that the capturing machine lost": (
        section() + interface() + enhanced(Talk().open().frames[0], 1) + block(5, bytes(12) + struct.pack("<HHQ", 5, 8, 3)),
        traffic.TABLES[1:],
        "lost 3 packets",
    ),
    "packets that make no sense": (
        pcap([*Talk().open().frames, ethernet(b"\x45\0\0\0")]),
        traffic.TABLES[1:],
        "1 of 4 packets could not be decoded",
    ),
    "everything": (pcap([]), traffic.TABLES[1:], "the capture holds no packet"),
}


@pytest.mark.parametrize("name", MISSED)
def test_what_was_missed_is_partial(name: str, tmp_path: Path) -> None:
    data, tables, detail = MISSED[name]
    collected = collect_bytes(tmp_path, data)
    assert collected.outcomes() == only(tables, "partial")
    assert all(detail in collected.details()[table] for table in tables)


@pytest.mark.parametrize("name", ["a segment", "a whole side", "the start", "the end, which the other side acknowledged"])
def test_gaps_leave_credentials_unknown(name: str, tmp_path: Path) -> None:
    [flow] = collect_bytes(tmp_path, MISSED[name][0]).rows("flow")
    assert (flow["gaps"], flow["protocol"], flow["clear_credentials"]) == (True, "http", None)


NOT_READ = {
    "no capture": (b"%PDF-1.7 and so on", "protocol_error", "neither pcap nor pcapng"),
    "an empty file": (b"", "protocol_error", "the file is empty"),
    "compressed": (b"\x1f\x8b\x08\0\0\0\0\0", "not_supported", "decompress it first"),
}


@pytest.mark.parametrize("name", NOT_READ)
def test_what_is_not_read(name: str, tmp_path: Path) -> None:
    data, outcome, detail = NOT_READ[name]
    collected = collect_bytes(tmp_path, data)
    assert collected.outcomes() == only(traffic.TABLES, outcome)
    assert collected.rows("capture") == []
    assert collected.details()["flow"].startswith("day.pcap: ")
    assert detail in collected.details()["flow"]


def test_a_link_type_that_is_not_read(tmp_path: Path) -> None:
    collected = collect_bytes(tmp_path, pcap([bytes(40)] * 3, link=230))
    assert collected.outcomes() == {**only(traffic.TABLES[1:], "not_supported"), "capture": "ok"}
    assert collected.details()["station"] == "3 packets of link type 230 (IEEE 802.15.4) are not read"
    assert collected.rows("capture")[0]["packets_skipped"] == 3


def test_a_file_that_went_away(tmp_path: Path) -> None:
    collected = run(traffic.collect, rig_with(tmp_path, tmp_path / "gone.pcap"))
    assert set(collected.outcomes().values()) == {"protocol_error"}


def two_captures(folder: Path) -> tuple[Path, Path]:
    paths = folder / "a" / "day.pcap", folder / "b" / "day.pcap"
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(pcap(Talk().open().say(GET).frames))
    return paths


def test_two_captures_of_one_name(tmp_path: Path) -> None:
    collected = run(traffic.collect, rig_with(tmp_path, *two_captures(tmp_path)))
    assert [row["entity"] for row in collected.rows("capture")] == ["capture:harbour/a/day.pcap", "capture:harbour/b/day.pcap"]


def test_a_stop_leaves_whole_captures(tmp_path: Path) -> None:
    paths = two_captures(tmp_path)
    paths[1].write_bytes(pcap(Talk().open().say(*([GET] * 9000)).frames))
    answers = iter((False, False, True))  # before the first, before the second, then within it
    collected = run(traffic.collect, rig_with(tmp_path, *paths), stop=lambda: next(answers))
    assert {row["entity"] for row in collected.attempts()} == {"capture:harbour/a/day.pcap"}
    assert len(collected.rows("capture")) == 1


def test_what_was_read_is_not_read_again(tmp_path: Path) -> None:
    rig = rig_with(tmp_path, *two_captures(tmp_path))
    answers = iter((False, True))
    first = run(traffic.collect, rig, stop=lambda: next(answers))
    assert len(first.rows("capture")) == 1
    writer = BundleWriter.resume(first.bundle.path, now=NOW)
    traffic.collect(Context(rig=rig, writer=writer, key=KEY, now=lambda: NOW, progress=lambda *_: None, stop=lambda: False))
    writer.finish(ended_at=NOW, complete=True)
    collected = Collected(first.bundle)
    assert sorted(row["entity"] for row in collected.rows("capture")) == ["capture:harbour/a/day.pcap", "capture:harbour/b/day.pcap"]


def test_the_same_capture_gives_the_same_rows(tmp_path: Path) -> None:
    frames = [*gap(), *Talk(server=OUTSIDE, client_port=40_009).open().say(GET).frames, datagram(DEVICE, 1, SERVER, 2, b"x")]
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = (collect_frames(tmp_path / name, frames) for name in ("one", "two"))
    for table in traffic.TABLES:
        assert one.rows(table) == two.rows(table)

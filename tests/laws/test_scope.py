"""Law 1, end to end: a whole collection of devices that lure, on a cable that somebody listens on.

Not one packet leaves the scope (ARP and NDP apart), and the contact log, the capture and the devices' own counts tell the same.
`tests/net/test_scope.py` shows the same of everything that a door can be asked for; here the real probes ask.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from plumbline.net.contacts import verify
from tests.laws import lures
from tests.laws.auditor import Ended, collect
from tests.laws.bundles import Row, contacts, coverage, rows
from tests.net.netns import Frame, World, world
from tests.net.rigs import make_rig, rig_text

pytestmark = pytest.mark.system

SCOPE = [ip_network("10.77.0.0/27"), ip_network("fd77::10/125"), ip_network("10.77.1.8/30")]
AUTHORISED = ("10.77.0.0/25", "10.77.1.0/24", "fd77::/64")
RIG = rig_text(
    networks=AUTHORISED,
    ranges=["10.77.0.0/27", "fd77::10/125"],
    tcp=lures.TCP,
    udp=lures.UDP,
    intrusion="credential",
    authorisation=f"""
source = "aud0"
exclude = ["{lures.NEIGHBOUR}", "fd77::12"]
never_touch = ["{lures.FORBIDDEN}"]
resolvers = ["{lures.RESOLVER}"]
hosts = ["{lures.HUB}"]
discovery = ["mdns"]
""",
    rest='[[network]]\nname = "yard"\nsite = "here"\nranges = ["10.77.1.8/30"]\nports = [80]',
)
COUNTED = {"connect": "connections", "request": "requests", "handshake": "requests", "datagram": "datagrams", "discover": "datagrams"}
Sums = dict[str, Counter[tuple[str, int]]]


def audit(made: World, folder: Path, text: str) -> tuple[Ended, list[Frame], lures.Counts]:
    """Collect in the auditor's namespace; gives how it ended, what it sent, and what the devices saw."""
    counts = lures.Counts()
    rig = make_rig(folder, text, signed=True)
    subprocess.run(["ip", "-n", made.auditor.name, "address", "add", "10.77.1.1/24", "dev", "aud0"], check=True)
    made.site.start(_answer_every_datagram).result()
    with made.serve(lambda: lures.site(counts)), made.sniff() as frames:
        end = collect(folder, rig.path, inside=made.auditor)
    return end, [frame for frame in frames if not frame.outgoing], counts


def _answer_every_datagram() -> None:
    """Let every datagram to a closed port be answered, which a kernel else does once a second, so that no probe waits for it."""
    for limit in ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"):
        Path("/proc/sys/net", limit).write_text("0")


def asked(frames: Iterable[Frame]) -> list[Frame]:
    return [frame for frame in frames if frame.kind not in ("arp", "ndp")]


def captured(frames: Iterable[Frame]) -> Sums:
    """Connections, requests and datagrams by endpoint: SYNs, segments with bytes, and datagrams. Bare ACK, FIN and RST belong to a SYN."""
    found: Sums = {"connections": Counter(), "requests": Counter(), "datagrams": Counter()}
    for frame in frames:
        kind = "datagrams" if frame.kind == "udp" else "connections" if frame.opens else "requests" if frame.size else None
        if kind is not None:
            found[kind][frame.target, frame.port or 0] += 1
    return found


def logged(lines: Iterable[Row]) -> Sums:
    """The same out of the contact log; what is tried at an address without a device ends with ARP. None of the lures speaks TLS."""
    found: Sums = {"connections": Counter(), "requests": Counter(), "datagrams": Counter()}
    for line in lines:
        kind = COUNTED.get(line["event"])
        if kind is not None and line["address"] in (*lures.DEVICES, "224.0.0.251"):
            found[kind][line["address"], line["port"]] += 1
    return found


def in_scope(frame: Frame) -> bool:
    address, end = ip_address(frame.target), (frame.target, frame.port)
    if any(address in network for network in SCOPE):
        return frame.port in (lures.TCP if frame.kind == "tcp" else lures.UDP)
    # beyond the swept ranges: the resolver, and the group of the network that has no exclusion
    return frame.kind == "udp" and end in ((lures.RESOLVER, 53), ("224.0.0.251", 5353))


def test_lures(tmp_path: Path) -> None:
    with world(lures.SITE) as made:
        end, frames, counts = audit(made, tmp_path, RIG)
    assert end.code == 0, end.said
    sent = asked(frames)
    hub = [frame for frame in sent if (frame.target, frame.port) == (lures.HUB_AT, 443)]
    assert [frame for frame in sent if not in_scope(frame) and frame not in hub and frame.target != lures.HUB_AT] == []
    assert not {frame.target for frame in frames} & set(lures.WAITING)  # not even ARP
    assert sum(counts.connections[address, port] for address, port in counts.connections if address in lures.WAITING) == 0

    bundle = tmp_path / "bundle"
    assert verify(bundle / "contacts.jsonl").broken_line is None
    lines = contacts(bundle)
    told = logged(lines)
    assert captured(sent) == told
    met = set(counts.connections)
    assert dict(counts.connections) == {end: n for end, n in told["connections"].items() if end in met}
    pages = Counter((line["address"], line["port"]) for line in lines if line["event"] == "request")
    assert dict(counts.requests) == {end: n for end, n in pages.items() if end in met}

    # Every lure was met, so silence on the cable is the law's doing and not for want of bait.
    lurers = {f"host:here/{address}" for address in (*lures.HTTP, lures.PAGE)} | {f"host:/{lures.HUB}"}
    assert {row["entity"] for row in rows(bundle, "http_service")} == lurers
    assert [row["describe_status"] for row in rows(bundle, "rtsp_service")] == [200]
    assert [row["entity"] for row in rows(bundle, "coap_service")] == [f"host:here/{lures.PAGE}"]
    assert {row["entity"] for row in rows(bundle, "announcement")} == {f"host:here/{a}" for a in (lures.PAGE, lures.ANNOUNCER)}
    assert f"host:here/{lures.FILES}" in {row["entity"] for row in coverage(bundle) if row["table"] == "ftp_service"}
    refused = {(line["outcome"], line["why"].partition(" ")[0]) for line in lines if line["event"] == "refused"}
    assert refused >= {("outside_networks", "redirected"), ("name_not_listed", "redirected"), ("outside_networks", "listed")}
    assert all(line["permit"] for line in lines if line["event"] != "refused")


MONDAY_AT_ONE = 'windows = [{ days = ["mon"], from = "01:00", to = "01:01", timezone = "UTC" }]\nsource = "aud0"'
NOTHING = {
    "passive": RIG.replace('"credential"', '"passive"'),
    "expired": RIG.replace("2099-01-01", "2020-01-02"),
    "not yet valid": RIG.replace("2020-01-01", "2098-01-01"),
    "outside every window": RIG.replace('source = "aud0"', MONDAY_AT_ONE),
}


@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING.keys())
def test_not_one_packet(tmp_path: Path, text: str) -> None:
    with world(lures.SITE) as made:
        end, frames, _ = audit(made, tmp_path, text)
    assert [frame for frame in frames if frame.kind != "ndp"] == []  # not even ARP
    if '"passive"' in text:  # supplied files alone are a whole audit
        assert end.code == 0
        return
    assert end.code == 3, end.said
    assert "Ended early" in end.said
    assert rows(tmp_path / "bundle", "host") == []
    assert {row["outcome"] for row in coverage(tmp_path / "bundle")} == {"not_permitted"}


def test_the_wrong_site(tmp_path: Path) -> None:
    anchors = 'source = "aud0"\nanchors = [{ address = "10.77.0.10", mac = "24:a4:3c:10:00:01" }]'
    with world(lures.SITE) as made:
        end, frames, _ = audit(made, tmp_path, RIG.replace('source = "aud0"', anchors))
    assert end.code == 3
    assert "this may be another site" in end.said
    assert [(frame.kind, frame.target, frame.port, frame.size) for frame in asked(frames)] == [("udp", "10.77.0.10", 9, 0)]
    assert {row["outcome"] for row in coverage(tmp_path / "bundle")} == {"not_permitted"}

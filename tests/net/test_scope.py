"""Law 1, shown on the wire: no permit, no packet; and the contact log and the capture agree exchange by exchange.

Everything that a door can be asked for is asked for, within the scope and outside of it, on a cable that somebody listens on. Only ARP
and NDP are exempt; those that are seen concern addresses of the scope all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import defaultdict
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from plumbline.model.errors import DeviceError, NotPermittedError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.clock import SystemClock
from plumbline.net.contacts import ContactLog
from plumbline.net.door import Door
from plumbline.net.redirects import next_hop
from plumbline.rig.permits import Contact
from tests.net.netns import Frame, World, world
from tests.net.rigs import FakeClock, echo, make_rig, open_door, rig_text
from tests.net.test_connection import logged
from tests.net.test_datagram import Responder
from tests.net.test_resolve import HUB, TOY

pytestmark = pytest.mark.system

DEVICES = ("10.77.0.10", "10.77.0.11", "10.77.0.12", "10.77.0.13", "10.77.0.53", "10.77.0.200", "10.88.0.1")
DEVICES6 = ("fd77::10", "fd77::12", "fd88::1")
SITE = [*(f"{address}/24" for address in DEVICES), *(f"{address}/64" for address in DEVICES6)]
SCOPE = [ip_network("10.77.0.0/25"), ip_network("fd77::/64")]
ABSENT = "10.77.0.99"
RIG = rig_text(
    networks=["10.77.0.0/25", "fd77::/64", "10.99.0.0/24"],
    ranges=["10.77.0.0/25", "fd77::/64"],
    tcp=[80, 81],
    udp=[5683],
    authorisation=f"""
source = "aud0"
exclude = ["10.77.0.12", "fd77::12"]
never_touch = ["10.77.0.13"]
resolvers = ["10.77.0.53"]
hosts = ["{HUB}"]
discovery = ["mdns"]
""",
    rest='[[network]]\nname = "far"\nsite = "here"\nranges = ["10.99.0.0/24"]\nports = [80]',
)
ANYWHERE = [
    *DEVICES,
    *DEVICES6,
    ABSENT,
    "10.77.0.128",
    "10.77.0.0",
    "224.0.0.251",
    "255.255.255.255",
    "8.8.8.8",
    "::ffff:10.88.0.1",
    HUB,
    "localhost",
]


async def site() -> object:
    """Every device answers at every port that anyone could try, so that nothing is silent for lack of a server."""
    loop = asyncio.get_running_loop()
    servers = [await asyncio.start_server(echo, None, port) for port in (22, 80, 443)]
    ends = [(address, port) for address in (*DEVICES, *DEVICES6) for port in (161, 5683)]
    lines = [await loop.create_datagram_endpoint(lambda: Responder(lambda data: [data]), local_addr=end) for end in ends]
    answers = {"A": "10.77.0.10 10.88.0.1 8.8.8.8", "AAAA": "fd88::1"}

    def names(data: bytes) -> list[bytes]:
        return [data + b" " + answers[data.decode().split(" ")[2]].encode()]

    lines.append(await loop.create_datagram_endpoint(lambda: Responder(names), local_addr=("10.77.0.53", 53)))
    return servers, lines


async def ask_for_everything(door: Door) -> None:
    """Whatever a collector, or a defect in one, could ask of the door."""
    ends = [(address, port) for address in ANYWHERE for port in (22, 80, 81, 443)]
    async for _ in door.sweep(ends, timeout_s=0.4):
        pass
    for address in ANYWHERE:
        for port in (22, 80):
            with contextlib.suppress(NotPermittedError, DeviceError):
                async with await door.connect(address, port, why="probe", intrusion=Intrusion.SESSION, timeout_s=0.4) as connection:
                    await connection.request(b"one")
                    await connection.receive()
                    await connection.send(b"and more")
                    await connection.receive()
                    await connection.request(b"\x16\x03\x01", handshake=True)
                    await connection.receive()
        for port in (53, 161, 5683):
            with contextlib.suppress(NotPermittedError, DeviceError):
                async with await door.datagrams(address, port, why="probe", intrusion=Intrusion.QUERY) as line:
                    await line.request(b"who?")
                    await line.receive(0.4)
    for name in (HUB, "other.example"):
        with contextlib.suppress(NotPermittedError):
            await door.resolve(name, why="hub", codec=TOY, port=80)
    for address in DEVICES:
        with contextlib.suppress(NotPermittedError, DeviceError):
            await (await door.connect(address, 443, why="hub", intrusion=Intrusion.QUERY, name=HUB, timeout_s=0.4)).close()
    current = Contact(ip_address("10.77.0.10"), 80, Transport.TCP, Intrusion.QUERY, "http")
    for location in ("http://10.88.0.1/", "//10.77.0.12/", f"https://{HUB}/", "/here"):
        next_hop(door, current, location)
    for group in ("mdns", "ssdp", "nonsense"):
        for network in ("bench", "far", "nowhere"):
            with contextlib.suppress(NotPermittedError):
                await door.discover(group, b"who?", network=network, why="discovery", wait_s=0.1)
    with contextlib.suppress(NotPermittedError):
        await door.connect("10.77.0.10", 80, why="default login", intrusion=Intrusion.CREDENTIAL)


def by_end(items: Sequence[tuple[str, int, str, int]]) -> dict[tuple[str, int], list[tuple[str, int]]]:
    found: dict[tuple[str, int], list[tuple[str, int]]] = defaultdict(list)
    for address, port, kind, size in items:
        found[(address, port)].append((kind, size))
    return dict(found)


def as_captured(frames: Sequence[Frame]) -> dict[tuple[str, int], list[tuple[str, int]]]:
    """What the auditor sent, per endpoint: connects, bytes of streams, datagrams. Bare ACK, FIN and RST belong to a connect."""
    found = []
    for frame in frames:
        if frame.opens:
            found.append((frame.target, frame.port or 0, "connect", 0))
        elif frame.kind == "udp":
            found.append((frame.target, frame.port or 0, "datagram", frame.size))
        elif frame.kind == "tcp" and frame.size:
            found.append((frame.target, frame.port or 0, "bytes", frame.size))
    return by_end(found)


def as_logged(lines: Sequence[dict[str, object]]) -> dict[tuple[str, int], list[tuple[str, int]]]:
    """The same out of the contact log; bytes sent within an exchange stand in its `received` line."""
    kinds = {
        "connect": "connect",
        "request": "bytes",
        "handshake": "bytes",
        "datagram": "datagram",
        "received": "bytes",
        "discover": "datagram",
    }
    found = []
    for line in lines:
        kind, size = kinds.get(str(line["event"])), int(str(line["sent_bytes"]))
        if kind is None or (line["event"] == "received" and not size) or line["address"] == ABSENT:
            continue
        found.append((str(line["address"]), int(str(line["port"])), kind, size))
    return by_end(found)


def sent(frames: Sequence[Frame]) -> list[Frame]:
    return [frame for frame in frames if not frame.outgoing and frame.kind not in ("arp", "ndp")]


def in_scope(address: str) -> bool:
    return any(ip_address(address) in network for network in SCOPE)


def test_no_permit_no_packet(tmp_path: Path) -> None:
    with world(SITE) as made:

        async def audit() -> None:
            async with open_door(make_rig(tmp_path, RIG), tmp_path) as door:
                await ask_for_everything(door)

        with made.serve(site), made.sniff() as frames:
            made.inside(audit)
    left = sent(frames)
    allowed = {("tcp", 80), ("tcp", 81), ("udp", 5683)}
    odd = [
        frame
        for frame in left
        if not (in_scope(frame.target) and (frame.kind, frame.port) in allowed)
        and (frame.kind, frame.target, frame.port) not in {("udp", "10.77.0.53", 53), ("tcp", "10.77.0.10", 443)}
    ]
    assert odd == []
    assert not {frame.target for frame in left} & {"10.77.0.12", "10.77.0.13", "fd77::12", "10.88.0.1", "fd88::1", "10.77.0.200"}
    asked_by_arp = {frame.target for frame in frames if frame.kind == "arp" and not frame.outgoing}
    assert all(in_scope(address) for address in asked_by_arp - {"10.77.0.1"})
    assert not asked_by_arp & {"10.77.0.12", "10.77.0.13"}
    assert ABSENT in asked_by_arp  # it was tried, and nothing but ARP could leave

    lines = logged(tmp_path)
    assert as_captured(left) == as_logged(lines)
    assert sum(frame.opens for frame in left) > 10
    assert {line["event"] for line in lines} >= {"connect", "request", "handshake", "datagram", "resolve", "received", "refused"}
    assert all(line["permit"] for line in lines if line["event"] != "refused")
    refused = {str(line["outcome"]) for line in lines if line["event"] == "refused"}
    assert refused >= {
        "outside_networks", "excluded", "never_touch", "port_not_listed", "name_not_listed", "no_resolver", "discovery", "not_signed",
    }  # fmt: skip


MONDAYS = 'source = "aud0"\nwindows = [{ days = ["mon"], from = "01:00", to = "02:00", timezone = "UTC" }]'
CLOSED = {
    "passive": RIG.replace('"session"', '"passive"'),
    "expired": RIG.replace("2099-01-01", "2020-01-02"),
    "outside every window": RIG.replace('source = "aud0"', MONDAYS),
}


@pytest.mark.parametrize("text", CLOSED.values(), ids=CLOSED.keys())
def test_not_one_packet(tmp_path: Path, text: str) -> None:
    with world(SITE) as made:

        async def audit() -> None:
            async with open_door(make_rig(tmp_path, text), tmp_path, clock=FakeClock()) as door:  # a Friday
                await ask_for_everything(door)
                assert door.exchanges == 0

        with made.serve(site), made.sniff() as frames:
            made.inside(audit)
    assert [frame for frame in frames if not frame.outgoing and frame.kind != "ndp"] == []  # not even ARP
    assert {line["event"] for line in logged(tmp_path)} == {"refused"}


class TestAnchors:
    def text(self, mac: str, address: str = "10.77.0.254") -> str:
        return rig_text(
            networks=["10.77.0.0/24"], tcp=[80], authorisation=f'source = "aud0"\nanchors = [{{ address = "{address}", mac = "{mac}" }}]'
        )

    def audit(self, made: World, folder: Path, text: str) -> tuple[list[Frame], str]:
        """Open a door and connect twice; gives what was sent, and why nothing passed ("" where it did)."""

        async def run() -> str:
            rig = make_rig(folder, text)
            try:
                async with open_door(rig, folder) as door:
                    await (await door.connect("10.77.0.10", 80, why="probe", intrusion=Intrusion.QUERY)).close()
            except NotPermittedError as refusal:
                return f"{refusal.reason}: {refusal}"
            return ""

        with made.serve(site), made.sniff() as frames:
            said = made.inside(run)
        return sent(frames), said

    def test_the_right_site(self, tmp_path: Path) -> None:
        with world(SITE) as made:
            frames, said = self.audit(made, tmp_path, self.text(made.mac))
        assert said == ""
        assert [(f.kind, f.target, f.port, f.size) for f in frames[:1]] == [("udp", "10.77.0.254", 9, 0)]
        assert any(frame.opens for frame in frames)
        assert as_captured(frames) == as_logged(logged(tmp_path))

    def test_another_site(self, tmp_path: Path) -> None:
        with world(SITE) as made:
            frames, said = self.audit(made, tmp_path, self.text("24:a4:3c:10:00:01"))
        assert said.startswith("wrong_anchor: the anchor 10.77.0.254 has MAC ")
        assert [(frame.kind, frame.port) for frame in frames] == [("udp", 9)]
        assert logged(tmp_path)[-1]["outcome"] == "wrong_anchor"

    def test_nobody_there(self, tmp_path: Path) -> None:
        with world(SITE) as made:
            frames, said = self.audit(made, tmp_path, self.text("24:a4:3c:10:00:01", ABSENT))
        assert "unknown (no answer)" in said
        assert frames == []

    def test_an_anchor_that_may_not_be_touched(self, tmp_path: Path) -> None:
        with world(SITE) as made:
            text = self.text(made.mac).replace('"session"', '"passive"')
            frames, said = self.audit(made, tmp_path, text)
        assert said.startswith("wrong_anchor: the anchor 10.77.0.254 may not be touched")
        assert frames == []

    def test_a_shut_door_stays_shut(self, tmp_path: Path) -> None:
        async def run() -> list[str]:
            said = []
            with ContactLog(tmp_path / "contacts.jsonl", SystemClock()) as log:
                door = Door(make_rig(tmp_path, self.text("24:a4:3c:10:00:01")), log)
                for attempt in (door.open, *[lambda: door.connect("10.77.0.10", 80, why="probe", intrusion=Intrusion.QUERY)] * 2):
                    with pytest.raises(NotPermittedError) as refusal:
                        await attempt()
                    said.append(refusal.value.reason)
            return said

        with world(SITE) as made:
            assert made.inside(run) == ["wrong_anchor"] * 3


class TestNeverTouchByMac:
    """A device that is known by its MAC alone may stand at any address: each is asked by ARP who it is, before anything else."""

    def audit(self, made: World, folder: Path, mac: str, address: str = "10.77.0.10") -> tuple[list[Frame], str]:
        text = rig_text(networks=["10.77.0.0/24", "10.88.0.0/24"], tcp=[80], authorisation=f'source = "aud0"\nnever_touch = ["{mac}"]')

        async def run() -> str:
            async with open_door(make_rig(folder, text), folder) as door:
                try:
                    await (await door.connect(address, 80, why="probe", intrusion=Intrusion.QUERY)).close()
                except NotPermittedError as refusal:
                    return str(refusal.reason)
            return ""

        with made.serve(site), made.sniff() as frames:
            said = made.inside(run)
        return sent(frames), said

    def test_a_sweep(self, tmp_path: Path) -> None:
        """It asks many addresses at once, and the absent ones are refused, as the device may be asleep at one of them."""
        text = rig_text(networks=["10.77.0.0/24"], tcp=[80, 81], authorisation='source = "aud0"\nnever_touch = ["24:a4:3c:10:00:01"]')

        async def run() -> dict[str, set[str]]:
            async with open_door(make_rig(tmp_path, text), tmp_path) as door:
                found: dict[str, set[str]] = defaultdict(set)
                async for result in door.sweep((f"10.77.0.{n}", port) for port in (80, 81) for n in (10, 11, 60, 61, 62, 63, 64)):
                    found[f"{result.state} {result.reason}".strip()].add(result.address)
                return dict(found)

        with world(SITE) as made, made.serve(site), made.sniff() as frames:
            found = made.inside(run)
        present, absent = {"10.77.0.10", "10.77.0.11"}, {f"10.77.0.{n}" for n in range(60, 65)}
        assert found == {"open": present, "closed": present, "refused_by_law never_touch": absent}
        assert {frame.target for frame in sent(frames)} == present
        assert (
            sum(frame.kind == "arp" and not frame.outgoing and frame.target in absent for frame in frames) <= 10
        )  # not once per port and more

    def test_the_device_itself(self, tmp_path: Path) -> None:
        with world(SITE) as made:
            assert self.audit(made, tmp_path, made.mac) == ([], "never_touch")

    def test_another_device(self, tmp_path: Path) -> None:
        with world(SITE) as made:
            frames, said = self.audit(made, tmp_path, "24:a4:3c:10:00:01")
        assert said == ""
        assert any(frame.opens for frame in frames)

    @pytest.mark.parametrize("address", ["10.88.0.1", ABSENT], ids=["behind a router", "nobody answers ARP"])
    def test_it_cannot_be_told(self, tmp_path: Path, address: str) -> None:
        with world(SITE) as made:
            assert self.audit(made, tmp_path, "24:a4:3c:10:00:01", address) == ([], "never_touch")


class TestDiscovery:
    def text(self, **fields: object) -> str:
        return rig_text(
            networks=["10.77.0.0/24", "10.88.0.0/24"], ranges=["10.77.0.0/25"], udp=[5353],
            authorisation='source = "aud0"\ndiscovery = ["mdns"]', **fields,  # type: ignore[arg-type]
        )  # fmt: skip

    async def responders(self) -> object:
        """Devices in the network, beyond it and in another one, all answering what the group is asked."""
        loop = asyncio.get_running_loop()
        group = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        group.bind(("224.0.0.251", 5353))
        member = socket.inet_aton("224.0.0.251") + socket.inet_aton("10.77.0.10")
        group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        answering = []
        for address in ("10.77.0.10", "10.77.0.11", "10.77.0.200", "10.88.0.1"):
            line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            line.bind((address, 5353))
            answering.append(line)

        class Group(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                for line in answering:
                    line.sendto(data + line.getsockname()[0].encode(), addr)

        return await loop.create_datagram_endpoint(Group, sock=group), answering

    def test_who_answers(self, tmp_path: Path) -> None:
        async def run() -> list[tuple[str, bytes]]:
            async with open_door(make_rig(tmp_path, self.text()), tmp_path) as door:
                return [tuple(answer) for answer in await door.discover("mdns", b"who?", network="bench", why="discovery", wait_s=0.3)]  # type: ignore[misc]

        with world(SITE) as made, made.serve(self.responders), made.sniff() as frames:
            found = made.inside(run)
        assert sorted(found) == [("10.77.0.10", b"who?10.77.0.10"), ("10.77.0.11", b"who?10.77.0.11")]
        assert [(f.kind, f.target, f.port, f.size, f.ttl) for f in sent(frames)] == [("udp", "224.0.0.251", 5353, 4, 1)]
        events = [(line["event"], line["outcome"], line["address"]) for line in logged(tmp_path)]
        assert events[0] == ("discover", "sent", "224.0.0.251")
        assert sorted(events[1:]) == [
            ("received", "ok", "10.77.0.10"),
            ("received", "ok", "10.77.0.11"),
            ("refused", "outside_networks", "10.77.0.200"),
            ("refused", "outside_networks", "10.88.0.1"),
        ]

    def test_a_network_behind_a_router(self, tmp_path: Path) -> None:
        async def run() -> str:
            text = self.text().replace('ranges = ["10.77.0.0/25"]', 'ranges = ["10.88.0.0/24"]')
            async with open_door(make_rig(tmp_path, text), tmp_path) as door:
                with pytest.raises(NotPermittedError, match="not on a segment of this machine") as refusal:
                    await door.discover("mdns", b"who?", network="bench", why="discovery", wait_s=0.1)
                return str(refusal.value.reason)

        with world(SITE) as made, made.sniff() as frames:
            assert made.inside(run) == "discovery"
        assert sent(frames) == []
        assert logged(tmp_path)[-1]["outcome"] == "discovery"

    def test_ipv6(self, tmp_path: Path) -> None:
        text = rig_text(networks=["fd77::/64"], udp=[5353], authorisation='source = "aud0"\ndiscovery = ["mdns"]')

        async def run() -> int:
            async with open_door(make_rig(tmp_path, text), tmp_path) as door:
                return len(await door.discover("mdns", b"who?", network="bench", why="discovery", wait_s=0.1))

        with world(SITE) as made, made.sniff() as frames:
            assert made.inside(run) == 0
        assert [(f.kind, f.target, f.port, f.ttl) for f in sent(frames)] == [("udp", "ff02::fb", 5353, 1)]

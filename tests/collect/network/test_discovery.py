"""Multicast discovery on a cable of our own: who announces what, who is left out, and what is told of a group that was not asked."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from plumbline.collect.context import Context
from plumbline.collect.network.discovery import discover
from plumbline.evidence.bundle import BundleWriter
from plumbline.model.words import Outcome
from plumbline.net.clock import SystemClock
from tests.collect.network import dns_answers as dns
from tests.collect.network.benches import KEY
from tests.laws.bundles import Row, coverage, rows
from tests.net.netns import Frame, World, world
from tests.net.rigs import make_rig, open_door, rig_text

pytestmark = pytest.mark.system

CAMERA, PRINTER, BEYOND = "10.77.0.10", "10.77.0.11", "10.77.0.200"
SITE = [f"{address}/24" for address in (CAMERA, PRINTER, BEYOND)]
GROUPS = {"mdns": ("224.0.0.251", 5353), "ssdp": ("239.255.255.250", 1900)}
IPP = "_ipp._tcp.local"


def mdns(_address: str, query: bytes) -> list[bytes]:
    """A printer with its serial number; and a word that is no DNS at all."""
    names, _kind = dns.asked(query)
    if names == ["_services._dns-sd._udp.local"]:
        return [dns.reply(query, [dns.pointer(names[0], IPP)], flags=0x8400)]
    instance = f"Printer.{IPP}"
    return [dns.reply(query, [dns.pointer(IPP, instance), dns.text(instance, "SN=S-4711", "ty=Northwind 3")], flags=0x8400)]


def ssdp(address: str, _query: bytes) -> list[bytes]:
    """A router whose description lies with somebody else."""
    lines = ["HTTP/1.1 200 OK", "LOCATION: http://10.88.0.1/root.xml", "SERVER: Linux UPnP/1.1", "ST: upnp:rootdevice"]
    return ["\r\n".join([*lines, f"USN: uuid:{address}::upnp:rootdevice", "", ""]).encode()]


def garbled(_address: str, _query: bytes) -> list[bytes]:
    return [b"\xff" * 30]


async def members(group: str, answer: Callable[[str, bytes], Sequence[bytes]], addresses: Sequence[str]) -> object:
    """Devices that belong to a group and answer it from the given addresses."""
    address, port = GROUPS[group]
    heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    heard.bind((address, port))
    heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(address) + socket.inet_aton(CAMERA))
    lines = []
    for each in addresses:
        line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        line.bind((each, port))
        lines.append(line)

    class Group(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            for line in lines:
                for said in answer(line.getsockname()[0], data):
                    line.sendto(said, addr)

    return await asyncio.get_running_loop().create_datagram_endpoint(Group, sock=heard), lines


def ask(made: World, folder: Path, groups: str, rest: str = "") -> tuple[Path, list[Frame]]:
    """Ask the groups on the network; gives the bundle and what was on the cable."""
    authorisation = f'source = "aud0"\ndiscovery = [{groups}]'
    text = rig_text(networks=["10.77.0.0/24"], ranges=["10.77.0.0/25"], udp=[5353], authorisation=authorisation, rest=rest)
    rig = make_rig(folder, text)
    clock = SystemClock()

    async def run() -> None:
        writer = BundleWriter.create(folder / "bundle", rig_text=text, header={"rig": {"id": rig.id}}, now=clock.now())
        context = Context(rig, writer, KEY, clock.now, lambda *_: None, lambda: False)
        async with open_door(rig, folder) as door:
            for _ in range(2):  # the second time, as in a resumed run, nothing is asked again
                await discover(context, door, rig.networks[0], wait_s=0.3)
        writer.finish(ended_at=clock.now(), complete=True)

    with made.sniff() as frames:
        made.inside(run)
    return folder / "bundle", [frame for frame in frames if not frame.outgoing and frame.kind not in ("arp", "ndp")]


def told(bundle: Path) -> dict[tuple[str, str], tuple[Outcome, int]]:
    return {(row["entity"], row["subject"]): (Outcome(row["outcome"]), row["rows"]) for row in coverage(bundle)}


def seen(bundle: Path) -> list[Row]:
    return sorted(rows(bundle, "announcement"), key=lambda row: row["entity"])


def test_mdns(tmp_path: Path) -> None:
    with world(SITE) as made, made.serve(lambda: members("mdns", mdns, [CAMERA, BEYOND])):
        bundle, sent = ask(made, tmp_path, '"mdns"')
    assert [(row["entity"], row["subject"], row["service"], row["model"], row["leaks"]) for row in seen(bundle)] == [
        (f"host:here/{CAMERA}", "udp/5353/0", IPP, "Northwind 3", ["serial"])
    ]
    assert [(frame.target, frame.port, frame.ttl) for frame in sent] == [("224.0.0.251", 5353, 1)] * 2
    assert told(bundle) == {
        (f"host:here/{CAMERA}", "udp/5353"): (Outcome.OK, 1),
        ("network:here/bench", "udp/5353"): (Outcome.OK, 0),
    }


def test_ssdp(tmp_path: Path) -> None:
    with world(SITE) as made, made.serve(lambda: members("ssdp", ssdp, [CAMERA, PRINTER, BEYOND])):
        bundle, sent = ask(made, tmp_path, '"ssdp"')
    assert [(row["entity"], row["subject"], row["service"]) for row in seen(bundle)] == [
        (f"host:here/{address}", "udp/1900/0", "upnp:rootdevice") for address in (CAMERA, PRINTER)
    ]
    assert [(frame.target, frame.port, frame.ttl) for frame in sent] == [
        ("239.255.255.250", 1900, 1)
    ]  # and nothing to where LOCATION points


def test_answers_that_cannot_be_read(tmp_path: Path) -> None:
    with world(SITE) as made, made.serve(lambda: members("ssdp", garbled, [CAMERA])):
        bundle, _ = ask(made, tmp_path, '"ssdp"')
    assert seen(bundle) == []
    assert told(bundle) == {
        (f"host:here/{CAMERA}", "udp/1900"): (Outcome.PROTOCOL_ERROR, 0),
        ("network:here/bench", "udp/1900"): (Outcome.PARTIAL, 0),
    }


OT = '[[asset]]\nid = "plc"\nname = "plc"\naddress = "10.77.0.20"\nclass = "ot"'
UNASKED = {
    "a group that we do not read": ('"coap"', "", "udp/5683", Outcome.NOT_SUPPORTED),
    "an industrial device on the segment": ('"mdns"', OT, "udp/5353", Outcome.NOT_PERMITTED),
}


@pytest.mark.parametrize(("groups", "rest", "subject", "outcome"), UNASKED.values(), ids=UNASKED.keys())
def test_a_group_that_is_not_asked(tmp_path: Path, groups: str, rest: str, subject: str, outcome: Outcome) -> None:
    with world(SITE) as made:
        bundle, sent = ask(made, tmp_path, groups, rest)
    assert sent == []
    assert told(bundle) == {("network:here/bench", subject): (outcome, 0)}

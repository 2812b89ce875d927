"""The probes `ssdp` and `mdns`, asked of one device."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from plumbline.model.words import Outcome
from plumbline.protocols.dns import RecordType, decode
from tests.collect.network.benches import RANGES, own_address, scene
from tests.collect.network.conftest import OpenBench
from tests.collect.network.datagrams import responder


def found(target: str, usn: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nSERVER: Linux UPnP/1.0 NW/1\r\nST: {target}\r\nUSN: {usn}\r\nEXT:\r\n\r\n".encode()


@scene
async def test_ssdp(bench: OpenBench) -> None:
    def router(data: bytes) -> Iterable[bytes]:
        assert data.startswith(b"M-SEARCH * HTTP/1.1\r\n")
        yield found("upnp:rootdevice", "uuid:1::upnp:rootdevice")
        yield found("upnp:rootdevice", "uuid:1::upnp:rootdevice")
        yield b"NOT AN ANSWER\r\n\r\n"
        yield found("urn:schemas-upnp-org:service:WANIPConnection:1", "uuid:1::urn:schemas-upnp-org:service:WANIPConnection:1")

    one, two, three = own_address(1), own_address(2), own_address(3)
    async with (
        responder(router, one) as lan,
        responder(lambda _: [], two) as mute,
        responder(lambda _: [b"\0" * 40], three) as noise,
        bench(udp=[lan.port, mute.port, noise.port], ranges=RANGES) as rig,
    ):
        seen, silent, wrong = await asyncio.gather(
            rig.visit("ssdp", lan.port, address=one),
            rig.visit("ssdp", mute.port, address=two),
            rig.visit("ssdp", noise.port, address=three),
        )
    rows = {row["service"]: row for row in seen.rows("announcement")}
    assert rows.keys() == {"upnp:rootdevice", "urn:schemas-upnp-org:service:WANIPConnection:1"}
    assert [row["gateway_control"] for row in rows.values()] == [False, True]
    assert {row["name"] for row in rows.values()} == {"Linux UPnP/1.0 NW/1"}
    assert seen.covered("announcement") == (Outcome.PARTIAL, 2), "one answer could not be read"
    assert silent.covered("announcement") == (Outcome.TIMEOUT, 0)
    assert len(mute.heard) == 2
    assert wrong.covered("announcement") == (Outcome.PROTOCOL_ERROR, 0)


def name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def record(owner: str, kind: RecordType, data: bytes) -> bytes:
    return name(owner) + kind.to_bytes(2, "big") + b"\0\1" + (120).to_bytes(4, "big") + len(data).to_bytes(2, "big") + data


def message(*records: bytes) -> bytes:
    return b"\0\0\x84\0" + b"\0\0" + len(records).to_bytes(2, "big") + b"\0\0\0\0" + b"".join(records)


TYPES = "_services._dns-sd._udp.local"
PRINTER = "Label printer._ipp._tcp.local"


@scene
async def test_mdns(bench: OpenBench) -> None:
    texts = (b"ty=NW Label 4", b"usb_MFG=Northwind", b"note=Cold room 2", b"serial=NW-0001", b"rp=print")

    def device(data: bytes) -> Iterable[bytes]:
        [question] = decode(data).questions
        if question.name == TYPES:
            yield message(*(record(TYPES, RecordType.PTR, name(kind)) for kind in ("_ipp._tcp.local", "_http._tcp.local")))
        elif question.name == "_ipp._tcp.local":
            text = b"".join(bytes([len(one)]) + one for one in texts)
            yield message(record("_ipp._tcp.local", RecordType.PTR, name(PRINTER)), record(PRINTER, RecordType.TXT, text))

    async with responder(device) as printer, bench(udp=[printer.port]) as rig:
        seen = await rig.visit("mdns", printer.port)
    row = seen.row("announcement")
    assert (row["service"], row["name"], row["model"], row["manufacturer"]) == (
        "_ipp._tcp.local",
        "Label printer",
        "NW Label 4",
        "Northwind",
    )
    assert row["leaks"] == ["location", "serial"]
    assert seen.covered("announcement") == (Outcome.PARTIAL, 1), "_http._tcp gave no answer"
    assert "_http._tcp.local" in seen.detail("announcement")

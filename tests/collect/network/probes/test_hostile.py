"""Every probe against every bad peer: each visit ends in time with an outcome that its coverage may hold, no row, and no other exception.

All visits go on at the same time, each to an address of its own, so that the slowest of them is what this file takes.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack

from plumbline.collect.network.registry import load_probes
from plumbline.model.words import Outcome, Transport
from tests.collect.network.benches import RANGES, Seen, own_address, scene
from tests.collect.network.conftest import OpenBench
from tests.collect.network.datagrams import responder
from tests.net.rigs import lure

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Habit = Callable[[Reader, Writer], Awaitable[None]]
NOISE = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(8))
TURNED_AWAY = {Outcome.REFUSED}
UNANSWERED = {Outcome.TIMEOUT}
BROKEN = {Outcome.PROTOCOL_ERROR, Outcome.TIMEOUT, Outcome.REFUSED}


async def silent(reader: Reader, writer: Writer) -> None:
    while await reader.read(65536):
        pass
    writer.close()


async def hangs_up(reader: Reader, writer: Writer) -> None:
    writer.close()


async def resets(reader: Reader, writer: Writer) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


async def hangs_up_when_asked(reader: Reader, writer: Writer) -> None:
    await reader.read(65536)
    writer.close()


def says(data: bytes) -> Habit:
    async def say(reader: Reader, writer: Writer) -> None:
        writer.write(data)
        await silent(reader, writer)

    return say


def floods(data: bytes) -> Habit:
    async def flood(reader: Reader, writer: Writer) -> None:
        try:
            while True:
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            writer.close()

    return flood


async def tarpit(reader: Reader, writer: Writer) -> None:
    try:
        while not writer.is_closing():
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.2)  # the device's own pace, not a wait of the test
    except ConnectionError:
        writer.close()


async def echoes(reader: Reader, writer: Writer) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


HABITS: dict[str, tuple[Habit, set[Outcome]]] = {
    "silent": (silent, UNANSWERED),
    "hangs up": (hangs_up, TURNED_AWAY | UNANSWERED),  # on a busy machine the patience ends before we hear of it
    "resets": (resets, TURNED_AWAY | UNANSWERED),
    "hangs up when asked": (hangs_up_when_asked, TURNED_AWAY | UNANSWERED),
    "noise": (says(NOISE), BROKEN),
    "zeros without end": (floods(bytes(65536)), BROKEN),
    "letters without end": (floods(b"A" * 65536), BROKEN),
    "lines without end": (floods(b"A" * 60 + b"\r\n"), BROKEN),
    "tarpit": (tarpit, BROKEN),
    "echo": (echoes, BROKEN),
    "a length of four gigabytes": (says(b"\xff" * 64), BROKEN),
    "http": (says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), BROKEN),
    "ssh": (says(b"SSH-2.0-Other_1.0\r\n"), BROKEN),
    "smtp": (says(b"220 mail ESMTP\r\n"), BROKEN),
    "rtsp": (says(b"RTSP/1.0 400 Bad Request\r\n\r\n"), BROKEN),
    "tls alert": (says(b"\x15\x03\x01\x00\x02\x02\x28"), BROKEN),
    "connack": (says(b"\x20\x02\x00\x05"), BROKEN),
    "modbus exception": (says(b"\x00\x01\x00\x00\x00\x03\xff\xab\x01"), BROKEN),
    "opc ua error": (says(b"ERRF\x10\x00\x00\x00\x00\x00\x7d\x80\x00\x00\x00\x00"), BROKEN),
}
# What is no bad peer to a probe: it speaks its language.
OWN = {("http", "http"), ("rtsp", "rtsp"), ("mqtt", "connack"), ("modbus", "modbus exception")}


@scene
async def test_tcp(bench: OpenBench) -> None:
    protocols = [probe.protocol for probe in load_probes().values() if probe.transport is Transport.TCP]
    cases = [(protocol, habit) for protocol in protocols for habit in HABITS if (protocol, habit) not in OWN]
    assert len(cases) < 250, "each has its own address"
    async with AsyncExitStack() as stack:
        ports = [
            await stack.enter_async_context(lure(HABITS[habit][0], own_address(number))) for number, (_, habit) in enumerate(cases, start=1)
        ]
        rig = await stack.enter_async_context(bench(tcp=set(ports), ranges=RANGES))
        async with asyncio.timeout(60):
            visits = (rig.visit(cases[n][0], port, address=own_address(n + 1)) for n, port in enumerate(ports))
            _check(dict(zip(cases, await asyncio.gather(*visits), strict=True)), {habit: allowed for habit, (_, allowed) in HABITS.items()})
        for n, port in enumerate(ports):
            assert rig.door.handshakes_left(own_address(n + 1), port) >= 0


ANSWERS: dict[str, tuple[Callable[[bytes], Iterable[bytes]], set[Outcome]]] = {
    "silent": (lambda _: [], UNANSWERED),
    "noise": (lambda _: [NOISE], BROKEN),
    "nothing": (lambda _: [b""], BROKEN),
    "one byte": (lambda _: [b"\x60"], BROKEN),
    "echo": (lambda data: [data], BROKEN),
    "many": (lambda _: [NOISE] * 50, BROKEN),
    "largest": (lambda _: [bytes(60_000)], BROKEN),
    "http": (lambda _: [b"HTTP/1.1 404 Not Found\r\n\r\n"], BROKEN),
}


@scene
async def test_udp(bench: OpenBench) -> None:
    protocols = [probe.protocol for probe in load_probes().values() if probe.transport is Transport.UDP]
    cases = [(protocol, habit) for protocol in protocols for habit in ANSWERS]
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(responder(ANSWERS[habit][0], own_address(number)))
            for number, (_, habit) in enumerate(cases, start=1)
        ]
        rig = await stack.enter_async_context(bench(udp={server.port for server in servers}, ranges=RANGES))
        async with asyncio.timeout(60):
            visits = (rig.visit(cases[n][0], server.port, address=own_address(n + 1)) for n, server in enumerate(servers))
            _check(
                dict(zip(cases, await asyncio.gather(*visits), strict=True)), {habit: allowed for habit, (_, allowed) in ANSWERS.items()}
            )


def _check(found: dict[tuple[str, str], Seen], allowed: dict[str, set[Outcome]]) -> None:
    wrong = {}
    for (protocol, habit), seen in found.items():
        outcomes = {Outcome(row["outcome"]) for row in seen.coverage}
        tables = {row["table"] for row in seen.coverage}
        rows = sum(len(rows) for rows in seen.tables.values())
        assert tables == set(load_probes()[protocol].tables)
        if not outcomes <= allowed[habit] or rows:
            wrong[protocol, habit] = (outcomes, rows, seen.coverage[0]["detail"], seen.tables)
    assert not wrong

"""Law 5 as the devices see it: connections at a time, requests outstanding, exchanges a second, function codes; and the breaker."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from plumbline.model.words import Outcome
from tests.collect.network.benches import own_address, scene
from tests.collect.network.certificates import issue, server_context
from tests.collect.network.conftest import OpenBench
from tests.collect.network.frail import CONTROLLER, SHELL, TERMINAL, WEB, Frail
from tests.collect.network.test_host import alone, asset
from tests.net.rigs import FakeClock, lure

PORTS = [2222, 2323, 4840, 5020, 8000, 8080, 8081, 8443, 8888]


@scene
async def test_frail_devices_survive_a_whole_audit(bench: OpenBench) -> None:
    """Each would die at one connection, request or foreign byte too many; all at once, at the highest intrusion."""
    gateway = Frail(own_address(30), {8000: WEB, 8080: WEB, 8081: WEB, 2222: SHELL, 2323: TERMINAL})
    declared = Frail(own_address(31), {5020: CONTROLLER, 8080: WEB}, connections=1, one_request=True)
    undeclared = Frail(own_address(32), {5020: CONTROLLER, 8888: CONTROLLER}, one_request=True)
    devices = (gateway, declared, undeclared)
    rest = asset("gateway", gateway.address) + asset("plc", declared.address, **{"class": "ot"})
    with ExitStack() as stack:
        for device in devices:
            stack.enter_context(device.alive())
        async with bench(tcp=PORTS, ranges=alone(*(device.address for device in devices)), rest=rest) as rig:
            result = await rig.collect()
    assert [device.died_of for device in devices] == [None, None, None]
    assert (result.hosts, result.ended_early) == (3, None)
    assert gateway.most_at_once <= 2
    assert declared.most_at_once == undeclared.most_at_once == 1
    assert set(declared.functions) == set(undeclared.functions) == {0x2B}, "identification, and nothing else"
    assert {row["port"]: row["protocol"] for row in rig.rows("service") if row["entity"].endswith(gateway.address)} == {
        8000: "http", 8080: "http", 8081: "http", 2222: "ssh", 2323: "telnet",
    }  # fmt: skip


@scene
async def test_exchanges_a_second_as_the_device_counts_them(bench: OpenBench) -> None:
    """On a clock that moves only while the door waits. Two of a device's exchanges may be on their way when it moves."""
    clock = FakeClock()
    ordinary, industrial = own_address(33), own_address(34)
    seen: dict[str, list[int]] = {ordinary: [], industrial: []}

    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen[ordinary].append(clock.passed_ns)
        if await reader.read(4096):
            seen[ordinary].append(clock.passed_ns)
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def modbus(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen[industrial].append(clock.passed_ns)
        while data := await reader.read(4096):
            seen[industrial].append(clock.passed_ns)
            writer.write(data[:2] + b"\0\0\0\3" + data[6:7] + b"\xab\x0b")  # a gateway without a path, so that it is asked again
        writer.close()

    ports = [5020, *range(8000, 8012)]
    rest = asset("plc", industrial, **{"class": "ot"})
    async with AsyncExitStack() as stack:
        for port in ports[1:]:
            await stack.enter_async_context(lure(page, ordinary, port))
        await stack.enter_async_context(lure(modbus, industrial, 5020))
        rig = await stack.enter_async_context(bench(tcp=ports, ranges=alone(ordinary, industrial), rest=rest, clock=clock))
        await rig.collect()
    assert len(seen[ordinary]) > 60
    assert len(seen[industrial]) >= 4
    assert _most_in_a_second(seen[ordinary]) <= 40 + 2
    assert _most_in_a_second(seen[industrial]) <= 5 + 1


def _most_in_a_second(moments_ns: list[int]) -> int:
    window: deque[int] = deque()
    most = 0
    for moment in sorted(moments_ns):
        window.append(moment)
        while window[0] <= moment - 1_000_000_000:
            window.popleft()
        most = max(most, len(window))
    return most


@scene
async def test_handshakes_as_the_endpoint_counts_them(bench: OpenBench, tmp_path: Path) -> None:
    """At most twenty over the whole audit, one after the other, at a server that accepts every weak suite there is."""
    host, key = own_address(35), rsa.generate_private_key(65537, 2048)
    context = server_context(tmp_path / "tls", key, [issue(key, "weak")], ciphers="ALL:eNULL:@SECLEVEL=0")
    counted, at_once, most = 0, 0, 0

    async def endpoint(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal counted, at_once, most
        first = await reader.read(4096)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_side=True)
        shakes = first[:1] == b"\x16"
        counted, at_once = counted + shakes, at_once + shakes
        most = max(most, at_once)
        try:
            shaken = False
            while first:
                incoming.write(first)
                try:
                    if not shaken:
                        session.do_handshake()
                        shaken = True
                    if session.read(4096):
                        session.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                        first = b""
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLError:
                    first = b""
                writer.write(outgoing.read())
                await writer.drain()
                first = first and await reader.read(4096)
        except ConnectionError:
            pass
        finally:
            at_once -= shakes
            writer.close()

    async with lure(endpoint, host, 8443), bench(tcp=[8443], ranges=alone(host), intrusion="session") as rig:
        await rig.collect()
        left = rig.door.handshakes_left(host, 8443)
    assert counted == 20 - left <= 20
    assert most == 1
    [row] = rig.rows("tls_endpoint")
    assert row["weak_suites"] and row["old_suites"]
    assert [each["port"] for each in rig.rows("http_service")] == [8443]


@scene
async def test_a_device_that_stops_answering_stops_the_audit(bench: OpenBench) -> None:
    """The canary of its model dies of a page: its sister and everyone else are left alone, and the run says why."""
    canary = Frail(own_address(40), {8080: WEB}, dies_of=lambda data: data.startswith(b"GET "))
    sister = Frail(own_address(41), {8080: WEB})
    stranger = Frail(own_address(42), {8080: WEB})
    rest = asset("one", canary.address, model="nw/cam") + asset("two", sister.address, model="nw/cam")
    with canary.alive(), sister.alive(), stranger.alive():
        async with bench(tcp=[8080], ranges=alone(canary.address, sister.address, stranger.address), rest=rest) as rig:
            result = await rig.collect()
    assert result.ended_early is not None and result.ended_early.startswith("breaker: ")
    assert canary.address in result.ended_early
    assert canary.died_of is not None
    assert sister.accepted == stranger.accepted == 0
    assert rig.coverage("service", canary.address)["tcp/8080"] in (Outcome.REFUSED, Outcome.PARTIAL)
    assert rig.coverage("host") == {"": Outcome.PARTIAL}


@scene
async def test_an_industrial_device_that_dies_is_noticed_before_the_next_step(bench: OpenBench) -> None:
    plc = Frail(own_address(43), {5020: CONTROLLER}, dies_of=lambda data: True)
    other = Frail(own_address(44), {8080: WEB})
    with plc.alive(), other.alive():
        async with bench(tcp=[5020, 8080], ranges=alone(plc.address, other.address)) as rig:
            result = await rig.collect()
    assert result.ended_early is not None and plc.address in result.ended_early
    assert other.requests == [], "nobody else was asked anything"


@scene
async def test_a_device_whose_service_hangs_up_is_not_taken_for_dead(bench: OpenBench) -> None:
    rude = Frail(own_address(45), {8080: WEB, 8081: SHELL, 8888: WEB})
    with rude.alive():
        async with bench(tcp=[8080, 8081, 8888], ranges=alone(rude.address)) as rig:
            result = await rig.collect()
    assert (result.ended_early, rude.died_of) == (None, None)


@scene
async def test_the_window_closes_in_the_middle(bench: OpenBench) -> None:
    """What was left to ask is neither ok nor lost: the run ends, and a resumed one goes on."""
    clock = FakeClock()
    host = own_address(46)

    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(4096):
            clock.pass_s(3600)
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    window = 'windows = [{ days = ["fri"], from = "11:30", to = "12:30", timezone = "UTC" }]'
    async with (
        lure(page, host, 8080),
        lure(page, host, 8081),
        bench(tcp=[8080, 8081], ranges=alone(host), clock=clock, authorisation=window) as rig,
    ):
        result = await rig.collect()
    assert result.ended_early is not None and "window" in result.ended_early
    assert rig.coverage("service", host)[""] is Outcome.PARTIAL
    assert rig.coverage("host") == {"": Outcome.PARTIAL}
    assert Outcome.OK not in rig.coverage("http_service", host).values()

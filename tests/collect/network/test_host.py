"""Whole visits: what a host's rows and coverage say of ports that are open, closed, silent, odd, industrial or of nobody we know."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from typing import Any

import asyncssh
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from plumbline.collect.network import run as audit
from plumbline.collect.network.registry import load_probes
from plumbline.model.words import Outcome
from tests.collect.network.benches import Bench, open_bench, own_address, scene
from tests.collect.network.certificates import issue, server_context
from tests.collect.network.conftest import OpenBench
from tests.collect.network.datagrams import responder
from tests.collect.network.test_identify import BROKER, PAGE, WEB, answers, greets
from tests.net.rigs import lure

ONWARD = b"HTTP/1.1 302 Found\r\nLocation: /start\r\nContent-Length: 0\r\n\r\n"

MODBUS = answers(b"\0\1", b"\0\1\0\0\0\3\xff\xab\1")  # it refuses identification, in Modbus
ALL_TABLES = {table for probe in load_probes().values() for table in probe.tables} | {"service"}


@contextmanager
def filtered(address: str, port: int) -> Iterator[None]:
    """A port whose accept queue is full: Linux then drops further SYNs, as a filter does."""
    with socket.socket() as listener, AsyncExitStackOfSockets() as fillers:
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(4):
            fillers.connect(address, port)
        yield


class AsyncExitStackOfSockets:
    """Connections that are begun and never served."""

    def __enter__(self) -> AsyncExitStackOfSockets:
        self.open: list[socket.socket] = []
        return self

    def connect(self, address: str, port: int) -> None:
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex((address, port))
        self.open.append(one)

    def __exit__(self, *_: object) -> None:
        for one in self.open:
            one.close()


def alone(*addresses: str) -> tuple[str, ...]:
    """Ranges of one address each: on loopback every address answers."""
    return tuple(f"{address}/32" for address in addresses)


def asset(name: str, address: str, **more: str) -> str:
    lines = [f'id = "{name}"', f'name = "{name}"', f'address = "{address}"', *(f'{key} = "{value}"' for key, value in more.items())]
    return "\n".join(["[[asset]]", *lines, ""])


@scene
async def test_odd_ports(bench: OpenBench) -> None:
    """Services where nobody expects them are found, named and asked in full."""
    host = own_address(10)
    key = ec.generate_private_key(ec.SECP256R1())
    async with AsyncExitStack() as stack:
        ssh = await asyncssh.listen(host, 10022, server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")])
        stack.callback(ssh.close)
        await stack.enter_async_context(lure(WEB, host, 7070))
        await stack.enter_async_context(lure(BROKER, host, 21883))
        rig = await stack.enter_async_context(bench(tcp=[10022, 7070, 21883, 14443, 8888], ranges=alone(host), intrusion="query"))
        secure = await asyncio.start_server(WEB, host, 14443, ssl=server_context(rig.writer.path.parent / "tls", key, [issue(key, "x")]))
        stack.callback(secure.close)
        result = await rig.collect()
    assert (result.hosts, result.ended_early) == (1, None)
    services = {row["port"]: row for row in rig.rows("service")}
    assert {port: (row["protocol"], row["tls"], row["expected_port"]) for port, row in services.items()} == {
        10022: ("ssh", False, False),
        7070: ("http", False, False),
        21883: ("mqtt", False, False),
        14443: ("http", True, False),
    }
    assert (services[7070]["product"], services[7070]["version"], services[7070]["banner"]) == ("nginx", "1.18.0", None)
    assert services[10022]["banner"].startswith("SSH-2.0-AsyncSSH")
    assert {row["port"]: row["tls"] for row in rig.rows("http_service")} == {7070: False, 14443: True}
    assert [row["port"] for row in rig.rows("mqtt_broker")] == [21883]
    assert [row["port"] for row in rig.rows("ssh_host_key")] == [10022]
    assert [(row["port"], row["protocol"]) for row in rig.rows("tls_endpoint")] == [(14443, "http")]
    [row] = rig.rows("host")
    assert (row["address"], row["network"], row["open_ports"], row["closed_ports"], row["silent_ports"]) == (host, "bench", 4, 1, 0)
    assert rig.coverage("host") == {"": Outcome.OK}
    assert rig.coverage("http_service") == {"tcp/7070": Outcome.OK, "tcp/14443": Outcome.OK}
    assert b"4711" not in rig.raw(), "the cookie is redacted"


@scene
async def test_closed_silent_and_unknown_ports(bench: OpenBench) -> None:
    host = own_address(11)
    noise = greets(b"\x9c\x01\x02\x03" * 10)
    async with lure(noise, host, 8080), lure(WEB, host, 8081):
        with filtered(host, 2222):
            async with bench(tcp=[8080, 8081, 2222, 2323, 8443], udp=[5683], ranges=alone(host), rest=asset("cam", host)) as rig:
                await rig.collect()
    [row] = rig.rows("host")
    assert (row["open_ports"], row["closed_ports"], row["silent_ports"]) == (2, 2, 1)
    assert rig.coverage("service") == {"tcp/8080": Outcome.PROTOCOL_ERROR, "tcp/8081": Outcome.OK, "tcp/2222": Outcome.TIMEOUT}
    assert rig.coverage("ssh_service") == {"tcp/2222": Outcome.TIMEOUT}
    assert rig.coverage("ssh_host_key") == {"tcp/2222": Outcome.TIMEOUT}
    assert rig.coverage("http_service") == {"tcp/8080": Outcome.PROTOCOL_ERROR, "tcp/8081": Outcome.OK}
    assert rig.coverage("telnet_service") == {"": Outcome.OK}, "its usual port is closed: absent"
    assert rig.coverage("tls_endpoint") == {"": Outcome.OK}
    assert rig.coverage("coap_service") == {"udp/5683": Outcome.OK}, "port unreachable is an answer: closed"
    assert rig.coverage("ftp_service") == {}, "no port of it is on the list: nobody looked"
    unknown = next(row for row in rig.rows("service") if row["port"] == 8080)
    assert (unknown["protocol"], unknown["tls"], unknown["expected_port"]) == (None, None, None)


@scene
async def test_a_declared_device_that_gives_no_answer(bench: OpenBench) -> None:
    host = own_address(12)
    with filtered(host, 8080):
        async with bench(tcp=[8080], ranges=alone(host), rest=asset("cam", host)) as rig:
            result = await rig.collect()
    assert result.hosts == 0
    assert rig.rows("host") == []
    assert {table: rig.coverage(table) for table in ALL_TABLES} == {table: {"": Outcome.TIMEOUT} for table in ALL_TABLES}


@scene
async def test_an_address_where_nobody_is_declared_leaves_nothing(bench: OpenBench) -> None:
    host = own_address(13)
    with filtered(host, 8080):
        async with bench(tcp=[8080], ranges=alone(host)) as rig:
            await rig.collect()
    assert rig.rows("host") == []
    assert {table: rig.coverage(table) for table in ALL_TABLES} == {table: {} for table in ALL_TABLES}
    assert rig.coverage("host") == {"": Outcome.OK}


@scene
async def test_a_declared_device_that_speaks_udp_alone(bench: OpenBench) -> None:
    host = own_address(14)

    def node(data: bytes) -> list[bytes]:
        return [bytes([0x60 | data[0] & 0x0F, 0x45]) + data[2 : 4 + (data[0] & 0x0F)] + b"\xff</a>"]

    with filtered(host, 8080):
        async with responder(node, host, 5683), bench(tcp=[8080], udp=[5683], ranges=alone(host), rest=asset("node", host)) as rig:
            result = await rig.collect()
    assert result.hosts == 1
    assert [row["resources"] for row in rig.rows("coap_service")] == [["/a"]]
    assert {row["protocol"] for row in rig.rows("service")} == {"coap"}
    assert rig.coverage("http_service") == {"tcp/8080": Outcome.TIMEOUT}


@pytest.mark.parametrize("declared", [True, False])
@scene
async def test_an_industrial_device_is_asked_in_its_own_protocol_alone(bench: OpenBench, declared: bool) -> None:
    """Declared as `ot`, or known by its first answer: nothing else is sent to any of its ports (law 5)."""
    host = own_address(15)
    heard = bytearray()

    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read())
        writer.close()

    rest = asset("plc", host, **{"class": "ot"}) if declared else ""
    ports = [5020, 8080, 2222]
    async with (
        lure(MODBUS, host, 5020),
        lure(page, host, 8080),
        responder(lambda _: [], host, 5683) as node,
        bench(tcp=ports, udp=[5683], ranges=alone(host), rest=rest) as rig,
    ):
        await rig.collect()
    assert not heard and not node.heard
    assert [(row["exception"], row["unit"]) for row in rig.rows("modbus_device")] == [(1, 255)]
    assert [(row["port"], row["protocol"]) for row in rig.rows("service")] == [(5020, "modbus")]
    assert rig.coverage("service") == {"tcp/5020": Outcome.OK, "": Outcome.NOT_PERMITTED}
    assert rig.coverage("http_service") == rig.coverage("coap_service") == {"": Outcome.NOT_PERMITTED}
    assert rig.coverage("modbus_device") == {"tcp/5020": Outcome.OK}
    [row] = rig.rows("host")
    assert row["open_ports"] == 1, "its other ports were not even tried"


@scene
async def test_an_industrial_port_that_speaks_something_else(bench: OpenBench) -> None:
    """It is asked in Modbus and then left alone; the rest of the host is an ordinary one."""
    host = own_address(16)
    async with lure(WEB, host, 5020), lure(WEB, host, 8080), bench(tcp=[5020, 8080], ranges=alone(host)) as rig:
        await rig.collect()
    assert rig.coverage("modbus_device")["tcp/5020"] in (Outcome.PROTOCOL_ERROR, Outcome.REFUSED)
    assert {row["port"]: row["protocol"] for row in rig.rows("service")} == {5020: None, 8080: "http"}
    assert [row["port"] for row in rig.rows("http_service")] == [8080]


@scene
async def test_a_defect_of_ours_costs_one_host(bench: OpenBench, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, whole = own_address(17), own_address(18)
    fetched = load_probes()["http"]

    async def fails(visit: Any) -> None:
        if visit.address == broken:
            raise KeyError("a defect")
        await fetched.run(visit)

    async with lure(WEB, broken, 8080), lure(WEB, whole, 8080), bench(tcp=[8080], ranges=alone(broken, whole)) as rig:
        await _collect_with(rig, "http", fails, monkeypatch)
    assert set(rig.coverage("http_service", broken).values()) == {Outcome.INTERNAL_ERROR}
    assert rig.coverage("http_service", whole) == {"tcp/8080": Outcome.OK}
    assert [row["entity"] for row in rig.rows("host")] == [f"host:here/{whole}"]


async def _collect_with(rig: Bench, protocol: str, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Collect with one probe that fails as we would have to fail: a stand-in for a defect, not for anything tested."""
    probes = {**load_probes(), protocol: replace(load_probes()[protocol], run=run)}
    monkeypatch.setattr(audit, "load_probes", lambda: probes)
    await rig.collect()


@scene
async def test_a_resumed_run_asks_only_what_is_left(bench: OpenBench, tmp_path: Any) -> None:
    host, other = own_address(19), own_address(20)
    asked: list[str] = []

    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("sockname")[0]
        request = await reader.read(4096)
        if request:
            asked.append(address)
            if address == other and len([one for one in asked if one == other]) == 1:
                rig.door.stop.set("stopped by the test")
        writer.write(ONWARD if request.startswith(b"GET / ") else PAGE)
        writer.close()

    async with lure(page, host, 8080), lure(page, other, 8080):
        async with bench(tcp=[8080], ranges=alone(host, other), rest=asset("a", host) + asset("b", other, model="x/y")) as rig:
            result = await rig.collect()  # b is a canary, so it comes first, and stops the run at its first page
        assert result.ended_early == "stopped by the test"
        assert rig.coverage("service", other)[""] is Outcome.PARTIAL
        assert rig.coverage("http_service", other) == {"": Outcome.NOT_PERMITTED}
        assert rig.coverage("host") == {"": Outcome.PARTIAL}
        first = len(asked)
        async with open_bench(
            tmp_path, tcp=[8080], ranges=alone(host, other), rest=asset("a", host) + asset("b", other, model="x/y"), resume=True
        ) as again:
            assert (await again.collect()).ended_early is None
        assert set(asked[first:]) == {host, other}
        visited = len(asked)
        async with open_bench(
            tmp_path, tcp=[8080], ranges=alone(host, other), rest=asset("a", host) + asset("b", other, model="x/y"), resume=True
        ) as third:
            await third.collect()
        assert len(asked) == visited, "nothing is left to ask"
    assert set(third.coverage("http_service", other).values()) == {Outcome.OK}
    assert third.coverage("service", other)["tcp/8080"] is Outcome.OK
    assert third.coverage("host") == {"": Outcome.OK}

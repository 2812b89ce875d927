"""Cloud endpoints by name: resolved through the rig's resolvers, asked at HTTPS and MQTT over TLS, and covered when they are not."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from plumbline.model.words import Outcome
from plumbline.net.caps import Limits
from tests.collect.network import dns_answers as dns
from tests.collect.network.benches import Bench, open_bench, scene
from tests.collect.network.certificates import issue, server_context
from tests.collect.network.datagrams import responder
from tests.laws.bundles import coverage

HUB = "hub.azure-devices.example"
BASE = f"127.62.{os.getpid() % 250 + 1}"
RESOLVER, SERVING, CLOSED = f"{BASE}.53", f"{BASE}.1", f"{BASE}.2"
ENTITY = f"host:/{HUB}"
LISTED = f'resolvers = ["{RESOLVER}"]\nhosts = ["{HUB}"]'


@asynccontextmanager
async def hub(folder: Path, seen: list[str | None]) -> AsyncIterator[None]:
    """HTTPS at tcp/443 of one address; keeps the server names that it is asked for."""
    key = ec.generate_private_key(ec.SECP256R1())
    context = server_context(folder, key, [issue(key, HUB, names=(HUB,))])
    context.sni_callback = lambda _session, wanted, _context: seen.append(wanted)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            seen.append(next((line[6:] for line in request.split("\r\n") if line.lower().startswith("host: ")), None))
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, SERVING, 443, ssl=context)
    try:
        yield
    finally:
        server.close()


async def collected(folder: Path, addresses: Iterable[str], *, resolver: str = RESOLVER, authorisation: str = LISTED) -> Bench:
    async with (
        responder(dns.resolver_of(list(addresses)), resolver, 53),
        open_bench(folder, tcp=[9], intrusion="query", authorisation=authorisation, limits=Limits(resolve_s=0.2)) as rig,
    ):
        await rig.collect()
    return rig


def of_hub(rig: Bench, table: str) -> dict[str, Outcome]:
    return {
        row["subject"]: Outcome(row["outcome"]) for row in coverage(rig.writer.path) if row["entity"] == ENTITY and row["table"] == table
    }


@scene
async def test_the_service_behind_a_name(tmp_path: Path) -> None:
    seen: list[str | None] = []
    async with hub(tmp_path, seen):
        rig = await collected(tmp_path, [CLOSED, "10.9.9.9", SERVING])
    assert set(seen) == {HUB}  # in every handshake and every request
    [service] = [row for row in rig.rows("service") if row["entity"] == ENTITY]
    assert (service["subject"], service["protocol"], service["tls"]) == ("tcp/443", "http", True)
    [certificate] = [row for row in rig.rows("certificate") if row["entity"] == ENTITY]
    assert certificate["names"] == [HUB]
    assert [row["status"] for row in rig.rows("http_service") if row["entity"] == ENTITY] == [403]
    assert of_hub(rig, "mqtt_broker") == {"": Outcome.OK}  # tcp/8883 is closed there
    assert [row for row in rig.rows("host") if row["entity"] == ENTITY] == []
    log = [json.loads(line) for line in (rig.writer.path / "contacts.jsonl").read_text().splitlines()]
    assert ("refused", "10.9.9.9") in [(line["event"], line.get("address")) for line in log]
    assert {line["address"] for line in log if line["event"] == "connect"} == {CLOSED, SERVING, "127.0.0.1"}
    assert all(line["permit"] for line in log if line["event"] == "connect")


UNSEEN: dict[str, tuple[list[str], str, str, Outcome, str]] = {
    "no permitted address": (["10.9.9.9"], RESOLVER, LISTED, Outcome.NOT_PERMITTED, "networks does not hold"),
    "no address at all": ([], RESOLVER, LISTED, Outcome.UNREACHABLE, "know no address"),
    "no resolver listed": ([SERVING], RESOLVER, f'hosts = ["{HUB}"]', Outcome.NOT_PERMITTED, "resolvers is empty"),
    "a closed resolver": ([SERVING], f"{BASE}.54", LISTED, Outcome.REFUSED, HUB),
}


@pytest.mark.parametrize(("addresses", "resolver", "authorisation", "outcome", "told"), UNSEEN.values(), ids=UNSEEN.keys())
@scene
async def test_covered_when_it_is_not_seen(
    tmp_path: Path, addresses: list[str], resolver: str, authorisation: str, outcome: Outcome, told: str
) -> None:
    rig = await collected(tmp_path, addresses, resolver=resolver, authorisation=authorisation)
    for table in ("service", "tls_endpoint", "http_service"):
        assert of_hub(rig, table) == {"": outcome}
    assert told in next(row["detail"] for row in coverage(rig.writer.path) if row["entity"] == ENTITY)


@scene
async def test_a_resumed_run_does_not_ask_again(tmp_path: Path) -> None:
    heard = []
    async with responder(dns.resolver_of([CLOSED]), RESOLVER, 53) as names:
        for resume in (False, True):
            async with open_bench(tmp_path, tcp=[9], intrusion="query", authorisation=LISTED, resume=resume) as rig:
                await rig.collect()
            heard.append(len(names.heard))
    assert heard == [2, 2]

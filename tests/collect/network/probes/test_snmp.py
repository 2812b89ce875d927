"""The SNMP probe against agents that refuse as agents do. pysnmp stands in `test_lab_devices`, net-snmp in `real`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from plumbline.model.words import Intrusion, Outcome
from plumbline.protocols import ber
from plumbline.protocols.snmp import CommunityMessage, PduKind, Version, decode
from tests.collect.network.benches import RANGES, own_address, scene
from tests.collect.network.conftest import OpenBench
from tests.collect.network.datagrams import responder

ENGINE = bytes.fromhex("80007ed90302504c000114")
DESCRIPTION = b"Northwind router"


def report(message_id: int) -> bytes:
    """The Report that tells the engine id (RFC 3414 4)."""
    octets, number, sequence = ber.OCTET_STRING, ber.encode_integer, ber.encode_sequence
    header = sequence(number(message_id), number(65507), ber.encode(octets, b"\0"), number(3))
    security = sequence(ber.encode(octets, ENGINE), number(7), number(4711), *(ber.encode(octets, b"") for _ in range(3)))
    counter = sequence(ber.encode_oid("1.3.6.1.6.3.15.1.1.4.0"), ber.encode(0x41, b"\1"))
    pdu = sequence(number(message_id), number(0), number(0), sequence(counter), tag=PduKind.REPORT)
    scoped = sequence(ber.encode(octets, ENGINE), ber.encode(octets, b""), pdu)
    return sequence(number(3), header, ber.encode(octets, security), scoped)


def response(request: CommunityMessage, *, status: int = 0, number: int | None = None) -> bytes:
    values = [ber.encode(ber.OCTET_STRING, DESCRIPTION), ber.encode_oid("1.3.6.1.4.1.32473.1")]
    bindings = [
        ber.encode_sequence(ber.encode_oid(binding.oid), ber.encode(ber.NULL, b"") if status else value)
        for binding, value in zip(request.pdu.bindings, values, strict=True)
    ]
    request_id = number if number is not None else request.pdu.request_id or 0
    pdu = ber.encode_sequence(
        *(ber.encode_integer(one) for one in (request_id, status, 0)), ber.encode_sequence(*bindings), tag=PduKind.RESPONSE
    )
    return ber.encode_sequence(ber.encode_integer(request.version), ber.encode(ber.OCTET_STRING, request.community), pdu)


@dataclass
class Agent:
    """How one agent behaves."""

    v3: bool = True
    versions: tuple[Version, ...] = ()
    status: int = 0
    dies_after: int | None = None
    late_first: bool = False
    asked: int = 0

    def __call__(self, data: bytes) -> Iterable[bytes]:
        self.asked += 1
        if self.dies_after is not None and self.asked > self.dies_after:
            return
        message = decode(data)
        if isinstance(message, CommunityMessage):
            assert (message.community, message.pdu.kind) == (b"public", PduKind.GET)
            if message.version in self.versions:
                if self.late_first:
                    yield report(1)
                    yield response(message, number=4)
                yield response(message, status=self.status)
        elif self.v3:
            yield report(message.message_id)


V1, V2C = Version.V1, Version.V2C
CASES: dict[str, tuple[Agent, dict[str, Any], Outcome]] = {
    "version 3 alone": (
        Agent(),
        {"v3": True, "engine_id": ENGINE.hex(), "enterprise": 32473, "boots": 7, "public_v1": False, "public_v2c": False},
        Outcome.OK,
    ),
    "public over both": (
        Agent(versions=(V1, V2C)),
        {"public_v1": True, "public_v2c": True, "description": "Northwind router", "object_id": "1.3.6.1.4.1.32473.1"},
        Outcome.OK,
    ),
    "public over 2c alone": (Agent(versions=(V2C,)), {"public_v1": False, "public_v2c": True}, Outcome.OK),
    "no version 3, public": (
        Agent(v3=False, versions=(V1, V2C)),
        {"v3": None, "engine_id": None, "public_v1": True, "public_v2c": True},
        Outcome.OK,
    ),
    "no version 3, public over 2c": (Agent(v3=False, versions=(V2C,)), {"public_v1": None, "public_v2c": True}, Outcome.OK),
    "it refuses aloud": (Agent(versions=(V2C,), status=16), {"public_v1": False, "public_v2c": False, "description": None}, Outcome.OK),
    "it falls silent after the first": (Agent(dies_after=1), {"v3": True, "public_v1": None, "public_v2c": None}, Outcome.OK),
    "answers to others come first": (Agent(versions=(V1, V2C), late_first=True), {"public_v1": True, "public_v2c": True}, Outcome.OK),
}


@scene
async def test_agents(bench: OpenBench) -> None:
    async with AsyncExitStack() as stack:
        servers = {
            name: await stack.enter_async_context(responder(agent, own_address(number)))
            for number, (name, (agent, _, _)) in enumerate(CASES.items(), start=1)
        }
        rig = await stack.enter_async_context(bench(udp=[server.port for server in servers.values()], ranges=RANGES))
        visits = [rig.visit("snmp", server.port, address=own_address(number)) for number, server in enumerate(servers.values(), start=1)]
        for name, seen in zip(servers, await asyncio.gather(*visits), strict=True):
            _, expected, outcome = CASES[name]
            row = seen.row("snmp_agent")
            assert {column: row[column] for column in expected} == expected, name
            assert seen.covered("snmp_agent") == (outcome, 1), name


@scene
async def test_no_community_is_tried_without_leave_nor_past_the_budget(bench: OpenBench) -> None:
    agent = Agent()
    async with responder(agent) as server, bench(udp=[server.port]) as rig:
        polite = await rig.visit("snmp", server.port, intrusion=Intrusion.SESSION)
        assert agent.asked == 1
        await rig.visit("snmp", server.port)  # two failures of one account
        before = agent.asked
        spent = await rig.visit("snmp", server.port)
        assert agent.asked == before + 1, "discovery, and no more"
    assert (polite.row("snmp_agent")["public_v1"], polite.row("snmp_agent")["public_v2c"]) == (None, None)
    assert polite.covered("snmp_agent") == (Outcome.OK, 1)
    assert (spent.row("snmp_agent")["public_v1"], spent.row("snmp_agent")["public_v2c"]) == (None, None)
    assert spent.covered("snmp_agent") == (Outcome.PARTIAL, 1)
    assert "failed 2 times" in spent.detail("snmp_agent")

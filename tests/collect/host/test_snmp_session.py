"""Agents that answer as they should not: each walk ends, each answer is held to its request, and what is missing is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from plumbline.collect.host.snmp_session import COLUMNS, REPETITIONS, SCALARS
from plumbline.model.words import Outcome
from plumbline.protocols import ber
from plumbline.protocols.snmp import PduKind, UsmMessage, decode
from plumbline.protocols.snmp_usm import Keys, User, encode_message, open_message
from tests.collect.host.bench import LoggedIn, log_in, login_text
from tests.collect.network.benches import free_udp_port, own_address

HOME = own_address(221)
ENGINE = bytes.fromhex("80001f880324a43c100001")
PASSWORD = "harbour wall 7"
KEYS = User.make(b"auditor", "sha256", PASSWORD.encode()).at(ENGINE)
Binding = tuple[str, bytes]  # a name, and an encoded value
Answer = Callable[[Any], Sequence[Binding]]
END = ber.encode(0x82, b"")


def text(value: str) -> bytes:
    return ber.encode(ber.OCTET_STRING, value.encode())


def pdu_of(kind: PduKind, request_id: int, bindings: Sequence[Binding], error: int = 0) -> bytes:
    listed = ber.encode_sequence(*(ber.encode_sequence(ber.encode_oid(oid), value) for oid, value in bindings))
    return ber.encode_sequence(ber.encode_integer(request_id), ber.encode_integer(error), ber.encode_integer(0), listed, tag=kind)


def discovery_report(request: UsmMessage, keys: Keys, boots: int) -> bytes:
    """A Report without authentication that tells the engine's id (RFC 3414, 4)."""
    usm = ber.encode_sequence(
        ber.encode(ber.OCTET_STRING, keys.engine_id),
        ber.encode_integer(boots),
        ber.encode_integer(100),
        *(ber.encode(ber.OCTET_STRING, b"") for _ in range(3)),
    )
    header = ber.encode_sequence(
        ber.encode_integer(request.message_id), ber.encode_integer(65507), ber.encode(ber.OCTET_STRING, b"\0"), ber.encode_integer(3)
    )
    report = pdu_of(PduKind.REPORT, 0, [("1.3.6.1.6.3.15.1.1.4.0", ber.encode_integer(1, 0x41))])
    scoped = ber.encode_sequence(ber.encode(ber.OCTET_STRING, keys.engine_id), ber.encode(ber.OCTET_STRING, b""), report)
    return ber.encode_sequence(ber.encode_integer(3), header, ber.encode(ber.OCTET_STRING, usm), scoped)


class Agent(asyncio.DatagramProtocol):
    """Answers discovery and scalars well; a walk as it is told to."""

    def __init__(self, walk: Answer) -> None:
        self.walk, self.asked, self.boots = walk, 0, 3
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        request = decode(data)
        assert isinstance(request, UsmMessage)
        if not request.authenticated:
            self.transport.sendto(discovery_report(request, KEYS, self.boots), addr)
            return
        self.asked += 1
        pdu = open_message(KEYS, data).pdu
        assert pdu is not None
        bindings = [(oid, text(oid)) for oid in SCALARS.values()] if pdu.kind is PduKind.GET else self.walk(pdu)
        answer = pdu_of(PduKind.RESPONSE, pdu.request_id or 0, bindings)
        self.transport.sendto(encode_message(KEYS, message_id=request.message_id, boots=3, time_s=100, salt=1, pdu=answer), addr)


@asynccontextmanager
async def agent(walk: Answer, port: int) -> AsyncIterator[Agent]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Agent(walk), (HOME, port))
    try:
        yield protocol
    finally:
        transport.close()


async def ask(folder: Path, walk: Answer) -> tuple[LoggedIn, Agent]:
    port = free_udp_port(HOME)
    async with agent(walk, port) as device:
        seen = await log_in(folder, login_text("snmp", port, more='auth = "sha256"'), udp=[port], addresses=[HOME], secret=PASSWORD)
    return seen, device


def ended(pdu: Any) -> list[Binding]:
    return [(pdu.bindings[0].oid + ".1", END)]


def same_again(pdu: Any) -> list[Binding]:
    return [(pdu.bindings[0].oid, text("x"))]


def backwards(pdu: Any) -> list[Binding]:
    return [(f"{pdu.bindings[0].oid}.{number}", text("name")) for number in (9, 3)]


def valueless(pdu: Any) -> list[Binding]:
    return [(f"{pdu.bindings[0].oid}.1", ber.encode(0x81, b""))]


def rowless(pdu: Any) -> list[Binding]:
    return []


def junk(pdu: Any) -> list[Binding]:
    oid = pdu.bindings[0].oid
    return [(f"{oid}.1.99.400.7", text("\x00\ufffd")), (f"{oid}.2", ber.encode_integer(-1)), ("1.3.9", text("beyond"))]


@pytest.mark.parametrize(
    ("walk", "outcome", "says"),
    [
        (ended, Outcome.NOT_SUPPORTED, "the agent shows nothing of it"),
        (same_again, Outcome.NOT_SUPPORTED, "the agent shows nothing of it"),
        (backwards, Outcome.PARTIAL, "names that do not grow"),
        (valueless, Outcome.NOT_SUPPORTED, "a row without a value"),
        (rowless, Outcome.NOT_SUPPORTED, "an answer without rows"),
        (junk, Outcome.OK, ""),
    ],
    ids=["nothing", "the same again", "backwards", "without values", "without rows", "junk"],
)
async def test_every_walk_ends(tmp_path: Path, walk: Answer, outcome: Outcome, says: str) -> None:
    seen, device = await ask(tmp_path, walk)
    assert device.asked == 1 + len(COLUMNS)
    assert seen.outcomes(f"snmp/auditor@{HOME}")["component"] is outcome and says in seen.detail(f"snmp/auditor@{HOME}", "component")
    assert seen.outcomes(f"snmp/auditor@{HOME}")["system"] is Outcome.OK


async def test_a_walk_goes_on_where_it_was(tmp_path: Path) -> None:
    column = COLUMNS["hrSWInstalledName"]

    def rows(pdu: Any) -> list[Binding]:
        oid = pdu.bindings[0].oid
        if not oid.startswith(column):
            return [(oid, END)]
        last = int(oid.removeprefix(column).lstrip(".") or 0)
        found = [
            (f"{column}.{number}", text(f"package{number}_1.{number}_armhf")) for number in range(last + 1, min(last + REPETITIONS, 60) + 1)
        ]
        return [*found, (f"{column}.{60 + 1}", END)] if last + REPETITIONS > 60 else found

    seen, _ = await ask(tmp_path, rows)
    assert {(row["name"], row["version"]) for row in seen.rows("component")} == {(f"package{n}", f"1.{n}") for n in range(1, 61)}


async def test_no_agent_there(tmp_path: Path) -> None:
    port = free_udp_port(HOME)
    seen = await log_in(tmp_path, login_text("snmp", port, more='auth = "sha256"'), udp=[port], addresses=[HOME], secret=PASSWORD)
    assert set(seen.outcomes(f"snmp/auditor@{HOME}").values()) == {Outcome.REFUSED}  # a closed port; nothing was offered
    assert [line["why"] for line in seen.contacts if line["event"] == "datagram"] == ["login snmp"]


async def test_an_engine_with_an_impossible_clock_gets_no_login(tmp_path: Path) -> None:
    port = free_udp_port(HOME)
    async with agent(ended, port) as device:
        device.boots = 1 << 40
        seen = await log_in(tmp_path, login_text("snmp", port, more='auth = "sha256"'), udp=[port], addresses=[HOME], secret=PASSWORD)
    assert device.asked == 0 and set(seen.outcomes(f"snmp/auditor@{HOME}").values()) == {Outcome.PROTOCOL_ERROR}
    assert "31 bits" in seen.detail(f"snmp/auditor@{HOME}")

"""The CoAP probe: aiocoap with a long list, and nodes that answer late, in two parts, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import aiocoap
import aiocoap.resource as resource
import pytest

from plumbline.model.words import Intrusion, Outcome
from plumbline.protocols.coap import GET, Block, Message, Option, OptionNumber, Type, decode, encode
from tests.collect.network.benches import RANGES, free_udp_port, own_address, scene
from tests.collect.network.conftest import OpenBench
from tests.collect.network.datagrams import responder


class Reading(resource.Resource):  # type: ignore[misc, name-defined]
    def __init__(self, code: Any, rt: str) -> None:
        super().__init__()
        self.code, self.rt = code, rt

    async def render_get(self, request: Any) -> Any:
        return aiocoap.Message(code=self.code, payload=b"1")


@scene
async def test_a_list_in_blocks_and_the_first_five_resources(bench: OpenBench) -> None:
    site = resource.Site()
    site.add_resource([".well-known", "core"], resource.WKCResource(site.get_resources_as_linkheader, impl_info=None))
    for number in range(60):
        site.add_resource(
            ["sensors", f"cold room {number}"], Reading(aiocoap.CONTENT if number % 2 else aiocoap.UNAUTHORIZED, "temperature c")
        )
    port = free_udp_port()
    server = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", port), transports=["simplesocketserver"])
    async with bench(udp=[port]) as rig:
        seen = await rig.visit("coap", port)
        less = await rig.visit("coap", port, intrusion=Intrusion.QUERY)
    await server.shutdown()
    row = seen.row("coap_service")
    assert len(row["resources"]) == 61
    assert row["resource_types"] == ["c", "temperature"]
    assert row["tried"] == 5
    assert row["readable"] == [path for path in row["resources"][1:6] if int(path.split(" ")[-1]) % 2]
    assert seen.covered("coap_service") == (Outcome.OK, 1)
    assert (less.row("coap_service")["tried"], less.row("coap_service")["readable"]) == (None, None)


def content(request: Message, payload: bytes, *, code: int = 0x45, kind: Type = Type.ACK, block: Block | None = None) -> bytes:
    options = (Option(OptionNumber.BLOCK2, block.encode()),) if block else ()
    return encode(Message(kind, code, request.message_id, request.token, options, payload))


def path_of(request: Message) -> str:
    return "/" + "/".join(value.decode() for value in request.values(OptionNumber.URI_PATH))


LIST = b"</a>,</b>"


@scene
async def test_a_separate_answer_is_acknowledged(bench: OpenBench) -> None:
    """RFC 7252 5.2.2: first an empty acknowledgement, then the answer as a message of its own."""

    def answer(data: bytes) -> Iterable[bytes]:
        request = decode(data)
        if request.code == GET:
            yield encode(Message(Type.ACK, 0, request.message_id))
            yield encode(Message(Type.CON, 0x45, 0x7777, request.token, (), LIST))

    async with responder(answer) as node, bench(udp=[node.port]) as rig:
        seen = await rig.visit("coap", node.port, intrusion=Intrusion.QUERY)
        await node.until(2)
    assert seen.row("coap_service")["resources"] == ["/a", "/b"]
    last = decode(node.heard[-1])
    assert (last.type, last.code, last.message_id) == (Type.ACK, 0, 0x7777)


@scene
async def test_answers_that_do_not_come(bench: OpenBench) -> None:
    lost: list[bytes] = []

    def loses_the_first(data: bytes) -> Iterable[bytes]:
        if not lost:
            lost.append(data)
            return
        yield content(decode(data), LIST)

    def lists_only(data: bytes) -> Iterable[bytes]:
        request = decode(data)
        if path_of(request) == "/.well-known/core":
            yield content(request, LIST)

    one, two = own_address(1), own_address(2)
    async with (
        responder(loses_the_first, one) as lossy,
        responder(lists_only, two) as half,
        bench(udp=[lossy.port, half.port], ranges=RANGES) as rig,
    ):
        patient, short = await asyncio.gather(
            rig.visit("coap", lossy.port, address=one, intrusion=Intrusion.QUERY), rig.visit("coap", half.port, address=two)
        )
    assert patient.covered("coap_service") == (Outcome.OK, 1)
    assert lossy.heard[0] == lossy.heard[1], "the same message again, so that the node knows it (RFC 7252 4.2)"
    row = short.row("coap_service")
    assert (row["readable"], row["tried"]) == (None, 2), "a resource that stays silent proves nothing"
    assert short.covered("coap_service") == (Outcome.PARTIAL, 1)


def endless(request: Message) -> bytes:
    block = request.block2 or Block(0, False, 64)
    return content(request, b"</" + b"x" * 60 + b">,", block=Block(block.number, True, 64))


ONE_ANSWER = {
    "no list, as it needs security": (lambda request: content(request, b"", code=0x81), ("4.01", None, None), Outcome.OK),
    "an empty list": (lambda request: content(request, b""), ("2.05", [], []), Outcome.OK),
    "a list that is none": (lambda request: content(request, b"<<<"), ("2.05", None, None), Outcome.PARTIAL),
    "a list without an end": (endless, ("2.05", ["/" + "x" * 60] * 15, ["/" + "x" * 60] * 5), Outcome.PARTIAL),
}


@pytest.mark.parametrize("name", ONE_ANSWER)
@scene
async def test_lists(bench: OpenBench, name: str) -> None:
    answer, expected, outcome = ONE_ANSWER[name]
    async with responder(lambda data: [answer(decode(data))]) as node, bench(udp=[node.port]) as rig:
        seen = await rig.visit("coap", node.port)
    row = seen.row("coap_service")
    assert (row["code"], row["resources"], row["readable"]) == expected
    assert seen.covered("coap_service") == (outcome, 1)


@scene
async def test_a_reset_is_no_answer(bench: OpenBench) -> None:
    async with responder(lambda data: [encode(Message(Type.RST, 0, decode(data).message_id))]) as node, bench(udp=[node.port]) as rig:
        seen = await rig.visit("coap", node.port)
    assert seen.covered("coap_service") == (Outcome.PROTOCOL_ERROR, 0)

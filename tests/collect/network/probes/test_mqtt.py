"""The MQTT probe against brokers of one connection's making; amqtt stands in `test_lab_devices`, mosquitto in `real`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from plumbline.model.words import Intrusion, Outcome
from plumbline.protocols.mqtt import Connect, MqttDecoder, Side, Subscribe
from tests.collect.network.benches import RANGES, own_address, scene
from tests.collect.network.conftest import OpenBench
from tests.net.rigs import lure

OLD_REFUSED = bytes([0x20, 2, 0, 1])  # CONNACK of 3.1.1: unacceptable protocol version


def connack(version: int, code: int = 0) -> bytes:
    return bytes([0x20, 3, 0, code, 0]) if version == 5 else bytes([0x20, 2, 0, code])


def publish(topic: str, payload: bytes, version: int = 4) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic.encode() + (b"\0" if version == 5 else b"") + payload
    assert len(body) < 128
    return bytes([0x30, len(body)]) + body


def suback(*codes: int, version: int = 4) -> bytes:
    body = b"\0\1" + (b"\0" if version == 5 else b"") + bytes(codes)
    return bytes([0x90, len(body)]) + body


@dataclass
class Broker:
    """Answers CONNECT by version and SUBSCRIBE with what it has; remembers the clients' names and whatever else they sent."""

    connect: Callable[[int], bytes | None]
    delivers: Callable[[int], bytes] = lambda version: suback(0, 0, version=version)
    clients: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    at_once: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder, version = MqttDecoder(Side.CLIENT), 4
        while data := await reader.read(4096):
            for event in decoder.feed(data):
                match event:
                    case Connect():
                        version = event.version
                        self.clients.append(event.client_id)
                        assert event.user_name is None and event.clean_start
                        answer = self.connect(version)
                        if answer is None:
                            writer.close()
                            return
                        writer.write(answer)
                    case Subscribe():
                        assert [one.topic_filter for one in event.subscriptions] == ["#", "$SYS/#"]
                        writer.write(self.delivers(version))
                    case _:
                        self.others.append(type(event).__name__)
        writer.close()


def telling(version: int) -> bytes:
    return (
        suback(0, 0x80, version=version)
        + publish("site/7f3a9c2e41d0/temperature", b"21.5", version)
        + publish("site/0f11aa2e41d1/temperature", b"21.9", version)
        + publish("$SYS/broker/version", b"Northwind broker 4.2", version)
        + publish("$SYS/broker/uptime", b"17 seconds", version)
    )


CASES: dict[str, tuple[Broker, dict[str, Any], Outcome]] = {
    "open, and telling": (
        Broker(connack, telling),
        {
            "versions": ["3.1.1", "5.0"], "anonymous_accepted": True, "return_code": 0, "wildcard_granted": True,
            "wildcard_delivered": True, "sys_delivered": True, "messages": 4, "payload_bytes": 38, "broker_version": "Northwind broker 4.2",
        },
        Outcome.OK,
    ),
    "open, and granting nothing": (
        Broker(connack, lambda version: suback(0x80, 0x80, version=version)),
        {"anonymous_accepted": True, "wildcard_granted": False, "wildcard_delivered": False, "sys_delivered": False, "messages": 0},
        Outcome.OK,
    ),
    "granting, and delivering nothing": (
        Broker(connack),
        {"wildcard_granted": True, "wildcard_delivered": False, "messages": 0, "topic_shapes": [], "broker_version": None},
        Outcome.OK,
    ),
    "version 5 alone": (
        Broker(lambda version: connack(5) if version == 5 else OLD_REFUSED, telling),
        {"versions": ["5.0"], "anonymous_accepted": True, "return_code": 1, "wildcard_granted": True, "sys_delivered": True, "messages": 4},
        Outcome.OK,
    ),
    "version 3.1.1 alone": (
        Broker(lambda version: connack(4, 5) if version == 4 else None),
        {"versions": ["3.1.1"], "anonymous_accepted": False, "return_code": 5, "wildcard_granted": None, "messages": None},
        Outcome.OK,
    ),
    "not authorised": (
        Broker(lambda version: connack(version, 5 if version == 4 else 0x87)),
        {"versions": ["3.1.1", "5.0"], "anonymous_accepted": False, "return_code": 5, "wildcard_granted": None},
        Outcome.OK,
    ),
    "hanging up at SUBSCRIBE": (
        Broker(connack, lambda version: bytes([0xE0, 1, 0x87])),  # a DISCONNECT that no version has
        {"anonymous_accepted": True, "wildcard_granted": None, "wildcard_delivered": None, "sys_delivered": None},
        Outcome.PARTIAL,
    ),
}  # fmt: skip


@scene
async def test_brokers(bench: OpenBench) -> None:
    async with AsyncExitStack() as stack:
        ports = [
            await stack.enter_async_context(lure(broker.talk, own_address(number)))
            for number, (broker, _, _) in enumerate(CASES.values(), start=1)
        ]
        rig = await stack.enter_async_context(bench(tcp=ports, ranges=RANGES))
        visits = [rig.visit("mqtt", port, address=own_address(number)) for number, port in enumerate(ports, start=1)]
        found = dict(zip(CASES, await asyncio.gather(*visits), strict=True))
        kept = rig.raw()
    for name, (broker, expected, outcome) in CASES.items():
        row = found[name].row("mqtt_broker")
        assert {column: row[column] for column in expected} == expected, name
        assert found[name].covered("mqtt_broker") == (outcome, 1), (name, found[name].detail("mqtt_broker"))
        assert len(set(broker.clients)) == len(broker.clients), f"{name}: a broker drops the older of two clients of one name"
        assert set(broker.others) <= {"Disconnect"}, f"{name}: nothing is published"
    shapes = found["open, and telling"].row("mqtt_broker")["topic_shapes"]
    assert shapes == ["site/+/temperature"]
    assert b"21.5" not in kept and b"17 seconds" not in kept


@scene
async def test_at_query_nothing_is_subscribed_to(bench: OpenBench) -> None:
    broker = Broker(connack, telling)
    async with lure(broker.talk) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("mqtt", port, intrusion=Intrusion.QUERY)
    row = seen.row("mqtt_broker")
    assert (row["anonymous_accepted"], row["wildcard_granted"], row["messages"]) == (True, None, None)
    assert len(broker.clients) == 2

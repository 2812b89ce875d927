"""MQTT packets of versions 3.1 to 5.0, field by field, cut anywhere, and against another decoder."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.mqtt import (
    MAX_PACKET,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Event,
    MqttDecoder,
    Other,
    Ping,
    Publish,
    Side,
    Suback,
    Subscribe,
    Subscription,
    encode_connect,
    encode_disconnect,
    encode_pingreq,
    encode_subscribe,
)
from plumbline.protocols.mqtt_properties import PacketType, Properties, Property, PropertyId, encode_variable
from tests.protocols.fuzzing import FuzzTarget, one_by_one, stream_entry


def packet(head: int, body: bytes) -> bytes:
    return bytes([head]) + encode_variable(len(body)) + body


def h(text: str) -> bytes:
    return bytes.fromhex(text)


MQTT = h("00 04") + b"MQTT"

# MQTT 5.0, figures 3-2 to 3-9 (3.1.2.12): flags 0xCE, keep alive 10 s, session expiry interval 10 s; then a payload for its flags.
CONNECT_5 = packet(
    0x10,
    MQTT + h("05 ce 000a 05 11 0000000a")
    + h("0003") + b"cam"
    + h("05 18 00000005")  # will properties: will delay 5 s (3.1.3.2.2)
    + h("0004") + b"gone" + h("0002") + b"hi"
    + h("0005") + b"admin" + h("0006") + b"secret",
)  # fmt: skip

CLIENT_VECTORS: list[tuple[str, bytes, Event]] = [
    ("3.1.1 CONNECT without anything", packet(0x10, MQTT + h("04 02 001e 0000")), Connect(4, "", True, 30)),
    ("3.1 CONNECT", packet(0x10, h("0006") + b"MQIsdp" + h("03 00 003c 0001") + b"a"), Connect(3, "a", False, 60)),
    (
        "5.0 CONNECT with will, user name and password",
        CONNECT_5,
        Connect(
            5, "cam", True, 10, "admin", b"secret", "gone", 1, False, 2, False,
            Properties((Property(PropertyId.SESSION_EXPIRY_INTERVAL, 10),)),
        ),
    ),
    (
        "3.1.1 CONNECT with a retained will and an empty user name",
        packet(0x10, MQTT + h("04 b4 0000 0001") + b"x" + h("0001") + b"t" + h("0000") + h("0000")),
        Connect(4, "x", False, 0, "", None, "t", 2, True, 0),
    ),
    ("a bridge's CONNECT", packet(0x10, MQTT + h("84 02 003c 0001") + b"b"), Connect(4, "b", True, 60, bridge=True)),
    (
        "SUBSCRIBE (3.1.1, figure 3.21)",
        packet(0x82, h("000a") + h("0003") + b"a/b" + h("01") + h("0003") + b"c/d" + h("02")),
        Subscribe(10, (Subscription("a/b", 1), Subscription("c/d", 2))),
    ),
    ("PINGREQ", h("c0 00"), Ping(answer=False)),
    ("DISCONNECT", h("e0 00"), Disconnect(None, None)),
    ("PUBLISH of QoS 1, retained", packet(0x33, h("0003") + b"a/b" + h("000a") + b"12345"), Publish("a/b", 1, True, False, 5, 10)),
    ("UNSUBSCRIBE", packet(0xA2, h("0001 0001") + b"a"), Other(PacketType.UNSUBSCRIBE, 7)),
    ("PUBREL", h("62 02 000a"), Other(PacketType.PUBREL, 4)),
]  # fmt: skip

SERVER_VECTORS: list[tuple[str, bytes, int | None, Event]] = [
    ("3.1.1 CONNACK, accepted", h("20 02 00 00"), 4, Connack(False, 0, "accepted")),
    ("3.1.1 CONNACK, session present", h("20 02 01 00"), 4, Connack(True, 0, "accepted")),
    ("3.1.1 CONNACK, not authorised", h("20 02 00 05"), 4, Connack(False, 5, "not_authorized")),
    ("3.1.1 CONNACK, unknown code", h("20 02 00 77"), 4, Connack(False, 0x77, "unknown_119")),
    ("CONNACK of a version not known", h("20 02 00 04"), None, Connack(False, 4, "bad_user_name_or_password")),
    ("5.0 CONNACK, accepted", h("20 03 00 00 00"), 5, Connack(False, 0, "success")),
    (
        "5.0 CONNACK, with properties",
        packet(0x20, h("00 00 11 21 0014 22 000a 12 0004") + b"auto" + h("24 01 25 00")),
        5,
        Connack(
            False, 0, "success",
            Properties((
                Property(PropertyId.RECEIVE_MAXIMUM, 20), Property(PropertyId.TOPIC_ALIAS_MAXIMUM, 10),
                Property(PropertyId.ASSIGNED_CLIENT_IDENTIFIER, "auto"), Property(PropertyId.MAXIMUM_QOS, 1),
                Property(PropertyId.RETAIN_AVAILABLE, 0),
            )),
        ),
    ),
    ("5.0 CONNACK, not authorised", h("20 03 00 87 00"), 5, Connack(False, 0x87, "not_authorized")),
    ("version 5 refused in the old form", h("20 02 00 01"), 5, Connack(False, 1, "unacceptable_protocol_version")),
    ("3.1.1 SUBACK (figure 3.26)", h("90 05 000a 00 02 80"), 4, Suback(10, (0, 2, 0x80))),
    ("5.0 SUBACK", h("90 04 000a 00 87"), 5, Suback(10, (0x87,))),
    ("PINGRESP", h("d0 00"), 4, Ping(answer=True)),
    ("PUBLISH of QoS 0", packet(0x30, h("0004") + b"$SYS" + b"x" * 200), 4, Publish("$SYS", 0, False, False, 200)),
    ("PUBLISH without payload", h("30 03 0001 61"), 4, Publish("a", 0, False, False, 0)),
    ("PUBLISH, duplicate", h("3a 05 0001 61 0007"), 4, Publish("a", 1, False, True, 0, 7)),
    ("5.0 PUBLISH by alias", h("30 07 0000 03 23 0005 ff"), 5, Publish("", 0, False, False, 1, None, 5)),
    ("5.0 DISCONNECT", h("e0 01 8b"), 5, Disconnect(0x8B, "server_shutting_down")),
    ("5.0 DISCONNECT, empty", h("e0 00"), 5, Disconnect(0, "normal_disconnection")),
    (
        "5.0 DISCONNECT, with a reason",
        packet(0xE0, h("8e 06 1f 0003") + b"bye"),
        5,
        Disconnect(0x8E, "session_taken_over", Properties((Property(PropertyId.REASON_STRING, "bye"),))),
    ),
    ("5.0 AUTH", packet(0xF0, h("18 0c 15 0003") + b"SCR" + h("16 0003 010203")), 5, Auth(0x18, "continue_authentication", "SCR")),
    ("5.0 AUTH, empty", h("f0 00"), 5, Auth(0, "success", None)),
    ("PUBACK", h("40 02 000a"), 4, Other(PacketType.PUBACK, 4)),
    ("UNSUBACK", h("b0 02 000a"), 4, Other(PacketType.UNSUBACK, 4)),
]  # fmt: skip


def decoder_of(side: Side, version: int | None = None) -> MqttDecoder:
    return MqttDecoder(side, version)


ALL = [(name, data, Side.CLIENT, None, event) for name, data, event in CLIENT_VECTORS] + [
    (name, data, Side.SERVER, version, event) for name, data, version, event in SERVER_VECTORS
]
NAMES = [case[0] for case in ALL]


@pytest.mark.parametrize(("name", "data", "side", "version", "event"), ALL, ids=NAMES)
def test_vectors(name: str, data: bytes, side: Side, version: int | None, event: Event) -> None:
    decoder = decoder_of(side, version)
    assert decoder.feed(data) == [event]
    assert decoder.end() == []


@pytest.mark.parametrize(("name", "data", "side", "version", "event"), ALL, ids=NAMES)
def test_byte_at_a_time(name: str, data: bytes, side: Side, version: int | None, event: Event) -> None:
    decoder = decoder_of(side, version)
    assert [one for part in one_by_one(data) for one in decoder.feed(part)] == [event]


@pytest.mark.parametrize(("name", "data", "side", "version", "event"), ALL, ids=NAMES)
def test_every_truncation(name: str, data: bytes, side: Side, version: int | None, event: Event) -> None:
    for size in range(1, len(data)):
        decoder = decoder_of(side, version)
        with pytest.raises(ProtocolError):
            assert decoder.feed(data[:size]) == []
            decoder.end()


@pytest.mark.parametrize(("name", "data", "side", "version", "event"), ALL, ids=NAMES)
def test_shortened_bodies_are_errors_or_shorter_values(name: str, data: bytes, side: Side, version: int | None, event: Event) -> None:
    body = data[2:]
    for size in range(len(body)):
        decoder = decoder_of(side, version)
        try:
            decoder.feed(packet(data[0], body[:size]))
        except ProtocolError:
            continue


BAD: list[tuple[str, bytes, Side, int | None]] = [
    ("packet type 0 (2.1.2)", h("00 00"), Side.SERVER, 4),
    ("reserved flags (2.1.3)", h("21 02 00 00"), Side.SERVER, 4),
    ("SUBSCRIBE with flags 0 (3.8.1)", h("80 06 000a 0001 61 00"), Side.CLIENT, 4),
    ("remaining length of five bytes (1.5.5)", h("20 ff ff ff ff 01"), Side.SERVER, 4),
    ("remaining length not in its shortest form (1.5.5)", h("d0 80 00"), Side.SERVER, 4),
    ("QoS 3 (3.3.1.2)", h("36 05 0001 61 0001"), Side.SERVER, 4),
    ("QoS 3 wanted", h("82 06 000a 0001 61 03"), Side.CLIENT, 4),
    ("a topic name with a wildcard (3.3.2.1)", h("30 03 0001 23"), Side.SERVER, 4),
    ("a topic that is not UTF-8 (1.5.4)", h("30 03 0001 ff"), Side.SERVER, 4),
    ("a topic with U+0000 (1.5.4)", h("30 03 0001 00"), Side.SERVER, 4),
    ("a topic longer than its packet", h("30 03 0009 61"), Side.SERVER, 4),
    ("CONNACK flags (3.2.2.1)", h("20 02 02 00"), Side.SERVER, 4),
    ("CONNACK too long", h("20 03 00 00 00"), Side.SERVER, 4),
    ("CONNACK too short", h("20 01 00"), Side.SERVER, 4),
    ("CONNACK from a client", h("20 02 00 00"), Side.CLIENT, 4),
    ("CONNECT from a server", packet(0x10, MQTT + h("04 02 001e 0000")), Side.SERVER, 4),
    ("an unknown protocol name", packet(0x10, h("0004") + b"HTTP" + h("04 02 001e 0000")), Side.CLIENT, None),
    ("an unknown level", packet(0x10, MQTT + h("06 02 001e 0000")), Side.CLIENT, None),
    ("the reserved connect flag (3.1.2.3)", packet(0x10, MQTT + h("04 03 001e 0000")), Side.CLIENT, None),
    ("a will QoS without a will (3.1.2.6)", packet(0x10, MQTT + h("04 0a 001e 0000")), Side.CLIENT, None),
    ("a will of QoS 3 (3.1.2.6)", packet(0x10, MQTT + h("04 1e 001e 0000")), Side.CLIENT, None),
    ("CONNECT with something behind it", packet(0x10, MQTT + h("04 02 001e 0000 00")), Side.CLIENT, None),
    ("SUBACK without a code (3.9.3)", h("90 02 000a"), Side.SERVER, 4),
    ("SUBSCRIBE without a filter (3.8.3)", h("82 02 000a"), Side.CLIENT, 4),
    ("PINGRESP with a body", h("d0 01 00"), Side.SERVER, 4),
    ("a packet above the cap", h("20 ff ff ff 7f"), Side.SERVER, 4),
]


@pytest.mark.parametrize(("name", "data", "side", "version"), BAD, ids=[case[0] for case in BAD])
def test_broken_rules(name: str, data: bytes, side: Side, version: int | None) -> None:
    with pytest.raises(ProtocolError):
        decoder_of(side, version).feed(data)


def test_the_version_is_learnt_from_either_side() -> None:
    client = decoder_of(Side.CLIENT)
    client.feed(CONNECT_5)
    subscribe = encode_subscribe(1, [Subscription("#", 0)], version=5)
    assert client.feed(subscribe) == [Subscribe(1, (Subscription("#", 0),))]
    server = decoder_of(Side.SERVER)
    server.feed(h("20 03 00 00 00"))
    assert server.version == 5
    assert server.feed(h("90 04 0001 00 02")) == [Suback(1, (2,))]


def test_a_large_payload_is_counted_and_not_kept() -> None:
    head = h("30") + encode_variable(3 + 2_000_000) + h("0001 61")
    decoder = decoder_of(Side.SERVER, 4)
    decoder.feed(head)
    chunk = bytes(50_000)
    for _ in range(39):
        assert decoder.feed(chunk) == []
        assert len(decoder._buffer) <= MAX_PACKET
    assert decoder.feed(chunk) == [Publish("a", 0, False, False, 2_000_000)]
    assert decoder.end() == []


def test_a_cut_large_payload_is_an_error() -> None:
    decoder = decoder_of(Side.SERVER, 4)
    decoder.feed(h("30") + encode_variable(3 + 2_000_000) + h("0001 61") + bytes(500_000))
    with pytest.raises(ProtocolError, match="ends inside"):
        decoder.end()


def test_granted() -> None:
    assert Suback(1, (0, 0x80, 2, 0x87)).granted == (0, None, 2, None)


def test_a_password_does_not_show() -> None:
    [event] = decoder_of(Side.CLIENT).feed(CONNECT_5)
    assert "secret" not in repr(event)


ROUND_TRIPS = [
    Connect(3, "a", True, 30),
    Connect(4, "", False, 0),
    Connect(4, "client", True, 65535, "user", b"pass"),
    Connect(5, "client", True, 30, "user"),
    Connect(5, "", True, 30, None, b"token only"),
    Connect(5, "", True, 30, properties=Properties((Property(PropertyId.USER_PROPERTY, ("a", "b")),))),
]


def encoded(event: Connect) -> bytes:
    return encode_connect(
        event.client_id,
        version=event.version,
        clean_start=event.clean_start,
        keep_alive_s=event.keep_alive_s,
        user_name=event.user_name,
        password=event.password,
        properties=event.properties,
    )


@pytest.mark.parametrize("event", ROUND_TRIPS, ids=repr)
def test_connect_round_trip(event: Connect) -> None:
    assert decoder_of(Side.CLIENT).feed(encoded(event)) == [event]


def test_encoders() -> None:
    assert encode_connect("", keep_alive_s=30) == CLIENT_VECTORS[0][1]
    assert encode_subscribe(10, [Subscription("a/b", 1), Subscription("c/d", 2)]) == CLIENT_VECTORS[5][1]
    assert encode_pingreq() == h("c0 00")
    assert encode_disconnect() == h("e0 00")


def test_what_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="no such CONNECT"):
        encode_connect("", version=6)
    with pytest.raises(ValueError, match="no such CONNECT"):
        encode_connect("", version=4, password=b"without a user name")
    with pytest.raises(ValueError, match="16-bit"):
        encode_connect("x" * 65_536)
    with pytest.raises(ValueError, match="no such SUBSCRIBE"):
        encode_subscribe(0, [Subscription("#", 0)])
    with pytest.raises(ValueError, match="no such SUBSCRIBE"):
        encode_subscribe(1, [])


def test_another_decoder_reads_our_packets() -> None:
    amqtt_connect = pytest.importorskip("amqtt.mqtt.connect")
    amqtt_subscribe = pytest.importorskip("amqtt.mqtt.subscribe")
    from amqtt.adapters import StreamReaderAdapter
    from amqtt.mqtt.packet import MQTTFixedHeader

    async def read(cls: Any, data: bytes) -> Any:
        stream = asyncio.StreamReader()
        stream.feed_data(data)
        stream.feed_eof()
        reader = StreamReaderAdapter(stream)
        header = await MQTTFixedHeader.from_stream(reader)
        return await cls.from_stream(reader, fixed_header=header)

    connect = asyncio.run(read(amqtt_connect.ConnectPacket, encode_connect("plumb", keep_alive_s=7, user_name="u", password=b"p")))
    assert (connect.client_id, connect.keep_alive, connect.username, connect.password) == ("plumb", 7, "u", "p")
    assert connect.clean_session_flag
    subscribe = asyncio.run(read(amqtt_subscribe.SubscribePacket, encode_subscribe(9, [Subscription("#", 0), Subscription("$SYS/#", 1)])))
    assert subscribe.variable_header.packet_id == 9
    assert subscribe.payload.topics == [("#", 0), ("$SYS/#", 1)]


def test_we_read_the_packets_of_another_encoder() -> None:
    amqtt_connack = pytest.importorskip("amqtt.mqtt.connack")
    amqtt_publish = pytest.importorskip("amqtt.mqtt.publish")
    amqtt_suback = pytest.importorskip("amqtt.mqtt.suback")
    data = (
        amqtt_connack.ConnackPacket.build(session_parent=1, return_code=0).to_bytes()
        + amqtt_suback.SubackPacket.build(3, [0, 0x80]).to_bytes()
        + amqtt_publish.PublishPacket.build("a/b", b"payload", 5, False, 1, True).to_bytes()
    )
    assert decoder_of(Side.SERVER, 4).feed(data) == [
        Connack(True, 0, "accepted"),
        Suback(3, (0, 0x80)),
        Publish("a/b", 1, True, False, 7, 5),
    ]


def round_trip(data: bytes) -> object:
    """What a client sent, encoded again, decodes to the same."""
    events = decoder_of(Side.CLIENT).feed(data)
    version = 4
    for event in events:
        if isinstance(event, Connect):
            version = event.version
            plain = replace(event, will_topic=None, will_qos=None, will_retain=None, will_payload_bytes=None, bridge=False)
            counted = any(item.id is PropertyId.AUTHENTICATION_DATA for item in event.properties.items)
            if not counted and not (version < 5 and event.password is not None and event.user_name is None):
                assert decoder_of(Side.CLIENT).feed(encoded(plain)) == [plain]
        elif isinstance(event, Subscribe) and event.packet_id:
            again = encode_subscribe(event.packet_id, event.subscriptions, version=version)
            assert decoder_of(Side.CLIENT, version).feed(again) == [event]
    return events


CLIENT_SEEDS = [data for _, data, _ in CLIENT_VECTORS] + [b"".join(data for _, data, _ in CLIENT_VECTORS[3:])]
CLIENT_SEEDS += [CONNECT_5 + encode_subscribe(1, [Subscription("#", 0)], version=5), *map(encoded, ROUND_TRIPS)]
SERVER_SEEDS = [data for _, data, _, _ in SERVER_VECTORS]
FUZZ = [
    FuzzTarget("mqtt/client", stream_entry(lambda: decoder_of(Side.CLIENT)), CLIENT_SEEDS),
    FuzzTarget("mqtt/server", stream_entry(lambda: decoder_of(Side.SERVER)), SERVER_SEEDS),
    FuzzTarget("mqtt/server4", stream_entry(lambda: decoder_of(Side.SERVER, 4)), SERVER_SEEDS),
    FuzzTarget("mqtt/server5", stream_entry(lambda: decoder_of(Side.SERVER, 5)), SERVER_SEEDS),
    FuzzTarget("mqtt/round_trip", round_trip, CLIENT_SEEDS, also=("mqtt_properties",)),
]

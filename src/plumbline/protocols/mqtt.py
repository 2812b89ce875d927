"""MQTT 3.1, 3.1.1 and 5.0 packets: what an auditor sends to a broker, and what both sides say (OASIS MQTT 3.1.1, MQTT 5.0).

Not here: conversations, logins, and what others publish. A PUBLISH yields its topic and its payload's *length*; the
payload passes through and is dropped (law 8), but for topics that a caller names because they are the broker's own
word, such as `$SYS/broker/version`. Nothing here publishes.

    fixed header   bits 7-4 packet type, bits 3-0 flags   1 byte           2.1.2, 2.1.3
                   remaining length                        1 to 4 bytes     2.1.4 (3.1.1: 2.2.3)
    CONNECT        protocol name, level, connect flags, keep alive (s), [properties], client id,
                   [will properties, will topic, will payload], [user name], [password]              3.1
    CONNACK        session present flag, return or reason code, [properties]                         3.2
    PUBLISH        flags DUP QoS QoS RETAIN; topic, [packet id if QoS > 0], [properties], payload    3.3
    SUBSCRIBE      flags 0010; packet id, [properties], repeated: topic filter, options              3.8
    SUBACK         packet id, [properties], repeated: return or reason code                          3.9
    DISCONNECT     5.0 only: [reason code [properties]]                                              3.14
    AUTH           5.0 only: [reason code [properties]]                                              3.15

[properties] stand in version 5 only. Text is strict UTF-8 (1.5.3 / 1.5.4). Flags that the standard reserves must have
their reserved value (2.2.2), else ProtocolError.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from plumbline.model.errors import ProtocolError
from plumbline.protocols.framing import Extent, StreamDecoder
from plumbline.protocols.mqtt_properties import (
    NO_PROPERTIES,
    WILL,
    PacketType,
    Properties,
    PropertyId,
    encode_properties,
    encode_text,
    encode_variable,
    read_binary,
    read_properties,
    read_text,
    read_variable,
)
from plumbline.protocols.reader import Reader

MAX_PACKET = 128 * 1024  # two longest texts of 64 KiB; brokers' own CONNECTs and answers are far below 1 KiB
MAX_KEPT = 256  # of a payload that is kept at all
_BRIDGE = 0x80  # brokers that connect to brokers set the level's top bit (mosquitto's `try_private`)
_FLAGS = {PacketType.PUBREL: 2, PacketType.SUBSCRIBE: 2, PacketType.UNSUBSCRIBE: 2}  # table 2-2; the rest are 0
_RETURN_CODES_3 = (
    "accepted",
    "unacceptable_protocol_version",
    "identifier_rejected",
    "server_unavailable",
    "bad_user_name_or_password",
    "not_authorized",
)
_REASONS_5 = {
    0x00: "success",
    0x01: "granted_qos_1",
    0x02: "granted_qos_2",
    0x04: "disconnect_with_will",
    0x18: "continue_authentication",
    0x19: "re_authenticate",
    0x80: "unspecified_error",
    0x81: "malformed_packet",
    0x82: "protocol_error",
    0x83: "implementation_specific_error",
    0x84: "unsupported_protocol_version",
    0x85: "client_identifier_not_valid",
    0x86: "bad_user_name_or_password",
    0x87: "not_authorized",
    0x88: "server_unavailable",
    0x89: "server_busy",
    0x8A: "banned",
    0x8B: "server_shutting_down",
    0x8C: "bad_authentication_method",
    0x8D: "keep_alive_timeout",
    0x8E: "session_taken_over",
    0x8F: "topic_filter_invalid",
    0x90: "topic_name_invalid",
    0x93: "receive_maximum_exceeded",
    0x94: "topic_alias_invalid",
    0x95: "packet_too_large",
    0x96: "message_rate_too_high",
    0x97: "quota_exceeded",
    0x98: "administrative_action",
    0x99: "payload_format_invalid",
    0x9A: "retain_not_supported",
    0x9B: "qos_not_supported",
    0x9C: "use_another_server",
    0x9D: "server_moved",
    0x9E: "shared_subscriptions_not_supported",
    0x9F: "connection_rate_exceeded",
    0xA0: "maximum_connect_time",
    0xA1: "subscription_identifiers_not_supported",
    0xA2: "wildcard_subscriptions_not_supported",
}


class Side(StrEnum):
    """Who sent the stream that a decoder reads."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Connect:
    """A client's CONNECT; `password` is for the caller to digest at once and drop (law 8)."""

    version: int  # 3 (3.1), 4 (3.1.1) or 5
    client_id: str
    clean_start: bool
    keep_alive_s: int
    user_name: str | None = None
    password: bytes | None = field(default=None, repr=False)
    will_topic: str | None = None
    will_qos: int | None = None
    will_retain: bool | None = None
    will_payload_bytes: int | None = None
    bridge: bool = False
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Connack:
    """The server's answer to CONNECT; `reason` is the code in words, `unknown_<code>` when the standard has none."""

    session_present: bool
    code: int
    reason: str
    properties: Properties = NO_PROPERTIES

    @property
    def accepted(self) -> bool:
        """Whether the server took the connection."""
        return self.code == 0


@dataclass(frozen=True, slots=True)
class Publish:
    """One message; `topic` is empty when `topic_alias` stands for it, `payload` None but for a topic to be kept."""

    topic: str
    qos: int
    retain: bool
    duplicate: bool
    payload_bytes: int
    packet_id: int | None = None
    topic_alias: int | None = None
    payload: bytes | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """One topic filter and the highest QoS wanted."""

    topic_filter: str
    qos: int


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A client's SUBSCRIBE."""

    packet_id: int
    subscriptions: tuple[Subscription, ...]


@dataclass(frozen=True, slots=True)
class Suback:
    """The server's answer to SUBSCRIBE: one code for each filter; below 0x80 it is the granted QoS."""

    packet_id: int
    codes: tuple[int, ...]
    properties: Properties = NO_PROPERTIES

    @property
    def granted(self) -> tuple[int | None, ...]:
        """The granted QoS of each filter, None where it was refused."""
        return tuple(code if code < 0x80 else None for code in self.codes)


@dataclass(frozen=True, slots=True)
class Ping:
    """PINGREQ, or PINGRESP when `answer`."""

    answer: bool


@dataclass(frozen=True, slots=True)
class Disconnect:
    """DISCONNECT; before version 5 it has no code."""

    code: int | None
    reason: str | None
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Auth:
    """AUTH of version 5, without its authentication data."""

    code: int
    reason: str
    method: str | None


@dataclass(frozen=True, slots=True)
class Other:
    """A packet that tells an auditor no more than that it was sent: acknowledgements, UNSUBSCRIBE."""

    packet_type: PacketType
    size_bytes: int


Event = Connect | Connack | Publish | Subscribe | Suback | Ping | Disconnect | Auth | Other


def _packet(packet_type: PacketType, body: bytes) -> bytes:
    return bytes([packet_type << 4 | _FLAGS.get(packet_type, 0)]) + encode_variable(len(body)) + body


def encode_connect(
    client_id: str,
    *,
    version: int = 4,
    clean_start: bool = True,
    keep_alive_s: int = 30,
    user_name: str | None = None,
    password: bytes | None = None,
    properties: Properties = NO_PROPERTIES,
) -> bytes:
    """Encode CONNECT (3.1) of version 3, 4 or 5, without a will; raises ValueError for what the version cannot say."""
    if version not in (3, 4, 5) or (version < 5 and password is not None and user_name is None):
        raise ValueError(f"no such CONNECT: version {version}, password {password is not None}, user name {user_name is not None}")
    flags = (user_name is not None) << 7 | (password is not None) << 6 | clean_start << 1
    body = encode_text("MQIsdp" if version == 3 else "MQTT") + bytes([version, flags]) + keep_alive_s.to_bytes(2, "big")
    if version == 5:
        body += encode_properties(properties.items)
    for value in (client_id, user_name, password):
        if value is not None:
            body += encode_text(value)
    return _packet(PacketType.CONNECT, body)


def encode_subscribe(packet_id: int, subscriptions: Sequence[Subscription], *, version: int = 4) -> bytes:
    """Encode SUBSCRIBE (3.8); raises ValueError for packet id 0 or no filter."""
    if not 1 <= packet_id <= 0xFFFF or not subscriptions:
        raise ValueError(f"no such SUBSCRIBE: packet id {packet_id}, {len(subscriptions)} filters")
    filters = b"".join(encode_text(one.topic_filter) + bytes([one.qos]) for one in subscriptions)
    return _packet(PacketType.SUBSCRIBE, packet_id.to_bytes(2, "big") + (b"\0" if version == 5 else b"") + filters)


def encode_pingreq() -> bytes:
    """Encode PINGREQ (3.12)."""
    return _packet(PacketType.PINGREQ, b"")


def encode_disconnect() -> bytes:
    """Encode DISCONNECT (3.14); in version 5 the empty form means normal disconnection."""
    return _packet(PacketType.DISCONNECT, b"")


class MqttDecoder(StreamDecoder[Event]):
    """Decodes one direction of a connection.

    `version` is 3, 4 or 5 where the caller knows it. None: taken from CONNECT or CONNACK when the stream holds it (a
    CONNACK of two bytes is before version 5); until then packets are read as of version 4, and a PUBLISH of version 5
    counts its properties among the payload. Of a PUBLISH on a topic of `keep` the payload is kept, its first 256 bytes.
    """

    def __init__(self, side: Side, version: int | None = None, *, keep: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.keep = keep
        self.side = side
        self.version = version

    def _measure(self, buffer: bytearray) -> Extent | None:
        head = bytes(buffer[:5])
        try:
            packet_type = PacketType(head[0] >> 4)
        except ValueError as error:
            raise ProtocolError("packet type 0 is reserved", offset=0) from error
        if packet_type is not PacketType.PUBLISH and head[0] & 0x0F != _FLAGS.get(packet_type, 0):
            raise ProtocolError(f"flags {head[0] & 0x0F:04b} of {packet_type.name} are not those reserved", offset=0)
        if len(head) < 5 and all(byte & 0x80 for byte in head[1:]):
            return None
        reader = Reader(head, 1)
        total = read_variable(reader) + reader.offset
        if packet_type is PacketType.PUBLISH:
            return Extent(min(total, MAX_PACKET), total)
        if total > MAX_PACKET:
            raise ProtocolError(f"{packet_type.name} of {total} bytes; at most {MAX_PACKET} are read", offset=1)
        return Extent(total, total)

    def _decode(self, message: bytes, total: int) -> Event:
        packet_type = PacketType(message[0] >> 4)
        reader = Reader(message, 1)
        read_variable(reader)
        match packet_type:
            case PacketType.PUBLISH:
                return self._publish(message[0] & 0x0F, reader, total)
            case PacketType.DISCONNECT | PacketType.AUTH:
                return self._leave(packet_type, reader)
            case PacketType.CONNECT if self.side is Side.CLIENT:
                connect = _read_connect(reader)
                self.version = connect.version
                event: Event = connect
            case PacketType.SUBSCRIBE if self.side is Side.CLIENT:
                event = self._subscribe(reader)
            case PacketType.PINGREQ if self.side is Side.CLIENT:
                event = Ping(answer=False)
            case PacketType.CONNACK if self.side is Side.SERVER:
                event = self._connack(reader)
            case PacketType.SUBACK if self.side is Side.SERVER:
                event = self._suback(reader)
            case PacketType.PINGRESP if self.side is Side.SERVER:
                event = Ping(answer=True)
            case PacketType.UNSUBSCRIBE if self.side is Side.CLIENT:
                return Other(packet_type, total)
            case PacketType.UNSUBACK if self.side is Side.SERVER:
                return Other(packet_type, total)
            case PacketType.PUBACK | PacketType.PUBREC | PacketType.PUBREL | PacketType.PUBCOMP:
                return Other(packet_type, total)
            case _:
                raise ProtocolError(f"{packet_type.name} from the {self.side}", offset=0)
        reader.finish(packet_type.name)
        return event

    def _connack(self, reader: Reader) -> Connack:
        flags, code = reader.u8("acknowledge flags"), reader.u8("code")
        if flags & 0xFE:
            raise ProtocolError(f"CONNACK flags {flags:#04x}", offset=reader.offset - 2)
        if self.version is None:
            self.version = 5 if reader.remaining else 4
        # A broker that lacks version 5 may refuse it in the form of version 4, which has no properties.
        properties = read_properties(reader, PacketType.CONNACK) if self.version == 5 and reader.remaining else NO_PROPERTIES
        return Connack(bool(flags), code, self._words(code, _RETURN_CODES_3), properties)

    def _words(self, code: int, before_5: Sequence[str]) -> str:
        if code < len(before_5) and (self.version != 5 or code > 0):
            return before_5[code]  # a code of 1 to 5 is never one of version 5: the broker answered in the old form
        return _REASONS_5.get(code, f"unknown_{code}")

    def _suback(self, reader: Reader) -> Suback:
        packet_id = reader.u16("packet id")
        properties = read_properties(reader, PacketType.SUBACK) if self.version == 5 else NO_PROPERTIES
        codes = tuple(reader.rest())
        if not codes:
            raise ProtocolError("SUBACK without a code", offset=reader.offset)
        return Suback(packet_id, codes, properties)

    def _subscribe(self, reader: Reader) -> Subscribe:
        packet_id = reader.u16("packet id")
        if self.version == 5:
            read_properties(reader, PacketType.SUBSCRIBE)
        subscriptions: list[Subscription] = []
        while reader.remaining:
            topic_filter, options = read_text(reader, "topic filter"), reader.u8("options")
            if options & 3 == 3:
                raise ProtocolError("QoS 3", offset=reader.offset - 1)
            subscriptions.append(Subscription(topic_filter, options & 3))
        if not subscriptions:
            raise ProtocolError("SUBSCRIBE without a filter", offset=reader.offset)
        return Subscribe(packet_id, tuple(subscriptions))

    def _publish(self, flags: int, reader: Reader, total: int) -> Publish:
        qos = flags >> 1 & 3
        if qos == 3:
            raise ProtocolError("QoS 3", offset=0)
        topic = read_text(reader, "topic")
        if "+" in topic or "#" in topic:
            raise ProtocolError("a topic name with a wildcard", offset=reader.offset)
        packet_id = reader.u16("packet id") if qos else None
        properties = read_properties(reader, PacketType.PUBLISH) if self.version == 5 else NO_PROPERTIES
        payload_bytes = total - reader.offset
        payload = reader.rest()[:MAX_KEPT] if topic in self.keep else None
        alias = properties.number(PropertyId.TOPIC_ALIAS)
        return Publish(topic, qos, bool(flags & 1), bool(flags & 8), payload_bytes, packet_id, alias, payload)

    def _leave(self, packet_type: PacketType, reader: Reader) -> Disconnect | Auth:
        if packet_type is PacketType.DISCONNECT and self.version != 5 and not reader.remaining:
            return Disconnect(None, None)
        code = reader.u8("reason code") if reader.remaining else 0
        properties = read_properties(reader, packet_type) if reader.remaining else NO_PROPERTIES
        reader.finish(packet_type.name)
        reason = _REASONS_5.get(code, f"unknown_{code}")
        if packet_type is PacketType.AUTH:
            return Auth(code, reason, properties.text(PropertyId.AUTHENTICATION_METHOD))
        return Disconnect(code, "normal_disconnection" if code == 0 else reason, properties)


def _read_connect(reader: Reader) -> Connect:
    name, level = read_text(reader, "protocol name"), reader.u8("protocol level")
    version = level & ~_BRIDGE
    if (name, version) not in (("MQIsdp", 3), ("MQTT", 4), ("MQTT", 5)):
        raise ProtocolError(f"protocol {name[:16]!r} level {level}", offset=reader.offset - 1)
    flags = reader.u8("connect flags")
    has_will = bool(flags & 4)
    if flags & 1 or flags >> 3 & 3 == 3 or (not has_will and flags & 0x38):
        raise ProtocolError(f"connect flags {flags:#04x}", offset=reader.offset - 1)
    keep_alive_s = reader.u16("keep alive")
    properties = read_properties(reader, PacketType.CONNECT) if version == 5 else NO_PROPERTIES
    client_id = read_text(reader, "client id")
    if has_will and version == 5:
        read_properties(reader, WILL)
    return Connect(
        version,
        client_id,
        bool(flags & 2),
        keep_alive_s,
        will_topic=read_text(reader, "will topic") if has_will else None,
        will_payload_bytes=len(read_binary(reader, "will payload")) if has_will else None,
        will_qos=flags >> 3 & 3 if has_will else None,
        will_retain=bool(flags & 0x20) if has_will else None,
        user_name=read_text(reader, "user name") if flags & 0x80 else None,
        password=read_binary(reader, "password") if flags & 0x40 else None,
        bridge=bool(level & _BRIDGE),
        properties=properties,
    )

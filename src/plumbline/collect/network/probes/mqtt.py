"""MQTT 3.1.1 and 5.0: whether a client without credentials is let in; under `session`, what # and $SYS/# really deliver for 5 s.

Exchanges: a connection and a CONNECT for each version (4, or 6 inside TLS); under `session` a SUBSCRIBE on the first that is let in.
Topics are kept as shapes, payloads are counted and dropped as they come (law 8). A broker may grant # and deliver nothing by its
access list, so grant and delivery are two columns.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from plumbline.collect.network.exchange import Reading, of_type, receive_event
from plumbline.collect.network.probe import Probe, Visit
from plumbline.model.errors import DeviceError, HungUpError, ProtocolError, SilentError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.connection import Connection
from plumbline.protocols.mqtt import (
    Connack,
    Disconnect,
    MqttDecoder,
    Publish,
    Side,
    Suback,
    Subscription,
    encode_connect,
    encode_disconnect,
    encode_subscribe,
)
from plumbline.protocols.mqtt_topics import topic_shape

LISTEN_S = 5.0
SHAPES_MAX = 200
VERSION_CHARACTERS = 64
VERSION_TOPIC = "$SYS/broker/version"  # the broker's own word, nobody's message
NAMES = {4: "3.1.1", 5: "5.0"}
NOT_LET_IN = {0x04, 0x05, 0x86, 0x87}  # the same: bad user name or password, not authorized; other refusals are of other things
VERSION_REFUSED = {0x01, 0x84}  # 3.1.1 section 3.2.2.3; 5.0 section 3.2.2.2: unacceptable or unsupported protocol version


@dataclass
class _Delivery:
    whole: bool = False  # nobody cut the five seconds short: what did not come by then was not delivered
    granted: bool | None = None
    broker_version: str | None = None
    others: int = 0
    of_sys: int = 0
    messages: int = 0
    payload_bytes: int = 0
    shapes: set[str] = field(default_factory=set)

    def came(self, count: int) -> bool | None:
        """Say whether any came; None when we could not wait for it."""
        return True if count else False if self.whole else None


async def run(visit: Visit) -> None:
    """Ask to be let in with each version, then listen if let in and permitted; write one row."""
    answers: dict[int, Connack] = {}
    kept = bytearray()
    heard: _Delivery | None = None
    for version in (4, 5):
        try:
            answers[version], listened = await _knock(visit, version, kept, listen=heard is None)
            heard = heard or listened
        except DeviceError as error:
            if version == 4:
                raise
            if not isinstance(error, HungUpError):  # a broker that knows only 3.1.1 may just close (3.1.1, 3.1.2.2)
                visit.partial("mqtt_broker", f"MQTT 5.0: {error}")
    understood = [NAMES[version] for version, answer in answers.items() if answer.code not in VERSION_REFUSED]
    accepted = any(answer.accepted for answer in answers.values()) or (
        False if any(answer.code in NOT_LET_IN for answer in answers.values()) else None
    )
    visit.row(
        "mqtt_broker",
        raw=visit.keep(bytes(kept)),
        port=visit.port,
        tls=visit.tls,
        versions=understood,
        anonymous_accepted=accepted,
        return_code=answers[4].code,
        wildcard_granted=heard.granted if heard else None,
        wildcard_delivered=heard.came(heard.others) if heard else None,
        sys_delivered=heard.came(heard.of_sys) if heard else None,
        messages=heard.messages if heard else None,
        payload_bytes=heard.payload_bytes if heard else None,
        topic_shapes=sorted(heard.shapes)[:SHAPES_MAX] if heard else None,
        client_certificate_needed=False if visit.tls else None,  # it has answered us, who have none
        broker_version=heard.broker_version if heard else None,
    )


async def _knock(visit: Visit, version: int, kept: bytearray, *, listen: bool) -> tuple[Connack, _Delivery | None]:
    """Ask to be let in, without credentials; once in, listen where that is wanted and permitted."""
    connection = await visit.connect()
    try:
        if not visit.asked:  # this was asked when the service was identified
            await connection.request(encode_connect(visit.client_name, version=version))
        reading = Reading(MqttDecoder(Side.SERVER, version, keep=frozenset({VERSION_TOPIC})))
        answer = await receive_event(connection, reading, of_type(Connack), kept=kept)
        if answer.accepted and listen and visit.allows(Intrusion.SESSION):
            return answer, await _listen(visit, connection, reading, version)
        if answer.accepted:
            await connection.send(encode_disconnect())
        return answer, None
    finally:
        await connection.close()


async def _listen(visit: Visit, connection: Connection, reading: Reading, version: int) -> _Delivery:
    """Subscribe to everything for five seconds and count what comes; then take leave."""
    found = _Delivery()
    try:
        await connection.request(encode_subscribe(1, [Subscription("#", 0), Subscription("$SYS/#", 0)], version=version))
        await _count(visit, connection, reading, found)
        await connection.send(encode_disconnect())
    except DeviceError as error:
        visit.partial("mqtt_broker", f"while listening: {error}")
    return found


async def _count(visit: Visit, connection: Connection, reading: Reading, found: _Delivery) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LISTEN_S
    while (left := deadline - loop.time()) > 0:
        try:
            data = await connection.receive(timeout_s=left)
        except SilentError:
            break
        except ProtocolError as full:  # more came than one connection may bring: enough is known
            visit.partial("mqtt_broker", str(full))
            return
        if not data:
            visit.partial("mqtt_broker", "closed the connection while we listened")
            return
        for event in reading.feed(data):
            match event:
                case Disconnect():
                    visit.partial("mqtt_broker", "disconnected us while we listened")
                    return
                case Suback():
                    found.granted = event.granted[0] is not None
                case Publish():
                    found.messages += 1
                    found.payload_bytes += event.payload_bytes
                    if event.payload is not None:
                        found.broker_version = visit.redacted(event.payload.decode("utf-8", "replace"))[:VERSION_CHARACTERS]
                    of_sys = event.topic.startswith("$SYS/")
                    found.of_sys += of_sys
                    found.others += not of_sys
                    if not of_sys:
                        found.shapes.add(topic_shape(event.topic))
    found.whole = True


PROBE = Probe(
    protocol="mqtt",
    tables=("mqtt_broker",),
    transport=Transport.TCP,
    ports=frozenset({1883}),
    tls_ports=frozenset({8883}),
    intrusion=Intrusion.QUERY,
    exchanges=7,
    run=run,
)

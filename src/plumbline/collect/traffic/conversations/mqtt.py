"""MQTT without TLS: who connects how, whether the broker takes it, and the shapes of the topics it publishes to."""

from __future__ import annotations

from plumbline.collect.traffic.conversation import Conversation, Opening
from plumbline.collect.traffic.facts import MAX_TOPICS, Ends, MqttFacts, Notes, cut
from plumbline.model.words import Transport
from plumbline.protocols import mqtt
from plumbline.protocols.mqtt_topics import topic_shape

_VERSIONS = {3: "3.1", 4: "3.1.1", 5: "5.0"}


class Mqtt(Conversation):
    """One connection from its CONNECT on."""

    protocol = "mqtt"
    transports = frozenset({Transport.TCP})
    opens = True

    def __init__(self, ends: Ends, notes: Notes) -> None:
        super().__init__(ends, notes)
        self._client = mqtt.MqttDecoder(mqtt.Side.CLIENT)
        self._server = mqtt.MqttDecoder(mqtt.Side.SERVER)
        self._facts: MqttFacts | None = None

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """CONNECT with its protocol name (MQTT 3.1.1, 3.1.2.1) after a remaining length of one to four bytes."""
        head = opening.client[:13]
        if len(head) < 8 or head[0] != 0x10:
            return False
        at = next((at for at in range(1, 5) if not head[at] & 0x80), 4) + 1
        return head[at : at + 6] == b"\0\x04MQTT" or head[at : at + 8] == b"\0\x06MQIsdp"

    def from_client(self, data: bytes) -> None:
        """Note the CONNECT and count what follows."""
        for event in self._client.feed(data):
            if isinstance(event, mqtt.Connect):
                self._server.version = event.version
                self._connect(event)
            elif isinstance(event, mqtt.Publish) and self._facts is not None:
                self._facts.publishes += 1
                self._facts.last_ns = max(self._facts.last_ns, self.place.time_ns)
                if event.topic and len(self._facts.topics) < MAX_TOPICS:
                    self._facts.topics.add(cut(topic_shape(event.topic)))

    def from_server(self, data: bytes) -> None:
        """Note whether the broker takes the client."""
        for event in self._server.feed(data):
            if isinstance(event, mqtt.Connack) and self._facts is not None:
                self._facts.accepted = bool(self._facts.accepted) or event.accepted

    def _connect(self, event: mqtt.Connect) -> None:
        user = None if event.user_name is None else event.user_name.encode()
        if event.password is not None:
            self.credential("mqtt", user, event.password)
        if not self.ends.inbound:
            version = _VERSIONS.get(event.version, str(event.version))
            key = (self.ends, cut(event.client_id), version, user is not None, event.password is not None)
            self._facts = self.notes.mqtt_client(key, self.place)

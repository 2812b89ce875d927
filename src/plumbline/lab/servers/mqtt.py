"""MQTT 3.1.1 by amqtt: one broker per listener, with logins, subscriptions and $SYS as the service says.

amqtt listens through `streams`, so that TLS is ours to choose; who may connect and what may be subscribed to is decided by the two plugins
here. Nobody has a password: a login with one always fails. What clients publish is noted as harm.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from amqtt.broker import Broker
from amqtt.contexts import Action, BrokerConfig, ListenerConfig, ListenerType
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from plumbline.lab.fleet import Device
from plumbline.lab.servers.streams import Stop, serve
from plumbline.lab.services import Mqtt
from plumbline.lab.watch import Watch

SYS_VERSION = ("$SYS/broker/version", b"harbour broker 1.0")
READING = b"3.8"


async def start(device: Device, service: Mqtt, watch: Watch) -> Stop:
    """Serve the listener."""
    place = {"device": device.name, "service": service, "watch": watch}
    plugins = {f"{__name__}.{plugin.__name__}": place for plugin in (Doorkeeper, Librarian)}
    config = BrokerConfig(listeners={"default": ListenerConfig(type=ListenerType.EXTERNAL)}, plugins=plugins)
    broker = Broker(config, plugin_namespace=f"plumbline.lab.{device.address}.{service.port}")
    await broker.start()
    for topic in service.topics:
        await broker.retain_message(None, topic, READING)
    if service.sys:
        await broker.retain_message(None, *SYS_VERSION)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await broker.stream_connected(reader, writer, listener_name="default")

    stop_listening = await serve(device.address, service.port, talk, service.tls)

    async def stop() -> None:
        await stop_listening()
        await broker.shutdown()

    return stop


@dataclass
class _Place:
    """What amqtt hands to a plugin as its settings; Any, because it checks types that it does not know."""

    device: Any
    service: Any
    watch: Any


class Doorkeeper(BaseAuthPlugin):
    """Lets clients in without a user name, or nobody."""

    Config = _Place

    async def authenticate(self, *, session: Session) -> bool | None:
        """Decide on one CONNECT."""
        place = self.config
        if session.username:
            place.watch.login(place.device, "mqtt")
            return False
        session.is_anonymous = True
        return bool(place.service.anonymous)


class Librarian(BaseTopicPlugin):
    """Decides which topics a client may subscribe to."""

    Config = _Place

    async def topic_filtering(self, *, topic: str | None = None, action: Action | None = None, **_more: Any) -> bool | None:
        """Decide on one topic."""
        place = self.config
        if action is Action.PUBLISH:
            place.watch.harm(place.device, f"published to tcp/{place.service.port}")
            return False
        if topic is not None and topic.startswith("$SYS"):
            return bool(place.service.sys)
        return bool(place.service.wildcard) or topic is None or "#" not in topic

"""The brokers, visited by paho-mqtt."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from paho.mqtt.client import CallbackAPIVersion, Client, MQTTMessage, MQTTv311

from plumbline.lab.fleet import Device
from plumbline.lab.lab import Lab, running
from plumbline.lab.switches import Switches
from tests.lab.conftest import AT, Twins, free_base
from tests.lab.servers.test_web import WEAKEST, client_context

WAIT_S = 5.0


class Visitor:
    """A paho client with its events in a queue."""

    def __init__(self, device: Device, port: int, *, tls: bool, user: str | None = None) -> None:
        self.events: queue.Queue[tuple[str, object]] = queue.Queue()
        self.client = Client(CallbackAPIVersion.VERSION2, client_id="visitor", protocol=MQTTv311)
        if tls:
            self.client.tls_set_context(client_context(WEAKEST))
        if user:
            self.client.username_pw_set(user, "x")
        self.client.on_connect = lambda _c, _u, _f, reason, _p: self.events.put(("connected", not reason.is_failure))
        self.client.on_subscribe = lambda _c, _u, _m, codes, _p: self.events.put(("granted", not codes[0].is_failure))
        self.client.on_message = lambda _c, _u, message: self.events.put(("message", self._topic(message)))
        self.client.connect(device.address, port)
        self.client.loop_start()

    @staticmethod
    def _topic(message: MQTTMessage) -> str:
        return message.topic

    def next(self) -> tuple[str, object]:
        return self.events.get(timeout=WAIT_S)

    def subscribe(self, topic: str) -> tuple[str, object]:
        self.client.subscribe(topic)
        return self.next()


@contextmanager
def visit(device: Device, port: int, *, tls: bool = False, user: str | None = None) -> Iterator[Visitor]:
    visitor = Visitor(device, port, tls=tls, user=user)
    try:
        yield visitor
    finally:
        visitor.client.disconnect()
        visitor.client.loop_stop()


@pytest.mark.parametrize(("port", "tls"), [(1883, False), (8883, True)])
def test_weak_broker_tells_anyone_everything(devices: Twins, port: int, tls: bool) -> None:
    with visit(devices["broker"], port, tls=tls) as visitor:
        assert visitor.next() == ("connected", True)
        assert visitor.subscribe("#") == ("granted", True)
        topics = {visitor.next(), visitor.next()}
        assert topics == {("message", f"harbour/cold-room-{n}/temperature") for n in (1, 2)}
        assert visitor.subscribe("$SYS/#") == ("granted", True)
        assert visitor.next() == ("message", "$SYS/broker/version")


@pytest.mark.parametrize(
    ("name", "port", "tls"),
    [("broker-hardened", 8883, True), ("gateway", 8883, True), ("gateway-hardened", 8883, True), ("stranger", 21883, False)],
)
def test_others_let_nobody_in(devices: Twins, name: str, port: int, tls: bool) -> None:
    with visit(devices[name], port, tls=tls) as visitor:
        assert visitor.next() == ("connected", False)


def test_a_login_is_counted_and_fails(lab: Lab, devices: Twins) -> None:
    before = lab.watch.logins["broker", "mqtt"]
    with visit(devices["broker"], 1883, user="admin") as visitor:
        assert visitor.next() == ("connected", False)
    assert lab.watch.logins["broker", "mqtt"] > before


def test_hardened_broker_has_no_clear_listener(devices: Twins) -> None:
    with pytest.raises(ConnectionRefusedError):
        Visitor(devices["broker-hardened"], 1883, tls=False)


def test_wildcard_and_sys_can_be_refused_to_anonymous_clients() -> None:
    switches = Switches.only(["broker.mqtt_without_tls", "broker.accepts_anonymous"])
    with running(switches, at=AT, base=free_base(), subset=["broker"]) as lab, visit(lab.devices[0], 1883) as visitor:
        assert visitor.next() == ("connected", True)
        assert visitor.subscribe("#") == ("granted", False)
        assert visitor.subscribe("$SYS/#") == ("granted", False)


def test_publishing_is_harm() -> None:
    with running(at=AT, base=free_base(), subset=["broker"]) as lab, visit(lab.devices[0], 1883) as visitor:
        assert visitor.next() == ("connected", True)
        visitor.client.publish("harbour/x", b"1", qos=1).wait_for_publish(WAIT_S)
        assert visitor.subscribe("#") == ("granted", True)  # the broker works on requests in order: the publish is done with
        assert [harm.what for harm in lab.watch.harms] == ["published to tcp/1883"]

"""The MQTT probe against mosquitto: open to all, open with an access list that delivers nothing, and hardened behind TLS and passwords."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from plumbline.model.words import Outcome
from tests.collect.network.benches import open_bench
from tests.collect.network.certificates import issue, write_pair
from tests.real.servers import LOOPBACK, free_port, program, running

pytestmark = pytest.mark.system


@contextmanager
def mosquitto(folder: Path, *lines: str) -> Iterator[int]:
    folder.mkdir(parents=True, exist_ok=True)
    path, port = program("mosquitto"), free_port()
    config = folder / "mosquitto.conf"
    # As root it would take another user, who may not read the test's folder.
    config.write_text("\n".join([f"listener {port} {LOOPBACK}", "user root", "persistence false", *lines, ""]))
    with running([path, "-v", "-c", config], ready="mosquitto version .* running"):
        yield port


def say(port: int, topic: str, message: str) -> None:
    """Leave a retained message, as a device of the rig does."""
    subprocess.run([program("mosquitto_pub"), "-h", LOOPBACK, "-p", str(port), "-t", topic, "-m", message, "-r"], check=True, timeout=20)


async def test_three_brokers(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    chain, private = write_pair(tmp_path, key, [issue(key, "broker")])
    users, rights = tmp_path / "users", tmp_path / "rights"
    users.touch(mode=0o600)
    subprocess.run([program("mosquitto_passwd"), "-b", str(users), "device", "not-for-you"], check=True, capture_output=True)
    rights.write_text("topic write site/#\n")
    rights.chmod(0o600)
    with ExitStack() as stack:
        weak = stack.enter_context(mosquitto(tmp_path / "weak", "allow_anonymous true", "sys_interval 1"))
        listed = stack.enter_context(mosquitto(tmp_path / "listed", "allow_anonymous true", f"acl_file {rights}"))
        tls = (f"certfile {chain}", f"keyfile {private}", "tls_version tlsv1.2")
        hardened = stack.enter_context(mosquitto(tmp_path / "safe", "allow_anonymous false", f"password_file {users}", *tls))
        say(weak, "site/cold-room-1/temperature", "3.8")
        say(weak, "site/cold-room-2/temperature", "4.1")
        say(listed, "site/cold-room-1/temperature", "3.8")
        async with open_bench(tmp_path / "rig", tcp=[weak, listed, hardened]) as rig:
            one, two, three = await asyncio.gather(
                rig.visit("mqtt", weak), rig.visit("mqtt", listed), rig.visit("mqtt", hardened, tls=True)
            )
            endpoint = await rig.visit("tls", hardened, inside="mqtt")
            kept = rig.raw()
    row = one.row("mqtt_broker")
    assert (row["versions"], row["anonymous_accepted"], row["return_code"], row["tls"]) == (["3.1.1", "5.0"], True, 0, False)
    assert (row["wildcard_granted"], row["wildcard_delivered"], row["sys_delivered"]) == (True, True, True)
    assert row["topic_shapes"] == ["site/cold-room-+/temperature"]
    assert row["broker_version"].startswith("mosquitto version ")
    assert row["messages"] > 2 and row["payload_bytes"] > 6
    assert b"3.8" not in kept
    row = two.row("mqtt_broker")
    assert (row["anonymous_accepted"], row["wildcard_delivered"], row["sys_delivered"], row["messages"]) == (True, False, False, 0)
    row = three.row("mqtt_broker")
    assert (row["anonymous_accepted"], row["return_code"], row["wildcard_granted"], row["tls"]) == (False, 5, None, True)
    assert row["client_certificate_needed"] is False
    assert [seen.covered("mqtt_broker") for seen in (one, two, three)] == [(Outcome.OK, 1)] * 3
    row = endpoint.row("tls_endpoint")
    assert (row["tls1_1"], row["tls1_2"], row["protocol"], row["weak_suites"]) == (False, True, "mqtt", [])


async def test_clients_need_a_certificate(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    chain, private = write_pair(tmp_path, key, [issue(key, "broker", ca=True)])
    lines = (f"certfile {chain}", f"keyfile {private}", f"cafile {chain}", "require_certificate true", "allow_anonymous true")
    with mosquitto(tmp_path / "mutual", *lines) as port:
        async with open_bench(tmp_path / "rig", tcp=[port]) as rig:
            named = await rig.identify(port, hints=("mqtt", "tls"), tls_hint=True)
            broker = await rig.visit("mqtt", port, tls=True)
            endpoint = await rig.visit("tls", port)
    assert (named.protocol, named.tls) == (None, True)
    assert broker.covered("mqtt_broker") == (Outcome.REFUSED, 0)
    assert endpoint.row("tls_endpoint")["client_certificate_asked"] is True


async def test_on_an_odd_port_it_is_named(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "odd", "allow_anonymous true") as port:
        async with open_bench(tmp_path / "rig", tcp=[port]) as rig:
            named = await rig.identify(port)
    assert (named.protocol, named.tls) == ("mqtt", False)

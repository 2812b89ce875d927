"""The sensor nodes, read by aiocoap's client."""

import asyncio

import aiocoap
import pytest

from plumbline.lab.fleet import Device
from plumbline.lab.lab import Lab
from tests.lab.conftest import Twins


def ask(device: Device, path: str, code: aiocoap.Code = aiocoap.GET) -> tuple[str, str]:
    async def exchange() -> tuple[str, str]:
        client = await aiocoap.Context.create_client_context(transports=["simple6"])
        try:
            message = aiocoap.Message(code=code, uri=f"coap://{device.address}:5683{path}")
            answer = await asyncio.wait_for(client.request(message).response, 5)
            return answer.code.dotted, answer.payload.decode()
        finally:
            await client.shutdown()

    return asyncio.run(exchange())


@pytest.mark.parametrize("name", ["sensor", "sensor-hardened"])
def test_both_list_their_resources(devices: Twins, name: str) -> None:
    code, links = ask(devices[name], "/.well-known/core")
    assert code == "2.05"
    assert all(path in links for path in ("</sensors/temperature>", "</sensors/humidity>", "</device/info>"))
    assert "aiocoap" not in links


def test_only_the_weak_one_gives_values(devices: Twins) -> None:
    assert ask(devices["sensor"], "/sensors/temperature") == ("2.05", "3.8")
    assert ask(devices["sensor-hardened"], "/sensors/temperature")[0] == "4.01"


def test_a_write_is_harm(lab: Lab, devices: Twins) -> None:
    before = len(lab.watch.harms)
    assert ask(devices["sensor"], "/sensors/temperature", aiocoap.PUT)[0] == "4.05"
    assert [harm.what for harm in lab.watch.harms[before:]] == ["PUT on udp/5683"]
    del lab.watch.harms[before:]

"""The SNMP agents, asked by pysnmp's manager."""

import asyncio
from typing import Any

import pytest
from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    get_cmd,
    next_cmd,
    set_cmd,
)
from pysnmp.proto.rfc1902 import OctetString

from plumbline.lab.fleet import Device
from plumbline.lab.lab import Lab
from tests.lab.conftest import Twins

DESCRIPTION = "1.3.6.1.2.1.1.1.0"


def ask(device: Device, user: Any, timeout_s: float = 3.0, command: Any = get_cmd, value: Any = None) -> tuple[str | None, list[str]]:
    """Give the error, if any, and the values."""

    async def exchange() -> tuple[str | None, list[str]]:
        target = await UdpTransportTarget.create((device.address, 1161), timeout=timeout_s, retries=0)
        engine = SnmpEngine()
        wanted = ObjectType(ObjectIdentity(DESCRIPTION), value) if value else ObjectType(ObjectIdentity(DESCRIPTION))
        error, _, _, binds = await command(engine, user, target, ContextData(), wanted, lookupMib=False)
        engine.close_dispatcher()
        return (str(error) if error else None), [bind[1].prettyPrint() for bind in binds]

    return asyncio.run(exchange())


@pytest.mark.parametrize("model", [0, 1], ids=["v1", "v2c"])
def test_weak_agents_let_public_read(devices: Twins, model: int) -> None:
    assert ask(devices["router"], CommunityData("public", mpModel=model)) == (None, ["Northwind router"])
    assert ask(devices["printer"], CommunityData("public", mpModel=model)) == (None, ["Northwind label printer"])


def test_next_gives_the_object_id(devices: Twins) -> None:
    assert ask(devices["router"], CommunityData("public", mpModel=1), command=next_cmd)[1] == ["1.3.6.1.4.1.32473.1"]


@pytest.mark.parametrize("name", ["router-hardened", "printer-hardened"])
def test_hardened_agents_drop_public(devices: Twins, name: str) -> None:
    error, _ = ask(devices[name], CommunityData("public", mpModel=1), timeout_s=0.2)
    assert error is not None and "No SNMP response" in error


@pytest.mark.parametrize("name", ["router", "router-hardened", "printer-hardened"])
def test_every_agent_answers_version_3(devices: Twins, name: str) -> None:
    """An unknown user is told so only after the engine was discovered."""
    error, _ = ask(devices[name], UsmUserData("nobody"))
    assert error is not None and "user" in error.lower()


def test_a_set_request_is_harm(lab: Lab, devices: Twins) -> None:
    before = len(lab.watch.harms)
    ask(devices["router"], CommunityData("public", mpModel=1), command=set_cmd, value=OctetString("x"))
    assert [harm.what for harm in lab.watch.harms[before:]] == ["SetRequest on udp/1161"]
    del lab.watch.harms[before:]

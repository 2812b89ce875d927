"""The OPC UA servers, asked by asyncua's client."""

import asyncio

import pytest
from asyncua import Client, ua

from plumbline.lab.fleet import Device
from tests.lab.conftest import Twins


def endpoints(device: Device) -> list[ua.EndpointDescription]:
    async def exchange() -> list[ua.EndpointDescription]:
        client = Client(f"opc.tcp://{device.address}:4840/", timeout=5)
        return list(await client.connect_and_get_server_endpoints())

    return asyncio.run(exchange())


@pytest.mark.parametrize(
    ("name", "modes"),
    [
        ("controller", {ua.MessageSecurityMode.None_, ua.MessageSecurityMode.SignAndEncrypt}),
        ("controller-hardened", {ua.MessageSecurityMode.SignAndEncrypt}),
    ],
)
def test_endpoints(devices: Twins, name: str, modes: set[ua.MessageSecurityMode]) -> None:
    found = endpoints(devices[name])
    assert {endpoint.SecurityMode for endpoint in found} == modes
    for endpoint in found:
        anonymous = ua.UserTokenType.Anonymous in [token.TokenType for token in endpoint.UserIdentityTokens]
        assert anonymous is (endpoint.SecurityMode is ua.MessageSecurityMode.None_)
        assert endpoint.Server.ApplicationUri == "urn:meridian:bms"

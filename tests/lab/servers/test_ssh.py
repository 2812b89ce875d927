"""The SSH servers, met by asyncssh as a client."""

import asyncio
import socket

import asyncssh
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from plumbline.lab.fleet import Device
from plumbline.lab.lab import Lab
from tests.lab.conftest import Twins

OLD = {"kex_algs": ["diffie-hellman-group1-sha1"], "encryption_algs": ["3des-cbc"], "mac_algs": ["hmac-md5"]}


def host_key(device: Device, port: int = 2222) -> tuple[str, bytes]:
    """Exchange keys, and give the server's version and its public key."""

    async def exchange() -> tuple[str, bytes]:
        key = await asyncssh.get_server_host_key(device.address, port, config=None)
        assert key is not None
        return key.get_algorithm(), key.convert_to_public().pyca_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    return asyncio.run(exchange())


def greeting(device: Device, port: int = 2222) -> bytes:
    with socket.create_connection((device.address, port), timeout=5) as line:
        return line.makefile("rb").readline()


@pytest.mark.parametrize("name", ["camera", "router-hardened", "gateway", "gateway-hardened"])
def test_version_2_0(devices: Twins, name: str) -> None:
    assert greeting(devices[name]) == b"SSH-2.0-NorthwindSSH\r\n"


def test_weak_router_speaks_1_99_and_its_key_exchange_still_holds(devices: Twins) -> None:
    assert greeting(devices["router"]) == b"SSH-1.99-NorthwindSSH\r\n"
    assert host_key(devices["router"])[0] == "ssh-rsa"


async def log_in(device: Device, **algorithms: list[str]) -> None:
    place = {"username": "root", "password": "x", "known_hosts": None, "config": None}
    async with asyncssh.connect(device.address, 2222, **place, **algorithms):
        pass


def test_weak_algorithms_are_taken_by_the_weak_router_only(devices: Twins) -> None:
    with pytest.raises(asyncssh.PermissionDenied):  # so the key exchange held
        asyncio.run(log_in(devices["router"], **OLD))
    with pytest.raises((asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost)):  # whichever side sees first that nothing is in common
        asyncio.run(log_in(devices["router-hardened"], **OLD))


def test_weak_camera_has_the_gateways_key(devices: Twins) -> None:
    assert host_key(devices["camera"]) == host_key(devices["gateway"])
    hardened = {host_key(devices[f"{kind}-hardened"]) for kind in ("camera", "gateway", "router")}
    assert len(hardened) == 3
    assert host_key(devices["stranger"], 10022) not in hardened


def test_nobody_gets_in_and_tries_are_counted(lab: Lab, devices: Twins) -> None:
    before = lab.watch.logins["camera", "ssh"]
    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(log_in(devices["camera"]))
    assert lab.watch.logins["camera", "ssh"] == before + 1

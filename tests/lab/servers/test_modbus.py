"""The Modbus devices, read by pymodbus's client and pressed by plain sockets."""

import asyncio
import socket
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest
from pymodbus.client import AsyncModbusTcpClient

from plumbline.lab.fleet import Device
from plumbline.lab.lab import Lab, running
from tests.lab.conftest import Twins, free_base

IDENTIFY = bytes.fromhex("0001 0000 0005 01 2b 0e 01 00")


def identify(device: Device) -> tuple[dict[int, bytes], int | None]:
    """Give the objects of device identification, or the exception code."""

    async def exchange() -> tuple[dict[int, bytes], int | None]:
        client = AsyncModbusTcpClient(device.address, port=5020, timeout=3, retries=0)
        assert await client.connect()
        answer = await client.read_device_information(read_code=1, object_id=0)
        client.close()
        return getattr(answer, "information", {}), getattr(answer, "exception_code", None) if answer.isError() else None

    return asyncio.run(exchange())


def read_registers(device: Device) -> list[int]:
    async def exchange() -> list[int]:
        client = AsyncModbusTcpClient(device.address, port=5020, timeout=3, retries=0)
        assert await client.connect()
        answer = await client.read_holding_registers(0, count=4, device_id=1)
        client.close()
        return list(answer.registers)

    return asyncio.run(exchange())


@pytest.mark.parametrize(("name", "code", "revision"), [("plc", b"MER-PLC-200", b"V1.4.2"), ("controller", b"MER-BMS-1", b"V1.2.0")])
def test_weak_devices_say_what_they_are(devices: Twins, name: str, code: bytes, revision: bytes) -> None:
    assert identify(devices[name]) == ({0: b"Meridian", 1: code, 2: revision}, None)


@pytest.mark.parametrize("name", ["plc-hardened", "controller-hardened"])
def test_hardened_devices_cannot_be_reached_through_their_gateway(devices: Twins, name: str) -> None:
    assert identify(devices[name]) == ({}, 10)


def test_registers_can_be_read(devices: Twins) -> None:
    assert read_registers(devices["plc"]) == [0, 0, 0, 0]


def test_the_controller_takes_several_connections(lab: Lab, devices: Twins) -> None:
    place = (devices["controller"].address, 5020)
    before = len(lab.watch.harms)
    with socket.create_connection(place, timeout=5) as first, socket.create_connection(place, timeout=5) as second:
        for line in (first, second):
            line.sendall(IDENTIFY)
            assert line.recv(256)[7] == 0x2B
    assert len(lab.watch.harms) == before


def alone() -> AbstractContextManager[Lab]:
    return running(at=datetime(2026, 11, 20, tzinfo=UTC), base=free_base(), subset=["plc"])


def harms_after(*said: bytes, together: bool = False) -> list[str]:
    """Say things to a strict device on one connection, and give the harm done; `together` without waiting for answers."""
    with alone() as lab, socket.create_connection((lab.devices[0].address, 5020), timeout=5) as line:
        line.settimeout(5)
        if together:
            line.sendall(b"".join(said))
            line.recv(256)
        else:
            for one in said:
                line.sendall(one)
                line.recv(256)
        return [harm.what for harm in lab.watch.harms]


def test_a_strict_device_is_not_hurt_by_one_request_after_the_other() -> None:
    assert harms_after(IDENTIFY, IDENTIFY) == []


def test_a_strict_device_notes_overlapping_requests() -> None:
    assert harms_after(IDENTIFY, IDENTIFY, together=True) == ["a second request while one was outstanding"]


def test_a_strict_device_notes_a_write() -> None:
    assert harms_after(bytes.fromhex("0001 0000 0006 01 06 0000 0001")) == ["Modbus function 6"]


FOREIGN = {
    "http": b"GET / HTTP/1.1\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01",
    "ssh": b"SSH-2.0-x\r\n",
    "mqtt": b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x1e\x00\x00",
}


@pytest.mark.parametrize("foreign", FOREIGN.values(), ids=FOREIGN)
def test_a_strict_device_dies_of_a_foreign_protocol(foreign: bytes) -> None:
    with alone() as lab:
        place = (lab.devices[0].address, 5020)
        with socket.create_connection(place, timeout=5) as line:
            line.sendall(foreign)
            assert line.recv(256) == b""
        assert [harm.what for harm in lab.watch.harms] == ["a foreign protocol on its Modbus port; it no longer answers"]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place, timeout=5)


def test_a_strict_device_turns_a_second_connection_away() -> None:
    with alone() as lab:
        place = (lab.devices[0].address, 5020)
        with socket.create_connection(place, timeout=5) as first:
            first.sendall(IDENTIFY)
            assert first.recv(256)
            # The reset may come before connect() returns, so both lines may be the one that hears of it.
            with pytest.raises(ConnectionResetError), socket.create_connection(place, timeout=5) as second:
                second.recv(1)
            first.sendall(IDENTIFY)
            assert first.recv(256)
        assert [harm.what for harm in lab.watch.harms] == ["a second connection"]

"""Ports without a protocol."""

import socket

import pytest

from plumbline.lab.servers.odd import GARBAGE
from tests.lab.conftest import Twins


def test_a_filtered_port_is_silent_while_its_neighbour_answers(devices: Twins) -> None:
    address = devices["filtered"].address
    with pytest.raises(TimeoutError):
        socket.create_connection((address, 8443), timeout=0.3)
    socket.create_connection((address, 8080), timeout=5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, 2222), timeout=5)


def test_the_absent_device_is_silent_on_every_port(devices: Twins) -> None:
    absent = devices["absent"]
    assert absent.silent
    for service in absent.services:
        with pytest.raises(TimeoutError):
            socket.create_connection((absent.address, service.port), timeout=0.2)


@pytest.mark.parametrize(("name", "port", "first"), [("hangup", 8080, b""), ("garbage", 9999, GARBAGE), ("tarpit", 8080, b".")])
def test_what_they_send(devices: Twins, name: str, port: int, first: bytes) -> None:
    with socket.create_connection((devices[name].address, port), timeout=5) as line:
        assert line.recv(4096) == first


@pytest.mark.parametrize(("name", "port"), [("camera", 5555), ("printer", 9100)])
def test_mute_ports_listen_to_the_end(devices: Twins, name: str, port: int) -> None:
    with socket.create_connection((devices[name].address, port), timeout=5) as line:
        line.sendall(b"CNXN")
        line.shutdown(socket.SHUT_WR)
        assert line.recv(16) == b""

"""Ports without a protocol."""

import socket

import pytest

from plumbline.lab.lab import running
from plumbline.lab.servers.odd import GARBAGE
from tests.lab.conftest import AT, Twins, free_base


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


def test_a_mute_port_listens_to_the_end(devices: Twins) -> None:
    with socket.create_connection((devices["camera"].address, 5555), timeout=5) as line:
        line.sendall(b"CNXN")
        line.shutdown(socket.SHUT_WR)
        assert line.recv(16) == b""


def test_a_printing_port_notes_what_is_printed() -> None:
    with running(at=AT, base=free_base(), subset=["printer"]) as lab:
        for sent, noted in ((b"", []), (b"GET / HTTP/1.1", [("printer", "printed what it was sent")])):
            with socket.create_connection((lab.devices[0].address, 9100), timeout=5) as line:
                line.sendall(sent)
                line.shutdown(socket.SHUT_WR)
                assert line.recv(16) == b""
            assert [(harm.device, harm.what) for harm in lab.watch.harms] == noted

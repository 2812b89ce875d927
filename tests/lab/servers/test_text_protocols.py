"""Telnet, RTSP and SSDP, by plain sockets and by telling bytes."""

import re
import socket

import pytest

from plumbline.lab.fleet import Device
from plumbline.lab.lab import Lab
from tests.lab.conftest import Twins


def talk(device: Device, port: int, until: bytes, *lines: bytes) -> list[bytes]:
    """Read to `until`, send a line, and so on; gives what was read each time."""
    heard = []
    with socket.create_connection((device.address, port), timeout=5) as line:
        for say in (*lines, None):
            got = b""
            while until not in got:
                data = line.recv(4096)
                assert data, got
                got += data
            heard.append(got)
            if say is not None:
                line.sendall(say)
    return heard


def test_telnet_of_the_weak_camera_is_a_shell(devices: Twins) -> None:
    first = talk(devices["camera"], 2323, b"# ")[0]
    assert first.startswith(bytes((255, 253)))
    assert b"login" not in first


def test_telnet_shell_notes_a_typed_command_as_harm(lab: Lab, devices: Twins) -> None:
    before = len(lab.watch.harms)
    assert b"not found" in talk(devices["camera"], 2323, b"# ", b"id\r\n")[1]
    assert [harm.device for harm in lab.watch.harms[before:]] == ["camera"]
    del lab.watch.harms[before:]


def test_telnet_of_the_weak_router_asks_and_refuses(lab: Lab, devices: Twins) -> None:
    negotiated = bytes((255, 251, 24, 255, 250, 24, 0, 65, 255, 240, 255, 241))
    heard = talk(devices["router"], 2323, b": ", negotiated + b"admin\r\n", b"admin\r\n")
    assert [re.sub(rb".*\n", b"", text, flags=re.DOTALL) for text in heard] == [b"login: ", b"Password: ", b"login: "]
    assert b"Login incorrect" in heard[2]
    assert lab.watch.logins["router", "telnet"] >= 1


@pytest.mark.parametrize("name", ["camera-hardened", "router-hardened"])
def test_telnet_of_hardened_twins_is_closed(devices: Twins, name: str) -> None:
    with pytest.raises(ConnectionRefusedError):
        talk(devices[name], 2323, b"#")


def rtsp(device: Device, method: str) -> str:
    url = f"rtsp://{device.address}:8554/"
    with socket.create_connection((device.address, 8554), timeout=5) as line:
        line.sendall(f"{method} {url} RTSP/1.0\r\nCSeq: 7\r\n\r\n".encode())
        answer = line.recv(4096).decode()
    assert "CSeq: 7\r\n" in answer
    return answer


def test_rtsp_of_the_weak_camera_describes_its_stream(devices: Twins) -> None:
    assert "Public: OPTIONS, DESCRIBE" in rtsp(devices["camera"], "OPTIONS")
    answer = rtsp(devices["camera"], "DESCRIBE")
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("RTSP/1.0 200 OK")
    assert f"Content-Length: {len(body)}" in head
    assert "m=video" in body


def test_rtsp_of_the_hardened_camera_asks_for_a_login(devices: Twins) -> None:
    assert "401 Unauthorized" in (answer := rtsp(devices["camera-hardened"], "DESCRIBE"))
    assert "WWW-Authenticate: Digest" in answer


def test_rtsp_setup_is_harm(lab: Lab, devices: Twins) -> None:
    before = len(lab.watch.harms)
    assert "403" in rtsp(devices["camera"], "SETUP")
    assert [harm.what for harm in lab.watch.harms[before:]] == ["SETUP on tcp/8554"]
    del lab.watch.harms[before:]


def search(device: Device, target: str) -> list[bytes]:
    text = f'M-SEARCH * HTTP/1.1\r\nHOST: {device.address}:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: {target}\r\n\r\n'
    answers = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(5)
        line.connect((device.address, 1900))
        line.send(text.encode())
        answers.append(line.recv(4096))
        line.settimeout(0.05)
        try:
            while True:
                answers.append(line.recv(4096))
        except TimeoutError:
            return answers


def test_ssdp_of_the_weak_router(devices: Twins) -> None:
    answers = search(devices["router"], "ssdp:all")
    assert len(answers) == 3
    assert all(f"LOCATION: http://{devices['router'].address}:5000/rootDesc.xml".encode() in answer for answer in answers)
    assert len(search(devices["router"], "upnp:rootdevice")) == 1


def asked_by_mdns(device: Device, *labels: bytes) -> bytes:
    """Ask for PTR records as a plain resolver does (RFC 6762, 6.7)."""
    name = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    question = name + b"\x00\x0c\x80\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(5)
        line.connect((device.address, 5353))
        line.send(b"\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00" + question)
        answer = line.recv(4096)
    assert answer.startswith(b"\x12\x34\x84\x00\x00\x01\x00\x01") and answer[12:].startswith(question)
    return answer[12 + len(question) :]


def test_mdns_tells_its_type_of_service(devices: Twins) -> None:
    answer = asked_by_mdns(devices["printer"], b"_services", b"_dns-sd", b"_udp", b"local")
    assert answer.endswith(b"\x0f_pdl-datastream\x04_tcp\x05local\0")


@pytest.mark.parametrize(("name", "told"), [("printer", True), ("printer-hardened", False)])
def test_mdns_tells_serial_number_and_location_of_the_weak_printer_alone(devices: Twins, name: str, told: bool) -> None:
    answer = asked_by_mdns(devices[name], b"_pdl-datastream", b"_tcp", b"local")
    assert b"\x0dLabel printer" in answer and b"usb_MFG=Northwind" in answer
    assert (b"serialNumber=" + devices[name].serial.encode() in answer) is told
    assert (b"note=" in answer) is told


def test_ssdp_of_the_hardened_router_is_closed(devices: Twins) -> None:
    with pytest.raises(ConnectionRefusedError):
        search(devices["router-hardened"], "ssdp:all")

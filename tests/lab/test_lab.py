"""Starting and stopping the lab."""

import asyncio
import socket
import sys
import threading
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from plumbline.lab.lab import Lab, running
from plumbline.lab.switches import Switches
from plumbline.model.errors import EnvironmentFault, InputError
from tests.lab.conftest import AT, free_base

BASE = free_base()


def listening(base: str) -> set[str]:
    """Give the addresses under a base on which a socket is open: the second column of the kernel's tables, in host byte order."""
    tables = (Path(f"/proc/self/net/{name}").read_text(encoding="ascii").splitlines()[1:] for name in ("tcp", "udp"))
    rows = [line.split() for table in tables for line in table]
    live = [row[1].partition(":")[0] for row in rows if row[3] in ("0A", "07")]  # LISTEN; unconnected UDP
    found = {str(IPv4Address(int.from_bytes(bytes.fromhex(word), sys.byteorder))) for word in live}
    return {address for address in found if address.startswith(f"{base}.")}


def test_all_devices_start_and_nothing_is_left() -> None:
    threads = threading.active_count()
    with running(at=AT, base=BASE) as lab:
        assert listening(BASE) >= {device.address for device in lab.devices}
    assert listening(BASE) == set()
    assert threading.active_count() == threads


def test_inside_a_loop_of_ones_own_no_task_is_left() -> None:
    async def live() -> set[str]:
        before = asyncio.all_tasks()
        async with Lab(Switches(), at=AT, base=BASE, subset=["camera", "broker", "controller", "router"]) as lab:
            reader, writer = await asyncio.open_connection(lab.fleet.by_name["broker"].address, 1883)
            writer.write(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x1e\x00\x00")
            assert await reader.readexactly(4) == b"\x20\x02\x00\x00"
        writer.close()
        return {str(task) for task in asyncio.all_tasks() - before}

    assert asyncio.run(live()) == set()
    assert listening(BASE) == set()


def test_two_labs_side_by_side() -> None:
    with running(at=AT, base=BASE, subset=["camera"]), running(at=AT, base=free_base(), subset=["camera"]) as second:
        socket.create_connection((second.devices[0].address, 8080), timeout=5).close()


def test_a_taken_port_ends_the_start_and_names_the_place() -> None:
    with socket.socket() as taken:
        taken.bind((f"{BASE}.1.10", 8554))
        taken.listen()
        with (
            pytest.raises(EnvironmentFault, match=rf"camera cannot listen on tcp {BASE}\.1\.10:8554"),
            running(at=AT, base=BASE, subset=["camera"]),
        ):
            pass
        assert listening(BASE) == {f"{BASE}.1.10"}  # our own


def test_unknown_devices_are_refused() -> None:
    with pytest.raises(InputError, match="no such device: toaster"):
        Lab(at=AT, subset=["toaster"])


def test_an_untouchable_device_notes_any_contact() -> None:
    with running(at=AT, base=BASE, subset=["relay"]) as lab, socket.create_connection((lab.devices[0].address, 5020), timeout=5) as line:
        line.sendall(bytes.fromhex("0001 0000 0005 01 2b 0e 01 00"))
        assert line.recv(256)
        assert [(harm.device, harm.what) for harm in lab.watch.harms] == [("relay", "was contacted")]

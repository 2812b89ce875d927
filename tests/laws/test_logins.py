"""Law 6, as the devices see it: factory-default logins over several runs, ports, addresses and protocols of one day.

The devices count what is tried on them and never let anyone in. FTP's `anonymous` and SNMP's `public` are accounts like any other: two
failures for each, five for a device, whatever the address or port, and a third run finds the budget spent and says so.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from plumbline.assess.run import assess
from plumbline.collect.run import collect
from plumbline.rig.models import Rig
from tests.collect.network.datagrams import responder
from tests.laws.bundles import coverage, verdicts
from tests.net.rigs import lure, make_rig, rig_text

BASE = f"127.62.{os.getpid() % 250 + 1}"
FIRST, SECOND, ALONE = f"{BASE}.1", f"{BASE}.2", f"{BASE}.9"  # two addresses of one device, and another device
DEVICES = {FIRST: "router", SECOND: "router", ALONE: "printer"}
FTP, SNMP = (21, 2121), (161,)
RUNS = 3
RIG = rig_text(
    networks=[f"{BASE}.0/24"],
    ranges=[f"{address}/32" for address in DEVICES],
    tcp=FTP,
    udp=SNMP,
    intrusion="credential",
    rest=f'[[asset]]\nid = "router"\nname = "router"\naddress = ["{FIRST}", "{SECOND}"]\n',
)


@dataclass
class Tries:
    """What the devices saw, by device and account."""

    failed: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def ftp(self, device: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Ask for a password and take none."""
        try:
            writer.write(b"220 FTP server ready\r\n")
            while line := (await reader.readline()).split():
                self.failed[device, "anonymous"] += line[0] == b"PASS"
                writer.write({b"USER": b"331 Password\r\n", b"QUIT": b"221 Bye\r\n"}.get(line[0], b"530 Not logged in\r\n"))
        except ConnectionError:
            pass
        finally:
            writer.close()

    def snmp(self, device: str, data: bytes) -> list[bytes]:
        """Answer `public` with authorizationError (RFC 3416, 3), which spares the waiting; version 3 is not spoken here."""
        if b"\x04\x06public" not in data:
            return []
        self.failed[device, "public"] += 1
        return [data.replace(b"\xa0", b"\xa2", 1).replace(b"\x02\x01\x00\x02\x01\x00", b"\x02\x01\x10\x02\x01\x00", 1)]


@contextmanager
def devices(tries: Tries) -> Iterator[None]:
    """The devices, in a loop of their own, as `collect` has one itself."""
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            for address, device in DEVICES.items():
                for port in FTP:
                    await stack.enter_async_context(lure(lambda r, w, device=device: tries.ftp(device, r, w), address, port))  # type: ignore[misc]
                for port in SNMP:
                    await stack.enter_async_context(responder(lambda data, device=device: tries.snmp(device, data), address, port))  # type: ignore[misc]
            ready.set()
            while not done.is_set():
                await asyncio.sleep(0.01)

    running = threading.Thread(target=lambda: asyncio.run(serve()))
    running.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        done.set()
        running.join()


def run(rig: Rig, folder: Path, number: int) -> Path:
    bundle = folder / f"bundle{number}"
    collect(rig, bundle, state=folder / "state", progress=lambda *_: None, now=lambda: datetime.now(UTC))
    return bundle


def test_three_runs_within_a_day(tmp_path: Path) -> None:
    rig, tries = make_rig(tmp_path, RIG, signed=True), Tries()
    with devices(tries):
        bundles = [run(rig, tmp_path, number) for number in range(RUNS)]
    assert tries.failed
    for (device, account), failed in tries.failed.items():
        assert failed <= 2, (device, account)
    for device in set(DEVICES.values()):
        assert 0 < sum(count for (name, _), count in tries.failed.items() if name == device) <= 5

    last = bundles[-1]
    spent = {row["entity"] for row in coverage(last) if row["table"] == "ftp_service" and "has failed 2 times" in (row["detail"] or "")}
    assert spent == {f"host:here/{address}" for address in DEVICES}
    assess([last], tmp_path / "out")
    said = {v for (check, _, subject), v in verdicts(tmp_path / "out").items() if check == "device.ftp_anonymous" and subject}
    assert {verdict for verdict, _ in said} == {"inconclusive"}  # not tried is not refused

"""Two network namespaces joined by a cable, and somebody listening on it: for showing what really leaves the machine.

    auditor: aud0 10.77.0.1/24, fd77::1/64 ──── site: dev0, with every address of the devices

`world(...)` makes both, and removes them at the end; it skips the test with its reason where that is not possible (it needs root and
iproute2). `World.inside` runs a function in a thread that has entered a namespace: the sockets that it makes belong there, everything
else is shared with the test. `Namespace.process` starts a program there and ends it by its id. `World.sniff` records the site's side.

No packet can leave: the namespaces have no other interface. Nothing here is a test; mark those that use it `system`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import itertools
import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_interface
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

CLONE_NEWNET = 0x40000000  # setns(2)
ETH_P_ALL = 3
PACKET_OUTGOING = 4  # packet(7)
AUDITOR = ("10.77.0.1/24", "fd77::1/64")
GATEWAY = "10.77.0.254"  # the auditor's way to everywhere else; so a packet out of scope would be seen, not dropped
GATEWAY6 = "fd77::fe"
JOIN_S = 30

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as the site's side saw it; `outgoing` ones were sent by the site. Ports are None for anything but TCP and UDP."""

    kind: str  # arp, tcp, udp, icmp, ndp, other
    outgoing: bool
    source: str
    target: str
    port: int | None = None
    source_port: int | None = None
    flags: int = 0  # TCP: FIN 1, SYN 2, RST 4, PSH 8, ACK 16
    size: int = 0  # bytes above TCP or UDP
    ttl: int = 0

    @property
    def opens(self) -> bool:
        """Whether it asks for a TCP connection."""
        return self.kind == "tcp" and self.flags & 0x12 == 0x02


@dataclass(frozen=True, slots=True)
class Namespace:
    """One network namespace, by name."""

    name: str

    def enter(self) -> None:
        """Move the calling thread into it, for good."""
        handle = os.open(f"/run/netns/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(handle, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"setns {self.name}")
        finally:
            os.close(handle)

    def start(self, function: Callable[[], T]) -> Future[T]:
        """Run a function in a thread inside; gives what will become of it."""
        result: Future[T] = Future()

        def body() -> None:
            try:
                self.enter()
                result.set_result(function())
            except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits
                result.set_exception(error)

        threading.Thread(target=body, daemon=True).start()
        return result

    @contextlib.contextmanager
    def process(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a program inside for as long as the block lasts."""
        started = subprocess.Popen(["ip", "netns", "exec", self.name, *command])
        try:
            yield started
        finally:
            started.terminate()
            started.wait(JOIN_S)


@dataclass(frozen=True, slots=True)
class World:
    """The two sides and the MAC of the site's end, which all its addresses share."""

    auditor: Namespace
    site: Namespace
    mac: str

    def inside(self, function: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine function on the auditor's side, to its end."""
        return self.auditor.start(lambda: asyncio.run(function())).result(JOIN_S)

    @contextlib.contextmanager
    def serve(self, begin: Callable[[], Coroutine[Any, Any, object]]) -> Iterator[None]:
        """Run servers on the site's side: `begin` starts them and returns what must be kept alive."""
        ready, done = threading.Event(), threading.Event()

        async def body() -> None:
            kept = await begin()
            ready.set()
            while not done.is_set():
                await asyncio.sleep(0.01)
            del kept

        running = self.site.start(lambda: asyncio.run(body()))
        while not ready.wait(0.05):
            if running.done():
                running.result()
        try:
            yield
        finally:
            done.set()
            running.result(JOIN_S)

    @contextlib.contextmanager
    def sniff(self) -> Iterator[list[Frame]]:
        """Record every frame on the cable while the block lasts; the list is complete when it has ended."""
        line = self.site.start(_listen).result(JOIN_S)
        frames: list[Frame] = []
        done = threading.Event()

        def body() -> None:
            while True:
                try:
                    data, (_, _, kind, _, _) = line.recvfrom(1 << 16)
                except TimeoutError:
                    if done.is_set():  # the cable has been silent since the end
                        return
                    continue
                frames.append(_read(data, kind == PACKET_OUTGOING))

        listener = threading.Thread(target=body, daemon=True)
        listener.start()
        try:
            yield frames
        finally:
            done.set()
            listener.join(JOIN_S)
            line.close()


@contextlib.contextmanager
def world(devices: Sequence[str]) -> Iterator[World]:
    """Make the two sides; `devices` are the site's addresses, each with its prefix length (`10.77.0.10/24`)."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    if shutil.which("ip") is None:
        pytest.skip("network namespaces need iproute2")
    name = f"plumb{os.getpid()}-{next(_numbers)}"
    auditor, site = Namespace(f"{name}a"), Namespace(f"{name}s")
    made = []
    try:
        for each in (auditor, site):
            if subprocess.run(["ip", "netns", "add", each.name], capture_output=True, check=False).returncode:
                pytest.skip("this machine does not let us make network namespaces")
            made.append(each)
        _ip("-n", auditor.name, "link", "add", "aud0", "type", "veth", "peer", "name", "dev0", "netns", site.name)
        for each, device in ((auditor, "aud0"), (site, "dev0")):
            each.start(lambda device=device: _tune(device)).result(JOIN_S)
            _ip("-n", each.name, "link", "set", "lo", "up")
            _ip("-n", each.name, "link", "set", device, "up")
        for address in AUDITOR:
            _address(auditor, "aud0", address)
        for address in (f"{GATEWAY}/24", f"{GATEWAY6}/64", *devices):
            _address(site, "dev0", address)
        for side, way, way6 in ((auditor, GATEWAY, GATEWAY6), (site, "10.77.0.1", "fd77::1")):
            _ip("-n", side.name, "route", "add", "default", "via", way)
            _ip("-n", side.name, "-6", "route", "add", "default", "via", way6)
        yield World(auditor, site, site.start(lambda: _mac("dev0")).result(JOIN_S))
    finally:
        for each in made:
            subprocess.run(["ip", "netns", "del", each.name], check=False)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _address(side: Namespace, device: str, address: str) -> None:
    nodad = ["nodad"] if isinstance(ip_interface(address).ip, IPv6Address) else []
    _ip("-n", side.name, "address", "add", address, "dev", device, *nodad)


def _tune(device: str) -> None:
    """Let ARP give up after 3 x 50 ms instead of 3 x 1 s, so that tests of absent devices are quick."""
    for family in ("ipv4", "ipv6"):
        Path(f"/proc/sys/net/{family}/neigh/{device}/retrans_time_ms").write_text("50")


def _mac(device: str) -> str:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as line:
        line.bind((device, 0))
        mac: bytes = line.getsockname()[4]
        return mac.hex(":")


def _listen() -> socket.socket:
    line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    line.bind(("dev0", ETH_P_ALL))
    line.settimeout(0.05)
    return line


def _read(data: bytes, outgoing: bool) -> Frame:
    kind = int.from_bytes(data[12:14], "big")
    if kind == 0x0806:
        return Frame("arp", outgoing, str(ip_address(data[28:32])), str(ip_address(data[38:42])))
    if kind == 0x0800:
        start = 14 + (data[14] & 15) * 4
        size = int.from_bytes(data[16:18], "big") - (start - 14)
        return _read_inner(outgoing, data[23], data[22], data[26:30], data[30:34], data[start:], size)
    if kind == 0x86DD:
        return _read_inner(outgoing, data[20], data[21], data[22:38], data[38:54], data[54:], int.from_bytes(data[18:20], "big"))
    return Frame("other", outgoing, data[6:12].hex(":"), data[:6].hex(":"))


def _read_inner(outgoing: bool, protocol: int, ttl: int, source: bytes, target: bytes, body: bytes, size: int) -> Frame:
    ends = (str(ip_address(source)), str(ip_address(target)))
    if protocol in (6, 17):
        source_port, port = struct.unpack_from("!HH", body)
        if protocol == 17:
            return Frame("udp", outgoing, *ends, port, source_port, 0, size - 8, ttl)
        return Frame("tcp", outgoing, *ends, port, source_port, body[13], size - (body[12] >> 4) * 4, ttl)
    if protocol == 0 or (protocol == 58 and body[0] in (*range(133, 138), 143)):  # hop-by-hop: the kernel's multicast reports
        return Frame("ndp", outgoing, *ends, ttl=ttl)
    return Frame("icmp" if protocol in (1, 58) else "other", outgoing, *ends, ttl=ttl)

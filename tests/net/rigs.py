"""Rig files, clocks and lures for the tests of `net`: real files through the real loader, real servers on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from plumbline.net.caps import SHIPPED, Limits
from plumbline.net.clock import Clock, SystemClock
from plumbline.net.contacts import ContactLog
from plumbline.net.door import Door
from plumbline.net.stop import StopFlag
from plumbline.rig.loading import load
from plumbline.rig.models import Rig
from plumbline.rig.signature import sign

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class FakeClock:
    """A clock that moves only when somebody sleeps on it; one sleeper's jump may let another oversleep, never wake early."""

    def __init__(self, start: datetime = NOON) -> None:
        self._start = start
        self.passed_ns = 0

    def now(self) -> datetime:
        return self._start + timedelta(microseconds=self.passed_ns // 1000)

    def monotonic_ns(self) -> int:
        return self.passed_ns

    def pass_s(self, seconds: float) -> None:
        self.passed_ns += round(seconds * 1e9)

    async def sleep(self, seconds: float) -> None:
        until = self.passed_ns + round(seconds * 1e9)
        for _ in range(3):  # whoever else can run at this instant does so first
            await asyncio.sleep(0)
        self.passed_ns = max(self.passed_ns, until)


def rig_text(
    *,
    networks: Sequence[str] = ("127.0.0.0/16",),
    ranges: Sequence[str] | None = None,
    tcp: Iterable[int] = (9,),
    udp: Iterable[int] = (),
    intrusion: str = "session",
    valid_until: str = "2099-01-01T00:00:00Z",
    authorisation: str = "",
    rest: str = "",
) -> str:
    """A rig file; `authorisation` and `rest` are further lines of TOML. The networks are those authorised and, by default, swept."""
    listed = ", ".join(f'"{each}"' for each in networks)
    swept = ", ".join(f'"{each}"' for each in (ranges if ranges is not None else networks))
    ports = ", ".join([*(str(port) for port in tcp), *(f'"udp/{port}"' for port in udp)])
    return f"""
[rig]
id = "bench"
name = "Bench"
owner = "Northwind"

[authorisation]
reference = "NW-1"
granted_by = "Head of operations"
emergency_contact = "+44 20 7946 0000"
valid_from = 2020-01-01T00:00:00Z
valid_until = {valid_until}
networks = [{listed}]
intrusion = "{intrusion}"
exchanges_per_second = 1000
{authorisation}

[[network]]
name = "bench"
site = "here"
ranges = [{swept}]
ports = [{ports}]

{rest}
"""


def make_rig(folder: Path, text: str, *, signed: bool = False) -> Rig:
    path = folder / "rig.toml"
    path.write_text(text)
    if signed:
        key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        sign(path, key, "the owner", NOON)
    return load(path)


@asynccontextmanager
async def open_door(
    rig: Rig, folder: Path, *, clock: Clock | None = None, limits: Limits = SHIPPED, stop: StopFlag | None = None
) -> AsyncIterator[Door]:
    clock = clock or SystemClock()
    with ContactLog(folder / "contacts.jsonl", clock) as log:
        async with Door(rig, log, clock=clock, limits=limits, stop=stop or StopFlag()) as door:
            yield door


@asynccontextmanager
async def lure(handler: Handler, address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """A TCP server for as long as the block lasts; gives its port."""
    server = await asyncio.start_server(handler, address, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back whatever comes."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()

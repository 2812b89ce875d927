"""Law 5 in numbers: rates in every window, places, order, and what devices really see of them."""

from __future__ import annotations

import asyncio
import json
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.model.errors import InternalError, StoppedError
from plumbline.model.words import DeviceClass, Intrusion
from plumbline.net.caps import AUDIT_SPANS, DEVICE_SPANS, SHIPPED, Caps, Limits, Pace, Slots
from plumbline.net.handshakes import Handshakes
from plumbline.net.stop import StopFlag
from tests.net.rigs import FakeClock, lure, make_rig, open_door, rig_text

S = 1_000_000_000


def most_in(times_ns: list[int], span_ns: int) -> int:
    """The largest number of times in any half-open span."""
    times_ns = sorted(times_ns)
    first, most = 0, 0
    for last, at in enumerate(times_ns):
        while at - times_ns[first] >= span_ns:
            first += 1
        most = max(most, last - first + 1)
    return most


async def spend(caps: Caps, clock: FakeClock, address: str, turns: int) -> list[int]:
    found = []
    for _ in range(turns):
        await caps.turn(caps.device(address))
        found.append(clock.monotonic_ns())
    return found


@pytest.mark.parametrize(
    ("ot", "rate", "burst", "span_ns"),
    [(frozenset[str](), 40, 2, S // 20), (frozenset({"10.0.0.1"}), 5, 1, S // 5)],
    ids=["it device: 2 in 50 ms, 40 a second", "ot device: 1 in 200 ms, 5 a second"],
)
async def test_one_device(ot: frozenset[str], rate: int, burst: int, span_ns: int) -> None:
    clock = FakeClock()
    caps = Caps(SHIPPED, 1000, clock, ot=ot)
    times = list(chain(*await asyncio.gather(*(spend(caps, clock, "10.0.0.1", 30) for _ in range(10)))))
    assert most_in(times, S) <= rate
    assert most_in(times, span_ns) <= burst
    assert max(times) <= (300 / rate + 1) * S  # and no slower than it need be


async def test_the_whole_audit() -> None:
    clock = FakeClock()
    caps = Caps(SHIPPED, 100, clock)
    times = list(chain(*await asyncio.gather(*(spend(caps, clock, f"10.0.0.{n}", 20) for n in range(30)))))
    assert most_in(times, S) <= 100
    assert max(times) <= 7 * S


@given(rate=st.integers(1, 5000), spans=st.sampled_from([DEVICE_SPANS, AUDIT_SPANS]), gaps=st.lists(st.integers(0, S), max_size=60))
@settings(max_examples=60)
def test_any_rate_holds_in_any_second(rate: int, spans: int, gaps: list[int]) -> None:
    pace, now, times = Pace(rate, spans), 0, []
    for gap in gaps:
        now += gap // rate
        now += pace.wait_ns(now)
        assert pace.wait_ns(now) == 0
        pace.grant(now)
        times.append(now)
    assert most_in(times, S) <= rate


async def test_idle_time_is_not_saved_up() -> None:
    clock = FakeClock()
    caps = Caps(SHIPPED, 1000, clock)
    await spend(caps, clock, "10.0.0.1", 5)
    clock.pass_s(60)
    assert most_in(await spend(caps, clock, "10.0.0.1", 50), S // 20) <= 2


async def test_first_come_first_served() -> None:
    clock = FakeClock()
    caps = Caps(SHIPPED, 1000, clock)
    order: list[int] = []

    async def one(number: int) -> None:
        await caps.turn(caps.device("10.0.0.1"))
        order.append(number)

    await asyncio.gather(*(one(number) for number in range(100)))
    assert order == list(range(100))


async def test_a_busy_device_holds_up_no_other() -> None:
    clock = FakeClock()
    caps = Caps(SHIPPED, 1000, clock)
    busy = asyncio.create_task(spend(caps, clock, "10.0.0.1", 200))
    await asyncio.sleep(0)
    assert max(await spend(caps, clock, "10.0.0.2", 2)) < S
    await busy


async def test_two_addresses_of_one_asset_share() -> None:
    clock = FakeClock()
    caps = Caps(SHIPPED, 1000, clock, groups={"10.0.0.1": "asset plc", "10.1.0.1": "asset plc"})
    assert caps.device("10.0.0.1") is caps.device("10.1.0.1")
    assert caps.device("10.0.0.1") is not caps.device("10.0.0.2")


@pytest.mark.parametrize("written", ["fe80::5%eth1", "FE80:0::5", "fe80::5"])
async def test_one_address_written_in_several_ways_is_one_device(written: str) -> None:
    """An answer to a multicast names its interface, a rig file does not: the device's class and caps are the same."""
    caps = Caps(SHIPPED, 1000, FakeClock(), groups={"fe80::5": "asset plc"}, ot=frozenset({"fe80::5"}))
    device = caps.device(written)
    assert device is caps.device("fe80::5")
    assert device.device_class is DeviceClass.OT
    assert caps.device("::ffff:10.0.0.1") is caps.device("10.0.0.1")
    handshakes = Handshakes(20, 1.0)
    (await handshakes.begin(written, 443)).release()
    assert handshakes.left("fe80::5", 443) == 19


async def test_seen_to_be_ot() -> None:
    clock = FakeClock()
    caps = Caps(SHIPPED, 1000, clock)
    device = caps.device("10.0.0.1")
    await spend(caps, clock, "10.0.0.1", 2)
    device.become_ot(SHIPPED)
    times = await spend(caps, clock, "10.0.0.1", 10)
    assert times[0] >= S // 5  # its first turn counts from the last one before
    assert most_in(times, S) <= 5
    assert device.slots.limit == 1
    assert device.device_class is DeviceClass.OT


async def test_a_stop_ends_the_waiting() -> None:
    clock, stop = FakeClock(), StopFlag()
    caps = Caps(SHIPPED, 1, clock, check=stop.check)
    await caps.turn(caps.device("10.0.0.1"))
    stop.set("enough")
    with pytest.raises(StoppedError, match="enough"):
        await caps.turn(caps.device("10.0.0.1"))


async def test_waiting_is_bounded() -> None:
    caps = Caps(Limits(turn_s=0.01), 1000, FakeClock())
    device = caps.device("10.0.0.1")
    await asyncio.gather(caps.place(device), caps.place(device))
    with pytest.raises(StoppedError, match="no free connection"):
        await caps.place(device)
    async with device.turn:
        device.queued += 1
        with pytest.raises(StoppedError, match="no turn for"):
            await caps.turn(device)


async def test_a_probe_cannot_wait_for_itself() -> None:
    caps = Caps(SHIPPED, 1000, FakeClock(), ot=frozenset({"10.0.0.1"}))
    device = caps.device("10.0.0.1")
    place = await caps.place(device)
    with pytest.raises(InternalError, match="asks for one more"):
        await caps.place(device)
    place.release()
    (await caps.place(device)).release()
    assert device.slots.held == 0


@pytest.mark.parametrize("name", ["connections", "exchanges_per_s", "ot_connections", "ot_exchanges_per_s", "handshakes"])
def test_no_limit_above_the_law(name: str) -> None:
    with pytest.raises(ValueError, match="law 5"):
        Limits(**{name: getattr(SHIPPED, name) + 1})
    with pytest.raises(ValueError, match="law 5"):
        Limits(**{name: 0})
    assert getattr(Limits(**{name: 1}), name) == 1


class TestSlots:
    async def test_in_order_and_never_more(self) -> None:
        slots, order = Slots(2), []

        async def one(number: int) -> None:
            await slots.acquire()
            order.append(number)
            assert slots.held <= 2
            await asyncio.sleep(0)
            slots.release()

        await asyncio.gather(*(one(number) for number in range(20)))
        assert order == list(range(20))
        assert slots.held == 0

    async def test_cancelled_waiters_lose_nothing(self) -> None:
        slots = Slots(1)
        await slots.acquire()
        waiters = [asyncio.create_task(slots.acquire()) for _ in range(3)]
        await asyncio.sleep(0)
        waiters[0].cancel()
        slots.release()
        waiters[1].cancel()  # the place came in the same moment
        await asyncio.gather(*waiters, return_exceptions=True)
        assert waiters[2].done()
        assert not waiters[2].cancelled()
        assert slots.held == 1

    async def test_shrinking_waits_for_those_inside(self) -> None:
        slots = Slots(2)
        await slots.acquire()
        await slots.acquire()
        slots.limit = 1
        waiter = asyncio.create_task(slots.acquire())
        await asyncio.sleep(0)
        slots.release()
        await asyncio.sleep(0)
        assert not waiter.done()
        slots.release()
        await waiter
        assert slots.held == 1


class Watcher:
    """A server that counts what it sees: connections at once, requests that it has not answered, requests in all."""

    def __init__(self) -> None:
        self.now = self.most = self.outstanding = self.most_outstanding = self.connections = self.requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            while await reader.read(100):
                self.requests += 1
                self.outstanding += 1
                self.most_outstanding = max(self.most_outstanding, self.outstanding)
                for _ in range(5):  # give others every chance to overlap
                    await asyncio.sleep(0)
                self.outstanding -= 1
                writer.write(b"yes")
        finally:
            self.now -= 1
            writer.close()


@pytest.mark.parametrize(("device_class", "places", "rate"), [("it", 2, 40), ("ot", 1, 5)])
async def test_what_a_device_sees(tmp_path: Path, device_class: str, places: int, rate: int) -> None:
    seen, clock = Watcher(), FakeClock()
    async with lure(seen.serve) as port:
        asset = f'[[asset]]\nid = "it"\nname = "it"\naddress = "127.0.0.1"\nclass = "{device_class}"'
        rig = make_rig(tmp_path, rig_text(tcp=[port], rest=asset))
        async with open_door(rig, tmp_path, clock=clock) as door:

            async def probe() -> None:
                async with await door.connect("127.0.0.1", port, why="probe", intrusion=Intrusion.QUERY) as connection:
                    for _ in range(4):
                        await connection.request(b"who?")
                        assert await connection.receive() == b"yes"

            await asyncio.gather(*(probe() for _ in range(10)))
            assert door.exchanges == 50
    assert (seen.connections, seen.requests) == (10, 40)
    assert seen.most == places
    assert seen.most_outstanding <= places
    lines = [json.loads(line) for line in (tmp_path / "contacts.jsonl").read_text().splitlines()]
    left = [line["mono_ns"] for line in lines if line["event"] in ("connect", "request")]
    assert len(left) == 50
    assert most_in(left, S) <= rate


async def test_an_ot_device_gets_one_request_at_a_time(tmp_path: Path) -> None:
    async with lure(Watcher().serve) as port:
        rig = make_rig(tmp_path, rig_text(tcp=[port]))
        async with open_door(rig, tmp_path, clock=FakeClock()) as door:
            assert door.device_class("127.0.0.1") is DeviceClass.IT
            door.mark_ot("127.0.0.1")
            assert door.device_class("127.0.0.1") is DeviceClass.OT
            async with await door.connect("127.0.0.1", port, why="probe", intrusion=Intrusion.QUERY) as connection:
                await connection.request(b"one")
                with pytest.raises(InternalError, match="one is outstanding"):
                    await connection.request(b"two")


async def test_a_whole_audit_keeps_its_pace(tmp_path: Path) -> None:
    """64 devices, 20 ports each, then requests: 4,160 exchanges at 1000 a second, and the caps cost no more than their time."""
    clock, seen = FakeClock(), Watcher()
    hosts = [f"127.0.9.{n}" for n in range(1, 65)]
    async with lure(seen.serve, "0.0.0.0") as port:
        rig = make_rig(tmp_path, rig_text(tcp=range(port, min(port + 20, 65536))))
        async with open_door(rig, tmp_path, clock=clock) as door:
            swept = [result async for result in door.sweep((host, p) for host in hosts for p in rig.networks[0].ports)]

            async def probe(host: str) -> None:
                for _ in range(5):
                    async with await door.connect(host, port, why="probe", intrusion=Intrusion.QUERY) as connection:
                        for _ in range(8):
                            await connection.request(b"who?")
                            await connection.receive()

            await asyncio.gather(*(probe(host) for host in hosts))
            assert door.exchanges == len(swept) + 64 * 5 * 9
            assert clock.passed_ns <= (door.exchanges / 1000 + 1.5) * S

"""The sweep: every state, every refusal, and that it ends well whatever happens on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from plumbline.model.errors import StoppedError
from plumbline.net.caps import Limits
from plumbline.net.stop import StopFlag
from plumbline.net.sweep import PortState, SweepResult
from tests.net.rigs import FakeClock, echo, lure, make_rig, open_door, rig_text


async def test_states(tmp_path: Path) -> None:
    async with lure(echo) as opened, lure(echo) as other:
        async with lure(echo) as closed:
            pass
        rig = make_rig(tmp_path, rig_text(tcp=[opened, closed], authorisation='exclude = ["127.0.0.9"]'))
        async with open_door(rig, tmp_path, clock=FakeClock()) as door:
            targets = [
                ("127.0.0.1", opened),
                ("127.0.0.1", closed),
                ("127.0.0.2", opened),  # the server is at .1 only
                ("127.0.0.1", other),
                ("127.0.0.9", opened),
                ("10.0.0.1", opened),
                ("cam.local", opened),
            ]
            found = {(result.address, result.port): result async for result in door.sweep(targets)}
            assert door.exchanges == 3
    assert {where: (result.state, result.reason) for where, result in found.items()} == {
        ("127.0.0.1", opened): (PortState.OPEN, ""),
        ("127.0.0.1", closed): (PortState.CLOSED, ""),
        ("127.0.0.2", opened): (PortState.CLOSED, ""),
        ("127.0.0.1", other): (PortState.REFUSED_BY_LAW, "port_not_listed"),
        ("127.0.0.9", opened): (PortState.REFUSED_BY_LAW, "excluded"),
        ("10.0.0.1", opened): (PortState.REFUSED_BY_LAW, "outside_networks"),
        ("cam.local", opened): (PortState.REFUSED_BY_LAW, "name_not_listed"),
    }
    first = found[("127.0.0.1", opened)]
    assert first.rtt_s is not None
    assert first.permit is not None
    assert first.permit.id == "NW-1/bench/tcp"
    assert found[("10.0.0.1", opened)].permit is None
    lines = [json.loads(line) for line in (tmp_path / "contacts.jsonl").read_text().splitlines()]
    assert sum(line["event"] == "connect" for line in lines) == 3
    assert sum(line["event"] == "refused" for line in lines) == 4


async def test_many_targets_are_read_as_needed(tmp_path: Path) -> None:
    asked = 0

    def endless() -> Iterator[tuple[str, int]]:
        nonlocal asked
        for number in range(1_000_000):
            asked += 1
            yield f"127.0.{number % 256}.{1 + number // 256 % 254}", 9

    rig = make_rig(tmp_path, rig_text(tcp=[9]))
    async with open_door(rig, tmp_path, clock=FakeClock()) as door:
        sweep = door.sweep(endless())
        seen = [await anext(sweep) for _ in range(50)]
        await sweep.aclose()
        assert len({result.address for result in seen}) == 50
        assert asked < 10_000
        assert all(device.slots.held == 0 for device in door._gate.caps._devices.values())


async def test_lanes_are_bounded(tmp_path: Path) -> None:
    rig = make_rig(tmp_path, rig_text(tcp=[9]))
    async with open_door(rig, tmp_path, clock=FakeClock(), limits=Limits(sweep_lanes=3)) as door:
        targets = [(f"127.0.1.{n}", 9) for n in range(1, 100)]
        found = [result async for result in door.sweep(targets)]
    assert len(found) == 99
    assert {result.state for result in found} == {PortState.CLOSED}


async def test_nothing_to_do(tmp_path: Path) -> None:
    async with open_door(make_rig(tmp_path, rig_text()), tmp_path) as door:
        assert [result async for result in door.sweep([])] == []


async def test_a_stop_ends_it(tmp_path: Path) -> None:
    stop = StopFlag()
    rig = make_rig(tmp_path, rig_text(tcp=[9]))
    seen: list[SweepResult] = []
    async with open_door(rig, tmp_path, clock=FakeClock(), stop=stop) as door:
        with pytest.raises(StoppedError, match="enough"):
            async for result in door.sweep((f"127.0.{n // 200}.{1 + n % 200}", 9) for n in range(2000)):
                seen.append(result)
                if len(seen) == 20:
                    stop.set("enough")
        assert door.exchanges < 1500
        assert all(device.slots.held == 0 for device in door._gate.caps._devices.values())


async def test_two_sweeps_share_the_caps(tmp_path: Path) -> None:
    clock = FakeClock()
    rig = make_rig(tmp_path, rig_text(tcp=range(9, 29)))
    async with open_door(rig, tmp_path, clock=clock) as door:

        async def one() -> int:
            return len([result async for result in door.sweep(("127.0.0.1", port) for port in range(9, 29))])

        assert await asyncio.gather(one(), one()) == [20, 20]
    assert clock.passed_ns >= 900_000_000  # 40 exchanges with one device take their second

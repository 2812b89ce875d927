"""What the law leaves alone is said: a printing port, and devices that no packet may reach."""

from __future__ import annotations

import asyncio

import pytest

from plumbline.model.words import Outcome
from tests.collect.network.benches import own_address, scene
from tests.collect.network.conftest import OpenBench
from tests.collect.network.test_host import ALL_TABLES, alone
from tests.collect.network.test_identify import WEB
from tests.net.rigs import lure


@scene
async def test_a_printing_port_is_sent_nothing(bench: OpenBench) -> None:
    host, printed = own_address(60), bytearray()

    async def printer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        printed.extend(await reader.read())
        writer.close()

    async with lure(printer, host, 9100), bench(tcp=[9100], ranges=alone(host)) as rig:
        await rig.collect()
    assert printed == b""
    assert [(row["port"], row["protocol"]) for row in rig.rows("service")] == [(9100, None)]
    assert rig.coverage("service") == {"tcp/9100": Outcome.NOT_PERMITTED}


@pytest.mark.parametrize("law", ["safety", "never_touch", "never_touch and exclude"])
@scene
async def test_a_declared_device_that_no_packet_may_reach_is_not_passed_over_in_silence(bench: OpenBench, law: str) -> None:
    spared, other = own_address(61), own_address(62)
    touched: list[str] = []

    async def relay(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        touched.append(spared)
        writer.close()

    more = f'exclude = ["{spared}"]' if "exclude" in law else ""
    declared = f'[[asset]]\nid = "relay"\naddress = "{spared}"\n{law.partition(" ")[0]} = true\n'
    async with (
        lure(relay, spared, 8080),
        lure(WEB, other, 8080),
        bench(tcp=[8080], ranges=alone(spared, other), rest=declared, authorisation=more) as rig,
    ):
        result = await rig.collect()
    assert touched == []
    assert result.hosts == 1
    assert {table: rig.coverage(table, spared) for table in ALL_TABLES} == {table: {"": Outcome.NOT_PERMITTED} for table in ALL_TABLES}

"""The OPC UA probe against servers that refuse it; asyncua, which lists its endpoints, stands in `test_lab_devices`."""

from __future__ import annotations

import asyncio

from plumbline.model.words import Outcome
from tests.collect.network.benches import scene
from tests.collect.network.conftest import OpenBench
from tests.net.rigs import lure


@scene
async def test_a_server_that_answers_with_an_error_is_refused(bench: OpenBench) -> None:
    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        reason = b"too busy"
        body = (0x80850000).to_bytes(4, "little") + len(reason).to_bytes(4, "little") + reason  # Bad_TooManyOperations and the like
        writer.write(b"ERRF" + (8 + len(body)).to_bytes(4, "little") + body)
        writer.close()

    async with lure(refuses) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("opcua", port)
    assert seen.covered("opcua_endpoint") == (Outcome.REFUSED, 0)
    assert "too busy" in seen.detail("opcua_endpoint")

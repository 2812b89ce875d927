"""The CoAP probe against libcoap's server: as it comes, and with blocks so small that its list takes several."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plumbline.model.words import Intrusion, Outcome
from tests.collect.network.benches import open_bench
from tests.real.servers import LOOPBACK, free_port, program, running

pytestmark = pytest.mark.system


@contextmanager
def coap_server(*options: str) -> Iterator[int]:
    path, port = program("coap-server-notls", "coap-server", "coap-server-openssl", "coap-server-gnutls"), free_port(socket.SOCK_DGRAM)
    with running([path, "-A", LOOPBACK, "-p", str(port), "-v", "7", *options], ready="created UDP"):
        yield port


async def test_resources_that_anyone_reads(tmp_path: Path) -> None:
    with coap_server() as port:
        async with open_bench(tmp_path / "rig", udp=[port]) as rig:
            seen = await rig.visit("coap", port)
    row = seen.row("coap_service")
    assert row["code"] == "2.05"
    assert {"/", "/time", "/async", "/example_data"} <= set(row["resources"])
    assert "/time" in row["readable"]
    assert row["tried"] == min(5, len([path for path in row["resources"] if not path.startswith("/.well-known")]))
    assert seen.covered("coap_service") == (Outcome.OK, 1)


async def test_a_list_in_small_blocks(tmp_path: Path) -> None:
    with coap_server() as plain, coap_server("-X", "64") as small:
        async with open_bench(tmp_path / "rig", udp=[plain, small]) as rig:
            one, other = [await rig.visit("coap", port, intrusion=Intrusion.QUERY) for port in (plain, small)]
    assert other.row("coap_service")["resources"] == one.row("coap_service")["resources"]
    assert other.row("coap_service")["readable"] is None

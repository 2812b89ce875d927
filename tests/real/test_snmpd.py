"""The SNMP probe against net-snmp: with the community public, and with version 3 alone."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plumbline.model.words import Outcome
from tests.collect.network.benches import open_bench
from tests.real.servers import LOOPBACK, free_port, program, running

pytestmark = pytest.mark.system

NET_SNMP = 8072  # its enterprise number


@contextmanager
def snmpd(folder: Path, *lines: str) -> Iterator[int]:
    path, port = program("snmpd"), free_port(socket.SOCK_DGRAM)
    config = folder / "snmpd.conf"
    config.write_text("\n".join([*lines, "sysdescr Northwind router 4", "sysobjectid 1.3.6.1.4.1.32473.1", ""]))
    arguments = [path, "-f", "-Lo", "-C", "-c", config, "-I", "-smux", f"udp:{LOOPBACK}:{port}"]
    with running(arguments, ready="NET-SNMP version", environment={"SNMP_PERSISTENT_DIR": str(folder)}):
        yield port


async def test_the_community_public(tmp_path: Path) -> None:
    with snmpd(tmp_path, "rocommunity public") as port:
        async with open_bench(tmp_path / "rig", udp=[port]) as rig:
            seen = await rig.visit("snmp", port)
    row = seen.row("snmp_agent")
    assert (row["public_v1"], row["public_v2c"], row["v3"], row["enterprise"]) == (True, True, True, NET_SNMP)
    assert (row["description"], row["object_id"]) == ("Northwind router 4", "1.3.6.1.4.1.32473.1")
    assert row["boots"] >= 1 and seen.covered("snmp_agent") == (Outcome.OK, 1)


async def test_version_3_alone(tmp_path: Path) -> None:
    with snmpd(tmp_path, "createUser auditor SHA not-for-you AES not-for-you", "rouser auditor priv", "rocommunity other") as port:
        async with open_bench(tmp_path / "rig", udp=[port]) as rig:
            seen = await rig.visit("snmp", port)
    row = seen.row("snmp_agent")
    assert (row["public_v1"], row["public_v2c"], row["v3"], row["enterprise"]) == (False, False, True, NET_SNMP)
    assert (row["description"], row["object_id"]) == (None, None)
    assert seen.covered("snmp_agent") == (Outcome.OK, 1)

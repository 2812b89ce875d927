"""What agents show, as rows: names of packages in the forms of their managers, indexes of addresses, and what is no form at all."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from plumbline.collect.attempt import Attempt
from plumbline.collect.context import Context
from plumbline.collect.host import TABLES
from plumbline.collect.host.attempting import system_entity
from plumbline.collect.host.snmp_rows import write_shown
from plumbline.collect.host.snmp_session import COLUMNS, Shown, Value, Walk
from tests.collect.collecting import NOW, Collected, rig_of, run

LINUX = b"Linux gw-7 5.10.0-28-armmp #1 SMP Debian 5.10.209-2 (2024-01-31) armv7l"


def written(folder: Path, scalars: dict[str, Value] | None = None, **columns: dict[str, Value]) -> Collected:
    walks = {name: Walk(columns.get(name, {})) for name in COLUMNS}

    def collect(context: Context) -> None:
        attempt = Attempt(context, system_entity(context, None, "snmp/x"), TABLES)
        write_shown(attempt, Shown(scalars or {}, walks, "p"), declared_id="gw-0", seen_at=NOW, raw={})
        attempt.end()

    return run(collect, rig_of(folder))


def named(*names: bytes) -> dict[str, Value]:
    return {str(number): name for number, name in enumerate(names, 1)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"libssl3_3.0.11-1~deb12u2_armhf", ("libssl3", "3.0.11-1~deb12u2", "armhf", "deb", "dpkg")),
        (b"openssl-libs-3.0.7-27.el9", ("openssl-libs", "3.0.7-27.el9", None, "rpm", "rpm")),
        (b"busybox 1.36", ("busybox 1.36", None, None, None, "snmp")),
        (b"a" * 60 + b"_1.23", ("a" * 60 + "_1.23", None, None, None, "snmp")),
        (b"lib" + b"x" * 50 + b"_1.2-3_arm6", ("lib" + "x" * 50, None, None, None, "dpkg")),
    ],
    ids=["dpkg", "rpm", "another form", "cut, of no form", "perhaps cut"],
)
def test_names_of_packages(tmp_path: Path, name: bytes, expected: tuple[Any, ...]) -> None:
    seen = written(tmp_path, hrSWInstalledName=named(name))
    [row] = seen.rows("component")
    assert tuple(row[column] for column in ("name", "version", "architecture", "scheme", "manager")) == expected
    assert ("may be cut" in seen.details().get("component", "")) is (len(name) >= 64)


def test_a_system_in_its_own_words(tmp_path: Path) -> None:
    [row] = written(tmp_path, {"sysDescr": LINUX, "sysName": b"gw-7\0", "hrSystemUptime": 360_000}).rows("system")
    assert (row["hostname"], row["kernel_release"], row["architecture"]) == ("gw-7", "5.10.0-28-armmp", "armv7l")
    assert (NOW - row["boot_at"].astimezone(NOW.tzinfo)).total_seconds() == 3600
    [row] = written(tmp_path, {"sysDescr": b"Northwind router 4"}).rows("system")
    assert (row["os_name"], row["kernel_release"], row["boot_at"]) == ("Northwind router 4", None, None)


def test_interfaces_with_their_own_addresses(tmp_path: Path) -> None:
    seen = written(
        tmp_path,
        ifDescr=named(b"eth0", b"docker0"),
        ifPhysAddress={"1": bytes.fromhex("24a43c100001"), "2": bytes.fromhex("024200000001")},
        ifOperStatus={"1": 1, "2": 2},
        ipAddressIfIndex={"1.4.10.0.0.5": 1, "1.4.10.0.0.255": 1, "2.20.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.1": 1},
        ipAddressType={"1.4.10.0.0.5": 1, "1.4.10.0.0.255": 3},
        ipAddressPrefix={"1.4.10.0.0.5": "1.3.6.1.2.1.4.32.1.5.1.1.4.10.0.0.0.24", "1.4.10.0.0.255": "1.24"},
    )
    rows = [(row["name"], row["mac"], row["up"], row["addresses"]) for row in seen.rows("system_interface")]
    assert rows == [("eth0", "24:a4:3c:10:00:01", True, ["10.0.0.5/24"]), ("docker0", None, False, [])]


def test_sockets_by_their_indexes(tmp_path: Path) -> None:
    seen = written(
        tmp_path,
        tcpListenerProcess={"1.4.0.0.0.0.22": 7, "2.16." + "0." * 15 + "1.631": 0, "0.0.80": 9, "1.4.300.0.0.0.1": 1, "1.4.1": 1},
        udpEndpointProcess={"1.4.0.0.0.0.161.1.4.0.0.0.0.0.99": 7, "1.4.10.0.0.5.5000.1.4.10.0.0.9.53.12": 7},
        hrSWRunName={"7": b"sshd", "9": b"httpd"},
    )
    rows = [(row["subject"], row["local_only"], row["process"]) for row in seen.rows("system_socket")]
    assert rows == [
        ("tcp/22/0.0.0.0", False, "sshd"),
        ("tcp/631/::1", True, None),
        ("tcp/80/::", False, "httpd"),
        ("udp/161/0.0.0.0", False, "sshd"),
    ]


def test_threads_of_the_kernel_are_no_services(tmp_path: Path) -> None:
    seen = written(tmp_path, hrSWRunName=named(b"kthreadd", b"snmpd", b"snmpd"), hrSWRunType={"1": 2, "2": 4, "3": 4})
    assert [(row["name"], row["running"], row["enabled"]) for row in seen.rows("system_service")] == [("snmpd", True, None)]


def test_nothing_that_an_agent_shows_makes_it_fail(tmp_path: Path) -> None:
    dice = random.Random(5)
    values: list[Value] = [b"", b"\xff\x00", b"x" * 300, -1, 0, 2**63, "1.3", b"name_1_arm", LINUX]

    def index() -> str:
        return ".".join(str(dice.choice([0, 1, 2, 4, 16, 255, 256, 70_000])) for _ in range(dice.randint(1, 40)))

    for _ in range(20):
        columns: dict[str, dict[str, Value]] = {name: {index(): dice.choice(values) for _ in range(20)} for name in COLUMNS}
        scalars = {name: dice.choice(values) for name in ("sysDescr", "sysName", "hrSystemUptime")}
        assert set(written(tmp_path, scalars, **columns).outcomes()) == set(TABLES)

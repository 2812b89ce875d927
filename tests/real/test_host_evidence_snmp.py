"""Systems seen over SNMPv3 by net-snmp, with authentication and privacy; held against hostkit of the same machine where both can tell."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from plumbline.collect.host import TABLES
from plumbline.model.words import Outcome
from tests.collect.host.bench import LoggedIn, log_in, login_text
from tests.real.servers import LOOPBACK, free_port, program, running
from tests.real.test_host_evidence import kit_of, machine

pytestmark = pytest.mark.system

PASSWORD, OTHER = "harbour wall 7", "harbour wall 8"
KEY = f"snmp/auditor@{LOOPBACK}"
TOLD = {"system", "component", "system_interface", "system_socket", "system_service"}
LEVELS = [
    ("md5", "MD5", "des", "DES"),
    ("sha1", "SHA", "aes128", "AES"),
    ("sha256", "SHA-256", "aes256", "AES-256"),
    ("sha512", "SHA-512", None, ""),
]


@contextmanager
def snmpd(folder: Path, *lines: str, words: Sequence[str] = (), addresses: Sequence[str] = (LOOPBACK,)) -> Iterator[int]:
    port, config = free_port(socket.SOCK_DGRAM), folder / "snmpd.conf"
    config.write_text("\n".join([*lines, ""]))
    places = ",".join(f"udp:{address}:{port}" for address in addresses)
    line: list[str | Path] = [*words, program("snmpd"), "-f", "-Lo", "-C", "-c", config, "-I", "-smux", places]
    with running(line, ready="NET-SNMP version", environment={"SNMP_PERSISTENT_DIR": str(folder)}):
        yield port


def user(authentication: str = "SHA-256", privacy: str = "AES", view: str = "") -> tuple[str, ...]:
    level = "priv" if privacy else "auth"
    sealed = f' {privacy} "{OTHER}"' if privacy else ""
    return (f'createUser auditor {authentication} "{PASSWORD}"{sealed}', f"rouser auditor {level} {view}")


async def ask(
    folder: Path,
    port: int,
    *,
    auth: str = "sha256",
    privacy: str | None = "aes128",
    password: str = PASSWORD,
    addresses: Sequence[str] = (LOOPBACK,),
) -> LoggedIn:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "other").write_text(OTHER)
    (folder / "other").chmod(0o600)
    more = f'auth = "{auth}"\n' + (f'privacy = "{privacy}"\nprivacy_secret = "file:other"\n' if privacy else "")
    return await log_in(folder, login_text("snmp", port, more=more), udp=[port], addresses=addresses, secret=password)


async def test_net_snmp_says_what_hostkit_says(tmp_path: Path) -> None:
    with machine(tmp_path) as words, snmpd(tmp_path, *user(), words=words) as port:
        kit = kit_of(tmp_path, words)
        seen = await ask(tmp_path / "rig", port)
    mine, theirs = seen.rows("system")[0], kit.rows("system")[0]
    for name in ("hostname", "kernel_release", "kernel_build", "architecture"):
        assert mine[name] == theirs[name], name
    assert abs((mine["boot_at"] - theirs["boot_at"]).total_seconds()) < 5 and (mine["source"], mine["declared_id"]) == ("snmp", "gw-0")

    columns = ("name", "version", "architecture", "scheme", "manager", "confidence")
    packages = [
        {tuple(row[name] for name in columns) for row in rows if row["manager"] == "dpkg"}
        for rows in (seen.rows("component"), kit.rows("component"))
    ]
    assert packages[0] == packages[1] or not shutil.which("dpkg-query")

    def addresses(rows: list[dict[str, object]]) -> dict[object, object]:
        return {row["name"]: (row["addresses"], row["up"]) for row in rows if row["up"] is not None}

    ours, kits = addresses(seen.rows("system_interface")), addresses(kit.rows("system_interface"))
    assert {name: kits[name] for name in kits} == {name: ours[name] for name in kits}

    own = f"udp/{port}/{LOOPBACK}"
    assert own in {row["subject"] for row in kit.rows("system_socket")} and own in {row["subject"] for row in seen.rows("system_socket")}
    [socket_] = [row for row in seen.rows("system_socket") if row["subject"] == own]
    assert (socket_["process"], socket_["local_only"], socket_["opened_by"]) == ("snmpd", True, None)
    assert "snmpd" in {row["name"] for row in seen.rows("system_service") if row["running"]}

    outcomes = seen.outcomes(KEY)
    assert set(outcomes) == set(TABLES)
    assert {table for table, outcome in outcomes.items() if outcome is Outcome.OK} == TOLD
    assert {outcome for table, outcome in outcomes.items() if table not in TOLD} == {Outcome.NOT_SUPPORTED}


@pytest.mark.parametrize("level", LEVELS, ids=[f"{level[0]} {level[2] or 'without privacy'}" for level in LEVELS])
async def test_every_level_of_security(tmp_path: Path, level: tuple[str, str, str | None, str]) -> None:
    auth, their_auth, privacy, their_privacy = level
    with snmpd(tmp_path, *user(their_auth, their_privacy, "1.3.6.1.2.1.1")) as port:
        seen = await ask(tmp_path / "rig", port, auth=auth, privacy=privacy)
    outcomes = seen.outcomes(KEY)
    if outcomes["system"] is Outcome.REFUSED and their_privacy == "AES-256":
        pytest.skip("this net-snmp has no AES-256")
    assert outcomes["system"] is Outcome.OK, seen.detail(KEY)
    assert outcomes["component"] is Outcome.NOT_SUPPORTED  # its view shows the system group alone


@pytest.mark.parametrize("wrong", ["password", "user", "level"])
async def test_a_refused_login_is_tried_once_on_one_asset(tmp_path: Path, wrong: str) -> None:
    addresses = (LOOPBACK, "127.0.0.2")
    lines = {"password": user(), "user": ("rocommunity none",), "level": user(privacy="")}[wrong]
    with snmpd(tmp_path, *lines, addresses=addresses) as port:
        password = "another wall 9" if wrong == "password" else PASSWORD
        seen = await ask(tmp_path / "rig", port, password=password, addresses=addresses)
    assert [seen.outcomes(f"snmp/auditor@{address}")["system"] for address in addresses] == [Outcome.REFUSED, Outcome.NOT_PERMITTED]
    assert "the login was refused" in seen.detail(KEY)
    sent = [line["address"] for line in seen.contacts if line["event"] == "datagram" and line["why"] == "login snmp"]
    assert sent == [LOOPBACK, LOOPBACK]  # discovery, and one try

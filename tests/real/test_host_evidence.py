"""Systems seen from inside over SSH: OpenSSH and dropbear, with accounts of their own, in a mount namespace; held against hostkit there.

The accounts are files of the test, mounted over this machine's: nothing of the machine is changed, and all of it is seen.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from plumbline.collect.host import TABLES
from plumbline.collect.host.commands import load_commands
from plumbline.collect.host.kit import script
from plumbline.collect.run import collect
from plumbline.evidence.bundle import Bundle
from plumbline.model.errors import InputError
from plumbline.model.words import Outcome
from plumbline.rig.models import Rig
from tests.collect.collecting import Collected
from tests.collect.host.bench import SECRET, LoggedIn, log_in, login_text
from tests.collect.host.kits import collected
from tests.net.rigs import make_rig, rig_text
from tests.real.servers import LOOPBACK, free_port, program, running

pytestmark = pytest.mark.system

HASH = "$6$plumbline$P9na8BA6zWZV4nu9OhJZO4FC6lpoSlR3ciqTO7XpgoITtK2s38KZCrsXdeGwxMpxKAo9k3hRhaqBd6WIk/k5c."  # of SECRET
# `auditor` sees everything, `watcher` what anybody sees; both have the same password and the same key.
ACCOUNTS = "auditor:x:0:0::/root:/bin/sh\nwatcher:x:65533:65533::/root:/bin/sh\n"
ADDRESSES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
SLOW = ("/usr/share/doc", "/var/lib/apt/lists")  # changelogs and lists: seconds of reading, covered by a test of their own


@contextmanager
def machine(folder: Path, *, hidden: Sequence[str] = SLOW) -> Iterator[list[str]]:
    """Give the words before a command that run it on this machine with other accounts, another home folder, and without some folders."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount files in a namespace of its own")
    (folder / "passwd").write_text(Path("/etc/passwd").read_text() + ACCOUNTS)
    (folder / "shadow").write_text(
        Path("/etc/shadow").read_text() + f"auditor:{HASH}:20000:0:99999:7:::\nwatcher:{HASH}:20000:0:99999:7:::\n"
    )
    (folder / "shadow").chmod(0o600)
    home, empty = folder / "home", folder / "empty"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    empty.mkdir()
    mounts = [
        (folder / "passwd", "/etc/passwd"),
        (folder / "shadow", "/etc/shadow"),
        (home, "/root"),
        *((empty, place) for place in hidden),
    ]
    lines = [f"mount --bind {source} {place}" for source, place in mounts if Path(place).exists()]
    words = [program("unshare"), "-m", "sh", "-c", " && ".join([*lines, 'exec "$@"']), "sh"]
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine does not let us mount in a namespace")
    yield words


@dataclass(frozen=True)
class Server:
    """A server that runs: its port, at each of ADDRESSES, and what it says."""

    port: int
    said: list[str]


@contextmanager
def sshd(folder: Path, words: Sequence[str]) -> Iterator[Server]:
    port, key, config = free_port(), folder / "host_key", folder / "sshd_config"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(key)
    key.chmod(0o600)
    settings = (f"HostKey {key}", "PidFile none", "UsePAM no", "PermitRootLogin yes", "StrictModes no")
    config.write_text("\n".join([*(f"ListenAddress {address}:{port}" for address in ADDRESSES), *settings, ""]))
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with running([*words, program("sshd"), "-D", "-e", "-f", config], ready="Server listening") as said:
        yield Server(port, said)


@contextmanager
def dropbear(folder: Path, words: Sequence[str], *options: str) -> Iterator[Server]:
    port, key = free_port(), folder / "dropbear.key"
    subprocess.run([program("dropbearkey"), "-t", "ed25519", "-f", str(key)], check=True, capture_output=True)
    places = [word for address in ADDRESSES for word in ("-p", f"{address}:{port}")]
    with running([*words, program("dropbear"), "-F", "-E", *places, "-P", "", "-r", key, *options], port=port) as said:
        yield Server(port, said)


def kit_of(folder: Path, words: Sequence[str]) -> Any:
    """Run hostkit on the machine, and collect its file."""
    (folder / "kit.sh").write_text(script())
    subprocess.run([*words, "sh", folder / "kit.sh", folder / "kit.txt"], check=True, capture_output=True, timeout=120)
    return collected(folder, folder / "kit.txt")


def same(seen: LoggedIn, kit: Any, table: str, *but: str) -> None:
    """Hold a table of both against each other, in every column but those that tell how it was seen."""
    common = ("entity", "raw", "permit", "observed_at", *but)
    rows = [
        sorted(repr({name: value for name, value in row.items() if name not in common}) for row in rows)
        for rows in (seen.rows(table), kit.rows(table))
    ]
    assert rows[0] == rows[1]
    assert seen.collected.outcomes()[table] == kit.outcomes()[table], table


def hold_together(seen: LoggedIn, kit: Any, port: int) -> None:
    same(seen, kit, "system", "source", "seen_at", "declared_id")
    for table in (
        "component",
        "system_account",
        "system_container",
        "system_firewall",
        "system_interface",
        "system_setting",
        "system_update",
    ):
        same(seen, kit, table)
    assert [row for row in seen.rows("system_key") if row["path"]] == [
        {name: value for name, value in row.items() if name in seen.rows("system_key")[0]} for row in kit.rows("system_key")
    ]
    ours = f"tcp/{port}/{LOOPBACK}"
    both = [next(row for row in rows if row["subject"] == ours) for rows in (seen.rows("system_socket"), kit.rows("system_socket"))]
    assert both[0]["opened_by"] == both[1]["opened_by"] == "root"
    kept = [
        {row["name"] for row in rows if row["manager"] != "process"} for rows in (seen.rows("system_service"), kit.rows("system_service"))
    ]
    assert kept[0] == kept[1]
    [system] = seen.rows("system")
    assert (system["source"], system["declared_id"], system["root"]) == ("ssh", "gw-0", True)


async def test_openssh_says_what_hostkit_says(tmp_path: Path) -> None:
    with machine(tmp_path) as words, sshd(tmp_path, words) as server:
        kit = kit_of(tmp_path, words)
        seen = await log_in(tmp_path / "rig", login_text("ssh", server.port), tcp=[server.port])
    hold_together(seen, kit, server.port)
    assert seen.asked() == ["log in as auditor", *(f"command {name}" for name in load_commands())]
    [proved] = [row for row in seen.rows("system_key") if row["path"] is None]
    assert proved["fingerprint"] == asyncssh.read_private_key(tmp_path / "host_key").get_fingerprint()
    assert SECRET not in seen.collected.everything() and HASH not in seen.collected.everything()
    raw = b"".join(path.read_bytes() for path in (seen.collected.bundle.path / "raw").iterdir())
    assert HASH.encode() not in raw and SECRET.encode() not in raw


async def test_dropbear_says_what_hostkit_says(tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    with machine(tmp_path) as words:
        key.write_public_key(tmp_path / "home" / ".ssh" / "authorized_keys")
        with dropbear(tmp_path, words, "-s") as server:
            kit = kit_of(tmp_path, words)
            seen = await log_in(tmp_path / "rig", login_text("ssh", server.port), tcp=[server.port], secret=key.export_private_key())
    hold_together(seen, kit, server.port)
    settings = {row["name"]: row["value"] for row in seen.rows("system_setting")}
    assert settings["ssh.passwordauthentication"] == "no"


@pytest.mark.full
async def test_with_changelogs_and_lists(tmp_path: Path) -> None:
    with machine(tmp_path, hidden=()) as words, sshd(tmp_path, words) as server:
        kit = kit_of(tmp_path, words)
        seen = await log_in(tmp_path / "rig", login_text("ssh", server.port), tcp=[server.port])
    hold_together(seen, kit, server.port)
    assert any(row["fixes"] for row in seen.rows("component"))


async def test_an_ordinary_account_sees_less_and_says_so(tmp_path: Path) -> None:
    with machine(tmp_path) as words, sshd(tmp_path, words) as server:
        seen = await log_in(tmp_path / "rig", login_text("ssh", server.port, user="watcher"), tcp=[server.port])
    outcomes = seen.outcomes(f"ssh/watcher@{LOOPBACK}")
    assert (outcomes["component"], outcomes["system_interface"], outcomes["system_firewall"]) == (
        Outcome.OK,
        Outcome.OK,
        Outcome.NOT_PERMITTED,
    )
    assert outcomes["system_account"] == Outcome.PARTIAL and seen.rows("system")[0]["root"] is False
    assert not {f"command {name}" for name, command in load_commands().items() if command.root == "only"} & set(seen.asked())


@pytest.mark.parametrize(
    ("start", "refusal"), [(sshd, "Failed password for"), (dropbear, "Bad password attempt for")], ids=["sshd", "dropbear"]
)
async def test_a_wrong_password_is_tried_once_on_one_asset(tmp_path: Path, start: Any, refusal: str) -> None:
    with machine(tmp_path) as words, start(tmp_path, words) as server:
        first = await log_in(
            tmp_path / "rig", login_text("ssh", server.port), tcp=[server.port], addresses=ADDRESSES, secret="wrong wall 8"
        )
        shutil.copytree(tmp_path / "rig" / "state", tmp_path / "later" / "state")
        again = await log_in(
            tmp_path / "later", login_text("ssh", server.port), tcp=[server.port], addresses=ADDRESSES, secret="wrong wall 8"
        )
    assert sum(refusal in line for line in server.said) == 1, server.said
    for seen, expected in ((first, [Outcome.REFUSED, Outcome.NOT_PERMITTED, Outcome.NOT_PERMITTED]), (again, [Outcome.NOT_PERMITTED] * 3)):
        assert [seen.outcomes(f"ssh/auditor@{address}")["system"] for address in ADDRESSES] == expected
        assert all(set(seen.outcomes(f"ssh/auditor@{address}")) == set(TABLES) for address in ADDRESSES)
    assert "was refused by" in first.detail(f"ssh/auditor@{ADDRESSES[1]}")
    assert first.asked() == ["log in as auditor"] and first.asked("login") == ["ssh"]
    assert again.asked() == [] and again.asked("connect") == []  # a later run remembers


async def test_a_strange_host_key_gets_no_secret(tmp_path: Path) -> None:
    with machine(tmp_path) as words, sshd(tmp_path, words) as server:
        pinned = login_text("ssh", server.port, more='host_key = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"')
        seen = await log_in(tmp_path / "rig", pinned, tcp=[server.port])
        right = f'host_key = "{asyncssh.read_private_key(tmp_path / "host_key").get_fingerprint()}"'
        known = await log_in(
            tmp_path / "rig2", login_text("ssh", server.port, user="watcher", more=right), tcp=[server.port], probe=server.port
        )
    assert set(seen.outcomes(f"ssh/auditor@{LOOPBACK}").values()) == {Outcome.NOT_PERMITTED}
    assert "the login was not offered" in seen.detail(f"ssh/auditor@{LOOPBACK}")
    assert known.outcomes(f"ssh/watcher@{LOOPBACK}")["system"] == Outcome.OK


def test_a_whole_collection_logs_in_last_and_once(tmp_path: Path) -> None:
    folder = tmp_path / "rig"
    folder.mkdir()
    (folder / "secret").write_text(SECRET)
    asset = f'[[asset]]\nid = "gw-0"\naddress = "{LOOPBACK}"\n'
    with machine(tmp_path) as words, sshd(tmp_path, words) as server:
        text = rig_text(tcp=[server.port], ranges=[f"{LOOPBACK}/32"], rest=asset + login_text("ssh", server.port))
        rig = make_rig(folder, text)
        (folder / "secret").chmod(0o644)
        with pytest.raises(InputError, match="open to other users"):
            whole(rig, tmp_path / "bundle0", tmp_path / "state")
        assert asked_of(tmp_path / "bundle0") == []  # said before anything is contacted
        (folder / "secret").chmod(0o600)
        whole(rig, tmp_path / "bundle", tmp_path / "state")
        asked = asked_of(tmp_path / "bundle")
        whole(rig, tmp_path / "bundle", tmp_path / "state", resume=True)
    why = [line["why"] for line in asked]
    assert "ssh" in why and why.index("login ssh") > max(number for number, word in enumerate(why) if word == "ssh")
    later = asked_of(tmp_path / "bundle")[len(asked) :]
    assert [line for line in later if line["why"] == "login ssh"] == []
    seen = Collected(Bundle(tmp_path / "bundle"))
    assert [row["source"] for row in seen.rows("system")] == ["ssh"]
    keys = {row["fingerprint"] for row in seen.rows("system_key")} & {row["fingerprint"] for row in seen.rows("ssh_host_key")}
    assert keys == {asyncssh.read_private_key(tmp_path / "host_key").get_fingerprint()}


def whole(rig: Rig, bundle: Path, state: Path, *, resume: bool = False) -> None:
    collect(rig, bundle, state=state, progress=lambda *_: None, now=lambda: datetime.now(UTC), resume=resume)


def asked_of(bundle: Path) -> list[dict[str, Any]]:
    file = bundle / "contacts.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [line for line in lines if line.get("event") in ("connect", "request", "login")]

"""The script of hostkit, run on this machine by the shells of servers and of small devices."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from plumbline.collect.host.commands import load_commands
from plumbline.collect.host.kit import script
from plumbline.model.words import Outcome
from tests.collect.host.kits import collected, run_script
from tests.real.servers import program

NOBODY = 65534
# Commands that take no time: the others read whole databases.
SLOW = re.compile(r"(?ms)^part (?:changelogs|apt_pending) .*?^PLUMBLINE\n")
QUICK = re.compile(r"(?ms)^part (?:dpkg|changelogs|apt_pending|update_sources|update_settings|rpm) .*?^PLUMBLINE\n")


def shell(name: str) -> list[str]:
    """A shell, or the test is skipped; busybox's sh brings its own grep, sed and awk as on a device."""
    return [program("busybox"), "sh"] if name == "busybox" else [program(name)]


def test_it_is_plain_short_and_always_the_same() -> None:
    assert script().isascii() and script() == script() and max(map(len, script().splitlines())) < 400
    assert script().startswith("#!/bin/sh\n# hostkit of Plumbline ")
    for command in load_commands().values():
        assert f"part {command.id} {command.root} " in script() and f" {command.id} " in script().partition("set -u")[0]


def test_what_it_writes_is_what_this_machine_is(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        out = run_script(tmp_path, shell("dash"), text=SLOW.sub("", script()))
        port = server.getsockname()[1]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    seen = collected(tmp_path, out)
    [system] = seen.rows("system")
    uname = os.uname()
    assert (system["kernel_release"], system["architecture"], system["hostname"]) == (uname.release, uname.machine, uname.nodename)
    assert (system["source"], system["root"]) == ("hostkit", os.geteuid() == 0)
    [socket_] = [row for row in seen.rows("system_socket") if row["port"] == port]
    assert (socket_["subject"], socket_["local_only"]) == (f"tcp/{port}/127.0.0.1", True)
    accounts = {row["name"]: row["uid"] for row in seen.rows("system_account")}
    assert accounts["root"] == 0 and len(accounts) == len(Path("/etc/passwd").read_text().splitlines())
    if shutil.which("dpkg-query"):
        told = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n"], capture_output=True, text=True, check=True).stdout
        assert {f"{row['name']} {row['version']}" for row in seen.rows("component") if row["manager"] == "dpkg"} == set(told.splitlines())
    assert set(seen.outcomes()) == {table for command in load_commands().values() for table in command.tables}
    if os.geteuid() == 0:
        untold = {"system_firewall", "system_container"}  # where the tool is not installed, or its engine does not run
        told = {outcome for table, outcome in seen.outcomes().items() if table not in untold}
        assert told <= {Outcome.OK, Outcome.PARTIAL}, seen.details()


@pytest.mark.system
@pytest.mark.parametrize("name", ["bash", "busybox"])
def test_other_shells_write_the_same(tmp_path: Path, name: str) -> None:
    text = QUICK.sub("", script())
    rows = []
    for shell_ in (shell("dash"), shell(name)):
        seen = collected(tmp_path, run_script(tmp_path, shell_, text=text))
        rows.append(
            {
                table: sorted(
                    map(repr, ({**row, "entity": None, "observed_at": None, "raw": None, "seen_at": None} for row in seen.rows(table)))
                )
                for table in ("system", "system_account", "system_interface", "system_key", "system_setting", "system_firewall")
            }
        )
    assert rows[0] == rows[1] and all(rows[0][table] for table in ("system", "system_account", "system_interface"))


@pytest.mark.system
def test_on_a_device_with_busybox_alone(tmp_path: Path) -> None:
    """A PATH that holds nothing but busybox's own programs: no timeout, no dpkg, and still a file."""
    busybox = program("busybox")
    places = tmp_path / "bin"
    places.mkdir()
    for name in ("sh", "cat", "cut", "dd", "grep", "head", "id", "ls", "sed", "awk", "tr", "uname", "date", "readlink", "sort", "printf"):
        (places / name).symlink_to(busybox)
    text = script().replace("PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; ", f"PATH={places}; ")
    seen = collected(tmp_path, run_script(tmp_path, [busybox, "sh"], text=text, environment={"PATH": str(places)}))
    assert seen.rows("system") and seen.rows("system_account")
    assert seen.outcomes()["component"] == Outcome.NOT_SUPPORTED and not seen.rows("component")
    assert "no list of packages" in seen.details()["component"]


def test_an_ordinary_user_is_told_apart_from_root(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    with TemporaryDirectory() as folder:  # pytest's own is for its user alone
        os.chown(folder, NOBODY, NOBODY)
        made, out = Path(folder) / "hostkit.sh", Path(folder) / "out.txt"
        made.write_text(QUICK.sub("", script()))
        made.chmod(0o644)
        line = ["dash", str(made), str(out)]
        subprocess.run(line, check=True, capture_output=True, timeout=100, user=NOBODY, group=NOBODY, extra_groups=[])
        data = out.read_bytes()
    seen = collected(tmp_path, data)
    assert seen.rows("system")[0]["root"] is False
    assert seen.outcomes()["system_firewall"] == Outcome.NOT_PERMITTED and not seen.rows("system_firewall")
    assert seen.outcomes()["system_account"] == Outcome.PARTIAL and "shadow: not for this user" in seen.details()["system_account"]
    assert all(row["state"] is None or row["state"] != "hash" for row in seen.rows("system_account"))


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "hostkit.sh").write_text(script())
    line = [*shell("dash"), str(tmp_path / "hostkit.sh"), str(tmp_path / "none" / "out")]
    ran = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1 and "cannot be written" in ran.stderr and "Wrote" not in ran.stderr

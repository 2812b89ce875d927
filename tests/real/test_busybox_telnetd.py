"""The Telnet probe against BusyBox telnetd: a login, and a shell for everybody."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plumbline.model.words import Outcome
from tests.collect.network.benches import Seen, open_bench
from tests.real.servers import LOOPBACK, free_port, program, running

pytestmark = pytest.mark.system


@contextmanager
def telnetd(folder: Path, script: str) -> Iterator[int]:
    path = program("busybox")
    applets = subprocess.run([path, "--list"], check=True, capture_output=True, text=True).stdout.split()
    if "telnetd" not in applets:
        pytest.skip("this busybox has no telnetd (Debian's package busybox-static has)")
    login = folder / "login"
    login.write_text(f"#!/bin/sh\n{script}\n")
    login.chmod(0o755)
    port = free_port()
    with running([path, "telnetd", "-F", "-b", LOOPBACK, "-p", str(port), "-l", login, "-f", folder / "issue"], port=port):
        yield port


async def ask(folder: Path, script: str) -> Seen:
    (folder / "issue").write_text("Northwind dock camera\n")
    with telnetd(folder, script) as port:
        async with open_bench(folder / "rig", tcp=[port]) as rig:
            named = await rig.identify(port)
            seen = await rig.visit("telnet", port)
    assert (named.protocol, named.tls) == ("telnet", False)
    assert seen.covered("telnet_service") == (Outcome.OK, 1)
    return seen


async def test_a_login(tmp_path: Path) -> None:
    row = (await ask(tmp_path, "printf 'dock-cam-1 login: '; read -r name; printf 'Password: '; read -r word")).row("telnet_service")
    assert (row["login_prompt"], row["shell_prompt"]) == (True, False)
    assert row["banner"].startswith("Northwind dock camera") and row["banner"].endswith("dock-cam-1 login:")
    assert {"1", "3"} <= set(row["options"]), "echo and suppress go ahead, as BusyBox negotiates them"


async def test_a_shell_for_everybody(tmp_path: Path) -> None:
    row = (await ask(tmp_path, "PS1='/ # ' exec /bin/sh -i")).row("telnet_service")
    assert (row["login_prompt"], row["shell_prompt"]) == (False, True)

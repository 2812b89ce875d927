"""The SSH probe against dropbear, the SSH server of most small devices: its host keys as dropbearkey says them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plumbline.model.words import Outcome
from tests.collect.network.benches import Seen, open_bench
from tests.real.servers import LOOPBACK, free_port, program, running

pytestmark = pytest.mark.system


def make_key(folder: Path, kind: str, *options: str) -> tuple[Path, str]:
    """Make a host key; gives its file and its SHA-256 fingerprint."""
    file = folder / f"{kind}.key"
    subprocess.run([program("dropbearkey"), "-t", kind, *options, "-f", str(file)], check=True, capture_output=True)
    told = subprocess.run([program("dropbearkey"), "-y", "-f", str(file)], check=True, capture_output=True, text=True).stdout
    found = re.search(r"SHA256:\S+", told)
    if found is None:
        pytest.skip("this dropbearkey prints no SHA-256 fingerprint")
    return file, found[0].rstrip("=")


@contextmanager
def dropbear(*keys: Path) -> Iterator[int]:
    path, port = program("dropbear"), free_port()
    files = [part for key in keys for part in ("-r", str(key))]
    with running([path, "-F", "-E", "-s", "-p", f"{LOOPBACK}:{port}", "-P", "", *files], port=port):
        yield port


async def ask(folder: Path, *keys: Path) -> Seen:
    with dropbear(*keys) as port:
        async with open_bench(folder / "rig", tcp=[port]) as rig:
            seen = await rig.visit("ssh", port)
    row = seen.row("ssh_service")
    assert (row["protocol_version"], row["software"].startswith("dropbear")) == ("2.0", True)
    return seen


async def test_a_weak_key_of_rsa(tmp_path: Path) -> None:
    file, fingerprint = make_key(tmp_path, "rsa", "-s", "1024")
    seen = await ask(tmp_path, file)
    [row] = seen.rows("ssh_host_key")
    assert (row["key_type"], row["key_bits"], row["fingerprint"]) == ("ssh-rsa", 1024, fingerprint)


async def test_current_keys(tmp_path: Path) -> None:
    made = {"ssh-ed25519": make_key(tmp_path, "ed25519"), "ecdsa-sha2-nistp256": make_key(tmp_path, "ecdsa", "-s", "256")}
    seen = await ask(tmp_path, *(file for file, _ in made.values()))
    assert {row["key_type"]: row["fingerprint"] for row in seen.rows("ssh_host_key")} == {kind: told for kind, (_, told) in made.items()}
    assert seen.covered("ssh_host_key") == (Outcome.OK, 2)
    assert "3des-cbc" not in seen.row("ssh_service")["ciphers"]

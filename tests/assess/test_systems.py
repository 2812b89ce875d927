"""Two systems seen from inside, a weak and a hardened one, from their hostkit files to verdicts."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.assess.run import assess
from plumbline.checks.registry import load_registry
from tests.collect.host.kits import Said, collected, kit_text
from tests.laws.bundles import verdicts

DROP = """table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state vmap { established : accept }
		tcp dport 22 ip saddr 10.0.0.0/8 accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}
"""
SAME: dict[str, Said] = {
    "kernel": "Linux\n6.1.0\n#1\narmv7l\ngw\n",
    "processes": "/proc/1/status:Name:\tinit\n/proc/1/status:PPid:\t0\n/proc/1/status:Uid:\t0\t0\t0\t0\n"
    "/proc/9/status:Name:\tsshd\n/proc/9/status:PPid:\t1\n/proc/9/status:Uid:\t0\t0\t0\t0\n",
    "update_times": "installed 1763600000\nlists 1763600000\n",
    **dict.fromkeys(("iptables", "ip6tables", "groups", "sudoers", "authorized_keys", "dropbear", "sshd_config"), ("", 3)),
    **dict.fromkeys(("sysctl", "mounts", "boot", "kernel_config", "apk_pending"), ("", 3)),
}
WEAK: dict[str, Said] = {
    **SAME,
    "passwd": "root\tshadow\t0\t0\t/bin/sh\nguest\tempty\t1000\t1000\t/bin/sh\n",
    "shadow": "root\thash 6\n",
    "nft": ("", 3),
    "sockets": "order l\nsocket tcp 00000000:18EB 0 11\n",
    "sshd": "permitrootlogin yes\npasswordauthentication yes\n",
    "engine_sockets": "/var/run/docker.sock srw-rw-rw- 1 0 998 0 Nov 20 11:00 /run/docker.sock\n",
    "update_settings": 'apt APT::Periodic::Unattended-Upgrade "0";\n',
    "update_sources": "apt [trusted=yes] http://mirror/debian bookworm main\n",
    "apt_pending": "Inst libssl3 [3.0.11] (3.0.15 Debian-Security:12/stable-security [armhf])\n",
}
HARDENED: dict[str, Said] = {
    **SAME,
    "passwd": "root\tshadow\t0\t0\t/bin/sh\nguest\tshadow\t1000\t1000\t/bin/sh\n",
    "shadow": "root\thash y\nguest\tlocked\n",
    "nft": DROP,
    "sockets": "order l\nsocket tcp 0100007F:18EB 0 11\n",
    "sshd": "permitrootlogin no\npasswordauthentication no\n",
    "engine_sockets": "/var/run/docker.sock srw-rw---- 1 0 998 0 Nov 20 11:00 /run/docker.sock\n",
    "update_settings": 'apt APT::Periodic::Unattended-Upgrade "1";\ntool unattended-upgrade\n',
    "update_sources": "apt [signed-by=/usr/share/keyrings/x.gpg] https://mirror/debian bookworm main\n",
    "apt_pending": "",
}
TABLES = ("system_account", "system_firewall", "system_setting", "system_socket", "system_update")
CHECKS = {check.id for check in load_registry().checks.values() if check.subjects in TABLES}


def judged(folder: Path, said: dict[str, Said]) -> dict[str, set[str]]:
    """The verdicts of each check about systems, but for what does not apply."""
    bundle = collected(folder, kit_text(said)).bundle
    assess([bundle.path], folder / "out")
    found: dict[str, set[str]] = {}
    for (check, _, _), (verdict, _) in verdicts(folder / "out").items():
        if check in CHECKS and verdict != "not_applicable":
            found.setdefault(check, set()).add(verdict)
    return found


def test_the_weak_one_fails_each_check_and_the_hardened_one_passes_it(tmp_path: Path) -> None:
    for name in ("weak", "hardened"):
        (tmp_path / name).mkdir()
    weak, hardened = judged(tmp_path / "weak", WEAK), judged(tmp_path / "hardened", HARDENED)
    assert set(weak) == set(hardened) == CHECKS
    assert {check for check, said in weak.items() if "fail" in said} == CHECKS
    assert {check: said for check, said in hardened.items() if said != {"pass"}} == {}


@pytest.mark.parametrize("code", [4, 124], ids=["for root alone", "not in time"])
def test_what_could_not_be_read_is_never_a_pass(tmp_path: Path, code: int) -> None:
    said: dict[str, Said] = dict.fromkeys(HARDENED, ("", code))
    found = judged(tmp_path, {**said, "kernel": HARDENED["kernel"]})
    assert set(found) == CHECKS and all(verdicts == {"inconclusive"} for verdicts in found.values())

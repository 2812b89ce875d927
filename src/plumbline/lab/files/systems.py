"""The gateways seen from inside: the files that hostkit would have written on them, as root, for every command of its list.

What a gateway does not have is absent (exit code 3), as on a small Linux system without systemd and without containers that run.
"""

from __future__ import annotations

from collections.abc import Mapping

from plumbline.collect.host.commands import load_commands
from plumbline.collect.host.kit import FORMAT
from plumbline.lab.fleet import Fleet, Weak

_PROCESSES = ((1, "init", 0), (310, "sshd", 0), (320, "chronyd", 103), (330, "redis-server", 104), (340, "dockerd", 0))
_PACKAGES = (("busybox", "1.36.1-9"), ("openssh-server", "9.2p1-2"), ("redis-server", "7.0.15-1"), ("linux-image-armmp", "6.1.99-1"))
_CLOSED = """table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		iifname "lo" accept
		ct state vmap { established : accept, related : accept }
		tcp dport { 2222, 8443, 8883 } accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}
"""


def hostkit(fleet: Fleet, *, switched: bool) -> bytes:
    """Write one gateway's file."""
    said = _said(fleet, switched=switched)
    sections = []
    for name in load_commands():
        text, code = (said[name], 0) if name in said else ("", 3)
        lines = f"{text}\n={code}".split("\n")
        sections.append(f"@ {name}\n" + "".join(f"|{line}\n" for line in lines) + "\n")
    head = f"{FORMAT}\nby 0.1.0, at {fleet.at:%Y-%m-%dT%H:%M:%SZ}, as 0\n"
    return (head + "".join(sections) + "end\n").encode()


def _said(fleet: Fleet, *, switched: bool) -> Mapping[str, str]:
    weak, gateway = fleet.weak(switched=switched), fleet.twin("gateway", switched=switched)
    stamp = int(fleet.at.timestamp())
    return {
        "shell": "plumbline 42 0\n",
        "os_release": 'NAME="Northwind Linux"\nVERSION_ID="4.2"\n',
        "kernel": f"Linux\n6.1.99-armmp\n#1 SMP\narmv7l\n{gateway.name}\n",
        "clock": f"boot {stamp - 86_400}\nzone UTC\n",
        "processes": "".join(
            f"/proc/{pid}/status:{line}\n"
            for pid, name, uid in _PROCESSES
            for line in (f"Name:\t{name}", "PPid:\t1", "Uid:" + f"\t{uid}" * 4)
        ),
        "interfaces": f"link eth0 yes up {gateway.mac}\n",
        "dpkg": "".join(f"install ok installed\t{name}\t{version}\tarmhf\t{name}\t{version}\t\n" for name, version in _PACKAGES),
        "python": "",
        "init_scripts": "/etc/rc2.d/S01ssh\n",
        "groups": "root\t0\t\n",
        "authorized_keys": "operator 1\n",
        "update_times": f"installed {stamp - 86_400}\nlists {stamp - 3_600}\n",
        "dropbear": "",
        **_weaknesses(weak),
    }


def _weaknesses(weak: Weak) -> Mapping[str, str]:
    guest = "empty" if weak("system.account_without_password") else "locked"
    inside = "00000000" if weak("system.internal_service_on_network") else "0100007F"
    others = "rw-" if weak("system.engine_socket_open_to_all") else "---"
    unattended = 0 if weak("system.updates_not_automatic") else 1
    trusted = "[trusted=yes] http" if weak("system.package_source_unverified") else "https"
    root, password = ("yes" if weak(f"system.ssh_{what}_login_allowed") else "no" for what in ("root", "password"))
    waiting = "Inst openssh-server [9.2p1-2] (9.2p1-3 Northwind-Security:4.2/stable-security [armhf])\n"
    said = {
        "passwd": "root\tshadow\t0\t0\t/bin/sh\noperator\tshadow\t1000\t1000\t/bin/sh\nsupport\tshadow\t1001\t1001\t/bin/sh\n",
        "shadow": f"root\tlocked\noperator\thash y\nsupport\t{guest}\n",
        "sockets": f"order l\nsocket tcp 00000000:08AE 0 31\nsocket tcp {inside}:18EB 104 33\nholds 310 31\nholds 330 33\n",
        "update_settings": f'apt APT::Periodic::Unattended-Upgrade "{unattended}";\ntool unattended-upgrade\n',
        "update_sources": f"apt {trusted}://packages.northwind.example/stable 4.2 main\n",
        "apt_pending": waiting if weak("system.security_updates_waiting") else "",
        "engine_sockets": f"/var/run/docker.sock srw-rw-{others} 1 0 998 0 Nov 20 11:00 /var/run/docker.sock\n",
        "sshd": f"permitrootlogin {root}\npasswordauthentication {password}\n",
    }
    return said if weak("system.firewall_open") else {**said, "nft": _CLOSED}

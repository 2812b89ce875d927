"""Settings of a published list: the SSH server's, the kernel's, mounts, the boot. A setting that nobody names has no row.

A server that does not run has no settings that matter; one that systemd starts when somebody connects to port 22 does.

OpenSSH (sshd_config(5)): of an option that stands twice the first counts; what follows `Match` is for some alone and is passed over; files
that are included come first, as their `Include` does in every distribution that has one. Where the server does not say itself what is in
force, an option that no file names has OpenSSH's own default, as far as that never changed.

dropbear (dropbear(8)): -s: no passwords; -g: none for root; -w: no root; -B: empty passwords.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from plumbline.collect.host.outputs import Report
from plumbline.collect.host.processes import processes
from plumbline.collect.host.reading import Reading

SSH_DEFAULTS = {
    "permitrootlogin": "prohibit-password",  # yes before 7.0 (2015); neither is no
    "passwordauthentication": "yes",
    "permitemptypasswords": "no",
    "x11forwarding": "no",
    "maxauthtries": "6",
    "pubkeyauthentication": "yes",
}
_ALIASES = {"challengeresponseauthentication": "kbdinteractiveauthentication"}
_PORT_22 = re.compile(r"socket tcp6? [0-9A-F]{8,32}:0016 ")
_LOCKDOWN = re.compile(r"\[(\w{1,20})\]")


def read(report: Report) -> None:
    """Write a row for each setting."""
    running = processes(report)
    names = {one.name for one in (running or {}).values()}
    if running is None or "sshd" in names or ("dropbear" not in names and _is_awaited(report)):
        _openssh(report)
    else:
        _dropbear(report)
    for line in report.lines("sysctl"):
        path, _, value = line.partition(" ")
        _setting(report, "sysctl", f"sysctl.{path.replace('/', '.')}", " ".join(value.split()))
    places: dict[str, str] = {}
    for line in report.lines("mounts"):
        fields = line.split()
        if len(fields) == 3:
            places[fields[0]] = f"{fields[1]} {fields[2]}"  # the last one mounted over a place is the one that is seen
        else:
            report.unread("mounts", line)
    for place, value in places.items():
        _setting(report, "mounts", f"mount.{place}", value)
    _boot(report)
    for line in report.lines("kernel_config"):
        name, _, value = line.partition("=")
        _setting(report, "kernel_config", f"kernel.{name}", value)
    for line in report.lines("engine_sockets"):
        fields = line.split()
        if len(fields) >= 5:
            _setting(report, "engine_sockets", f"engine_socket.{fields[0]}", f"{fields[1][:10]} {fields[3]} {fields[4]}")
        else:
            report.unread("engine_sockets", line)


def _is_awaited(report: Report) -> bool:
    """Tell whether something listens on port 22, though no server runs."""
    return any(_PORT_22.match(line) for line in report.lines("sockets"))


def _setting(report: Report, command: str, name: str, value: str, origin: str = "effective") -> None:
    if value:
        report.row("system_setting", f"setting/{name}", command, name=name, value=value, origin=origin)


def _openssh(report: Report) -> None:
    if report.text("sshd"):
        for name, value in _first(line.split(None, 1) for line in report.lines("sshd")).items():
            _setting(report, "sshd", f"ssh.{name}", value)
        return
    if report.text("sshd_config") is None:
        return
    said = _first(_outside_matches(report))
    for name, value in said.items():
        _setting(report, "sshd_config", f"ssh.{name}", value, "file")
    if report.whole("sshd_config"):
        for name, value in SSH_DEFAULTS.items():
            if name not in said:
                _setting(report, "sshd_config", f"ssh.{name}", value, "default")


def _first(pairs: Iterable[list[str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        if len(pair) == 2:
            name = pair[0].lower()
            found.setdefault(_ALIASES.get(name, name), pair[1].strip().strip('"'))
    return found


def _outside_matches(report: Report) -> list[list[str]]:
    found: list[list[str]] = []
    inside: set[str] = set()  # files in which a Match stands: all that follows in them is for some alone
    for line in report.lines("sshd_config"):
        fields = line.split(None, 2)
        if len(fields) < 3:
            continue
        path, name, value = fields
        if name.lower() == "match":
            inside.add(path)
        elif path not in inside and name.lower() != "include":
            found.append([name, value])
    return found


def _dropbear(report: Report) -> None:
    lines = list(report.lines("dropbear"))
    if not lines:
        return
    flags = {flag for word in lines[0].split() if re.fullmatch(r"-[A-Za-z]+", word) for flag in word[1:]}
    _setting(report, "dropbear", "ssh.passwordauthentication", "no" if "s" in flags else "yes", "started")
    _setting(
        report, "dropbear", "ssh.permitrootlogin", "no" if "w" in flags else "prohibit-password" if flags & {"s", "g"} else "yes", "started"
    )
    _setting(report, "dropbear", "ssh.permitemptypasswords", "yes" if "B" in flags else "no", "started")


def _boot(report: Report) -> None:
    for line in report.lines("boot"):
        word, _, value = line.strip().partition(" ")
        if word == "cmdline":
            name, _, setting = value.partition("=")
            _setting(report, "boot", f"boot.{name}", setting or "set")
        elif word == "lockdown" and (found := _LOCKDOWN.search(value)):
            _setting(report, "boot", "boot.lockdown", found[1])
        elif word == "lsm":
            _setting(report, "boot", "boot.lsm", value)
        elif word == "secureboot" and value.split():
            _setting(report, "boot", "boot.secureboot", "on" if value.split()[-1] == "1" else "off")


READING = Reading(("system_setting",), read)

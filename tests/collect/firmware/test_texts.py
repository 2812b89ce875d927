"""The text files of an image: accounts, packages, start scripts."""

from __future__ import annotations

import pytest

from plumbline.collect.firmware.accounts import read_accounts, state_of
from plumbline.collect.firmware.packages import DATABASES, read_packages
from plumbline.collect.firmware.scripts import daemons_of_script, inittab_commands, program_of

MD5 = "$1$abcdefgh$" + "x" * 22
FIELDS = {
    "": ("empty", None),
    "*": ("locked", None),
    "!": ("locked", None),
    "!!": ("locked", None),
    "x": ("locked", None),
    "!" + MD5: ("locked", None),
    "*LK*": ("locked", None),
    MD5: ("hash", "md5"),
    "$5$salt$" + "x" * 43: ("hash", "sha256"),
    "$6$rounds=5000$salt$" + "x" * 86: ("hash", "sha512"),
    "$2b$12$" + "x" * 53: ("hash", "bcrypt"),
    "$y$j9T$salt$" + "x" * 43: ("hash", "yescrypt"),
    "abJnggxhB/yWI": ("hash", "des"),
    "_J9..rasmBYk8r9AiWNc": ("hash", "des"),
    "$z9$salt$" + "x" * 20: ("hash", "z9"),
}


@pytest.mark.parametrize("field", FIELDS)
def test_password_fields(field: str) -> None:
    state, scheme, digest = state_of(field)
    assert (state, scheme) == FIELDS[field]
    assert digest == (field if state == "hash" else None)


def test_passwd_and_shadow_are_joined() -> None:
    passwd = f"root:x:0:0:root:/root:/bin/sh\nold:{MD5}:5:5::/:/bin/sh\nopen::7:7::/:\nnobody:x:65534:65534::/:/bin/false\n+nis::::::\n"
    shadow = f"root:{MD5}:1:0:99999:7:::\nghost:$6$s$xxxxxxxxxxxx:1::::::\n"
    accounts, problems = read_accounts(passwd, shadow)
    found = {one.name: (one.uid, one.state, one.scheme, one.in_shadow, one.shell) for one in accounts}
    assert found == {
        "root": (0, "hash", "md5", True, "/bin/sh"),
        "old": (5, "hash", "md5", False, "/bin/sh"),
        "open": (7, "empty", None, False, None),
        "nobody": (65534, "elsewhere", None, False, "/bin/false"),
        "ghost": (None, "hash", "sha512", True, None),
    }
    assert problems == []


def test_lines_that_are_no_entries_are_named() -> None:
    accounts, problems = read_accounts("root:x\n\n# note\n" + ":" * 10 + "\nok:*:99999999999:0:::/sh\n", None)
    assert [(one.name, one.uid) for one in accounts] == [("ok", None)]
    assert problems == ["passwd: line 1 is no entry", "passwd: line 4 is no entry"]


DPKG = """Package: busybox
Status: install ok installed
Architecture: armhf
Version: 1:1.36.1-9
Source: busybox (1.36)
Description: tiny utilities
 Version: not this one

Package: gone
Status: deinstall ok config-files
Version: 1

Status: install ok installed
Version: 2
"""
APK = "C:Q1abc\nP:musl\nV:1.2.5-r0\nA:aarch64\no:musl\nF:lib\nR:ld-musl.so\n\nP:busybox\nV:1.36.1-r29\n"


def test_dpkg() -> None:
    packages, problems = read_packages(DPKG, "dpkg")
    assert [(one.name, one.version, one.architecture, one.source) for one in packages] == [("busybox", "1:1.36.1-9", "armhf", None)]
    assert [one.source_version for one in packages] == ["1.36"]
    assert problems == ["entry 3 has no name or no version"]


def test_apk() -> None:
    packages, problems = read_packages(APK, "apk")
    assert [(one.name, one.version, one.architecture) for one in packages] == [
        ("musl", "1.2.5-r0", "aarch64"),
        ("busybox", "1.36.1-r29", None),
    ]
    assert problems == []


PLACES = {
    "/var/lib/dpkg/status": "dpkg",
    "/var/lib/dpkg/status.d/base": "dpkg",
    "/usr/lib/opkg/status": "opkg",
    "/lib/apk/db/installed": "apk",
    "/usr/lib/apk/db/installed": "apk",
    "/var/lib/dpkg/status-old": None,
    "/var/lib/dpkg/status.d/base.md5sums": None,
}


@pytest.mark.parametrize("path", PLACES)
def test_places_of_databases(path: str) -> None:
    assert next((manager for pattern, manager in DATABASES if pattern.fullmatch(path)), None) == PLACES[path]


SCRIPTS = {
    "a command": ("#!/bin/sh\n/usr/sbin/telnetd -l /bin/sh &\n", {"telnetd"}),
    "behind a condition": ("[ -x /usr/sbin/telnetd ] && telnetd\n", {"telnetd"}),
    "an applet": ("busybox telnetd -p 23\n", {"telnetd"}),
    "in a case": ("case $1 in\n start) dropbear -R ;;\n stop) killall dropbear telnetd ;;\nesac\n", {"dropbear"}),
    "if then": ("if true; then exec nohup lighttpd -f /etc/l.conf; fi\n", {"lighttpd"}),
    "a variable": ('DAEMON=/usr/sbin/sshd\nstart-stop-daemon -S -q --exec "$DAEMON" -- -D\n', {"sshd"}),
    "over two lines": ("start-stop-daemon --start \\\n  --exec /usr/sbin/snmpd -- -f\n", {"snmpd"}),
    "procd": ('PROG=/usr/sbin/uhttpd\nstart_service() {\n procd_open_instance\n procd_set_param command "$PROG" -f\n}\n', {"uhttpd"}),
    "OpenRC": ('#!/sbin/openrc-run\ncommand="/usr/sbin/mosquitto"\ncommand_args="-c x"\n', {"mosquitto"}),
    "Debian's runner": ("#!/lib/init/init-d-script\nDAEMON=/usr/sbin/snmpd\n", {"snmpd"}),
    "a comment": ("# telnetd &\n", set()),
    "a stop": ("start-stop-daemon -K -x /usr/sbin/telnetd\nkillall -9 telnetd\n", set()),
    "a test": ("[ -x /usr/sbin/telnetd ] || exit 0\n", set()),
    "a message": ('echo "starting telnetd"\n', set()),
    "another program": ("/usr/bin/cam-app --telnetd\n", set()),
}


@pytest.mark.parametrize("case", SCRIPTS)
def test_scripts(case: str) -> None:
    text, expected = SCRIPTS[case]
    assert daemons_of_script(text) == expected


def test_inittab() -> None:
    text = "# telnetd\n::sysinit:/etc/init.d/rcS\nttyS0::respawn:/sbin/getty -L ttyS0\n1:2345:off:/sbin/telnetd\n::respawn:-/bin/sh\nbad\n"
    assert [(action, program_of(command)) for action, command in inittab_commands(text)] == [
        ("sysinit", "rcS"),
        ("respawn", "getty"),
        ("respawn", "sh"),
    ]

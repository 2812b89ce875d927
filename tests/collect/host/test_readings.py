"""What commands give on systems of many kinds, and the rows that it becomes; forms as the programs' own pages show them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from plumbline.collect.host import TABLES
from plumbline.collect.host.commands import load_commands
from plumbline.model.words import Outcome
from tests.collect.collecting import Collected
from tests.collect.host.kits import Said, collected, kit_text, of

DEBIAN = 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n'
LINUX = "Linux\n5.15.134\n#0 SMP\nmips\nOpenWrt\n"
PROCESSES = "".join(
    f"/proc/{pid}/status:Name:\t{name}\n/proc/{pid}/status:PPid:\t{parent}\n/proc/{pid}/status:Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n"
    for pid, name, parent, uid in (
        (1, "procd", 0, 0),
        (2, "kthreadd", 0, 0),
        (9, "kworker/0", 2, 0),
        (700, "dropbear", 1, 0),
        (800, "ntpd", 1, 123),
    )
)
PASSWD = "root\tshadow\t0\t0\t/bin/ash\ndaemon\tlocked\t1\t1\t/bin/false\nold\thash des\t1000\t1000\t/bin/sh\nopen\tempty\t1001\t1001\t\n"


def picked(seen: Collected, table: str, *columns: str) -> list[Any]:
    rows = [tuple(row[column] for column in columns) for row in seen.rows(table)]
    return [row[0] for row in rows] if len(columns) == 1 else rows


class TestPackages:
    def test_dpkg_with_backported_fixes(self, tmp_path: Path) -> None:
        dpkg = (
            "install ok installed\tlibssl3\t3.0.11-1~deb12u2\tarmhf\topenssl\t3.0.11-1~deb12u2\tDebian OpenSSL Team <x@y>\n"
            "install ok installed\topenssl\t3.0.11-1~deb12u2\tarmhf\topenssl\t3.0.11-1~deb12u2\t\n"
            "deinstall ok config-files\tgone\t1\tall\tgone\t1\t\n"
            "install ok half-configured\thalf\t1\tall\thalf\t1\t\n"
        )
        seen = of(tmp_path, os_release=DEBIAN, dpkg=dpkg, changelogs="libssl3 CVE-2023-5678 CVE-2023-5363\nhalf\n")
        rows = {row["name"]: row for row in seen.rows("component")}
        assert set(rows) == {"libssl3", "openssl", "half"}  # half set up: its files are there
        first = rows["libssl3"]
        assert (first["source"], first["source_version"], first["scheme"], first["namespace"]) == ("openssl", None, "deb", "debian:12")
        assert first["purl"] == "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=armhf&distro=debian-12"
        assert first["supplier"] == "Debian OpenSSL Team <x@y>" and first["fixes"] == ["CVE-2023-5363", "CVE-2023-5678"]
        assert rows["openssl"]["fixes"] == first["fixes"]  # one source, one changelog
        assert rows["half"]["fixes"] == []

    def test_a_changelog_of_thousands_is_read_whole(self, tmp_path: Path) -> None:
        names = [f"CVE-2024-{number}" for number in range(10_000, 16_000)]
        dpkg = "install ok installed\tchromium\t1\tarmhf\tchromium\t1\t\n"
        seen = of(tmp_path, os_release=DEBIAN, dpkg=dpkg, changelogs=f"chromium {' '.join(names)}\n")
        assert picked(seen, "component", "fixes") == [names]

    def test_a_line_that_is_cut_is_said(self, tmp_path: Path) -> None:
        said: dict[str, Said] = {command: ("", 3) for command in load_commands() if command != "shell"}
        dpkg = "install ok installed\tchromium\t1\tarmhf\tchromium\t1\t\n"
        seen = of(tmp_path, **{**said, "dpkg": dpkg, "changelogs": f"chromium {'CVE-2024-10000 ' * 20_000}\n"})
        assert seen.outcomes()["component"] == Outcome.PARTIAL and "a line of more than" in seen.details()["component"]

    @pytest.mark.parametrize(
        ("release", "said", "expected"),
        [
            (
                "ID=alpine\nVERSION_ID=3.18.4\n",
                {"apk": "installed\tlibcrypto3\t3.1.4-r1\taarch64\topenssl\t\tTimo <t@x>\n"},
                (
                    "libcrypto3",
                    "3.1.4-r1",
                    "apk",
                    "openssl",
                    "alpine:v3.18",
                    "pkg:apk/alpine/libcrypto3@3.1.4-r1?arch=aarch64&distro=alpine-3.18",
                ),
            ),
            (
                "ID='rhel'\nVERSION_ID=\"9.4\"\n",
                {"rpm": "installed\tkernel-core\t5.14.0-427.el9\tx86_64\tkernel-5.14.0-427.el9.src.rpm\t\tRed Hat, Inc.\n"},
                (
                    "kernel-core",
                    "5.14.0-427.el9",
                    "rpm",
                    "kernel",
                    "redhat:9",
                    "pkg:rpm/redhat/kernel-core@5.14.0-427.el9?arch=x86_64&distro=redhat-9",
                ),
            ),
            (
                "ID=openwrt\nVERSION_ID=23.05.2\n",
                {"opkg": "install user installed\tbusybox\t1.36.1-1\tmips_24kc\t\t\t\n"},
                (
                    "busybox",
                    "1.36.1-1",
                    "deb",
                    None,
                    "openwrt:23.05.2",
                    "pkg:opkg/openwrt/busybox@1.36.1-1?arch=mips_24kc&distro=openwrt-23.05.2",
                ),
            ),
        ],
        ids=["apk", "rpm", "opkg"],
    )
    def test_the_other_managers(self, tmp_path: Path, release: str, said: dict[str, Said], expected: tuple[str, ...]) -> None:
        seen = of(tmp_path, os_release=release, **said)
        assert picked(seen, "component", "name", "version", "scheme", "source", "namespace", "purl") == [expected]

    def test_python_beside_the_manager(self, tmp_path: Path) -> None:
        path = "/usr/local/lib/python3.11/site-packages/paho_mqtt-1.6.1.dist-info"
        seen = of(tmp_path, dpkg="", python=f"{path}\n")
        assert picked(seen, "component", "name", "version", "manager", "namespace", "purl", "path") == [
            ("paho-mqtt", "1.6.1", "python", "pypi", "pkg:pypi/paho-mqtt@1.6.1", path)
        ]

    def test_a_kernel_that_no_package_holds(self, tmp_path: Path) -> None:
        opkg = "install user installed\tbusybox\t1.36.1-1\tmips_24kc\t\t\t\n"
        assert ("linux", "5.15.134", "kernel", "banner") in picked(
            of(tmp_path, kernel=LINUX, opkg=opkg), "component", "name", "version", "manager", "confidence"
        )
        packed = opkg + "install ok installed\tkernel\t5.15.134-1\tmips_24kc\t\t\t\n"
        assert "linux" not in picked(of(tmp_path, kernel=LINUX, opkg=packed), "component", "name")

    def test_no_list_at_all_is_not_an_empty_list(self, tmp_path: Path) -> None:
        seen = of(tmp_path, kernel=LINUX, dpkg=("", 3), rpm=("", 3), apk=("", 3), opkg=("", 3))
        assert (seen.rows("component"), seen.outcomes()["component"]) == ([], Outcome.NOT_SUPPORTED)

    def test_a_database_that_its_tool_cannot_read(self, tmp_path: Path) -> None:
        seen = of(tmp_path, dpkg=("", 2))
        assert seen.outcomes()["component"] == Outcome.NOT_SUPPORTED and "dpkg: it ended with 2" in seen.details()["component"]


class TestAccounts:
    def test_as_root(self, tmp_path: Path) -> None:
        seen = of(
            tmp_path,
            passwd=PASSWD,
            shadow="root\thash y\ndaemon\tlocked\n",
            groups="root\t0\t\nsudo\t27\told,open\n",
            sudoers="%sudo nopasswd\nroot password\n",
            authorized_keys="root 2\nopen ?\n",
        )
        assert picked(seen, "system_account", "name", "state", "scheme", "interactive", "groups", "sudo", "authorized_keys") == [
            ("root", "hash", "yescrypt", True, ["root"], "password", 2),
            ("daemon", "locked", None, False, [], "", 0),
            ("old", "hash", "des", True, ["sudo"], "nopasswd", 0),
            ("open", "empty", None, True, ["sudo"], "nopasswd", None),
        ]

    def test_as_another_user_nothing_is_made_up(self, tmp_path: Path) -> None:
        seen = of(tmp_path, passwd=PASSWD, shadow=("", 4), sudoers=("", 4), groups=("", 4), authorized_keys=("root ?\n", 5))
        first = seen.rows("system_account")[0]
        assert [first[name] for name in ("state", "scheme", "groups", "sudo", "authorized_keys")] == [None] * 5
        assert seen.outcomes()["system_account"] == Outcome.PARTIAL


class TestSockets:
    @pytest.mark.parametrize(("order", "local"), [("l", "0100007F"), ("b", "7F000001")], ids=["little endian", "big endian"])
    def test_addresses_in_the_order_of_the_machine(self, tmp_path: Path, order: str, local: str) -> None:
        lines = f"order {order}\nsocket tcp 00000000:0016 0 11\nsocket tcp6 {'0' * 32}:0050 0 12\nholds 700 11\n"
        lines += f"socket udp {local}:0035 65534 13\n"
        seen = of(tmp_path, sockets=lines, processes=PROCESSES, passwd=PASSWD)
        assert picked(seen, "system_socket", "subject", "local_only", "opened_by", "process", "process_user") == [
            ("tcp/22/0.0.0.0", False, "root", "dropbear", "root"),
            ("tcp/80/::", False, "root", None, None),
            ("udp/53/127.0.0.1", True, "65534", None, None),
        ]

    def test_without_the_order_nothing_is_said(self, tmp_path: Path) -> None:
        seen = of(tmp_path, sockets="order \nsocket tcp 0100007F:0016 0 11\n")
        assert (seen.rows("system_socket"), seen.outcomes()["system_socket"]) == ([], Outcome.NOT_SUPPORTED)


IPTABLES = "*filter\n:INPUT {policy} [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n{rules}COMMIT\n"
NFT = """table inet filter {
	chain input {
		type filter hook input priority filter; policy %s;
		iifname "lo" accept
		ct state vmap { established : accept, related : accept, invalid : drop }
		%s
	}
}
"""


class TestFirewall:
    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            ({"nft": ("", 3), "iptables": ("", 3), "ip6tables": ("", 3)}, ("none", "accept", 12)),
            ({"nft": NFT % ("drop", "tcp dport { 22, 443 } accept")}, ("nftables", "drop", ["tcp/22", "tcp/443"])),
            ({"nft": NFT % ("accept", "tcp dport 23 drop")}, ("nftables", "accept", 11)),
            ({"nft": NFT % ("drop", "ip saddr 10.0.0.0/8 tcp dport 22 accept")}, ("nftables", "drop", [])),
            ({"nft": NFT % ("drop", "tcp dport 22 meta mark 7 accept")}, ("nftables", "drop", None)),
            (
                {"iptables": IPTABLES.format(policy="DROP", rules="-A INPUT -p tcp --dport 22 -j ACCEPT\n")},
                ("iptables", "drop", ["tcp/22"]),
            ),
            ({"iptables": IPTABLES.format(policy="ACCEPT", rules="-A INPUT -j REJECT\n")}, ("iptables", "reject", [])),
        ],
        ids=["none", "two ports", "all but one", "from some addresses", "may be", "iptables", "a last rule"],
    )
    def test_what_reaches_the_system(self, tmp_path: Path, said: dict[str, Said], expected: tuple[str, str, Any]) -> None:
        [row] = of(tmp_path, **said).rows("system_firewall")
        ports = len(row["open_ports"]) if isinstance(expected[2], int) else row["open_ports"]
        assert (row["engine"], row["input_policy"], ports) == expected

    def test_rules_that_only_root_reads(self, tmp_path: Path) -> None:
        seen = of(tmp_path, nft=("", 4), iptables=("", 4), ip6tables=("", 4))
        assert (seen.rows("system_firewall"), seen.outcomes()["system_firewall"]) == ([], Outcome.NOT_PERMITTED)


class TestSettings:
    def test_openssh_by_its_own_word(self, tmp_path: Path) -> None:
        seen = of(
            tmp_path,
            sshd="permitrootlogin without-password\npasswordauthentication no\n",
            sshd_config="/etc/ssh/sshd_config PermitRootLogin yes\n",
        )
        assert picked(seen, "system_setting", "name", "value", "origin") == [
            ("ssh.permitrootlogin", "without-password", "effective"),
            ("ssh.passwordauthentication", "no", "effective"),
        ]

    def test_openssh_by_its_files(self, tmp_path: Path) -> None:
        lines = (
            "/etc/ssh/sshd_config.d/10.conf PasswordAuthentication no\n"
            "/etc/ssh/sshd_config Include /etc/ssh/sshd_config.d/*.conf\n"
            "/etc/ssh/sshd_config PasswordAuthentication yes\n"
            "/etc/ssh/sshd_config Match User x\n"
            "/etc/ssh/sshd_config PermitRootLogin yes\n"
        )
        seen = {row["name"]: (row["value"], row["origin"]) for row in of(tmp_path, sshd=("", 4), sshd_config=lines).rows("system_setting")}
        assert seen["ssh.passwordauthentication"] == ("no", "file")  # the first that stands counts
        assert seen["ssh.permitrootlogin"] == ("prohibit-password", "default")  # what follows Match is for some alone

    @pytest.mark.parametrize(("port", "seen"), [("0016", ["yes"]), ("0017", [])], ids=["port 22", "another port"])
    def test_a_server_that_systemd_starts_when_it_is_asked(self, tmp_path: Path, port: str, seen: list[str]) -> None:
        """Nothing called sshd runs there until somebody connects."""
        sockets = f"order l\nsocket tcp 00000000:{port} 0 100\n"
        running = PROCESSES.replace("dropbear", "systemd")
        said = of(tmp_path, processes=running, sockets=sockets, sshd="passwordauthentication yes\n")
        assert [row["value"] for row in said.rows("system_setting")] == seen

    def test_dropbear_where_no_sshd_runs(self, tmp_path: Path) -> None:
        seen = of(
            tmp_path,
            processes=PROCESSES,
            dropbear="/usr/sbin/dropbear -F -s -p 22\n",
            sshd_config="/etc/ssh/sshd_config PermitRootLogin yes\n",
        )
        assert dict(picked(seen, "system_setting", "name", "value")) == {
            "ssh.passwordauthentication": "no",
            "ssh.permitrootlogin": "prohibit-password",
            "ssh.permitemptypasswords": "no",
        }

    def test_kernel_boot_mounts_and_engines(self, tmp_path: Path) -> None:
        seen = of(
            tmp_path,
            sysctl="kernel/kptr_restrict 2\n",
            mounts="/ ext4 rw\n/tmp tmpfs rw,nosuid\n",
            boot="cmdline init=/bin/sh\nlockdown none [integrity] confidentiality\nsecureboot 1\n",
            kernel_config="CONFIG_SECCOMP=y\n",
            engine_sockets="/var/run/docker.sock srw-rw-rw- 1 0 998 0 Nov 20 11:00 /run/docker.sock\n",
        )
        assert dict(picked(seen, "system_setting", "name", "value")) == {
            "sysctl.kernel.kptr_restrict": "2",
            "mount./": "ext4 rw",
            "mount./tmp": "tmpfs rw,nosuid",
            "boot.init": "/bin/sh",
            "boot.lockdown": "integrity",
            "boot.secureboot": "on",
            "kernel.CONFIG_SECCOMP": "y",
            "engine_socket./var/run/docker.sock": "srw-rw-rw- 0 998",
        }


class TestUpdates:
    def test_unattended_with_a_timer(self, tmp_path: Path) -> None:
        seen = of(
            tmp_path,
            update_settings='apt APT::Periodic::Unattended-Upgrade "1";\ntool unattended-upgrade\ntimer apt-daily-upgrade enabled active\n',
            update_times="installed 1763600000\nlists 1763500000\nlists 1763600000\n",
            apt_pending="Inst libssl3 [3.0.11] (3.0.15 Debian-Security:12/stable-security [armhf])\nInst nano [7.2] (7.3 Debian:12 [x])\n",
        )
        row = seen.rows("system_update")[0]
        assert (row["automatic"], row["mechanism"]) == (True, "unattended-upgrades")
        assert (row["pending"], row["pending_security"], row["pending_names"]) == (2, 1, ["libssl3", "nano"])
        assert row["lists_at"] == row["installed_at"]

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ('apt APT::Periodic::Unattended-Upgrade "0";\ntool unattended-upgrade\n', (False, "")),
            (
                'apt APT::Periodic::Unattended-Upgrade "1";\ntool unattended-upgrade\ntimer apt-daily-upgrade disabled inactive\n',
                (False, ""),
            ),
            ("timer \ncron /etc/crontabs/root\n", (True, "cron /etc/crontabs/root")),
            (("", 5), (None, None)),
        ],
        ids=["off", "its timer is off", "cron", "not all was read"],
    )
    def test_whether_anything_installs_by_itself(self, tmp_path: Path, settings: Said, expected: tuple[Any, Any]) -> None:
        seen = of(tmp_path, update_settings=settings, processes=PROCESSES, update_times="installed 1763600000\n")
        assert picked(seen, "system_update", "automatic", "mechanism") == [expected]

    @pytest.mark.parametrize(
        ("lines", "sources", "unverified"),
        [
            ("apt [arch=armhf signed-by=/k] https://deb.example/debian bookworm main\n", ["https://deb.example/debian"], []),
            ("apt [ trusted=yes ] http://mirror/debian bookworm main\n", ["http://mirror/debian"], ["http://mirror/debian"]),
            ('apt http://m/d x\naptopt Acquire::AllowInsecureRepositories "true";\n', ["http://m/d"], ["http://m/d"]),
            ('apt http://m/d x\naptopt Acquire::AllowInsecureRepositories "0";\n', ["http://m/d"], []),
            ("deb822 ,yes,deb h:a/ h:b/\ndeb822 no,,deb h:c/\ndeb822 ,,deb-src h:d/\n", ["h:a/", "h:b/"], ["h:a/", "h:b/"]),
            ("opkg src/gz core https://w/core\nopkg option check_signature\n", ["https://w/core"], []),
            ("opkg src/gz core http://w/core\n", ["http://w/core"], ["http://w/core"]),
            ("apk https://a/v3.18/main?token=x\napk @edge http://a/edge\n", ["https://a/v3.18/main", "http://a/edge"], []),
            ("dnf [a]\ndnf baseurl=http://a\ndnf gpgcheck=0\ndnf [b]\ndnf baseurl=http://b\ndnf enabled=0\n", ["http://a"], ["http://a"]),
            ("dnf [a]\ndnf metalink=https://a\ndnfconf gpgcheck=1\n", ["https://a"], []),
            ("dnf [a]\ndnf metalink=https://a\n", ["https://a"], None),
            ("", [], []),
        ],
        ids=["signed", "trusted", "all trusted", "none is", "deb822", "opkg", "opkg unsigned", "apk", "dnf", "dnf.conf", "nobody", "none"],
    )  # fmt: skip
    def test_where_packages_come_from(self, tmp_path: Path, lines: str, sources: list[str], unverified: list[str] | None) -> None:
        seen = of(tmp_path, update_sources=lines, update_times="installed 1763600000\n")
        assert picked(seen, "system_update", "sources", "unverified_sources") == [(sources, unverified)]

    def test_sources_that_not_all_were_read_are_not_all_verified(self, tmp_path: Path) -> None:
        seen = of(tmp_path, update_sources=("apt http://deb.example/debian stable main\n", 5))
        assert picked(seen, "system_update", "sources", "unverified_sources") == [(["http://deb.example/debian"], None)]


def test_containers(tmp_path: Path) -> None:
    line = "/edge\tregistry/edge:1\tsha256:ab\trunning\ttrue\thost\t\t/var/run/docker.sock:true,/etc:false,\n"
    seen = of(tmp_path, docker=line + "broken\n", podman=("", 3))
    columns = ("name", "image", "running", "privileged", "host_network", "host_pid", "mounts", "engine_socket")
    assert picked(seen, "system_container", *columns) == [
        ("edge", "registry/edge:1", True, True, True, False, ["/etc:ro", "/var/run/docker.sock"], True)
    ]
    assert seen.outcomes()["system_container"] == Outcome.PARTIAL and "docker: not read: 'broken'" in seen.details()["system_container"]


def test_services_of_systemd_and_without(tmp_path: Path) -> None:
    units = "Id=ssh.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nUser=\nMainPID=700\n"
    units += "\nId=x.service\nLoadState=not-found\n"
    seen = of(tmp_path, systemd=units, processes=PROCESSES, passwd=PASSWD)
    assert picked(seen, "system_service", "name", "manager", "enabled", "running", "user") == [("ssh", "systemd", True, True, "root")]
    seen = of(tmp_path, systemd=("", 3), init_scripts="/etc/rc.d/S19dropbear\n", processes=PROCESSES)
    assert picked(seen, "system_service", "name", "manager", "running", "user") == [
        ("dropbear", "init", None, None),
        ("ntpd", "process", True, "123"),
        ("procd", "process", True, "0"),
    ]


def test_a_system_by_its_files(tmp_path: Path) -> None:
    seen = of(
        tmp_path,
        os_release=DEBIAN,
        kernel=LINUX,
        clock="boot 1763600000\nzone /usr/share/zoneinfo/Europe/London\n",
        machine_id="ab" * 32 + "\n",
        virtualisation="kvm\n",
        hardware="/proc/device-tree/model Northwind GW-2\n/proc/device-tree/serial-number 0042\n",
        processes=PROCESSES,
        interfaces="link eth0 yes up 02:00:00:00:00:01\nlink docker0 no down 02:42:00:00:00:01\naddr eth0 10.0.0.5/24\n",
    )
    [row] = seen.rows("system")
    told = ("os_name", "os_version", "kernel_release", "hostname", "timezone", "model", "serial", "time_sync", "virtualisation")
    assert [row[name] for name in told] == [
        "Debian GNU/Linux",
        "12",
        "5.15.134",
        "OpenWrt",
        "Europe/London",
        "Northwind GW-2",
        "0042",
        "ntpd",
        "kvm",
    ]
    assert row["machine_id"].startswith("k1:") and "abab" not in seen.everything()
    assert picked(seen, "system_interface", "name", "mac", "addresses") == [
        ("eth0", "02:00:00:00:00:01", ["10.0.0.5/24"]),
        ("docker0", None, []),  # of software: its address names nothing
    ]


WORDS = [
    *(
        "",
        "\t",
        " ",
        "\n",
        "root",
        "0",
        "-1",
        "9" * 30,
        "\u00b2",
        "=",
        ":",
        "/",
        "%",
        "{",
        "}",
        '"',
        "'",
        "\x00",
        "\ufffd",
        "\u00fc",
        "[a]",
        "-A",
        "tcp",
    ),
    *("table inet x {", "chain input {", "elements = {", "tcp dport", "vmap", "*filter", ":INPUT", "ssh-rsa AAAA", "CVE-2024-12345", "yes"),
    *("installed", "hash $", "1763600000", "timer", "apt", "link", "socket", "order", "holds", "cmdline", "lockdown", "secureboot"),
]


def test_nothing_that_a_device_says_makes_a_reading_fail(tmp_path: Path) -> None:
    """Outputs of random words and bytes: each file still ends with coverage for every table, and with no defect of ours."""
    dice = random.Random(11)
    for _ in range(30):
        said: dict[str, Said] = {}
        for command in load_commands():
            text = "".join(dice.choice(WORDS) + dice.choice([" ", "\t", "\n", ""]) for _ in range(dice.randint(0, 120)))
            said[command] = (text, dice.choice([0, 0, 0, 0, 3, 4, 5, 6, 124]))
        assert set(collected(tmp_path, kit_text(said)).outcomes()) == set(TABLES)

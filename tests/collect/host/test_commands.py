"""The published list: each entry is as it should be, and none of them can change anything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from plumbline.collect.host import TABLES
from plumbline.collect.host.commands import LIST, Command, ending_of, load_commands, parse_commands, prelude, rows, whole
from plumbline.evidence.specs import load_tables
from plumbline.model.entities import Entity
from plumbline.model.errors import InternalError
from plumbline.model.words import EntityKind, Outcome

# Programs that may stand where a command begins. All read, and print.
READERS = frozenset(
    {
        *(
            "[",
            "command",
            "echo",
            "printf",
            "exit",
            "cd",
            "for",
            "if",
            "then",
            "else",
            "elif",
            "fi",
            "while",
            "do",
            "done",
            "case",
            "esac",
            "read",
            "continue",
        ),
        *(
            "awk",
            "cat",
            "cut",
            "date",
            "dd",
            "grep",
            "gzip",
            "head",
            "id",
            "ls",
            "od",
            "readlink",
            "sed",
            "sort",
            "sha256sum",
            "tail",
            "tr",
        ),
        *("uname", "ip", "dpkg-query", "rpm", "apk", "apt-config", "apt-get", "dropbearkey", "systemctl", "systemd-detect-virt"),
        *("nft", "iptables-save", "ip6tables-save", "iptables-legacy-save", "ip6tables-legacy-save", "docker", "podman"),
        *("renice", "keys", "unset"),
    }
)
NEVER = re.compile(r"\b(rm|mv|cp|ln|touch|tee|mkdir|chmod|chown|kill|reboot|sudo|su|curl|wget|nc|ping|insmod|modprobe|mount|eval|sleep)\b")


@pytest.mark.parametrize("command", load_commands().values(), ids=lambda command: command.id)
class TestEach:
    def test_a_shell_reads_it(self, command: Command) -> None:
        for shell in ("dash", "bash"):
            subprocess.run([shell, "-n", "-c", whole(command)], check=True, capture_output=True)

    def test_it_only_reads(self, command: Command) -> None:
        bare = re.sub(r"'[^']*'|\"[^\"]*\"|#.*", " ", command.text)  # what stands in quotes is data: words of awk, sed and grep
        assert not NEVER.search(bare)
        assert not re.search(r"(?<!2)>(?!/dev/null)", bare.replace("2>/dev/null", "").replace(">/dev/null", "")), "it writes"
        begun = re.findall(r"(?:^|[;|{(]|&&|\|\||\bthen\b|\bdo\b|\belse\b)\s*(\[|[a-z][\w-]*)(?=\s|$)", bare, re.MULTILINE)
        names = {word for word in begun if word not in READERS and f"{word}=" not in bare}
        assert not names, f"{names} are not among the readers"

    def test_its_tables_are_about_systems(self, command: Command) -> None:
        assert set(command.tables) <= set(TABLES)


def test_every_table_of_systems_rests_on_a_command() -> None:
    named = {table for command in load_commands().values() for table in command.tables}
    assert named == set(TABLES)
    assert {name for name in load_tables() if name.startswith("system")} <= named
    assert str(Entity.of(EntityKind.SYSTEM, "here", "x")).startswith("system:")


def test_apt_is_only_simulated_and_nothing_asks_the_network() -> None:
    text = LIST.read_text()
    assert re.findall(r"apt-get (?!>)(\S+)", text.replace("apt-get)[", "")) == ["-s"]
    assert "--no-network" in text and "apt update" not in text


def test_no_file_below_proc_is_measured() -> None:
    assert "-s /proc" not in LIST.read_text()  # each says that it is empty, whatever it holds


@pytest.mark.parametrize(
    ("command", "tool", "needs"),
    [("apt_pending", "apt-get", "/var/lib/apt/lists"), ("podman", "podman", "/var/lib/containers/storage")],
)
@pytest.mark.parametrize(("ends_with", "outcome"), [(0, Outcome.OK), (1, Outcome.NOT_SUPPORTED), (100, Outcome.NOT_SUPPORTED)])
def test_a_tool_that_fails_is_not_one_that_finds_nothing(
    tmp_path: Path, command: str, tool: str, needs: str, ends_with: int, outcome: Outcome
) -> None:
    made, store = tmp_path / tool, tmp_path / "containers" / "storage"
    made.write_text(f"#!/bin/sh\nexit {ends_with}\n")
    made.chmod(0o755)
    store.mkdir(parents=True)
    (store / "x_Packages").touch()
    text = whole(load_commands()[command]).replace(needs, str(store)).replace("/etc/containers/", f"{tmp_path}/none/")
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    ran = subprocess.run(["dash", "-c", text], capture_output=True, check=False, env=environment)
    assert ran.stdout == b"" and ending_of(ran.returncode).outcome is outcome and not ending_of(ran.returncode).absent


@pytest.mark.parametrize(
    ("tools", "names", "gave", "ends_with"),
    [
        ({"iptables-save": "v1.8.9 (legacy)"}, "filter\n", "iptables-save", 0),
        ({"iptables-save": "v1.8.9 (legacy)"}, "", "", 3),
        ({"iptables-save": "v1.8.9 (nf_tables)", "iptables-legacy-save": ""}, "filter\n", "iptables-legacy-save", 0),
        ({"iptables-save": "v1.8.9 (nf_tables)"}, "filter\n", "", 6),
        ({}, "filter\n", "", 6),
        ({}, "", "", 3),
    ],
    ids=["legacy", "legacy, not loaded", "both", "the other tool alone", "no tool", "nothing"],
)
def test_rules_of_the_older_iptables_are_seen(tmp_path: Path, tools: dict[str, str], names: str, gave: str, ends_with: int) -> None:
    """The kernel names the tables that are loaded in a file that says it is empty."""
    for tool, version in tools.items():
        (tmp_path / tool).write_text(f'#!/bin/sh\n[ "$1" = -V ] && echo "{version}" || echo {tool}\n')
        (tmp_path / tool).chmod(0o755)
    (tmp_path / "names").write_text(names)
    (tmp_path / "cat").symlink_to(shutil.which("cat") or "")
    text = load_commands()["iptables"].text.replace("/proc/net/ip_tables_names", str(tmp_path / "names"))
    ran = subprocess.run(
        [shutil.which("dash") or "sh", "-c", text], capture_output=True, text=True, check=False, env={"PATH": str(tmp_path)}
    )
    assert (ran.stdout.strip(), ran.returncode) == (gave, ends_with)


@pytest.mark.parametrize(
    ("builtin", "symbols", "tool", "gave", "ends_with"),
    [
        ("kernel/net/netfilter/nf_tables.ko\n", "", True, "rules", 0),
        ("", "ffff t nf_tables_newrule\n", True, "rules", 0),
        ("", "ffff t nf_tables_newrule\n", False, "", 6),
        ("kernel/net/ipv4/tcp_cubic.ko\n", "", True, "", 3),
        ("", "ffff t tcp_v4_rcv\n", True, "", 3),
        ("", "", True, "", 6),
    ],
    ids=["built in", "built in, by its symbols", "no tool", "not built in", "not built in, by its symbols", "nobody knows"],
)
def test_a_filter_is_absent_only_where_something_says_so(
    tmp_path: Path, builtin: str, symbols: str, tool: bool, gave: str, ends_with: int
) -> None:
    """A kernel without modules names a part that is built in nowhere but among its symbols."""
    for name, text in {"builtin": builtin, "symbols": symbols}.items():
        if text:
            (tmp_path / name).write_text(text)
    if tool:
        (tmp_path / "nft").write_text("#!/bin/sh\necho rules\n")
        (tmp_path / "nft").chmod(0o755)
    (tmp_path / "grep").symlink_to(shutil.which("grep") or "")
    text = load_commands()["nft"].text.replace("/lib/modules/$(uname -r)/modules.builtin", str(tmp_path / "builtin"))
    text = text.replace("/proc/kallsyms", str(tmp_path / "symbols")).replace("/sys/module/", f"{tmp_path}/none/")
    ran = subprocess.run(
        [shutil.which("dash") or "sh", "-c", text], capture_output=True, text=True, check=False, env={"PATH": str(tmp_path)}
    )
    assert (ran.stdout.strip(), ran.returncode) == (gave, ends_with)


def test_podman_is_not_run_where_it_has_no_store(tmp_path: Path) -> None:
    """Its first command of a user makes one."""
    made = tmp_path / "podman"
    made.write_text("#!/bin/sh\nexit 1\n")
    made.chmod(0o755)
    text = (
        whole(load_commands()["podman"])
        .replace("/var/lib/containers/storage", f"{tmp_path}/none")
        .replace("/etc/containers/", f"{tmp_path}/")
    )
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    ran = subprocess.run(["dash", "-c", text], capture_output=True, check=False, env=environment)
    assert ending_of(ran.returncode).absent


def test_nothing_waits_for_input_and_errors_go_nowhere() -> None:
    assert prelude().endswith("exec 2>/dev/null </dev/null\n")


def test_the_list_for_people_holds_every_command() -> None:
    assert [row["id"] for row in rows()] == list(load_commands())
    assert all(all(row.values()) for row in rows())


@pytest.mark.parametrize(
    ("code", "outcome", "absent"),
    [
        (0, Outcome.OK, False),
        (3, Outcome.OK, True),
        (4, Outcome.NOT_PERMITTED, False),
        (5, Outcome.PARTIAL, False),
        (6, Outcome.NOT_SUPPORTED, False),
        (124, Outcome.TIMEOUT, False),
        (127, Outcome.NOT_SUPPORTED, False),
        (None, Outcome.NOT_SUPPORTED, False),
    ],
)
def test_what_an_exit_code_says(code: int | None, outcome: Outcome, absent: bool) -> None:
    assert (ending_of(code).outcome, ending_of(code).absent) == (outcome, absent)


GOOD = "prelude = ''\n[command.shell]\nreads = 'r'\ntables = ['system']\ngives = 'g'\nroot = 'no'\ntext = 'true'\n"


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("'system'", "'nothing'"),
        GOOD.replace("['system']", "[]"),
        GOOD.replace("root = 'no'", "root = 'perhaps'"),
        GOOD.replace("'true'", "'\u00fc'"),
        GOOD.replace("'true'", f"'{'x' * 3000}'"),
        GOOD.replace("command.shell", "command.other"),
        GOOD.replace("prelude = ''", ""),
        GOOD + "colour = 'red'\n",
        "nonsense",
    ],
    ids=["unknown table", "no table", "unknown root", "not ASCII", "too long", "no shell first", "no prelude", "unknown key", "not TOML"],
)
def test_a_bad_list_is_refused_whole(text: str) -> None:
    parse_commands(GOOD)
    with pytest.raises(InternalError):
        parse_commands(text)

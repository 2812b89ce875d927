"""The published list: each entry is as it should be, and none of them can change anything."""

from __future__ import annotations

import re
import subprocess

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
        *("nft", "iptables-save", "ip6tables-save", "docker", "podman", "renice", "keys"),
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

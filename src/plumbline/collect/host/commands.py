"""The published list of reading commands: what is run on a system, by a login or by the script of hostkit, and nothing else.

Not how it is run (`ssh_session`, `kit`) nor what its output means (`readings`). Rules: the list is data (`commands.toml`) and is refused
whole when an entry is not as it should be; a text is run as it stands, after the prelude, and nothing from a device is ever put into it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from plumbline.evidence.specs import load_tables
from plumbline.model.errors import InternalError
from plumbline.model.words import Outcome

LIST = Path(__file__).with_name("commands.toml")
SHELL = "shell"  # the first: it shows that a POSIX shell answers
ROOT_WORDS = ("no", "more", "only")
TEXT_MAX = 2_000  # characters: dropbear takes command lines of 9,000, old ones of fewer
TIMEOUT_S, CAP_BYTES = 20, 1 << 18


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what it reads, which tables rest on it, and its limits."""

    id: str
    reads: str
    gives: str
    tables: tuple[str, ...]
    root: str
    text: str  # without the prelude
    timeout_s: int = TIMEOUT_S
    cap_bytes: int = CAP_BYTES


@dataclass(frozen=True, slots=True)
class Ending:
    """What the exit code of a command says: of its tables, and whether what it reads is not there at all."""

    outcome: Outcome
    detail: str = ""
    absent: bool = False


ENDINGS: Mapping[int, Ending] = {
    0: Ending(Outcome.OK),
    3: Ending(Outcome.OK, "what it reads is not on this system", absent=True),
    4: Ending(Outcome.NOT_PERMITTED, "not for this user"),
    5: Ending(Outcome.PARTIAL, "part of it is not for this user"),
    6: Ending(Outcome.NOT_SUPPORTED, "it is there, and no tool on the system reads it"),
    124: Ending(Outcome.TIMEOUT, "it did not end in time"),  # timeout(1)
    143: Ending(Outcome.TIMEOUT, "it did not end in time"),  # the same of busybox: ended by SIGTERM
}


def ending_of(code: int | None) -> Ending:
    """Read an exit code; None: it was ended by a signal, or nobody said."""
    known = ENDINGS.get(code) if code is not None else None
    return known or Ending(Outcome.NOT_SUPPORTED, "it did not end by itself" if code is None else f"it ended with {code}")


@cache
def load_commands() -> Mapping[str, Command]:
    """All commands by id, in the order in which they are run; raises InternalError naming a bad one."""
    return parse_commands(LIST.read_text(encoding="utf-8"))[1]


@cache
def prelude() -> str:
    """The line that is run before each text: where programs are found, and that nothing waits for input."""
    return parse_commands(LIST.read_text(encoding="utf-8"))[0]


def whole(command: Command) -> str:
    """Give a command as it is run."""
    return prelude() + command.text


def rows() -> list[dict[str, str]]:
    """Give the list for people: one row for each command, in order."""
    words = {"no": "makes no difference", "more": "sees more", "only": "needed"}
    return [
        {
            "id": one.id,
            "reads": one.reads,
            "tables": ", ".join(one.tables),
            "gives": one.gives,
            "as root": words[one.root],
            "at most": f"{one.timeout_s} s, {one.cap_bytes >> 10} KiB",
            "text": one.text,
        }
        for one in load_commands().values()
    ]


def parse_commands(text: str) -> tuple[str, dict[str, Command]]:
    """Read the list: its prelude and its commands; raises InternalError."""
    try:
        data = tomllib.loads(text)
        first = str(data["prelude"]).strip() + "\n"
        commands = {name: _command(name, entry) for name, entry in data["command"].items()}
    except (KeyError, ValueError, TypeError) as error:
        raise InternalError(f"{LIST.name}: {error!r}") from error
    if next(iter(commands)) != SHELL:
        raise InternalError(f"{LIST.name}: {SHELL} must stand first")
    return first, commands


def _command(name: str, entry: Mapping[str, Any]) -> Command:
    command = Command(**{**entry, "id": name, "tables": tuple(entry["tables"]), "text": str(entry["text"]).strip() + "\n"})
    unknown = set(command.tables) - load_tables().keys()
    if unknown or not command.tables or command.root not in ROOT_WORDS or len(command.text) > TEXT_MAX:
        raise ValueError(f"command {name}: unknown tables {sorted(unknown)}, none, no such root, or too long a text")
    if "\0" in command.text or not command.text.isascii():
        raise ValueError(f"command {name}: its text is not plain ASCII")
    return command

"""What the design names and a later release brings: it says so, and what serves meanwhile."""

import pytest

from plumbline.cli.later import COMMANDS
from plumbline.cli.main import app
from tests.cli.conftest import Call

LINES = {
    **{name: (name, "some", "--thing", "x") for name in COMMANDS},
    "its help": ("gateway", "--help"),
    "spark": ("assess", "BUNDLE", "-o", "OUT", "--engine", "spark"),
}


@pytest.mark.parametrize("words", LINES.values(), ids=LINES)
def test_it_says_not_yet(call: Call, words: tuple[str, ...]) -> None:
    ended = call(*words)
    assert (ended.code, ended.out) == (2, "")
    assert "not yet" in ended.err
    assert "meanwhile: " in ended.err


def test_what_is_there_is_not_for_later() -> None:
    there = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback and not command.hidden]
    there += [group.name for group in app.registered_groups if group.name]
    assert not COMMANDS.keys() & set(there)

"""`plumbline hostkit`: the script on the terminal or in a file, and the list of what it reads."""

from pathlib import Path

from plumbline.collect.host.commands import load_commands
from plumbline.collect.host.kit import script
from tests.cli.conftest import Call


def test_the_script_as_it_stands(call: Call) -> None:
    ended = call("hostkit")
    assert (ended.code, ended.out, ended.err) == (0, script(), "")


def test_into_a_file(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "kit.sh"
    ended = call("hostkit", "-o", path)
    assert ended.code == 0 and f"Wrote {path}." in ended.out and "`sh kit.sh`" in ended.out and "[[hostkit]]" in ended.out
    assert path.read_text() == script()
    assert call("hostkit", "-o", path, "--json").json == {"hostkit": str(path)}


def test_the_list_of_what_is_read(call: Call) -> None:
    ended = call("hostkit", "--list")
    assert ended.code == 0 and all(f"{name}: {command.reads}" in ended.out for name, command in load_commands().items())
    assert [row["id"] for row in call("hostkit", "--list", "--json").json] == list(load_commands())


def test_a_file_that_cannot_be_written(call: Call, tmp_path: Path) -> None:
    ended = call("hostkit", "-o", tmp_path / "none" / "kit.sh")
    assert ended.code == 2 and "cannot be written" in ended.err and "name another file" in ended.err

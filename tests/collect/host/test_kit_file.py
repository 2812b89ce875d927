"""Files of hostkit as files: cut, edited, made by nobody's script; each ends in rows, coverage or one message."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from plumbline.collect.host import TABLES
from plumbline.collect.host.commands import load_commands
from plumbline.collect.host.kit_file import read_kit
from plumbline.model.errors import ProtocolError
from plumbline.model.words import Outcome
from tests.collect.host.kits import HEAD, collected, kit_text, of

PASSWD = "root\tshadow\t0\t0\t/bin/sh\n"


def cite(offset: int) -> str:
    return f"file/x@{offset}"


def test_what_each_command_gave_is_cited_by_its_offset() -> None:
    text = kit_text({"kernel": "Linux\n6.1\n#1\narmv7l\ngw\n", "passwd": ("", 3), "nft": ("x\n\n\ny", 0)})
    found = read_kit(text.encode(), cite)
    assert (found.problems, f"{found.made_at:%Y-%m-%d %H:%M %Z}") == ((), "2026-11-20 11:00 UTC")
    kernel = found.outputs["kernel"]
    assert (kernel.data, kernel.outcome, kernel.raw) == (b"Linux\n6.1\n#1\narmv7l\ngw\n", Outcome.OK, f"file/x@{text.index('@ kernel')}")
    assert found.outputs["passwd"].absent and found.outputs["nft"].data == b"x\n\n\ny"
    assert found.outputs["dpkg"].outcome is Outcome.NOT_SUPPORTED and found.outputs["dpkg"].detail == "the file does not hold it"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not written by the script"),
        (b"\x7fELF", "not written by the script"),
        (HEAD.replace("kit 1", "kit 2").encode(), "of another release"),
        (HEAD.replace("2026-11-20", "2026-13-40").encode(), "its time is none"),
        (HEAD.split("\n")[0].encode(), "not written by the script"),
    ],
    ids=["empty", "a program", "another form", "no such month", "cut in its head"],
)
def test_what_is_none_of_hostkits_is_said_for_every_table(tmp_path: Path, data: bytes, says: str) -> None:
    seen = collected(tmp_path, data)
    assert set(seen.outcomes().items()) == {(table, Outcome.PROTOCOL_ERROR) for table in TABLES}
    assert all(says in detail for detail in seen.details().values()) and len(seen.details()) == len(TABLES)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    seen = collected(tmp_path, tmp_path / "none.txt")
    assert set(seen.outcomes().values()) == {Outcome.PROTOCOL_ERROR} and set(seen.outcomes()) == set(TABLES)


def test_a_script_that_was_ended(tmp_path: Path) -> None:
    text = kit_text({"passwd": PASSWD, "kernel": "Linux\n6.1\n#1\narmv7l\ngw\n"})
    seen = collected(tmp_path, text[: text.index("|armv7l")])
    assert [row["name"] for row in seen.rows("system_account")] == ["root"]
    assert seen.outcomes()["system_account"] == Outcome.PARTIAL and "the script was ended" in seen.details()["system_account"]
    assert seen.outcomes()["system_service"] == Outcome.NOT_SUPPORTED  # its commands never ran: nothing, not an empty list
    assert not seen.rows("system")  # half a kernel is none


def test_lines_of_no_form_and_a_second_word_of_a_command(tmp_path: Path) -> None:
    text = kit_text({"passwd": PASSWD, "hobby": "x"}).replace("end\n", "@ passwd\n|evil\tempty\t0\t0\t/bin/sh\n|\n|=0\nnonsense\nend\n")
    seen = collected(tmp_path, text)
    assert [row["name"] for row in seen.rows("system_account")] == ["root"]
    said = seen.details()["system_account"]
    assert "begins no line that the script writes" in said and "commands that this release does not know: hobby" in said


def test_an_output_that_was_cut(tmp_path: Path) -> None:
    most = load_commands()["passwd"].cap_bytes
    given = ("someone\tlocked\t1000\t1000\t/bin/sh\n" * most)[:most].replace("\n", "\n|")  # as head -c and sed leave it
    seen = collected(tmp_path, f"{HEAD}@ passwd\n|{given}\nend\n")
    assert seen.outcomes()["system_account"] == Outcome.PARTIAL and "was cut at 262,144 bytes" in seen.details()["system_account"]


def test_the_asset_on_which_it_ran_is_what_the_customer_says(tmp_path: Path) -> None:
    seen = of(tmp_path, kernel="Linux\n6.1\n#1\narmv7l\ngw\n")
    assert [row["declared_id"] for row in seen.rows("system")] == [None]


def test_nothing_that_was_written_makes_it_fail() -> None:
    """A value or ProtocolError: files that were mutated in every way."""
    seed = kit_text({"passwd": PASSWD, "kernel": "Linux\n6.1\n#1\narmv7l\ngw\n", "nft": ("", 4)}).encode()
    dice = random.Random(7)
    for _ in range(3_000):
        data = bytearray(seed)
        for _ in range(dice.randint(1, 8)):
            at = dice.randrange(len(data) or 1)
            match dice.randrange(4):
                case 0:
                    data[at : at + 1] = bytes([dice.randrange(256)])
                case 1:
                    del data[at : at + dice.randint(1, 40)]
                case 2:
                    data[at:at] = dice.choice([b"\n", b"|", b"@ passwd\n", b"|=0\n", b"end\n", b"\x00", b"=999\n"])
                case _:
                    data = data[:at]
        with suppress(ProtocolError):
            read_kit(bytes(data), cite)

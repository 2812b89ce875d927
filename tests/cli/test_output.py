"""Progress and results on their way to the terminal."""

from pathlib import Path

import pytest

from plumbline.cli import output
from plumbline.cli.exits import guarded
from plumbline.model.errors import InputError


def test_progress_in_lines_says_each_kind_of_work_once(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress() as show:
        for done in range(5):
            show("sweeping ports", done, 5)
            show("visiting [bold]hosts", done, None)
    assert capsys.readouterr() == ("", "sweeping ports ...\nvisiting [bold]hosts ...\n")


def test_progress_in_lines_says_now_and_then_how_far_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "LINE_EVERY_S", 0)
    with output.progress() as show:
        show("visiting hosts", 1, 2_000)
        show("visiting hosts", 1_200, 2_000)
        show("reading big.pcap", 0, 4_000_000)
        show("reading big.pcap", 1_000_000, 4_000_000)
    assert capsys.readouterr().err.splitlines() == [
        *("visiting hosts ...", "visiting hosts: 1,200/2,000", "reading big.pcap ...", "reading big.pcap: 25 %")
    ]


def test_names_of_files_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress() as show:
        show("reading \x1b[2J.pcap", 0, None)
    output.say("wrote \u202e/tmp/x\nand more")
    assert capsys.readouterr() == ("wrote \\u202e/tmp/x\nand more\n", "reading \\x1b[2J.pcap ...\n")


def test_what_is_printed_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("[red]a[/red] [link]")
    assert capsys.readouterr().out == "[red]a[/red] [link]\n"


def test_an_address_is_no_picture(capsys: pytest.CaptureFixture[str]) -> None:
    """`:a:` and `:x:` name pictures to rich."""

    def wrong() -> None:
        raise InputError("is wrong", where="fd00:o:1::2")

    output.say("fd00:a:1::2")
    rows = output.table("address")
    rows.add_row("fd00:b:1::2")
    output.draw(rows)
    with output.progress() as show:
        show("visiting fd00:x:1::2", 0, None)
    guarded(wrong)
    assert capsys.readouterr() == ("fd00:a:1::2\naddress\nfd00:b:1::2\n", "visiting fd00:x:1::2 ...\nerror: fd00:o:1::2: is wrong\n")


def test_rows_stay_whole_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    rows = output.table("name", "words")
    rows.add_row("a", "word " * 30)
    output.draw(rows)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_json_is_one_document_with_times_and_paths(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"path": Path("/tmp/ü")})
    assert capsys.readouterr().out == '{\n  "path": "/tmp/ü"\n}\n'

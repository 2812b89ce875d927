"""Hostile text made visible, and numbers as people read them."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.report import text


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        ("plain words", "dock camera 1", "dock camera 1"),
        ("letters of other scripts", "Kühlraum 3, 冷蔵, غرفة", "Kühlraum 3, 冷蔵, غرفة"),
        ("a right-to-left override", "exe.\u202egpj", "exe.\\u202egpj"),
        ("an isolate", "a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("a zero-width space", "pass\u200bword", "pass\\u200bword"),
        ("a terminal escape", "\x1b[31mred", "\\x1b[31mred"),
        ("line ends and tabs", "a\r\n\tb", "a\\r\\n\\tb"),
        ("a line separator", "a\u2028b", "a\\u2028b"),
        ("a lone surrogate", "a\ud800b", "a\\ud800b"),
        ("a private-use character", "\U00100000", "\\U00100000"),
        ("marks piled on one letter", "e" + "\u0301" * 5, "e" + "\u0301" * 3 + "\\u0301" * 2),
    ],
)
def test_characters_that_hide_or_reorder_become_visible(name: str, given: str, shown: str) -> None:
    assert text.visible(given) == shown


@given(st.text(alphabet=st.characters(categories=None)))
def test_whatever_comes_in_nothing_hidden_comes_out(given: str) -> None:
    shown = text.visible(given)
    assert not {unicodedata.category(char) for char in shown} & text.HIDDEN
    assert text.visible(shown) == shown
    shown.encode("utf-8")


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (18_220, "18.2 kB"),
        (999_960, "1.0 MB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_sizes(count: int, words: str) -> None:
    assert text.size(count) == words


@pytest.mark.parametrize(("numbers", "words"), [([], ""), ([80], "80"), ([23, 21, 22, 80, 443, 444], "21-23, 80, 443-444"), ([5, 5], "5")])
def test_ranges(numbers: list[int], words: str) -> None:
    assert text.ranges(numbers) == words


def test_times_are_in_utc_and_absence_is_said() -> None:
    elsewhere = datetime(2026, 11, 21, 5, 40, tzinfo=timezone(timedelta(hours=2)))
    assert text.when(elsewhere) == "21 Nov 2026, 03:40 UTC"
    assert text.day(datetime(2026, 11, 2, tzinfo=UTC)) == "2 November 2026"
    assert text.when(None) == "not known"


def test_what_is_cut_says_how_much_is_missing() -> None:
    assert text.clip("x" * 1_310, 10) == "xxxxxxxxxx… (1,300 more characters)"
    assert text.clip("short") == "short"
    assert text.short("ab" * 32) == "abababababababab…"


def test_words_join_as_prose() -> None:
    assert [text.joined(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_an_excerpt_of_text_is_lines() -> None:
    assert text.excerpt(b"HTTP/1.1 200 OK\r\nServer: \xff\x1b[0m\r\n", 32) == ("HTTP/1.1 200 OK", "Server: \\xff\\x1b[0m", "")
    assert text.excerpt(b"", 0) == ("",)


def test_an_excerpt_of_bytes_is_a_dump() -> None:
    [line, rest] = text.excerpt(bytes(range(16)), 4_112)
    assert line == "0000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f  ................"
    assert rest == "… 4,096 more bytes"


@given(st.binary(max_size=3000))
def test_an_excerpt_is_short_and_harmless_whatever_the_bytes(data: bytes) -> None:
    lines = text.excerpt(data, len(data))
    assert len(lines) <= 9
    for line in lines:
        assert len(line) <= 700
        assert text.visible(line) == line

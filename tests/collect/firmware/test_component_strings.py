"""Components by their strings: each is found in its samples, and not in what only resembles them."""

from __future__ import annotations

import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterable
from typing import Any

import pytest

from plumbline.collect.firmware.component_strings import Known, load_known, needles, said, said_by_name
from plumbline.collect.firmware.needles import HITS_MAX, PIECE, Needles
from plumbline.versions import sort_key
from plumbline.vulnerabilities.cpe import parse_cpe

NEEDLES = Needles(needles())


def versions(known: Known, text: str) -> list[str]:
    if known.pattern is None:
        return [one.version for one in said_by_name(text) if one.known is known]
    data = text.encode("latin-1")
    name = "program" if known.files is None else example(parser.parse(known.files.pattern))
    return [one.version for one in said(data, NEEDLES.find([data])[0], name) if one.known is known]


def example(pattern: Iterable[tuple[Any, Any]]) -> str:
    """Make a text that a simple pattern matches: the first of all alternatives."""
    made = ""
    for kind, what in pattern:
        match str(kind):
            case "LITERAL":
                made += chr(what)
            case "BRANCH":
                made += example(what[1][0])
            case "SUBPATTERN":
                made += example(what[3])
            case "MAX_REPEAT":
                made += example(what[2]) * what[0]
            case "IN":
                made += chr(what[0][1] if str(what[0][0]) == "LITERAL" else what[0][1][0])
    return made


@pytest.mark.parametrize("known", load_known(), ids=lambda known: known.name)
def test_samples(known: Known) -> None:
    for text, version in known.samples:
        assert versions(known, text) == [version], text
        assert sort_key(version, known.scheme) is not None, f"{version} has no order"
        assert parse_cpe(known.cpe_of(version)).version == version.lower()
    for text in known.strangers:
        assert versions(known, text) == [], text


def test_there_are_a_hundred() -> None:
    assert len(load_known()) >= 100
    assert len({known.name for known in load_known()}) == len(load_known())


def test_needles_are_found_wherever_they_stand() -> None:
    words = Needles([b"abc", b"bcd", b"long needle of words"])
    data = b"x" * (PIECE - 1) + b"abcd" + b"y" * PIECE + b"long needle of words"
    other = b"abc" * (HITS_MAX + 5)
    first, second, third = words.find([data, other, b""])
    assert first == {b"abc": [PIECE - 1], b"bcd": [PIECE], b"long needle of words": [2 * PIECE + 3]}
    assert len(second[b"abc"]) == HITS_MAX
    assert third == {}


def test_without_needles_nothing_is_found() -> None:
    assert Needles([]).find([b"abc"]) == [{}]

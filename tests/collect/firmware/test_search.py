"""The search for images at any offset: at the edges of what is read at once, over each other, and past what is stored nowhere."""

from __future__ import annotations

import random

import pytest

from plumbline.collect.firmware.format import load_formats
from plumbline.collect.firmware.search import Search
from plumbline.collect.firmware.source import Budget, Run, Source
from plumbline.collect.firmware.unpack import State, unpack
from tests.collect.firmware.formats.samples import SMALL
from tests.collect.firmware.formats.trying import source_of
from tests.collect.firmware.making import image

READ = 4 << 20  # what the search reads at once
EMBEDDED = [name for name in SMALL if load_formats()[name].embedded]


def found(source: Source) -> list[tuple[int, str]]:
    search = Search(source, 0, Budget(), lambda: False)
    return [(one.at, one.format.id) for one in search.finds()]


@pytest.mark.parametrize("name", EMBEDDED)
def test_at_the_edge_of_what_is_read_at_once(name: str) -> None:
    magic = max((len(magic) for _, magic in load_formats()[name].magics), default=0)
    place = load_formats()[name].magics[0][0]
    for before in (0, 1, magic - 1, magic):
        at = READ - place - before
        assert found(source_of(b"\xff" * at + SMALL[name] + b"\xff" * 64)) == [(at, name)]


def test_beginnings_within_beginnings() -> None:
    """Bytes that begin like one image do not hide another that begins among them."""
    data = image({"/etc/passwd": b"root"})
    assert found(source_of(b"PK" * 50 + b"h" + data)) == [(101, "squashfs")]
    assert found(source_of(b"hsq" + b"hsqs" + data)) == [(7, "squashfs")]


def test_what_is_stored_nowhere_is_passed_over() -> None:
    data = image({"/etc/passwd": b"root"})
    stored = Source.of_bytes(data)
    hole = Run(1 << 40)
    source = Source.of_runs([hole, Run(len(data), stored), hole, Run(len(data), stored), Run(1 << 40, fill=b"\xff")])
    assert found(source) == [(1 << 40, "squashfs"), ((2 << 40) + len(data), "squashfs")]
    layers, problems = unpack(source, Budget())
    assert [layer.state for layer in layers] == [State.UNKNOWN, State.OPENED, State.OPENED] and problems == []


def test_blank_is_told_whatever_its_size() -> None:
    source = Source.of_runs([Run(1 << 50), Run(3, Source.of_bytes(bytes(3))), Run(1 << 50, fill=b"\xff")])
    assert source.is_blank() and source.unstored(5) == (1 << 50) - 5 and source.unstored(1 << 50) == 0
    assert not Source.of_runs([Run(1 << 50), Run(3, Source.of_bytes(b"a\0\0"))]).is_blank()
    assert not Source.of_runs([Run(1 << 50, fill=b"ab")]).is_blank()
    inside = Source.of_runs([Run(1 << 50), Run(3, Source.of_bytes(b"abc"))]).slice(7)
    assert Source.of_runs([Run(1, Source.of_bytes(b"x")), Run(inside.size, inside)]).unstored(10) == (1 << 50) - 16


def test_random_bytes_hold_nothing_and_are_searched_whole() -> None:
    search = Search(source_of(random.Random(1).randbytes(3 << 20)), 0, Budget(), lambda: False)
    assert list(search.finds()) == [] and search.problem is None

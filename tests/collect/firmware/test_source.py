"""Bytes at any place: parts of parts, bytes put together, what is not there, and what is paid for."""

from __future__ import annotations

import pytest

from plumbline.collect.firmware.source import Budget, BudgetSpentError, Run, Source
from plumbline.model.errors import ProtocolError

WHOLE = Source.of_bytes(b"0123456789")


def test_parts_of_parts() -> None:
    part = WHOLE.slice(2, 6).slice(1)
    assert (part.size, part.read(0, 5), part.some(3, 100), part.some(9, 1)) == (5, b"34567", b"67", b"")


@pytest.mark.parametrize(("offset", "size"), [(0, 11), (11, 0), (-1, 2), (2, -1), (1 << 70, 1), (5, 6)])
def test_what_is_not_there(offset: int, size: int) -> None:
    with pytest.raises(ProtocolError):
        WHOLE.slice(offset, size)
    if size:
        with pytest.raises(ProtocolError):
            WHOLE.read(offset, size)


def test_put_together() -> None:
    source = Source.of_runs([Run(2, WHOLE, 8), Run(3), Run(5, fill=b"ab"), Run(2, WHOLE, 0), Run(2, WHOLE, 2), Run(0)])
    assert source.read(0, 14) == b"89\0\0\0ababa0123"
    assert [source.read(at, 3) for at in range(12)] == [b"89\0\0\0ababa0123"[at : at + 3] for at in range(12)]
    assert source.place is None and Source.of_runs([Run(3, WHOLE, 1), Run(3, WHOLE, 4)]).read(0, 6) == b"123456"


@pytest.mark.parametrize(("offset", "size"), [(8, 3), (11, 1), (-1, 1), (1 << 60, 1 << 60)])
def test_what_is_put_together_must_be_there(offset: int, size: int) -> None:
    with pytest.raises(ProtocolError):
        Source.of_runs([Run(size, WHOLE, offset)])


def test_more_than_can_be() -> None:
    with pytest.raises(ProtocolError):
        Source.of_runs([Run(1 << 61), Run(1 << 61, fill=b"\xff"), Run(1 << 61)])


def test_pieces_are_kept_and_paid_for() -> None:
    budget = Budget(10)
    first, second = budget.keep([b"abc", b"def"]), budget.keep([b"gh"])
    assert (first.read(0, 6), second.read(0, 2), first.read(4, 2)) == (b"abcdef", b"gh", b"ef")
    with pytest.raises(BudgetSpentError):
        budget.keep([b"ijk"])

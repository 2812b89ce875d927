"""JSON piece by piece: the same document as in one piece, an iterator taken where it stands, nothing but ASCII."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.report.streaming import _pieces, write_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@settings(max_examples=25)
@given(st.dictionaries(st.text(), VALUES))
def test_without_iterators_it_is_the_same_document(value: dict[str, object]) -> None:
    text = "".join(_pieces(value))
    assert json.loads(text) == value
    assert text.isascii()


@settings(max_examples=25)
@given(st.lists(VALUES), st.dictionaries(st.text(), VALUES))
def test_an_iterator_stands_for_its_list_at_any_depth(items: list[object], other: dict[str, object]) -> None:
    text = "".join(_pieces({"a": [{"deep": {"list": iter(items)}, "other": other}], "b": iter(())}))
    assert json.loads(text) == {"a": [{"deep": {"list": items}, "other": other}], "b": []}


def test_a_later_member_may_hold_what_an_earlier_one_collected(tmp_path: Path) -> None:
    seen: list[int] = []

    def first() -> Iterator[int]:
        for number in range(3):
            seen.append(number)
            yield number

    def second() -> Iterator[int]:
        yield from seen

    path = write_json(tmp_path / "x.json", {"first": first(), "second": second()})
    assert json.loads(path.read_text()) == {"first": [0, 1, 2], "second": [0, 1, 2]}
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_json_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        "".join(_pieces({"x": float("nan")}))

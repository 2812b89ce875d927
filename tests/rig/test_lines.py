"""Lines of keys: the locator agrees with `tomllib` on what is there, and says where."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.rig.lines import TooDeepError, locate
from plumbline.rig.problems import KeyPath

TEXT = '''\
# a = 1
top = 1
dotted.key = 2   # x = 3
"quoted.key" = 'a # b'
[table]
text = """
[[not.a.table]]
key = "no"   \\"""" # after
long = """two quotes at the end"""""
literal = \'\'\'
x = 1\'\'\'
array = [
  1, # one
  [2,
   3],
  { a = 1, b = [4] },
]
inline = { c.d = "}", e = { f = 1979-05-27 07:32:00 } }
[table.sub]
k = 1
[[many]]
n = 0
[[many.inner]]
i = 0
[[many.inner]]
i = 1
[many.inner.deep]
d = 1
[[many]]
n = 1
[[many.inner]]
i = 2
'''

PLACES: dict[KeyPath, int] = {
    ("top",): 2,
    ("dotted", "key"): 3,
    ("quoted.key",): 4,
    ("table",): 5,
    ("table", "text"): 6,
    ("table", "long"): 9,
    ("table", "literal"): 10,
    ("table", "array"): 12,
    ("table", "array", 0): 13,
    ("table", "array", 1): 14,
    ("table", "array", 1, 1): 15,
    ("table", "array", 2, "b", 0): 16,
    ("table", "inline", "c", "d"): 18,
    ("table", "inline", "e", "f"): 18,
    ("table", "sub", "k"): 20,
    ("many",): 21,
    ("many", 0): 21,
    ("many", 0, "inner", 1): 25,
    ("many", 0, "inner", 1, "deep", "d"): 28,
    ("many", 1): 29,
    ("many", 1, "n"): 30,
    ("many", 1, "inner", 0, "i"): 32,
}


@pytest.mark.parametrize("path", PLACES, ids=str)
def test_each_key_has_its_line(path: KeyPath) -> None:
    assert locate(TEXT).lines[path] == PLACES[path]


def leaves(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    """Give the paths of everything inside a parsed document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path, *(leaf for key, item in inner for leaf in leaves(item, (*path, key)))}


def test_the_locator_finds_exactly_the_keys_that_tomllib_finds() -> None:
    assert set(locate(TEXT).lines) | {()} == leaves(tomllib.loads(TEXT))


def test_windows_line_ends_count_once() -> None:
    assert locate("a = 1\r\n[b]\r\nc = 2\r\n").lines[("b", "c")] == 3


def test_values_and_comments_have_their_spans() -> None:
    layout = locate(TEXT)
    start, end = layout.values[("quoted.key",)]
    assert TEXT[start:end] == "'a # b'"
    assert [TEXT[start:end] for start, end in layout.comments] == ["# a = 1", "# x = 3", "# after", "# one"]


@pytest.mark.parametrize("text", ["a = " + "[" * 17, "a = " + "{a=" * 17, "a" + ".a" * 8 + " = 1"])
def test_what_is_too_deep_is_refused(text: str) -> None:
    with pytest.raises(TooDeepError) as caught:
        locate("\n" + text)
    assert caught.value.line == 2


@settings(max_examples=500)
@given(st.text(alphabet="ab.=[]{}\"'\\#\n\r, 1", max_size=60))
def test_any_text_is_read_to_its_end(text: str) -> None:
    try:
        layout = locate(text)
    except TooDeepError:
        return
    assert all(1 <= line <= text.count("\n") + 1 for line in layout.lines.values())
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert leaves(document) - {()} <= set(layout.lines)


keys = st.text(alphabet="abc", min_size=1, max_size=3)
scalars = st.one_of(st.integers(0, 9).map(str), st.just('"a # ] }"'), st.just("'\"'"), st.just('"""x\n\\""""'), st.just("true"))
arrays = st.lists(scalars, max_size=3).map(lambda items: "[" + ",\n".join(items) + "]")
tables = st.lists(st.tuples(keys, scalars), max_size=3).map(lambda pairs: "{" + ", ".join(f"{key} = {value}" for key, value in pairs) + "}")
pairs = st.tuples(keys, st.one_of(scalars, arrays, tables)).map(lambda pair: f"{pair[0]} = {pair[1]} # c\n")
headers = st.tuples(st.sampled_from(["[{}]", "[[{}]]"]), st.lists(keys, min_size=1, max_size=3)).map(
    lambda pair: pair[0].format(".".join(pair[1])) + "\n"
)


@settings(max_examples=500)
@given(st.lists(st.one_of(headers, pairs), max_size=8).map("".join))
def test_every_key_of_every_good_file_has_a_line(text: str) -> None:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert leaves(document) - {()} <= set(locate(text).lines)

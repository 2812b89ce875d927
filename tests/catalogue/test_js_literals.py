"""JavaScript read as data: literals are values, everything else is opaque, and nothing but a ProtocolError comes of bad source."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.catalogue.js_literals import OPAQUE, Call, value_at
from plumbline.model.errors import ProtocolError

VALUES: dict[str, tuple[str, Any]] = {
    "text": (r'"a\"b\n\u00e9\x41\u{1F600}"', 'a"b\néA😀'),
    "text in single quotes": ("'it\\'s'", "it's"),
    "numbers": ("[1, 0x1F, 1.5, 2e3]", [1, 31, 1.5, 2000.0]),
    "words": ("[true, false, null, undefined]", [True, False, None, None]),
    "object": ('{a: 1, "b-c": [2], 3: "x",}', {"a": 1, "b-c": [2], "3": "x"}),
    "template": ("`plain`", "plain"),
    "template with a hole": ("[`a${ {b: '}'}.b }c`, 1]", [OPAQUE, 1]),
    "call": ("m.light({range: [1, 2]})", Call("m.light", ({"range": [1, 2]},))),
    "chain": ('e.numeric("x", ea.SET).withUnit("C")', Call("e.numeric", ("x", OPAQUE))),
    "sum": ('["a" + "b", 1 - 1]', [OPAQUE, OPAQUE]),
    "variable": ("[a.b.c, d]", [OPAQUE, OPAQUE]),
    "function": ("{f: async (x) => { return [1, 2, /[}\\]]/]; }, g: 1}", {"f": OPAQUE, "g": 1}),
    "method and spread": ("{...x, f(a) { if (a) { b } }, g: 1}", {"g": 1}),
    "spread in a list": ("[...x.map((y) => ({z: y})), 1]", [OPAQUE, 1]),
    "comments": ("[1, // ]\n /* ] */ 2]", [1, 2]),
    "regex and division": ("[/[,\\]]/g, a / b, 1]", [OPAQUE, OPAQUE, 1]),
    "brackets in text": ('["]", "}", ","]', ["]", "}", ","]),
}


@pytest.mark.parametrize(("source", "value"), VALUES.values(), ids=VALUES)
def test_a_value(source: str, value: Any) -> None:
    assert value_at(source, 0) == value
    assert value_at(f"x = {source};", 4) == value


@pytest.mark.parametrize("source", ["[1", "{a: 1", "f(", '["a" 1', "[" * 5000, "`${", "{a:" * 200 + "1"])
def test_what_does_not_close_is_a_protocol_error(source: str) -> None:
    with pytest.raises(ProtocolError):
        value_at(source, 0)


@given(st.text(alphabet="[]{}():,.'\"`\\/$ab1 \n=>", max_size=60))
def test_any_source_gives_a_value_or_a_protocol_error(source: str) -> None:
    with contextlib.suppress(ProtocolError):
        value_at(source, 0)

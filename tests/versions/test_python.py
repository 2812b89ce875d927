"""Python's order: held against `packaging`, which pip uses, on versions that Hypothesis makes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from plumbline.versions import Scheme, compare, sort_key

PIECES = (".", "-", "_", "+", "!", "0", "1", "10", "a", "alpha", "b", "c", "rc", "pre", "post", "rev", "dev", "v", "abc", "٣")
VERSIONS = st.builds(
    lambda head, parts: head + "".join(parts), st.sampled_from(("", "1", "v1", "1!2")), st.lists(st.sampled_from(PIECES), max_size=6)
)


def read(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:
        return None


@given(VERSIONS, VERSIONS)
def test_as_packaging_orders_them(a: str, b: str) -> None:
    one, other = read(a), read(b)
    assert [sort_key(version, Scheme.PEP440) is not None for version in (a, b)] == [one is not None, other is not None]
    if one is not None and other is not None:
        assert compare(a, b, Scheme.PEP440) == (one > other) - (one < other)

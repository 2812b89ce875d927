"""RPM's order: held against rpm itself, on pairs that Hypothesis makes."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.versions import Scheme, compare, upstream
from tests.real.servers import program

PIECES = ("~", "^", "~rc", ".", "_", "+", "a", "Z", "rc", "0", "00", "1", "9", "10", "el8", "git20200101")
PART = st.builds("".join, st.lists(st.sampled_from(PIECES), min_size=1, max_size=6))
VERSIONS = st.builds(
    lambda epoch, version, release: epoch + version + release,
    st.sampled_from(("", "0:", "1:")),
    PART,
    st.one_of(st.just(""), PART.map(lambda part: f"-{part}")),
)
UPSTREAM = {"1:1.1.1k-9.el8": "1.1.1k", "3.0.7-24.el9": "3.0.7", "2.9": "2.9", "1.0-1-2": "1.0-1-2"}


@pytest.mark.system
@settings(max_examples=300)
@given(VERSIONS, VERSIONS)
def test_as_rpm_orders_them(a: str, b: str) -> None:
    script = f"%{{lua:print(rpm.vercmp('{a}', '{b}'))}}"
    said = subprocess.run([program("rpm"), "--eval", script], capture_output=True, text=True, check=True).stdout
    assert compare(a, b, Scheme.RPM) == int(said)


@pytest.mark.parametrize("version", UPSTREAM)
def test_upstream(version: str) -> None:
    assert upstream(version, Scheme.RPM) == UPSTREAM[version]

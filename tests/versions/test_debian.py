"""Debian's order: held against dpkg itself, on pairs that Hypothesis makes."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.versions import Scheme, compare, sort_key, upstream
from tests.real.servers import program

PIECES = ("~", "~~", "~rc1", "+", "+b1", ".", "-", "a", "Z", "0", "00", "1", "9", "10", "+dfsg", "1.", "deb12u4", ":")
VERSIONS = st.builds(
    lambda epoch, parts: epoch + "1" + "".join(parts), st.sampled_from(("", "0:", "1:")), st.lists(st.sampled_from(PIECES), max_size=6)
)
UPSTREAM = {
    "7.88.1-10+deb12u4": "7.88.1",
    "2:2.10-6ubuntu2.1": "2.10",
    "1.2.13.dfsg-1": "1.2.13",
    "3.0.11+dfsg-2": "3.0.11",
    "1.8+dfsg1-3": "1.8",
    "5.2~repack-1": "5.2",
    "1.0+ds1-2": "1.0",
    "2.0+really1.9.4-1": "1.9.4",
    "4.19.0-rc1-1": "4.19.0-rc1",
    "1.36.1": "1.36.1",
    "1.0~rc1-1": "1.0~rc1",
    "not a version": "not a version",
}


@pytest.mark.system
@settings(max_examples=300)
@given(VERSIONS, VERSIONS)
def test_as_dpkg_orders_them(a: str, b: str) -> None:
    dpkg = program("dpkg")

    def says(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([dpkg, *arguments], capture_output=True, text=True, check=False)

    for one in (a, b):
        judged = says("--validate-version", one)
        if "does not start with digit" in judged.stderr:
            return  # of that alone we have an order, for opkg's sake; dpkg does not say what else is bad
        # dpkg orders what it calls bad, and warns; we have no order for it.
        assert (sort_key(one, Scheme.DEB) is not None) == (judged.returncode == 0), judged.stderr
        if judged.returncode:
            return
    greater, less = (says("--compare-versions", a, relation, b).returncode == 0 for relation in ("gt", "lt"))
    assert compare(a, b, Scheme.DEB) == greater - less


@pytest.mark.parametrize("version", UPSTREAM)
def test_upstream(version: str) -> None:
    assert upstream(version, Scheme.DEB) == UPSTREAM[version]

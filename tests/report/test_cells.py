"""Cells that no spreadsheet runs and no tracker follows, whatever a device says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.report.cells import guarded, unmarked
from plumbline.report.text import visible


@pytest.mark.parametrize(
    ("given", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+44", "'+44"),
        ("-1", "'-1"),
        ("@sum", "'@sum"),
        ("\t=1", "'\\t=1"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        ("\r\n=1", "'\\r\\n=1"),
        ("tcp/80", "tcp/80"),
        (None, ""),
        (12, "12"),
    ],
)
def test_no_cell_is_a_formula(given: object, cell: str) -> None:
    assert guarded(given) == cell


@given(st.text(alphabet=st.characters(categories=None)))
def test_whatever_the_text_the_cell_is_harmless(text: str) -> None:
    cell = guarded(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    assert visible(cell) == cell


MARKED = {
    "a link": ("[press](javascript:alert(1))", "(press)(javascript:alert(1))"),
    "an image from elsewhere": ("![](http://203.0.113.9/x.png)", ".()(http : //203.0.113.9/x.png)"),
    "a wiki image": ("!http://203.0.113.9/x!", ".http : //203.0.113.9/x."),
    "a mention": ("@root see #12", "(at)root see no. 12"),
    "markup of the web": ("<img src=x>", "(img src=x)"),
    "a macro": ("{html}", "(html)"),
    "plain words": ("tcp/1883 accepts clients", "tcp/1883 accepts clients"),
}


@pytest.mark.parametrize(("text", "plain"), MARKED.values(), ids=MARKED)
def test_no_tracker_follows_what_a_device_says(text: str, plain: str) -> None:
    assert unmarked(text) == plain


@given(st.text())
def test_nothing_that_a_tracker_follows_is_left(text: str) -> None:
    plain = unmarked(text)
    assert not set(plain) & set("[]{}<>`!|*~#@")
    assert "://" not in plain

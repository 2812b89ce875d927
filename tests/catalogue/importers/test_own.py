"""What people write by hand: TOML and CSV say the same, and mistakes are told."""

from __future__ import annotations

import pytest

from plumbline.catalogue.facts import AsOf, Product, Release, Support
from tests.catalogue.making import document, facts, read, unread

TOML = """as_of = 2026-11-01
[[product]]
vendor = "Northwind"
model = "Cam-3"
sensors = ["image", "motion"]
identifiers = ["ADU:Northwind/Cam-3"]
[[release]]
vendor = "Northwind"
model = "Cam-3"
version = "1.4.2"
released_at = 2026-09-01
state = "active"
fixes = ["cve-2026-1234"]
hardware = ["b"]
size_bytes = 12
[[support]]
product = "northwind/Cam-3"
security_ends_at = 2029-12-31
"""
CSV = """vendor;model;sensors;identifiers;version;released_at;state;fixes;hardware;size_bytes;security_ends_at
Northwind;Cam-3;image|motion;ADU:Northwind/Cam-3;;;;;;;
Northwind;Cam-3;;;1.4.2;2026-09-01;Active;cve-2026-1234;b;12;

Northwind;Cam-3;;;;;;;;;2029-12-31
"""


def test_toml_and_csv_say_the_same() -> None:
    in_toml, in_csv = read("own", document(TOML, "northwind.toml")), read("csv", document(CSV, "northwind.csv"))
    wanted = {Product: 1, Release: 1, Support: 1}
    for kind in wanted:
        mine = {repr(one) for one in facts(in_toml) if isinstance(one, kind)}
        theirs = {repr(one) for one in facts(in_csv) if isinstance(one, kind)}
        assert mine == theirs
    assert unread(in_toml) == unread(in_csv) == []
    assert [one.moment.day for one in in_toml if isinstance(one, AsOf)] == [1]
    release = next(one for one in facts(in_csv) if isinstance(one, Release))
    assert (release.product, release.fixes, release.hardware, release.size_bytes) == ("northwind/cam-3", ("CVE-2026-1234",), ("b",), 12)


MISTAKES = {
    "an unknown key": ('[[product]]\nvendor = "a"\nmodel = "b"\ncolour = "red"', "no column 'colour'"),
    "a date in words": ('[[release]]\nproduct = "a/b"\nversion = "1"\nreleased_at = "soon"', "no date like"),
    "a number as a date": ('[[release]]\nproduct = "a/b"\nversion = "1"\nreleased_at = 5', "no date like"),
    "a state that is none": ('[[release]]\nproduct = "a/b"\nversion = "1"\nstate = "old"', "none of active"),
    "a digest that is none": ('[[release]]\nproduct = "a/b"\nversion = "1"\nsha256 = "beef"', "no SHA-256"),
    "a release without a version": ('[[release]]\nproduct = "a/b"\nchannel = "beta"', "give its version"),
    "a support period without a date": ('[[support]]\nproduct = "a/b"', "nothing that makes it a support"),
    "no product": ('[[release]]\nversion = "1"', "names no product"),
    "two products": ('[[product]]\nproduct = "a/b"\nvendor = "a"\nmodel = "c"', "two things"),
    "a release among products": ('[[product]]\nproduct = "a/b"\nversion = "1"', "belongs under [[release]]"),
    "an unknown table": ('[[product]]\nproduct = "a/b"\n[[version]]\nx = 1', "no table 'version'"),
    "a bad as_of": ('as_of = "soon"\n[[product]]\nproduct = "a/b"', "as_of"),
    "not TOML": ("[[product]]\nx", "not TOML"),
}


@pytest.mark.parametrize(("text", "why"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told(text: str, why: str) -> None:
    [said] = list(unread(read("own", document(text, "x.toml"))))
    assert why in said


def test_a_line_with_a_mistake_leaves_the_others() -> None:
    text = "product,version,comment,ended\na/b,1,x,\na/b,2,y,perhaps\na/b,,,yes\n,3,,\na/b,4,,no,extra\n"
    found = read("csv", document(text, "x.csv"))
    assert [one.version for one in facts(found) if isinstance(one, Release)] == ["1"]
    assert [one.ended for one in facts(found) if isinstance(one, Support)] == [True]
    assert len(unread(found)) == 4


@pytest.mark.parametrize("text", ["product,version,version\na/b,1,2", 'product,version\na/b,"1', 'product,version\na/b,"1"x\n'])
def test_a_table_that_is_broken_is_told(text: str) -> None:
    assert unread(read("csv", document(text, "x.csv")))

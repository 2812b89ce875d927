"""What holds for the order of every scheme, over the corpus and over strings that Hypothesis makes of its pieces."""

from __future__ import annotations

import re
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.versions import Scheme, compare, scheme_for, sort_key, upstream
from plumbline.versions.key import MAX_LENGTH
from tests.versions.test_corpus import PAIRS

KNOWN = {scheme: sorted({version for one, *pair, _ in PAIRS if one is scheme for version in pair}) for scheme in Scheme}
PIECES = {scheme: sorted({piece for version in KNOWN[scheme] for piece in re.findall(r"[0-9]+|[A-Za-z]+|.", version)}) for scheme in Scheme}


@st.composite
def families(draw: st.DrawFn) -> tuple[Scheme, list[str]]:
    """A scheme and versions of it that are alike: known ones, and these with a piece put in, out or elsewhere."""
    scheme = draw(st.sampled_from(list(Scheme)))
    versions = draw(st.lists(st.sampled_from(KNOWN[scheme]), min_size=1, max_size=2))
    for _ in range(draw(st.integers(1, 3))):
        pieces = re.findall(r"[0-9]+|[A-Za-z]+|.", draw(st.sampled_from(versions)))
        place = draw(st.integers(0, len(pieces)))
        pieces[place : place + draw(st.integers(0, 1))] = draw(st.lists(st.sampled_from(PIECES[scheme]), max_size=2))
        versions.append("".join(pieces))
    return scheme, versions


def assert_ordered(scheme: Scheme, versions: list[str]) -> None:
    """Whatever compares is antisymmetric and transitive, and the keys say and sort the same."""
    for a in versions:
        assert compare(a, a, scheme) == (None if sort_key(a, scheme) is None else 0)
    for a, b in permutations(versions, 2):
        order = compare(a, b, scheme)
        one, other = sort_key(a, scheme), sort_key(b, scheme)
        assert compare(b, a, scheme) == (None if order is None else -order)
        if one is None or other is None:
            assert order is None
            continue
        assert one.compare(other) == order
        if order is not None:
            assert (one > other) - (one < other) == order
            assert (one == other) == (order == 0)
            assert one.family == other.family
    for a, b, c in permutations(versions, 3):
        orders = compare(a, b, scheme), compare(b, c, scheme)
        through = compare(a, c, scheme)
        if None not in orders and through is not None:
            assert orders not in ((0, 0), (0, 1), (1, 0), (1, 1)) or through == max(one for one in orders if one is not None)


@pytest.mark.parametrize("scheme", Scheme)
def test_the_corpus_is_ordered(scheme: Scheme) -> None:
    versions = KNOWN[scheme]
    # Triples of hundreds are millions; neighbours in the order of keys are where a slip would show.
    for start in range(0, len(versions), 3):
        assert_ordered(scheme, versions[start : start + 12])
    keyed = sorted((version for version in versions if sort_key(version, scheme)), key=lambda version: sort_key(version, scheme) or 0)
    for start in range(0, len(keyed), 5):
        assert_ordered(scheme, keyed[start : start + 12])


@given(families())
def test_versions_that_are_alike_are_ordered(case: tuple[Scheme, list[str]]) -> None:
    assert_ordered(*case)


@given(st.text(max_size=40), st.text(alphabet="0123456789.-_ vVrRbB()xSP", max_size=30), st.sampled_from(list(Scheme)))
def test_any_text_has_an_order_or_none(a: str, b: str, scheme: Scheme) -> None:
    assert compare(a, b, scheme) in (-1, 0, 1, None)
    assert isinstance(upstream(b, scheme), str)


HOSTILE = {
    "a million characters": "1." * 500_000,
    "a million letters": "a" * 1_000_000,
    "a number of a million digits": "9" * 1_000_000,
    "more digits than int() takes": "1." + "9" * 5000,
    "NUL": "1.0\0",
    "a line's end": "1.0\n",
    "digits of another script": "١.٢.٣",
    "superscript digits": "1.²",
    "full-width digits": "１.０",
    "a zero-width space": "1.0\u200b",
    "a lone surrogate": "1.\ud800",
    "nothing": "",
    "spaces": "   ",
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("scheme", Scheme)
def test_hostile_text_has_no_order(scheme: Scheme, case: str) -> None:
    assert sort_key(HOSTILE[case], scheme) is None
    assert compare(HOSTILE[case], "1.0", scheme) is None
    assert upstream(HOSTILE[case], scheme).strip() in (HOSTILE[case].strip(), "")


LONGEST = [
    "9" * MAX_LENGTH,
    "1." * (MAX_LENGTH // 2) + "1",
    "1.0" + " sp1" * ((MAX_LENGTH - 3) // 4),
    "1.0" + "-a" * ((MAX_LENGTH - 3) // 2),
    "v" * MAX_LENGTH,
    "(" * MAX_LENGTH,
    "abcdef0" * (MAX_LENGTH // 7),
    "1.0" + "~" * (MAX_LENGTH - 3),
    "1_alpha" * (MAX_LENGTH // 7),
    "1" + "_alpha" * ((MAX_LENGTH - 1) // 6),
    "1.0.0-" + "0." * ((MAX_LENGTH - 7) // 2) + "1",
    "1.0-" + "1" * (MAX_LENGTH - 4),
]


@pytest.mark.parametrize("scheme", Scheme)
def test_the_longest_versions_are_read(scheme: Scheme) -> None:
    assert_ordered(scheme, LONGEST)


def test_keys_of_different_schemes_do_not_compare() -> None:
    one, other = sort_key("1.0", Scheme.DEB), sort_key("1.0", Scheme.RPM)
    assert one is not None
    assert other is not None
    assert one.compare(other) is None


NAMES = {
    "dpkg": Scheme.DEB,
    "opkg": Scheme.DEB,
    "Debian:12": Scheme.DEB,
    "Ubuntu:22.04:LTS": Scheme.DEB,
    "rpm": Scheme.RPM,
    "Red Hat:enterprise_linux:9::baseos": Scheme.RPM,
    "apk": Scheme.APK,
    "Alpine:v3.18": Scheme.APK,
    "npm": Scheme.SEMVER,
    "crates.io": Scheme.SEMVER,
    "Go": Scheme.SEMVER,
    "PyPI": Scheme.PEP440,
    "Linux": Scheme.KERNEL,
    "openssl": Scheme.OPENSSL,
    "generic": Scheme.FIRMWARE,
    "Maven": None,
    "NuGet": None,
    "": None,
    ":": None,
}


@pytest.mark.parametrize("name", NAMES)
def test_scheme_of_a_name(name: str) -> None:
    assert scheme_for(name) is NAMES[name]


UPSTREAM = {
    (Scheme.APK, "1.36.1-r15"): "1.36.1",
    (Scheme.APK, "1.2.3_git20200101~abcdef-r0"): "1.2.3_git20200101",
    (Scheme.APK, "1.2-rc1"): "1.2-rc1",
    (Scheme.KERNEL, "5.10.110-rockchip"): "5.10.110",
    (Scheme.KERNEL, "6.1.0-rc3+"): "6.1.0-rc3",
    (Scheme.FIRMWARE, "V15.1 Upd 4"): "V15.1 Upd 4",
    (Scheme.SEMVER, "1.0.0+build"): "1.0.0+build",
}


@pytest.mark.parametrize("case", UPSTREAM, ids=str)
def test_upstream(case: tuple[Scheme, str]) -> None:
    assert upstream(case[1], case[0]) == UPSTREAM[case]

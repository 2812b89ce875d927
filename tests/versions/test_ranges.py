"""Ranges of feeds and vendors: what is read, and what is refused; tests/versions/ranges.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from plumbline.versions import Interval, NotParsedError, Scheme, parse_range, scheme_of_range
from plumbline.versions.ranges import MAX_TEXT

GROUPS = tomllib.loads((Path(__file__).parent / "ranges.toml").read_text())["group"]
READ = [(group.get("scheme"), *words) for group in GROUPS for words in group.get("read", [])]
REFUSED = [(group.get("scheme"), text) for group in GROUPS for text in group.get("refused", [])]


def scheme_named(name: str | None) -> Scheme | None:
    return None if name is None else Scheme(name)


@pytest.mark.parametrize("case", READ, ids=str)
def test_read(case: tuple[str | None, ...]) -> None:
    name, text, *intervals = case
    assert text is not None
    assert [str(interval) for interval in parse_range(text, scheme_named(name))] == intervals


@pytest.mark.parametrize(("name", "text"), REFUSED, ids=str)
def test_refused(name: str | None, text: str) -> None:
    with pytest.raises(NotParsedError) as refusal:
        parse_range(text, scheme_named(name))
    assert str(refusal.value)


def test_the_scheme_of_a_uri_is_its_own() -> None:
    assert scheme_of_range("vers:pypi/<1.0") is Scheme.PEP440
    assert scheme_of_range("vers:all/<V1.0") is None
    assert scheme_of_range("< 1.0") is None
    assert parse_range("vers:pypi/<1.0", Scheme.PEP440) == (Interval(upper="1.0"),)
    with pytest.raises(NotParsedError, match="semver was asked for"):
        parse_range("vers:pypi/<1.0", Scheme.SEMVER)


def test_a_scheme_orders_the_bounds() -> None:
    assert parse_range(">= 1.0.2k, < 1.0.2zh", Scheme.OPENSSL) == (Interval("1.0.2k", True, "1.0.2zh"),)
    assert parse_range(">= 1_0, < 2_0", Scheme.RPM) == (Interval("1_0", True, "2_0"),)
    with pytest.raises(NotParsedError):
        parse_range("< 1.0-18.el8 && x", Scheme.KERNEL)


HOSTILE = {
    "a million characters": "<" + "1." * 500_000,
    "just too long": "<= 1.0 |" * (MAX_TEXT // 8 + 1),
    "as long as it may be, of operators": "<>=" * (MAX_TEXT // 3),
    "as long as it may be, of spaces": "1.0" + " " * (MAX_TEXT - 3),
    "as long as it may be, of one word": "and " * (MAX_TEXT // 4),
    "as long as it may be, of scopes": "all versions " * (MAX_TEXT // 13),
    "more constraints than anybody lists": "|".join(f"{n}.0" for n in range(1, 1500)),
    "a version of many digits": "<" + "9" * 5000,
    "a wildcard of many digits": "<= " + "9" * 300 + ".x",
    "digits of another script": "< ١.٢",
    "NUL": "< 1.0\0",
    "a line's end": "< 1.0\n< 2.0",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_text_is_refused_and_ends(case: str) -> None:
    for scheme in (None, *Scheme):
        for text in (HOSTILE[case], f"vers:deb/{HOSTILE[case]}", f"vers:all/{HOSTILE[case]}"):
            try:
                parse_range(text, scheme)
            except NotParsedError:
                continue
            assert case == "as long as it may be, of spaces"

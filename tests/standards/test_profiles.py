"""Profiles: which provisions an include takes, and what a bad file is told."""

from __future__ import annotations

import re

import pytest

from plumbline.model.errors import InputError, InternalError
from plumbline.model.words import Basis, Severity
from plumbline.standards.loading import load_standards, parse_standard
from plumbline.standards.profiles import Thresholds, find_profile, load_profiles, parse_profile, profile_ids
from tests.standards.test_loading import GOOD as STANDARD

STANDARDS = {name: parse_standard(name, STANDARD) for name in ("one-1", "two-2")}
GOOD = """
title = "A profile"
about = "For a test."
accepts = ["manual", "observed"]

[[include]]
standard = "one-1"

[thresholds]
fail = 1
inconclusive = 2

[severities]
"device.telnet_service" = "critical"
"""


def test_a_file_is_read() -> None:
    profile = parse_profile("p1", GOOD, STANDARDS)
    assert (profile.id, profile.title, profile.about) == ("p1", "A profile", "For a test.")
    assert [one.ref for one in profile.provisions] == ["one-1/A-1(a)", "one-1/A-2"]
    assert profile.thresholds == Thresholds(fail=1, inconclusive=2)
    assert profile.accepts == (Basis.OBSERVED, Basis.MANUAL)
    assert profile.severities == {"device.telnet_service": Severity.CRITICAL}
    assert profile.standards == ("one-1",)


def test_what_a_profile_does_not_say_is_strict_of_numbers_and_open_of_bases() -> None:
    profile = parse_profile("p1", 'title = "A"\nabout = "B"\n[[include]]\nstandard = "one-1"\n', STANDARDS)
    assert (profile.thresholds, profile.accepts, profile.severities) == (Thresholds(0, 0), tuple(Basis), {})


INCLUDES = {
    "all": ("", ["A-1(a)", "A-2"]),
    "a level": ('levels = ["optional"]', ["A-2"]),
    "a provision": ('provisions = ["A-1(a)"]', ["A-1(a)"]),
    "a level and a provision": ('levels = ["optional"]\nprovisions = ["A-1(a)"]', ["A-1(a)", "A-2"]),
    "all but one": ('without = ["A-2"]', ["A-1(a)"]),
    "a level but one": ('levels = ["mandatory", "optional"]\nwithout = ["A-1(a)"]', ["A-2"]),
}


@pytest.mark.parametrize(("lines", "taken"), INCLUDES.values(), ids=INCLUDES)
def test_an_include_takes(lines: str, taken: list[str]) -> None:
    profile = parse_profile("p1", GOOD.replace('standard = "one-1"', f'standard = "one-1"\n{lines}'), STANDARDS)
    assert [one.id for one in profile.provisions] == taken


def test_what_two_includes_take_counts_once() -> None:
    both = '[[include]]\nstandard = "two-2"\n[[include]]\nstandard = "one-1"\nlevels = ["optional"]\n'
    profile = parse_profile("p1", GOOD.replace("[thresholds]", f"{both}[thresholds]"), STANDARDS)
    assert [one.ref for one in profile.provisions] == ["one-1/A-1(a)", "one-1/A-2", "two-2/A-1(a)", "two-2/A-2"]
    assert profile.standards == ("one-1", "two-2")


BAD = {
    "no TOML": ("[thresholds]", "[thresholds", "profile p1.toml: cannot be read as TOML"),
    "an unknown key": ("accepts =", "accept =", "profile p1.toml: accept: unknown key; did you mean accepts?"),
    "no words": ('about = "For a test."\n', "", "about: missing"),
    "a basis that is none": ('"manual"', '"hearsay"', "accepts: 'hearsay' is none of observed, inferred"),
    "nothing accepted": ('["manual", "observed"]', "[]", "accepts: must be a list of texts that is not empty"),
    "a basis twice": ('"manual", ', '"observed", ', "accepts: names one entry twice"),
    "no include": ('[[include]]\nstandard = "one-1"\n', "", "include: must be [[include]] tables"),
    "an include that is no list": ("[[include]]", "[include]", "include: must be [[include]] tables"),
    "an unknown standard": ('"one-1"', '"three-3"', "include[0].standard: no standard 'three-3'; there are one-1, two-2"),
    "a standard that is a list": ('"one-1"', '["one-1"]', "include[0].standard: must be a text"),
    "no standard": ('standard = "one-1"', "", "include[0].standard: missing"),
    "an unknown key of an include": ('"one-1"', '"one-1"\nlevel = ["x"]', "include[0].level: unknown key; did you mean levels?"),
    "an unknown level": ('"one-1"', '"one-1"\nlevels = ["optionel"]', "include[0].levels: one-1 has no 'optionel'; did you mean optional?"),
    "an unknown provision": ('"one-1"', '"one-1"\nprovisions = ["A-3"]', "include[0].provisions: one-1 has no 'A-3'"),
    "an unknown provision left out": ('"one-1"', '"one-1"\nwithout = ["A-3"]', "include[0].without: one-1 has no 'A-3'"),
    "nothing taken": ('"one-1"', '"one-1"\nlevels = ["optional"]\nwithout = ["A-2"]', "include[0]: takes no provision"),
    "an unknown threshold": ("fail = 1", "fails = 1", "thresholds.fails: unknown key; did you mean fail?"),
    "a threshold below nothing": ("fail = 1", "fail = -1", "thresholds.fail: must be a number of provisions"),
    "a threshold that is true": ("fail = 1", "fail = true", "thresholds.fail: must be a number of provisions"),
    "a severity of no check": ('"device.telnet_service"', '"telnet"', 'severities."telnet": is no check\'s id'),
    "a severity that is none": ('"critical"', '"grave"', "severities.device.telnet_service: 'grave' is none of none, low"),
}


@pytest.mark.parametrize(("old", "new", "message"), BAD.values(), ids=BAD)
def test_a_bad_file_names_its_key(old: str, new: str, message: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(InternalError, match=re.escape(message)):
        parse_profile("p1", GOOD.replace(old, new), STANDARDS)


@pytest.mark.parametrize("name", ["one-1", "A profile"])
def test_a_file_has_a_name_of_its_own(name: str) -> None:
    with pytest.raises(InternalError, match="its name: must be"):
        parse_profile(name, GOOD, STANDARDS)


def test_each_standard_is_a_profile_of_all_its_provisions() -> None:
    profiles = load_profiles()
    assert tuple(profiles) == profile_ids()
    for name, standard in load_standards().items():
        profile = profiles[name]
        assert profile.provisions == tuple(standard.provisions.values())
        assert (profile.thresholds, profile.accepts, profile.severities) == (Thresholds(0, 0), tuple(Basis), {})


def test_a_profile_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(InputError, match="no standard or profile 'etsi-mandatry'") as caught:
        find_profile("etsi-mandatry")
    assert caught.value.remedy.startswith("did you mean etsi-mandatory")

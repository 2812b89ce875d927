"""How a provision is answered, and when it applies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plumbline.standards.loading import parse_standard
from plumbline.standards.standard import Provision
from plumbline.standards.ways import Way, applies_when, way
from tests.standards.test_loading import GOOD

STANDARD = parse_standard(
    "s1", GOOD.replace('status = "O"', 'status = "M C F (1, b)"').replace("[conditions]", '[features]\nb = "it snows"\n[conditions]')
)
FIRST, SECOND = STANDARD.provisions.values()
SILENT = replace(FIRST, manual=None)

WAYS = {
    "whole, with checks": (SECOND, True, Way.CHECKS, ""),
    "whole, without checks": (SECOND, False, Way.GAP, "gap"),
    "by hand, with checks": (FIRST, True, Way.CHECKS_HAND, "by hand"),
    "by hand": (FIRST, False, Way.HAND, "by hand"),
    "by hand and by the owner": (replace(FIRST, declare="Is it done?"), False, Way.HAND, "by hand"),
    "by the owner, with checks": (replace(SILENT, declare="Is it done?"), True, Way.CHECKS_OWNER, "ask owner"),
    "by the owner": (replace(SILENT, declare="Is it done?"), False, Way.OWNER, "ask owner"),
    "a gap": (replace(SILENT, gap="Nobody can tell."), False, Way.GAP, "gap"),
    "a gap beside checks": (replace(SILENT, gap="Nobody can tell the rest."), True, Way.GAP, "gap"),
}


@pytest.mark.parametrize(("provision", "checked", "expected", "left"), WAYS.values(), ids=WAYS)
def test_the_way_of(provision: Provision, checked: bool, expected: Way, left: str) -> None:
    assert way(provision, checked) is expected
    assert expected.left == left


def test_letters_and_numbers_of_a_status_are_told_in_words() -> None:
    assert applies_when(STANDARD, FIRST) == ("it rains",)
    assert applies_when(STANDARD, SECOND) == ("it rains", "it snows")
    assert applies_when(STANDARD, replace(FIRST, status="M")) == ()
    assert applies_when(STANDARD, replace(FIRST, status="M C (7)")) == ()

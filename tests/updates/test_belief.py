"""Which claim is believed, and which contradict each other."""

from __future__ import annotations

from datetime import datetime

import pytest

from plumbline.updates.belief import believe
from plumbline.updates.claims import Claim, Method, load_sources
from plumbline.versions import Scheme
from tests.updates.making import DAY, NOW


def claim(method: Method, version: str | None, *, source: str = "", subject: str = "", at: datetime = NOW, of: str | None = None) -> Claim:
    return Claim("a", source or method.value, subject, method, source or method.value, None, version, of, ("t/x#0",), at)


DECLARED, INSIDE, SHOWN, OWN, SERVICE, IMAGE = Method
CASES: dict[str, tuple[list[Claim], tuple[str, ...], bool | None]] = {
    "nothing": ([], (), None),
    "one": ([claim(OWN, "1.0")], ("1.0",), None),
    "two that agree": ([claim(OWN, "1.0"), claim(SERVICE, "v1.0")], ("1.0",), False),
    "seen from inside before its own word": ([claim(OWN, "2.0"), claim(INSIDE, "1.0")], ("1.0",), True),
    "what it shows before its own word": ([claim(OWN, "2.0"), claim(SHOWN, "1.0")], ("1.0",), True),
    "its own word before the service's": ([claim(SERVICE, "2.0"), claim(OWN, "1.0")], ("1.0",), True),
    "equals that differ": ([claim(OWN, "2.0", source="x"), claim(OWN, "1.0", source="y")], ("1.0", "2.0"), True),
    "the more frequent first": (
        [claim(OWN, "1.0", source="x"), claim(OWN, "2.0", source="y"), claim(OWN, "2.0", source="z")],
        ("2.0", "1.0"),
        True,
    ),
    "what cannot be compared is no contradiction, and no agreement": ([claim(OWN, "blue"), claim(SERVICE, "1.0")], ("blue",), None),
    "an image alone": ([claim(IMAGE, "1.0")], ("1.0",), None),
    "an image contradicts nobody": ([claim(IMAGE, "1.0"), claim(OWN, "2.0")], ("2.0",), None),
    "the customer says models, no versions": ([claim(DECLARED, "9.0"), claim(OWN, "1.0")], ("1.0",), None),
    "too old beside the newest": ([claim(OWN, "2.0"), claim(INSIDE, "1.0", at=NOW - 8 * DAY)], ("2.0",), None),
    "a week is not too old": ([claim(OWN, "2.0"), claim(INSIDE, "1.0", at=NOW - 7 * DAY)], ("1.0",), True),
    "of one source the newest": ([claim(OWN, "1.0", at=NOW - DAY), claim(OWN, "2.0")], ("2.0",), None),
    "another product's version": ([claim(INSIDE, "12", of="debian"), claim(OWN, "1.0")], ("1.0",), None),
    "no version": ([claim(OWN, None)], (), None),
}


@pytest.mark.parametrize(("claims", "versions", "conflict"), CASES.values(), ids=CASES)
def test_who_is_believed(claims: list[Claim], versions: tuple[str, ...], conflict: bool | None) -> None:
    for order in (claims, claims[::-1]):
        found = believe(order, Scheme.FIRMWARE)
        assert (found.versions, found.conflict) == (versions, conflict)
        assert (found.conflict_words is not None) == (conflict is True or "blue" in versions)


def test_a_product_that_is_the_devices_own_counts() -> None:
    assert believe([claim(INSIDE, "7.1", of="routeros")], Scheme.FIRMWARE, own=frozenset({"routeros"})).versions == ("7.1",)


def test_every_source_of_claims_says_who_and_what() -> None:
    sources = load_sources()
    for name, source in sources.items():
        assert source.about.endswith("."), name
        assert source.says[0].islower(), name
    assert {source.method for source in sources.values()} == set(Method)

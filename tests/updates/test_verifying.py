"""What closes an update, and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from plumbline.model.errors import InputError
from plumbline.updates.reading import ClaimRow, Device
from plumbline.updates.verifying import Outcome, Promised, promised, verify
from tests.updates.test_planning import NOW, device

AFTER = NOW + timedelta(days=3)
TARGET = Promised(1, "declared:/a", "a", "2.0.1", frozenset({("mac", "02:00:00:00:00:01"), ("ip", "10.0.0.1")}))


def claim(method: str, version: str | None, *, at: Any = AFTER, counts: bool = True) -> ClaimRow:
    return ClaimRow(
        method,
        {"own_word": "its web page", "update_service": "the update service"}.get(method, "its own system"),
        version,
        "firmware",
        at,
        1,
        counts,
    )


def seen(*claims: ClaimRow) -> Device:
    return replace(device("a"), claims=claims)


CASES: dict[str, tuple[Device | None, Outcome, str]] = {
    "seen from inside": (seen(claim("host_evidence", "2.0.1")), Outcome.VERIFIED, "its own system says 2.0.1"),
    "something newer": (seen(claim("fingerprint", "2.1")), Outcome.VERIFIED, "2.1"),
    "its own word alone": (seen(claim("own_word", "2.0.1")), Outcome.SAID, "only its web page says 2.0.1"),
    "the service's word alone": (seen(claim("update_service", "2.0.1")), Outcome.SAID, "only the update service says 2.0.1"),
    "both words": (seen(claim("own_word", "2.0.1"), claim("update_service", "v2.0.1")), Outcome.SAID, "only"),
    "the service says so, and the device not": (
        seen(claim("own_word", "1.4.2"), claim("update_service", "2.0.1")),
        Outcome.CONTRADICTED,
        "the update service says 2.0.1, its web page says 1.4.2",
    ),
    "the older one from inside": (seen(claim("host_evidence", "1.4.2"), claim("own_word", "2.0.1")), Outcome.CONTRADICTED, "1.4.2"),
    "still the older one": (seen(claim("own_word", "1.4.2")), Outcome.NOT_DONE, "1.4.2"),
    "what cannot be compared": (seen(claim("own_word", "blue")), Outcome.UNCLEAR, "blue"),
    "from before the plan": (seen(claim("host_evidence", "2.0.1", at=NOW)), Outcome.NOT_SEEN, "since"),
    "too old beside the others": (seen(claim("host_evidence", "2.0.1", counts=False)), Outcome.NOT_SEEN, "since"),
    "an image of its model": (seen(claim("image", "2.0.1")), Outcome.NOT_SEEN, "since"),
    "nothing": (seen(), Outcome.NOT_SEEN, "since"),
    "gone": (None, Outcome.NOT_SEEN, "not seen again"),
}


@pytest.mark.parametrize(("found", "outcome", "words"), CASES.values(), ids=CASES)
def test_what_closes_an_update(found: Device | None, outcome: Outcome, words: str) -> None:
    [closing] = verify([TARGET], NOW, [found] if found else [])
    assert closing.outcome is outcome
    assert words in closing.words


AGAIN: dict[str, tuple[list[Device], Outcome]] = {
    "by its MAC address": (
        [replace(seen(claim("host_evidence", "2.0.1")), asset="host:/x", identifiers=TARGET.identifiers)],
        Outcome.VERIFIED,
    ),
    "not by its address": (
        [replace(seen(claim("host_evidence", "2.0.1")), asset="host:/x", identifiers=frozenset({("ip", "10.0.0.1")}))],
        Outcome.NOT_SEEN,
    ),
    "not when two have it": (
        [replace(seen(claim("host_evidence", "2.0.1")), asset=f"host:/{n}", identifiers=TARGET.identifiers) for n in range(2)],
        Outcome.NOT_SEEN,
    ),
}


@pytest.mark.parametrize(("devices", "outcome"), AGAIN.values(), ids=AGAIN)
def test_how_a_device_is_known_again(devices: list[Device], outcome: Outcome) -> None:
    [closing] = verify([TARGET], NOW, devices)
    assert closing.outcome is outcome


UNIT = {"asset": "a", "name": "a", "target": "1", "identifiers": [["mac", "x"]]}
GOOD = {"format": 1, "made_at": NOW.isoformat(), "waves": [{"number": 1, "units": [UNIT]}]}
BAD: dict[str, Any] = {
    "a list": [],
    "another format": {**GOOD, "format": 2},
    "no zone": {**GOOD, "made_at": "2026-11-26T12:00:00"},
    "no waves": {**GOOD, "waves": None},
    "a unit without a target": {**GOOD, "waves": [{"number": 1, "units": [{**UNIT, "target": None, "identifiers": 1}]}]},
    "a number of no wave": {**GOOD, "waves": [{"number": float("inf"), "units": [UNIT]}]},
    "a wave that is a text": {**GOOD, "waves": ["x"]},
}


@pytest.mark.parametrize("document", BAD.values(), ids=BAD)
def test_what_is_no_plan_is_refused(document: Any) -> None:
    with pytest.raises(InputError, match="no plan"):
        promised(document)


def test_a_plan_is_read() -> None:
    assert promised(GOOD) == (NOW, (Promised(1, "a", "a", "1", frozenset({("mac", "x")})),))

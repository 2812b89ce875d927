"""When silence stops the audit, who goes first, and who is spared."""

from __future__ import annotations

import pytest

from plumbline.model.errors import NotPermittedError, StoppedError
from plumbline.net.breaker import Breaker, waves
from plumbline.net.stop import StopFlag

CASES = [
    ("the only device", 1, 1),
    ("one of ten", 10, 1),
    ("one of fifty is 2 %", 50, 1),
    ("one of fifty-one is less", 51, 2),
    ("two of a hundred are 2 %", 100, 2),
    ("three of a hundred and one", 101, 3),
    ("three of a thousand, far below 2 %", 1000, 3),
]


@pytest.mark.parametrize(("alive", "trips_at"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_trips(alive: int, trips_at: int) -> None:
    stop = StopFlag()
    breaker = Breaker(stop)
    breaker.expect(f"10.0.0.{n}" for n in range(alive))
    for n in range(trips_at - 1):
        breaker.after(f"10.0.0.{n}", False)
        assert stop.reason is None
    with pytest.raises(StoppedError, match=r"^breaker: "):
        breaker.after(f"10.0.0.{trips_at - 1}", False)
    assert stop.reason is not None
    with pytest.raises(StoppedError):  # everywhere afterwards
        breaker.before("10.0.0.99", True)


def test_a_device_that_never_answered_is_not_gone() -> None:
    breaker = Breaker(StopFlag())
    breaker.before("10.0.0.1", False)
    breaker.after("10.0.0.1", False)
    assert breaker.gone == frozenset()


def test_silent_between_sweep_and_probes_counts() -> None:
    breaker = Breaker(StopFlag())
    breaker.expect(["10.0.0.1"])
    with pytest.raises(StoppedError, match="before its probes began"):
        breaker.before("10.0.0.1", False)


def test_a_device_may_come_back() -> None:
    breaker = Breaker(StopFlag())
    breaker.expect(f"10.0.0.{n}" for n in range(200))
    breaker.after("10.0.0.1", False)
    breaker.after("10.0.0.1", True)
    assert breaker.gone == frozenset()


def test_the_canary_goes_first() -> None:
    models = {"a": "cam", "b": "cam", "c": "plc", "e": "cam"}
    found = waves(["x", "a", "b", "c", "d", "e", "a"], models)
    assert found.canaries == ("a", "c")
    assert found.others == ("x", "b", "d", "e")


def test_a_dead_canary_spares_its_model() -> None:
    breaker = Breaker(StopFlag(), models={"10.0.0.1": "cam", "10.0.0.2": "cam", "10.0.0.3": "plc"})
    breaker.expect(f"10.0.0.{n}" for n in range(200))
    breaker.after("10.0.0.1", False)
    with pytest.raises(NotPermittedError, match=r"10\.0\.0\.1, of the same model") as refused:
        breaker.before("10.0.0.2", True)
    assert refused.value.reason == "stopped"
    breaker.before("10.0.0.3", True)
    breaker.before("10.0.0.4", True)

"""The weights of risk, case by case."""

from __future__ import annotations

import pytest

from plumbline.assess.risk import Exposure, Threat, exposure, risk
from plumbline.model.words import Criticality, Layer


@pytest.mark.parametrize(
    ("name", "score", "criticality", "reach", "expected"),
    [
        ("nothing said is medium", 9.8, None, Exposure.NETWORK, 98),
        ("medium", 9.8, Criticality.MEDIUM, Exposure.NETWORK, 98),
        ("low and local", 9.8, Criticality.LOW, Exposure.LOCAL, 48),
        ("no more than 100", 10.0, Criticality.CRITICAL, Exposure.INTERNET, 100),
        ("no score, no risk", 0.0, Criticality.CRITICAL, Exposure.INTERNET, 0),
        ("a medium flaw on what matters", 5.3, Criticality.CRITICAL, Exposure.INTERNET, 89),
    ],
)
def test_risk(name: str, score: float, criticality: Criticality | None, reach: Exposure, expected: int) -> None:
    assert risk(score, criticality, reach) == expected


@pytest.mark.parametrize(("threat", "expected"), [(Threat.UNKNOWN, 69), (Threat.LIKELY, 82), (Threat.EXPLOITED, 100)], ids=str)
def test_what_is_exploited_goes_first(threat: Threat, expected: int) -> None:
    assert risk(9.8, None, Exposure.LOCAL, threat) == expected


@pytest.mark.parametrize(
    ("layer", "address", "expected"),
    [
        (Layer.CLOUD, None, Exposure.INTERNET),
        (Layer.DEVICE, "10.0.0.5", Exposure.NETWORK),
        (Layer.DEVICE, "127.20.0.5", Exposure.NETWORK),
        (Layer.DEVICE, "fe80::1%eth0", Exposure.NETWORK),
        (Layer.DEVICE, "8.8.8.8", Exposure.INTERNET),
        (Layer.DEVICE, "not an address", Exposure.NETWORK),
        (Layer.FIRMWARE, None, Exposure.LOCAL),
        (Layer.RIG, None, Exposure.NETWORK),
    ],
)
def test_exposure(layer: Layer, address: str | None, expected: Exposure) -> None:
    assert exposure(layer, address) is expected

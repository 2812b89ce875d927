"""How much a finding matters to this owner: CVSS base score, weighed by what the asset is worth, from how far it can be reached, and
whether others are known to exploit it.

    risk = min(100, round(10 * score * criticality * exposure * threat))

    criticality   low 0.7, medium 1.0 (also when the owner did not say), high 1.2, critical 1.4
    exposure      internet 1.2: the cloud layer, and assets with a public address
                  network  1.0: everything else that answers or sends on a network
                  local    0.7: the firmware layer, what stands in an image until a device runs it
    threat        exploited 1.5: what is wrong is known to be exploited (CISA KEV)
                  likely    1.2: it is predicted to be, with a probability of 0.1 or more within 30 days (EPSS)
                  unknown   1.0: everything else, for what nobody reports may be exploited all the same

A check says so by columns `exploited` and `likely`: numbers or lists of vulnerabilities, or true.

Not a CVSS environmental score: those metrics need answers that no rig file gives. The weights are ours, stated so that an owner may
disagree; they order work and never change a verdict.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from enum import StrEnum

from plumbline.model.words import Criticality, Layer


class Exposure(StrEnum):
    """From how far a finding can be reached."""

    LOCAL = "local"
    NETWORK = "network"
    INTERNET = "internet"


class Threat(StrEnum):
    """Whether what a finding is about is exploited by others."""

    UNKNOWN = "unknown"
    LIKELY = "likely"
    EXPLOITED = "exploited"


CRITICALITY_WEIGHT: Mapping[Criticality, float] = {
    Criticality.LOW: 0.7,
    Criticality.MEDIUM: 1.0,
    Criticality.HIGH: 1.2,
    Criticality.CRITICAL: 1.4,
}
EXPOSURE_WEIGHT: Mapping[Exposure, float] = {Exposure.LOCAL: 0.7, Exposure.NETWORK: 1.0, Exposure.INTERNET: 1.2}
THREAT_WEIGHT: Mapping[Threat, float] = {Threat.UNKNOWN: 1.0, Threat.LIKELY: 1.2, Threat.EXPLOITED: 1.5}


def exposure(layer: Layer, address: str | None) -> Exposure:
    """Tell the exposure of a finding of a layer on an asset with an address; None is an asset without one."""
    if layer is Layer.CLOUD or _public(address):
        return Exposure.INTERNET
    return Exposure.LOCAL if layer is Layer.FIRMWARE else Exposure.NETWORK


def risk(score: float, criticality: Criticality | None, reach: Exposure, threat: Threat = Threat.UNKNOWN) -> int:
    """Weigh a base score of 0.0 to 10.0; gives 0 to 100."""
    weight = CRITICALITY_WEIGHT[criticality or Criticality.MEDIUM] * EXPOSURE_WEIGHT[reach] * THREAT_WEIGHT[threat]
    return min(100, round(10 * score * weight))


def _public(address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(address.partition("%")[0]).is_global
    except ValueError:
        return False

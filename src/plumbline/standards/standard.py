"""A standard as a value: its provisions, and how each is tested beside the checks that name it.

Not a judge: which checks name a provision is told by the checks, what became of it by the ledger. Rules: ids are the standard's, words are
ours, as in `standards/<id>.toml`; None means that nothing of the kind is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class AskedOf(StrEnum):
    """Who answers for a provision: each device, each gateway, each cloud service, or the rig as a whole (its owner, its makers)."""

    DEVICE = "device"
    GATEWAY = "gateway"
    CLOUD = "cloud"
    RIG = "rig"


class Field(StrEnum):
    """What a provision is about; wider than the layers of a rig, which are where checks look."""

    DEVICE = "device"
    UPDATE = "update"
    GATEWAY = "gateway"
    CLOUD = "cloud"
    COMMUNICATION = "communication"
    PROCESS = "process"
    DATA = "data"


class Confidence(StrEnum):
    """How well we know what a provision says: read in a source, id read and detail recalled, neither read."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Provision:
    """One numbered requirement.

    `level` is its rank in the standard's own words (mandatory, L2, SL1), `status` the code that the standard prints. `whole`: its checks
    prove it alone. `declare` is a question to the owner, `manual` a test by hand and what passes it, `gap` why neither can tell.
    """

    standard: str
    id: str
    level: str
    status: str
    layer: Field
    title: str
    summary: str
    confidence: Confidence
    per: AskedOf
    whole: bool = False
    declare: str | None = None
    manual: str | None = None
    gap: str | None = None

    @property
    def ref(self) -> str:
        """The id over all standards, `<standard>/<id>`."""
        return f"{self.standard}/{self.id}"


@dataclass(frozen=True, slots=True)
class Standard:
    """One standard in one version. `conditions` and `features` explain the letters and numbers of `status`, where it has them."""

    id: str
    title: str
    version: str
    year: int
    date: str
    publisher: str
    url: str
    licence: str
    confidence: Confidence
    notes: str
    conditions: Mapping[str, str]
    features: Mapping[str, str]
    provisions: Mapping[str, Provision]

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels of its provisions, each once, in the order in which they first stand."""
        return unique(provision.level for provision in self.provisions.values())


def unique(words: Iterable[str]) -> tuple[str, ...]:
    """Keep the first of each word, in order."""
    return tuple(dict.fromkeys(words))

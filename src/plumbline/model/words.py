"""The closed vocabularies. Their order, where there is one, is part of their meaning."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, IntEnum, StrEnum


class Intrusion(IntEnum):
    """How hard an audit may press. A probe runs when its own level is at most the authorised one."""

    PASSIVE = 0  # supplied files only
    QUERY = 1  # reads offered to anyone: banner, one request, one handshake
    SESSION = 2  # several handshakes, subscriptions, sessions
    CREDENTIAL = 3  # factory-default logins, under the budget of law 6

    @classmethod
    def parse(cls, word: str) -> Intrusion:
        """Read one of the four words; raises KeyError for any other."""
        return cls[word.upper()]

    @property
    def word(self) -> str:
        """The word as it stands in a rig file."""
        return self.name.lower()


class Outcome(StrEnum):
    """What became of one attempt to collect, best first: of several attempts the best counts."""

    OK = "ok"
    PARTIAL = "partial"
    REFUSED = "refused"
    PROTOCOL_ERROR = "protocol_error"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    NOT_PERMITTED = "not_permitted"
    NOT_SUPPORTED = "not_supported"
    INTERNAL_ERROR = "internal_error"

    @property
    def rank(self) -> int:
        """0 is best."""
        return list(Outcome).index(self)


class Verdict(StrEnum):
    """What a check says of one subject."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"


def roll_up(verdicts: Iterable[Verdict]) -> Verdict:
    """Fold verdicts into one: fail > inconclusive > pass; `not_applicable` is neutral; an empty set is inconclusive."""
    seen = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE):
        if verdict in seen:
            return verdict
    return Verdict.INCONCLUSIVE


class Basis(StrEnum):
    """What the rows behind a verdict rest on, strongest first: of several the weakest counts."""

    OBSERVED = "observed"  # seen by us: on the wire, in a file, in an export of the system itself
    INFERRED = "inferred"  # derived from other rows
    MANUAL = "manual"  # a person tested or looked, and wrote down what came of it
    IMPORTED = "imported"  # somebody else's tool says so
    DECLARED = "declared"  # the owner says so

    @property
    def rank(self) -> int:
        """0 is strongest."""
        return list(Basis).index(self)


class Layer(StrEnum):
    """Where in the rig a check looks, from the ground up; `rig` joins several."""

    DEVICE = "device"
    FIRMWARE = "firmware"
    UPDATE = "update"
    GATEWAY = "gateway"
    COMMUNICATION = "communication"
    CLOUD = "cloud"
    RIG = "rig"


class DeviceClass(StrEnum):
    """`ot` devices get one connection, one request outstanding, five exchanges a second, and only their own protocol."""

    IT = "it"
    OT = "ot"


class Criticality(StrEnum):
    """What losing an asset would mean to its owner, as the owner says."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Severity(StrEnum):
    """CVSS v3.1 qualitative ratings (specification, section 5), lowest first."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @classmethod
    def of_score(cls, score: float) -> Severity:
        """Rate a base score of 0.0 to 10.0."""
        if score >= 9.0:
            return cls.CRITICAL
        if score >= 7.0:
            return cls.HIGH
        if score >= 4.0:
            return cls.MEDIUM
        return cls.LOW if score > 0.0 else cls.NONE

    @property
    def rank(self) -> int:
        """0 is none, 4 is critical."""
        return list(Severity).index(self)


class Transport(StrEnum):
    """The transport that a subject's prefix names: `tcp/1883`, `udp/5683`."""

    TCP = "tcp"
    UDP = "udp"


class EntityKind(Enum):
    """What a collector can see, by the prefix of its entity."""

    HOST = "host"  # an address that answered, or that the rig file declares
    STATION = "station"  # a sender or receiver in a capture
    CAPTURE = "capture"  # a capture file
    IMAGE = "image"  # a firmware image
    EDGE = "edge"  # a gateway, by its deployment manifest
    HUB = "hub"  # a cloud hub
    IDENTITY = "identity"  # a device identity that a hub knows
    DECLARED = "declared"  # an asset that the rig file names
    NETWORK = "network"  # a network of the rig file
    RIG = "rig"  # the rig itself
    SYSTEM = "system"  # an operating system seen from inside: by a login that the customer gave, or by hostkit
    SBOM = "sbom"  # a bill of materials that the customer supplied
    IMPORT = "import"  # a file with another tool's results, which the customer supplied

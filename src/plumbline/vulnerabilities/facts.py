"""What a feed's record says, as the columns of the reference tables.

    Vulnerability   what it is called, how bad it is
    Affected        one range of versions of one product that it does, or does not, concern
    Exploited       it is known to be exploited (KEV)
    Prediction      how probable exploitation is (EPSS)
    Record          what one record of a feed came to
    Unread          a record, or a piece of one, that was not taken, and why

Not where they are kept (`storing`), and not which of several contradicting statements holds (`matching`). Rules: None means that the
record does not say; texts are cut to TEXT_MAX by the readers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Origin(StrEnum):
    """Who says that a product is affected, the most trusted first."""

    VEX = "vex"  # a statement on exploitability, which somebody gave on purpose for these very components
    CSAF = "csaf"  # the vendor's own advisory
    CNA = "cna"  # whoever numbered the vulnerability, as a rule the vendor
    OSV = "osv"  # the tracker of a distribution or of an ecosystem
    COORDINATOR = "coordinator"  # an advisory on other people's products
    ADP = "adp"  # CISA's enrichment of CVE records
    OVERRIDE = "override"  # a correction of NVD's ranges
    NVD = "nvd"

    @property
    def trust(self) -> int:
        """0 is the most trusted."""
        return list(Origin).index(self)


class Status(StrEnum):
    """What a statement says of the versions that it means: the words of CSAF's product_status."""

    AFFECTED = "known_affected"
    FIXED = "fixed"
    NOT_AFFECTED = "known_not_affected"
    INVESTIGATED = "under_investigation"


class State(StrEnum):
    """What has become of a vulnerability's own record."""

    PUBLISHED = "published"
    DISPUTED = "disputed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"

    @property
    def void(self) -> bool:
        """Whether nothing is vulnerable because of it any more."""
        return self in (State.REJECTED, State.WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vulnerability:
    """One vulnerability, by one record; columns of the reference table `vulnerability`."""

    id: str
    aliases: tuple[str, ...] | None = None
    title: str | None = None
    state: State = State.PUBLISHED
    published_at: datetime | None = None
    modified_at: datetime | None = None
    cvss: str | None = None
    score: float | None = None
    scored_by: str | None = None
    cwes: tuple[str, ...] | None = None
    exploitation: str | None = None
    automatable: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """One statement on one range of versions; columns of the reference table `affected`."""

    vulnerability: str
    origin: Origin
    status: Status
    product: str
    vendor: str | None = None
    purl: str | None = None
    cpe: str | None = None
    namespace: str | None = None
    scheme: str | None = None
    rest: bool = False
    parsed: bool = True
    range_text: str | None = None
    lower: str | None = None
    lower_closed: bool | None = None
    upper: str | None = None
    upper_closed: bool | None = None
    versions: tuple[str, ...] | None = None
    hardware: tuple[str, ...] | None = None
    identifiers: tuple[str, ...] | None = None
    fixed_in: str | None = None
    remedy: str | None = None
    justification: str | None = None
    tlp: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploited:
    """A vulnerability that is known to be exploited; columns of the reference table `exploited`."""

    id: str
    vendor: str | None = None
    product: str | None = None
    added_at: datetime | None = None
    due_at: datetime | None = None
    ransomware: bool | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """How probable exploitation is; columns of the reference table `exploit_prediction`."""

    id: str
    probability: float
    percentile: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one record of a feed came to; `provider` tells sources of one feed apart, '' where there is only one."""

    key: str
    dated_at: datetime | None = None
    provider: str = ""
    vulnerabilities: tuple[Vulnerability, ...] = ()
    affected: tuple[Affected, ...] = ()
    exploited: tuple[Exploited, ...] = ()
    predictions: tuple[Prediction, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """What was not taken: which record of the document ('' is the document itself), and why."""

    where: str
    why: str

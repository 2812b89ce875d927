"""The view-model: everything that a report may print, typed, frozen, and already bounded.

Not how it is read from an OUT folder (`loading`) nor how it looks (`html`, `json`, `csv`). Rules: a list that may be long holds a
sample, and a count of all beside it, so that a report of a thousand assets still opens at once; texts that come from evidence
stand here as they were seen, and each format defends itself against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from plumbline.assess.assessment import FindingReview, ReviewSummary, WaiverSummary
from plumbline.assess.overlay import Overlay, overlay_of
from plumbline.model.words import Layer, Severity
from plumbline.report.currency_data import Currency
from plumbline.report.standards_data import HandTest, ProfileResult, Provision
from plumbline.report.tally import Tally


@dataclass(frozen=True, slots=True)
class Session:
    """One run of a collection; `ended_at` is None when it was killed."""

    bundle: str
    started_at: datetime | None
    ended_at: datetime | None
    complete: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """Which rig, by whose leave, when."""

    rig_id: str
    rig_name: str
    owner: str
    reference: str
    granted_by: str
    valid_from: datetime | None
    valid_until: datetime | None
    intrusion: str
    networks: tuple[str, ...]
    signed_by: str | None
    as_of: datetime
    ledger_digest: str
    version: str
    sessions: tuple[Session, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One value of an evidence row, already text."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One cited row. `excerpt` holds lines of the redacted raw answer; empty when there is none to show, `source` says where it lies.

    A row that was `derived` has no bytes of its own: `made_from` are the first of the `made_from_rows` rows that it was made from.
    """

    row_id: str
    table: str
    table_title: str
    entity: str
    subject: str
    observed_at: datetime | None
    permit: str | None
    raw: str | None
    source: str
    columns: tuple[Column, ...]
    excerpt: tuple[str, ...] = ()
    derived: bool = False
    made_from: tuple[Evidence, ...] = ()
    made_from_rows: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One failed verdict; of `evidence_rows` cited rows the first few are shown.

    `waived` is the id of the waiver that counts for it, `review` the review; severity is the check's own, whatever they say.
    """

    asset: str
    asset_name: str
    subject: str
    severity: Severity
    cvss: str
    message: str
    evidence: tuple[Evidence, ...]
    evidence_rows: int
    waived: str | None = None
    review: FindingReview | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check and what it came to; `findings` is a sample of `tally.failed`."""

    id: str
    layer: Layer
    title: str
    severity: Severity
    score: float
    cvss: str
    proves: str
    pass_proves: str
    recommendation: str
    verify: str
    compensate: str
    effort: str
    provisions: tuple[str, ...]
    tally: Tally
    failed_assets: int
    passed_assets: int
    risk: float
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Advice:
    """How one check's part of an action is verified, and what helps until then."""

    check: str
    title: str
    findings: int
    verify: str
    compensate: str


@dataclass(frozen=True, slots=True)
class Action:
    """One recommendation over all findings that it mends; `assets` is a sample of `assets_count` names."""

    number: int
    recommendation: str
    severity: Severity
    effort: str
    risk: float
    findings: int
    assets_count: int
    assets: tuple[str, ...]
    advice: tuple[Advice, ...]


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier by which an asset is known."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Merge:
    """One entity that is part of an asset, and why."""

    entity: str
    reason: str


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset and what was judged of it, by layer; layers that nothing asked about are absent."""

    id: str
    name: str
    kinds: tuple[str, ...]
    address: str | None
    model: str | None
    device_class: str | None
    criticality: str | None
    safety: bool
    declared: bool
    identifiers: tuple[Identifier, ...]
    merges: tuple[Merge, ...]
    layers: Mapping[Layer, Tally]
    severity: Severity

    @property
    def tally(self) -> Tally:
        """Over all layers."""
        return sum(self.layers.values(), Tally())


@dataclass(frozen=True, slots=True)
class ReasonCheck:
    """One check that gave a reason for not judging; `assets` is a sample of `assets_count` names."""

    check: str
    title: str
    count: int
    assets: tuple[str, ...]
    assets_count: int


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why verdicts are inconclusive, over all checks."""

    word: str
    count: int
    checks: tuple[ReasonCheck, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Attempts to collect that did not come out ok: one table, one outcome, one detail; `entities` is a sample."""

    table: str
    table_title: str
    layer: Layer
    outcome: str
    detail: str
    count: int
    entities: tuple[str, ...]
    entities_count: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """Events of one kind toward one device, summed: `ports` as `tcp/22, tcp/80-81`."""

    event: str
    why: str
    ports: str
    outcome: str
    permit: str
    count: int
    sent_bytes: int
    received_bytes: int


@dataclass(frozen=True, slots=True)
class Contact:
    """What was sent to one device, exactly: every kind of exchange, in the order in which it first happened."""

    entity: str
    address: str
    asset_name: str
    connections: int
    handshakes: int
    requests: int
    datagrams: int
    refused: int
    sent_bytes: int
    received_bytes: int
    first_at: datetime
    last_at: datetime
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True)
class Contacts:
    """All logs together. `chain` says whether the hash chains hold; `refused` counts contacts that the door did not let out.

    `devices` are the busiest of `devices_count`.
    """

    exchanges: int
    refused: int
    sent_bytes: int
    received_bytes: int
    chain: str
    devices: tuple[Contact, ...]
    devices_count: int


@dataclass(frozen=True, slots=True)
class CustomFinding:
    """One thing that is wrong with a custom part."""

    check: str
    title: str
    severity: Severity
    asset_name: str
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class CustomUnjudged:
    """One question about a custom part that was not judged, and the word of its reason."""

    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class CustomPart:
    """A part that the customer had made, and what came of it; each list is a sample of its count.

    `kind` is firmware, module or code, `pieces` its images or what else it is made of, `places` the assets on which it was seen; none: it
    was not. `proven` says what those checks prove that passed and failed nowhere.
    """

    name: str
    kind: str
    pieces: tuple[str, ...]
    pieces_count: int
    places: tuple[str, ...]
    places_count: int
    tally: Tally
    findings: tuple[CustomFinding, ...]
    proven: tuple[str, ...]
    proven_count: int
    unjudged: tuple[CustomUnjudged, ...]
    unjudged_count: int


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest that fixes one input of the assessment."""

    what: str
    value: str


@dataclass(frozen=True, slots=True)
class Link:
    """Assets that one finding of the rig layer ties together, by position in `Report.assets`."""

    title: str
    assets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """An identifier that would have made one asset of several known to be different; it merged nothing."""

    identifier: str
    value: str
    entities: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A whole source (a capture, an image, a hub, a network) of which nothing could be read."""

    entity: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class LayerCount:
    """One layer over the whole rig: its verdicts, and its assets by their worst verdict."""

    layer: Layer
    verdicts: Tally
    assets: Tally


@dataclass(frozen=True, slots=True)
class LayerJoin:
    """How many assets were seen in both of two layers."""

    upper: Layer
    lower: Layer
    assets: int


@dataclass(frozen=True, slots=True)
class Report:
    """One assessment, ready to print. Actions, checks and assets stand in the order of their risk, worst first.

    Counts are over the whole rig; `assets` is a sample of `assets_count`. `sources` are what assets were seen through (captures, networks)
    and have verdicts of their own. `kinds` counts assets and sources by what saw them, `undeclared` hosts that the rig file does not name,
    `failed_assets` those with a finding; `customs` are the first of `customs_count` custom parts. `missing_bundles` were assessed and not
    found, so that their rows are cited but not shown. `taken_back` are provisions on assets ('' is the rig) that conformance.parquet calls
    failed, and that false positives alone failed, by reviews that the report was given. `language` is the code of the language in which
    people are told.
    """

    head: Head
    tally: Tally
    severities: Mapping[Severity, int]
    kinds: Mapping[str, int]
    undeclared: int
    failed_assets: int
    layers: tuple[LayerCount, ...]
    joins: tuple[LayerJoin, ...]
    actions: tuple[Action, ...]
    checks: tuple[CheckResult, ...]
    assets: tuple[Asset, ...]
    assets_count: int
    sources: tuple[Asset, ...]
    conflicts: tuple[Conflict, ...]
    reasons: tuple[Reason, ...]
    unread: tuple[Unread, ...]
    gaps: tuple[Gap, ...]
    gaps_count: int
    attempts: int
    contacts: Contacts
    currency: Currency
    customs: tuple[CustomPart, ...]
    customs_count: int
    provisions: tuple[Provision, ...]
    profiles: tuple[ProfileResult, ...]
    waivers: tuple[WaiverSummary, ...]
    reviews: tuple[ReviewSummary, ...]
    taken_back: tuple[tuple[str, str], ...]
    links: tuple[Link, ...]
    digests: tuple[Digest, ...]
    missing_bundles: tuple[str, ...]
    language: str = "en"
    hand_tests: tuple[HandTest, ...] = ()
    hand_tests_count: int = 0

    @property
    def overlay(self) -> Overlay:
        """Says of any finding in the ledger which waiver and which review count for it; keep it, for it is made anew each time."""
        return overlay_of(self.head.as_of, self.waivers, self.reviews)

"""The assessment as a value and as `assessment.json`: what one judgement of one rig says, bounded so that it always opens at once.

Not how it is made (`run`, `inventory`, `findings`, `tallies`) nor how it looks (reports). Rules: counts are exact; lists that could be
long hold at most the numbers below and stand beside their count; the form is `assessment.schema.json`, which only gains members.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from plumbline.evidence.parts import atomic
from plumbline.model.errors import InputError
from plumbline.model.words import Basis, Criticality, Layer, Severity, Verdict, roll_up

FORMAT = 1
FINDINGS_PER_CHECK = 1_000
ASSETS_LISTED = 5_000
IDENTITIES_LISTED = 1_000  # of hub identities that nothing else in the rig knows
EVIDENCE_LISTED = 20
# `pass`, `class` and `from` are words of Python's.
MEMBER_NAMES: Mapping[str, str] = {"passed": "pass", "device_class": "class", "begins": "from"}
SCHEMA = Path(__file__).with_name("assessment.schema.json")
_PLAIN = frozenset({str, int, float, bool})
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Tally:
    """How many verdicts of each kind; `reasons` splits the inconclusive ones."""

    fail: int = 0
    inconclusive: int = 0
    passed: int = 0
    not_applicable: int = 0
    reasons: Mapping[str, int] | None = None

    @property
    def verdict(self) -> Verdict:
        """The roll-up."""
        counts = {Verdict.FAIL: self.fail, Verdict.INCONCLUSIVE: self.inconclusive, Verdict.PASS: self.passed}
        return roll_up([*(word for word, count in counts.items() if count), *([Verdict.NOT_APPLICABLE] if self.not_applicable else [])])


@dataclass(frozen=True, slots=True)
class Session:
    """One run of a collection that an assessed bundle holds; `ended_at` is None when it was killed."""

    bundle: str
    id: str
    started_at: str
    ended_at: str | None
    complete: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """One entity of an asset, and by which identifier it was merged; both are '' for the entity that the asset is named after."""

    entity: str
    reason: str
    by_kind: str
    by_value: str


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier that an entity of an asset carries."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class AssetSummary:
    """One asset, by what it is known, and what was judged of it by layer; layers that nothing asked about are absent."""

    id: str
    name: str
    kinds: tuple[str, ...]
    address: str | None
    model: str | None
    device_class: str | None
    criticality: Criticality | None
    safety: bool
    declared: bool
    members: tuple[Member, ...]
    identifiers: tuple[Identifier, ...]
    layers: Mapping[Layer, Tally]
    severity: Severity
    risk: int


@dataclass(frozen=True, slots=True)
class ConflictSummary:
    """An identifier that would have made one asset of several known to be different; it merged nothing."""

    identifier: str
    value: str
    entities: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class FindingReview:
    """The review that counts for a finding, by its number; `severity` is what it is rated as, None unless it is."""

    number: int
    action: str
    severity: Severity | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One failed verdict. Of `evidence_rows` cited rows the first EVIDENCE_LISTED are named. `waived` is the id of the waiver that counts.

    Severity and risk are those of the check, whatever a waiver or a review says.
    """

    id: str
    check: str
    asset: str
    asset_name: str
    subject: str
    severity: Severity
    score: float
    cvss: str
    exposure: str
    risk: int
    message: str
    detail: Mapping[str, Any]
    evidence: tuple[str, ...]
    evidence_rows: int
    waived: str | None
    review: FindingReview | None


@dataclass(frozen=True, slots=True)
class WaiverSummary:
    """One waiver, for how many findings it counts, and its state: active, ended, not_yet or unused; `until` is its last second."""

    id: str
    check: str
    asset: str
    subject: str
    owner: str
    reason: str
    begins: datetime
    until: datetime
    state: str
    findings: int


@dataclass(frozen=True, slots=True)
class ReviewSummary:
    """One review, for how many findings it counts, and its state; `finding` is None where patterns say what is meant."""

    number: int
    finding: str | None
    check: str
    asset: str
    subject: str
    action: str
    severity: Severity | None
    who: str
    why: str
    until: datetime | None
    state: str
    findings: int


@dataclass(frozen=True, slots=True)
class CheckSummary:
    """One check and what it came to. `findings` are listed of `tally.fail`; `risk` is the highest of any of its findings."""

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
    subjects: str
    parameters: Mapping[str, Any]
    tally: Tally
    failed_assets: int
    passed_assets: int
    severities: Mapping[Severity, int]
    risk: int
    findings: int


@dataclass(frozen=True, slots=True)
class ProvisionSummary:
    """One provision and what the rule of `conformance` made of it over the rig; never a statement of conformity.

    `tally` counts the verdicts of the `checks` that name it, `assets` the assets by what the provision came to on each: those that are
    `asked`, and others of which a check spoke; None for ledgers too large to count them. `remains` is what is left to do by hand.
    """

    standard: str
    id: str
    title: str
    level: str
    per: str
    whole: bool
    checks: tuple[str, ...]
    tally: Tally
    verdict: Verdict
    reason: str | None
    basis: Basis | None
    asked: int
    assets: Tally | None
    remains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProfileVerdict:
    """What one provision comes to in a profile, whose accepted bases may be fewer than all."""

    provision: str
    verdict: Verdict
    reason: str | None


@dataclass(frozen=True, slots=True)
class ProfileThresholds:
    """How many provisions may at most be failed, and how many inconclusive."""

    fail: int
    inconclusive: int


@dataclass(frozen=True, slots=True)
class ProfileSummary:
    """A named set of provisions against its thresholds; `within` is None where what is inconclusive could still decide it.

    `severities` counts the findings of the checks that name its provisions, as this profile rates those checks.
    """

    id: str
    title: str
    accepts: tuple[Basis, ...]
    thresholds: ProfileThresholds
    counts: Tally
    within: bool | None
    severities: Mapping[Severity, int]
    provisions: tuple[ProfileVerdict, ...]


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """One layer over the whole rig; `assets` counts its assets by their roll-up, None for ledgers too large to count them."""

    layer: Layer
    tally: Tally
    assets: Tally | None


@dataclass(frozen=True, slots=True)
class Action:
    """One recommendation over all findings that it mends, `assets` exact and `names` the first of them."""

    recommendation: str
    effort: str
    severity: Severity
    risk: int
    checks: tuple[str, ...]
    findings: int
    assets: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A source of which nothing could be read (a network, or a file that was supplied), and the worst outcome.

    `entity` is that of the source; for what is about the rig as a whole the file, or the table that its files should have filled.
    """

    entity: str
    outcome: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one judgement says of one rig.

    `severities` counts all findings, `standing` those that count for `--fail-on`: without what is waived or a false positive, and each as a
    review rates it.
    """

    plumbline: str
    rig: Mapping[str, Any]
    authorisation: Mapping[str, Any]
    as_of: datetime
    sessions: tuple[Session, ...]
    bundles: Mapping[str, str]
    checks_digest: str
    parameters_digest: str
    reference: Mapping[str, str]
    ledger_digest: str
    ledger_rows: int
    counts: Tally
    severities: Mapping[Severity, int]
    standing: Mapping[Severity, int]
    assets_count: int
    kinds: Mapping[str, int]
    failed_assets: int
    assets: tuple[AssetSummary, ...]
    conflicts: tuple[ConflictSummary, ...]
    checks: tuple[CheckSummary, ...]
    findings: tuple[Finding, ...]
    provisions: tuple[ProvisionSummary, ...]
    profiles: tuple[ProfileSummary, ...]
    layers: tuple[LayerSummary, ...]
    actions: tuple[Action, ...]
    waivers: tuple[WaiverSummary, ...]
    reviews: tuple[ReviewSummary, ...]
    unjudged_sources: tuple[Unjudged, ...]

    @property
    def complete(self) -> bool:
        """Every session ran to its end and no source went unjudged."""
        return all(session.complete for session in self.sessions) and not self.unjudged_sources

    def to_json(self) -> dict[str, Any]:
        """Give the assessment as plain values, in the form of `assessment.schema.json`."""
        return {"format": FORMAT, **plain(self)}

    def write(self, path: Path) -> None:
        """Write it as JSON, whole or not at all: each member on a line of its own, and so each item of a list."""
        with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
            for number, (name, value) in enumerate(self.to_json().items()):
                file.write(f"{',' if number else '{'}\n{_ENCODE(name)}: {_laid_out(value)}")
            file.write("\n}\n")


def read_json(out: Path) -> dict[str, Any]:
    """Read OUT/assessment.json as plain values; raises InputError when it is none of ours."""
    path = out / "assessment.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError("holds no assessment", where=str(out), remedy="name the folder that `assess` wrote") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path), remedy="assess the bundle again") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(f"not an assessment of format {FORMAT}", where=str(path), remedy="assess the bundle again")
    return data


def _laid_out(value: Any) -> str:
    # The standard library indents in Python, many times slower than it encodes a line in C.
    if not isinstance(value, list) or not value:
        return _ENCODE(value)
    lines = ",\n".join(map(_ENCODE, value))
    return f"[\n{lines}\n]"


def plain(value: Any) -> Any:
    """Give a value, as deep as it goes, as JSON has it."""
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if (members := _members(value.__class__)) is not None:
        return {member: plain(getattr(value, name)) for name, member in members}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value


@cache
def _members(of: type) -> tuple[tuple[str, str], ...] | None:
    """The fields of a dataclass, each with what it is called in JSON; None of any other type."""
    return tuple((field.name, MEMBER_NAMES.get(field.name, field.name)) for field in fields(of)) if is_dataclass(of) else None

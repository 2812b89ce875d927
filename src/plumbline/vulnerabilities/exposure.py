"""What the matches of one component come to: counts, the worst, the most urgent, what mends all.

Pure. Not the matches (`matching`). Rules: open is what it has with high or medium confidence; unsure is the rest that is not settled; a
score that is not known is no low score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plumbline.versions import Scheme, compare
from plumbline.vulnerabilities.identity import Component, alias_of
from plumbline.vulnerabilities.matching import Confidence, Finding, Match
from plumbline.vulnerabilities.statement import first
from plumbline.vulnerabilities.threats import Threat

HIGH = 7.0  # CVSS v3.1 specification, section 5
LIKELY = 0.1  # of EPSS: a few in a hundred vulnerabilities have as much, and most of those that are exploited
LISTED_MAX = 20
WORST_SCORE = 10.0


@dataclass(frozen=True, slots=True)
class Known:
    """Whether a list of exploited vulnerabilities, and predictions of exploitation, were imported; else nothing is known of either."""

    exploited: bool
    predictions: bool


@dataclass(frozen=True, slots=True)
class Exposure:
    """Columns of the table `component_exposure` of one component."""

    open: int = 0
    open_high: int = 0
    unscored: int = 0
    exploited: int | None = None
    likely: int | None = None
    low_confidence: int = 0
    undecided: int = 0
    unsure_score: float | None = None
    unsure_exploited: int | None = None
    settled: int = 0
    worst: str | None = None
    worst_score: float | None = None
    worst_cvss: str | None = None
    worst_exploited_cvss: str | None = None
    urgent: tuple[str, ...] = ()
    exploited_ids: tuple[str, ...] | None = None
    mended_by: str | None = None


def exposure_of(component: Component, matches: Sequence[Match], threats: Mapping[str, Threat], known: Known) -> Exposure:
    """Sum up a component's matches."""
    has = [match for match in matches if match.status is Finding.AFFECTED]
    sure = [match for match in has if match.confidence is not Confidence.LOW]
    undecided = [match for match in matches if match.status not in (Finding.AFFECTED, Finding.FIXED, Finding.NOT_AFFECTED)]
    low = [match for match in has if match.confidence is Confidence.LOW]
    held = [threats[match.vulnerability] for match in sure]
    doubtful = [threats[match.vulnerability] for match in (*low, *undecided)]
    ordered = sorted(held, key=lambda threat: threat.urgency)
    worst = _worst(held)
    exploited = [threat for threat in ordered if threat.exploited]
    return Exposure(
        open=len(sure),
        open_high=sum(threat.score is not None and threat.score >= HIGH for threat in held),
        unscored=sum(threat.score is None for threat in held),
        exploited=len(exploited) if known.exploited else None,
        likely=sum((threat.epss or 0.0) >= LIKELY for threat in held) if known.predictions else None,
        low_confidence=len(low),
        undecided=len(undecided),
        unsure_score=max((WORST_SCORE if threat.score is None else threat.score for threat in doubtful), default=None),
        unsure_exploited=sum(bool(threat.exploited) for threat in doubtful) if known.exploited else None,
        settled=sum(match.status.settled for match in matches),
        worst=worst.id if worst else None,
        worst_score=worst.score if worst else None,
        worst_cvss=worst.cvss if worst else None,
        worst_exploited_cvss=next((threat.cvss for threat in [_worst(exploited)] if threat is not None), None),
        urgent=tuple(threat.id for threat in ordered[:LISTED_MAX]),
        exploited_ids=tuple(threat.id for threat in exploited[:LISTED_MAX]) if known.exploited else None,
        mended_by=_mended_by(component, sure),
    )


def _worst(threats: Sequence[Threat]) -> Threat | None:
    return min(threats, key=lambda threat: (-(threat.score or 0.0), threat.urgency), default=None)


def _mended_by(component: Component, matches: Sequence[Match]) -> str | None:
    """Give the first version that mends all; None when one is mended by none, or two cannot be compared."""
    highest: str | None = None
    alias = alias_of(component)
    schemes = (None if component.packaged or alias is None else alias.scheme, component.package_scheme, Scheme.FIRMWARE)
    for match in matches:
        if match.fixed_in is None:
            return None
        if highest is None:
            highest = match.fixed_in
            continue
        order = first(compare(match.fixed_in, highest, scheme) for scheme in schemes if scheme is not None)
        if order is None:
            return None
        highest = match.fixed_in if order > 0 else highest
    return highest

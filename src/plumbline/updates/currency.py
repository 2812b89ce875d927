"""Whether one device is up to date: its claims held against the catalogue; pure but for what `Knowledge` has read.

    Currency    one row of the table `currency`

| what is claimed of the model | product |
|---|---|
| the customer declares one | that, and no other: a device that says something else is not judged by it |
| otherwise | by the most independent claim that names one product of the catalogue |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from plumbline.updates.belief import Belief, believe
from plumbline.updates.claims import Claim, Method
from plumbline.updates.judging import Judgement, Reason, State, stated
from plumbline.updates.knowledge import Knowledge
from plumbline.updates.support import scheme
from plumbline.versions import Scheme

SOURCES_LISTED = 20
NAMES_LISTED = 50
REMEDY_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Identified:
    """Which product a device is: the model that was looked for, and the product of the catalogue, or why there is none."""

    model: str | None
    product: str | None
    reason: Reason | None
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Currency:
    """What is known of one device."""

    asset: str
    identified: Identified
    belief: Belief
    judgement: Judgement

    @property
    def sources(self) -> tuple[str, ...]:
        """Ids of the rows that say what it is and what it runs."""
        rows = (row for claim in (*self.identified.claims, *self.belief.counted) for row in claim.sources)
        return tuple(dict.fromkeys(rows))[:SOURCES_LISTED]


def identify(claims: Sequence[Claim], knowledge: Knowledge) -> Identified:
    """Find which product a device is."""
    named = [claim for claim in claims if claim.model]
    if not named:
        return Identified(None, None, Reason.NO_MODEL)
    first: Identified | None = None
    for trust in sorted({claim.method.trust for claim in named}, reverse=True):
        level = [claim for claim in named if claim.method.trust == trust]
        found = _level(level, knowledge)
        if found.product is not None or found.reason is Reason.PRODUCT_AMBIGUOUS or level[0].method is Method.DECLARED:
            return found
        first = first or found
    return first or Identified(None, None, Reason.NO_MODEL)


def _level(claims: Sequence[Claim], knowledge: Knowledge) -> Identified:
    """Look up what equally independent claims name."""
    resolved = {claim.model: knowledge.resolve(claim.model or "") for claim in claims}
    products = {found.product for found in resolved.values() if found.product is not None}
    model = next((name for name, found in resolved.items() if found.product is not None), claims[0].model)
    named = tuple(claim for claim in claims if claim.model == model)
    if len(products) == 1:
        return Identified(model, next(iter(products)), None, named)
    ambiguous = products or any(found.candidates for found in resolved.values())
    return Identified(model, None, Reason.PRODUCT_AMBIGUOUS if ambiguous else Reason.PRODUCT_UNKNOWN, named)


def currency(asset: str, claims: Sequence[Claim], knowledge: Knowledge) -> Currency:
    """Judge one device; its product must have been loaded into the knowledge."""
    identified = identify(claims, knowledge)
    if identified.product is None:
        belief = believe(claims, Scheme.FIRMWARE)
        return Currency(asset, identified, belief, Judgement(reason=identified.reason))
    known = knowledge.known(identified.product)
    same = {identified.product, *known.with_}
    own = frozenset(claim.of for claim in claims if claim.of is not None and knowledge.resolve(claim.of).product in same)
    belief = believe(claims, scheme(known), own=own)
    return Currency(asset, identified, belief, _believed(knowledge.judge(identified.product, belief.versions), belief))


def _believed(judgement: Judgement, belief: Belief) -> Judgement:
    """Take from a judgement what the claims do not bear."""
    if belief.method is Method.IMAGE:
        unknown = replace(judgement, behind=None, newer=None, retracted=None, vulnerable=None, affliction=None, reason=Reason.IMAGE_ONLY)
        return stated(replace(unknown, unsupported=None))
    if judgement.state is State.CURRENT and belief.conflict_words is not None:
        return replace(judgement, state=State.UNKNOWN, reason=Reason.DISAGREE)
    return judgement


def words(one: Currency, knowledge: Knowledge) -> str:
    """Say the state in a sentence."""
    judgement = one.judgement
    if judgement.reason is not None:
        return _unknown(one)
    runs = f"runs {one.belief.words or 'a version that nobody says'}"
    if judgement.state is State.CURRENT:
        return f"{runs}, the newest release"
    said = [runs]
    if judgement.retracted:
        said.append("which its maker took back")
    if judgement.vulnerable and judgement.affliction is not None:
        count, exploited = len(judgement.affliction.open), len(judgement.affliction.exploited)
        more = f" ({exploited} exploited)" if exploited else ""
        said.append(f"which has {count} known {'vulnerability' if count == 1 else 'vulnerabilities'}{more}")
        if judgement.affliction.fixed_in is not None:
            said.append(f"mended in {judgement.affliction.fixed_in}")
    if judgement.unsupported:
        said.append(f"whose support ended{f' on {judgement.support_ends_at:%Y-%m-%d}' if judgement.support_ends_at else ''}")
    return ", ".join(said) + (f"; {_behind(judgement, knowledge)}" if judgement.behind else "")


def _behind(judgement: Judgement, knowledge: Knowledge) -> str:
    newest = f"{judgement.latest_version} is the newest release" if judgement.latest_version else "there are newer releases"
    days = judgement.days_behind(knowledge.context.as_of)
    return newest if days is None else f"{newest}, and something newer has been out for {days} {'day' if days == 1 else 'days'}"


def _unknown(one: Currency) -> str:
    model, installed, latest = one.identified.model, one.belief.words, one.judgement.latest_version
    sentences = {
        Reason.NO_MODEL: "nothing says which model it is",
        Reason.PRODUCT_UNKNOWN: f"the catalogue knows no {model}",
        Reason.PRODUCT_AMBIGUOUS: f"{model} may be several products of the catalogue",
        Reason.NO_VERSION: "nothing says which version it runs",
        Reason.NO_RELEASES: f"the catalogue has no releases of {one.identified.product}",
        Reason.REFUSED: f"records of the catalogue were refused, so that something newer than {installed} may be missing",
        Reason.STALE: f"the catalogue is too old to say that nothing newer than {installed} came",
        Reason.NOT_COMPARABLE: f"{installed} cannot be compared with the releases of the catalogue",
        Reason.ORDER: f"the order of the releases around {installed} is in doubt",
        Reason.NEWER: f"{installed} is newer than every release of the catalogue{f', whose newest is {latest}' if latest else ''}",
        Reason.HARDWARE: "releases differ by hardware revision, and nothing says which it has",
        Reason.DISAGREE: f"claims disagree: {one.belief.conflict_words}",
        Reason.NOT_JUDGED: "the fleet has more versions than are judged",
        Reason.IMAGE_ONLY: f"only a supplied image says {installed}; nothing says what this device runs",
    }
    return sentences[one.judgement.reason or Reason.NOT_COMPARABLE]


def row(one: Currency, entity: str, served_as: Sequence[str] | None, knowledge: Knowledge) -> dict[str, Any]:
    """Give the columns of the table `currency`; `served_as` is what update services call the device."""
    judgement, belief = one.judgement, one.belief
    affliction = judgement.affliction
    known = knowledge.known(one.identified.product) if one.identified.product else None
    catalogue = sorted({fact.source for fact in known.releases} | {fact.source for fact in known.supports}) if known else []
    return {
        "entity": entity,
        "subject": "",
        "state": judgement.state.value,
        "reason": judgement.reason.value if judgement.reason else None,
        "words": words(one, knowledge),
        "model": one.identified.model,
        "product": one.identified.product,
        "device_class": next((fact.device_class for fact in known.products if fact.device_class), None) if known else None,
        "installed": belief.words,
        "believed_by": belief.method.value if belief.method else None,
        "claims": len(belief.counted),
        "conflict": belief.conflict,
        "conflict_words": belief.conflict_words,
        "latest": judgement.latest_version,
        "latest_at": judgement.latest_at,
        "behind": judgement.behind,
        "releases_behind": judgement.releases_behind,
        "days_behind": judgement.days_behind(knowledge.context.as_of),
        "retracted": judgement.retracted,
        "unsupported": judgement.unsupported,
        "support_ends_at": judgement.support_ends_at,
        "vulnerable": judgement.vulnerable,
        "advisories": list(affliction.open[:NAMES_LISTED]) if affliction else None,
        "exploited": list(affliction.exploited[:NAMES_LISTED]) if affliction else None,
        "unsure_advisories": list(affliction.unsure[:NAMES_LISTED]) if affliction else None,
        "fixed_in": affliction.fixed_in if affliction else None,
        "remedies": [text[:REMEDY_LENGTH] for text in affliction.remedies] if affliction else None,
        "cvss": affliction.cvss if affliction else None,
        "fix_at": judgement.fix_at,
        "served_as": served_as,
        "catalogue": catalogue or None,
        "catalogue_as_of": judgement.as_of,
        "sources": list(one.sources),
    }
